//! The configuration of `health_check`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::Check;
use weir_core::Config;
use weir_net::Endpoint;

/// Answers health probes.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct HealthCheckConfig {
    /// Where it listens: host and port.
    pub endpoint: String,
}

impl Default for HealthCheckConfig {
    fn default() -> Self {
        Self { endpoint: "localhost:13133".to_owned() }
    }
}

impl Config for HealthCheckConfig {
    fn check(&self, check: &mut Check<'_>) {
        if Endpoint::tcp(&self.endpoint).is_none() {
            check.error_with(
                &["endpoint"],
                format!("`{}` is not an address to listen on", self.endpoint),
                "write it like `localhost:13133`",
            );
        }
    }
}
