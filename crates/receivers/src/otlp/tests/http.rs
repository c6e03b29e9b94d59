//! OTLP over HTTP, asked by a client that writes its own bytes: both contents, every answer.

use http_body_util::{BodyExt as _, Full};
use hyper::{HeaderMap, Request, StatusCode, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use prost::{Message as _, bytes::Bytes};
use serde_json::{Value, json};
use tokio::{net::TcpStream, task::JoinHandle};
use weir_core::{Number, Reason, Verdict};

use super::{
    harness::{Server, config, http, joined},
    *,
};
use crate::otlp::answer::RpcStatus;

pub(super) const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// What came back.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        assert_eq!(self.headers[header::CONTENT_TYPE], JSON);
        serde_json::from_slice(&self.body).unwrap()
    }

    fn status(&self) -> RpcStatus {
        assert_eq!(self.headers[header::CONTENT_TYPE], PROTOBUF);
        RpcStatus::decode(&*self.body).unwrap()
    }
}

/// A request to the server's HTTP port that is under way.
pub(super) fn send(server: &Server, request: Request<Full<Bytes>>) -> JoinHandle<Answer> {
    let address = server.http;
    tokio::spawn(async move {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut client, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let (head, body) = client.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: head.status, headers: head.headers, body }
    })
}

pub(super) fn post(content_type: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post("/v1/metrics")
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, content_type)
        .body(Full::new(body.into()))
        .unwrap()
}

pub(super) fn one_gauge() -> Vec<u8> {
    request(vec![gauge("queue.size", vec![int("a", 7)])]).encode_to_vec()
}

fn one_gauge_in_json() -> String {
    json!({"resourceMetrics": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "orders"}}]},
        "scopeMetrics": [{"scope": {"name": "tests"}, "metrics": [{
            "name": "queue.size", "unit": "1", "gauge": {"dataPoints": [{
                "attributes": [{"key": "shard", "value": {"stringValue": "a"}}],
                "startTimeUnixNano": START.to_string(), "timeUnixNano": TIME.to_string(), "asInt": "7",
            }]},
        }]}],
    }]})
    .to_string()
}

#[tokio::test]
async fn protobuf_and_json_of_one_sender_are_one_series_and_answered_in_kind() {
    let mut server = Server::start(config()).await;
    for (content_type, body) in [(PROTOBUF, one_gauge().into()), (JSON, Bytes::from(one_gauge_in_json()))] {
        let answer = send(&server, post(content_type, body));
        let delivery = server.delivery().await;
        assert_eq!(delivery.batch.numbers[0].value(), Number::Int(7));
        assert_eq!(delivery.batch.numbers[0].time.0, TIME);
        delivery.ack.settle(Verdict::Delivered);
        let answer = joined(answer).await;
        assert_eq!(
            (answer.status, &answer.headers[header::CONTENT_TYPE]),
            (StatusCode::OK, &content_type.parse().unwrap())
        );
        match content_type {
            JSON => assert_eq!(&answer.body[..], b"{}"),
            _ => assert_eq!(&answer.body[..], b""),
        }
    }
    assert_eq!(server.context.interner.stats().streams, 1);
    let account = server.account();
    assert_eq!((account.taken, account.passed), (2, 2));
}

#[tokio::test]
async fn what_is_refused_is_told_in_either_content() {
    let mut server = Server::start(config()).await;
    let bad = NumberDataPoint { time_unix_nano: 0, ..int("a", 1) };
    let body = request(vec![gauge("no.time", vec![bad, int("b", 1)])]).encode_to_vec();
    let answer = send(&server, post(PROTOBUF, body));
    server.delivery().await.ack.settle(Verdict::Delivered);
    let answer = ExportMetricsServiceResponse::decode(joined(answer).await.body).unwrap();
    let partial = answer.partial_success.unwrap();
    assert_eq!(
        (partial.rejected_data_points, &*partial.error_message),
        (1, "bad_timestamp: 1 (such as no.time)")
    );

    let body = one_gauge_in_json().replace(&TIME.to_string(), "0");
    let answer = joined(send(&server, post(JSON, body))).await;
    let expected = json!({"partialSuccess": {"rejectedDataPoints": "1", "errorMessage": "bad_timestamp: 1 (such as queue.size)"}});
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, expected));
}

#[tokio::test]
async fn an_empty_request_succeeds_in_either_content() {
    let server = Server::start(config()).await;
    for (content_type, body) in [(PROTOBUF, ""), (JSON, "{}"), ("application/json; charset=utf-8", " { } ")] {
        let answer = joined(send(&server, post(content_type, body))).await;
        assert_eq!(answer.status, StatusCode::OK, "{content_type}");
    }
    assert_eq!(server.account().taken, 0);
}

