//! What the processors cost per point of a known series: the time per iteration, shown as elements per second, is that of one batch.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use weir_core::{
    Batch, Descriptor, Number, NumberPoint, Out, Processor, ProcessorFactory, Series, Temporality,
};
use weir_processors::{
    delta::{self, Delta},
    dimensions::{self, Action, Dimensions, Literal, Verb},
};
use weir_testkit::{Fixture, START, seconds};

/// Series in use: those of a small sidecar (all tables in the nearest cache), and of a gateway.
const SERIES: [usize; 2] = [1_000, 100_000];
/// Points a batch.
const POINTS: usize = 1_000;

fn streams(fixture: &Fixture, count: usize) -> Vec<Arc<Series>> {
    let metric = Descriptor::sum("requests", "1", Temporality::Cumulative, true);
    (0..count).map(|n| fixture.stream(metric.clone(), &[("n", &n.to_string()), ("path", "/")])).collect()
}

/// Batches that go over all series once, at time `time`.
fn round(fixture: &Fixture, series: &[Arc<Series>], time: u64) -> Vec<Batch> {
    let point = |series: &Arc<Series>| {
        NumberPoint::new(series.id(), seconds(START), seconds(START + time), Number::Int(time as i64))
    };
    series.chunks(POINTS).map(|chunk| fixture.batch(chunk.iter().map(point))).collect()
}

fn run(stage: &mut dyn Processor, batch: Batch) -> Vec<Batch> {
    let mut out = Out::default();
    stage.process(batch, &mut out);
    out.take()
}

/// Feeds rounds of known series to a stage: each batch is newer than the last of its series.
fn known<F: ProcessorFactory>(criterion: &mut Criterion, name: &str, config: impl Fn() -> F::Config) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(POINTS as u64));
    for count in SERIES {
        let fixture = Fixture::new();
        let series = streams(&fixture, count);
        let mut stage = F::build(config(), fixture.context(name), None);
        let mut time = 1;
        let mut batches = Vec::new();
        for batch in round(&fixture, &series, time) {
            run(&mut *stage, batch);
        }
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter_batched(
                || {
                    if batches.is_empty() {
                        time += 1;
                        batches = round(&fixture, &series, time);
                    }
                    batches.pop().unwrap()
                },
                |batch| run(&mut *stage, batch),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn dimensions(criterion: &mut Criterion) {
    known::<Dimensions>(criterion, "dimensions", || dimensions::Config {
        actions: vec![Action {
            value: Some(Literal(weir_core::Value::str("production"))),
            ..Action::new(Verb::Upsert, "environment")
        }],
        ..dimensions::Config::default()
    });
}

fn delta(criterion: &mut Criterion) {
    known::<Delta>(criterion, "delta", delta::Config::default);
}

/// Fan-out: a branch that reads shares the batch, one that changes it copies it.
fn fan_out(criterion: &mut Criterion) {
    let fixture = Fixture::new();
    let series = streams(&fixture, POINTS);
    let batch = Arc::new(round(&fixture, &series, 1).remove(0));
    let mut group = criterion.benchmark_group("fan-out");
    group.throughput(Throughput::Elements(POINTS as u64));
    group.bench_function("share", |bencher| bencher.iter(|| black_box(Arc::clone(&batch))));
    group.bench_function("copy", |bencher| bencher.iter(|| black_box(Batch::clone(&batch))));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .without_plots();
    targets = dimensions, delta, fan_out
}
criterion_main!(benches);
