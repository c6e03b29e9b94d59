//! The keys of `protocols.http`.

use std::time::Duration as StdDuration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::{ByteSize, Check, Duration};
use weir_net::{Cors, Endpoint, Http2, Limits, TlsServer, Versions};

use super::shared::{Auth, Shared, Transport};
use crate::otlp::metadata::Metadata;

/// OTLP over HTTP: protobuf and JSON.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Http {
    /// Where to listen: host:port (port 0 takes a free one), or a path.
    pub endpoint: String,
    /// What carries the bytes.
    pub transport: Transport,
    /// TLS; without it, plain text.
    #[serde(deserialize_with = "weir_config::present")]
    pub tls: Option<TlsServer>,
    /// Who may send; without it, anyone.
    #[serde(deserialize_with = "weir_config::present")]
    pub auth: Option<Auth>,
    /// Pages that may send from a browser; without it, none.
    #[serde(deserialize_with = "weir_config::present")]
    pub cors: Option<Cors>,
    /// Where metrics are posted.
    pub metrics_url_path: String,
    /// The largest request taken, after decompression and as protobuf.
    pub max_request_body_size: ByteSize,
    /// How long a request's body may take to arrive.
    pub read_timeout: Duration,
    /// How long a sender may take nothing of an answer.
    pub write_timeout: Duration,
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
            tls: None,
            auth: None,
            cors: None,
            metrics_url_path: "/v1/metrics".to_owned(),
            max_request_body_size: ByteSize::from_mib(64), // recommended by the OTLP specification
            read_timeout: Duration(StdDuration::from_mins(1)),
            write_timeout: Duration(Limits::default().write_timeout),
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
        self.shared().endpoint()
    }

    pub(in crate::otlp) fn limits(&self) -> Limits {
        Limits {
            connections: self.max_connections,
            header_read_timeout: self.idle_timeout.0,
            idle_timeout: Some(self.idle_timeout.0),
            write_timeout: self.write_timeout.0,
            ..Limits::default()
        }
    }

    pub(in crate::otlp) fn metadata(&self) -> Metadata {
        self.shared().metadata()
    }

    pub(super) fn shared(&self) -> Shared<'_> {
        Shared {
            endpoint: &self.endpoint,
            transport: self.transport,
            tls: self.tls.as_ref(),
            auth: self.auth.as_ref(),
            max_connections: self.max_connections,
            include_metadata: self.include_metadata,
            metadata_keys: &self.metadata_keys,
        }
    }

    pub(super) fn check(&self, check: &mut Check<'_>) {
        self.shared().check(check, 4318);
        if let (Some(cors), Some(mut check)) = (&self.cors, check.within(&["cors"])) {
            cors.check(&mut check);
        }
        if !self.metrics_url_path.starts_with('/') {
            check.error(
                &["metrics_url_path"],
                format!("`{}` does not begin with a slash", self.metrics_url_path),
            );
        }
        if self.max_request_body_size.0 == 0 {
            check.error(&["max_request_body_size"], "0 would take no request at all");
        }
        for (key, duration) in [
            ("read_timeout", self.read_timeout),
            ("write_timeout", self.write_timeout),
            ("idle_timeout", self.idle_timeout),
        ] {
            if duration.is_zero() {
                check.error_with(
                    &[key],
                    "0 would leave a slow sender its connection for ever",
                    "write a long duration, such as 1h",
                );
            }
        }
        for signal in ["traces_url_path", "logs_url_path", "profiles_url_path"] {
            check.not_taken(&[signal], "Weir carries metrics only", "take it out");
        }
        let head = "`idle_timeout` is the time for a head too";
        check.not_taken(&["read_header_timeout"], head, "set `idle_timeout`");
        let all = "gzip, zstd, snappy and deflate are always taken, under one limit of size";
        check.not_taken(&["compression_algorithms"], all, "take it out");
        check.not_taken(&["response_headers"], "answers have their own headers only", "take it out");
        check.not_taken(&["keep_alives_enabled"], "connections are always used again", "take it out");
    }
}

/// HTTP/1.1, which senders speak, and HTTP/2, which proxies before them may.
pub(in crate::otlp) fn versions() -> Versions {
    Versions::Both(Http2::default())
}
