//! What a point of a known series costs on its way into CloudWatch's open windows, by kind. The time per iteration, shown as elements
//! per second, is that of one round: a point of each series.
#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

use std::{cell::RefCell, sync::Arc, time::Duration};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use weir_core::{
    Ack, Batch, Descriptor, Flags, Kind, Number, Series, Span, SummaryPoint, Temporality, UnixNanos,
};
use weir_exporters::cloudwatch::{
    config::Config, cumulative::CumulativeHistograms, rules::Rules, summary::Summaries, windows::Windows,
};
use weir_testkit::{Fixture, SDK_BOUNDS, START, point, push_explicit, push_exponential, seconds};

const SERIES: usize = 10_000;
/// Points a batch.
const POINTS: usize = 1_000;
/// Seconds from a point of a series to the next: six of them to a period.
const INTERVAL: u64 = 10;
/// Seconds of a period.
const PERIOD: u64 = 60;

/// How a point of a series at a time, in seconds, goes into a batch.
type Push = fn(&mut Batch, &Series, u64);

fn number(batch: &mut Batch, series: &Series, time: u64) {
    batch.numbers.push(point(series, time - INTERVAL, time, Number::Int(time as i64)));
}

fn explicit(batch: &mut Batch, series: &Series, time: u64) {
    push_explicit(batch, series, time, &SDK_BOUNDS, &[10; 16]);
}

/// Of as many buckets as SDKs send.
fn exponential(batch: &mut Batch, series: &Series, time: u64) {
    push_exponential(batch, series, time, &[10; 160]);
}

/// Count and sum since the start; its quantiles are not asked for.
fn summary(batch: &mut Batch, series: &Series, time: u64) {
    batch.summaries.push(SummaryPoint {
        series: series.id(),
        flags: Flags::default(),
        start: seconds(START),
        time: seconds(time),
        count: time * time,
        sum: (time * time) as f64,
        quantiles: Span::default(),
    });
}

/// An exporter's way from a batch to its windows, and senders whose next round is ready.
struct Case {
    fixture: Fixture,
    series: Vec<Arc<Series>>,
    push: Push,
    rules: Rules,
    cumulative: CumulativeHistograms,
    summaries: Summaries,
    windows: Windows,
    time: u64,
    round: Vec<Arc<Batch>>,
}

impl Case {
    fn new(metric: &Descriptor, push: Push) -> Self {
        let fixture = Fixture::new();
        let name = |n: usize| format!("host-{n:06}");
        let series =
            (0..SERIES).map(|n| fixture.stream(metric.clone(), &[("host", &name(n)), ("route", "/")]));
        let rules = Rules::new(&Config::default());
        let mut case = Self {
            series: series.collect(),
            push,
            windows: Windows::new(rules.periods(), 0.0),
            rules,
            cumulative: CumulativeHistograms::default(),
            summaries: Summaries::new(UnixNanos(0), false),
            time: START - START % PERIOD,
            round: Vec::new(),
            fixture,
        };
        case.make_round();
        case.record();
        case
    }

    fn make_round(&mut self) {
        self.time += INTERVAL;
        if self.time.is_multiple_of(PERIOD) {
            self.windows.close_all(&self.fixture.interner);
        }
        let (fixture, push, time) = (&self.fixture, self.push, self.time);
        let batch = |chunk: &[Arc<Series>]| {
            let mut batch = fixture.batch([]);
            chunk.iter().for_each(|series| push(&mut batch, series, time));
            Arc::new(batch)
        };
        self.round = self.series.chunks(POINTS).map(batch).collect();
    }

    fn record(&mut self) {
        // They are dropped with the next round, outside what is measured.
        for batch in &mut self.round {
            assert!(self.cumulative.take_out(batch, &self.fixture.interner).is_none());
            if let Some(numbers) = self.summaries.numbers(batch, &self.fixture.interner) {
                take(&mut self.windows, &numbers.batch, self.time, &self.rules);
            }
            take(&mut self.windows, batch, self.time, &self.rules);
        }
    }
}

fn take(windows: &mut Windows, batch: &Batch, time: u64, rules: &Rules) {
    windows.record(batch, Ack::none(), seconds(time), rules, |left| {
        assert_eq!(left.by_reason().iter().map(|(_, points)| points).sum::<u64>(), 0);
    });
}

fn record(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("record");
    group.throughput(Throughput::Elements(SERIES as u64));
    let gauge = Descriptor::gauge("m", "ms");
    let of = |kind, temporality| Descriptor { kind, temporality, ..gauge.clone() };
    let delta = Temporality::Delta;
    let kinds: [(&str, Descriptor, Push); 5] = [
        ("gauge", gauge.clone(), number),
        ("delta sum", Descriptor::sum("m", "ms", delta, true), number),
        ("histogram, 15 bounds", of(Kind::Histogram, delta), explicit),
        ("histogram, exponential", of(Kind::ExponentialHistogram, delta), exponential),
        ("summary", of(Kind::Summary, gauge.temporality), summary),
    ];
    for (name, metric, push) in kinds {
        let case = RefCell::new(Case::new(&metric, push));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || case.borrow_mut().make_round(),
                |()| case.borrow_mut().record(),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .without_plots();
    targets = record
}
criterion_main!(benches);
