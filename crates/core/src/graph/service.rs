//! The `service` section.

use std::{
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroU32,
};

use schemars::{JsonSchema, Schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, IgnoredAny},
};
use weir_config::{ByteSize, Duration};

use crate::registry::schema;

/// What holds for the whole process.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Service {
    /// Extensions to start, by id.
    #[schemars(with = "Vec<String>")]
    extensions: IgnoredAny,
    /// Pipelines by id: `metrics` or `metrics/name`, each with receivers, processors and exporters.
    #[schemars(with = "std::collections::BTreeMap<String, Pipelines>")]
    pipelines: IgnoredAny,
    /// Weir's own metrics and logs.
    pub telemetry: Telemetry,
    /// Bounds on what the process takes.
    pub limits: Limits,
    /// How long draining may take after a signal. Exporters stop retrying five seconds before.
    pub shutdown_timeout: Duration,
}

/// The keys of `service`, as a JSON schema with every reference inlined.
pub fn service_schema() -> Schema {
    schema::<Service>()
}

#[derive(JsonSchema)]
#[expect(
    dead_code,
    reason = "documents the shape of a pipeline; the plan reads it with the places of its names"
)]
struct Pipelines {
    /// Receivers and connectors that feed it.
    receivers: Vec<String>,
    /// Processors in their order.
    processors: Vec<String>,
    /// Exporters and connectors that it feeds.
    exporters: Vec<String>,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            extensions: IgnoredAny,
            pipelines: IgnoredAny,
            telemetry: Telemetry::default(),
            limits: Limits::default(),
            shutdown_timeout: Duration(std::time::Duration::from_secs(30)),
        }
    }
}

/// Weir's own metrics and logs.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Telemetry {
    /// The admin listener.
    pub metrics: Metrics,
    /// The log.
    pub logs: Logs,
}

/// The admin listener: `/metrics`, `/live`, `/ready`, `/status`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Metrics {
    /// Where it listens: an IP address or `localhost`, and a port; port 0 takes a free one.
    #[schemars(with = "String")]
    #[serde(deserialize_with = "address")]
    pub address: SocketAddr,
    /// `none` switches the admin listener off.
    pub level: MetricsLevel,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { address: SocketAddr::from(([127, 0, 0, 1], 8888)), level: MetricsLevel::Normal }
    }
}

/// An address to listen on. Names other than `localhost` could mean anything, or several addresses.
fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    let port = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    let loopback = port.map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    loopback.or_else(|| text.parse().ok()).ok_or_else(|| {
        D::Error::custom(format!("`{text}` is not an address to listen on; write it like `127.0.0.1:8888`"))
    })
}

/// How much Weir tells of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MetricsLevel {
    /// Nothing: there is no admin listener.
    None,
    /// Everything: there is no cost per point to save.
    #[default]
    Normal,
}

/// The log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Logs {
    /// The least important level that is written.
    pub level: LogLevel,
}

/// A level of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What a person must act on.
    Error,
    /// What may need an act.
    Warn,
    /// What happened: a line a flush.
    #[default]
    Info,
    /// What a developer wants to know.
    Debug,
}

impl LogLevel {
    /// `error`, `warn`, …
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

/// Bounds on what the process takes.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Limits {
    /// How many series may be active at a time. Beyond, delta sums go to an overflow series, the rest is refused.
    pub series: NonZeroU32,
    /// How many bytes wait on one edge of the graph.
    pub edge_bytes: ByteSize,
    /// How long one of several full branches is waited for before it is skipped.
    pub edge_wait: Duration,
    /// Memory above which receivers ask their senders to wait; 0 takes the cgroup's limit, if there is one.
    pub memory: ByteSize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            series: NonZeroU32::MIN.saturating_add(999_999),
            edge_bytes: ByteSize(8 << 20),
            edge_wait: Duration(std::time::Duration::from_secs(2)),
            memory: ByteSize(0),
        }
    }
}
