//! `delta`: turns counters that only grow (cumulative, monotonic sums) into what was added since the last point.
//!
//! CloudWatch adds up what it is sent, so a counter's running total must become increments on the way. Everything else passes as it
//! is: gauges, deltas, sums that may fall, summaries, and for now histograms of either kind.
//!
//! ```yaml
//! processors:
//!   delta:
//!     initial_value: auto
//!     max_staleness: 1h
//! ```
//!
//! Before, a counter `requests` that began at 12:00:00, read every minute, with a restart of its process at 12:02:20:
//!
//! | time | 12:01 | 12:02 | 12:03 | 12:04 |
//! | --- | --- | --- | --- | --- |
//! | start, value | 12:00:00, 10 | 12:00:00, 25 | 12:02:20, 4 | 12:02:20, 9 |
//! | after: start, value | 12:00:00, 10 | 12:01:00, 15 | 12:02:20, 4 | 12:03:00, 5 |
//!
//! The rules, by the OpenTelemetry metrics data model:
//!
//! - **The first point of a stream** is decided by `initial_value`. `auto` passes it on if its start is stated and Weir has known every
//!   stream since then: nothing real is lost, nothing old counted. Otherwise, and with `drop`, the next delta counts from it
//!   (the ledger shows it as merged, since it is part of that delta); `keep` always passes it on.
//!   A start that is missing, or equal to the point's own time, is not stated.
//! - **A reset** is a value below the last one, or a stated start that is newer than the last start and not before the last point. All that
//!   was counted after it goes on, from the start or the last point, whichever is later. A start that wavers while the value goes on
//!   growing is no reset.
//! - **A point not after the last one** is dropped and changes nothing: `{duplicate}` at the same time, `{out_of_order}` before it.
//! - **No number to count**: `{no_recorded_value}`, `{not_finite}`, `{negative}`; dropped, and the stream goes on.
//! - Integers stay exact; a counter may change between integers and doubles.
//! - A stream of which nothing was taken in for `max_staleness` is forgotten, so a sender whose clock jumped back is heard again after
//!   that time. Over `max_series` streams, points of new ones are dropped `{series_cap}`.
//!
//! A stream stays itself when stages before this one rename it (R2). A reload hands what is remembered to the successor (R7).
//! Deltas of one stream must pass one Weir: behind several replicas each sees a part of the points.
mod config;
mod convert;
mod counter;
mod streams;

use weir_core::{Context, Factory, Processor, ProcessorFactory, Reason, State};

pub use config::{Config, InitialValue};

/// Points that are older than the last one of their stream.
pub const OUT_OF_ORDER: Reason = Reason("out_of_order");
/// Points of the same time as the last one of their stream.
pub const DUPLICATE: Reason = Reason("duplicate");
/// Points with a negative value of a counter that only grows: it begins at zero.
pub const NEGATIVE: Reason = Reason("negative");

/// Makes `delta` processors.
#[derive(Clone, Copy, Debug)]
pub struct Delta;

impl Factory for Delta {
    type Config = Config;
    const TYPE: &'static str = "delta";
    const ALIASES: &'static [&'static str] = &["cumulativetodelta", "cumulative_to_delta"];
    const SUMMARY: &'static str = "turns counters that only grow into what was added since the last point";
}

impl ProcessorFactory for Delta {
    fn build(config: Config, context: Context, prior: Option<State>) -> Box<dyn Processor> {
        Box::new(convert::Converter::new(config, context, prior))
    }
}

#[cfg(test)]
mod tests;
