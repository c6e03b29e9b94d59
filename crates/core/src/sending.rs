//! What an exporter says of its requests: beside the balance of points.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use parking_lot::Mutex;

/// The requests of one exporter.
#[derive(Debug, Default)]
pub struct Sending {
    outcomes: Mutex<BTreeMap<&'static str, u64>>,
    in_flight: AtomicU64,
    /// The bits of a float.
    rate_limit: AtomicU64,
    quarantined: AtomicU64,
    possible_duplicates: AtomicU64,
}

impl Sending {
    /// A request goes out.
    pub fn begin(&self) -> UnderWay<'_> {
        self.in_flight.fetch_add(1, Relaxed);
        UnderWay { sending: self, outcome: "given_up" }
    }

    /// How many requests a second may go out.
    pub fn set_rate_limit(&self, per_second: f64) {
        self.rate_limit.store(per_second.to_bits(), Relaxed);
    }

    /// Items that the destination refuses for good.
    pub fn quarantine(&self, items: u64) {
        self.quarantined.fetch_add(items, Relaxed);
    }

    /// Points that are sent again though they may have arrived: their answer was lost.
    pub fn may_duplicate(&self, points: u64) {
        self.possible_duplicates.fetch_add(points, Relaxed);
    }

    /// Requests that ended, by outcome.
    pub fn outcomes(&self) -> BTreeMap<&'static str, u64> {
        self.outcomes.lock().clone()
    }

    /// Requests under way.
    pub fn in_flight(&self) -> u64 {
        self.in_flight.load(Relaxed)
    }

    /// Requests a second that may go out; `None` of who has no limit.
    pub fn rate_limit(&self) -> Option<f64> {
        Some(f64::from_bits(self.rate_limit.load(Relaxed))).filter(|limit| *limit > 0.0)
    }

    /// Items refused for good.
    pub fn quarantined(&self) -> u64 {
        self.quarantined.load(Relaxed)
    }

    /// Points that may be there twice.
    pub fn possible_duplicates(&self) -> u64 {
        self.possible_duplicates.load(Relaxed)
    }
}

/// A request under way; it ends when this is dropped.
#[derive(Debug)]
pub struct UnderWay<'a> {
    sending: &'a Sending,
    outcome: &'static str,
}

impl UnderWay<'_> {
    /// It has come back; `outcome` is a word of `docs/telemetry.md`. Without one it was given up.
    pub fn end(mut self, outcome: &'static str) {
        self.outcome = outcome;
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.sending.in_flight.fetch_sub(1, Relaxed);
        *self.sending.outcomes.lock().entry(self.outcome).or_default() += 1;
    }
}
