//! The keys of `protocols.grpc`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::Check;
use weir_net::{Endpoint, Http2, Limits, TlsServer, Versions};

use super::{
    keepalive::Keepalive,
    shared::{Auth, Shared, Transport},
};
use crate::otlp::metadata::Metadata;

/// One mebibyte, in bytes.
pub(super) const MIB: u64 = 1024 * 1024;
/// A gRPC message's length is a signed 32-bit number in most clients: more than this could not arrive.
const MAX_MESSAGE_MIB: u64 = 2047;

/// OTLP over gRPC.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Grpc {
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
    /// The largest request taken, in MiB after decompression.
    pub max_recv_msg_size_mib: u64,
    /// Requests that one connection may have under way at a time.
    pub max_concurrent_streams: u32,
    /// Connections open at once; more wait to be accepted.
    pub max_connections: usize,
    /// Signs of life of connections, and how long these may last.
    pub keepalive: Keepalive,
    /// Whether senders with equal resources and different IP addresses are different senders; their series then have
    /// `client.address` in their resource.
    pub include_metadata: bool,
    /// Headers that tell senders apart too, as `metadata.<header>` in the resource of their series.
    pub metadata_keys: Vec<String>,
}

impl Default for Grpc {
    fn default() -> Self {
        Self {
            endpoint: "localhost:4317".to_owned(),
            transport: Transport::Tcp,
            tls: None,
            auth: None,
            max_recv_msg_size_mib: 64, // recommended by the OTLP specification
            max_concurrent_streams: Http2::default().max_concurrent_streams,
            max_connections: Limits::default().connections,
            keepalive: Keepalive::default(),
            include_metadata: false,
            metadata_keys: Vec::new(),
        }
    }
}

impl Grpc {
    /// The largest request taken, in bytes.
    pub(in crate::otlp) fn max_message_bytes(&self) -> usize {
        usize::try_from(self.max_recv_msg_size_mib.saturating_mul(MIB)).unwrap_or(usize::MAX)
    }

    pub(in crate::otlp) fn endpoint(&self) -> Option<Endpoint> {
        self.shared().endpoint()
    }

    pub(in crate::otlp) fn limits(&self) -> Limits {
        Limits { connections: self.max_connections, ..self.keepalive.limits() }
    }

    pub(in crate::otlp) fn versions(&self) -> Versions {
        Versions::Http2(self.keepalive.http2(self.max_concurrent_streams))
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
        self.shared().check(check, 4317);
        if !(1..=MAX_MESSAGE_MIB).contains(&self.max_recv_msg_size_mib) {
            check.error(
                &["max_recv_msg_size_mib"],
                format!("{} is not from 1 to {MAX_MESSAGE_MIB}", self.max_recv_msg_size_mib),
            );
        }
        if self.max_concurrent_streams == 0 {
            check.error(&["max_concurrent_streams"], "0 would take no request at all");
        }
        if let Some(mut check) = check.within(&["keepalive"]) {
            self.keepalive.check(&mut check);
        }
        check.not_taken(&["dialer"], "it is for clients, and nothing is dialled here", "take it out");
        for buffer in ["read_buffer_size", "write_buffer_size"] {
            check.not_taken(&[buffer], "buffers take the size that is needed", "take it out");
        }
    }
}
