//! Histograms with explicit bounds: every bucket is a counter.

use std::sync::Arc;

use weir_core::{Batch, Flags, HistogramPoint, Reason, SeriesId, UnixNanos};
use weir_window::explicit;

use super::sequence::{Cumulative, Times};

/// The last histogram of a stream.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Explicit {
    pub(super) count: u64,
    pub(super) sum: Option<f64>,
    pub(super) counts: Vec<u64>,
    /// Shared: a program has one list for many streams.
    pub(super) bounds: Arc<[f64]>,
}

/// A point with what it needs around it.
pub(super) struct ExplicitPoint<'a> {
    pub(super) point: &'a mut HistogramPoint,
    pub(super) batch: &'a mut Batch,
    pub(super) pool: &'a mut BoundsPool,
    /// How many points had other bounds than the last one of their stream.
    pub(super) relaid: &'a mut u64,
}

impl Cumulative for ExplicitPoint<'_> {
    type Last = Box<Explicit>;

    fn times(&self) -> Times {
        Times { start: self.point.start, time: self.point.time }
    }

    fn unusable(&mut self) -> Option<Reason> {
        unusable(self.point.flags, self.point.sum)
    }

    fn remember(&mut self) -> Box<Explicit> {
        Box::new(Explicit {
            count: self.point.count,
            sum: stated(self.point.flags, self.point.sum),
            counts: self.batch.counts(self.point.counts).to_vec(),
            bounds: self.pool.shared(self.batch.bounds(self.point.bounds)),
        })
    }

    fn subtract(&mut self, last: &mut Box<Explicit>) -> bool {
        let Self { point, batch, .. } = self;
        if *last.bounds != *batch.bounds(point.bounds) {
            *self.relaid += 1;
            self.replace(last);
            return false;
        }
        let counts = batch.counts_mut(point.counts);
        let added = point.count.checked_sub(last.count);
        let Some(added) = added.filter(|_| explicit::go_on(&mut last.counts, counts)) else {
            self.replace(last);
            return false;
        };
        last.count = point.count;
        point.count = added;
        (point.sum, point.flags) = since(&mut last.sum, point.sum, point.flags);
        true
    }

    fn replace(&mut self, last: &mut Box<Explicit>) {
        let (counts, bounds) = (self.batch.counts(self.point.counts), self.batch.bounds(self.point.bounds));
        last.count = self.point.count;
        last.sum = stated(self.point.flags, self.point.sum);
        last.counts.clear();
        last.counts.extend_from_slice(counts);
        if *last.bounds != *bounds {
            last.bounds = self.pool.shared(bounds);
        }
    }

    fn send(&mut self, to: SeriesId, start: UnixNanos) {
        self.point.series = to;
        self.point.start = start;
        // They are of the whole sequence, and say nothing of what was added.
        self.point.flags = self.point.flags.without(Flags::MIN).without(Flags::MAX);
    }
}

/// Why nothing can be counted from a histogram with these flags and this sum.
pub(super) fn unusable(flags: Flags, sum: f64) -> Option<Reason> {
    if flags.has(Flags::NO_RECORDED_VALUE) {
        return Some(Reason::NO_RECORDED_VALUE);
    }
    stated(flags, sum).is_some_and(|sum| !sum.is_finite()).then_some(Reason::NOT_FINITE)
}

/// The sum, if there is one.
pub(super) fn stated(flags: Flags, sum: f64) -> Option<f64> {
    flags.has(Flags::SUM).then_some(sum)
}

/// What was added to the sum since `last`, which then is this one. A sum may fall, where negative values are measured; without
/// one of the two nothing is known of what was added.
pub(super) fn since(last: &mut Option<f64>, sum: f64, flags: Flags) -> (f64, Flags) {
    let now = stated(flags, sum);
    let before = std::mem::replace(last, now);
    match (now, before) {
        (Some(now), Some(before)) => (now - before, flags),
        _ => (0.0, flags.without(Flags::SUM)),
    }
}

/// Lists of bounds, each held once.
#[derive(Debug, Default)]
pub(super) struct BoundsPool(Vec<Arc<[f64]>>);

/// So many different lists are searched for a match; senders have a handful.
const MOST_SHARED: usize = 64;

impl BoundsPool {
    pub(super) fn shared(&mut self, bounds: &[f64]) -> Arc<[f64]> {
        if let Some(held) = self.0.iter().find(|held| ***held == *bounds) {
            return Arc::clone(held);
        }
        let fresh: Arc<[f64]> = bounds.into();
        if self.0.len() >= MOST_SHARED {
            self.0.retain(|held| Arc::strong_count(held) > 1);
        }
        if self.0.len() < MOST_SHARED {
            self.0.push(Arc::clone(&fresh));
        }
        fresh
    }
}
