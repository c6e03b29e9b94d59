//! Pipelines that share a receiver: one exporter's trouble is not the other's.

use std::time::Duration;

use tokio::task::JoinSet;
use weir_cloudwatch_local::Fault;

use crate::harness::{Application, FarEnd, Increment, Stored, Weir, increments, now, until};

const COUNTER: &str = "e2e.events";
/// Nothing listens there (tcpmux): a connection is refused.
const NOWHERE: &str = "http://127.0.0.1:1";

/// One receiver, and a pipeline for each exporter.
fn config(alive: &str, other: &str, service: &str) -> String {
    format!(
        "receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 'localhost:0' }} }} }} }}
processors: {{ delta: }}
exporters:
  cloudwatch/alive: {alive}
  cloudwatch/other: {other}
service:
  {service}
  pipelines:
    metrics/alive: {{ receivers: [otlp], processors: [delta], exporters: [cloudwatch/alive] }}
    metrics/other: {{ receivers: [otlp], processors: [delta], exporters: [cloudwatch/other] }}
"
    )
}

fn points(series: std::ops::Range<u32>) -> Vec<Increment> {
    let time = now();
    series.map(|series| Increment { series, time, value: i64::from(series) * 3 }).collect()
}

/// Every one of so many series has arrived once, and whole.
fn assert_all(far: &FarEnd, series: u32) {
    let stored = far.by_series(COUNTER);
    assert_eq!(stored.len() as u32, series);
    for (series, stored) in stored {
        assert_eq!(stored, Stored { samples: 1.0, sum: f64::from(series) * 3.0 }, "series {series}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_exporter_does_not_stop_the_other() {
    let far = FarEnd::start().await;
    let dead = format!(
        "{{ endpoint: '{NOWHERE}', period: 1s, retry_on_failure: {{ initial_interval: 50ms, max_interval: 100ms }}, \
         sending_queue: {{ queue_size: 100KiB, num_consumers: 1 }} }}"
    );
    let weir = Weir::start(&config(&far.exporter(&[]), &dead, "shutdown_timeout: 6s"), &[]).await;
    let mut sender = weir.sender().await;
    for wave in 0..6 {
        sender.send(increments(COUNTER, points(wave * 1000..(wave + 1) * 1000))).await;
    }
    far.wait_for_samples(6000).await;
    let ledger = weir.drain().await;

    assert_all(&far, 6000);
    assert_eq!(ledger.row("receiver otlp").out, 6000);
    assert_eq!(ledger.row("exporter cloudwatch/alive").out, 6000);
    let dead = ledger.row("exporter cloudwatch/other");
    assert_eq!((dead.taken, dead.out, dead.dropped), (6000, 0, 6000));
    assert!(dead.dropped_for("shutdown") > 0, "the last request was kept until the end: {dead:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exporter_that_is_switched_off_counts_what_it_is_sent() {
    let far = FarEnd::start().await;
    // Neither Region nor credentials: it must not ask for them.
    let off = "{ enabled: false, period: 60s }";
    let weir = Weir::start(&config(&far.exporter(&[]), off, ""), &[]).await;
    weir.sender().await.send(increments(COUNTER, points(0..700))).await;
    far.wait_for_samples(700).await;
    let ledger = weir.drain().await;

    assert_all(&far, 700);
    assert_eq!(ledger.row("exporter cloudwatch/alive").out, 700);
    let off = ledger.row("exporter cloudwatch/other");
    assert_eq!((off.taken, off.dropped_for("disabled"), off.dropped), (700, 700, 700));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_destinations_get_the_same_and_each_is_counted_for_itself() {
    let (far, failing) = (FarEnd::start().await, FarEnd::start().await);
    failing.0.faults().push(Fault::internal_error().every_nth(2));
    let weir = Weir::start(&config(&far.exporter(&[]), &failing.exporter(&[]), ""), &[]).await;
    let mut sender = weir.sender().await;
    for wave in 0..4 {
        sender.send(increments(COUNTER, points(wave * 1000..(wave + 1) * 1000))).await;
    }
    let ledger = weir.drain().await;

    assert_all(&far, 4000);
    assert_all(&failing, 4000);
    assert!(failing.0.counters().failed("InternalServiceError") > 0);
    for exporter in ["exporter cloudwatch/alive", "exporter cloudwatch/other"] {
        let row = ledger.row(exporter);
        assert_eq!((row.taken, row.out, row.dropped), (4000, 4000, 0), "{exporter}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_branch_that_hangs_is_skipped_and_what_it_misses_is_counted() {
    let (far, hung) = (FarEnd::start().await, FarEnd::start().await);
    hung.0.faults().push(Fault::Hang.always());
    // Its one consumer waits for an answer, its queue is full, so its window stands still, and then the edges before it.
    let keys = ["period: 10s", "timeout: 10m", "sending_queue: { queue_size: 64KiB, num_consumers: 1 }"];
    let service = "shutdown_timeout: 40s\n  limits: { edge_bytes: 256KiB, edge_wait: 2s }";
    let config = config(&far.exporter(&["period: 10s"]), &hung.exporter(&keys), service);
    // Ten times as fast: a period passes in a second, the drain ends within four, a full branch is waited for 0.2 s.
    let weir = Weir::start(&config, &["--clock-rate", "10"]).await;
    let sender = weir.sender().await;
    let mut sending = JoinSet::new();
    let mut requests = 0;
    until("the hung branch to miss something", || {
        let (mut sender, number) = (sender.clone(), requests);
        let request = increments(COUNTER, points(number * 1000..(number + 1) * 1000));
        requests += 1;
        sending.spawn(async move { (number, sender.try_send(request).await.is_ok()) });
        (weir.metric("weir_edge_missed_points", &["queue_full"]) >= 10_000.0).then_some(())
    })
    .await;
    until("the healthy exporter to have caught up", || {
        let accepted = weir.metric("otelcol_receiver_accepted_metric_points", &[]);
        (weir.metric("otelcol_exporter_sent_metric_points", &["alive"]) == accepted).then_some(())
    })
    .await;
    // The hung exporter is let go two seconds before the deadline, 0.2 s here: with what is left it may be in time or not,
    // and all of it is counted either way.
    let (_, ledger) = weir.stop("TERM").await;

    let stored = far.by_series(COUNTER);
    for (series, stored) in &stored {
        assert_eq!(*stored, Stored { samples: 1.0, sum: f64::from(*series) * 3.0 }, "series {series}");
    }
    let answers = sending.join_all().await;
    let taken: Vec<u32> = answers.into_iter().filter(|(_, taken)| *taken).map(|(number, _)| number).collect();
    assert!(taken.len() >= 10, "what only the hung branch misses is taken: {taken:?} of {requests}");
    for number in taken {
        assert!(
            stored.contains_key(&(number * 1000)) && stored.contains_key(&(number * 1000 + 999)),
            "{number}"
        );
    }
    assert_eq!(ledger.missed.len(), 1, "{:?}", ledger.missed);
    let (stored, receiver) = (stored.len() as u64, ledger.row("receiver otlp"));
    assert_eq!(receiver.out, stored, "the healthy branch missed nothing");
    assert_eq!(ledger.row("exporter cloudwatch/alive").out, stored);
    let missed = ledger.missed["receiver otlp -> processor delta@metrics/other: queue_full"];
    assert!(missed >= 10_000);
    // What was on its way to the hung exporter when the time ran out is counted where it was.
    let (other, delta) =
        (ledger.row("exporter cloudwatch/other"), ledger.row("processor delta@metrics/other"));
    let gone = other.dropped + delta.dropped_for("shutdown");
    assert_eq!((gone, other.out), (stored - missed, 0), "{other:?} {delta:?}");
    assert_eq!(hung.samples(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_delta_two_branches_that_stand_still_lose_nothing() {
    let (slow, hung) = (FarEnd::start().await, FarEnd::start().await);
    hung.0.faults().push(Fault::Hang.always());
    // Every answer takes a second, ten of Weir's: its window, and the edges before it, stand still for longer than a
    // branch is waited for.
    let slowness = slow.0.faults().push(Fault::Delay(Duration::from_secs(1)).always());
    let keys = ["timeout: 10m", "sending_queue: { queue_size: 1KiB, num_consumers: 1 }"];
    let config = format!(
        "receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 'localhost:0' }} }} }} }}
processors: {{ delta: {{ initial_value: keep }} }} # by this clock the application began before Weir
exporters:
  cloudwatch/slow: {}
  cloudwatch/hung: {}
service:
  shutdown_timeout: 60s
  limits: {{ edge_bytes: 16KiB, edge_wait: 1s }}
  pipelines:
    metrics: {{ receivers: [otlp], processors: [delta], exporters: [cloudwatch/slow, cloudwatch/hung] }}
",
        slow.exporter(&keys),
        hung.exporter(&keys)
    );
    let weir = Weir::start(&config, &["--clock-rate", "10"]).await;
    let mut sender = weir.sender().await;
    let mut application = Application::start("series", 100);
    // The slow branch takes what the hung one misses, once it has room again.
    while weir.metric("weir_edge_missed_points", &["queue_full"]) < 1000.0 {
        application.count();
        sender.insist(application.export()).await;
    }
    slow.0.faults().remove(slowness);
    application.count();
    sender.insist(application.export()).await;
    until("the slow exporter to have caught up", || {
        let taken = weir.metric("otelcol_receiver_accepted_metric_points", &[]);
        (weir.metric("otelcol_exporter_sent_metric_points", &["slow"]) == taken).then_some(())
    })
    .await;
    let (_, ledger) = weir.stop("TERM").await;

    assert_eq!(application.too_much(&slow), [0; 100]);
    assert_eq!(ledger.row("processor delta@metrics").dropped, 0);
    let branch = "processor delta@metrics -> exporter cloudwatch/hung: queue_full";
    assert!(ledger.missed[branch] >= 1000, "{:?}", ledger.missed);
    assert_eq!(ledger.missed.len(), 1, "{:?}", ledger.missed);
}
