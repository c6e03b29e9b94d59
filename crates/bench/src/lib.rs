//! Load for a whole Weir, and peers that count what arrives: for `cargo xtask bench scenarios` and the tests of
//! `tests/load`. No part of what is shipped.
//!
//! # Layout
//!
//! * [`payload`]: OTLP requests, encoded once; a round later only times and values are written anew, in place;
//! * [`client`]: one connection that speaks OTLP, as plain as a client can be;
//! * [`load`]: many connections that send until everything is taken, and what they saw;
//! * [`sink`]: a CloudWatch that keeps no more than counts, by series; [`floor`]: an OTLP server that reads and forgets;
//! * [`process`]: the process under test: its start, its memory, its CPU time, its end;
//! * [`scenario`]: what is measured of OTLP, and how; [`start`]: an idle process and its first point; [`pods`]: a node full of pods;
//! * [`scrape`]: what is measured of scrapes; [`targets`]: the servers that are scraped; [`pages`]: what they say.
//!
//! # What keeps the figures honest
//!
//! * The generator's CPU time is its own, and small beside that of what it drives: bytes are encoded and compressed before
//!   the clock runs.
//! * Nothing here shares code with Weir: the sink decodes CBOR for itself, and every run compares points and sums that it
//!   counted with those that were sent.

pub mod client;
pub mod floor;
pub mod load;
pub mod pages;
pub mod payload;
pub mod pods;
pub mod process;
pub mod scenario;
pub mod scrape;
pub mod sink;
pub mod start;
pub mod targets;

mod server;

use std::time::{Duration, Instant};

/// What can go wrong around a run. All of it ends the run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A socket, a file or a process.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// HTTP itself failed.
    #[error("http: {0}")]
    Http(#[from] hyper::Error),
    /// The process under test did not do what it must.
    #[error("{0}")]
    Process(String),
    /// What arrived is not what was sent.
    #[error("{0}")]
    Count(String),
}

impl Error {
    fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// The clock of measurements.
#[allow(clippy::disallowed_methods, reason = "measures; no point of Weir takes its time from here")]
fn instant() -> Instant {
    Instant::now()
}

/// Nanoseconds since the epoch.
#[allow(clippy::disallowed_methods, reason = "points of a load carry the time of the wall")]
pub fn unix_nanos() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    nanos(since)
}

fn nanos(of: Duration) -> u64 {
    u64::try_from(of.as_nanos()).unwrap_or(u64::MAX)
}

/// The time that so many of a hundred, `sorted`, stay within.
pub fn percentile(sorted: &[Duration], p: f64) -> Duration {
    let rank = (sorted.len() as f64 * p / 100.0).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}
