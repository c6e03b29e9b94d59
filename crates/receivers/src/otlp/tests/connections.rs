//! Connections of gRPC, by a client that shows them: how old they may become, how many requests they carry, and what they speak.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    client::conn::http2::{self, SendRequest},
    header,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::bytes::{BufMut as _, Bytes};
use tokio::{net::TcpStream, task::JoinHandle, time::timeout};
use weir_core::Verdict;

use super::{
    harness::{Server, config, grpc, joined},
    http::one_gauge,
    *,
};

const EXPORT: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
/// A moment of real time, as connections have it.
const SOON: Duration = Duration::from_millis(50);

/// One connection, which is not made again, and its end.
struct Client {
    requests: SendRequest<Full<Bytes>>,
    closed: JoinHandle<hyper::Result<()>>,
}

impl Client {
    async fn connect(server: &Server) -> Self {
        let stream = TokioIo::new(TcpStream::connect(server.address).await.unwrap());
        let (requests, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        Self { requests, closed: tokio::spawn(connection) }
    }

    fn post(&self, path: &str, content_type: &str, body: Bytes) -> JoinHandle<Response<Incoming>> {
        let request = Request::post(format!("http://localhost{path}"))
            .header(header::CONTENT_TYPE, content_type)
            .header(header::TE, "trailers")
            .body(Full::new(body))
            .unwrap();
        let mut requests = self.requests.clone();
        tokio::spawn(async move { requests.send_request(request).await.unwrap() })
    }

    /// A request of one point.
    fn export(&self) -> JoinHandle<Response<Incoming>> {
        let message = one_gauge();
        let mut body = vec![0];
        body.put_u32(message.len() as u32);
        body.put_slice(&message);
        self.post(EXPORT, "application/grpc", body.into())
    }
}

/// The status of gRPC in the trailers.
async fn status(answer: JoinHandle<Response<Incoming>>) -> String {
    let body = joined(answer).await.into_body().collect().await.unwrap();
    body.trailers().unwrap()["grpc-status"].to_str().unwrap().to_owned()
}

async fn passes(time: Duration) {
    let _ = timeout(time, std::future::pending::<()>()).await;
}

#[tokio::test]
async fn a_connection_that_is_too_old_ends_when_its_request_is_answered() {
    /// Long beside the time that the request takes to come.
    const OLD: Duration = Duration::from_secs(1);
    let mut config = config();
    let parameters = &mut grpc(&mut config).keepalive.server_parameters;
    parameters.max_connection_age = weir_config::Duration(OLD);
    parameters.max_connection_age_grace = weir_config::Duration(Duration::from_hours(1));
    let mut server = Server::start(config).await;
    let client = Client::connect(&server).await;
    let answer = client.export();
    let delivery = server.delivery().await;
    passes(OLD + OLD / 2).await;
    assert!(!client.closed.is_finished());
    delivery.ack.settle(Verdict::Delivered);
    assert_eq!(status(answer).await, "0");
    joined(client.closed).await.unwrap();
}

#[tokio::test]
async fn a_sender_whose_connections_grow_too_old_loses_nothing() {
    const REQUESTS: u64 = 20;
    let mut config = config();
    grpc(&mut config).keepalive.server_parameters.max_connection_age = weir_config::Duration(SOON);
    let mut server = Server::start(config).await;
    let client = server.client().await;
    for _ in 0..REQUESTS {
        let mut client = client.clone();
        let sent = request(vec![gauge("g", vec![int("a", 1)])]);
        let answer = tokio::spawn(async move { client.export(sent).await });
        server.delivery().await.ack.settle(Verdict::Delivered);
        joined(answer).await.unwrap();
        passes(SOON / 5).await;
    }
    assert_eq!(server.account().passed, REQUESTS);
}

#[tokio::test]
async fn a_connection_without_requests_ends_when_it_has_been_idle() {
    let mut config = config();
    grpc(&mut config).keepalive.server_parameters.max_connection_idle = weir_config::Duration(SOON);
    let mut server = Server::start(config).await;
    let client = Client::connect(&server).await;
    let answer = client.export();
    server.delivery().await.ack.settle(Verdict::Delivered);
    assert_eq!(status(answer).await, "0");
    joined(client.closed).await.unwrap();
}

#[tokio::test]
async fn a_connection_has_no_more_requests_under_way_than_it_may() {
    let mut config = config();
    grpc(&mut config).max_concurrent_streams = 1;
    let mut server = Server::start(config).await;
    let client = Client::connect(&server).await;
    // With its answer the client knows how many it may have.
    let answer = client.export();
    server.delivery().await.ack.settle(Verdict::Delivered);
    assert_eq!(status(answer).await, "0");
    let two = [client.export(), client.export()];
    let first = server.delivery().await;
    assert!(timeout(SOON, server.inbox.recv()).await.is_err(), "the second waits for the first");
    first.ack.settle(Verdict::Delivered);
    server.delivery().await.ack.settle(Verdict::Delivered);
    for answer in two {
        assert_eq!(status(answer).await, "0");
    }
}

#[tokio::test]
async fn what_is_not_grpc_is_told_so_and_not_answered_as_a_success() {
    let server = Server::start(config()).await;
    let client = Client::connect(&server).await;
    for (path, content_type) in [("/v1/metrics", "application/json"), (EXPORT, "application/x-protobuf")] {
        let answer = joined(client.post(path, content_type, one_gauge().into())).await;
        assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let said = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(String::from_utf8_lossy(&said).contains("`protocols.http`"), "{said:?}");
    }
    assert_eq!(server.account().taken, 0);
}
