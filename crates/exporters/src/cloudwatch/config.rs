//! The keys of the `cloudwatch` exporter.

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::{ByteSize, Check, Secret};
use weir_core::Facts;
use weir_window::Period;

pub use super::connection::TlsConfig;
pub use crate::sending::RetryConfig;

/// Configuration of the exporter.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// URL to send to in place of the Region's own, such as a VPC endpoint. A loopback host needs no credentials and no Region.
    pub endpoint: Option<String>,
    /// AWS Region; else `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile, the instance's metadata, in this order.
    pub region: Option<String>,
    /// Namespace of the metrics.
    pub namespace: String,
    /// Profile of the shared AWS configuration files.
    pub profile: Option<String>,
    /// Role to assume before sending.
    pub role_arn: Option<String>,
    /// External id that the role's trust policy asks for.
    pub external_id: Option<String>,
    /// Whether FIPS endpoints are used; else `AWS_USE_FIPS_ENDPOINT` or the profile says so.
    pub use_fips: Option<bool>,
    /// Whether dual-stack (IPv6) endpoints are used; else `AWS_USE_DUALSTACK_ENDPOINT` or the profile says so.
    pub use_dual_stack: Option<bool>,
    /// Proxy for https, such as `http://proxy.example.com:3128`; else `HTTPS_PROXY`. Empty for none.
    pub proxy: Option<Secret>,
    /// How the far end's certificate is checked.
    pub tls: TlsConfig,
    /// How long points are gathered into one datum a series: 1s, 5s, 10s, 30s, or a multiple of 60s.
    pub period: weir_config::Duration,
    /// Seconds of CloudWatch's resolution, 1 or 60; by default 1 for periods below a minute, else 60.
    pub storage_resolution: Option<u32>,
    /// How long one attempt to send may take.
    pub timeout: weir_config::Duration,
    /// What becomes a dimension.
    pub dimensions: DimensionsConfig,
    /// When a failed request is sent again.
    pub retry_on_failure: RetryConfig,
    /// What waits for CloudWatch.
    pub sending_queue: QueueConfig,
}

/// What becomes a dimension: nothing else does.
///
/// Names may hold `*` for any characters. Where one name has several sources, the point's attribute wins over the
/// resource's, and that over `static`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct DimensionsConfig {
    /// Point attributes that become dimensions; all by default.
    pub attributes: Vec<String>,
    /// Resource attributes that become dimensions; none by default.
    pub resource: Vec<String>,
    /// Dimensions that every metric gets.
    #[serde(rename = "static")]
    pub fixed: BTreeMap<String, String>,
}

/// The queue of encoded requests.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct QueueConfig {
    /// Memory for requests that wait; when CloudWatch is away for longer, the oldest are dropped.
    pub queue_size: ByteSize,
    /// How many requests are sent at a time.
    pub num_consumers: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: None,
            namespace: "Weir".to_owned(),
            profile: None,
            role_arn: None,
            external_id: None,
            use_fips: None,
            use_dual_stack: None,
            proxy: None,
            tls: TlsConfig::default(),
            period: weir_config::Duration(Duration::from_secs(60)),
            storage_resolution: None,
            timeout: weir_config::Duration(Duration::from_secs(30)),
            dimensions: DimensionsConfig::default(),
            retry_on_failure: RetryConfig::default(),
            sending_queue: QueueConfig::default(),
        }
    }
}

impl Default for DimensionsConfig {
    fn default() -> Self {
        Self { attributes: vec!["*".to_owned()], resource: Vec::new(), fixed: BTreeMap::new() }
    }
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self { queue_size: ByteSize(32 * 1024 * 1024), num_consumers: 4 }
    }
}

/// The most requests that may be sent at a time: CloudWatch takes 500 a second of a whole account.
const MAX_CONSUMERS: u32 = 64;

