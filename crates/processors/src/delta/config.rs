use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::Check;
use weir_core::{Facts, Kind};

/// The configuration of `delta`: the Collector's keys, `max_series`, and storage.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// What to do with the first point of a stream, before which nothing is known.
    pub initial_value: InitialValue,
    /// Convert only what fits all of this.
    pub include: Option<Match>,
    /// Do not convert what fits any of this; it wins over `include`.
    pub exclude: Option<Match>,
    /// Forget a stream of which nothing came for this long; 0 remembers for ever.
    pub max_staleness: weir_config::Duration,
    /// Remember at most this many streams, and drop the points of further ones; 0 sets no limit.
    pub max_series: u64,
    /// The extension, such as `file_storage`, that keeps what is remembered over restarts.
    pub storage: Option<String>,
    /// How often it is saved. After a crash, points since the state saved last may count twice.
    pub save_interval: weir_config::Duration,
}

/// What to do with the first point of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InitialValue {
    /// Pass it on if it says that it counts from a time at which Weir was running and had not forgotten anything; otherwise count from it.
    #[default]
    Auto,
    /// Pass it on: all that was counted before counts now.
    Keep,
    /// Count from it: what was counted before does not count.
    Drop,
}

/// Metrics by their names and types.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Match {
    /// Names of metrics, or patterns, as `match_type` says.
    pub metrics: Vec<String>,
    /// How `metrics` are compared.
    pub match_type: Option<MatchType>,
    /// Types of metrics.
    pub metric_types: Vec<MetricType>,
}

/// How names are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MatchType {
    /// The name is one of these.
    Strict,
    /// One of these regular expressions matches a part of the name.
    Regexp,
}

/// A type of metrics that can be converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricType {
    /// Sums.
    Sum,
    /// Histograms with explicit bounds.
    Histogram,
    /// Exponential histograms.
    #[serde(alias = "exponentialhistogram")]
    ExponentialHistogram,
}

impl MetricType {
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Sum => Kind::Sum,
            Self::Histogram => Kind::Histogram,
            Self::ExponentialHistogram => Kind::ExponentialHistogram,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            initial_value: InitialValue::Auto,
            include: None,
            exclude: None,
            max_staleness: weir_config::Duration(Duration::from_hours(1)),
            max_series: 0,
            storage: None,
            save_interval: weir_config::Duration(Duration::from_secs(30)),
        }
    }
}

/// Streams are forgotten by a timer: shorter times would promise more than it holds.
const SHORTEST_STALENESS: Duration = Duration::from_mins(1);
/// Each save writes all streams.
const SHORTEST_SAVE: Duration = Duration::from_secs(1);

impl weir_core::Config for Config {
    fn check(&self, check: &mut Check<'_>) {
        let staleness = self.max_staleness.0;
        if !staleness.is_zero() && staleness < SHORTEST_STALENESS {
            check.error(
                &["max_staleness"],
                format!("{staleness:?} is too short: at least 1m, or 0 to remember for ever"),
            );
        }
        let interval = self.save_interval.0;
        if interval < SHORTEST_SAVE {
            check.error(&["save_interval"], format!("{interval:?} is too short: at least 1s"));
        }
        for (key, side) in [("include", &self.include), ("exclude", &self.exclude)] {
            let Some(side) = side else { continue };
            side.check(key, check);
        }
    }

    fn facts(&self) -> Facts {
        Facts { makes_delta: true, storage: self.storage.clone(), ..Facts::default() }
    }
}

impl Match {
    fn check(&self, key: &str, check: &mut Check<'_>) {
        if self.metrics.is_empty() && self.metric_types.is_empty() {
            let help = "write `metrics` and `match_type`, or `metric_types`";
            check.error_with(&[key], format!("`{key}` names nothing"), help);
        }
        if self.metrics.is_empty() && self.match_type.is_some() {
            let help = "write `metrics`, or take `match_type` out";
            check.error_with(&[key, "match_type"], "there are no `metrics` to compare", help);
        }
        if !self.metrics.is_empty() && self.match_type.is_none() {
            let help = "write `match_type: strict` for whole names, or `match_type: regexp`";
            check.error_with(&[key, "metrics"], "`match_type` is missing beside `metrics`", help);
        }
        if self.match_type == Some(MatchType::Regexp) {
            let faults = self.metrics.iter().filter_map(|text| regex::Regex::new(text).err());
            for fault in faults {
                let words = fault.to_string();
                let last = words.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                check.error(&[key, "metrics"], format!("a pattern cannot be read: {last}"));
            }
        }
    }
}
