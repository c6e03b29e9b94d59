//! The keys of the `cloudwatch` exporter.

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::{ByteSize, Check, Secret};
use weir_core::Facts;
use weir_window::Period;

use super::{
    dimensions::{MAX_DIMENSION_VALUE, MAX_DIMENSIONS, MAX_NAME, matches},
    rules::{
        config::{check_reach, check_rollups, check_times},
        in_words, rule_in_words,
    },
    summary::QUANTILE,
};

pub use super::{
    connection::TlsConfig,
    rules::config::{Merge, RuleConfig},
};
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
    /// The attribute, of the point or else of the resource, that names the namespace; where it is missing, `namespace` does.
    pub namespace_from: Option<String>,
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
    /// Sets of dimensions that are metrics of their own besides, over all series that only differ in the others; `[]` is the total.
    pub rollups: Vec<Vec<String>>,
    /// What is different for some metrics: the first rule that is for a series decides.
    pub rules: Vec<RuleConfig>,
    /// Whether the quantiles of summaries are sent too, each as a metric of its own with the dimension `quantile`, whatever `dimensions` and `rollups` list; an attribute of that name is kept then, whoever wrote it.
    pub summary_quantiles: bool,
    /// When a failed request is sent again.
    pub retry_on_failure: RetryConfig,
    /// What waits for CloudWatch.
    pub sending_queue: QueueConfig,
    /// Shows every request on standard output, and sends nothing: no credentials and no Region are needed.
    pub dry_run: bool,
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
            namespace_from: None,
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
            rollups: Vec::new(),
            rules: Vec::new(),
            summary_quantiles: false,
            retry_on_failure: RetryConfig::default(),
            sending_queue: QueueConfig::default(),
            dry_run: false,
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
        check_times(Some(self.period), self.storage_resolution, check);
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
        if let Some(mut check) = check.within(&["dimensions"]) {
            self.dimensions.check(&mut check);
        }
        check_rollups(&self.rollups, |name| self.may_give(None, name), check);
        for (at, rule) in self.rules.iter().enumerate() {
            if let Some(mut check) = check.within(&["rules", &at.to_string()]) {
                rule.check(self, &mut check);
            }
        }
        check_reach(&self.rules, check);
        self.retry_on_failure.check("retry_on_failure", check);
    }

    fn facts(&self) -> Facts {
        let rules = self.rules.iter().enumerate();
        let rules = rules.map(|(at, rule)| rule_in_words(at + 1, rule, self));
        let dimensions = std::iter::once(in_words(self)).chain(rules).collect();
        let periods = self.rules.iter().filter_map(|rule| rule.period).chain([self.period]);
        let window = periods.map(|period| period.0).max();
        Facts { wants_delta: true, window, dimensions, ..Facts::default() }
    }
}

impl Config {
    /// What becomes a dimension of the series that a rule is for, or none is.
    pub(super) fn dimensions_of<'a>(&'a self, rule: Option<&'a RuleConfig>) -> &'a DimensionsConfig {
        rule.and_then(|rule| rule.dimensions.as_ref()).unwrap_or(&self.dimensions)
    }

    /// Whether such a series can have a dimension of this name.
    pub(super) fn may_give(&self, rule: Option<&RuleConfig>, name: &str) -> bool {
        self.summary_quantiles && name == QUANTILE || self.dimensions_of(rule).may_give(name)
    }
}

impl DimensionsConfig {
    fn may_give(&self, name: &str) -> bool {
        let mut patterns = self.attributes.iter().chain(&self.resource);
        self.fixed.contains_key(name) || patterns.any(|pattern| matches(pattern, name))
    }

    /// Reports what is wrong with it, and what is hardly meant.
    pub(super) fn check(&self, check: &mut Check<'_>) {
        for (name, value) in &self.fixed {
            if !is_dimension(name, MAX_NAME)
                || name.starts_with(':')
                || !is_dimension(value, MAX_DIMENSION_VALUE)
            {
                let message = format!("CloudWatch does not take the dimension `{name}: {value}`");
                let help = "names of 1 to 255 and values of 1 to 1024 ASCII characters, not blank; no name begins with `:`";
                check.error_with(&["static", name], message, help);
            }
        }
        for name in self.fixed.keys() {
            for (list, names) in [("attributes", &self.attributes), ("resource", &self.resource)] {
                if names.contains(name) {
                    let message = format!("dimension `{name}` has two sources: `static` and `{list}`");
                    let help = "where both are there, the one of `static` is left out";
                    check.warn_with(&["static", name], message, help);
                }
            }
        }
        for (at, name) in self.resource.iter().enumerate() {
            if !name.contains('*') && self.attributes.contains(name) {
                let message = format!("dimension `{name}` has two sources: `attributes` and `resource`");
                let help = "where both are there, the point's attribute is taken";
                check.warn_with(&["resource", &at.to_string()], message, help);
            }
        }
        let certain = self.fixed.len() + self.resource.iter().filter(|name| !name.contains('*')).count();
        if certain > MAX_DIMENSIONS {
            let message = format!("{certain} dimensions are listed, CloudWatch takes {MAX_DIMENSIONS}");
            check.warn_with(&[], message, "those beyond are cut and counted as `dimensions_cut`");
        }
    }

    /// What becomes a dimension, for `validate`.
    pub(super) fn in_words(&self) -> String {
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

/// `StorageResolution` of the datums of a period: as it is written, else what goes with the period.
pub(super) fn resolution_of(written: Option<u32>, period: Duration) -> i32 {
    match written {
        Some(1) => 1,
        None if period < Period::MINUTE.length() => 1,
        Some(_) | None => 60,
    }
}

/// What CloudWatch would not take about a namespace (service model, and the advice against `AWS/`).
pub(super) fn wrong_namespace(namespace: &str) -> Option<&'static str> {
    if !is_dimension(namespace, MAX_NAME) {
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
