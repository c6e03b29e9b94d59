use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::{ByteSize, Check};

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
}

impl Default for Config {
    fn default() -> Self {
        Self {
            send_batch_size: 8192,
            send_batch_max_size: 0,
            max_bytes: ByteSize(0),
            timeout: weir_config::Duration(Duration::from_millis(200)),
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
    }
}
