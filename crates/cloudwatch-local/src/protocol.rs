//! The two wire protocols: Smithy RPC v2 CBOR and AWS JSON 1.0.
//!
//! Which SDK speaks which: `aws-sdk-cloudwatch` (Rust) only CBOR; boto3 1.43 and AWS CLI 1.45 only JSON (their
//! service model lists CBOR first, their own order of preference puts JSON before it). Clients of the older query
//! protocol (form-encoded, answered in XML) get an XML error that says what to do.

use bytes::Bytes;
use ciborium::Value;
use http_body_util::Full;
use hyper::{HeaderMap, Method, Response, StatusCode, http::HeaderValue, http::request::Parts};

use crate::{decode::structure, error::ApiError};

/// What every protocol names the service.
const SERVICE: &str = "GraniteServiceVersion20100801";
/// The namespace of the service's shapes in `__type`.
const SHAPES: &str = "com.amazonaws.cloudwatch";
/// How deep a document may nest. The deepest request of the API, an entity's datum's dimension, nests 8 deep.
const MAX_DEPTH: usize = 32;

pub(crate) type Reply = Response<Full<Bytes>>;

/// A wire protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Smithy RPC v2 CBOR.
    Cbor,
    /// AWS JSON 1.0.
    Json,
}

impl Protocol {
    fn content_type(self) -> &'static str {
        match self {
            Self::Cbor => "application/cbor",
            Self::Json => "application/x-amz-json-1.0",
        }
    }

    /// Decodes a body, which must be one whole document.
    pub(crate) fn decode(self, body: &[u8]) -> Result<Value, ApiError> {
        match self {
            Self::Cbor => decode_cbor(body),
            // serde_json stops at a depth of 128, and refuses anything after the document.
            Self::Json => serde_json::from_slice(body)
                .map_err(|error| ApiError::Serialization(format!("the body is not JSON: {error}"))),
        }
    }

    fn encode(self, value: Value) -> Bytes {
        match self {
            Self::Cbor => {
                let mut body = Vec::new();
                // Writing to a Vec cannot fail, and a document of our own making is always encodable.
                let _ = ciborium::into_writer(&value, &mut body);
                body.into()
            }
            Self::Json => to_json(value).to_string().into(),
        }
    }
}

fn decode_cbor(body: &[u8]) -> Result<Value, ApiError> {
    let mut rest = body;
    let value = ciborium::de::from_reader_with_recursion_limit(&mut rest, MAX_DEPTH)
        .map_err(|error| ApiError::Serialization(format!("the body is not CBOR: {error}")))?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(ApiError::Serialization(format!("{} bytes follow the CBOR document", rest.len())))
    }
}

fn to_json(value: Value) -> serde_json::Value {
    match value {
        Value::Text(text) => text.into(),
        Value::Bool(boolean) => boolean.into(),
        Value::Float(float) => float.into(),
        Value::Integer(integer) => i64::try_from(integer).map_or(serde_json::Value::Null, Into::into),
        Value::Array(items) => items.into_iter().map(to_json).collect(),
        Value::Map(members) => {
            let text = |key: Value| key.into_text().unwrap_or_default();
            serde_json::Value::Object(
                members.into_iter().map(|(key, value)| (text(key), to_json(value))).collect(),
            )
        }
        // JSON's timestamps are bare numbers.
        Value::Tag(_, inner) => to_json(*inner),
        // Nothing else occurs in an answer.
        _ => serde_json::Value::Null,
    }
}

/// A request that was recognised as one of ours.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) protocol: Protocol,
    pub(crate) operation: String,
    /// The client wants the query protocol's error code in a header (`x-amzn-query-mode: true`).
    query_mode: bool,
    /// Sent back as `x-amzn-requestid`.
    request_id: String,
}

