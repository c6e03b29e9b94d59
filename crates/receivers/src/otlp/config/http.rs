//! The keys of `protocols.http`.

use std::time::Duration as StdDuration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::{ByteSize, Check, Duration};
use weir_net::{Endpoint, Http2, Limits, Versions};

use super::{Transport, check_endpoint, check_metadata};
use crate::otlp::metadata::Metadata;

/// OTLP over HTTP: protobuf and JSON.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Http {
    /// Where to listen: host:port (port 0 takes a free one), or a path.
    pub endpoint: String,
    /// What carries the bytes.
    pub transport: Transport,
    /// Where metrics are posted.
    pub metrics_url_path: String,
    /// The largest request taken, after decompression and as protobuf.
    pub max_request_body_size: ByteSize,
    /// How long a request's body may take to arrive.
    pub read_timeout: Duration,
    /// How long the head of a request may take to arrive, and so how long a connection may be idle.
    pub idle_timeout: Duration,
    /// Connections open at once; more wait to be accepted.
    pub max_connections: usize,
    /// Whether senders with equal resources and different IP addresses are different senders; their series then have
    /// `client.address` in their resource.
    pub include_metadata: bool,
    /// Headers that tell senders apart too, as `metadata.<header>` in the resource of their series.
    pub metadata_keys: Vec<String>,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            endpoint: "localhost:4318".to_owned(),
            transport: Transport::Tcp,
            metrics_url_path: "/v1/metrics".to_owned(),
            max_request_body_size: ByteSize::from_mib(64), // recommended by the OTLP specification
            read_timeout: Duration(StdDuration::from_mins(1)),
            // SDKs send once a minute: a connection that is closed after a minute is closed when it is needed.
            idle_timeout: Duration(StdDuration::from_mins(2)),
            max_connections: Limits::default().connections,
            include_metadata: false,
            metadata_keys: Vec::new(),
        }
    }
}

impl Http {
    pub(in crate::otlp) fn endpoint(&self) -> Option<Endpoint> {
        super::endpoint(&self.endpoint, self.transport)
    }

    pub(in crate::otlp) fn limits(&self) -> Limits {
        Limits {
            connections: self.max_connections,
            header_read_timeout: self.idle_timeout.0,
            idle_timeout: Some(self.idle_timeout.0),
            ..Limits::default()
        }
    }

    /// HTTP/1.1, which senders speak, and HTTP/2, which proxies before them may.
    #[expect(clippy::unused_self, reason = "as its sibling of gRPC")]
    pub(in crate::otlp) fn versions(&self) -> Versions {
        Versions::Both(Http2::default())
    }

    pub(in crate::otlp) fn metadata(&self) -> Metadata {
        super::metadata(self.include_metadata, &self.metadata_keys)
    }

    pub(super) fn check(&self, check: &mut Check<'_>) {
        check_endpoint(check, &self.endpoint, self.transport, 4318);
        if !self.metrics_url_path.starts_with('/') {
            check.error(
                &["metrics_url_path"],
                format!("`{}` does not begin with a slash", self.metrics_url_path),
            );
        }
        if self.max_request_body_size.0 == 0 {
            check.error(&["max_request_body_size"], "0 would take no request at all");
        }
        for (key, duration) in [("read_timeout", self.read_timeout), ("idle_timeout", self.idle_timeout)] {
            if duration.is_zero() {
                check.error_with(
                    &[key],
                    "0 would leave a slow sender its connection for ever",
                    "write a long duration, such as 1h",
                );
            }
        }
        if self.max_connections == 0 {
            check.error(&["max_connections"], "0 would take no connection at all");
        }
        check_metadata(check, self.include_metadata, &self.metadata_keys);
    }
}
