//! How often a detector that asks over a network tries again.

use std::time::Duration;

use weir_core::Clock;

/// After the first failure, and twice as long after each further one.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait after a failure. What starts late, such as a tag that is set after boot, is met within it.
const LONGEST: Duration = Duration::from_secs(180);

/// The waits of one detector.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    failed: u32,
}

impl Attempts {
    /// Waits after an attempt that failed.
    pub(crate) async fn wait_after_failure(&mut self, clock: &Clock) {
        let wait = FIRST.saturating_mul(1 << self.failed.min(10)).min(LONGEST);
        self.failed += 1;
        clock.sleep(jittered(wait)).await;
    }

    /// Waits for what is not there yet.
    pub(crate) async fn wait_for_more(&mut self, clock: &Clock) {
        self.failed = 0;
        clock.sleep(jittered(LONGEST)).await;
    }
}

/// From half to one and a half times as long: a fleet that starts at once must not ask at once.
pub(crate) fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(0.5 + fastrand::f64())
}
