//! Samples of known shapes, the same in every run, and how applications count them.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::KeyValue,
    metrics::v1::{
        AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
        HistogramDataPoint, NumberDataPoint, exponential_histogram_data_point::Buckets, metric,
        number_data_point,
    },
};

use crate::{
    harness::{SECOND, request, text},
    interop::numbers,
};

/// The default bounds of OpenTelemetry's SDKs.
pub(crate) const BOUNDS: [f64; 15] =
    [0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10_000.0];

/// Samples are multiples of this, so that their sums are exact in any order.
const QUANTUM: f64 = 1.0 / 1024.0;

/// How many samples a shape has.
const SAMPLES: usize = 3000;

/// Draws a sample from numbers in (0, 1].
type Draw = fn(&mut dyn FnMut() -> f64) -> f64;

/// What is measured; in milliseconds, where it is a duration.
pub(crate) const SHAPES: [(&str, Draw); 7] = [
    ("uniform", |unit| unit() * 1000.0),
    ("log_normal", |unit| 120.0 * (0.6 * normal(unit)).exp()),
    ("bimodal", |unit| if unit() < 0.8 { 20.0 + normal(unit) } else { 800.0 + 30.0 * normal(unit) }),
    ("constant", |_| 42.5),
    ("heavy_tail", |unit| 10.0 * unit().powf(-1.0 / 1.5)),
    ("zeros", |unit| if unit() < 0.3 { 0.0 } else { (4.0 + normal(unit)).exp() }),
    ("negatives", |unit| 100.0 * normal(unit)),
];

/// How the samples are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// Each by itself.
    Raw,
    Explicit,
    Exponential,
}

pub(crate) const WAYS: [Way; 3] = [Way::Raw, Way::Explicit, Way::Exponential];

/// The samples of a shape.
pub(crate) fn draw(shape: Draw) -> Vec<f64> {
    let mut numbers = numbers(11);
    let mut unit = || (numbers.next().unwrap() + 1) as f64 / f64::from(1 << 23);
    (0..SAMPLES).map(|_| (shape(&mut unit) / QUANTUM).round() * QUANTUM).collect()
}

/// Standard normal (Box–Muller).
fn normal(unit: &mut dyn FnMut() -> f64) -> f64 {
    (-2.0 * unit().ln()).sqrt() * (std::f64::consts::TAU * unit()).cos()
}

/// A request of `samples` as one sender makes it, all within the second that begins at `time`.
pub(crate) fn told(
    way: Way,
    name: &str,
    sender: usize,
    time: u64,
    samples: &[f64],
) -> ExportMetricsServiceRequest {
    let attributes = vec![text("sender", sender.to_string())];
    // A histogram's points come in two collections.
    let halves = || samples.chunks(samples.len().div_ceil(2)).zip([time, time + SECOND / 2]);
    let delta = AggregationTemporality::Delta.into();
    let data = match way {
        Way::Raw => {
            let reading = |(at, value): (u64, &f64)| reading(attributes.clone(), time + at, *value);
            metric::Data::Gauge(Gauge { data_points: (0..).zip(samples).map(reading).collect() })
        }
        Way::Explicit => metric::Data::Histogram(Histogram {
            data_points: halves().map(|(half, time)| explicit(attributes.clone(), time, half)).collect(),
            aggregation_temporality: delta,
        }),
        Way::Exponential => metric::Data::ExponentialHistogram(ExponentialHistogram {
            data_points: halves().map(|(half, time)| exponential(attributes.clone(), time, half)).collect(),
            aggregation_temporality: delta,
        }),
    };
    request(name, data)
}

fn reading(attributes: Vec<KeyValue>, time_unix_nano: u64, value: f64) -> NumberDataPoint {
    let value = Some(number_data_point::Value::AsDouble(value));
    NumberDataPoint { attributes, time_unix_nano, value, ..NumberDataPoint::default() }
}

fn ends(samples: &[f64]) -> (Option<f64>, Option<f64>) {
    (samples.iter().copied().reduce(f64::min), samples.iter().copied().reduce(f64::max))
}

/// The place of a value among the bounds.
pub(crate) fn bucket(value: f64) -> usize {
    BOUNDS.iter().position(|bound| value <= *bound).unwrap_or(BOUNDS.len())
}

fn explicit(attributes: Vec<KeyValue>, time: u64, samples: &[f64]) -> HistogramDataPoint {
    let mut bucket_counts = vec![0; BOUNDS.len() + 1];
    samples.iter().for_each(|sample| bucket_counts[bucket(*sample)] += 1);
    let (min, max) = ends(samples);
    HistogramDataPoint {
        attributes,
        start_time_unix_nano: time - SECOND,
        time_unix_nano: time,
        count: samples.len() as u64,
        sum: Some(samples.iter().sum()),
        bucket_counts,
        explicit_bounds: BOUNDS.to_vec(),
        min,
        max,
        ..HistogramDataPoint::default()
    }
}

/// How many of the magnitudes with this sign fall into each bucket of a scale.
pub(crate) fn indexed(samples: &[f64], sign: f64, scale: i32) -> BTreeMap<i32, u64> {
    let mut counts = BTreeMap::new();
    for magnitude in samples.iter().map(|sample| sample * sign).filter(|magnitude| *magnitude > 0.0) {
        let index = (magnitude.log2() * f64::from(scale).exp2()).ceil() as i32 - 1;
        *counts.entry(index).or_default() += 1;
    }
    counts
}

/// The finest scale at which an SDK needs at most 160 buckets for each sign.
pub(crate) fn scale_of(samples: &[f64]) -> i32 {
    let fits = |scale: &i32| {
        [1.0, -1.0].into_iter().all(|sign| {
            let counts = indexed(samples, sign, *scale);
            counts.keys().next().zip(counts.keys().next_back()).is_none_or(|(first, last)| last - first < 160)
        })
    };
    (-10..=20).rev().find(fits).unwrap()
}

fn exponential(attributes: Vec<KeyValue>, time: u64, samples: &[f64]) -> ExponentialHistogramDataPoint {
    let scale = scale_of(samples);
    let side = |sign: f64| {
        let counts = indexed(samples, sign, scale);
        let (first, last) = (*counts.keys().next()?, *counts.keys().next_back()?);
        let count = |index| counts.get(&index).copied().unwrap_or_default();
        Some(Buckets { offset: first, bucket_counts: (first..=last).map(count).collect() })
    };
    let (min, max) = ends(samples);
    ExponentialHistogramDataPoint {
        attributes,
        start_time_unix_nano: time - SECOND,
        time_unix_nano: time,
        count: samples.len() as u64,
        sum: Some(samples.iter().sum()),
        scale,
        zero_count: samples.iter().filter(|sample| **sample == 0.0).count() as u64,
        positive: side(1.0),
        negative: side(-1.0),
        min,
        max,
        ..ExponentialHistogramDataPoint::default()
    }
}