impl weir_core::Config for Config {
    fn check(&self, check: &mut Check<'_>) {
        if let Err(error) = Period::new(self.period.0) {
            check.error(&["period"], error.to_string());
        }
        if let Some(found) = self.storage_resolution
            && !matches!(found, 1 | 60)
        {
            check.error(&["storage_resolution"], format!("storage_resolution {found} is neither 1 nor 60"));
        }
        if let Some(wrong) = wrong_namespace(&self.namespace) {
            check.error(&["namespace"], format!("namespace `{}` {wrong}", self.namespace));
        }
        self.check_connection(check);
        if self.timeout.0.is_zero() {
            check.error(&["timeout"], "timeout must be longer than 0");
        }
        let consumers = self.sending_queue.num_consumers;
        if !(1..=MAX_CONSUMERS).contains(&consumers) {
            let message = format!("num_consumers {consumers} is not between 1 and {MAX_CONSUMERS}");
            check.error(&["sending_queue", "num_consumers"], message);
        }
        if self.sending_queue.queue_size.0 == 0 {
            check.error(&["sending_queue", "queue_size"], "queue_size must be above 0");
        }
        for (name, value) in &self.dimensions.fixed {
            if !is_dimension(name, 255) || name.starts_with(':') || !is_dimension(value, 1024) {
                let message = format!("CloudWatch does not take the dimension `{name}: {value}`");
                let help = "names of 1 to 255 and values of 1 to 1024 ASCII characters, not blank; no name begins with `:`";
                check.error_with(&["dimensions", "static", name], message, help);
            }
        }
        self.dimensions.check(check);
        self.retry_on_failure.check("retry_on_failure", check);
    }

    fn facts(&self) -> Facts {
        let dimensions = Some(self.dimensions.in_words());
        Facts { wants_delta: true, window: Some(self.period.0), dimensions, ..Facts::default() }
    }
}

/// The most dimensions that CloudWatch takes (crate docs, MetricDatum).
const MAX_DIMENSIONS: usize = 30;

impl DimensionsConfig {
    fn check(&self, check: &mut Check<'_>) {
        for name in self.fixed.keys() {
            for (list, names) in [("attributes", &self.attributes), ("resource", &self.resource)] {
                if names.contains(name) {
                    let message = format!("dimension `{name}` has two sources: `static` and `{list}`");
                    let help = "where both are there, the one of `static` is left out";
                    check.warn_with(&["dimensions", "static", name], message, help);
                }
            }
        }
        for (at, name) in self.resource.iter().enumerate() {
            if !name.contains('*') && self.attributes.contains(name) {
                let message = format!("dimension `{name}` has two sources: `attributes` and `resource`");
                let help = "where both are there, the point's attribute is taken";
                check.warn_with(&["dimensions", "resource", &at.to_string()], message, help);
            }
        }
        let certain = self.fixed.len() + self.resource.iter().filter(|name| !name.contains('*')).count();
        if certain > MAX_DIMENSIONS {
            let message = format!("{certain} dimensions are listed, CloudWatch takes {MAX_DIMENSIONS}");
            check.warn_with(&["dimensions"], message, "those beyond are cut and counted as `dimensions_cut`");
        }
    }

    /// What becomes a dimension, for `validate`.
    fn in_words(&self) -> String {
        let mut sources = Vec::new();
        match &self.attributes[..] {
            [] => {}
            [all] if all == "*" => sources.push("every point attribute".to_owned()),
            names => sources.push(format!("the point attributes {}", names.join(", "))),
        }
        if !self.resource.is_empty() {
            sources.push(format!("the resource attributes {}", self.resource.join(", ")));
        }
        if !self.fixed.is_empty() {
            let fixed: Vec<String> =
                self.fixed.iter().map(|(name, value)| format!("{name}={value}")).collect();
            sources.push(fixed.join(", "));
        }
        if sources.is_empty() { "none".to_owned() } else { sources.join("; ") }
    }
}

impl Config {
    /// The period; a minute where the configuration was not checked.
    pub(crate) fn period(&self) -> Period {
        Period::new(self.period.0).unwrap_or(Period::MINUTE)
    }

    /// `StorageResolution` of every datum.
    pub(crate) fn resolution(&self) -> i32 {
        match self.storage_resolution {
            Some(1) => 1,
            None if self.period.0 < Period::MINUTE.length() => 1,
            Some(_) | None => 60,
        }
    }
}

/// What CloudWatch would not take about a namespace (service model, and the advice against `AWS/`).
fn wrong_namespace(namespace: &str) -> Option<&'static str> {
    if !is_dimension(namespace, 255) {
        Some("is not 1 to 255 ASCII characters")
    } else if namespace.starts_with(':') {
        Some("begins with a colon")
    } else if namespace.starts_with("AWS/") {
        Some("begins with AWS/, which is reserved")
    } else {
        None
    }
}

fn is_dimension(text: &str, longest: usize) -> bool {
    text.len() <= longest && !text.trim().is_empty() && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

#[cfg(test)]
mod tests;
