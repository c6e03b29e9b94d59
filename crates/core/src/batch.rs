//! Batches: points by kind, their arenas, the lease that keeps their series nameable, and the ack of their fate.

use std::ops::Range;

use crate::{
    ack::Ack,
    clock::UnixNanos,
    interner::{Interner, Lease},
    series::SeriesId,
};

/// How many points a receiver puts into one batch at most.
pub const MAX_POINTS: usize = 8192;

/// Facts about a point that are not numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u32);

impl Flags {
    /// OTLP's `NoRecordedValue`: the series was there before and has no value now.
    pub const NO_RECORDED_VALUE: Self = Self(1);
    /// The value bits are a signed integer; otherwise a double.
    pub const INTEGER: Self = Self(1 << 1);
    /// The point has a sum.
    pub const SUM: Self = Self(1 << 2);
    /// The point has a minimum.
    pub const MIN: Self = Self(1 << 3);
    /// The point has a maximum.
    pub const MAX: Self = Self(1 << 4);

    /// These flags and those of `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These flags less those of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether every flag of `other` is set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A number's value: integers stay integers up to the exporter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A signed integer.
    Int(i64),
    /// A double.
    Double(f64),
}

impl Number {
    /// The nearest double.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Double(value) => value,
        }
    }
}

/// A gauge's or a sum's point: 40 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberPoint {
    /// Which series.
    pub series: SeriesId,
    /// Integer or double; whether there is a value.
    pub flags: Flags,
    /// Start of the time range; zero if not stated.
    pub start: UnixNanos,
    /// The time of the value.
    pub time: UnixNanos,
    bits: u64,
}

impl NumberPoint {
    /// A point with a value.
    pub fn new(series: SeriesId, start: UnixNanos, time: UnixNanos, value: Number) -> Self {
        let (flags, bits) = match value {
            Number::Int(value) => (Flags::INTEGER, value as u64),
            Number::Double(value) => (Flags::default(), value.to_bits()),
        };
        Self { series, flags, start, time, bits }
    }

    /// The value.
    #[inline]
    pub fn value(&self) -> Number {
        if self.flags.has(Flags::INTEGER) {
            Number::Int(self.bits as i64)
        } else {
            Number::Double(f64::from_bits(self.bits))
        }
    }

    /// Sets the value; other flags stay.
    pub fn set_value(&mut self, value: Number) {
        let fresh = Self::new(self.series, self.start, self.time, value);
        self.flags = self.flags.without(Flags::INTEGER).with(fresh.flags);
        self.bits = fresh.bits;
    }
}

/// A range of an arena.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// The first `items` of it, at most all.
    #[must_use]
    pub fn first(self, items: usize) -> Self {
        Self { start: self.start, len: self.len.min(u32::try_from(items).unwrap_or(u32::MAX)) }
    }

    fn range(self) -> Range<usize> {
        self.start as usize..self.start as usize + self.len as usize
    }
}

/// An explicit histogram's point. Sum, minimum and maximum count only where the flags say so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HistogramPoint {
    /// Which series.
    pub series: SeriesId,
    /// Which optional fields are set.
    pub flags: Flags,
    /// Start of the time range; zero if not stated.
    pub start: UnixNanos,
    /// The time of the point.
    pub time: UnixNanos,
    /// How many values.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The least of them.
    pub min: f64,
    /// The greatest of them.
    pub max: f64,
    /// Bucket counts, one more than bounds: see [`Batch::counts`].
    pub counts: Span,
    /// Upper bounds, ascending: see [`Batch::bounds`].
    pub bounds: Span,
}

