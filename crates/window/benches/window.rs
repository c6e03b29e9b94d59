//! What a sample costs on its way into a distribution, and what closing one costs.
#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

#[path = "../tests/samples/mod.rs"]
mod samples;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use samples::{SHAPES, draw};
use weir_window::Distribution;

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

/// The same stream from two senders.
fn merge(criterion: &mut Criterion) {
    let samples = shaped("log-normal", 20_000);
    let (left, right) = samples.split_at(10_000);
    let (left, right) = (distribution(left), distribution(right));
    criterion.bench_function("merge/two of 10000 log-normal", |bencher| {
        bencher.iter_batched_ref(|| left.clone(), |left| left.merge(&right), BatchSize::SmallInput);
    });
}

criterion_group!(benches, record, close, merge);
criterion_main!(benches);
