//! One connection that speaks OTLP, by hyper alone: no codec, no retries, no copies of what it sends.

use std::net::SocketAddr;

use bytes::{BufMut as _, Bytes, BytesMut};
use flate2::{Compression, write::GzEncoder};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::{
    HeaderMap, Request, StatusCode,
    body::Incoming,
    client::conn::{http1, http2},
    header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderName, RETRY_AFTER, TE},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use prost::Message as _;
use tokio::net::TcpStream;

use crate::Error;

/// Where gRPC has the method.
pub const GRPC_PATH: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
const HTTP_PATH: &str = "/v1/metrics";
/// The flag and the length before a gRPC message.
const GRPC_PREFIX: usize = 5;
/// gRPC's status for "not now".
const UNAVAILABLE: &str = "14";

/// How OTLP is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Over gRPC.
    Grpc,
    /// Protobuf over HTTP/1.1.
    Http,
}

/// What a request's bytes are packed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Nothing.
    Plain,
    /// gzip of this level.
    Gzip(u32),
}

/// What a request was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Taken, but for so many points.
    Taken {
        /// Points that were refused for good.
        rejected: u64,
    },
    /// Not now.
    ComeAgain {
        /// Whether it was said when, as OTLP wants it.
        advised: bool,
    },
    /// Not at all.
    Refused(String),
}

/// A message, as it goes out.
pub fn body(protocol: Protocol, packing: Packing, message: &[u8]) -> Bytes {
    let packed = match packing {
        Packing::Plain => None,
        Packing::Gzip(level) => Some(gzip(message, level)),
    };
    let message = packed.as_deref().unwrap_or(message);
    match protocol {
        Protocol::Http => Bytes::copy_from_slice(message),
        Protocol::Grpc => {
            let mut framed = BytesMut::with_capacity(GRPC_PREFIX + message.len());
            framed.put_u8(u8::from(packed.is_some()));
            framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
            framed.put_slice(message);
            framed.freeze()
        }
    }
}

fn gzip(message: &[u8], level: u32) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = GzEncoder::new(Vec::with_capacity(message.len() / 8), Compression::new(level));
    // Writing to memory cannot fail.
    let _ = encoder.write_all(message);
    encoder.finish().unwrap_or_default()
}

/// A request with a body of [`body`]'s making.
///
/// # Errors
/// The address makes no URI, which no address does.
pub fn request<B>(
    protocol: Protocol,
    packing: Packing,
    to: SocketAddr,
    body: B,
) -> Result<Request<B>, Error> {
    let builder = match protocol {
        Protocol::Grpc => {
            let builder = Request::post(format!("http://{to}{GRPC_PATH}"))
                .header(CONTENT_TYPE, "application/grpc")
                .header(TE, "trailers");
            match packing {
                Packing::Plain => builder,
                Packing::Gzip(_) => builder.header(HeaderName::from_static("grpc-encoding"), "gzip"),
            }
        }
        Protocol::Http => {
            let builder = Request::post(HTTP_PATH)
                .header(HOST, to.to_string())
                .header(CONTENT_TYPE, "application/x-protobuf");
            match packing {
                Packing::Plain => builder,
                Packing::Gzip(_) => builder.header(CONTENT_ENCODING, "gzip"),
            }
        }
    };
    builder.body(body).map_err(|error| Error::Process(error.to_string()))
}

/// What a server has at a path, by a connection of its own.
///
/// # Errors
/// It does not answer.
pub async fn get(from: SocketAddr, path: &str) -> Result<Bytes, Error> {
    let stream = TcpStream::connect(from).await.map_err(Error::io(format!("cannot connect to {from}")))?;
    let (mut line, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get(path).header(HOST, from.to_string()).body(Empty::<Bytes>::new());
    let request = request.map_err(|error| Error::Process(error.to_string()))?;
    Ok(line.send_request(request).await?.into_body().collect().await?.to_bytes())
}

#[derive(Debug)]
enum Line {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// One connection, with one request under way at a time.
#[derive(Debug)]
pub struct Connection {
    line: Line,
    protocol: Protocol,
    packing: Packing,
    to: SocketAddr,
}

impl Connection {
    /// Connects.
    pub async fn open(protocol: Protocol, packing: Packing, to: SocketAddr) -> Result<Self, Error> {
        let stream = TcpStream::connect(to).await.map_err(Error::io(format!("cannot connect to {to}")))?;
        stream.set_nodelay(true).map_err(Error::io("nodelay"))?;
        let io = TokioIo::new(stream);
        let line = match protocol {
            Protocol::Http => {
                let (line, connection) = http1::handshake(io).await?;
                // Its end shows at the next request.
                tokio::spawn(connection);
                Line::Http1(line)
            }
            Protocol::Grpc => {
                let (line, connection) = http2::handshake(TokioExecutor::new(), io).await?;
                tokio::spawn(connection);
                Line::Http2(line)
            }
        };
        Ok(Self { line, protocol, packing, to })
    }

    /// Sends a body of [`body`]'s making, and reads the whole answer.
    pub async fn send(&mut self, body: Bytes) -> Result<Answer, Error> {
        let request = request(self.protocol, self.packing, self.to, Full::new(body))?;
        let response = match &mut self.line {
            Line::Http1(line) => {
                line.ready().await?;
                line.send_request(request).await?
            }
            Line::Http2(line) => {
                line.ready().await?;
                line.send_request(request).await?
            }
        };
        let (head, body) = response.into_parts();
        match self.protocol {
            Protocol::Grpc => grpc_answer(&head.headers, body).await,
            Protocol::Http => http_answer(head.status, &head.headers, body).await,
        }
    }
}

async fn grpc_answer(head: &HeaderMap, body: Incoming) -> Result<Answer, Error> {
    let whole = body.collect().await?;
    // An answer without a message has its status among the headers.
    let last = whole.trailers().cloned().unwrap_or_default();
    let field = |name: &str| last.get(name).or_else(|| head.get(name)).and_then(|value| value.to_str().ok());
    Ok(match field("grpc-status") {
        Some("0") => taken(whole.to_bytes().get(GRPC_PREFIX..).unwrap_or_default()),
        Some(UNAVAILABLE) => {
            let advised =
                last.contains_key("grpc-status-details-bin") || head.contains_key("grpc-status-details-bin");
            Answer::ComeAgain { advised }
        }
        status => Answer::Refused(format!(
            "grpc-status {}: {}",
            status.unwrap_or("missing"),
            field("grpc-message").unwrap_or_default()
        )),
    })
}

async fn http_answer(status: StatusCode, head: &HeaderMap, body: Incoming) -> Result<Answer, Error> {
    let body = body.collect().await?.to_bytes();
    Ok(match status {
        StatusCode::OK => taken(&body),
        StatusCode::SERVICE_UNAVAILABLE => Answer::ComeAgain { advised: head.contains_key(RETRY_AFTER) },
        status => Answer::Refused(format!("{status}: {}", String::from_utf8_lossy(&body))),
    })
}

fn taken(message: &[u8]) -> Answer {
    match ExportMetricsServiceResponse::decode(message) {
        Ok(response) => {
            let rejected = response.partial_success.map_or(0, |partial| partial.rejected_data_points);
            Answer::Taken { rejected: rejected.unsigned_abs() }
        }
        Err(error) => Answer::Refused(format!("an answer that is none: {error}")),
    }
}
