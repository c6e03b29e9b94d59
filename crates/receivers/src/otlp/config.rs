//! The configuration of `otlp`: the Collector's keys, where Weir has what they ask for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::Check;
use weir_core::{Config, Facts};

/// One mebibyte, in bytes.
const MIB: u64 = 1024 * 1024;
/// A gRPC message's length is a signed 32-bit number in most clients: more than this could not arrive.
const MAX_MESSAGE_MIB: u64 = 2047;

/// Takes metrics in by OTLP.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct OtlpConfig {
    /// How senders may speak.
    pub protocols: Protocols,
    /// When a request is answered: once its points are in a queue or a window (`accepted`), or once they have arrived (`exported`).
    pub acknowledge: Acknowledge,
}

/// The protocols of OTLP.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Protocols {
    /// OTLP over gRPC.
    pub grpc: Grpc,
    /// OTLP over HTTP: not supported yet.
    pub http: Refused,
}

/// OTLP over gRPC.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Grpc {
    /// Where to listen, as host:port; port 0 takes a free one.
    pub endpoint: String,
    /// The largest request taken, in MiB after decompression.
    pub max_recv_msg_size_mib: u64,
    /// Requests that one connection may have under way at a time.
    pub max_concurrent_streams: u32,
    /// Whether senders with equal resources and different IP addresses are different senders.
    pub include_metadata: bool,
}

impl Default for Grpc {
    fn default() -> Self {
        Self {
            endpoint: "localhost:4317".to_owned(),
            max_recv_msg_size_mib: 64, // recommended by the OTLP specification
            max_concurrent_streams: 100,
            include_metadata: false,
        }
    }
}

impl Grpc {
    /// The largest request taken, in bytes.
    pub(super) fn max_message_bytes(&self) -> usize {
        usize::try_from(self.max_recv_msg_size_mib.saturating_mul(MIB)).unwrap_or(usize::MAX)
    }
}

/// When a request is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Acknowledge {
    /// Once every exporter on the way has the points in its queue or window.
    #[default]
    Accepted,
    /// Once the points have arrived at every destination.
    Exported,
}

/// A section that is read over, so that [`OtlpConfig`]'s check can refuse it at its place and with its reason.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct Refused {}

impl<'de> Deserialize<'de> for Refused {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self {})
    }
}

impl Config for OtlpConfig {
    fn check(&self, check: &mut Check<'_>) {
        const GRPC: [&str; 2] = ["protocols", "grpc"];
        let grpc = &self.protocols.grpc;
        if check.node().get("protocols").is_some_and(|protocols| protocols.get("http").is_some()) {
            check.error_with(
                &["protocols", "http"],
                "OTLP over HTTP is not supported yet; use grpc",
                "let senders use gRPC: OTEL_EXPORTER_OTLP_PROTOCOL=grpc and port 4317",
            );
        }
        if split_endpoint(&grpc.endpoint).is_none() {
            check.error_with(
                &[GRPC[0], GRPC[1], "endpoint"],
                format!("`{}` is not an address to listen on", grpc.endpoint),
                "write host:port, such as localhost:4317 or 0.0.0.0:4317",
            );
        }
        if !(1..=MAX_MESSAGE_MIB).contains(&grpc.max_recv_msg_size_mib) {
            check.error(
                &[GRPC[0], GRPC[1], "max_recv_msg_size_mib"],
                format!("{} is not from 1 to {MAX_MESSAGE_MIB}", grpc.max_recv_msg_size_mib),
            );
        }
        if grpc.max_concurrent_streams == 0 {
            check.error(&[GRPC[0], GRPC[1], "max_concurrent_streams"], "0 would take no request at all");
        }
    }

    fn facts(&self) -> Facts {
        let endpoint = ["protocols", "grpc", "endpoint"].map(str::to_owned).to_vec();
        Facts {
            open_listeners: vec![(endpoint, self.protocols.grpc.endpoint.clone())],
            // What SDKs send unless told otherwise.
            cumulative: true,
            waits_for_export: self.acknowledge == Acknowledge::Exported,
            ..Facts::default()
        }
    }
}

/// Host and port of an endpoint; an empty host means every interface.
pub(super) fn split_endpoint(endpoint: &str) -> Option<(&str, u16)> {
    let (host, port) = endpoint.rsplit_once(':')?;
    let port = port.parse().ok()?;
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.strip_suffix(']')?,
        // An IPv6 address without brackets: where its port begins is anybody's guess.
        None if host.contains(':') => return None,
        None => host,
    };
    let plain = !host.contains(['/', ' ', '[', ']', '@']);
    plain.then_some((host, port))
}
