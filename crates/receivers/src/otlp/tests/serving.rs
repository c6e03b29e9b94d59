//! Real clients against a real listener: what arrives, and what is answered.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::{
    collector::metrics::v1::metrics_service_client::MetricsServiceClient,
    metrics::v1::{
        ExponentialHistogram, ExponentialHistogramDataPoint, Histogram, HistogramDataPoint, Summary,
        SummaryDataPoint,
    },
};
use tonic::{Code, Status, codec::CompressionEncoding};
use weir_core::{Number, Reason, ReceiverFactory as _, Verdict};
use weir_testkit::Fixture;

use super::{
    harness::{Server, call, config, grpc, joined},
    *,
};
use crate::otlp::Otlp;

const MEBIBYTE: usize = 1 << 20;

#[track_caller]
pub(super) fn assert_comes_with_retry_info(status: &Status) {
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    let details = status.details();
    // google.rpc.Status: field 1 (code) is 14; field 3 (details) is an Any of this name that holds
    // a RetryInfo { retry_delay: Duration { seconds: 1 } }.
    assert_eq!(details[..2], [0x08, 14]);
    let name = b"type.googleapis.com/google.rpc.RetryInfo";
    assert!(details.windows(name.len()).any(|window| window == name));
    assert_eq!(details[details.len() - 6..], [0x12, 0x04, 0x0a, 0x02, 0x08, 0x01]);
}

#[tokio::test]
async fn all_five_kinds_arrive_and_the_ledger_balances() {
    let mut server = Server::start(config()).await;
    let time_unix_nano = TIME;
    let histogram = Histogram {
        data_points: vec![HistogramDataPoint { time_unix_nano, ..HistogramDataPoint::default() }],
        aggregation_temporality: DELTA,
    };
    let exponential = ExponentialHistogram {
        data_points: vec![ExponentialHistogramDataPoint {
            time_unix_nano,
            ..ExponentialHistogramDataPoint::default()
        }],
        aggregation_temporality: DELTA,
    };
    let summary =
        Summary { data_points: vec![SummaryDataPoint { time_unix_nano, ..SummaryDataPoint::default() }] };
    let request = request(vec![
        gauge("gauge", vec![int("a", 1)]),
        counter("counter", CUMULATIVE, vec![int("a", 2)]),
        metric("histogram", Data::Histogram(histogram)),
        metric("exponential", Data::ExponentialHistogram(exponential)),
        metric("summary", Data::Summary(summary)),
    ]);
    for compressed in [false, true] {
        let mut client = server.client().await;
        if compressed {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        let request = request.clone();
        let answer = tokio::spawn(async move { client.export(request).await });
        let delivery = server.delivery().await;
        let batch = &delivery.batch;
        assert_eq!((batch.numbers.len(), batch.histograms.len()), (2, 1));
        assert_eq!((batch.exponential_histograms.len(), batch.summaries.len()), (1, 1));
        assert_eq!(batch.numbers[1].value(), Number::Int(2));
        delivery.ack.settle(Verdict::Delivered);
        assert_eq!(joined(answer).await.unwrap().into_inner().partial_success, None);
    }
    let account = server.account();
    assert!(account.balances(), "{account:?}");
    assert_eq!((account.taken, account.passed, account.refused_total()), (10, 10, 0));
    assert!(server.context.status.read().last_success.is_some());
}

#[tokio::test]
async fn what_is_refused_is_told_and_the_rest_taken() {
    let mut server = Server::start(config()).await;
    let mut client = server.client().await;
    let bad = NumberDataPoint { time_unix_nano: 0, ..int("a", 1) };
    let request = request(vec![gauge("no.time", vec![bad, int("b", 1)])]);
    let answer = tokio::spawn(async move { client.export(request).await });
    server.delivery().await.ack.settle(Verdict::Delivered);
    let partial = joined(answer).await.unwrap().into_inner().partial_success.unwrap();
    assert_eq!(partial.rejected_data_points, 1);
    assert_eq!(partial.error_message, "bad_timestamp: 1 (such as no.time)");
    let account = server.account();
    assert!(account.balances(), "{account:?}");
    assert_eq!((account.taken, account.passed, server.refused(Reason("bad_timestamp"))), (2, 1, 1));
}

#[tokio::test]
async fn an_empty_request_succeeds() {
    let server = Server::start(config()).await;
    let answer = server.client().await.export(ExportMetricsServiceRequest::default()).await.unwrap();
    assert_eq!(answer.into_inner().partial_success, None);
    assert_eq!(server.account().taken, 0);
}

#[tokio::test]
async fn memory_pressure_asks_to_come_again() {
    let server = Server::start(config()).await;
    server.context.pressure.set(90, 100);
    let mut client = server.client().await;
    let refused = client.export(request(vec![gauge("g", vec![int("a", 1)])])).await.unwrap_err();
    assert_comes_with_retry_info(&refused);
    assert_eq!(server.account().taken, 0, "the request is not even read");
    assert!(server.context.status.read().last_error.unwrap().contains("memory_pressure"));
}

#[tokio::test]
async fn a_request_over_the_limit_is_refused_for_good_compressed_or_not() {
    let mut small = config();
    grpc(&mut small).max_recv_msg_size_mib = 1;
    let server = Server::start(small).await;
    let large = request(vec![gauge(&"x".repeat(2 * MEBIBYTE), vec![int("a", 1)])]);
    for compressed in [false, true] {
        let mut client = server.client().await;
        if compressed {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        let refused = client.export(large.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
        assert!(refused.message().contains("1048576"), "{refused:?}");
        assert!(refused.details().is_empty(), "RetryInfo would bring it again");
    }
    assert_eq!(server.account().taken, 0);
}

#[tokio::test]
async fn bytes_that_are_no_request_are_an_invalid_argument() {
    const EXPORT: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    let server = Server::start(config()).await;
    let refused = call(server.channel().await, EXPORT, b"\xff\xff\xff").await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
}

#[tokio::test]
async fn traces_and_logs_are_told_why_they_are_not_taken() {
    const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    const OTHER: &str = "/grpc.health.v1.Health/Check";
    let server = Server::start(config()).await;
    let channel = server.channel().await;
    for (path, signal) in [(TRACES, "not traces:"), (LOGS, "not logs:"), (OTHER, "OTLP metrics only")] {
        let refused = call(channel.clone(), path, b"").await.unwrap_err();
        assert_eq!(refused.code(), Code::Unimplemented, "{refused:?}");
        assert!(refused.message().contains(signal), "{refused:?}");
    }
}

#[tokio::test]
async fn an_address_in_use_fails_the_start_by_name() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = config();
    let endpoint = taken.local_addr().unwrap().to_string();
    grpc(&mut config).endpoint.clone_from(&endpoint);
    let mut receiver = Otlp::build(config, Fixture::new().context("otlp"));
    let error = receiver.start().await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("could not listen on {endpoint}: ")), "{error}");
}

