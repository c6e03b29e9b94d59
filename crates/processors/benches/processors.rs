//! What the processors cost per point of a known series: the time per iteration, shown as elements per second, is that of one batch.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use weir_core::{Batch, Descriptor, Kind, Number, Out, ProcessorFactory, Series, Temporality, UnixNanos};
use weir_processors::{
    delta::{self, Delta},
    dimensions::{self, Action, Dimensions, Literal, Verb},
};
use weir_testkit::{Fixture, SDK_BOUNDS, START, point, push_explicit, push_exponential};

/// Series in use: those of a small sidecar (all tables in the nearest cache), and of a gateway.
const SERIES: [usize; 2] = [1_000, 100_000];
/// Points a batch.
const POINTS: usize = 1_000;

/// What some senders send: a metric, and how its point at a time goes into a batch. Later points count more.
#[derive(Clone, Copy)]
struct Senders {
    kind: Kind,
    push: fn(&mut Batch, &Series, u64),
}

impl Senders {
    const COUNTERS: Self = Self {
        kind: Kind::Sum,
        push: |batch, series, time| {
            batch.numbers.push(point(series, START, START + time, Number::Int(time as i64)));
        },
    };
    const EXPLICIT: Self = Self {
        kind: Kind::Histogram,
        push: |batch, series, time| push_explicit(batch, series, START + time, &SDK_BOUNDS, &[time; 16]),
    };
    /// Of as many buckets as SDKs send.
    const EXPONENTIAL: Self = Self {
        kind: Kind::ExponentialHistogram,
        push: |batch, series, time| push_exponential(batch, series, START + time, &[time; 160]),
    };

    fn streams(self, fixture: &Fixture, count: usize) -> Vec<Arc<Series>> {
        let metric = Descriptor {
            kind: self.kind,
            temporality: Temporality::Cumulative,
            monotonic: self.kind == Kind::Sum,
            ..Descriptor::gauge("requests", "1")
        };
        (0..count).map(|n| fixture.stream(metric.clone(), &[("n", &n.to_string()), ("path", "/")])).collect()
    }

    /// Batches that go over all series once, at time `time`.
    fn round(self, fixture: &Fixture, series: &[Arc<Series>], time: u64) -> Vec<Batch> {
        let batch = |chunk: &[Arc<Series>]| {
            let mut batch = fixture.batch([]);
            chunk.iter().for_each(|series| (self.push)(&mut batch, series, time));
            batch
        };
        series.chunks(POINTS).map(batch).collect()
    }
}

/// What becomes of a batch.
type Stage = Box<dyn FnMut(Batch) -> Vec<Batch>>;

fn stage<F: ProcessorFactory>(config: F::Config, fixture: &Fixture) -> Stage {
    let mut stage = F::build(config, fixture.context("stage"), None);
    Box::new(move |batch| {
        let mut out = Out::default();
        stage.process(batch, &mut out);
        out.take()
    })
}

/// Feeds rounds of known series to a stage: each batch is newer than the last of its series, and was made just before, as a receiver
/// does.
fn known(
    criterion: &mut Criterion,
    name: &str,
    senders: Senders,
    counts: &[usize],
    stage: impl Fn(&Fixture) -> Stage,
) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(POINTS as u64));
    for &count in counts {
        let fixture = Fixture::new();
        let series = senders.streams(&fixture, count);
        let mut stage = stage(&fixture);
        let mut time = 1;
        let mut batches = Vec::new();
        for batch in senders.round(&fixture, &series, time) {
            stage(batch);
        }
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter_batched(
                || {
                    if batches.is_empty() {
                        time += 1;
                        batches = senders.round(&fixture, &series, time);
                    }
                    batches.pop().unwrap()
                },
                &mut stage,
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// Below this no stage can go: it reads every point and writes what `delta` writes, and keeps nothing.
fn floor(criterion: &mut Criterion) {
    known(criterion, "floor", Senders::COUNTERS, &SERIES, |fixture| {
        let delta = Senders::COUNTERS.streams(fixture, 1)[0].id();
        Box::new(move |mut batch| {
            for point in &mut batch.numbers {
                if let Number::Int(value) = point.value() {
                    point.set_value(Number::Int(value - 1));
                }
                point.start = UnixNanos(point.time.0 - 1);
                point.series = delta;
            }
            vec![batch]
        })
    });
}

fn dimensions(criterion: &mut Criterion) {
    known(criterion, "dimensions", Senders::COUNTERS, &SERIES, |fixture| {
        let config = dimensions::Config {
            actions: vec![Action {
                value: Some(Literal(weir_core::Value::str("production"))),
                ..Action::new(Verb::Upsert, "environment")
            }],
            ..dimensions::Config::default()
        };
        stage::<Dimensions>(config, fixture)
    });
}

fn delta(criterion: &mut Criterion) {
    let stage = |fixture: &Fixture| stage::<Delta>(delta::Config::default(), fixture);
    known(criterion, "delta", Senders::COUNTERS, &SERIES, stage);
    known(criterion, "delta, 15 bounds", Senders::EXPLICIT, &SERIES[..1], stage);
    known(criterion, "delta, exponential", Senders::EXPONENTIAL, &SERIES[..1], stage);
}

/// Fan-out: a branch that reads shares the batch, one that changes it copies it.
fn fan_out(criterion: &mut Criterion) {
    let fixture = Fixture::new();
    let series = Senders::COUNTERS.streams(&fixture, POINTS);
    let batch = Arc::new(Senders::COUNTERS.round(&fixture, &series, 1).remove(0));
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
    targets = floor, dimensions, delta, fan_out
}
criterion_main!(benches);