#[tokio::test]
async fn what_is_no_request_is_answered_400_with_its_status() {
    let server = Server::start(config()).await;
    let answer = joined(send(&server, post(PROTOBUF, &b"\xff\xff\xff"[..]))).await;
    assert_eq!((answer.status, answer.status().code), (StatusCode::BAD_REQUEST, 3));
    let answer = joined(send(&server, post(JSON, r#"{"resourceMetrics": 7}"#))).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let said = answer.json();
    assert_eq!(said["code"], 3);
    let message = said["message"].as_str().unwrap();
    assert!(message.contains("an array for `resourceMetrics`") && message.contains("column"), "{message}");
    let mut broken = post(PROTOBUF, &b"no gzip"[..]);
    broken.headers_mut().insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
    let answer = joined(send(&server, broken)).await;
    assert_eq!((answer.status, answer.status().code), (StatusCode::BAD_REQUEST, 3));
    assert_eq!(server.account().taken, 0);
}

#[tokio::test]
async fn other_contents_compressions_methods_and_paths_are_refused_by_name() {
    let server = Server::start(config()).await;
    let answer = joined(send(&server, post("text/csv", "a,b"))).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(answer.headers[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    assert!(answer.body.starts_with(b"content type `text/csv` is not taken here"));

    let mut other = post(PROTOBUF, one_gauge());
    other.headers_mut().insert(header::CONTENT_ENCODING, "br".parse().unwrap());
    let answer = joined(send(&server, other)).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(answer.headers[header::ACCEPT_ENCODING], "gzip, zstd, snappy, deflate, identity");
    assert!(answer.status().message.contains("`br`"));

    let mut get = post(JSON, "");
    *get.method_mut() = hyper::Method::GET;
    let answer = joined(send(&server, get)).await;
    assert_eq!(
        (answer.status, &answer.headers[header::ALLOW]),
        (StatusCode::METHOD_NOT_ALLOWED, &"POST".parse().unwrap())
    );

    for (path, word) in [("/v1/traces", "not traces"), ("/v1/logs", "not logs"), ("/", "/v1/metrics")] {
        let mut request = post(PROTOBUF, one_gauge());
        *request.uri_mut() = path.parse().unwrap();
        let answer = joined(send(&server, request)).await;
        assert_eq!((answer.status, answer.status().code), (StatusCode::NOT_FOUND, 12));
        assert!(answer.status().message.contains(word), "{:?}", answer.status());
    }
    assert_eq!(server.account().taken, 0);
}

#[tokio::test]
async fn back_pressure_is_503_with_a_retry_after_and_a_retry_info() {
    let server = Server::start(config()).await;
    server.context.pressure.set(90, 100);
    let answer = joined(send(&server, post(PROTOBUF, one_gauge()))).await;
    assert_eq!(
        (answer.status, &answer.headers[header::RETRY_AFTER]),
        (StatusCode::SERVICE_UNAVAILABLE, &"1".parse().unwrap())
    );
    let said = answer.status();
    assert_eq!((said.code, &*said.message), (14, "not taken (memory_pressure), try again"));
    // A RetryInfo { retry_delay: Duration { seconds: 1 } }.
    assert_eq!(said.details[0].type_url, "type.googleapis.com/google.rpc.RetryInfo");
    assert_eq!(said.details[0].value, [0x0a, 0x02, 0x08, 0x01]);
    let answer = joined(send(&server, post(JSON, one_gauge_in_json()))).await;
    let retry = json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"}]);
    assert_eq!((answer.json()["code"].clone(), answer.json()["details"].clone()), (14.into(), retry));
    assert_eq!(server.account().taken, 0, "the request is not even read");
}

#[tokio::test]
async fn a_branch_that_refuses_is_503_and_one_that_lost_it_too() {
    let mut server = Server::start(config()).await;
    for verdict in [Verdict::Refused(Reason::QUEUE_FULL), Verdict::Lost(Reason::ABANDONED)] {
        let answer = send(&server, post(PROTOBUF, one_gauge()));
        server.delivery().await.ack.settle(verdict);
        let answer = joined(answer).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers.contains_key(header::RETRY_AFTER));
    }
}

#[tokio::test]
async fn too_large_is_413_without_a_hint_to_retry_however_it_is_sent() {
    let mut small = config();
    http(&mut small).max_request_body_size = weir_config::ByteSize(10_000);
    let server = Server::start(small).await;
    let large = request(vec![gauge(&"x".repeat(20_000), vec![int("a", 1)])]).encode_to_vec();
    let mut zipped = post(PROTOBUF, zstd_of(&large));
    zipped.headers_mut().insert(header::CONTENT_ENCODING, "zstd".parse().unwrap());
    // As protobuf 1,250 doubles take more than 10,000 bytes; as JSON 2,500.
    let bounds = format!("[{}0]", "0,".repeat(1_300));
    let point = format!(r#"{{"histogram": {{"dataPoints": [{{"explicitBounds": {bounds}}}]}}}}"#);
    let json = format!(r#"{{"resourceMetrics": [{{"scopeMetrics": [{{"metrics": [{point}]}}]}}]}}"#);
    for request in [post(PROTOBUF, large), zipped, post(JSON, json)] {
        let answer = joined(send(&server, request)).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(!answer.headers.contains_key(header::RETRY_AFTER));
        let said = String::from_utf8_lossy(&answer.body);
        assert!(said.contains("10000 bytes (max_request_body_size)"), "{said}");
        assert!(!said.contains("RetryInfo"), "{said}");
    }
    assert_eq!(server.account().taken, 0);
}

fn zstd_of(plain: &[u8]) -> Vec<u8> {
    zstd::encode_all(plain, 1).unwrap()
}
