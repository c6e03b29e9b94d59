//! Senders at full speed before a CloudWatch that stalls. What waits is bounded, who cannot be served is told to come again,
//! and once CloudWatch moves, every series has what was sent of it: no sample less, none more.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use weir_bench::{
    client::{Packing, Protocol},
    load::Load,
    payload::{Kind, Order, Shape},
    sink::{Counted, Sink},
    unix_nanos,
};

use crate::{is_long, ledger, until, weir, within};

const CONNECTIONS: usize = 16;
/// The bound of an edge, a point: a little more than a batch of one request takes. There are three edges, so most of the
/// connections find no room.
const EDGE_BYTES_A_POINT: usize = 64;
/// Requests that were turned away when memory is looked at first, and when it is looked at again.
const PRESSED: (u64, u64) = (10, 60);
/// How much faster Weir's clock runs: a period passes in a twentieth of a second, and receivers wait a quarter of one for room.
const CLOCK_RATE: &str = "20";
const GZIP: Packing = Packing::Gzip(1);

/// By how much RAM may grow while senders press on and nothing moves: each connection's request, as it comes and in one
/// piece, of at most 400 bytes a point; and what an allocator needs.
fn growth(load: &Load) -> u64 {
    (4 << 20) + 2 * (CONNECTIONS * load.shape.points * 400) as u64
}

/// The series in front of a load.
#[derive(Clone, Copy)]
enum Series {
    Thousand,
    HundredThousand,
}

fn load(
    protocol: Protocol,
    packing: Packing,
    series: Series,
    order: Order,
    points_per_metric: usize,
) -> Load {
    let (points, senders, rounds) = match (series, is_long()) {
        (Series::Thousand, false) => (50, 20, 150),
        (Series::Thousand, true) => (50, 20, 20_000),
        (Series::HundredThousand, false) => (1000, 100, 2),
        (Series::HundredThousand, true) => (1000, 100, 60),
    };
    Load {
        shape: Shape { kind: Kind::Counter, points, points_per_metric, order },
        senders,
        rounds,
        protocol,
        packing,
        connections: CONNECTIONS,
        first: unix_nanos() - 60_000_000_000,
        step: Duration::from_millis(1),
        rounds_a_minute: rounds,
    }
}

fn config(sink: &Sink, load: &Load) -> String {
    format!(
        "receivers:
  otlp: {{ protocols: {{ grpc: {{ endpoint: '127.0.0.1:0' }}, http: {{ endpoint: '127.0.0.1:0' }} }} }}
processors:
  dimensions: {{ actions: [{{ key: instance, action: insert, from_resource: service.instance.id }}] }}
  delta: {{ initial_value: keep }}
exporters:
  cloudwatch:
    endpoint: 'http://{}'
    namespace: Load
    period: 1s
    timeout: 2h
    sending_queue: {{ queue_size: 4KiB, num_consumers: 1 }}
service:
  limits: {{ edge_bytes: {} }}
  shutdown_timeout: 2h
  pipelines:
    metrics: {{ receivers: [otlp], processors: [dimensions, delta], exporters: [cloudwatch] }}
",
        sink.address(),
        load.shape.points * EDGE_BYTES_A_POINT,
    )
}

async fn nothing_is_lost_or_doubled(load: Load) {
    let (points, rounds) = (load.points(), load.rounds);
    let sink = Sink::start().await.unwrap();
    let weir = weir(&config(&sink, &load), &["--clock-rate", CLOCK_RATE]).await;
    let to = weir.listening[usize::from(load.protocol == Protocol::Http)];
    let prepared = load.prepare();
    let progress = prepared.progress();
    sink.stall();
    let sending = tokio::spawn(prepared.run(to));
    let pressed = |times| {
        assert!(!sending.is_finished(), "the load ended before senders were turned away {times} times");
        progress.turned_away.load(Relaxed) >= times
    };
    until("senders to be turned away", || pressed(PRESSED.0)).await;
    let before = weir.resident().unwrap();
    until("more to be turned away", || pressed(PRESSED.1)).await;
    let after = weir.resident().unwrap();
    assert!(after <= before + growth(&load), "from {before} to {after} bytes in RAM while nothing moved");
    sink.move_on();
    let report = within("the end of the load", sending).await.unwrap().unwrap();
    let ended = weir.stop().await.unwrap();
    ended.check().unwrap();

    assert_eq!((report.taken.points, report.rejected, report.unadvised), (points, 0, 0), "{report:?}");
    let arrived = sink.totals();
    assert_eq!(arrived.broken, 0);
    assert_eq!(arrived.series.len() as u64 * rounds as u64, points);
    for (series, counted) in &arrived.series {
        assert_eq!(counted.samples as usize, rounds, "{series}");
    }
    assert_eq!(arrived.all(), Counted { samples: points as f64, sum: report.taken.sum });
    let refused = report.turned_away * load.shape.points as u64;
    assert_eq!(ledger(&ended.log, "receiver otlp", "refused"), refused, "as often as senders were told");
    assert_eq!(ledger(&ended.log, "exporter cloudwatch", "out"), points);
    println!(
        "{points} points, {} requests turned away, {} MiB at most, {:.1} s",
        report.turned_away,
        ended.peak >> 20,
        report.wall.as_secs_f64()
    );
}

// An orthogonal array: each pair of protocol, packing, series, order and points of a metric is met.

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc_plain_thousand_series_stable() {
    nothing_is_lost_or_doubled(load(Protocol::Grpc, Packing::Plain, Series::Thousand, Order::Stable, 10))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc_gzip_thousand_series_shuffled_single() {
    nothing_is_lost_or_doubled(load(Protocol::Grpc, GZIP, Series::Thousand, Order::Shuffled, 1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc_plain_hundred_thousand_series_shuffled() {
    nothing_is_lost_or_doubled(load(
        Protocol::Grpc,
        Packing::Plain,
        Series::HundredThousand,
        Order::Shuffled,
        10,
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc_gzip_hundred_thousand_series_stable_single() {
    nothing_is_lost_or_doubled(load(Protocol::Grpc, GZIP, Series::HundredThousand, Order::Stable, 1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_plain_thousand_series_shuffled_single() {
    nothing_is_lost_or_doubled(load(Protocol::Http, Packing::Plain, Series::Thousand, Order::Shuffled, 1))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_gzip_thousand_series_stable() {
    nothing_is_lost_or_doubled(load(Protocol::Http, GZIP, Series::Thousand, Order::Stable, 10)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_plain_hundred_thousand_series_stable_single() {
    nothing_is_lost_or_doubled(load(
        Protocol::Http,
        Packing::Plain,
        Series::HundredThousand,
        Order::Stable,
        1,
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_gzip_hundred_thousand_series_shuffled() {
    nothing_is_lost_or_doubled(load(Protocol::Http, GZIP, Series::HundredThousand, Order::Shuffled, 10))
        .await;
}
