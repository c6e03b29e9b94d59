use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::{ByteSize, Check};
use weir_core::Facts;
use weir_window::Period;

/// The configuration of `batch`: the Collector's keys, and `max_bytes`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// Send a batch on once it has this many points; 0 sends every batch on as it comes, cut to the limits.
    pub send_batch_size: u64,
    /// Send no batch of more points than this, but cut it; 0 sets no limit.
    pub send_batch_max_size: u64,
    /// Send no batch that takes more memory than this, but cut it; 0 sets no limit.
    pub max_bytes: ByteSize,
    /// Hold a point no longer than this; 0 sends every batch on as it comes, cut to the limits.
    pub timeout: weir_config::Duration,
    /// Make one point a series of all within this time, aligned to the wall clock; `send_batch_size` and `timeout` then mean nothing.
    pub window: Option<weir_config::Duration>,
    /// With `window`: beside the last value of a gauge, the least and the greatest as metrics of their own, `NAME.min` and `NAME.max`.
    pub gauge_statistics: Vec<GaugeStatistic>,
}

/// What can be asked for of a gauge in a window, beside its last value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GaugeStatistic {
    /// The least value.
    Min,
    /// The greatest value.
    Max,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            send_batch_size: 8192,
            send_batch_max_size: 0,
            max_bytes: ByteSize(0),
            timeout: weir_config::Duration(Duration::from_millis(200)),
            window: None,
            gauge_statistics: Vec::new(),
        }
    }
}

/// A timer that fires more often than this would keep a core busy.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(2);

impl weir_core::Config for Config {
    fn check(&self, check: &mut Check<'_>) {
        let (size, max) = (self.send_batch_size, self.send_batch_max_size);
        if max > 0 && max < size {
            check.error(
                &["send_batch_max_size"],
                format!(
                    "{max} is less than send_batch_size, which is {size}: no batch would reach that size"
                ),
            );
        }
        let timeout = self.timeout.0;
        if !timeout.is_zero() && timeout < SHORTEST_TIMEOUT {
            check.error(
                &["timeout"],
                format!("{timeout:?} is too short: at least 2ms, or 0 to hold nothing back"),
            );
        }
        if let Some(window) = self.window
            && let Err(error) = Period::new(window.0)
        {
            check.error(&["window"], error.to_string());
        }
        if self.window.is_none() && !self.gauge_statistics.is_empty() {
            let help = "write `window: 60s`, or take `gauge_statistics` out";
            check.error_with(&["gauge_statistics"], "there is no `window` to take them in", help);
        }
        check.not_taken(
            &["metadata_keys"],
            "points are told apart by their series, whoever shares their batch",
            "take it out; `include_metadata` of `otlp` makes what a connection says part of a series",
        );
        check.not_taken(&["metadata_cardinality_limit"], "there are no batches by metadata", "take it out");
    }

    fn facts(&self) -> Facts {
        Facts { window: self.window.map(|window| window.0), ..Facts::default() }
    }
}
