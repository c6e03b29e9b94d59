//! What a sender is told, whatever it came by: gRPC's codes, HTTP's statuses, and `google.rpc.Status`, which both carry
//! (OTLP specification, "OTLP/gRPC response" and "OTLP/HTTP response").

use std::time::Duration;

use hyper::StatusCode;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceResponse,
};
use prost::Message;
use serde_json::json;
use weir_core::Reason;
use weir_net::{BodyError, Denied, Encoding};

use super::{
    json::JsonError,
    refusals::{REQUESTS_FULL, Refusals},
    room::Full,
};

/// How long a sender is asked to wait before it tries again, in seconds.
pub(super) const RETRY_SECONDS: u32 = 1;

/// Why a request was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotTakenIn {
    /// It is none: there is no sense in sending it again.
    #[error("not an OTLP metrics request: {0}")]
    Malformed(String),
    /// It will always be too large.
    #[error("the request is larger than {limit} bytes ({key})")]
    TooLarge {
        /// The cap in bytes.
        limit: usize,
        /// The key that sets it.
        key: &'static str,
    },
    /// It came too slowly, or broke off on its way.
    #[error("the request did not arrive within {0:?}, try again")]
    TooSlow(Duration),
    /// Not now.
    #[error("not taken ({0}), try again")]
    ComeAgain(Reason),
    /// The sender is not known, or not allowed.
    #[error("not allowed: {0}")]
    Denied(#[from] Denied),
    /// Something that there is none of here, in words.
    #[error("{0}")]
    NotHere(&'static str),
    /// A compression that is not known.
    #[error("compression `{0}` is not taken here; there are {list}", list = Encoding::LIST)]
    UnknownEncoding(String),
    /// A content that is not known.
    #[error("content type `{0}` is not taken here; send application/x-protobuf or application/json")]
    UnknownContent(String),
    /// A method that is not known.
    #[error("{0} is not taken here; send POST")]
    UnknownMethod(String),
}

impl NotTakenIn {
    /// For a body that could not be read; `key` sets its cap.
    pub(super) fn body(error: BodyError, key: &'static str) -> Self {
        match error {
            BodyError::TooLarge { limit } => Self::TooLarge { limit, key },
            other => Self::Malformed(other.to_string()),
        }
    }

    /// For a body that could not be rewritten; `key` sets its cap.
    pub(super) fn json(error: JsonError, key: &'static str) -> Self {
        match error {
            JsonError::TooLarge(limit) => Self::TooLarge { limit, key },
            JsonError::Malformed(error) => Self::Malformed(error.to_string()),
        }
    }

    /// The code of gRPC.
    pub(super) fn code(&self) -> Code {
        match self {
            Self::Malformed(_) => Code::InvalidArgument,
            Self::TooLarge { .. } => Code::ResourceExhausted,
            Self::TooSlow(_) | Self::ComeAgain(_) => Code::Unavailable,
            Self::Denied(_) => Code::Unauthenticated,
            Self::NotHere(_)
            | Self::UnknownEncoding(_)
            | Self::UnknownContent(_)
            | Self::UnknownMethod(_) => Code::Unimplemented,
        }
    }

    /// The status of HTTP.
    pub(super) fn http(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow(_) | Self::ComeAgain(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Denied(_) => StatusCode::UNAUTHORIZED,
            Self::NotHere(_) => StatusCode::NOT_FOUND,
            Self::UnknownEncoding(_) | Self::UnknownContent(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::UnknownMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    /// Whether the sender shall try again: without a `RetryInfo` or a `Retry-After`, what it makes of a code is its own affair.
    pub(super) fn asks_to_retry(&self) -> bool {
        self.code() == Code::Unavailable
    }

    /// As a `google.rpc.Status`.
    pub(super) fn rpc_status(&self) -> RpcStatus {
        let retry = RetryInfo { retry_delay: Some(Delay { seconds: RETRY_SECONDS.into(), nanos: 0 }) };
        let info = Any { type_url: RETRY_INFO.to_owned(), value: retry.encode_to_vec() };
        RpcStatus {
            code: self.code() as i32,
            message: self.to_string(),
            details: self.asks_to_retry().then_some(info).into_iter().collect(),
        }
    }

    /// The same in JSON.
    pub(super) fn json_status(&self) -> String {
        let info = json!({ "@type": RETRY_INFO, "retryDelay": format!("{RETRY_SECONDS}s") });
        let details: Vec<_> = self.asks_to_retry().then_some(info).into_iter().collect();
        json!({ "code": self.code() as i32, "message": self.to_string(), "details": details }).to_string()
    }
}

impl From<Full> for NotTakenIn {
    fn from(Full: Full) -> Self {
        Self::ComeAgain(REQUESTS_FULL)
    }
}

/// What a sender is told whose request was taken.
pub(super) fn taken(refused: &Refusals) -> ExportMetricsServiceResponse {
    let partial_success = (!refused.is_empty()).then(|| ExportMetricsPartialSuccess {
        rejected_data_points: i64::try_from(refused.points()).unwrap_or(i64::MAX),
        error_message: refused.to_string(),
    });
    ExportMetricsServiceResponse { partial_success }
}

/// The same in JSON, where a 64-bit integer is a text.
pub(super) fn taken_json(refused: &Refusals) -> String {
    match taken(refused).partial_success {
        None => "{}".to_owned(),
        Some(ExportMetricsPartialSuccess { rejected_data_points, error_message }) => json!({
            "partialSuccess": {
                "rejectedDataPoints": rejected_data_points.to_string(),
                "errorMessage": error_message,
            }
        })
        .to_string(),
    }
}

/// What senders of other signals are told; their log will show it.
pub(super) const NO_TRACES: &str =
    "Weir takes metrics only, not traces: send these elsewhere or switch their exporter off";
/// The same for logs.
pub(super) const NO_LOGS: &str =
    "Weir takes metrics only, not logs: send these elsewhere or switch their exporter off";
/// The same for profiles.
pub(super) const NO_PROFILES: &str =
    "Weir takes metrics only, not profiles: send these elsewhere or switch their exporter off";

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// The codes of gRPC that are used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    InvalidArgument = 3,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Unavailable = 14,
    Unauthenticated = 16,
}

/// `google.rpc.Status`, what `grpc-status-details-bin` holds.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(super) details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Any {
    #[prost(string, tag = "1")]
    pub(super) type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    pub(super) retry_delay: Option<Delay>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Delay {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(super) nanos: i32,
}
