use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Notify,
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{Limits, Listener};
use crate::hang_up;

/// Longer than anything here takes, short enough to fail a stuck test.
const PATIENCE: Duration = Duration::from_secs(20);

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
const GET_AND_CLOSE: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

struct Running {
    address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
    /// Notified when the handler of `/wait` has begun.
    entered: Arc<Notify>,
    /// Lets the handler of `/wait` end.
    release: Arc<Notify>,
}

async fn start(limits: Limits) -> Running {
    let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap().with_limits(limits);
    let address = listener.tcp_addr().unwrap();
    let shutdown = CancellationToken::new();
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (entered, release) = (entered.clone(), release.clone());
        move |request: hyper::Request<hyper::body::Incoming>| {
            let (entered, release) = (entered.clone(), release.clone());
            async move {
                match request.uri().path() {
                    "/drop" => hang_up(),
                    "/panic" => panic!("a handler that panics"),
                    "/wait" => {
                        entered.notify_one();
                        release.notified().await;
                        Response::new(Full::new(Bytes::from_static(b"waited")))
                    }
                    _ => Response::new(Full::new(Bytes::from_static(b"hello"))),
                }
            }
        }
    };
    let task = tokio::spawn(listener.serve(handler, shutdown.clone()));
    Running { address, shutdown, task, entered, release }
}

/// Sends `request` and returns all that comes back until the server closes.
async fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    read_to_close(&mut stream).await
}

async fn read_to_close(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset is one of the ways to be hung up on.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the server closes");
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn answers_on_the_port_it_reports() {
    let server = start(Limits::default()).await;
    assert_ne!(server.address.port(), 0);
    let answer = exchange(server.address, GET_AND_CLOSE).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
}

#[tokio::test]
async fn a_taken_address_is_named_in_the_error() {
    let server = start(Limits::default()).await;
    let error = Listener::bind(server.address).await.unwrap_err();
    assert_eq!(error.address, server.address.to_string());
    assert!(error.to_string().starts_with(&format!("could not listen on {}: ", server.address)), "{error}");
}

#[tokio::test]
async fn hanging_up_sends_nothing() {
    let server = start(Limits::default()).await;
    let answer = exchange(server.address, b"GET /drop HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(answer, "");
}

#[tokio::test]
async fn a_panicking_handler_costs_only_its_connection() {
    let server = start(Limits::default()).await;
    assert_eq!(exchange(server.address, b"GET /panic HTTP/1.1\r\nhost: x\r\n\r\n").await, "");
    assert!(exchange(server.address, GET_AND_CLOSE).await.ends_with("hello"));
}

#[tokio::test]
async fn a_peer_that_sends_nothing_or_half_a_head_is_closed() {
    let limits = Limits { header_read_timeout: Duration::from_millis(50), ..Limits::default() };
    let server = start(limits).await;
    for sent in [&b""[..], b"GET / HTTP/1.1\r\nhost:"] {
        let answer = exchange(server.address, sent).await;
        assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

#[tokio::test]
async fn a_connection_over_the_limit_waits_for_a_slot() {
    let server = start(Limits { connections: 1, ..Limits::default() }).await;
    let mut first = TcpStream::connect(server.address).await.unwrap();
    first.write_all(b"GET /wait HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    timeout(PATIENCE, server.entered.notified()).await.unwrap();

    let mut second = TcpStream::connect(server.address).await.unwrap();
    second.write_all(b"GET /wait HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    // The second handler begins only after the first connection is gone: nothing may come before the release.
    assert!(timeout(Duration::from_millis(100), server.entered.notified()).await.is_err());

    server.release.notify_one();
    assert!(read_to_close(&mut first).await.ends_with("waited"));
    timeout(PATIENCE, server.entered.notified()).await.unwrap();
    server.release.notify_one();
    assert!(read_to_close(&mut second).await.ends_with("waited"));
}

#[tokio::test]
async fn shutdown_lets_a_request_in_progress_end_and_closes_idle_connections() {
    let server = start(Limits::default()).await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    idle.write_all(GET).await.unwrap();
    let mut head = [0; 12];
    idle.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");

    let mut busy = TcpStream::connect(server.address).await.unwrap();
    busy.write_all(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    timeout(PATIENCE, server.entered.notified()).await.unwrap();

    server.shutdown.cancel();
    assert!(read_to_close(&mut idle).await.ends_with("hello"));
    assert!(!server.task.is_finished());
    server.release.notify_one();
    assert!(read_to_close(&mut busy).await.ends_with("waited"));
    timeout(PATIENCE, server.task).await.unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn a_request_that_outlasts_the_drain_timeout_is_cut() {
    let server = start(Limits { drain_timeout: Duration::from_millis(20), ..Limits::default() }).await;
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    busy.write_all(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    timeout(PATIENCE, server.entered.notified()).await.unwrap();
    server.shutdown.cancel();
    timeout(PATIENCE, server.task).await.unwrap().unwrap();
    assert_eq!(read_to_close(&mut busy).await, "");
}
