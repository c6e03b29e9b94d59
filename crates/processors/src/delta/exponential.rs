//! Exponential histograms: every bucket is a counter, and a sender may go down in scale at any time. What was added is then known
//! at the lower scale.

use weir_core::{Batch, ExponentialHistogramPoint, Flags, Reason, SeriesId, Span, UnixNanos};
use weir_window::{Buckets, Exponential, exponential::Parts};

use super::{
    BAD_HISTOGRAM,
    explicit::{since, stated, unusable},
    sequence::{Cumulative, Times},
};

/// The last histogram of a stream.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LastExponential {
    pub(super) count: u64,
    pub(super) sum: Option<f64>,
    pub(super) buckets: Exponential,
}

/// A point with what it needs around it.
pub(super) struct ExponentialPoint<'a> {
    pub(super) point: &'a mut ExponentialHistogramPoint,
    pub(super) batch: &'a mut Batch,
    pub(super) scratch: &'a mut Scratch,
}

/// Histograms whose room is used again and again: `unusable` reads the point into `newer`.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    newer: Exponential,
    difference: Exponential,
}

impl Cumulative for ExponentialPoint<'_> {
    type Last = Box<LastExponential>;

    fn times(&self) -> Times {
        Times { start: self.point.start, time: self.point.time }
    }

    fn unusable(&mut self) -> Option<Reason> {
        let Self { point, batch, scratch } = self;
        let parts = Parts {
            scale: point.scale,
            zero_threshold: point.zero_threshold,
            zero_count: point.zero_count,
            positive_offset: point.positive_offset,
            positive: batch.counts(point.positive),
            negative_offset: point.negative_offset,
            negative: batch.counts(point.negative),
        };
        unusable(point.flags, point.sum)
            .or_else(|| scratch.newer.set(&parts).is_err().then_some(BAD_HISTOGRAM))
    }

    fn remember(&mut self) -> Box<LastExponential> {
        Box::new(LastExponential {
            count: self.point.count,
            sum: stated(self.point.flags, self.point.sum),
            buckets: self.scratch.newer.clone(),
        })
    }

    fn subtract(&mut self, last: &mut Box<LastExponential>) -> bool {
        let Scratch { newer, difference } = &mut *self.scratch;
        difference.clone_from(newer);
        let added = self.point.count.checked_sub(last.count).filter(|_| difference.subtract(&last.buckets));
        let Some(added) = added else {
            self.replace(last);
            return false;
        };
        let Self { point, batch, .. } = self;
        point.scale = difference.scale();
        point.zero_threshold = difference.zero_threshold();
        point.zero_count = difference.zero_count();
        (point.positive_offset, point.positive) = write(batch, point.positive, difference.positive());
        (point.negative_offset, point.negative) = write(batch, point.negative, difference.negative());
        last.buckets.clone_from(newer);
        last.count = point.count;
        point.count = added;
        (point.sum, point.flags) = since(&mut last.sum, point.sum, point.flags);
        true
    }

    fn replace(&mut self, last: &mut Box<LastExponential>) {
        last.count = self.point.count;
        last.sum = stated(self.point.flags, self.point.sum);
        last.buckets.clone_from(&self.scratch.newer);
    }

    fn send(&mut self, to: SeriesId, start: UnixNanos) {
        self.point.series = to;
        self.point.start = start;
        self.point.flags = self.point.flags.without(Flags::MIN).without(Flags::MAX);
    }
}

/// Puts the buckets of a difference where those of its point were: there are never more of them.
fn write(batch: &mut Batch, span: Span, buckets: &Buckets) -> (i32, Span) {
    let counts = buckets.counts();
    match batch.counts_mut(span).get_mut(..counts.len()) {
        Some(room) => {
            room.copy_from_slice(counts);
            (buckets.offset(), span.first(counts.len()))
        }
        None => (buckets.offset(), batch.push_counts(counts.iter().copied())),
    }
}
