//! The configuration of `otlp`: the Collector's keys, where Weir has what they ask for.

mod admission;
mod grpc;
mod http;
mod keepalive;
mod shared;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::Check;
use weir_core::{Config, Facts, OpenListener};

use shared::Shared;

pub use admission::Admission;
pub use grpc::Grpc;
pub use http::Http;
pub use keepalive::{Keepalive, ServerParameters};
pub use shared::{Auth, Transport};

pub(super) use http::versions as http_versions;

/// Takes metrics in by OTLP.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct OtlpConfig {
    /// How senders may speak: what is not listed is off; where nothing is, both are on.
    pub protocols: Protocols,
    /// When a request is answered: once its points are in a queue or a window (`accepted`), or once they have arrived (`exported`).
    pub acknowledge: Acknowledge,
    /// What requests may take on their way in.
    pub admission: Admission,
}

/// The protocols of OTLP.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Protocols {
    /// OTLP over gRPC.
    #[serde(deserialize_with = "weir_config::present")]
    pub grpc: Option<Grpc>,
    /// OTLP over HTTP: protobuf and JSON.
    #[serde(deserialize_with = "weir_config::present")]
    pub http: Option<Http>,
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

impl OtlpConfig {
    /// OTLP over gRPC, if it is on.
    pub fn grpc(&self) -> Option<Grpc> {
        self.protocols.grpc.clone().or_else(|| self.lists_nothing().then(Grpc::default))
    }

    /// OTLP over HTTP, if it is on.
    pub fn http(&self) -> Option<Http> {
        self.protocols.http.clone().or_else(|| self.lists_nothing().then(Http::default))
    }

    fn lists_nothing(&self) -> bool {
        self.protocols.grpc.is_none() && self.protocols.http.is_none()
    }
}

impl Config for OtlpConfig {
    fn check(&self, check: &mut Check<'_>) {
        if let Some(mut check) = check.within(&["admission"]) {
            self.admission.check(&mut check);
        }
        if let (Some(grpc), Some(mut check)) = (&self.protocols.grpc, check.within(&["protocols", "grpc"])) {
            grpc.check(&mut check);
        }
        if let (Some(http), Some(mut check)) = (&self.protocols.http, check.within(&["protocols", "http"])) {
            http.check(&mut check);
        }
    }

    fn facts(&self) -> Facts {
        let mut facts = Facts {
            of_this_host: true,
            // What SDKs send unless told otherwise.
            cumulative: true,
            waits_for_export: self.acknowledge == Acknowledge::Exported,
            ..Facts::default()
        };
        let mut add = |protocol: &str, shared: Shared<'_>| {
            let path = |keys: &[&str]| {
                ["protocols", protocol].iter().chain(keys).map(|key| (*key).to_owned()).collect()
            };
            facts.of_this_host &= shared.is_of_this_host();
            if shared.is_open() {
                facts.open_listeners.push(OpenListener {
                    path: path(&["endpoint"]),
                    address: shared.endpoint.to_owned(),
                    authenticates: shared.auth.is_some(),
                });
            }
            if let Some(auth) = shared.auth {
                facts.authenticators.push((path(&["auth", "authenticator"]), auth.authenticator.clone()));
            }
        };
        if let Some(grpc) = self.grpc() {
            add("grpc", grpc.shared());
        }
        if let Some(http) = self.http() {
            add("http", http.shared());
        }
        facts
    }
}
