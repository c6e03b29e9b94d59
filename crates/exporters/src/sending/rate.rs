//! How many requests a second go out: additive increase, multiplicative decrease.
//!
//! The destination's limit is one for many senders who do not know of each other, such as CloudWatch's 500 requests a
//! second of an account and Region. Each sender halves its rate when it is throttled, and adds a little for as long as it
//! is not: whatever they start from, their rates grow alike (Chiu and Jain, 1989: of the simple rules the one that ends in
//! equal shares). It starts at [`START`], takes what it did not use within the last second at once, and never gives up.

use std::time::Duration;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use weir_core::{Clock, UnixNanos};

/// Requests a second at the start: a fifth of what an account may.
const START: f64 = 100.0;
/// The most: an account's quota, where it was not raised.
const MOST: f64 = 500.0;
/// The least: a request in five seconds finds out whether the storm is over.
const LEAST: f64 = 0.2;
/// By how much a second without a throttle raises the rate.
const STEP: f64 = 5.0;
/// What a throttle leaves of it.
const CUT: f64 = 0.5;
/// One storm is answered by one cut: what else was under way says nothing new.
const ONE_STORM: Duration = Duration::from_secs(1);

/// The rate of one sender.
#[derive(Debug)]
pub(crate) struct Rate(Mutex<State>);

#[derive(Debug)]
struct State {
    limit: f64,
    /// Requests that may go out at once.
    room: f64,
    /// When `room` was right.
    at: UnixNanos,
    cut_at: Option<UnixNanos>,
    /// The destination wants to be left alone until then.
    paused_until: UnixNanos,
}

impl Rate {
    pub(crate) fn new(now: UnixNanos) -> Self {
        Self(Mutex::new(State {
            limit: START,
            room: START,
            at: now,
            cut_at: None,
            paused_until: UnixNanos(0),
        }))
    }

    /// Waits until one request may go out. From the `hurry` of a drain on no pause is waited for: who comes later comes never.
    pub(crate) async fn admitted(&self, clock: &Clock, hurry: &CancellationToken) {
        loop {
            let is_last = hurry.is_cancelled();
            let wait = self.admit(clock.now(), is_last);
            if wait.is_zero() {
                return;
            }
            tokio::select! {
                () = clock.sleep(wait) => {}
                () = hurry.cancelled(), if !is_last => {}
            }
        }
    }

    /// Lets one request out, or says how long to wait before asking again.
    fn admit(&self, now: UnixNanos, is_last: bool) -> Duration {
        let mut state = self.0.lock();
        let paused = if is_last { Duration::ZERO } else { state.paused_until.since(now) };
        if !paused.is_zero() {
            return paused;
        }
        let gained = now.since(state.at).as_secs_f64() * state.limit;
        state.room = (state.room + gained).min(state.limit.max(1.0));
        state.at = now;
        // A hair less than one is one: time is counted in nanoseconds, room is not.
        if state.room >= 1.0 - 1e-6 {
            state.room -= 1.0;
            Duration::ZERO
        } else {
            Duration::from_secs_f64((1.0 - state.room) / state.limit)
        }
    }

    /// A request was answered, and not throttled.
    pub(crate) fn passed(&self) {
        let mut state = self.0.lock();
        state.limit = (state.limit + (STEP / state.limit).min(1.0)).min(MOST);
    }

    /// The request that was sent at `sent` was throttled. Answers how long it should wait.
    pub(crate) fn throttled(&self, sent: UnixNanos, now: UnixNanos) -> Duration {
        let mut state = self.0.lock();
        let is_same_storm = state.cut_at.is_some_and(|cut| sent <= cut || now.since(cut) < ONE_STORM);
        if !is_same_storm {
            state.limit = (state.limit * CUT).max(LEAST);
            state.room = 0.0;
            state.at = now;
            state.cut_at = Some(now);
        }
        Duration::from_secs_f64(1.0 / state.limit)
    }

    /// Nothing goes out for this long: the destination asks for it.
    pub(crate) fn pause(&self, now: UnixNanos, wait: Duration) {
        let mut state = self.0.lock();
        state.paused_until = state.paused_until.max(now.plus(wait));
    }

