//! When each target is scraped: at its own offset in its interval, whatever the others do.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use weir_core::UnixNanos;

use super::targets::Id;

/// The scrapes to come, the next one on top.
#[derive(Debug, Default)]
pub(super) struct Schedule(BinaryHeap<Reverse<(UnixNanos, Id)>>);

impl Schedule {
    /// Enters a scrape.
    pub(super) fn add(&mut self, at: UnixNanos, id: Id) {
        self.0.push(Reverse((at, id)));
    }

    /// When the next scrape is due.
    pub(super) fn next(&self) -> Option<UnixNanos> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes out a scrape that is due at `now`.
    pub(super) fn due(&mut self, now: UnixNanos) -> Option<Id> {
        let is_due = self.next().is_some_and(|at| at <= now);
        if is_due { self.0.pop().map(|Reverse((_, id))| id) } else { None }
    }
}

/// The first time after `now` that is `offset` past a multiple of `interval`: what was missed is not made up for.
pub(super) fn following(now: UnixNanos, interval: Duration, offset: Duration) -> UnixNanos {
    let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let (interval, offset) = (nanos(interval).max(1), nanos(offset));
    let begun = now.0.saturating_sub(offset) / interval * interval;
    let mut next = begun.saturating_add(offset);
    while next <= now.0 {
        next = next.saturating_add(interval);
    }
    UnixNanos(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scrape_is_the_first_of_its_offset_after_now() {
        let seconds = |seconds: u64| UnixNanos(seconds * 1_000_000_000);
        let (interval, offset) = (Duration::from_secs(15), Duration::from_secs(4));
        for (now, next) in [(1000, 1009), (1008, 1009), (1009, 1024), (1010, 1024), (0, 4), (3, 4), (4, 19)] {
            assert_eq!(following(seconds(now), interval, offset), seconds(next), "{now}");
        }
    }

    #[test]
    fn what_is_due_comes_in_the_order_of_time() {
        let mut schedule = Schedule::default();
        [(30, 1), (10, 2), (20, 3)].into_iter().for_each(|(at, id)| schedule.add(UnixNanos(at), id));
        assert_eq!(schedule.next(), Some(UnixNanos(10)));
        assert_eq!(schedule.due(UnixNanos(5)), None);
        let due: Vec<Id> = std::iter::from_fn(|| schedule.due(UnixNanos(20))).collect();
        assert_eq!(due, [2, 3]);
        assert_eq!(schedule.next(), Some(UnixNanos(30)));
    }
}
