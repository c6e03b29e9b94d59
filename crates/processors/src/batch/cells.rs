//! What one series did in one window, by kind.

use weir_core::{
    Batch, Descriptor, ExponentialHistogramPoint, Flags, HistogramPoint, Kind, Number, NumberPoint, SeriesId,
    SummaryPoint, Temporality, UnixNanos,
};
use weir_window::{Exponential, explicit, exponential::Parts};

/// How the points of a series become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The newest point stands for all: gauges, summaries, whatever is cumulative.
    Last,
    /// Deltas are added up.
    AddUp,
}

impl Role {
    pub(super) fn of(metric: &Descriptor) -> Self {
        let adds_up = metric.temporality == Temporality::Delta
            && matches!(metric.kind, Kind::Sum | Kind::Histogram | Kind::ExponentialHistogram);
        if adds_up { Self::AddUp } else { Self::Last }
    }
}

/// The points of a series so far.
#[derive(Clone, Debug)]
pub(super) struct Cell<G> {
    pub(super) gathered: G,
    pub(super) role: Role,
    pub(super) points: u64,
    pub(super) first: UnixNanos,
    pub(super) last: UnixNanos,
}

/// Points of one kind, gathered into one.
pub(super) trait Gathered: Sized {
    /// A point of a batch.
    type Point: Copy;

    fn time(point: &Self::Point) -> UnixNanos;
    fn begin(point: &Self::Point, batch: &Batch) -> Self;
    /// Adds a delta; false, with nothing added, where the two cannot be one.
    fn add(&mut self, point: &Self::Point, batch: &Batch) -> bool;
    /// Becomes a point that stands for all, if it is the newest. Of two points of one time the later to come is the better known one.
    fn stand_for(&mut self, point: &Self::Point, batch: &Batch, is_newest: bool) {
        if is_newest {
            *self = Self::begin(point, batch);
        }
    }

    /// Puts it into `batch` under the name `series`.
    fn write(&self, series: SeriesId, batch: &mut Batch);
}

impl<G: Gathered> Cell<G> {
    pub(super) fn begin(point: &G::Point, batch: &Batch, role: Role) -> Self {
        let time = G::time(point);
        Self { gathered: G::begin(point, batch), role, points: 1, first: time, last: time }
    }

    /// Takes a point in; false where it cannot be.
    pub(super) fn take(&mut self, point: &G::Point, batch: &Batch) -> bool {
        let time = G::time(point);
        match self.role {
            Role::AddUp if !self.gathered.add(point, batch) => return false,
            Role::Last => self.gathered.stand_for(point, batch, time >= self.last),
            Role::AddUp => {}
        }
        self.points += 1;
        self.first = self.first.min(time);
        self.last = self.last.max(time);
        true
    }
}

/// A number, and the least and greatest of all.
#[derive(Clone, Debug)]
pub(super) struct GatheredNumber {
    point: NumberPoint,
    least: Number,
    greatest: Number,
}

impl GatheredNumber {
    /// The point with the least of all values.
    pub(super) fn least(&self) -> NumberPoint {
        self.with(self.least)
    }

    /// The point with the greatest of all values.
    pub(super) fn greatest(&self) -> NumberPoint {
        self.with(self.greatest)
    }

    fn with(&self, value: Number) -> NumberPoint {
        let mut point = self.point;
        point.set_value(value);
        point
    }
}

impl Gathered for GatheredNumber {
    type Point = NumberPoint;

    fn time(point: &NumberPoint) -> UnixNanos {
        point.time
    }

    fn begin(point: &NumberPoint, _batch: &Batch) -> Self {
        Self { point: *point, least: point.value(), greatest: point.value() }
    }

    fn stand_for(&mut self, point: &NumberPoint, _batch: &Batch, is_newest: bool) {
        let value = point.value();
        // What is no number is neither the least nor the greatest, unless there is nothing else.
        let replaces = |held: Number, is_beyond: bool| is_beyond || held.as_f64().is_nan();
        if replaces(self.least, value.as_f64() < self.least.as_f64()) {
            self.least = value;
        }
        if replaces(self.greatest, value.as_f64() > self.greatest.as_f64()) {
            self.greatest = value;
        }
        if is_newest {
            self.point = *point;
        }
    }

    fn add(&mut self, point: &NumberPoint, _batch: &Batch) -> bool {
        let sum = match (self.point.value(), point.value()) {
            (Number::Int(one), Number::Int(other)) => one.checked_add(other).map(Number::Int),
            (one, other) => Some(Number::Double(one.as_f64() + other.as_f64())),
        };
        let Some(sum) = sum else { return false };
        self.point.set_value(sum);
        (self.point.start, self.point.time) =
            joined((self.point.start, self.point.time), (point.start, point.time));
        true
    }

    fn write(&self, series: SeriesId, batch: &mut Batch) {
        let mut point = self.point;
        point.series = series;
        batch.numbers.push(point);
    }
}

/// An explicit histogram with its own lists.
#[derive(Clone, Debug)]
pub(super) struct GatheredExplicit {
    point: HistogramPoint,
    counts: Vec<u64>,
    bounds: Vec<f64>,
}

impl Gathered for GatheredExplicit {
    type Point = HistogramPoint;

    fn time(point: &HistogramPoint) -> UnixNanos {
        point.time
    }

    fn begin(point: &HistogramPoint, batch: &Batch) -> Self {
        let (counts, bounds) = (batch.counts(point.counts).to_vec(), batch.bounds(point.bounds).to_vec());
        Self { point: *point, counts, bounds }
    }

