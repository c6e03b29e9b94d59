//! Against the strict far end: what it counted is what the ledger must say.

mod acks;
mod away;
mod limits;
mod raw;
mod requests;
mod rules;

use std::{collections::BTreeMap, time::Duration};

use tokio::task::JoinHandle;
use weir_cloudwatch_local::{CloudWatchLocal, Counters, Dimension, Fault, Options};
use weir_config::ByteSize;
use weir_core::{Account, Batch, Clock, Descriptor, Kind, Number, Output, Series, Temporality};
use weir_testkit::{Fixture, histogram_of, point, push_histogram, way_in};
use weir_window::Period;

use super::{
    send::{REJECTED, RETRY_EXHAUSTED},
    window::TOO_OLD,
    windows::{grace, longest_jitter},
    *,
};

/// A minute passes in a tenth of a second.
const RATE: f64 = 600.0;
const MINUTE: u64 = 60;

/// An exporter between a test and a far end.
struct River {
    f: Fixture,
    server: CloudWatchLocal,
    context: Context,
    output: Output,
    task: JoinHandle<Result<(), ComponentError>>,
}

impl River {
    async fn new(change: impl FnOnce(&mut Config)) -> Self {
        Self::with_server_ahead(0, change).await
    }

    /// The far end's clock is some seconds ahead.
    async fn with_server_ahead(ahead: u64, change: impl FnOnce(&mut Config)) -> Self {
        Self::with(Fixture::with_clock(Clock::compressed(RATE)), ahead, change).await
    }

    /// The clock of a new fixture stands still: periods close at the drain only.
    async fn with(f: Fixture, ahead: u64, change: impl FnOnce(&mut Config)) -> Self {
        let clock = f.clock.clone();
        let now = Arc::new(move || clock.now().0 + ahead * 1_000_000_000);
        let options = Options { journal: true, ..Options::new(now) };
        let server = CloudWatchLocal::bind(([127, 0, 0, 1], 0).into(), options).await.unwrap();
        let mut config = Config { endpoint: Some(server.endpoint()), ..Config::default() };
        change(&mut config);
        let context = f.context("cloudwatch/test");
        let mut exporter = Factory::build(config, context.clone());
        exporter.start().await.unwrap();
        let (output, inbox) = way_in(&context);
        let task = tokio::spawn(exporter.run(inbox));
        Self { f, server, context, output, task }
    }

    /// As many gauges, different in one dimension.
    fn gauges(&self, count: usize) -> Vec<Arc<Series>> {
        let gauge = |i| self.f.stream(Descriptor::gauge("g", "1"), &[("i", &format!("{i:05}"))]);
        (0..count).map(gauge).collect()
    }

    fn now(&self) -> u64 {
        self.f.clock.now().seconds()
    }

    async fn send(&self, batch: Batch) {
        self.output.send(batch).await.unwrap();
    }

    /// A point of each series at `time`.
    async fn send_all(&self, series: &[Arc<Series>], time: u64) {
        self.send(self.f.batch(series.iter().map(|series| point(series, 0, time, Number::Int(1))))).await;
    }

    async fn until(&self, reached: impl Fn(&Counters) -> bool) {
        self.server.wait_until(|server| reached(&server.counters())).await;
    }

    /// Closes the inbox, waits for the exporter's end, and answers both sides' counts.
    async fn drain(self) -> (Account, Counters, CloudWatchLocal) {
        drop(self.output);
        self.task.await.unwrap().unwrap();
        let account = self.context.ledger.read();
        assert!(account.balances(), "{account:?}");
        assert_eq!(account.held, 0);
        (account, self.server.counters(), self.server)
    }
}

fn dropped(reason: Reason, points: u64) -> BTreeMap<Reason, u64> {
    BTreeMap::from([(reason, points)])
}

