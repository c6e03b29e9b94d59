use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use hyper::body::Body as _;
use weir_config::Duration as Every;
use weir_core::{
    Attributes, Batch, Descriptor, Flags, Identity, Number, Series, SummaryPoint, Temporality, UnixNanos,
};
use weir_exposition::{Format, strict::Checker};
use weir_testkit::{Fixture, START, histogram_of, point, push_histogram, seconds, way_in};

use super::{
    page::Page,
    serve::{Pieces, preferred},
    *,
};

fn config() -> Config {
    serde_json::from_str(r#"{"endpoint": "localhost:0", "without_scope_info": true}"#).unwrap()
}

struct Rig {
    fixture: Fixture,
    store: Arc<Mutex<Store>>,
    now: UnixNanos,
}

impl Rig {
    fn new(config: &Config) -> Self {
        Self { fixture: Fixture::new(), store: Arc::new(Mutex::new(Store::new(config))), now: seconds(START) }
    }

    fn stream(
        &self,
        metric: Descriptor,
        resource: &[(&str, &str)],
        attributes: &[(&str, &str)],
    ) -> Arc<Series> {
        self.fixture.stream_of(self.fixture.identity(metric, resource, attributes))
    }

    /// Takes a batch; answers how many points were dropped.
    fn take(&mut self, batch: &Batch, at: u64) -> u64 {
        self.dropped(batch, at).values().sum()
    }

    fn dropped(&mut self, batch: &Batch, at: u64) -> store::Dropped {
        self.now = seconds(START + at);
        self.store.lock().take(batch, &self.fixture.interner, self.now)
    }

    fn number(&mut self, series: &Series, at: u64, value: f64) {
        let batch = self.fixture.batch([point(series, 0, START + at, Number::Double(value))]);
        assert_eq!(self.take(&batch, at), 0);
    }

    fn page(&self, format: Format) -> Page {
        Page::new(&self.store, format, self.now)
    }

    fn text(&self) -> String {
        self.page(Format::Text004).collect()
    }

    /// OpenMetrics, which a strict parser takes.
    fn openmetrics(&self) -> String {
        let text: String = self.page(Format::OpenMetrics100).collect();
        assert_is_openmetrics(&text);
        text
    }
}

fn assert_is_openmetrics(text: &str) {
    let mut checker = Checker::default();
    for line in text.split_terminator('\n') {
        checker.take(line.as_bytes()).unwrap_or_else(|fault| panic!("{fault}: {line}\n{text}"));
    }
    checker.finish().unwrap();
}

const SHOP: [(&str, &str); 3] =
    [("service.name", "shop"), ("service.instance.id", "i-1"), ("cloud.region", "eu")];

#[test]
fn every_kind_is_written_in_both_formats() {
    let mut rig = Rig::new(&config());
    let counter = rig.stream(
        Descriptor::sum("http.requests", "1", Temporality::Cumulative, true),
        &SHOP,
        &[("code", "200")],
    );
    let gauge = rig.stream(Descriptor::gauge("queue.size", "By"), &SHOP, &[]);
    let latency = rig.stream(histogram_of("latency", "s", Temporality::Cumulative), &SHOP, &[]);
    let rpc =
        rig.stream(Descriptor { kind: weir_core::Kind::Summary, ..Descriptor::gauge("rpc", "") }, &SHOP, &[]);
    rig.number(&counter, 1, 7.0);
    rig.number(&gauge, 1, 2.5);
    let mut batch = rig.fixture.batch([]);
    push_histogram(&mut batch, &latency, START, &[0.5, 2.0], &[0.1, 1.0, 5.0]);
    let quantiles = batch.push_bounds([0.5, 1.5, 0.99, f64::NAN]);
    batch.summaries.push(SummaryPoint {
        series: rpc.id(),
        flags: Flags::default(),
        start: UnixNanos(0),
        time: seconds(START),
        count: 3,
        sum: 4.0,
        quantiles,
    });
    rig.take(&batch, 1);
    let text = "\
# TYPE http_requests_total counter
http_requests_total{code=\"200\",instance=\"i-1\",job=\"shop\"} 7
# TYPE latency_seconds histogram
latency_seconds_bucket{instance=\"i-1\",job=\"shop\",le=\"0.5\"} 1
latency_seconds_bucket{instance=\"i-1\",job=\"shop\",le=\"2.0\"} 2
latency_seconds_bucket{instance=\"i-1\",job=\"shop\",le=\"+Inf\"} 3
latency_seconds_sum{instance=\"i-1\",job=\"shop\"} 6.1
latency_seconds_count{instance=\"i-1\",job=\"shop\"} 3
# TYPE queue_size_bytes gauge
queue_size_bytes{instance=\"i-1\",job=\"shop\"} 2.5
# TYPE rpc summary
rpc{instance=\"i-1\",job=\"shop\",quantile=\"0.5\"} 1.5
rpc{instance=\"i-1\",job=\"shop\",quantile=\"0.99\"} NaN
rpc_sum{instance=\"i-1\",job=\"shop\"} 4
rpc_count{instance=\"i-1\",job=\"shop\"} 3
# HELP target_info Target metadata
# TYPE target_info gauge
target_info{cloud_region=\"eu\",instance=\"i-1\",job=\"shop\"} 1
";
    assert_eq!(rig.text(), text);
    let openmetrics = rig.openmetrics();
    for line in [
        "# TYPE http_requests counter\nhttp_requests_total{",
        "# UNIT latency_seconds seconds\n",
        "le=\"2.0\"} 2\n",
        "# TYPE target info\ntarget_info{",
    ] {
        assert!(openmetrics.contains(line), "{line}\n{openmetrics}");
    }
}

#[test]
fn deltas_are_added_up_and_totals_replaced() {
    let mut rig = Rig::new(&config());
    let delta = rig.stream(Descriptor::sum("d", "", Temporality::Delta, true), &[], &[]);
    let total = rig.stream(Descriptor::sum("t", "", Temporality::Cumulative, true), &[], &[]);
    let sizes = rig.stream(histogram_of("h", "", Temporality::Delta), &[], &[]);
    for at in 1..4 {
        rig.number(&delta, at, 5.0);
        rig.number(&total, at, 10.0 * at as f64);
        let mut batch = rig.fixture.batch([]);
        push_histogram(&mut batch, &sizes, START + at, &[1.0], &[0.5, 3.0]);
        rig.take(&batch, at);
    }
    // Late: a total that is older than the one that is shown says nothing.
    rig.number(&total, 1, 11.0);
    let text = rig.text();
    for line in ["d_total 15\n", "t_total 30\n", "h_bucket{le=\"1.0\"} 3\n", "h_count 6\n", "h_sum 10.5\n"] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn what_does_not_come_any_more_is_not_shown_and_comes_back_as_itself() {
    let five_minutes = 300;
    let mut rig = Rig::new(&config());
    let [a, b] = ["a", "b"].map(|name| rig.stream(Descriptor::gauge(name, ""), &[], &[]));
    rig.number(&a, 0, 1.0);
    rig.number(&b, 100, 2.0);
    // A scrape does not see it, and then it goes.
    rig.now = seconds(START + five_minutes);
    assert_eq!(rig.text(), "# TYPE b gauge\nb 2\n");
    rig.store.lock().expire(rig.now);
    assert_eq!(rig.text(), "# TYPE b gauge\nb 2\n");
    rig.number(&a, 310, 3.0);
    let mut stale = point(&b, 0, START + 320, Number::Double(0.0));
    stale.flags = stale.flags.with(Flags::NO_RECORDED_VALUE);
    let batch = rig.fixture.batch([stale]);
    assert_eq!(rig.take(&batch, 320), 1);
    assert_eq!(rig.text(), "# TYPE a gauge\na 3\n");
}

#[test]
fn a_name_of_two_types_is_that_of_the_first() {
    let mut rig = Rig::new(&config());
    let gauge = rig.stream(Descriptor::gauge("a.b", ""), &[], &[]);
    let summary = rig.stream(Descriptor::sum("a_b", "", Temporality::Cumulative, true), &[], &[]);
    rig.number(&gauge, 1, 1.0);
    let batch = rig.fixture.batch([point(&summary, 0, START, Number::Int(5))]);
    assert_eq!((rig.take(&batch, 1), rig.take(&batch, 2)), (1, 1));
    assert_eq!(rig.text(), "# TYPE a_b gauge\na_b 1\n");
}

#[test]
fn two_streams_under_one_name_and_labels_are_not_merged_and_the_second_waits_for_the_first_to_go() {
    let mut rig = Rig::new(&config());
    let metric = || Descriptor::sum("a", "", Temporality::Delta, true);
    // Resources that neither `job` nor `instance` tells apart, and a total beside increments.
    let first = rig.stream(metric(), &[("host.name", "one")], &[]);
    let second = rig.stream(metric(), &[("host.name", "two")], &[]);
    let total =
        rig.stream(Descriptor::sum("a", "", Temporality::Cumulative, true), &[("host.name", "one")], &[]);
    rig.number(&first, 1, 1.0);
    for other in [&second, &total] {
        let batch = rig.fixture.batch([point(other, 0, START + 2, Number::Double(5.0))]);
        assert_eq!(rig.dropped(&batch, 2), [(SERIES_CONFLICT, 1)].into());
    }
    rig.number(&first, 3, 1.0);
    assert_eq!(rig.text(), "# TYPE a_total counter\na_total 2\n");
    let mut stale = point(&first, 0, START + 4, Number::Double(0.0));
    stale.flags = stale.flags.with(Flags::NO_RECORDED_VALUE);
    let batch = rig.fixture.batch([stale]);
    assert_eq!(rig.take(&batch, 4), 1);
    rig.number(&second, 5, 7.0);
    assert_eq!(rig.text(), "# TYPE a_total counter\na_total 7\n");
}

#[test]
fn increments_of_one_identity_add_up_and_a_stream_that_was_forgotten_takes_its_place_again() {
    let mut config = config();
    config.metric_expiration = Every(Duration::from_hours(1));
    let mut rig = Rig::new(&config);
    // Three streams of which something before has made one name.
    let renamed = |metric: &Descriptor| {
        [1, 2, 3].map(|n| {
            let identity = rig.fixture.identity(metric.clone(), &SHOP, &[("n", &n.to_string())]);
            let at_door = rig.fixture.stream_of(identity);
            let attributes = Attributes::default();
            rig.fixture.interner.rewritten(&at_door, Identity { attributes, ..at_door.identity().clone() })
        })
    };
    let deltas = renamed(&Descriptor::sum("d", "", Temporality::Delta, true));
    let [first, second, third] = renamed(&Descriptor::gauge("g", ""));
    for delta in &deltas {
        rig.number(delta, 1, 2.0);
    }
    rig.number(&first, 1, 1.0);
    let batch = rig.fixture.batch([point(&second, 0, START + 60, Number::Double(5.0))]);
    assert_eq!(rig.dropped(&batch, 60), [(SERIES_CONFLICT, 1)].into());
    rig.number(&third, 301, 3.0);
    // What comes back after another has taken its place is told so, and may have it when that one is silent in its turn.
    for (at, dropped) in [(302, 1), (610, 0)] {
        let batch = rig.fixture.batch([point(&second, 0, START + at, Number::Double(5.0))]);
        let found = rig.take(&batch, at);
        assert_eq!(found, dropped, "after {at} s");
    }
    let batch = rig.fixture.batch([point(&first, 0, START + 611, Number::Double(9.0))]);
    assert_eq!(rig.dropped(&batch, 611), [(SERIES_CONFLICT, 1)].into());
    let text = rig.text();
    assert!(text.contains("d_total{instance=\"i-1\",job=\"shop\"} 6\n"), "{text}");
    assert!(text.contains("g{instance=\"i-1\",job=\"shop\"} 5\n"), "{text}");
}

#[test]
fn attributes_that_have_the_name_of_a_label_of_the_exporters_are_exported() {
    let mut config = config();
    config.const_labels = [("env".to_owned(), "prod".to_owned())].into();
    let mut rig = Rig::new(&config);
    let of_both = [("le", "attribute"), ("quantile", "attribute"), ("job", "inner"), ("env", "test")];
    let sizes = rig.stream(histogram_of("h", "", Temporality::Delta), &SHOP[..1], &of_both);
    let mut batch = rig.fixture.batch([]);
    push_histogram(&mut batch, &sizes, START, &[1.0], &[0.5]);
    assert_eq!(rig.take(&batch, 1), 0);
    let labels = "env=\"prod\",exported_env=\"test\",exported_job=\"inner\",exported_le=\"attribute\",job=\"shop\",quantile=\"attribute\"";
    assert!(rig.text().contains(&format!("h_bucket{{{labels},le=\"1.0\"}} 1\n")), "{}", rig.text());
    let rpc = Descriptor { kind: weir_core::Kind::Summary, ..Descriptor::gauge("s", "") };
    let rpc = rig.stream(rpc, &[], &[("exported_quantile", "1"), ("quantile", "2")]);
    let mut batch = rig.fixture.batch([]);
    let quantiles = batch.push_bounds([0.5, 1.5]);
    let (time, flags) = (seconds(START), Flags::default());
    batch.summaries.push(SummaryPoint {
        series: rpc.id(),
        flags,
        start: UnixNanos(0),
        time,
        count: 3,
        sum: 4.0,
        quantiles,
    });
    assert_eq!(rig.take(&batch, 1), 0);
    let labels = "env=\"prod\",exported_exported_quantile=\"2\",exported_quantile=\"1\",quantile=\"0.5\"";
    assert!(rig.text().contains(&format!("s{{{labels}}} 1.5\n")), "{}", rig.text());
    rig.openmetrics();
}

#[test]
fn a_page_of_many_series_is_whole_and_in_order_though_points_come_meanwhile() {
    let mut rig = Rig::new(&config());
    let names: Vec<String> = (0..1000).map(|n| format!("{n:04}")).collect();
    let of = |n: &String| rig.stream(Descriptor::gauge("a", ""), &[], &[("n", n)]);
    let series: Vec<Arc<Series>> = names.iter().map(of).collect();
    let all = |value: u64| series.iter().map(move |one| point(one, 0, START, Number::Double(value as f64)));
    let batch = rig.fixture.batch(all(0));
    assert_eq!(rig.take(&batch, 0), 0);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for value in 1.. {
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    return;
                }
                rig.store.lock().take(&rig.fixture.batch(all(value)), &rig.fixture.interner, rig.now);
            }
        });
        for _ in 0..10 {
            let text = rig.text();
            let found: Vec<&str> = text.lines().skip(1).map(|line| &line[5..9]).collect();
            assert_eq!(found, names);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn labels_are_of_attributes_constants_and_where_asked_for_resources_and_scopes() {
    let mut config = config();
    config.const_labels = [("env".to_owned(), "prod".to_owned())].into();
    config.resource_to_telemetry_conversion.enabled = true;
    (config.namespace, config.add_metric_suffixes, config.send_timestamps) = ("ns".to_owned(), false, true);
    let mut rig = Rig::new(&config);
    let counter = rig.stream(
        Descriptor::sum("io", "By", Temporality::Cumulative, true),
        &SHOP,
        &[("a.b", "1"), ("a_b", "2"), ("empty", "")],
    );
    rig.number(&counter, 1, 7.0);
    let expected = format!(
        "# TYPE ns_io counter\nns_io{{a_b=\"1;2\",cloud_region=\"eu\",env=\"prod\",instance=\"i-1\",job=\"shop\",service_instance_id=\"i-1\",service_name=\"shop\"}} 7 {}000\n",
        START + 1
    );
    assert_eq!(rig.text(), expected);
    // OpenMetrics has no counter without it.
    assert!(rig.openmetrics().contains("ns_io_total{"));
}

#[test]
fn a_page_is_written_as_it_is_read_and_is_a_good_one_whatever_comes_meanwhile() {
    const SERIES: usize = 6000;
    let mut rig = Rig::new(&config());
    let of =
        |rig: &Rig, metric: Descriptor, at: usize| rig.stream(metric, &SHOP, &[("n", &format!("{at:05}"))]);
    let gauges: Vec<_> = (0..SERIES).map(|at| of(&rig, Descriptor::gauge("b", ""), at)).collect();
    gauges.iter().for_each(|series| rig.number(series, 1, 1.0));
    let whole = rig.openmetrics();
    let mut page = rig.page(Format::OpenMetrics100);
    let mut text = page.next().unwrap();
    let pieces = whole.len() / text.len();
    assert!(pieces >= 2 && text.len() < whole.len() / 2, "{pieces} pieces");

    // Some go, some come, before and behind where the reader is; a family before and one behind it too.
    let gone = rig.fixture.batch(gauges[SERIES - 10..].iter().chain(&gauges[..10]).map(|series| {
        let mut stale = point(series, 0, START + 2, Number::Double(0.0));
        stale.flags = stale.flags.with(Flags::NO_RECORDED_VALUE);
        stale
    }));
    assert_eq!(rig.take(&gone, 2), 20);
    for (metric, at) in [("a", 0), ("b", SERIES), ("c", 0)] {
        let new = of(&rig, Descriptor::gauge(metric, ""), at);
        rig.number(&new, 2, 2.0);
    }
    page.for_each(|piece| text.push_str(&piece));
    assert_is_openmetrics(&text);
    let lines = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!([lines("a{"), lines("b{"), lines("c{")], [0, SERIES - 10 + 1, 1]);
}

#[test]
fn resources_are_described_in_pieces_too_and_others_have_their_turn_after_each() {
    const RESOURCES: usize = 2000;
    let mut rig = Rig::new(&config());
    let long = "l".repeat(100);
    for at in 0..RESOURCES {
        let at = at.to_string();
        let resource = [("service.name", "shop"), ("service.instance.id", &*at), ("long", &*long)];
        let series = rig.stream(Descriptor::gauge("a", ""), &resource, &[]);
        rig.number(&series, 1, 1.0);
    }
    assert_eq!(rig.openmetrics().matches("\ntarget_info{").count(), RESOURCES);
    let mut body = Pieces::new(rig.page(Format::OpenMetrics100));
    let mut context = Context::from_waker(Waker::noop());
    let mut poll = || Pin::new(&mut body).poll_frame(&mut context);
    let mut pieces = Vec::new();
    while let Poll::Ready(Some(Ok(piece))) = poll() {
        pieces.push(piece.into_data().unwrap().len());
        assert!(poll().is_pending());
    }
    assert!(pieces.len() > 3 && pieces.iter().all(|size| *size < 100_000), "{pieces:?}");
}

#[test]
fn accept_decides_about_the_format() {
    let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    assert_eq!(preferred(prometheus), Format::OpenMetrics100);
    assert_eq!(
        preferred("text/plain;version=0.0.4;q=0.9,application/openmetrics-text;q=0.5"),
        Format::Text004
    );
    let protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,text/plain;version=0.0.4;q=0.1";
    assert_eq!(
        [preferred(protobuf), preferred(""), preferred("*/*"), preferred("text/html")],
        [Format::Text004; 4]
    );
}

#[test]
fn a_series_is_shown_for_five_minutes_unless_told_otherwise() {
    let config = config();
    assert_eq!((config.metric_expiration, config.enable_open_metrics), (Every(Duration::from_mins(5)), true));
}

#[tokio::test]
async fn a_scrape_over_http_sees_what_came_and_the_ledger_balances() {
    let fixture = Fixture::new();
    let context = fixture.context("prometheus");
    let ledger = Arc::clone(&context.ledger);
    let status = context.status.clone();
    let (output, inbox) = way_in(&context);
    let mut exporter = Factory::build(config(), context);
    exporter.start().await.unwrap();
    let address = status.read().listening[0].clone();
    let running = tokio::spawn(exporter.run(inbox));
    let series = fixture.stream(Descriptor::gauge("a", ""), &[]);
    output.send(fixture.batch([point(&series, 0, START, Number::Int(5))])).await.unwrap();
    while ledger.read().passed == 0 {
        tokio::task::yield_now().await;
    }
    let body = weir_net::get(&address, "/metrics", 1 << 20, Duration::from_mins(1)).await.unwrap();
    drop(output);
    running.await.unwrap().unwrap();
    assert!(ledger.read().balances());
    assert_eq!(body, (hyper::StatusCode::OK, "# TYPE a gauge\na 5\n".into()));
}
