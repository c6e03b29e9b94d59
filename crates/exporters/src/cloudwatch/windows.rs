//! One window for each length of period: points of different resolution close on their own schedules.

use std::time::Duration;

use weir_core::{Ack, Batch, Interner, UnixNanos, Verdict};
use weir_window::Period;

use super::{
    rules::Rules,
    window::{Closed, Left, Window},
};

/// How long a period stays open after its end for points on their way: a tenth of it, at most 5 seconds.
pub fn grace(period: Period) -> Duration {
    (period.length() / 10).min(Duration::from_secs(5))
}

/// How long a process waits beyond the grace at most, so that a fleet spreads: a sixth of the period, at most 10 seconds.
pub fn longest_jitter(period: Period) -> Duration {
    (period.length() / 6).min(Duration::from_secs(10))
}

/// The windows of an exporter, in the order of the rules' periods.
#[derive(Debug)]
pub struct Windows(Vec<Window>);

impl Windows {
    /// A window for each of these; `jitter`, from 0 to 1, is this process's part of the longest wait.
    pub fn new(periods: &[Period], jitter: f64) -> Self {
        let window =
            |period: &Period| Window::new(*period, grace(*period) + longest_jitter(*period).mul_f64(jitter));
        Self(periods.iter().map(window).collect())
    }

    /// Takes a batch's numbers into the windows that the rules have for them, and `ack` into custody. What is left out
    /// by a window goes to `leave`. The rules have decided about every series of the batch, unless they are plain.
    pub fn record(
        &mut self,
        batch: &Batch,
        ack: Ack,
        now: UnixNanos,
        rules: &Rules,
        mut leave: impl FnMut(Left),
    ) {
        match &mut self.0[..] {
            [window] if rules.is_plain() => leave(window.record(batch, ack, now)),
            windows => {
                for (at, window) in windows.iter_mut().enumerate() {
                    let mine = |id| rules.window_of(id) == Some(at);
                    leave(window.record_those(batch, ack.clone(), now, mine));
                }
                // Each window has a part of its own now.
                ack.settle(Verdict::Delivered);
            }
        }
    }

    /// When the next period closes.
    pub fn due(&self) -> Option<UnixNanos> {
        self.0.iter().filter_map(Window::due).min()
    }

    /// Points in open periods.
    pub fn points(&self) -> u64 {
        self.0.iter().map(Window::points).sum()
    }

    /// Closes the periods that are due.
    pub fn close_due(&mut self, now: UnixNanos, interner: &Interner) -> Vec<Closed> {
        self.0.iter_mut().flat_map(|window| window.close_due(now, interner)).collect()
    }

    /// Closes every period.
    pub fn close_all(&mut self, interner: &Interner) -> Vec<Closed> {
        self.0.iter_mut().flat_map(|window| window.close_all(interner)).collect()
    }
}
