//! What may be said of all jobs in `global`, and of each job: how often, how, and within which limits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_exposition::Format;

use super::{duration::PromDuration, sizes::PromSize};

/// A format of the body, by the name that Prometheus gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum ScrapeProtocol {
    /// Protobuf, which alone has native histograms.
    PrometheusProto,
    /// Prometheus's text, version 0.0.4.
    #[serde(rename = "PrometheusText0.0.4")]
    PrometheusText004,
    /// Prometheus's text, version 1.0.0.
    #[serde(rename = "PrometheusText1.0.0")]
    PrometheusText100,
    /// OpenMetrics, version 0.0.1.
    #[serde(rename = "OpenMetricsText0.0.1")]
    OpenMetricsText001,
    /// OpenMetrics, version 1.0.0.
    #[serde(rename = "OpenMetricsText1.0.0")]
    OpenMetricsText100,
}

impl ScrapeProtocol {
    /// The format that it stands for.
    pub fn format(self) -> Format {
        match self {
            Self::PrometheusProto => Format::Protobuf,
            Self::PrometheusText004 => Format::Text004,
            Self::PrometheusText100 => Format::Text100,
            Self::OpenMetricsText001 => Format::OpenMetrics001,
            Self::OpenMetricsText100 => Format::OpenMetrics100,
        }
    }

    /// What is asked for by default, best first.
    pub(super) const TEXTS: [Self; 4] = [
        Self::OpenMetricsText100,
        Self::OpenMetricsText001,
        Self::PrometheusText100,
        Self::PrometheusText004,
    ];
}

/// Which names metrics may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NameValidation {
    /// Any UTF-8.
    Utf8,
    /// ASCII letters, digits, underscores and colons.
    Legacy,
}

/// What a target is asked to do with names that are not ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum NameEscaping {
    /// Nothing.
    #[serde(rename = "allow-utf-8")]
    AllowUtf8,
    /// An underscore for each other character.
    #[serde(rename = "underscores")]
    Underscores,
    /// `_dot_` for a dot, and two underscores for other characters.
    #[serde(rename = "dots")]
    Dots,
    /// `U__`, and the code of each other character.
    #[serde(rename = "values")]
    Values,
}

impl NameEscaping {
    /// Its name in a header.
    pub(in crate::prometheus) fn name(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }
}

/// What holds for all jobs that do not say otherwise.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Global {
    /// How often targets are scraped; left out, 1m.
    pub scrape_interval: Option<PromDuration>,
    /// How long a scrape may take; left out, 10s, and never longer than the interval.
    pub scrape_timeout: Option<PromDuration>,
    /// Formats to ask for, best first; left out, OpenMetrics 1.0.0 and 0.0.1, text 1.0.0 and 0.0.4, and protobuf first where native
    /// histograms are scraped.
    pub scrape_protocols: Option<Vec<ScrapeProtocol>>,
    /// Labels for every series that does not have them; relabelling does not see them.
    pub external_labels: std::collections::BTreeMap<String, String>,
    /// How often rules are evaluated: there are none here, so it changes nothing.
    pub evaluation_interval: Option<PromDuration>,
    /// The largest body, after decompression; 0 is no limit.
    pub body_size_limit: Option<PromSize>,
    /// The most samples of a scrape, after relabelling; 0 is no limit.
    pub sample_limit: Option<u64>,
    /// The most targets of a job; 0 is no limit.
    pub target_limit: Option<u64>,
    /// The most labels of a series; 0 is no limit.
    pub label_limit: Option<u64>,
    /// The longest name of a label, in bytes; 0 is no limit.
    pub label_name_length_limit: Option<u64>,
    /// The longest value of a label, in bytes; 0 is no limit.
    pub label_value_length_limit: Option<u64>,
    /// How many targets that relabelling leaves out are shown, for each job; 0 is no limit.
    pub keep_dropped_targets: Option<u64>,
    /// Which names metrics may have; left out, any UTF-8.
    pub metric_name_validation_scheme: Option<NameValidation>,
    /// What targets are asked to do with names that are not ASCII; left out, nothing (and underscores with legacy validation).
    pub metric_name_escaping_scheme: Option<NameEscaping>,
    /// Whether native histograms are scraped; needs protobuf.
    pub scrape_native_histograms: Option<bool>,
    /// Whether the classic form of a native histogram is scraped too.
    pub always_scrape_classic_histograms: Option<bool>,
    /// Whether classic histograms become histograms with custom buckets. Both become the same explicit histogram here.
    pub convert_classic_histograms_to_nhcb: Option<bool>,
    /// Whether each target has `scrape_timeout_seconds`, `scrape_sample_limit` and `scrape_body_size_bytes` too.
    pub extra_scrape_metrics: Option<bool>,
}