#[tokio::test]
async fn a_drain_sends_the_open_periods_under_their_own_time() {
    let river = River::new(|config| config.namespace = "Shop".to_owned()).await;
    let start = river.now() / MINUTE * MINUTE;
    let load = river.f.stream(Descriptor::gauge("load", "%"), &[("host", "a")]);
    let requests = river.f.stream(Descriptor::sum("requests", "1", Temporality::Delta, true), &[]);
    let values = [4.0, 1.0, 4.0].map(|value| point(&load, 0, start + 1, Number::Double(value)));
    river.send(river.f.batch(values)).await;
    let increments = [(start, 5), (start + 59, 7), (start - 60, 1)];
    let increments = increments.map(|(time, value)| point(&requests, 0, time, Number::Int(value)));
    river.send(river.f.batch(increments)).await;

    let (account, counters, server) = river.drain().await;
    assert_eq!((account.taken, account.passed), (6, 6));
    assert_eq!((counters.put_requests, counters.datums, counters.samples), (1, 3, 6.0));
    let [found] = &server.store().datapoints("Shop", "load", &[Dimension::new("host", "a")])[..] else {
        panic!("one datapoint")
    };
    assert_eq!((found.start_s, found.count, found.sum), (start as i64, 3.0, 9.0));
    assert_eq!((found.minimum, found.maximum, found.unit.as_str()), (1.0, 4.0, "Percent"));
    let sums: Vec<_> =
        server.store().datapoints("Shop", "requests", &[]).iter().map(|d| (d.start_s, d.sum)).collect();
    assert_eq!(sums, [(start as i64 - 60, 1.0), (start as i64, 12.0)]);
}

#[tokio::test]
async fn a_period_leaves_by_the_clock_and_a_late_point_follows_it() {
    let river = River::new(|_| {}).await;
    let series = river.gauges(1);
    let time = river.now();
    let (ack, mut fate) = Ack::new();
    let mut batch = river.f.batch([point(&series[0], 0, time, Number::Int(1))]);
    batch.ack = ack;
    river.send(batch).await;
    assert_eq!(fate.accepted().await, Verdict::Delivered);
    assert_eq!(fate.exported().await, Verdict::Delivered);
    river.until(|counters| counters.datums == 1).await;
    river.send_all(&series, time).await;
    river.until(|counters| counters.datums == 2).await;
    let status = river.context.status.read();
    assert!(status.exported_up_to >= Some(time / MINUTE * MINUTE) && status.last_error.is_none());
    let (account, counters, server) = river.drain().await;
    assert_eq!((account.passed, counters.samples), (2, 2.0));
    let [found] = &server.store().datapoints("Weir", "g", &[Dimension::new("i", "00000")])[..] else {
        panic!("both datums are of one datapoint")
    };
    assert_eq!((found.count, found.sum), (2.0, 2.0));
}

#[tokio::test]
async fn with_one_in_three_requests_failing_every_datum_arrives_once() {
    let river = River::new(|_| {}).await;
    river.server.faults().push(Fault::internal_error().every_nth(3));
    let series = river.gauges(12_000);
    river.send_all(&series, river.now()).await;
    let (account, counters, _) = river.drain().await;
    assert_eq!((account.passed, counters.datums, counters.samples), (12_000, 12_000, 12_000.0));
    assert_eq!(counters.put_accepted, 12);
    assert!(counters.failed("InternalServiceError") >= 4, "{counters:?}");
}

/// Each row of the reference's errors that is not for ever.
#[tokio::test]
async fn whatever_passes_is_tried_again() {
    for fault in [
        Fault::throttling(),
        Fault::error(400, "RequestLimitExceeded", ""),
        Fault::error(400, "LimitExceeded", ""),
        Fault::internal_error(),
        Fault::status(502),
        Fault::unavailable(),
        Fault::unavailable().with_retry_after(Duration::from_secs(30)),
        Fault::status(429),
        Fault::expired_token(),
        Fault::error(403, "SignatureDoesNotMatch", ""),
        Fault::access_denied(),
        Fault::DropConnection,
        Fault::Hang,
    ] {
        // Short only where it must pass: a busy machine is no fault.
        let seconds = if fault == Fault::Hang { 2 } else { 60 };
        let timeout = weir_config::Duration(Duration::from_secs(seconds));
        let river = River::new(|config| config.timeout = timeout).await;
        river.server.faults().push(fault.clone().times(2));
        let series = river.gauges(3);
        river.send_all(&series, river.now()).await;
        let (account, counters, _) = river.drain().await;
        assert_eq!((account.passed, counters.samples), (3, 3.0), "{fault:?}");
        assert_eq!((counters.put_requests, counters.failed_total()), (3, 2), "{fault:?}: {counters:?}");
    }
}

