//! `prometheus`: scrapes targets that expose metrics in one of Prometheus's formats. Whoever has `scrape_configs` pastes them.
//!
//! # Layout
//! - [`config`]: Prometheus's keys; [`relabel`]: what targets and series are called;
//! - `discovery`: where targets come from; `identity`: from what was discovered to a target;
//! - `receiver`: which targets there are, and when each is scraped (`schedule`); `targets`: the table of `/targets`;
//! - `scrape`: one scrape; `client`: how servers are asked; [`ingest`]: from a body to points.
//!
//! # Invariants
//!
//! * Each target is scraped at its own offset in its interval, whatever the others do, and never twice at a time.
//! * A body is read as it comes: what is kept of it is its points.
//! * A scrape counts whole or not at all, and why it failed has a word, a line in the log and a row in `/targets`.

mod client;
pub mod config;
mod discovery;
mod files;
mod identity;
pub mod ingest;
mod receiver;
pub mod relabel;
mod schedule;
mod scrape;
mod targets;

#[cfg(test)]
mod tests;

use std::{future::Future, time::Duration};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use weir_core::{Clock, Context, Factory, Receiver, ReceiverFactory};

pub use config::PrometheusConfig;

/// What the receiver calls itself to servers.
const AGENT: &str = concat!("weir/", env!("CARGO_PKG_VERSION"));
/// What a form leaves as it is.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Makes `prometheus` receivers.
#[derive(Debug)]
pub struct Prometheus;

impl Factory for Prometheus {
    type Config = PrometheusConfig;
    const TYPE: &'static str = "prometheus";
    const SUMMARY: &'static str = "scrapes targets in Prometheus's formats, as `scrape_configs` say";
}

impl ReceiverFactory for Prometheus {
    fn build(config: PrometheusConfig, context: Context) -> Box<dyn Receiver> {
        Box::new(receiver::PrometheusReceiver::new(config, context))
    }
}

/// `text` as forms and queries write it, where a space is `+`.
fn of_form(text: &str) -> String {
    utf8_percent_encode(text, FORM).to_string().replace("%20", "+")
}

/// What comes of `future` within `time`; `None` if nothing does.
async fn within<F: Future>(clock: &Clock, time: Duration, future: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = clock.sleep(time) => None,
    }
}
