//! Failures that repeat: the first is logged, then one a minute with how many were left out.

use std::sync::{Mutex, PoisonError};

use weir_core::UnixNanos;

/// The least time between two lines, in seconds.
const EVERY: u64 = 60;

/// One kind of failure.
#[derive(Debug, Default)]
pub(super) struct Repeated(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    logged: Option<UnixNanos>,
    left_out: u64,
}

impl Repeated {
    /// Whether the failure is to be logged; if so, how many were not since the last one that was.
    pub(super) fn log_now(&self, now: UnixNanos) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.logged.is_some_and(|logged| now.since(logged).as_secs() < EVERY) {
            state.left_out += 1;
            return None;
        }
        state.logged = Some(now);
        Some(std::mem::take(&mut state.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_logged_and_then_one_a_minute() {
        let failures = Repeated::default();
        let at = |seconds: u64| UnixNanos((1_800_000_000 + seconds) * 1_000_000_000);
        assert_eq!(failures.log_now(at(0)), Some(0));
        assert_eq!(failures.log_now(at(1)), None);
        assert_eq!(failures.log_now(at(59)), None);
        assert_eq!(failures.log_now(at(60)), Some(2));
        assert_eq!(failures.log_now(at(119)), None);
        assert_eq!(failures.log_now(at(120)), Some(1));
    }
}