    /// Requests a second that may go out now.
    pub(crate) fn limit(&self) -> f64 {
        self.0.lock().limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> UnixNanos {
        UnixNanos(1_800_000_000_000_000_000).plus(Duration::from_millis(millis))
    }

    /// Lets out what it may in a second that begins at `from`, in steps of a millisecond.
    fn let_out(rate: &Rate, from: u64) -> usize {
        (from..from + 1000).filter(|millis| rate.admit(at(*millis), false).is_zero()).count()
    }

    #[test]
    fn an_idle_second_can_be_made_up_for_and_no_more() {
        let rate = Rate::new(at(0));
        let at_once = std::iter::from_fn(|| rate.admit(at(60_000), false).is_zero().then_some(())).count();
        assert_eq!(at_once, 100);
        assert_eq!(rate.admit(at(60_000), false), Duration::from_millis(10));
        assert!(rate.admit(at(60_010), false).is_zero());
    }

    #[test]
    fn a_storm_halves_the_rate_once_and_the_next_one_again() {
        let rate = Rate::new(at(0));
        assert_eq!(rate.throttled(at(10), at(20)), Duration::from_millis(20));
        for sent in 0..30 {
            rate.throttled(at(sent), at(30 + sent));
        }
        assert!((rate.limit() - 50.0).abs() < 1e-9, "{}", rate.limit());
        assert!((49..=51).contains(&let_out(&rate, 20)));
        rate.throttled(at(1500), at(1600));
        assert!((rate.limit() - 25.0).abs() < 1e-9);
        for second in 2..60 {
            rate.throttled(at(second * 1000), at(second * 1000 + 1000));
        }
        assert!((rate.limit() - LEAST).abs() < 1e-9, "it never gives up: {}", rate.limit());
    }

    #[test]
    fn without_throttles_it_grows_by_five_a_second_up_to_the_quota() {
        let rate = Rate::new(at(0));
        for _ in 0..100 {
            rate.passed();
        }
        assert!((104.8..=105.0).contains(&rate.limit()), "{}", rate.limit());
        (0..100_000).for_each(|_| rate.passed());
        assert!((rate.limit() - MOST).abs() < 1e-9);
    }

    #[test]
    fn after_a_storm_it_is_back_within_seconds_of_use() {
        let rate = Rate::new(at(0));
        for second in 0..60 {
            rate.throttled(at(second * 1000), at(second * 1000 + 1000));
        }
        let mut seconds = 0;
        while rate.limit() < START {
            let from = 100_000 + seconds * 1000;
            (0..let_out(&rate, from)).for_each(|_| rate.passed());
            seconds += 1;
            assert!(seconds < 60, "{}", rate.limit());
        }
    }

    #[test]
    fn senders_that_start_apart_end_with_equal_shares() {
        // A destination that takes 40 a second of all together, and throttles the rest.
        let rates: Vec<Rate> = [400.0, 100.0, 7.0, 1.0]
            .map(|start| {
                let rate = Rate::new(at(0));
                rate.0.lock().limit = start;
                rate
            })
            .into();
        let mut taken = vec![0_u32; rates.len()];
        for second in 0..600 {
            let mut room = 40;
            for millis in second * 1000..(second + 1) * 1000 {
                // Whoever is first has no advantage.
                for turn in 0..rates.len() {
                    let who = (turn + millis as usize) % rates.len();
                    if !rates[who].admit(at(millis), false).is_zero() {
                        continue;
                    }
                    if room > 0 {
                        room -= 1;
                        rates[who].passed();
                        taken[who] += u32::from(second >= 300);
                    } else {
                        rates[who].throttled(at(millis), at(millis));
                    }
                }
            }
        }
        let all: u32 = taken.iter().sum();
        assert!(all > 300 * 40 * 8 / 10, "the limit is used: {taken:?}");
        for one in &taken {
            assert!((f64::from(*one) / f64::from(all) - 0.25).abs() < 0.05, "{taken:?}");
        }
    }

    #[test]
    fn a_pause_holds_everything() {
        let rate = Rate::new(at(0));
        rate.pause(at(0), Duration::from_secs(30));
        rate.pause(at(0), Duration::from_secs(10));
        assert_eq!(rate.admit(at(1000), false), Duration::from_secs(29));
        assert!(rate.admit(at(1000), true).is_zero(), "but for a last attempt");
        assert!(rate.admit(at(30_000), false).is_zero());
    }
}
