//! A fast sender before a slow endpoint.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::task::JoinSet;
use weir_cloudwatch_local::Fault;

use crate::harness::{FarEnd, Increment, Stored, Weir, increments, now, until};

const COUNTER: &str = "e2e.events";
const EDGE_BYTES: f64 = 65_536.0;
/// What the process may take in RAM, in bytes.
const MEMORY: u64 = 128 << 20;
const SENDERS: usize = 8;
const POINTS: u32 = 1000;
/// Requests with series of their own; then the series come again. A window takes memory by its series, not by its points, so
/// a fast machine takes no more than a slow one.
const DISTINCT: u32 = 30;

fn config(exporter: &str) -> String {
    format!(
        "receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 'localhost:0' }} }} }} }}
processors: {{ delta: }}
exporters: {{ cloudwatch: {exporter} }}
service:
  limits: {{ edge_bytes: 64KiB }}
  pipelines:
    metrics: {{ receivers: [otlp], processors: [delta], exporters: [cloudwatch] }}
"
    )
}

/// A request whose values tell which series they are of.
fn request(number: u32) -> Vec<Increment> {
    let (time, block) = (now(), number % DISTINCT);
    let series = block * POINTS..(block + 1) * POINTS;
    series.map(|series| Increment { series, time, value: i64::from(series) + 1 }).collect()
}

/// What the senders share.
#[derive(Default)]
struct Work {
    requests: AtomicU32,
    turned_away: AtomicU32,
    enough: AtomicBool,
}

/// Sends as fast as it is let, and again what is turned away, until it is enough.
async fn keep_sending(weir: &Weir, work: Arc<Work>) -> impl Future<Output = ()> + Send + use<> {
    let mut sender = weir.sender().await;
    async move {
        while !work.enough.load(Relaxed) {
            let number = work.requests.fetch_add(1, Relaxed);
            let turned_away = sender.insist(increments(COUNTER, request(number))).await;
            work.turned_away.fetch_add(turned_away, Relaxed);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_bounded_and_what_is_turned_away_comes_again() {
    let far = FarEnd::start().await;
    let slow = far.0.faults().push(Fault::Delay(Duration::from_secs(1)).always());
    let exporter = far.exporter(&["period: 5s", "sending_queue: { queue_size: 64KiB, num_consumers: 1 }"]);
    // Ten times as fast: a period passes in half a second, and the receiver waits as long for room.
    let weir = Weir::start(&config(&exporter), &["--clock-rate", "10"]).await;
    let work = Arc::<Work>::default();
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        senders.spawn(keep_sending(&weir, Arc::clone(&work)).await);
    }

    let (mut fullest, mut most_memory) = (0.0_f64, 0);
    until("senders to be turned away", || {
        for (edge, bytes) in weir.metrics("weir_edge_queued_bytes") {
            assert!(bytes <= EDGE_BYTES, "{bytes} bytes on {edge}");
            fullest = fullest.max(bytes);
        }
        most_memory = most_memory.max(weir.resident_bytes());
        let turned_away = weir.metric("weir_refused_points", &["reason=\"queue_full\""]);
        (turned_away >= f64::from(10 * POINTS)).then_some(())
    })
    .await;
    assert!(fullest > EDGE_BYTES / 2.0, "an edge was full: {fullest} bytes");
    assert!(most_memory < MEMORY, "{most_memory} bytes in RAM");
    work.enough.store(true, Relaxed);
    far.0.faults().remove(slow);
    senders.join_all().await;
    let ledger = weir.drain().await;

    let requests = work.requests.load(Relaxed);
    let sent = requests * POINTS;
    let stored = far.by_series(COUNTER);
    assert_eq!(stored.len() as u32, requests.min(DISTINCT) * POINTS);
    for (series, stored) in stored {
        let samples = f64::from((requests - series / POINTS).div_ceil(DISTINCT));
        assert_eq!(stored, Stored { samples, sum: samples * (f64::from(series) + 1.0) }, "series {series}");
    }
    let receiver = ledger.row("receiver otlp");
    let turned_away = work.turned_away.load(Relaxed);
    assert_eq!(receiver.refused, u64::from(turned_away * POINTS), "as often as the senders were told");
    assert_eq!(receiver.out, u64::from(sent));
    assert_eq!(ledger.row("exporter cloudwatch").out, u64::from(sent));
    println!("{sent} points, {turned_away} requests turned away, {most_memory} bytes in RAM");
}
