//! `delta`: turns counters that only grow (cumulative sums and histograms) into what was added since the last point.
//!
//! CloudWatch adds up what it is sent, so a running total must become increments on the way. It acts on cumulative monotonic sums, and on
//! cumulative histograms of either kind. Everything else passes as it is: gauges, deltas, sums that may fall, summaries.
//! `docs/components/delta.md` has examples that a test runs.
//!
//! The rules, by the OpenTelemetry metrics data model, the same for every kind:
//!
//! - **The first point of a stream** is decided by `initial_value`. `auto` passes it on if its start is stated and Weir has known every
//!   stream since then: nothing real is lost, nothing old counted. Otherwise, and with `drop`, the next delta counts from it
//!   (the ledger shows it as merged, since it is part of that delta); `keep` always passes it on.
//!   A start that is missing, or equal to the point's own time, is not stated.
//! - **A reset** is a value, a count or a bucket below the last one, or a stated start that is newer than the last start and not before the
//!   last point. All that was counted after it goes on, from the start or the last point, whichever is later. A start that wavers while
//!   the value goes on growing is no reset.
//! - **A point not after the last one** is dropped and changes nothing: `{duplicate}` at the same time, `{out_of_order}` before it.
//! - **No number to count**: `{no_recorded_value}`, `{not_finite}`, `{negative}`, `{bad_histogram}`; dropped, and the stream goes on.
//! - Integers stay exact; a counter may change between integers and doubles.
//! - **Histograms** lose minimum and maximum, which are of the whole sequence. Other bounds are a reset, said once. Between two scales of
//!   an exponential histogram the delta is known at the lower one.
//! - A stream of which nothing was taken in for `max_staleness` is forgotten, so a sender whose clock jumped back is heard again after
//!   that time. Over `max_series` streams, points of new ones are dropped `{series_cap}`.
//!
//! A stream stays itself when stages before this one rename it (R2). A reload hands what is remembered to the successor (R7), and a
//! `storage` to the next process (`durable` says what that is worth). Deltas of one stream must pass one Weir: behind several replicas
//! each sees a part of the points.
//!
//! # Layout
//! - `convert`: the stage. `routes`: from a counter to the series of its deltas. `sequence`: the order of points, and what the rules need of one. `number`, `explicit`, `exponential`: kinds.
//! - `streams`: what is remembered, and for how long. `saved`: the same as bytes. `durable`: when these are kept.
//! - `filter`: `include` and `exclude`.
mod config;
mod convert;
mod durable;
mod explicit;
mod exponential;
mod filter;
mod number;
mod routes;
mod saved;
mod sequence;
mod streams;

use weir_core::{Context, Factory, Processor, ProcessorFactory, Reason, State};

pub use config::{Config, InitialValue, Match, MatchType, MetricType};

/// Points that are older than the last one of their stream.
pub const OUT_OF_ORDER: Reason = Reason("out_of_order");
/// Points of the same time as the last one of their stream.
pub const DUPLICATE: Reason = Reason("duplicate");
/// Points with a negative value of a counter that only grows: it begins at zero.
pub const NEGATIVE: Reason = Reason("negative");

/// Histograms whose zero threshold is no number, or whose counts add up to more than 64 bits hold.
pub const BAD_HISTOGRAM: Reason = Reason("bad_histogram");

/// Makes `delta` processors.
#[derive(Clone, Copy, Debug)]
pub struct Delta;

impl Factory for Delta {
    type Config = Config;
    const TYPE: &'static str = "delta";
    const ALIASES: &'static [&'static str] = &["cumulativetodelta", "cumulative_to_delta"];
    const SUMMARY: &'static str =
        "turns counters and histograms that only grow into what was added since the last point";
}

impl ProcessorFactory for Delta {
    fn build(config: Config, context: Context, prior: Option<State>) -> Box<dyn Processor> {
        Box::new(convert::Converter::new(config, context, prior))
    }
}

#[cfg(test)]
mod tests;
