//! How a point of each kind goes into a period.

use weir_core::{Batch, ExponentialHistogramPoint, Flags, HistogramPoint, NumberPoint, SeriesId, UnixNanos};
use weir_window::{
    Distribution, Exponential, Refused, Totals,
    exponential::{Parts, bounds},
};

use super::{Left, MAX_VALUE, Open};

/// A point of a kind that windows take.
pub(super) trait Point {
    fn series(&self) -> SeriesId;
    fn time(&self) -> UnixNanos;
    /// Puts it into the period that it belongs to, or counts why not.
    fn record(&self, batch: &Batch, open: &mut Open, scratch: &mut Exponential, left: &mut Left);
}

impl Point for NumberPoint {
    fn series(&self) -> SeriesId {
        self.series
    }

    fn time(&self) -> UnixNanos {
        self.time
    }

    #[inline]
    fn record(&self, _: &Batch, open: &mut Open, _: &mut Exponential, left: &mut Left) {
        let value = self.value().as_f64();
        if self.flags.has(Flags::NO_RECORDED_VALUE) {
            left.no_value += 1;
        } else if value.is_finite() && value.abs() > MAX_VALUE {
            left.out_of_range += 1;
        } else {
            open.put(self, value, left, |distribution| distribution.record(value));
        }
    }
}

impl Point for HistogramPoint {
    fn series(&self) -> SeriesId {
        self.series
    }

    fn time(&self) -> UnixNanos {
        self.time
    }

    fn record(&self, batch: &Batch, open: &mut Open, _: &mut Exponential, left: &mut Left) {
        let (bounds, counts) = (batch.bounds(self.bounds), batch.counts(self.counts));
        let totals = totals(self.flags, self.count, self.sum, self.min, self.max);
        // The sides of the outermost populated buckets that samples are beyond.
        let populated = |count: &u64| *count > 0;
        let lowest = counts.iter().position(populated).and_then(|first| bounds.get(first));
        let highest = counts.iter().rposition(populated).and_then(|last| bounds.get(last.checked_sub(1)?));
        let ends = [lowest, highest].map(|end| end.copied().unwrap_or(0.0));
        if self.flags.has(Flags::NO_RECORDED_VALUE) {
            left.no_value += 1;
        } else if is_beyond(totals, ends) {
            left.out_of_range += 1;
        } else {
            open.put(self, 0.0, left, |distribution| distribution.record_explicit(bounds, counts, totals));
        }
    }
}

impl Point for ExponentialHistogramPoint {
    fn series(&self) -> SeriesId {
        self.series
    }

    fn time(&self) -> UnixNanos {
        self.time
    }

    fn record(&self, batch: &Batch, open: &mut Open, scratch: &mut Exponential, left: &mut Left) {
        let parts = Parts {
            scale: self.scale,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero_count,
            positive_offset: self.positive_offset,
            positive: batch.counts(self.positive),
            negative_offset: self.negative_offset,
            negative: batch.counts(self.negative),
        };
        let totals = totals(self.flags, self.count, self.sum, self.min, self.max);
        if self.flags.has(Flags::NO_RECORDED_VALUE) {
            left.no_value += 1;
        } else if scratch.set(&parts).is_err() {
            left.bad_histogram += 1;
        } else if is_beyond(totals, farthest(scratch)) {
            left.out_of_range += 1;
        } else {
            open.put(self, 0.0, left, |distribution| distribution.record_exponential(scratch, totals));
        }
    }
}

impl Open {
    #[inline]
    fn put(
        &mut self,
        point: &impl Point,
        value: f64,
        left: &mut Left,
        record: impl FnOnce(&mut Distribution) -> Result<(), Refused>,
    ) {
        let (series, time) = (point.series(), point.time());
        let cell = self.cells.of(series);
        match record(&mut cell.distribution) {
            Ok(()) => {
                if cell.points == 0 {
                    cell.first = time;
                }
                cell.first = cell.first.min(time);
                if time >= cell.last {
                    (cell.last, cell.latest) = (time, value);
                }
                cell.points += 1;
                self.points += 1;
            }
            Err(refused) => left.add(refused),
        }
    }
}

/// What is set, by the flags: a minimum of zero that is set is a measurement.
fn totals(flags: Flags, count: u64, sum: f64, min: f64, max: f64) -> Totals {
    let set = |flag, value| Some(value).filter(|_| flags.has(flag));
    Totals { count, sum: set(Flags::SUM, sum), min: set(Flags::MIN, min), max: set(Flags::MAX, max) }
}

/// Whether CloudWatch would refuse these, or samples that are beyond `ends`. What is not finite is refused elsewhere.
fn is_beyond(totals: Totals, ends: [f64; 2]) -> bool {
    let told = [totals.sum, totals.min, totals.max].into_iter().flatten();
    totals.count > 0 && told.chain(ends).any(|value| value.is_finite() && value.abs() > MAX_VALUE)
}

/// The inner sides of the outermost buckets.
fn farthest(histogram: &Exponential) -> [f64; 2] {
    let side = |buckets: &weir_window::Buckets| {
        buckets.iter().next_back().map_or(0.0, |(index, _)| bounds::lower(histogram.scale(), index))
    };
    [histogram.positive(), histogram.negative()].map(side)
}
