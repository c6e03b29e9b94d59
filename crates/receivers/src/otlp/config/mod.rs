//! The configuration of `otlp`: the Collector's keys, where Weir has what they ask for.

mod grpc;
mod http;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use weir_config::Check;
use weir_core::{Config, Facts};
use weir_net::Endpoint;

use super::metadata::Metadata;

pub use grpc::Grpc;
pub use http::Http;

/// Takes metrics in by OTLP.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct OtlpConfig {
    /// How senders may speak: what is not listed is off; where nothing is, both are on.
    pub protocols: Protocols,
    /// When a request is answered: once its points are in a queue or a window (`accepted`), or once they have arrived (`exported`).
    pub acknowledge: Acknowledge,
}

/// The protocols of OTLP.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Protocols {
    /// OTLP over gRPC.
    pub grpc: Listed<Grpc>,
    /// OTLP over HTTP: protobuf and JSON.
    pub http: Listed<Http>,
}

impl OtlpConfig {
    /// OTLP over gRPC, if it is on.
    pub fn grpc(&self) -> Option<Grpc> {
        self.protocols.grpc.or_on(self.lists_nothing())
    }

    /// OTLP over HTTP, if it is on.
    pub fn http(&self) -> Option<Http> {
        self.protocols.http.or_on(self.lists_nothing())
    }

    fn lists_nothing(&self) -> bool {
        self.protocols.grpc.0.is_none() && self.protocols.http.0.is_none()
    }
}

/// A section that is on when its key is there, be it empty.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Listed<T>(pub Option<T>);

impl<T: Clone + Default> Listed<T> {
    fn or_on(&self, on: bool) -> Option<T> {
        self.0.clone().or_else(|| on.then(T::default))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Listed<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|section| Self(Some(section)))
    }
}

impl<T: JsonSchema> JsonSchema for Listed<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// What carries the bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// TCP; the endpoint is host:port.
    #[default]
    Tcp,
    /// A Unix socket; the endpoint is its path.
    Unix,
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

impl Config for OtlpConfig {
    fn check(&self, check: &mut Check<'_>) {
        if let (Some(grpc), Some(mut check)) = (&self.protocols.grpc.0, check.within(&["protocols", "grpc"]))
        {
            grpc.check(&mut check);
        }
        if let (Some(http), Some(mut check)) = (&self.protocols.http.0, check.within(&["protocols", "http"]))
        {
            http.check(&mut check);
        }
    }

    fn facts(&self) -> Facts {
        let place = |protocol: &str| ["protocols", protocol, "endpoint"].map(str::to_owned).to_vec();
        let grpc = self.grpc().filter(|grpc| grpc.transport == Transport::Tcp);
        let http = self.http().filter(|http| http.transport == Transport::Tcp);
        let mut addresses =
            grpc.iter().map(|grpc| &grpc.endpoint).chain(http.iter().map(|http| &http.endpoint));
        Facts {
            // A Unix socket is a file of this machine.
            of_this_host: addresses.all(|address| weir_core::is_loopback(address)),
            open_listeners: (grpc.map(|grpc| (place("grpc"), grpc.endpoint)).into_iter())
                .chain(http.map(|http| (place("http"), http.endpoint)))
                .collect(),
            // What SDKs send unless told otherwise.
            cumulative: true,
            waits_for_export: self.acknowledge == Acknowledge::Exported,
            ..Facts::default()
        }
    }
}

/// An endpoint as it is written, by its transport.
fn endpoint(text: &str, transport: Transport) -> Option<Endpoint> {
    match transport {
        Transport::Tcp => Endpoint::tcp(text),
        Transport::Unix => (!text.is_empty()).then(|| Endpoint::Unix(text.into())),
    }
}

fn check_endpoint(check: &mut Check<'_>, text: &str, transport: Transport, usual: u16) {
    if endpoint(text, transport).is_none() {
        let message = format!("`{text}` is not an address to listen on");
        let help = match transport {
            Transport::Tcp => format!("write host:port, such as localhost:{usual} or 0.0.0.0:{usual}"),
            Transport::Unix => "write the path of a socket, such as /run/weir/otlp.sock".to_owned(),
        };
        check.error_with(&["endpoint"], message, help);
    }
}

fn check_metadata(check: &mut Check<'_>, include: bool, keys: &[String]) {
    for (at, key) in keys.iter().enumerate() {
        if key.parse::<hyper::header::HeaderName>().is_err() {
            let message = format!("`{key}` is not the name of a header");
            check.error(&["metadata_keys", &at.to_string()], message);
        }
    }
    if !keys.is_empty() && !include {
        check.error_with(
            &["metadata_keys"],
            "headers are named, and `include_metadata` is off",
            "add `include_metadata: true`",
        );
    }
}

fn metadata(include: bool, keys: &[String]) -> Metadata {
    match include {
        false => Metadata::Left,
        true => Metadata::Included(keys.iter().filter_map(|key| key.parse().ok()).collect()),
    }
}
