//! Repeated failures must not flood the log: the first is said, then one a minute with how many were left out.

use std::time::Duration;

use crate::clock::UnixNanos;
use parking_lot::Mutex;

/// How long one cause stays quiet after it was said.
const EVERY: Duration = Duration::from_mins(1);

/// Lets one line a minute through.
#[derive(Debug, Default)]
pub struct Quiet(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    last: Option<UnixNanos>,
    suppressed: u64,
}

impl Quiet {
    /// Whether to say it now: then, how often it was left unsaid since the last time.
    pub fn speak(&self, now: UnixNanos) -> Option<u64> {
        let mut said = self.0.lock();
        if said.last.is_some_and(|last| now.since(last) < EVERY) {
            said.suppressed += 1;
            return None;
        }
        said.last = Some(now);
        Some(std::mem::take(&mut said.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_minute_says_how_many_were_left_out() {
        let quiet = Quiet::default();
        let at = |seconds: u64| UnixNanos(1_000_000_000 * (1_800_000_000 + seconds));
        assert_eq!(quiet.speak(at(0)), Some(0));
        assert_eq!(quiet.speak(at(1)), None);
        assert_eq!(quiet.speak(at(59)), None);
        assert_eq!(quiet.speak(at(60)), Some(2));
        assert_eq!(quiet.speak(at(120)), Some(0));
    }
}