impl Call {
    /// Recognises a call by its path and headers, or gives the answer for what is none.
    pub(crate) fn identify(parts: &Parts, request_id: &str) -> Result<Self, Box<Reply>> {
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let call = |protocol, operation: &str| Self {
            protocol,
            operation: operation.to_owned(),
            query_mode: header("x-amzn-query-mode").is_some_and(|mode| mode.eq_ignore_ascii_case("true")),
            request_id: request_id.to_owned(),
        };

        if parts.method != Method::POST {
            return Err(
                plain(StatusCode::METHOD_NOT_ALLOWED, "a local Amazon CloudWatch: POST only\n").into()
            );
        }
        if let Some(path) = parts.uri.path().strip_prefix("/service/") {
            let Some((SERVICE, operation)) = path.split_once("/operation/") else {
                return Err(call(Protocol::Cbor, "").refuse(ApiError::UnknownOperation(path.to_owned())));
            };
            let call = call(Protocol::Cbor, operation);
            if header("smithy-protocol") != Some("rpc-v2-cbor") {
                let message = "the header smithy-protocol must be rpc-v2-cbor".to_owned();
                return Err(call.refuse(ApiError::Serialization(message)));
            }
            return call.of_content_type(&parts.headers);
        }
        if let Some(target) = header("x-amz-target") {
            let Some((SERVICE, operation)) = target.split_once('.') else {
                return Err(call(Protocol::Json, "").refuse(ApiError::UnknownOperation(target.to_owned())));
            };
            return call(Protocol::Json, operation).of_content_type(&parts.headers);
        }
        if header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
            return Err(query_protocol_refused().into());
        }
        Err(plain(StatusCode::NOT_FOUND, "a local Amazon CloudWatch: no such path\n").into())
    }

    fn of_content_type(self, headers: &HeaderMap) -> Result<Self, Box<Reply>> {
        let found = headers.get("content-type").map_or("none", |value| value.to_str().unwrap_or("not ASCII"));
        let wanted = self.protocol.content_type();
        if found.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(wanted)) {
            return Ok(self);
        }
        let message = format!("content type {found}: expected {wanted}");
        Err(self.refuse(ApiError::UnsupportedMediaType(message)))
    }

    fn refuse(&self, error: ApiError) -> Box<Reply> {
        self.failure(&error).into()
    }

    /// The answer to a call that succeeded; `output` is `None` where the operation has no output shape.
    pub(crate) fn success(&self, output: Option<Value>) -> Reply {
        match (output, self.protocol) {
            (Some(output), protocol) => self.reply(200, protocol.encode(output)),
            // RPC v2 CBOR: an operation without output answers without a body; JSON: with an empty object.
            (None, Protocol::Cbor) => self.reply(200, Bytes::new()),
            (None, Protocol::Json) => self.reply(200, Bytes::from_static(b"{}")),
        }
    }

    /// The answer to a call that failed.
    pub(crate) fn failure(&self, error: &ApiError) -> Reply {
        let body = error.shape().map_or_else(Bytes::new, |shape| {
            // The service's one error of its own capitalises the member, by its shape in the model.
            let message = if error.is_of_the_service() { "Message" } else { "message" };
            self.protocol.encode(structure([
                ("__type", format!("{SHAPES}#{shape}").into()),
                (message, error.to_string().into()),
            ]))
        });
        let mut reply = self.reply(error.status(), body);
        if let (true, Some(code)) = (self.query_mode, error.code()) {
            let side = if error.is_of_the_service() { "Receiver" } else { "Sender" };
            insert(&mut reply, "x-amzn-query-error", &format!("{code};{side}"));
        }
        if let ApiError::Scripted { retry_after: Some(after), .. } = error {
            insert(&mut reply, "x-amz-retry-after", &after.as_millis().to_string());
        }
        reply
    }

    fn reply(&self, status: u16, body: Bytes) -> Reply {
        let has_body = !body.is_empty();
        let mut reply = Response::new(Full::new(body));
        *reply.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if has_body {
            insert(&mut reply, "content-type", self.protocol.content_type());
        }
        if self.protocol == Protocol::Cbor {
            insert(&mut reply, "smithy-protocol", "rpc-v2-cbor");
        }
        insert(&mut reply, "x-amzn-requestid", &self.request_id);
        reply
    }
}

/// Sets a header; a value that no header can hold is left out.
pub(crate) fn insert(reply: &mut Reply, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
}

fn plain(status: StatusCode, text: &'static str) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *reply.status_mut() = status;
    insert(&mut reply, "content-type", "text/plain");
    reply
}

/// An error that SDKs of the query protocol can read.
fn query_protocol_refused() -> Reply {
    let mut reply = plain(
        StatusCode::BAD_REQUEST,
        "<ErrorResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\"><Error><Type>Sender</Type>\
         <Code>UnsupportedProtocol</Code><Message>This local CloudWatch speaks RPC v2 CBOR and AWS JSON 1.0, not \
         the query protocol: use an SDK or AWS CLI of 2026</Message></Error><RequestId>-</RequestId>\
         </ErrorResponse>",
    );
    insert(&mut reply, "content-type", "text/xml");
    reply
}
