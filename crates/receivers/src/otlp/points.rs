//! Each kind of OTLP's points: what all have, what makes one unusable, and how it goes into a batch.

use opentelemetry_proto::tonic::{
    common::v1::KeyValue,
    metrics::v1::{
        DataPointFlags, ExponentialHistogramDataPoint, HistogramDataPoint, NumberDataPoint, SummaryDataPoint,
        exponential_histogram_data_point::Buckets, number_data_point::Value,
    },
};
use weir_core::{
    Batch, ExponentialHistogramPoint, Flags, HistogramPoint, Number, NumberPoint, Reason, SeriesId,
    SummaryPoint, UnixNanos,
};

use super::refusals::{BAD_HISTOGRAM, NO_VALUE};

/// A point of one of OTLP's kinds.
pub(super) trait DataPoint {
    fn attributes(&self) -> &[KeyValue];
    /// Nanoseconds since the epoch; zero where it is not known.
    fn time(&self) -> u64;
    fn exemplars(&self) -> usize;
    /// Why the point cannot be used, if so.
    fn check(&self) -> Result<(), Reason>;
    /// Puts a point that passed the check into `batch`.
    fn push(&self, batch: &mut Batch, series: SeriesId);
}

impl DataPoint for NumberDataPoint {
    fn attributes(&self) -> &[KeyValue] {
        &self.attributes
    }

    fn time(&self) -> u64 {
        self.time_unix_nano
    }

    fn exemplars(&self) -> usize {
        self.exemplars.len()
    }

    fn check(&self) -> Result<(), Reason> {
        let excused = flags(self.flags).has(Flags::NO_RECORDED_VALUE);
        if self.value.is_some() || excused { Ok(()) } else { Err(NO_VALUE) }
    }

    fn push(&self, batch: &mut Batch, series: SeriesId) {
        let value = match self.value {
            Some(Value::AsInt(int)) => Number::Int(int),
            Some(Value::AsDouble(double)) => Number::Double(double),
            None => Number::Double(0.0), // flagged as no value
        };
        let (start, time) = (UnixNanos(self.start_time_unix_nano), UnixNanos(self.time_unix_nano));
        let mut point = NumberPoint::new(series, start, time, value);
        point.flags = point.flags.with(flags(self.flags));
        batch.numbers.push(point);
    }
}

impl DataPoint for HistogramDataPoint {
    fn attributes(&self) -> &[KeyValue] {
        &self.attributes
    }

    fn time(&self) -> u64 {
        self.time_unix_nano
    }

    fn exemplars(&self) -> usize {
        self.exemplars.len()
    }

    fn check(&self) -> Result<(), Reason> {
        let (counts, bounds) = (self.bucket_counts.len(), &self.explicit_bounds);
        let fits = counts == bounds.len() + 1 || (counts == 0 && bounds.is_empty());
        // Written so that a NaN fails.
        let ascends = bounds.windows(2).all(|pair| pair[0] < pair[1]) && !bounds.iter().any(|b| b.is_nan());
        if fits && ascends { Ok(()) } else { Err(BAD_HISTOGRAM) }
    }

    fn push(&self, batch: &mut Batch, series: SeriesId) {
        let counts = batch.push_counts(self.bucket_counts.iter().copied());
        let bounds = batch.push_bounds(self.explicit_bounds.iter().copied());
        batch.histograms.push(HistogramPoint {
            series,
            flags: flags(self.flags).with(present(self.sum, self.min, self.max)),
            start: UnixNanos(self.start_time_unix_nano),
            time: UnixNanos(self.time_unix_nano),
            count: self.count,
            sum: self.sum.unwrap_or_default(),
            min: self.min.unwrap_or_default(),
            max: self.max.unwrap_or_default(),
            counts,
            bounds,
        });
    }
}

impl DataPoint for ExponentialHistogramDataPoint {
    fn attributes(&self) -> &[KeyValue] {
        &self.attributes
    }

    fn time(&self) -> u64 {
        self.time_unix_nano
    }

    fn exemplars(&self) -> usize {
        self.exemplars.len()
    }

    fn check(&self) -> Result<(), Reason> {
        let indexes_fit = |buckets: &Option<Buckets>| {
            buckets.as_ref().is_none_or(|buckets| {
                let len = i32::try_from(buckets.bucket_counts.len());
                len.is_ok_and(|len| buckets.offset.checked_add(len).is_some())
            })
        };
        if indexes_fit(&self.positive) && indexes_fit(&self.negative) { Ok(()) } else { Err(BAD_HISTOGRAM) }
    }

    fn push(&self, batch: &mut Batch, series: SeriesId) {
        let mut side = |buckets: &Option<Buckets>| {
            let counts = buckets.as_ref().map(|buckets| &*buckets.bucket_counts).unwrap_or_default();
            let offset = buckets.as_ref().map_or(0, |buckets| buckets.offset);
            (offset, batch.push_counts(counts.iter().copied()))
        };
        let (positive_offset, positive) = side(&self.positive);
        let (negative_offset, negative) = side(&self.negative);
        batch.exponential_histograms.push(ExponentialHistogramPoint {
            series,
            flags: flags(self.flags).with(present(self.sum, self.min, self.max)),
            start: UnixNanos(self.start_time_unix_nano),
            time: UnixNanos(self.time_unix_nano),
            count: self.count,
            sum: self.sum.unwrap_or_default(),
            min: self.min.unwrap_or_default(),
            max: self.max.unwrap_or_default(),
            scale: self.scale,
            zero_count: self.zero_count,
            zero_threshold: self.zero_threshold,
            positive_offset,
            positive,
            negative_offset,
            negative,
        });
    }
}

impl DataPoint for SummaryDataPoint {
    fn attributes(&self) -> &[KeyValue] {
        &self.attributes
    }

    fn time(&self) -> u64 {
        self.time_unix_nano
    }

    fn exemplars(&self) -> usize {
        0
    }

    fn check(&self) -> Result<(), Reason> {
        Ok(())
    }

    fn push(&self, batch: &mut Batch, series: SeriesId) {
        let pairs = self.quantile_values.iter().flat_map(|at| [at.quantile, at.value]);
        let quantiles = batch.push_bounds(pairs);
        batch.summaries.push(SummaryPoint {
            series,
            // A summary's sum is not optional in OTLP.
            flags: flags(self.flags).with(Flags::SUM),
            start: UnixNanos(self.start_time_unix_nano),
            time: UnixNanos(self.time_unix_nano),
            count: self.count,
            sum: self.sum,
            quantiles,
        });
    }
}

/// OTLP's flags; the bits that it reserves mean nothing.
fn flags(sent: u32) -> Flags {
    if sent & DataPointFlags::NoRecordedValueMask as u32 == 0 {
        Flags::default()
    } else {
        Flags::NO_RECORDED_VALUE
    }
}

fn present(sum: Option<f64>, min: Option<f64>, max: Option<f64>) -> Flags {
    [(sum, Flags::SUM), (min, Flags::MIN), (max, Flags::MAX)]
        .into_iter()
        .filter(|(value, _)| value.is_some())
        .fold(Flags::default(), |flags, (_, flag)| flags.with(flag))
}
