//! A counter of the board, told by who had the GPU.
//!
//! The board counts on through all its users. Each container that has the GPU alone has a stream of its own, from 0 at its first sight; what was
//! counted while nobody had it alone stays in the stream without an owner. All streams together are the board's total.

use std::sync::Arc;

use weir_core::UnixNanos;

use super::pods::Owner;

/// After so many a counter of 32 bits begins at 0 again.
const TURN: f64 = 4_294_967_296.0;

/// Where a counter stands.
#[derive(Clone, Debug)]
pub(super) struct Count {
    /// Since when the board counts, as far as is known.
    start: UnixNanos,
    last: f64,
    at: UnixNanos,
    /// What of `last` was counted for owners.
    given: f64,
    owned: Option<Owned>,
    /// Of a counter of 32 bits.
    turns: Option<Turns>,
}

/// How often a counter of 32 bits has come round.
#[derive(Clone, Copy, Debug, Default)]
struct Turns {
    /// What it said last; nothing since NVML was opened anew.
    said: Option<f64>,
    /// All its turns.
    whole: f64,
}

/// The stream of the container that has the GPU.
#[derive(Clone, Debug)]
struct Owned {
    owner: Arc<Owner>,
    since: UnixNanos,
    /// What the board's total was, less what the owner's stream was.
    base: f64,
}

/// A point of a counter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stream<'a> {
    pub(super) owner: Option<&'a Owner>,
    pub(super) start: UnixNanos,
    pub(super) value: f64,
}

impl Count {
    /// The board's total when it is first seen: whose it was is not known, so it is nobody's.
    pub(super) fn new(total: f64, now: UnixNanos, wraps: bool) -> Self {
        let turns = wraps.then(Turns::default);
        Self { start: now, last: total, at: now, given: 0.0, owned: None, turns }
    }

    /// NVML was opened anew: the GPU or the driver may have been reset meanwhile.
    pub(super) fn reopened(&mut self) {
        if let Some(turns) = &mut self.turns {
            turns.said = None;
        }
    }

    /// Takes the board's total of `now`, when `owner` has the GPU. What was counted since the last one is the owner's of then: where another has it
    /// now, `put` has that one's last point before the new one's first.
    pub(super) fn take(
        &mut self,
        total: f64,
        now: UnixNanos,
        owner: Option<&Arc<Owner>>,
        mut put: impl FnMut(Stream<'_>),
    ) {
        let total = self.unwrapped(total);
        self.count_on(total, now);
        if self.owned.as_ref().map(|owned| &owned.owner) != owner {
            put(self.stream());
            self.hand_over(owner, now);
        }
        put(self.stream());
    }

    /// Within one opening of NVML a counter of 32 bits that falls has come round: nobody resets a GPU that is held. How often, it does not say:
    /// once is assumed. From one opening to the next a fall is a reset.
    fn unwrapped(&mut self, said: f64) -> f64 {
        let Some(turns) = &mut self.turns else { return said };
        match turns.said.replace(said) {
            // A driver that counts beyond 32 bits does not come round.
            Some(before) if said < before && before < TURN => turns.whole += TURN,
            None if said + turns.whole < self.last => turns.whole = 0.0,
            Some(_) | None => {}
        }
        said + turns.whole
    }

    /// Where the total falls, the GPU or the driver was reset: the board's counter began after it was last seen.
    fn count_on(&mut self, total: f64, now: UnixNanos) {
        if total < self.last {
            (self.start, self.given) = (self.at, 0.0);
            if let Some(owned) = &mut self.owned {
                owned.base -= self.last; // an owner's stream goes on
            }
        }
        (self.last, self.at) = (total, now);
    }

    fn hand_over(&mut self, to: Option<&Arc<Owner>>, now: UnixNanos) {
        if let Some(owned) = self.owned.take() {
            self.given += self.last - owned.base.max(0.0); // below 0: it had the GPU through a reset
        }
        self.owned = to.map(|owner| Owned { owner: Arc::clone(owner), since: now, base: self.last });
    }

    fn stream(&self) -> Stream<'_> {
        match &self.owned {
            None => Stream { owner: None, start: self.start, value: self.last - self.given },
            Some(owned) => {
                let value = self.last - owned.base;
                Stream { owner: Some(&owned.owner), start: owned.since, value }
            }
        }
    }
}

/// How fast a counter grows from one look to the next.
#[derive(Debug, Default)]
pub(super) struct Rate(Option<(UnixNanos, f64)>);

