//! The binary under test and what stands around it.

mod admin;
mod application;
mod certificates;
mod far_end;
mod ledger;
mod metadata;
mod ministack;
mod otlp;
mod program;
mod weir;

use std::time::Duration;

pub(crate) use admin::get as page;
pub(crate) use application::Application;
pub(crate) use certificates::{Issued, issued};
pub(crate) use far_end::{FarEnd, Stored};
pub(crate) use ledger::{Ledger, Row};
pub(crate) use metadata::{Asked, Service, instance};
pub(crate) use ministack::Ministack;
pub(crate) use otlp::{Increment, Sender, gauge, increments, request, text};
pub(crate) use program::{Ended, Program};
pub(crate) use weir::{Weir, address, config_file};

/// What takes longer than this has failed. Everything that waits in these tests waits for an event; this is for the event
/// that never comes.
pub(crate) const LIMIT: Duration = Duration::from_secs(40);

/// Waits for `event` no longer than [`LIMIT`].
pub(crate) async fn within<T>(what: &str, event: impl Future<Output = T>) -> T {
    let in_time = tokio::time::timeout(LIMIT, event).await;
    in_time.unwrap_or_else(|_| panic!("{what}: not within {LIMIT:?}"))
}

/// Asks again and again, until there is an answer.
pub(crate) async fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let mut often = tokio::time::interval(Duration::from_millis(20));
    within(what, async {
        loop {
            often.tick().await;
            if let Some(answer) = ask() {
                return answer;
            }
        }
    })
    .await
}

/// The time on the wall, in nanoseconds since the epoch.
pub(crate) fn now() -> u64 {
    weir_core::Clock::system().now().0
}

/// Nanoseconds in a second.
pub(crate) const SECOND: u64 = 1_000_000_000;
