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

use super::{Http2, Limits, Listener, Versions};
use crate::hang_up;

/// Longer than anything here takes, short enough to fail a stuck test.
const PATIENCE: Duration = Duration::from_secs(20);

/// More than sockets buffer.
const LARGE: usize = 64 << 20;

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
    start_with(limits, Versions::Http1).await
}

async fn start_with(limits: Limits, versions: Versions) -> Running {
    let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let listener = listener.with_limits(limits).with_versions(versions);
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
                    "/large" => Response::new(Full::new(Bytes::from(vec![b'x'; LARGE]))),
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
    String::from_utf8(bytes_to_close(stream).await).unwrap()
}

async fn bytes_to_close(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    // A reset is one of the ways to be hung up on.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the server closes");
    answer
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

/// A moment that a test waits for in real time, as a peer's patience is.
const SOON: Duration = Duration::from_millis(50);
/// What a test does not wait for.
const NEVER: Duration = Duration::from_hours(1);

/// Real time passes.
async fn passes(time: Duration) {
    let _ = timeout(time, std::future::pending::<()>()).await;
}

fn patient() -> Limits {
    Limits {
        header_read_timeout: NEVER,
        write_timeout: NEVER,
        age_grace: NEVER,
        drain_timeout: NEVER,
        ..Limits::default()
    }
}

#[tokio::test]
async fn a_peer_that_takes_nothing_of_an_answer_is_cut() {
    let server = start(Limits { write_timeout: SOON, ..patient() }).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    // The end of the server waits for its connections.
    server.shutdown.cancel();
    timeout(PATIENCE, server.task).await.expect("the connection is cut").unwrap();
    assert!(bytes_to_close(&mut stream).await.len() < LARGE);
}

#[tokio::test]
async fn a_peer_that_takes_its_answer_slowly_gets_all_of_it() {
    let server = start(Limits { write_timeout: Duration::from_secs(5), ..patient() }).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut taken = 0;
    let mut piece = vec![0; 1 << 20];
    loop {
        tokio::task::yield_now().await;
        match timeout(PATIENCE, stream.read(&mut piece)).await.unwrap().unwrap() {
            0 => break,
            bytes => taken += bytes,
        }
    }
    assert!(taken > LARGE, "{taken} bytes");
}

#[tokio::test]
async fn a_connection_without_a_request_for_too_long_is_closed() {
    let server = start(Limits { idle_timeout: Some(SOON), ..patient() }).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    timeout(PATIENCE, server.entered.notified()).await.unwrap();
    // It is not idle while its request is answered.
    passes(2 * SOON).await;
    server.release.notify_one();
    assert!(read_to_close(&mut stream).await.ends_with("waited"));
}

#[tokio::test]
async fn a_connection_that_is_too_old_ends_with_its_request_or_after_its_grace() {
    let server = start(Limits { max_age: Some(SOON), ..patient() }).await;
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    busy.write_all(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    timeout(PATIENCE, server.entered.notified()).await.unwrap();
    // This one is younger: when it is too old, both are.
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    idle.write_all(GET).await.unwrap();
    assert!(read_to_close(&mut idle).await.ends_with("hello"));
    server.release.notify_one();
    assert!(read_to_close(&mut busy).await.ends_with("waited"));

    let server = start(Limits { max_age: Some(SOON), age_grace: SOON, ..patient() }).await;
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    busy.write_all(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert_eq!(read_to_close(&mut busy).await, "");
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// An empty SETTINGS frame (RFC 9113, section 6.5).
const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";
/// A HEADERS frame of one byte, `:method: GET`, and without END_HEADERS: more of it must follow (sections 6.2 and 6.10).
const HALF_A_HEAD: &[u8] = b"\0\0\x01\x01\x01\0\0\0\x01\x82";

#[tokio::test]
async fn over_http2_a_peer_whose_head_never_ends_is_closed() {
    let limits = Limits { header_read_timeout: SOON, write_timeout: SOON, ..patient() };
    let server = start_with(limits, Versions::Http2(Http2::default())).await;
    for sent in [vec![&PREFACE[..10]], vec![PREFACE, SETTINGS], vec![PREFACE, SETTINGS, HALF_A_HEAD]] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(&sent.concat()).await.unwrap();
        bytes_to_close(&mut stream).await;
    }
}

#[tokio::test]
async fn over_http2_a_peer_that_sends_its_head_byte_by_byte_is_closed_all_the_same() {
    let limits = Limits { header_read_timeout: 4 * SOON, write_timeout: SOON, ..patient() };
    let server = start_with(limits, Versions::Http2(Http2::default())).await;
    let (mut read, mut write) = TcpStream::connect(server.address).await.unwrap().into_split();
    // A frame of a name that grows for ever: CONTINUATION frames of one byte each.
    let trickling = tokio::spawn(async move {
        write.write_all(&[PREFACE, SETTINGS, HALF_A_HEAD].concat()).await?;
        loop {
            passes(SOON / 10).await;
            write.write_all(b"\0\0\x01\x09\0\0\0\0\x01\x82").await?;
        }
        #[expect(unreachable_code, reason = "says what the task's errors are")]
        std::io::Result::Ok(())
    });
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, read.read_to_end(&mut answer)).await.expect("the server closes");
    assert!(timeout(PATIENCE, trickling).await.expect("writes fail").unwrap().is_err());
}

/// A PING that nobody answers ends a connection, however long others may be idle.
#[tokio::test]
async fn over_http2_a_peer_that_gives_no_sign_of_life_is_closed() {
    let http2 = Http2 { keepalive: SOON, keepalive_answer: SOON, ..Http2::default() };
    let server = start_with(patient(), Versions::Http2(http2)).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&[PREFACE, SETTINGS].concat()).await.unwrap();
    bytes_to_close(&mut stream).await;
}

/// The next frame: its type, its stream and its payload (RFC 9113, section 4.1).
async fn frame(stream: &mut TcpStream) -> (u8, u32, Vec<u8>) {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.unwrap();
    let [a, b, c, kind, _flags, number @ ..] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
    stream.read_exact(&mut payload).await.unwrap();
    (kind, u32::from_be_bytes(number), payload)
}

#[tokio::test]
async fn over_http2_a_peer_is_told_of_windows_for_large_requests_and_of_how_many_it_may_have() {
    let http2 = Http2 { max_concurrent_streams: 7, ..Http2::default() };
    let server = start_with(patient(), Versions::Http2(http2)).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&[PREFACE, SETTINGS].concat()).await.unwrap();
    let told = async {
        let (kind, number, settings) = frame(&mut stream).await;
        assert_eq!((kind, number), (4, 0), "SETTINGS come first");
        let of = |wanted: u16| {
            let setting = settings.chunks(6).find(|setting| setting[..2] == wanted.to_be_bytes());
            setting.map(|setting| u32::from_be_bytes(setting[2..].try_into().unwrap()))
        };
        // Section 6.5.2: concurrent streams, the window of a stream, the largest frame.
        assert_eq!([of(3), of(4), of(5)], [Some(7), Some(1 << 20), Some(256 << 10)]);
        loop {
            // The window of the connection is not a setting: it grows from 65,535 bytes (section 6.9).
            if let (8, 0, grown) = frame(&mut stream).await {
                return u32::from_be_bytes(grown.try_into().unwrap()) + 65_535;
            }
        }
    };
    assert_eq!(timeout(PATIENCE, told).await.unwrap(), 4 << 20);
}