#[tokio::test]
async fn a_poison_datum_takes_none_of_the_other_999_with_it() {
    // An hour ahead of us, the far end finds a point too old that we do not.
    let river = River::with_server_ahead(3600, |_| {}).await;
    let series = river.gauges(1000);
    let now = river.now();
    let old = now - 14 * 86_400 + 2400;
    let times = (0..1000).map(|i| if i == 617 { old } else { now });
    let points = series.iter().zip(times).map(|(series, time)| point(series, 0, time, Number::Int(1)));
    let (ack, mut fate) = Ack::new();
    let mut batch = river.f.batch(points);
    batch.ack = ack;
    river.send(batch).await;
    let (account, counters, _) = river.drain().await;
    assert_eq!((account.passed, account.dropped), (999, dropped(REJECTED, 1)));
    assert_eq!((counters.datums, counters.put_accepted), (999, 1));
    // All of them; the poison alone, once it was named.
    assert_eq!(counters.failed("InvalidParameterValue"), 2);
    assert_eq!(fate.exported().await, Verdict::Lost(REJECTED));
}

#[tokio::test]
async fn a_refusal_that_names_no_datum_or_a_size_is_halved() {
    let unnamed =
        Fault::error(400, "InvalidParameterValue", "No metric may specify the same dimension name twice.");
    for fault in [Fault::too_large(), unnamed] {
        let river = River::new(|_| {}).await;
        river.server.faults().push(fault);
        let series = river.gauges(100);
        river.send_all(&series, river.now()).await;
        let (account, counters, _) = river.drain().await;
        assert_eq!((account.passed, counters.datums), (100, 100));
        assert_eq!((counters.put_accepted, counters.failed_total()), (2, 1));
    }
}

#[tokio::test]
async fn a_request_refused_as_such_is_dropped_and_not_bisected() {
    let river = River::new(|_| {}).await;
    let words = "The value x for parameter Namespace is invalid.";
    river.server.faults().push(Fault::error(400, "InvalidParameterValue", words).always());
    let series = river.gauges(100);
    river.send_all(&series, river.now()).await;
    let (account, counters, _) = river.drain().await;
    assert_eq!((account.dropped, counters.put_requests), (dropped(REJECTED, 100), 1));
}

#[tokio::test]
async fn a_lost_answer_means_a_second_copy_and_one_delivery() {
    let river = River::new(|_| {}).await;
    river.server.faults().push(Fault::StoreThenDrop);
    let series = river.gauges(10);
    river.send_all(&series, river.now()).await;
    let (account, counters, _) = river.drain().await;
    assert_eq!((account.passed, counters.answers_lost, counters.samples), (10, 1, 20.0));
}

#[tokio::test]
async fn a_summary_is_sent_as_increments_and_counted_as_what_it_became() {
    let river = River::new(|_| {}).await;
    let kind = Descriptor { kind: Kind::Summary, ..Descriptor::gauge("rpc", "s") };
    let summary = river.f.stream(kind, &[]);
    let start = river.now();
    for (time, count, sum) in [(start, 100, 40.0), (start + 1, 110, 44.5)] {
        let mut batch = river.f.batch([]);
        batch.summaries.push(weir_core::SummaryPoint {
            series: summary.id(),
            flags: weir_core::Flags::SUM,
            start: UnixNanos(0),
            time: UnixNanos(time * 1_000_000_000),
            count,
            sum,
            quantiles: weir_core::Span::default(),
        });
        river.send(batch).await;
    }
    let (account, counters, server) = river.drain().await;
    assert_eq!((account.taken, account.merged, account.made, account.passed), (2, 2, 2, 2));
    assert_eq!(counters.datums, 2);
    let sums: BTreeMap<String, f64> =
        server.store().series().into_iter().map(|series| (series.metric.name, series.total_sum)).collect();
    assert_eq!(sums, BTreeMap::from([("rpc_count".to_owned(), 10.0), ("rpc_sum".to_owned(), 4.5)]));
}

#[tokio::test]
async fn cumulative_histograms_are_dropped_and_delta_ones_beside_them_are_sent() {
    let river = River::new(|_| {}).await;
    let of = |temporality| river.f.stream(histogram_of("h", "s", temporality), &[]);
    let (delta, cumulative) = (of(Temporality::Delta), of(Temporality::Cumulative));
    let mut batch = river.f.batch([]);
    for series in [&delta, &cumulative, &delta] {
        push_histogram(&mut batch, series, river.now(), &[1.0, 10.0], &[5.0, 20.0]);
    }
    river.send(batch).await;
    let (account, counters, _) = river.drain().await;
    assert_eq!((account.passed, account.dropped), (2, dropped(CUMULATIVE_HISTOGRAM, 1)));
    assert_eq!((counters.datums, counters.samples as u64), (1, 4));
}