/// An exponential histogram's point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExponentialHistogramPoint {
    /// Which series.
    pub series: SeriesId,
    /// Which optional fields are set.
    pub flags: Flags,
    /// Start of the time range; zero if not stated.
    pub start: UnixNanos,
    /// The time of the point.
    pub time: UnixNanos,
    /// How many values.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The least of them.
    pub min: f64,
    /// The greatest of them.
    pub max: f64,
    /// The base is 2^(2^-scale).
    pub scale: i32,
    /// How many values are at most `zero_threshold` from zero.
    pub zero_count: u64,
    /// The width of the zero bucket.
    pub zero_threshold: f64,
    /// The index of the first positive bucket.
    pub positive_offset: i32,
    /// Counts of the positive buckets: see [`Batch::counts`].
    pub positive: Span,
    /// The index of the first negative bucket.
    pub negative_offset: i32,
    /// Counts of the negative buckets: see [`Batch::counts`].
    pub negative: Span,
}

/// A summary's point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SummaryPoint {
    /// Which series.
    pub series: SeriesId,
    /// Whether there is a value.
    pub flags: Flags,
    /// Start of the time range; zero if not stated.
    pub start: UnixNanos,
    /// The time of the point.
    pub time: UnixNanos,
    /// How many values.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// Pairs of quantile and value, one after the other: see [`Batch::bounds`].
    pub quantiles: Span,
}

/// Points on their way through the graph. Clone splits the ack and keeps the lease.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Gauges and sums.
    pub numbers: Vec<NumberPoint>,
    /// Explicit histograms.
    pub histograms: Vec<HistogramPoint>,
    /// Exponential histograms.
    pub exponential_histograms: Vec<ExponentialHistogramPoint>,
    /// Summaries.
    pub summaries: Vec<SummaryPoint>,
    counts: Vec<u64>,
    bounds: Vec<f64>,
    /// Keeps every series that the points name resolvable.
    pub lease: Lease,
    /// Reports the fate of these points.
    pub ack: Ack,
}

impl Batch {
    /// An empty batch under a lease of this moment: made before the first id is written into it (R1).
    pub fn new(interner: &Interner) -> Self {
        Self::under(interner.lease())
    }

    /// An empty batch under `lease`: for points that are derived from a batch which holds it.
    pub fn under(lease: Lease) -> Self {
        Self {
            numbers: Vec::new(),
            histograms: Vec::new(),
            exponential_histograms: Vec::new(),
            summaries: Vec::new(),
            counts: Vec::new(),
            bounds: Vec::new(),
            lease,
            ack: Ack::none(),
        }
    }

    /// How many points of any kind.
    pub fn points(&self) -> u64 {
        (self.numbers.len()
            + self.histograms.len()
            + self.exponential_histograms.len()
            + self.summaries.len()) as u64
    }

    /// Whether there is no point.
    pub fn is_empty(&self) -> bool {
        self.points() == 0
    }

    /// The memory that the points take, in bytes: what edges bound (R12).
    pub fn bytes(&self) -> u64 {
        (size_of::<Self>()
            + self.numbers.len() * size_of::<NumberPoint>()
            + self.histograms.len() * size_of::<HistogramPoint>()
            + self.exponential_histograms.len() * size_of::<ExponentialHistogramPoint>()
            + self.summaries.len() * size_of::<SummaryPoint>()
            + self.counts.len() * size_of::<u64>()
            + self.bounds.len() * size_of::<f64>()) as u64
    }

    /// Puts counts into the arena.
    pub fn push_counts(&mut self, counts: impl IntoIterator<Item = u64>) -> Span {
        push(&mut self.counts, counts)
    }

    /// Puts bounds, or pairs of quantile and value, into the arena.
    pub fn push_bounds(&mut self, bounds: impl IntoIterator<Item = f64>) -> Span {
        push(&mut self.bounds, bounds)
    }

    /// The counts of a span; empty for a span of another batch.
    pub fn counts(&self, span: Span) -> &[u64] {
        self.counts.get(span.range()).unwrap_or_default()
    }

    /// The counts of a span, to change; empty for a span of another batch.
    pub fn counts_mut(&mut self, span: Span) -> &mut [u64] {
        self.counts.get_mut(span.range()).unwrap_or_default()
    }

