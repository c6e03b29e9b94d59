//! Values for explicit buckets.

use crate::distribution::MAX_MAGNITUDE;

use super::{
    Histogram,
    curve::{Stretch, lead_on, spread},
    placed::{Placed, Placing},
};

/// How far beyond the last bound samples are looked for at first, where there is neither a maximum nor a neighbour that
/// tells how fast they thin out. The sum may move them farther.
const TAIL: f64 = 2.0;

/// How much farther at most, where a neighbour tells.
const LONGEST_TAIL: f64 = 100.0;

/// Counts between bounds. No bounds, and one count, where the sender had no buckets.
#[derive(Clone, Debug)]
pub(super) struct Explicit {
    pub(super) bounds: Box<[f64]>,
    pub(super) counts: Box<[u64]>,
}

impl Explicit {
    pub(super) fn new(bounds: &[f64], counts: &[u64]) -> Self {
        Self { bounds: bounds.into(), counts: counts.into() }
    }

    /// Adds counts under equal bounds; false, with nothing added, under others.
    pub(super) fn add(&mut self, bounds: &[f64], counts: &[u64]) -> bool {
        *self.bounds == *bounds && crate::explicit::merge(&mut self.counts, counts)
    }

    pub(super) fn is_bare(&self) -> bool {
        self.bounds.is_empty()
    }

    /// At most `room` values, but one at least for each populated bucket.
    pub(super) fn placing(&self, all: &Histogram, room: usize) -> Placing {
        let (mut stretches, is_open) = self.stretches(all);
        if is_open {
            end_tail(&mut stretches);
        }
        let unbounded = stretches.last().filter(|_| is_open).map_or(0, |last| last.count);
        let values = spread(&stretches, room).into_iter();
        let placed = values.map(|(at, value, even, count)| {
            let Stretch { low, high, .. } = stretches[at];
            Placed { value, count, even, least: low, most: high, low, high }
        });
        Placing { placed: placed.collect(), unbounded }
    }

    /// The populated buckets, with edges as far as they are known, and whether the last has no upper one.
    ///
    /// The first bucket without a minimum begins at zero, if it ends above: almost all histograms are of what cannot be
    /// negative. Otherwise nothing is known but its bound, which then stands for it.
    fn stretches(&self, all: &Histogram) -> (Vec<Stretch>, bool) {
        let populated = || self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        let (first, last) = (populated().next().map(|(at, _)| at), populated().next_back().map(|(at, _)| at));
        let bound = |at: usize| {
            let finite = self.bounds.get(at).filter(|bound| bound.is_finite());
            finite.map(|bound| bound.clamp(-MAX_MAGNITUDE, MAX_MAGNITUDE)) // what is beyond cannot be added up
        };
        let mut is_open = false;
        let mut stretches = Vec::with_capacity(populated().count());
        for (at, count) in populated() {
            let (mut low, mut high) = (at.checked_sub(1).and_then(bound), bound(at));
            if Some(at) == first {
                let min = all.min.filter(|min| high.is_none_or(|high| *min <= high));
                low = [low, min].into_iter().flatten().reduce(f64::max);
            }
            if Some(at) == last {
                let max = all.max.filter(|max| low.is_none_or(|low| *max >= low));
                high = [high, max].into_iter().flatten().reduce(f64::min);
            }
            let (low, high) = match (low, high) {
                (Some(low), Some(high)) => (low, high),
                (None, Some(high)) => (high.min(0.0), high),
                (Some(low), None) => {
                    is_open = true;
                    (low, low)
                }
                (None, None) => {
                    let mean = all.mean().unwrap_or(0.0);
                    (mean, mean)
                }
            };
            let follows = at > 0 && self.counts[at - 1] > 0;
            stretches.push(Stretch { low, high, count: *count, follows });
        }
        (stretches, is_open)
    }
}

/// Gives the last stretch an end: where the curve of the one below it would lead, or twice its beginning.
fn end_tail(stretches: &mut [Stretch]) {
    let led = lead_on(stretches);
    if let Some(last) = stretches.last_mut() {
        let farthest = last.low.max(0.0) * LONGEST_TAIL;
        let end = led.unwrap_or(last.low.max(0.0) * TAIL);
        last.high = end.min(farthest).min(MAX_MAGNITUDE).max(last.low);
    }
}
