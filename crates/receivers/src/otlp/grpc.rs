//! OTLP over gRPC: one method, one message, one answer.
//!
//! The framing is a prefix of five bytes (gRPC over HTTP/2, "Length-Prefixed-Message"), read here and not by a gRPC library, so
//! that a request can be refused before it is read, takes every compression under one cap, and is handed on as it came.

use std::{convert::Infallible, future::ready, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD as BASE64};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
};
use prost::{
    Message as _,
    bytes::{BufMut as _, Bytes, BytesMut},
};
use weir_net::{Authenticator, BodyError, Encoding};

use super::{
    answer::{self, NotTakenIn},
    arrival::{piece, up_to},
    intake::Intake,
    metadata::Metadata,
    refusals::Refusals,
    room::Held,
};

const EXPORT: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
/// What the content types of gRPC begin with.
const GRPC: &str = "application/grpc";
const LIMIT: &str = "max_recv_msg_size_mib";
/// A flag that says whether the message is compressed, and its length in four bytes.
const PREFIX: usize = 5;
/// How long a request may take to arrive. There is no key for it: SDKs give up after ten seconds.
const ARRIVAL: Duration = Duration::from_mins(1);

/// The answer's body: a message, then trailers.
pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// The gRPC services of the receiver, by path.
pub(super) struct GrpcService {
    pub(super) intake: Arc<Intake>,
    /// The largest message in bytes, compressed or not.
    pub(super) max_message: usize,
    /// Who checks senders, if anyone does.
    pub(super) auth: Option<Arc<Authenticator>>,
    pub(super) metadata: Metadata,
}

impl GrpcService {
    pub(super) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        if !is_grpc(request.headers()) {
            return not_grpc();
        }
        match self.export(request).await {
            Ok(refused) => success(&refused),
            Err(error) => failure(&error),
        }
    }

    async fn export(&self, request: Request<Incoming>) -> Result<Refusals, NotTakenIn> {
        check(&request)?;
        self.intake.allow(self.auth.as_deref(), request.headers()).await?;
        let encoding = encoding(request.headers())?;
        let peer = self.metadata.peer(&request);
        let output = self.intake.admit()?;
        let mut held = self.intake.room.enter();
        let arrival = message(request.into_body(), self.max_message, &mut held);
        let (compressed, message) = self.intake.arriving(ARRIVAL, arrival).await?;
        let encoding = if compressed { encoding } else { Encoding::Identity };
        let message =
            encoding.decompress(message, self.max_message).map_err(|error| NotTakenIn::body(error, LIMIT))?;
        self.intake.take_in(message, held, peer.as_ref(), output).await
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let content = headers.get(header::CONTENT_TYPE);
    content.is_some_and(|content| content.as_bytes().starts_with(GRPC.as_bytes()))
}

/// An answer that other senders understand: gRPC's own refusals are a 200 with trailers, which they would take for a success ("gRPC
/// over HTTP2", requests).
fn not_grpc() -> Response<Body> {
    let said = "this endpoint speaks gRPC: send OTLP over HTTP to that of `protocols.http`, by default on port 4318\n";
    let mut response = Response::new(Full::from(said).boxed_unsync());
    *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    let content = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, content);
    response
}

/// The traces and logs that SDKs send to the same endpoint get a reason that their log will show.
fn check(request: &Request<Incoming>) -> Result<(), NotTakenIn> {
    let path = request.uri().path();
    if request.method() != Method::POST {
        return Err(NotTakenIn::UnknownMethod(request.method().to_string()));
    }
    if path == EXPORT {
        return Ok(());
    }
    Err(NotTakenIn::NotHere(match path.strip_prefix("/opentelemetry.proto.collector.") {
        Some(other) if other.starts_with("trace.") => answer::NO_TRACES,
        Some(other) if other.starts_with("logs.") => answer::NO_LOGS,
        Some(other) if other.starts_with("profiles.") => answer::NO_PROFILES,
        _ => "Weir takes OTLP metrics only",
    }))
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, NotTakenIn> {
    let Some(name) = headers.get("grpc-encoding") else { return Ok(Encoding::Identity) };
    let name = String::from_utf8_lossy(name.as_bytes());
    Encoding::of(&name).ok_or_else(|| NotTakenIn::UnknownEncoding(name.into_owned()))
}

/// Reads the one message of a request; answers whether it is compressed.
async fn message(mut body: Incoming, max: usize, held: &mut Held<'_>) -> Result<(bool, Bytes), NotTakenIn> {
    let none = || NotTakenIn::Malformed("the request has no message".to_owned());
    let first = piece(&mut body, held).await?.ok_or_else(none)?;
    let mut came = up_to(PREFIX, PREFIX, first, &mut body, held).await?;
    if came.len() < PREFIX {
        return Err(broken_off());
    }
    let compressed = match came[0] {
        0 => false,
        1 => true,
        other => return Err(NotTakenIn::Malformed(format!("a message with the flag {other}"))),
    };
    let length = u32::from_be_bytes([came[1], came[2], came[3], came[4]]) as usize;
    if length > max {
        return Err(NotTakenIn::body(BodyError::TooLarge { limit: max }, LIMIT));
    }
    let message = up_to(length, length, came.split_off(PREFIX), &mut body, held).await?;
    if message.len() < length {
        return Err(broken_off());
    }
    let ends = message.len() == length && piece(&mut body, held).await?.is_none();
    if !ends {
        return Err(NotTakenIn::Malformed("more than one message".to_owned()));
    }
    Ok((compressed, message))
}

fn broken_off() -> NotTakenIn {
    NotTakenIn::Malformed("the message ends before its length".to_owned())
}

fn success(refused: &Refusals) -> Response<Body> {
    let answer = answer::taken(refused);
    let length = answer.encoded_len();
    let mut body = BytesMut::with_capacity(PREFIX + length);
    body.put_u8(0);
    body.put_u32(length as u32);
    body.put_slice(&answer.encode_to_vec());
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::new(body.freeze()).with_trailers(ready(Some(Ok(trailers))));
    response(body.boxed_unsync())
}

/// An answer that is trailers only, which stand among the headers.
fn failure(error: &NotTakenIn) -> Response<Body> {
    let status = error.rpc_status();
    let mut response = response(Full::default().boxed_unsync());
    let headers = response.headers_mut();
    headers.insert("grpc-status", HeaderValue::from(status.code));
    // Percent-encoding leaves nothing that a header could not hold.
    if let Ok(message) = HeaderValue::from_str(&percent_encoded(&status.message)) {
        headers.insert("grpc-message", message);
    }
    if !status.details.is_empty()
        && let Ok(details) = HeaderValue::from_str(&BASE64.encode(status.encode_to_vec()))
    {
        headers.insert("grpc-status-details-bin", details);
    }
    response
}

fn response(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(GRPC));
    headers.insert("grpc-accept-encoding", HeaderValue::from_static(Encoding::LIST));
    response
}

/// gRPC over HTTP/2, "Percent-Encoded".
fn percent_encoded(message: &str) -> String {
    let mut encoded = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