    /// The bounds of a span; empty for a span of another batch.
    pub fn bounds(&self, span: Span) -> &[f64] {
        self.bounds.get(span.range()).unwrap_or_default()
    }

    /// Calls `change` for the series of every point, of every kind.
    pub fn for_each_series(&mut self, mut change: impl FnMut(&mut SeriesId)) {
        self.numbers.iter_mut().for_each(|point| change(&mut point.series));
        self.histograms.iter_mut().for_each(|point| change(&mut point.series));
        self.exponential_histograms.iter_mut().for_each(|point| change(&mut point.series));
        self.summaries.iter_mut().for_each(|point| change(&mut point.series));
    }

    /// Moves the points of `other` here; leases and acks are joined.
    pub fn append(&mut self, mut other: Batch) {
        let (counts, bounds) = (self.counts.len() as u32, self.bounds.len() as u32);
        let shift = |span: Span, by: u32| Span { start: span.start + by, len: span.len };
        for point in &mut other.histograms {
            point.counts = shift(point.counts, counts);
            point.bounds = shift(point.bounds, bounds);
        }
        for point in &mut other.exponential_histograms {
            point.positive = shift(point.positive, counts);
            point.negative = shift(point.negative, counts);
        }
        for point in &mut other.summaries {
            point.quantiles = shift(point.quantiles, bounds);
        }
        self.numbers.append(&mut other.numbers);
        self.histograms.append(&mut other.histograms);
        self.exponential_histograms.append(&mut other.exponential_histograms);
        self.summaries.append(&mut other.summaries);
        self.counts.append(&mut other.counts);
        self.bounds.append(&mut other.bounds);
        self.lease.cover(&other.lease);
        self.ack.join(std::mem::take(&mut other.ack));
    }
}

fn push<T>(arena: &mut Vec<T>, items: impl IntoIterator<Item = T>) -> Span {
    let start = arena.len();
    arena.extend(items);
    Span { start: start as u32, len: (arena.len() - start) as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_point_takes_40_bytes_and_keeps_integers() {
        assert_eq!(size_of::<NumberPoint>(), 40);
        let series = SeriesId { slot: 1, generation: 2 };
        let big = i64::MAX - 1; // not representable as a double
        let mut point = NumberPoint::new(series, UnixNanos(1), UnixNanos(2), Number::Int(big));
        assert_eq!(point.value(), Number::Int(big));
        point.flags = point.flags.with(Flags::NO_RECORDED_VALUE);
        point.set_value(Number::Double(0.5));
        assert_eq!(point.value(), Number::Double(0.5));
        assert!(point.flags.has(Flags::NO_RECORDED_VALUE) && !point.flags.has(Flags::INTEGER));
    }

    #[test]
    fn appended_points_keep_their_arena_values() {
        let interner = Interner::new(1);
        let series = SeriesId { slot: 0, generation: 0 };
        let with = |counts: &[u64], bounds: &[f64]| {
            let mut batch = Batch::new(&interner);
            let (counts, bounds) =
                (batch.push_counts(counts.iter().copied()), batch.push_bounds(bounds.iter().copied()));
            batch.histograms.push(HistogramPoint {
                series,
                flags: Flags::SUM,
                start: UnixNanos(0),
                time: UnixNanos(1),
                count: 3,
                sum: 4.0,
                min: 0.0,
                max: 0.0,
                counts,
                bounds,
            });
            batch
        };
        let mut batch = with(&[1, 2], &[10.0]);
        batch.append(with(&[3, 4, 5], &[20.0, 30.0]));
        assert_eq!(batch.points(), 2);
        let second = batch.histograms[1];
        assert_eq!(batch.counts(second.counts), [3, 4, 5]);
        assert_eq!(batch.bounds(second.bounds), [20.0, 30.0]);
    }
}