/// Keeps the body that the SDK makes, before compression.
#[derive(Clone, Debug, Default)]
struct Caught(Arc<parking_lot::Mutex<Vec<u8>>>);

impl aws_sdk_cloudwatch::config::Intercept for Caught {
    fn name(&self) -> &'static str {
        "Caught"
    }

    fn read_before_transmit(
        &self,
        context: &aws_sdk_cloudwatch::config::interceptors::BeforeTransmitInterceptorContextRef<'_>,
        _: &aws_sdk_cloudwatch::config::RuntimeComponents,
        _: &mut aws_sdk_cloudwatch::config::ConfigBag,
    ) -> Result<(), aws_sdk_cloudwatch::error::BoxError> {
        *self.0.lock() = context.request().body().bytes().unwrap().to_vec();
        Ok(())
    }
}

#[tokio::test]
async fn a_request_is_written_as_the_sdk_writes_it() {
    let river = River::new(|_| {}).await;
    let config = Config { endpoint: Some(river.server.endpoint()), ..Config::default() };
    let client = Client::new(&config, &river.f.clock).await.unwrap();
    let plain = aws_sdk_cloudwatch::Config::builder().disable_request_compression(true);
    let all = pack::tests::every_shape();
    let now = river.now();
    let requests = all.iter().map(|datum| vec![datum.clone()]).chain([all.clone()]);
    for request in requests {
        let request: Vec<_> = request.into_iter().map(|datum| pack::tests::at(datum, now)).collect();
        let body = body::tests::body("Name/Space", &request);
        let written: usize = body.open().unwrap().datums().map(<[u8]>::len).sum();
        let caught = Caught::default();
        let call =
            client.sdk.put_metric_data().namespace("Name/Space").set_metric_data(Some(request.clone()));
        // Whether the far end takes the shapes is not the matter here; most are taken.
        let _ = call.customize().config_override(plain.clone()).interceptor(caught.clone()).send().await;
        let (ours, sdk) = (body.plain().unwrap(), caught.0.lock().clone());
        assert_eq!(said(&ours), said(&sdk));
        assert!(ours.len() <= sdk.len());
        assert_eq!(written + pack::overhead_bytes("Name/Space", request.len()), ours.len());
    }
}

/// What a request says, read by a library that is not ours: a number is the same whatever type it was written as.
fn said(bytes: &[u8]) -> ciborium::Value {
    fn unified(value: ciborium::Value) -> ciborium::Value {
        use ciborium::Value::{Array, Float, Integer, Map, Tag};
        match value {
            Integer(whole) => Float(i128::from(whole) as f64),
            Array(items) => Array(items.into_iter().map(unified).collect()),
            Map(entries) => Map(entries.into_iter().map(|(key, value)| (key, unified(value))).collect()),
            Tag(tag, value) => Tag(tag, Box::new(unified(*value))),
            other => other,
        }
    }
    unified(ciborium::from_reader(bytes).unwrap())
}

#[tokio::test]
async fn a_loopback_endpoint_needs_no_region_and_a_given_one_is_used() {
    let local = Config { endpoint: Some("http://127.0.0.1:9".to_owned()), ..Config::default() };
    let clock = Clock::system();
    assert_eq!(Client::new(&local, &clock).await.unwrap().region, "us-east-1");
    let given = Config { region: Some("eu-west-1".to_owned()), ..local };
    assert_eq!(Client::new(&given, &clock).await.unwrap().region, "eu-west-1");
}

#[test]
fn a_period_closes_a_bounded_time_after_its_end() {
    let of = |seconds| {
        let period = Period::new(Duration::from_secs(seconds)).unwrap();
        (grace(period).as_millis(), longest_jitter(period).as_millis())
    };
    assert_eq!(of(1), (100, 166));
    assert_eq!(of(5), (500, 833));
    assert_eq!(of(30), (3000, 5000));
    assert_eq!(of(60), (5000, 10_000));
    assert_eq!(of(3600), (5000, 10_000));
}