#[tokio::test]
async fn with_metadata_peers_with_equal_resources_stay_two_streams() {
    for (include_metadata, streams) in [(false, 1), (true, 2)] {
        let mut config = config();
        grpc(&mut config).include_metadata = include_metadata;
        let mut server = Server::start(config).await;
        for peer in ["127.0.0.1", "127.0.0.2"] {
            let endpoint = server.endpoint().local_address(Some(peer.parse().unwrap()));
            let mut client = MetricsServiceClient::new(endpoint.connect().await.unwrap());
            let request = request(vec![gauge("g", vec![int("a", 1)])]);
            let answer = tokio::spawn(async move { client.export(request).await });
            server.delivery().await.ack.settle(Verdict::Delivered);
            joined(answer).await.unwrap();
        }
        assert_eq!(server.context.interner.stats().streams, streams);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn forty_senders_on_sixteen_connections_keep_their_sums() {
    const SENDERS: i64 = 40;
    const REQUESTS: i64 = 8;
    const SHARDS: i64 = 10;
    let mut server = Server::start(config()).await;
    let mut clients = Vec::new();
    for _ in 0..16 {
        clients.push(server.client().await);
    }
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..SENDERS {
        let mut client = clients[sender as usize % clients.len()].clone();
        senders.spawn(async move {
            for at in 0..REQUESTS {
                // Each request has the shards in another order.
                let points = (0..SHARDS).map(|shard| int(&((shard + at) % SHARDS).to_string(), sender + 1));
                let metrics = vec![counter("requests", DELTA, points.collect())];
                let message = from_service(&sender.to_string(), metrics);
                let request = ExportMetricsServiceRequest { resource_metrics: vec![message] };
                client.export(request).await.unwrap();
            }
        });
    }
    let mut sums: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut points = 0;
    while points < (SENDERS * REQUESTS * SHARDS) as u64 {
        let delivery = server.delivery().await;
        points += delivery.batch.points();
        for point in &delivery.batch.numbers {
            let series = server.context.interner.resolve(point.series).expect("a resolvable id");
            let service = series.resource().attributes.get("service.name").unwrap().to_string();
            let shard = series.attributes().get("shard").unwrap().to_string();
            let Number::Int(value) = point.value() else { panic!("an integer was sent") };
            *sums.entry((service, shard)).or_default() += value;
        }
        delivery.ack.settle(Verdict::Delivered);
    }
    while let Some(sender) = senders.join_next().await {
        sender.unwrap();
    }
    for sender in 0..SENDERS {
        for shard in 0..SHARDS {
            let sum = sums[&(sender.to_string(), shard.to_string())];
            assert_eq!(sum, REQUESTS * (sender + 1), "sender {sender}, shard {shard}");
        }
    }
    assert_eq!(server.context.interner.stats().streams, (SENDERS * SHARDS) as usize);
    let account = server.account();
    assert!(account.balances(), "{account:?}");
    assert_eq!((account.taken, account.refused_total()), (points, 0));
}
