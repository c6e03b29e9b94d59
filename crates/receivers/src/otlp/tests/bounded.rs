//! What requests may take on their way in: room, and time.

use std::{
    convert::Infallible,
    io::Write as _,
    pin::Pin,
    task::{Context, Poll},
};

use http_body_util::BodyExt as _;
use hyper::{
    HeaderMap, Request, StatusCode,
    body::Frame,
    client::conn::{http1, http2},
    header,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::metrics::v1::{ExponentialHistogram, ExponentialHistogramDataPoint};
use prost::bytes::{BufMut as _, Bytes};
use tokio::{net::TcpStream, sync::mpsc, task::JoinHandle};
use weir_core::Verdict;

use super::{
    harness::{Server, config, http, joined, until},
    http::{PROTOBUF, one_gauge, post, send},
    serving::assert_comes_with_retry_info,
    *,
};
use crate::otlp::{
    config::OtlpConfig,
    refusals::{REQUESTS_FULL, TOO_SLOW},
};

const EXPORT: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/// With room for one MiB.
fn narrow() -> OtlpConfig {
    let mut config = config();
    config.admission.request_limit_mib = 1;
    config
}

/// A request of one point that takes so many bytes more: a field that nobody knows.
fn of(bytes: usize) -> Vec<u8> {
    let mut request = one_gauge();
    prost::encoding::bytes::encode(15, &vec![0; bytes], &mut request);
    request
}

/// A request of exponential histograms without buckets: eleven bytes each as they come, and ten times as many in a batch.
fn growing(points: usize) -> Vec<u8> {
    let point =
        ExponentialHistogramDataPoint { time_unix_nano: TIME, ..ExponentialHistogramDataPoint::default() };
    let data = ExponentialHistogram { data_points: vec![point; points], aggregation_temporality: DELTA };
    request(vec![metric("grows", Data::ExponentialHistogram(data))]).encode_to_vec()
}

/// A message in gRPC's framing.
fn framed(compressed: bool, message: &[u8]) -> Bytes {
    let mut framed = vec![u8::from(compressed)];
    framed.put_u32(message.len() as u32);
    framed.put_slice(message);
    framed.into()
}

/// A body whose pieces come when they are sent.
struct Pieces(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

/// A call whose body is written by hand; answers the headers of the answer and its trailers as one.
fn call_by_hand(server: &Server, encoding: &'static str, body: Pieces) -> JoinHandle<HeaderMap> {
    let address = server.address;
    tokio::spawn(async move {
        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (mut client, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(connection);
        let call = Request::post(format!("http://{address}{EXPORT}"))
            .header(header::CONTENT_TYPE, "application/grpc")
            .header(header::TE, "trailers")
            .header("grpc-encoding", encoding);
        let (head, body) = client.send_request(call.body(body).unwrap()).await.unwrap().into_parts();
        let mut headers = head.headers;
        headers.extend(body.collect().await.unwrap().trailers().cloned().unwrap_or_default());
        headers
    })
}

#[tokio::test]
async fn requests_that_find_no_room_are_asked_to_come_again_and_then_taken() {
    const POINTS: usize = 20_000;
    // What is behind is full with a request of one point.
    let mut server = Server::before(narrow(), 1).await;
    let first = send(&server, post(PROTOBUF, one_gauge()));
    until(|| server.account().passed == 1).await;
    // This one waits behind it. As it came it would leave room, but its points take more than there is.
    let large = growing(POINTS);
    assert!(large.len() < 300 << 10, "{} bytes", large.len());
    let large = send(&server, post(PROTOBUF, large));
    server.until_taken(1 + POINTS as u64).await;

    let answer = joined(send(&server, post(PROTOBUF, of(200 << 10)))).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers[header::RETRY_AFTER], "1");
    // Small as it comes, and large when it is inflated.
    let mut inflating = post(PROTOBUF, zstd::encode_all(&*of(200 << 10), 1).unwrap());
    inflating.headers_mut().insert(header::CONTENT_ENCODING, "zstd".parse().unwrap());
    assert_eq!(joined(send(&server, inflating)).await.status, StatusCode::SERVICE_UNAVAILABLE);
    let mut client = server.client().await;
    let many = (0..5_000).map(|at| int(&at.to_string(), 1)).collect();
    let status = client.export(request(vec![gauge("g", many)])).await.unwrap_err();
    assert_comes_with_retry_info(&status);
    assert!(status.message().contains("requests_full"), "{status:?}");
    assert_eq!(server.context.ledger.turned_away(), [(REQUESTS_FULL, 3)].into());
    assert_eq!(server.account().taken, 1 + POINTS as u64, "nothing of them was read");

    for _ in 0..=POINTS.div_ceil(weir_core::MAX_POINTS) {
        server.delivery().await.ack.settle(Verdict::Delivered);
    }
    for waiting in [first, large] {
        assert_eq!(joined(waiting).await.status, StatusCode::OK);
    }
    let again = send(&server, post(PROTOBUF, of(200 << 10)));
    server.delivery().await.ack.settle(Verdict::Delivered);
    assert_eq!(joined(again).await.status, StatusCode::OK);
    assert!(server.account().balances());
}

#[tokio::test]
async fn alone_a_request_may_be_larger_than_the_room() {
    let mut server = Server::start(narrow()).await;
    let answer = send(&server, post(PROTOBUF, of(3 << 20)));
    server.delivery().await.ack.settle(Verdict::Delivered);
    assert_eq!(joined(answer).await.status, StatusCode::OK);
}

#[tokio::test]
async fn over_grpc_a_message_that_comes_too_slowly_is_asked_to_come_again() {
    let server = Server::start(config()).await;
    let (pieces, body) = mpsc::channel(1);
    let answer = call_by_hand(&server, "identity", Pieces(body));
    let whole = framed(false, &one_gauge());
    pieces.send(whole.slice(..10)).await.unwrap();
    // From here on time passes whenever everybody waits.
    tokio::time::pause();
    let answer = answer.await.unwrap();
    assert_eq!(answer["grpc-status"], "14");
    assert!(answer.contains_key("grpc-status-details-bin"), "{answer:?}");
    assert_eq!(server.context.ledger.turned_away(), [(TOO_SLOW, 1)].into());
    assert_eq!(server.account().taken, 0);
}

#[tokio::test]
async fn snappy_is_taken_over_grpc_in_both_its_formats() {
    let mut snappy = snap::write::FrameEncoder::new(Vec::new());
    snappy.write_all(&one_gauge()).unwrap();
    let block = snap::raw::Encoder::new().compress_vec(&one_gauge()).unwrap();
    let mut server = Server::start(config()).await;
    for compressed in [snappy.into_inner().unwrap(), block] {
        let (pieces, body) = mpsc::channel(1);
        let answer = call_by_hand(&server, "snappy", Pieces(body));
        pieces.send(framed(true, &compressed)).await.unwrap();
        drop(pieces);
        let delivery = server.delivery().await;
        assert_eq!(delivery.batch.numbers[0].value(), weir_core::Number::Int(7));
        delivery.ack.settle(Verdict::Delivered);
        assert_eq!(joined(answer).await["grpc-status"], "0");
    }
}

/// Posts a body in pieces, without a stated length.
fn post_in_pieces(server: &Server, body: &[u8]) -> JoinHandle<StatusCode> {
    let (address, pieces) = (server.http, body.chunks(1000).map(Bytes::copy_from_slice));
    let pieces: Vec<Bytes> = pieces.collect();
    tokio::spawn(async move {
        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (mut client, connection) = http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let (sender, body) = mpsc::channel(1);
        tokio::spawn(async move {
            for piece in pieces {
                // Who has heard enough takes no more.
                let _ = sender.send(piece).await;
            }
        });
        let request = post(PROTOBUF, Bytes::new()).map(|_| Pieces(body));
        client.send_request(request).await.unwrap().status()
    })
}

#[tokio::test]
async fn over_http_a_body_without_a_stated_length_has_the_same_cap() {
    let mut config = config();
    http(&mut config).max_request_body_size = weir_config::ByteSize(20_000);
    let mut server = Server::start(config).await;
    let answer = post_in_pieces(&server, &of(19_000));
    server.delivery().await.ack.settle(Verdict::Delivered);
    assert_eq!(joined(answer).await, StatusCode::OK);
    assert_eq!(joined(post_in_pieces(&server, &of(20_000))).await, StatusCode::PAYLOAD_TOO_LARGE);
}
