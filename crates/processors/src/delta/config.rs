use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::Check;
use weir_core::Facts;

/// The configuration of `delta`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// What to do with the first point of a stream, before which nothing is known.
    pub initial_value: InitialValue,
    /// Forget a stream of which nothing came for this long; 0 remembers for ever.
    pub max_staleness: weir_config::Duration,
    /// Remember at most this many streams, and drop the points of further ones; 0 sets no limit.
    pub max_series: u64,
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

impl Default for Config {
    fn default() -> Self {
        Self {
            initial_value: InitialValue::Auto,
            max_staleness: weir_config::Duration(Duration::from_hours(1)),
            max_series: 0,
        }
    }
}

/// Streams are forgotten by a timer: shorter times would promise more than it holds.
const SHORTEST_STALENESS: Duration = Duration::from_mins(1);

impl weir_core::Config for Config {
    fn check(&self, check: &mut Check<'_>) {
        let staleness = self.max_staleness.0;
        if !staleness.is_zero() && staleness < SHORTEST_STALENESS {
            check.error(
                &["max_staleness"],
                format!("{staleness:?} is too short: at least 1m, or 0 to remember for ever"),
            );
        }
    }

    fn facts(&self) -> Facts {
        Facts { makes_delta: true, ..Facts::default() }
    }
}
