//! Points that a request brings and the door cannot take: how many, why, and one example each.

use std::{collections::BTreeMap, fmt};

use weir_core::{NodeLedger, Reason};

/// The time of a point is zero, which OTLP calls unknown or invalid.
pub const BAD_TIMESTAMP: Reason = Reason("bad_timestamp");
/// A number without a value, and without the flag that says so.
pub const NO_VALUE: Reason = Reason("no_value");
/// Buckets that do not fit their bounds, bounds that do not ascend, or bucket indexes outside of 32 bits.
pub const BAD_HISTOGRAM: Reason = Reason("bad_histogram");
/// A sum or a histogram that is neither delta nor cumulative.
pub const UNSPECIFIED_TEMPORALITY: Reason = Reason("unspecified_temporality");
/// Attributes nested deeper than [`MAX_DEPTH`](super::MAX_DEPTH).
pub const TOO_DEEP: Reason = Reason("too_deep");
/// A resource, a scope, a metric's header or the attributes of a point larger than [`MAX_PART`](super::MAX_PART).
pub const TOO_LARGE: Reason = Reason("too_large");
/// An attribute that refers to a table of strings, which metrics do not have.
pub const UNSUPPORTED_ATTRIBUTE: Reason = Reason("unsupported_attribute");
/// A metric without a name.
pub const NO_NAME: Reason = Reason("no_name");
/// The sender went away while its points waited to be taken.
pub const CLIENT_GONE: Reason = Reason("client_gone");
/// The requests on their way in take as much memory as they may (`admission.request_limit_mib`). Nobody knows the points of what is
/// turned away: it is a request that is counted.
pub const REQUESTS_FULL: Reason = Reason("requests_full");
/// A request arrived too slowly; counted as a request too.
pub const TOO_SLOW: Reason = Reason("too_slow");

/// How much of a metric's name an answer repeats, in bytes.
const EXAMPLE_BYTES: usize = 128;

/// Refused points by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals(BTreeMap<Reason, Refused>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Refused {
    points: u64,
    /// The name of the first metric that it happened to.
    example: String,
}

impl Refusals {
    /// Adds a point of `metric`.
    pub(super) fn add(&mut self, reason: Reason, metric: &str) {
        let first = || Refused { points: 0, example: shortened(metric) };
        self.0.entry(reason).or_insert_with(first).points += 1;
    }

    /// How many points were refused, for whatever reason.
    pub fn points(&self) -> u64 {
        self.0.values().map(|refused| refused.points).sum()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many points were refused for `reason`.
    pub fn of(&self, reason: Reason) -> u64 {
        self.0.get(&reason).map_or(0, |refused| refused.points)
    }

    /// Enters them into the receiver's ledger.
    pub(super) fn enter(&self, ledger: &NodeLedger) {
        self.0.iter().for_each(|(reason, refused)| ledger.refuse(*reason, refused.points));
    }
}

/// What the sender's log will show: `bad_timestamp: 2 (such as http.requests), no_value: 1 (such as queue.size)`.
impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (reason, Refused { points, example })) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{reason}: {points} (such as {example})")?;
        }
        Ok(())
    }
}

fn shortened(name: &str) -> String {
    let end = name.floor_char_boundary(EXAMPLE_BYTES);
    if end < name.len() { format!("{}…", &name[..end]) } else { name.to_owned() }
}
