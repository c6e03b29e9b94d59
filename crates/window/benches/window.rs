//! What a sample or a histogram's point costs on its way into a distribution, and what closing one costs, by kind.
#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

#[path = "../tests/samples/mod.rs"]
mod samples;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use samples::{SHAPES, draw};
use weir_window::{Distribution, Exponential, Totals, exponential::Parts};

const LIMIT: usize = 150;

fn shaped(name: &str, count: usize) -> Vec<f64> {
    let shape = SHAPES.iter().find(|(shape, _)| *shape == name);
    shape.map_or_else(Vec::new, |&(_, shape)| draw(shape, count))
}

fn distribution(samples: &[f64]) -> Distribution {
    let mut distribution = Distribution::default();
    for &sample in samples {
        _ = black_box(distribution.record(black_box(sample)));
    }
    distribution
}

/// Each sample of a stream, a whole period at a time.
fn record(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("record");
    for (name, samples) in [
        ("a constant, 6 a period", shaped("constant", 6)),
        ("4 distinct, 6 a period", vec![0.25, 0.5, 0.25, 0.75, 0.5, 1.0]),
        ("7 distinct, 1000 a period", shaped("few integers", 1_000)),
        ("60 distinct, 60 a period", shaped("log-normal", 60)),
        ("log-normal, 1000 a period", shaped("log-normal", 1_000)),
        ("log-normal, 100000 a period", shaped("log-normal", 100_000)),
    ] {
        group.throughput(Throughput::Elements(samples.len() as u64));
        group.bench_function(name, |bencher| bencher.iter_with_large_drop(|| distribution(&samples)));
    }
    group.finish();
}

/// A period's end, per distribution.
fn close(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("close");
    for (name, samples) in [
        ("4 distinct", vec![0.25, 0.5, 0.75, 1.0]),
        ("60 distinct", shaped("log-normal", 60)),
        ("1000 distinct to 150", shaped("log-normal", 1_000)),
        ("100000 log-normal to 150", shaped("log-normal", 100_000)),
    ] {
        let full = distribution(&samples);
        group.bench_function(name, |bencher| {
            bencher.iter_batched(|| full.clone(), |full| full.into_values(LIMIT), BatchSize::SmallInput);
        });
    }
    group.finish();
}

/// The default bounds of OpenTelemetry's SDKs.
const BOUNDS: [f64; 15] =
    [0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10_000.0];

/// Log-normal samples as an explicit histogram counts them.
fn explicit() -> ([u64; 16], Totals) {
    let mut counts = [0; 16];
    let samples = shaped("log-normal", 1_000);
    samples.iter().for_each(|sample| counts[BOUNDS.partition_point(|bound| bound < sample)] += 1);
    (counts, totals(&samples))
}

/// The same as an exponential histogram of 160 buckets, as SDKs send it: scale 4 and bucket (1, 1.04] in the middle.
fn exponential() -> (Exponential, Totals) {
    let samples = shaped("log-normal", 1_000);
    let mut positive = [0; 160];
    for sample in samples.iter().filter(|sample| **sample > 0.0) {
        positive[(sample.log2() * 16.0 + 80.0).clamp(0.0, 159.0) as usize] += 1;
    }
    let parts = Parts { scale: 4, positive_offset: -80, positive: &positive, ..Parts::default() };
    let histogram = Exponential::new(&parts).unwrap_or_default();
    let totals = Totals { count: histogram.count(), ..totals(&samples) };
    (histogram, totals)
}

fn totals(samples: &[f64]) -> Totals {
    let [min, max] = [f64::min, f64::max].map(|end| samples.iter().copied().reduce(end));
    Totals { count: samples.len() as u64, sum: Some(samples.iter().sum()), min, max }
}

/// A point into a distribution that holds others of its kind, and a period's end.
fn histograms(criterion: &mut Criterion) {
    let ((counts, told), (exponential, exponential_told)) = (explicit(), exponential());
    let (mut of_explicit, mut of_exponential) = (Distribution::default(), Distribution::default());
    let mut group = criterion.benchmark_group("histogram");
    group.bench_function("record, 15 bounds", |bencher| {
        bencher.iter(|| of_explicit.record_explicit(black_box(&BOUNDS), &counts, told));
    });
    group.bench_function("record, exponential", |bencher| {
        bencher.iter(|| of_exponential.record_exponential(black_box(&exponential), exponential_told));
    });
    for (name, full) in [("close, 15 bounds", &of_explicit), ("close, exponential", &of_exponential)] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(|| full.clone(), |full| full.into_values(LIMIT), BatchSize::SmallInput);
        });
    }
    group.finish();
}

/// The same stream from two senders.
fn merge(criterion: &mut Criterion) {
    let samples = shaped("log-normal", 20_000);
    let (left, right) = samples.split_at(10_000);
    let (left, right) = (distribution(left), distribution(right));
    criterion.bench_function("merge/two of 10000 log-normal", |bencher| {
        bencher.iter_batched_ref(|| left.clone(), |left| left.merge(&right), BatchSize::SmallInput);
    });
}

criterion_group!(benches, record, close, histograms, merge);
criterion_main!(benches);
