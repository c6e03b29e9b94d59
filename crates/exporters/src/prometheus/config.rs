//! The keys of the `prometheus` exporter: the Collector's.

use std::{collections::BTreeMap, time::Duration as StdDuration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::{Check, Duration};
use weir_core::{Facts, OpenListener};
use weir_net::{Endpoint, TlsServer};

use super::names;

/// Configuration of the exporter.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Config {
    /// Where scrapes are answered, at `/metrics`: host:port (port 0 takes a free one).
    pub endpoint: String,
    /// TLS; without it, plain text.
    #[serde(default, deserialize_with = "weir_config::present")]
    pub tls: Option<TlsServer>,
    /// Put before each metric's name, with `_`.
    #[serde(default)]
    pub namespace: String,
    /// Labels of every series.
    #[serde(default)]
    pub const_labels: BTreeMap<String, String>,
    /// Whether samples have the time of their points.
    #[serde(default)]
    pub send_timestamps: bool,
    /// For how long a series is shown that does not come any more.
    #[serde(default = "five_minutes")]
    pub metric_expiration: Duration,
    /// Whether OpenMetrics is written for scrapes that prefer it; otherwise all get Prometheus's text.
    #[serde(default = "yes")]
    pub enable_open_metrics: bool,
    /// Whether names end with their unit and, of counters, with `_total`.
    #[serde(default = "yes")]
    pub add_metric_suffixes: bool,
    /// Attributes of resources as labels.
    #[serde(default)]
    pub resource_to_telemetry_conversion: ResourceLabels,
    /// Whether series have no labels that say their scope, `otel_scope_name` and `otel_scope_version`.
    #[serde(default)]
    pub without_scope_info: bool,
}

/// What becomes of the attributes of resources.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ResourceLabels {
    /// Whether each is a label of every series; otherwise they are labels of `target_info`.
    pub enabled: bool,
}

fn five_minutes() -> Duration {
    Duration(StdDuration::from_mins(5))
}

const fn yes() -> bool {
    true
}

impl Config {
    pub(super) fn address(&self) -> Option<Endpoint> {
        Endpoint::tcp(&self.endpoint)
    }
}

impl weir_core::Config for Config {
    fn check(&self, check: &mut Check<'_>) {
        if self.address().is_none() {
            let found = format!("`{}` is not host:port", self.endpoint);
            check.error_with(&["endpoint"], found, "write an address such as localhost:8889");
        }
        if let (Some(tls), Some(mut check)) = (&self.tls, check.within(&["tls"])) {
            tls.check(&mut check);
        }
        if self.metric_expiration.is_zero() {
            check.error(&["metric_expiration"], "0 would show no series at all");
        }
        for label in self.const_labels.keys() {
            if *label != names::label(label) {
                let right = format!("write `{}`", names::label(label));
                check.error_with(&["const_labels", label], format!("`{label}` is no label name"), right);
            }
        }
    }

    fn facts(&self) -> Facts {
        let open = OpenListener {
            path: vec!["endpoint".to_owned()],
            address: self.endpoint.clone(),
            authenticates: false,
        };
        Facts { open_listeners: self.tls.is_none().then_some(open).into_iter().collect(), ..Facts::default() }
    }
}