impl Rate {
    /// A second's worth since the last look; nothing at the first, and where the counter began anew.
    pub(super) fn next(&mut self, total: f64, now: UnixNanos) -> Option<f64> {
        let (at, before) = self.0.replace((now, total))?;
        let seconds = now.since(at).as_secs_f64();
        (total >= before && seconds > 0.0).then(|| (total - before) / seconds)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn owner(name: &str) -> Arc<Owner> {
        Arc::new(Owner::of("ml", name, "main"))
    }

    /// What `count` puts out: pod, start, value.
    fn take(count: &mut Count, total: f64, now: u64, owner: Option<&Arc<Owner>>) -> Vec<(String, u64, f64)> {
        let mut all = Vec::new();
        let name = |owner: Option<&Owner>| {
            owner.map_or(String::new(), |owner| owner.attributes().nth(1).unwrap().1.to_owned())
        };
        count.take(total, UnixNanos(now), owner, |point| {
            all.push((name(point.owner), point.start.0, point.value));
        });
        all
    }

    fn point(owner: &str, start: u64, value: f64) -> (String, u64, f64) {
        (owner.to_owned(), start, value)
    }

    #[test]
    fn each_owner_counts_from_its_first_sight_and_nobody_goes_on_where_nobody_was() {
        let (a, b) = (owner("a"), owner("b"));
        let mut count = Count::new(1000.0, UnixNanos(1), false);
        assert_eq!(take(&mut count, 1000.0, 1, None), [point("", 1, 1000.0)]);
        assert_eq!(take(&mut count, 1010.0, 2, Some(&a)), [point("", 1, 1010.0), point("a", 2, 0.0)]);
        assert_eq!(take(&mut count, 1030.0, 3, Some(&a)), [point("a", 2, 20.0)]);
        assert_eq!(take(&mut count, 1034.0, 4, Some(&b)), [point("a", 2, 24.0), point("b", 4, 0.0)]);
        assert_eq!(take(&mut count, 1035.0, 5, None), [point("b", 4, 1.0), point("", 1, 1010.0)]);
        assert_eq!(take(&mut count, 1040.0, 6, None), [point("", 1, 1015.0)]);
        assert_eq!(take(&mut count, 1040.0, 7, Some(&a)), [point("", 1, 1015.0), point("a", 7, 0.0)]);
    }

    #[test]
    fn a_reset_is_one_for_nobodys_stream_and_none_for_an_owners() {
        let a = owner("a");
        let mut count = Count::new(500.0, UnixNanos(1), false);
        take(&mut count, 500.0, 1, Some(&a));
        assert_eq!(take(&mut count, 520.0, 2, Some(&a)), [point("a", 1, 20.0)]);
        assert_eq!(take(&mut count, 7.0, 3, Some(&a)), [point("a", 1, 27.0)]);
        assert_eq!(take(&mut count, 9.0, 4, None), [point("a", 1, 29.0), point("", 2, 0.0)]);
        assert_eq!(take(&mut count, 10.0, 5, None), [point("", 2, 1.0)]);
        assert_eq!(take(&mut count, 4.0, 6, None), [point("", 5, 4.0)]);
    }

    #[test]
    fn a_counter_of_32_bits_comes_round_while_nvml_is_open_and_is_reset_where_it_was_opened_anew() {
        let gib = f64::from(1 << 30);
        let mut count = Count::new(3.0 * gib, UnixNanos(1), true);
        assert_eq!(take(&mut count, 3.0 * gib, 1, None), [point("", 1, 3.0 * gib)]);
        assert_eq!(take(&mut count, gib, 2, None), [point("", 1, 5.0 * gib)]);
        assert_eq!(take(&mut count, 2.0 * gib, 3, None), [point("", 1, 6.0 * gib)]);
        assert_eq!(take(&mut count, 0.0, 4, None), [point("", 1, 8.0 * gib)]);
        count.reopened();
        assert_eq!(take(&mut count, gib, 5, None), [point("", 1, 9.0 * gib)], "it went on meanwhile");
        count.reopened();
        assert_eq!(take(&mut count, 0.5 * gib, 6, None), [point("", 5, 0.5 * gib)], "and now it was reset");
        assert_eq!(take(&mut count, 0.25 * gib, 7, None), [point("", 5, 4.25 * gib)]);
    }

    #[test]
    fn a_counter_that_went_beyond_32_bits_is_reset_where_it_falls() {
        let mut count = Count::new(5e9, UnixNanos(1), true);
        take(&mut count, 5e9, 1, None);
        assert_eq!(take(&mut count, 1e9, 2, None), [point("", 1, 1e9)]);
    }

    #[test]
    fn a_rate_is_of_the_time_between_two_looks_and_none_where_the_counter_began_anew() {
        let mut rate = Rate::default();
        let at = |seconds: u64| UnixNanos(seconds * 1_000_000_000);
        assert_eq!(rate.next(100.0, at(10)), None);
        assert_eq!(rate.next(300.0, at(20)), Some(20.0));
        assert_eq!(rate.next(300.0, at(20)), None, "no time has passed");
        assert_eq!(rate.next(7.0, at(30)), None);
        assert_eq!(rate.next(8.0, at(32)), Some(0.5));
    }

    proptest! {
        /// Whoever adds up the increments of all streams has what the board counted.
        #[test]
        fn all_streams_together_are_the_boards_total(
            steps in prop::collection::vec((0..100_u32, prop::bool::weighted(0.1), 0..4_usize), 1..60)
        ) {
            let owners = [None, Some(owner("a")), Some(owner("b")), Some(owner("c"))];
            let mut count = Count::new(50.0, UnixNanos(0), false);
            let (mut board, mut counted, mut of_streams) = (50.0, 0.0, 0.0);
            let mut seen = BTreeMap::from([(String::new(), (0, 50.0))]);
            for (now, (more, resets, whose)) in steps.into_iter().enumerate() {
                let more = f64::from(more);
                let resets = resets && more < board; // otherwise nobody can tell
                board = if resets { more } else { board + more };
                counted += more;
                for (owner, start, value) in take(&mut count, board, now as u64 + 1, owners[whose].as_ref()) {
                    let (begun, before) = seen.insert(owner, (start, value)).unwrap_or((start, 0.0));
                    let goes_on = begun == start && value >= before;
                    of_streams += if goes_on { value - before } else { value };
                }
            }
            prop_assert!((of_streams - counted).abs() < 1e-6, "{of_streams} of {counted}");
        }
    }
}