    fn add(&mut self, point: &HistogramPoint, batch: &Batch) -> bool {
        let Some(count) = self.point.count.checked_add(point.count) else { return false };
        let fits = self.bounds == batch.bounds(point.bounds)
            && explicit::merge(&mut self.counts, batch.counts(point.counts));
        if fits {
            let of = |p: &HistogramPoint| Statistics { flags: p.flags, sum: p.sum, min: p.min, max: p.max };
            let all = of(&self.point).with(of(point));
            (self.point.flags, self.point.sum, self.point.min, self.point.max) =
                (all.flags, all.sum, all.min, all.max);
            self.point.count = count;
            (self.point.start, self.point.time) =
                joined((self.point.start, self.point.time), (point.start, point.time));
        }
        fits
    }

    fn write(&self, series: SeriesId, batch: &mut Batch) {
        let counts = batch.push_counts(self.counts.iter().copied());
        let bounds = batch.push_bounds(self.bounds.iter().copied());
        batch.histograms.push(HistogramPoint { series, counts, bounds, ..self.point });
    }
}

/// An exponential histogram with its own buckets; none where they are no histogram: then it stays as it was sent, alone.
#[derive(Clone, Debug)]
pub(super) struct GatheredExponential {
    point: ExponentialHistogramPoint,
    positive: Vec<u64>,
    negative: Vec<u64>,
    merged: Option<Exponential>,
}

fn parsed(point: &ExponentialHistogramPoint, positive: &[u64], negative: &[u64]) -> Option<Exponential> {
    let parts = Parts {
        scale: point.scale,
        zero_threshold: point.zero_threshold,
        zero_count: point.zero_count,
        positive_offset: point.positive_offset,
        positive,
        negative_offset: point.negative_offset,
        negative,
    };
    Exponential::new(&parts).ok()
}

impl Gathered for GatheredExponential {
    type Point = ExponentialHistogramPoint;

    fn time(point: &ExponentialHistogramPoint) -> UnixNanos {
        point.time
    }

    fn begin(point: &ExponentialHistogramPoint, batch: &Batch) -> Self {
        let (positive, negative) =
            (batch.counts(point.positive).to_vec(), batch.counts(point.negative).to_vec());
        Self { point: *point, positive, negative, merged: None }
    }

    fn add(&mut self, point: &ExponentialHistogramPoint, batch: &Batch) -> bool {
        let other = parsed(point, batch.counts(point.positive), batch.counts(point.negative));
        let count = self.point.count.checked_add(point.count);
        if self.merged.is_none() {
            self.merged = parsed(&self.point, &self.positive, &self.negative);
        }
        let (Some(mine), Some(other), Some(count)) = (&mut self.merged, other, count) else { return false };
        if mine.merge(&other).is_err() {
            return false;
        }
        let of =
            |p: &ExponentialHistogramPoint| Statistics { flags: p.flags, sum: p.sum, min: p.min, max: p.max };
        let all = of(&self.point).with(of(point));
        (self.point.flags, self.point.sum, self.point.min, self.point.max) =
            (all.flags, all.sum, all.min, all.max);
        self.point.count = count;
        (self.point.start, self.point.time) =
            joined((self.point.start, self.point.time), (point.start, point.time));
        true
    }

    fn write(&self, series: SeriesId, batch: &mut Batch) {
        let mut point = ExponentialHistogramPoint { series, ..self.point };
        let (mut positive, mut negative) = (&*self.positive, &*self.negative);
        if let Some(merged) = &self.merged {
            point.scale = merged.scale();
            (point.zero_threshold, point.zero_count) = (merged.zero_threshold(), merged.zero_count());
            (point.positive_offset, positive) = (merged.positive().offset(), merged.positive().counts());
            (point.negative_offset, negative) = (merged.negative().offset(), merged.negative().counts());
        }
        point.positive = batch.push_counts(positive.iter().copied());
        point.negative = batch.push_counts(negative.iter().copied());
        batch.exponential_histograms.push(point);
    }
}

/// A summary with its own list.
#[derive(Clone, Debug)]
pub(super) struct GatheredSummary {
    point: SummaryPoint,
    quantiles: Vec<f64>,
}

impl Gathered for GatheredSummary {
    type Point = SummaryPoint;

    fn time(point: &SummaryPoint) -> UnixNanos {
        point.time
    }

    fn begin(point: &SummaryPoint, batch: &Batch) -> Self {
        Self { point: *point, quantiles: batch.bounds(point.quantiles).to_vec() }
    }

    fn add(&mut self, _point: &SummaryPoint, _batch: &Batch) -> bool {
        false // quantiles do not add up
    }

    fn write(&self, series: SeriesId, batch: &mut Batch) {
        let quantiles = batch.push_bounds(self.quantiles.iter().copied());
        batch.summaries.push(SummaryPoint { series, quantiles, ..self.point });
    }
}

/// Optional figures of a histogram: known of two together where they are known of both.
struct Statistics {
    flags: Flags,
    sum: f64,
    min: f64,
    max: f64,
}

impl Statistics {
    fn with(self, other: Self) -> Self {
        let mut flags = self.flags;
        for flag in [Flags::SUM, Flags::MIN, Flags::MAX] {
            if !other.flags.has(flag) {
                flags = flags.without(flag);
            }
        }
        Self { flags, sum: self.sum + other.sum, min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}

/// The time from the earlier start to the later end; a start that is not stated of one is not known of both.
fn joined(one: (UnixNanos, UnixNanos), other: (UnixNanos, UnixNanos)) -> (UnixNanos, UnixNanos) {
    (one.0.min(other.0), one.1.max(other.1))
}
