use std::sync::Arc;

use parking_lot::Mutex;
use weir_core::{
    Ack, Descriptor, ExponentialHistogramPoint, Flags, HistogramPoint, Number, Scope, SummaryPoint,
    Temporality, UnixNanos,
};
use weir_testkit::{Fixture, START, point, seconds, way_in};

use super::*;

/// What was written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Nothing can be written.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn mixed(f: &Fixture) -> (weir_core::Batch, Vec<Arc<weir_core::Series>>) {
    let metric = Descriptor::sum("requests", "{request}", Temporality::Delta, true);
    let mut identity = f.identity(metric, &[("service.name", "shop")], &[("code", "200"), ("route", "/a")]);
    identity.scope =
        f.interner.scope(Scope { name: "http".into(), version: "1.2".into(), ..Scope::default() });
    let sum = f.stream_of(identity);
    let other = f.stream(Descriptor::gauge("other", "s"), &[]);
    let mut none = point(&other, 0, START, Number::Double(0.5));
    none.flags = none.flags.with(Flags::NO_RECORDED_VALUE);
    let mut batch = f.batch([
        point(&sum, START - 60, START, Number::Int(7)),
        point(&other, 0, START, Number::Double(0.5)),
        none,
    ]);
    let (counts, bounds) = (batch.push_counts([1, 2]), batch.push_bounds([5.0]));
    let (series, start, time) = (other.id(), UnixNanos(0), seconds(START));
    let flags = Flags::SUM.with(Flags::MAX);
    let (count, sum_of, min, max) = (3, 9.5, 0.0, 8.0);
    batch.histograms.push(HistogramPoint {
        series,
        flags,
        start,
        time,
        count,
        sum: sum_of,
        min,
        max,
        counts,
        bounds,
    });
    let (positive, negative) = (batch.push_counts([4]), batch.push_counts([]));
    batch.exponential_histograms.push(ExponentialHistogramPoint {
        series,
        flags: Flags::default(),
        start,
        time,
        count: 4,
        sum: 0.0,
        min,
        max,
        scale: 3,
        zero_count: 0,
        zero_threshold: 0.0,
        positive_offset: -2,
        positive,
        negative_offset: 0,
        negative,
    });
    let quantiles = batch.push_bounds([0.5, 1.0, 0.99, 2.0]);
    batch.summaries.push(SummaryPoint {
        series,
        flags: Flags::default(),
        start,
        time,
        count: 2,
        sum: 3.0,
        quantiles,
    });
    (batch, vec![sum, other])
}

/// Runs the exporter over one batch.
async fn run(verbosity: Verbosity, writer: Box<dyn Write + Send>) -> (weir_core::Account, Verdict) {
    let f = Fixture::new();
    let context = f.context("debug");
    let (output, inbox) = way_in(&context);
    let (mut batch, _series) = mixed(&f);
    let (ack, mut fate) = Ack::new();
    batch.ack = ack;
    output.send(batch).await.unwrap();
    drop(output);
    let exporter = Debug { config: Config { verbosity }, context: context.clone(), writer };
    Box::new(exporter).run(inbox).await.unwrap();
    let account = context.ledger.read();
    assert!(account.balances(), "{account:?}");
    (account, fate.exported().await)
}

async fn written(verbosity: Verbosity) -> String {
    let writer = Written::default();
    let (account, verdict) = run(verbosity, Box::new(writer.clone())).await;
    assert_eq!((account.passed, verdict), (6, Verdict::Delivered));
    let bytes = writer.0.lock().clone();
    String::from_utf8(bytes).unwrap()
}

const HEAD: &str = "debug: 6 points (3 numbers, 1 histograms, 1 exponential histograms, 1 summaries)\n";

#[tokio::test]
async fn basic_is_a_line_a_batch() {
    assert_eq!(written(Verbosity::Basic).await, HEAD);
}

#[tokio::test]
async fn normal_is_a_line_a_point() {
    let expected = "  requests{code=200, route=/a} = 7
  other{} = 0.5
  other{} = none recorded
  other{} = count 3, sum 9.5, max 8, bounds [5.0], counts [1, 2]
  other{} = count 4, scale 3, zero 0 (within 0), positive from -2: [4], negative from 0: []
  other{} = count 2, sum 3, quantiles {0.5: 1, 0.99: 2}
";
    assert_eq!(written(Verbosity::Normal).await, format!("{HEAD}{expected}"));
}

#[tokio::test]
async fn detailed_shows_resource_scope_attributes_and_times() {
    // 1,700,000,000 seconds after the epoch, as `date -u` writes it.
    let expected = "  requests (delta monotonic sum, unit `{request}`)
    resource: {service.name=shop}
    scope: http 1.2 {}
    attributes: {code=200, route=/a}
    start: 2023-11-14T22:12:20.000000000Z
    time: 2023-11-14T22:13:20.000000000Z
    value: 7
  other (gauge, unit `s`)
";
    let text = written(Verbosity::Detailed).await;
    assert!(text.starts_with(&format!("{HEAD}{expected}")), "{text}");
}

#[tokio::test]
async fn a_closed_output_is_counted() {
    let (account, verdict) = run(Verbosity::Normal, Box::new(Closed)).await;
    assert_eq!(account.dropped.get(&OUTPUT_CLOSED), Some(&6));
    assert_eq!(verdict, Verdict::Lost(OUTPUT_CLOSED));
}

#[test]
fn dates_are_those_of_the_calendar() {
    // Checked against `date -u -d @…`.
    for (time, expected) in [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (951_782_400, "2000-02-29T00:00:00.000000000Z"),
        (1_709_251_199, "2024-02-29T23:59:59.000000000Z"),
        (4_107_542_400, "2100-03-01T00:00:00.000000000Z"),
    ] {
        assert_eq!(text::rfc3339(seconds(time)), expected);
    }
}
