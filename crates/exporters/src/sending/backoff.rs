//! When to try again: the Collector's `retry_on_failure`.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::Check;

/// When a failed request is sent again.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct RetryConfig {
    /// Whether a failed request is sent again at all.
    pub enabled: bool,
    /// The wait after the first failure.
    pub initial_interval: weir_config::Duration,
    /// By how much each wait is longer than the one before; at least 1.
    pub multiplier: f64,
    /// How far a wait strays from its length, from 0 to 1: 0.5 means from a half to one and a half of it.
    pub randomization_factor: f64,
    /// The longest wait.
    pub max_interval: weir_config::Duration,
    /// When a request is given up, counted from its first failure; 0 never: then only the queue's bound drops data.
    pub max_elapsed_time: weir_config::Duration,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            initial_interval: weir_config::Duration(Duration::from_secs(5)),
            multiplier: 1.5,
            randomization_factor: 0.5,
            max_interval: weir_config::Duration(Duration::from_secs(30)),
            max_elapsed_time: weir_config::Duration(Duration::ZERO),
        }
    }
}

impl RetryConfig {
    /// Reports what types cannot say; `key` is where it stands in its component.
    pub(crate) fn check(&self, key: &str, check: &mut Check<'_>) {
        // Negated, so that NaN is caught too.
        if !(1.0..=1000.0).contains(&self.multiplier) {
            let message = format!("multiplier {} is not between 1 and 1000", self.multiplier);
            check.error(&[key, "multiplier"], message);
        }
        if !(0.0..=1.0).contains(&self.randomization_factor) {
            let message =
                format!("randomization_factor {} is not between 0 and 1", self.randomization_factor);
            check.error(&[key, "randomization_factor"], message);
        }
        if self.initial_interval.0.is_zero() {
            check.error(&[key, "initial_interval"], "initial_interval must be longer than 0");
        }
        if self.max_interval < self.initial_interval {
            check.error(&[key, "max_interval"], "max_interval must not be shorter than initial_interval");
        }
        let elapsed = self.max_elapsed_time;
        if !elapsed.0.is_zero() && elapsed < self.max_interval.max(self.initial_interval) {
            let message = "max_elapsed_time must be 0 or at least as long as max_interval";
            check.error(&[key, "max_elapsed_time"], message);
        }
    }
}

/// The waits between failures that follow one another.
#[derive(Debug)]
pub(crate) struct Backoff<'a> {
    config: &'a RetryConfig,
    next: Duration,
}

impl<'a> Backoff<'a> {
    pub(crate) fn new(config: &'a RetryConfig) -> Self {
        Self { config, next: config.initial_interval.0 }
    }

    /// Something worked: the next wait is the first one again.
    pub(crate) fn reset(&mut self) {
        self.next = self.config.initial_interval.0;
    }

    /// The next wait; `random` is from 0 to 1.
    pub(crate) fn next(&mut self, random: f64) -> Duration {
        let (config, wait) = (self.config, self.next);
        self.next = scaled(wait, config.multiplier).min(config.max_interval.0);
        scaled(wait, 1.0 + config.randomization_factor * (2.0 * random - 1.0))
    }
}

/// `duration × factor`, where `Duration::mul_f64` would panic too.
fn scaled(duration: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(duration)
}

/// A number from 0 to 1 that differs from process to process and from call to call: enough to spread retries.
pub(crate) fn random_unit() -> f64 {
    // Each RandomState has keys of its own, seeded by the operating system.
    let bits = RandomState::new().build_hasher().finish();
    bits as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest_and_stray_by_the_factor() {
        let config = RetryConfig {
            initial_interval: weir_config::Duration(Duration::from_secs(4)),
            multiplier: 2.0,
            max_interval: weir_config::Duration(Duration::from_secs(10)),
            ..RetryConfig::default()
        };
        let mut backoff = Backoff::new(&config);
        let waits: Vec<f64> = [0.5, 0.5, 0.5, 0.0, 1.0].map(|r| backoff.next(r).as_secs_f64()).into();
        assert_eq!(waits, [4.0, 8.0, 10.0, 5.0, 15.0]);
        backoff.reset();
        assert_eq!(backoff.next(0.5), Duration::from_secs(4));
    }

    #[test]
    fn random_numbers_differ_and_stay_in_range() {
        let drawn: Vec<f64> = (0..100).map(|_| random_unit()).collect();
        assert!(drawn.iter().all(|r| (0.0..=1.0).contains(r)));
        assert!(drawn.iter().any(|r| *r < 0.5) && drawn.iter().any(|r| *r > 0.5));
    }
}
