//! Time (R9): the only place that reads the system's clocks.
//!
//! Components take the time from their context's [`Clock`], so that tests can compress hours into seconds.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use tokio::sync::watch;

/// Nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixNanos(pub u64);

impl UnixNanos {
    /// The time `later` after this one; stops at the end of the range.
    pub fn plus(self, later: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(later.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// The time since `earlier`, zero if that is in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Whole seconds since the epoch.
    pub fn seconds(self) -> u64 {
        self.0 / 1_000_000_000
    }
}

/// A source of time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    /// The system's time.
    System,
    /// The system's time, running `rate` times as fast from `start` on.
    Compressed { start: UnixNanos, origin: Instant, rate: f64 },
    /// A time that only tests move.
    Manual(Arc<watch::Sender<UnixNanos>>),
}

#[expect(clippy::disallowed_methods, reason = "the clock is where these are read")]
impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that starts now and runs `rate` times as fast as the system's.
    pub fn compressed(rate: f64) -> Self {
        Self(Source::Compressed { start: system_now(), origin: Instant::now(), rate })
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it.
    pub fn manual(start: UnixNanos) -> Self {
        Self(Source::Manual(Arc::new(watch::channel(start).0)))
    }

    /// Moves a manual clock; the others run by themselves.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(time) = &self.0 {
            time.send_modify(|now| *now = now.plus(by));
        }
    }

    /// The time.
    pub fn now(&self) -> UnixNanos {
        match &self.0 {
            Source::System => system_now(),
            Source::Compressed { start, origin, rate } => start.plus(origin.elapsed().mul_f64(*rate)),
            Source::Manual(time) => *time.borrow(),
        }
    }

    /// Waits for `duration` of this clock's time.
    pub async fn sleep(&self, duration: Duration) {
        match &self.0 {
            Source::System => tokio::time::sleep(duration).await,
            Source::Compressed { rate, .. } => tokio::time::sleep(duration.div_f64(*rate)).await,
            Source::Manual(time) => {
                let until = self.now().plus(duration);
                // The sender lives in `self`, so the wait cannot fail.
                let _ = time.subscribe().wait_for(|now| *now >= until).await;
            }
        }
    }

    /// Waits until `time`; returns at once if that is past.
    pub async fn sleep_until(&self, time: UnixNanos) {
        // A step of the system's clock must not oversleep by more than a second.
        const LONGEST: Duration = Duration::from_secs(1);
        loop {
            let left = time.since(self.now());
            if left.is_zero() {
                return;
            }
            match &self.0 {
                Source::System => self.sleep(left.min(LONGEST)).await,
                _ => self.sleep(left).await,
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the clock is where this is read")]
fn system_now() -> UnixNanos {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixNanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_moves_only_when_told_and_wakes_sleepers() {
        let clock = Clock::manual(UnixNanos(5));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move {
                clock.sleep(Duration::from_secs(3600)).await;
                clock.now()
            }
        });
        tokio::task::yield_now().await;
        assert_eq!(clock.now(), UnixNanos(5));
        while !sleeper.is_finished() {
            clock.advance(Duration::from_secs(1800));
            tokio::task::yield_now().await;
        }
        assert!(sleeper.await.unwrap() >= UnixNanos(5).plus(Duration::from_secs(3600)));
    }

    #[tokio::test]
    async fn a_compressed_clock_passes_an_hour_in_a_moment() {
        let clock = Clock::compressed(3_600_000.0);
        let start = clock.now();
        clock.sleep_until(start.plus(Duration::from_secs(3600))).await;
        assert!(clock.now().since(start) >= Duration::from_secs(3600));
    }
}
