//! CloudWatch away, failing, or answering without being heard: nothing is lost without a counted reason.

use weir_cloudwatch_local::Fault;

use crate::harness::{FarEnd, Increment, SECOND, Stored, Weir, increments, now, until};

const COUNTER: &str = "e2e.events";

/// From OTLP over `delta` to one exporter of these keys.
fn config(exporter: &str) -> String {
    format!(
        "receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 'localhost:0' }} }} }} }}
processors: {{ delta: }}
exporters: {{ cloudwatch: {exporter} }}
service:
  pipelines:
    metrics: {{ receivers: [otlp], processors: [delta], exporters: [cloudwatch] }}
"
    )
}

/// An increment for each of `series`, whose value tells which it was: its number plus one.
fn wave(series: std::ops::Range<u32>, time: u64) -> Vec<Increment> {
    series.map(|series| Increment { series, time, value: i64::from(series) + 1 }).collect()
}

/// Whatever arrived has arrived once, whole, and under its own name.
fn assert_each_once(far: &FarEnd) {
    for (series, stored) in far.by_series(COUNTER) {
        assert_eq!(stored, Stored { samples: 1.0, sum: f64::from(series) + 1.0 }, "series {series}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_longer_than_the_queue_holds_drops_what_is_counted_and_no_more() {
    let far = FarEnd::start().await;
    let outage = far.0.faults().push(Fault::unavailable().always());
    // Room for about one request of a thousand datums.
    let exporter = far.exporter(&["sending_queue: { queue_size: 24KiB, num_consumers: 1 }"]);
    let weir = Weir::start(&config(&exporter), &[]).await;
    let mut sender = weir.sender().await;
    for wave_of in 0..5 {
        sender.send(increments(COUNTER, wave(wave_of * 1000..(wave_of + 1) * 1000, now()))).await;
    }
    until("the queue to overflow", || (weir.dropped("queue_full") > 0).then_some(())).await;
    assert_eq!(far.samples(), 0, "the outage is on");
    // CloudWatch being away is no reason to take Weir out of its Service.
    assert_eq!((weir.get("/ready").0, weir.get("/live").0), (200, 200));

    far.0.faults().remove(outage);
    let ledger = weir.drain().await;

    assert_each_once(&far);
    let (stored, exporter) = (far.samples(), ledger.row("exporter cloudwatch"));
    assert!(stored > 0, "what was queued arrives after the outage");
    assert_eq!(ledger.row("receiver otlp").out, 5000);
    assert_eq!(exporter.out, stored);
    assert_eq!(exporter.dropped_for("queue_full"), 5000 - stored);
    assert_eq!(exporter.dropped, 5000 - stored, "and for no other reason");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_given_up_is_counted_and_what_follows_is_delivered() {
    let far = FarEnd::start().await;
    let outage = far.0.faults().push(Fault::throttling().always());
    let retry = "retry_on_failure: { initial_interval: 20ms, max_interval: 50ms, max_elapsed_time: 300ms }";
    let weir = Weir::start(&config(&far.exporter(&[retry])), &[]).await;
    let mut sender = weir.sender().await;
    sender.send(increments(COUNTER, wave(0..300, now()))).await;
    until("all to be given up", || (weir.dropped("retry_exhausted") == 300).then_some(())).await;
    assert!(far.0.counters().failed("Throttling") > 1, "it was tried again: {:?}", far.0.counters());

    far.0.faults().remove(outage);
    sender.send(increments(COUNTER, wave(300..500, now()))).await;
    far.wait_for_samples(200).await;
    let ledger = weir.drain().await;

    assert_each_once(&far);
    assert!(far.by_series(COUNTER).keys().all(|series| (300..500).contains(series)));
    let exporter = ledger.row("exporter cloudwatch");
    assert_eq!((exporter.out, exporter.dropped_for("retry_exhausted"), exporter.dropped), (200, 300, 300));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_one_request_in_three_failing_nothing_is_lost() {
    let far = FarEnd::start().await;
    far.0.faults().push(Fault::unavailable().every_nth(3));
    let weir = Weir::start(&config(&far.exporter(&[])), &[]).await;
    let mut sender = weir.sender().await;
    let (mut sent, mut time) = (0, now());
    // Each wave has its own second of the past: no two share a datum.
    for wave_of in 0..8_u32 {
        time -= 2 * SECOND;
        let points = wave(wave_of * 1500..(wave_of + 1) * 1500, time);
        sent += points.len() as u64;
        sender.send(increments(COUNTER, points)).await;
    }
    // What is in the window is delivered by the drain, against the same odds.
    let ledger = weir.drain().await;

    assert_each_once(&far);
    assert_eq!(far.by_series(COUNTER).len() as u64, sent);
    assert!(far.0.counters().failed("503") >= 4, "{:?}", far.0.counters());
    let exporter = ledger.row("exporter cloudwatch");
    assert_eq!((exporter.taken, exporter.out, exporter.dropped), (sent, sent, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_costs_a_duplicate_and_never_a_point() {
    let far = FarEnd::start().await;
    far.0.faults().push(Fault::StoreThenDrop);
    let weir = Weir::start(&config(&far.exporter(&[])), &[]).await;
    weir.sender().await.send(increments(COUNTER, wave(0..200, now()))).await;
    // PutMetricData knows no idempotency: what was stored and not answered is sent again, and stored again.
    far.wait_for_samples(400).await;
    let ledger = weir.drain().await;

    let counters = far.0.counters();
    assert_eq!((counters.answers_lost, counters.put_accepted, counters.datums), (1, 2, 400));
    for (series, stored) in far.by_series(COUNTER) {
        assert_eq!(stored, Stored { samples: 2.0, sum: 2.0 * (f64::from(series) + 1.0) }, "series {series}");
    }
    let exporter = ledger.row("exporter cloudwatch");
    assert_eq!((exporter.out, exporter.dropped), (200, 0), "Weir's ledger counts each point once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_breaks_and_a_request_that_hangs_are_tried_again() {
    let far = FarEnd::start().await;
    far.0.faults().push(Fault::DropConnection.times(2));
    far.0.faults().push(Fault::Hang);
    let weir = Weir::start(&config(&far.exporter(&["timeout: 1s"])), &[]).await;
    weir.sender().await.send(increments(COUNTER, wave(0..200, now()))).await;
    far.wait_for_samples(200).await;
    let ledger = weir.drain().await;

    assert_each_once(&far);
    let counters = far.0.counters();
    assert_eq!((counters.failed("DropConnection"), counters.failed("Hang")), (2, 1));
    assert_eq!(ledger.row("exporter cloudwatch").out, 200);
}
