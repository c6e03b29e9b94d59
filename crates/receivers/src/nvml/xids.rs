//! A GPU's XIDs, counted by code and by where they happened.

use std::{sync::Arc, time::Duration};

use weir_core::UnixNanos;

use super::{pods::Owner, xid::ALARMABLE};

/// Entries with an instance or a container; what has no room is counted by its code alone.
const MAX_PLACED: usize = 1000;
/// Codes that are counted each by itself: far more than NVIDIA's catalogue has. The others are counted as [`UNKNOWN`].
const MAX_CODES: usize = 1000;
/// NVML's code for an XID that is not known (`nvmlEventData_t`).
const UNKNOWN: u64 = 999;
/// How long an entry is kept when its container is gone: `delta` and dashboards have seen its last point long before.
const KEPT_FOR: Duration = Duration::from_hours(1);

/// XIDs of one code, and where they happened.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Counted {
    pub(super) code: u64,
    /// The MIG instance.
    pub(super) instance: Option<u32>,
    /// Who had it alone at that moment.
    pub(super) owner: Option<Arc<Owner>>,
    pub(super) count: u64,
    /// Since when it is counted: all of it is newer. A stream that begins with its first XID begins just before that one, so that a reader
    /// that takes differences sees it.
    pub(super) since: UnixNanos,
    /// When it was counted last, or its container was there.
    wanted: UnixNanos,
}

impl Counted {
    fn is(&self, code: u64, instance: Option<u32>, owner: Option<&Arc<Owner>>) -> bool {
        self.code == code && self.instance == instance && self.owner.as_ref() == owner
    }

    fn is_placed(&self) -> bool {
        self.instance.is_some() || self.owner.is_some()
    }
}

/// All of a GPU.
#[derive(Debug)]
pub(super) struct Xids(Vec<Counted>);

impl Xids {
    /// Those that are alarmed of, as 0 since `since`.
    pub(super) fn new(since: UnixNanos) -> Self {
        let none_of = |code| Counted { code, instance: None, owner: None, count: 0, since, wanted: since };
        Self(ALARMABLE.map(none_of).into())
    }

    /// Counts one.
    pub(super) fn count(
        &mut self,
        code: u64,
        instance: Option<u32>,
        owner: Option<&Arc<Owner>>,
        now: UnixNanos,
    ) {
        let known = self.0.iter().position(|counted| counted.is(code, instance, owner));
        let at = known.unwrap_or_else(|| {
            let is_placed = instance.is_some() || owner.is_some();
            let alike = self.0.iter().filter(|counted| counted.is_placed() == is_placed).count();
            match (is_placed, alike < if is_placed { MAX_PLACED } else { MAX_CODES }) {
                (_, true) => self.add(code, instance, owner, now),
                (true, false) => self.entry(code, now),
                (false, false) => self.entry(UNKNOWN, now),
            }
        });
        let counted = &mut self.0[at];
        (counted.count, counted.wanted) = (counted.count + 1, now);
    }

    /// The entry of a code alone, for what found no room.
    fn entry(&mut self, code: u64, now: UnixNanos) -> usize {
        let known = |xids: &Self, code| xids.0.iter().position(|counted| counted.is(code, None, None));
        let codes = self.0.iter().filter(|counted| !counted.is_placed()).count();
        let code = if known(self, code).is_some() || codes < MAX_CODES { code } else { UNKNOWN };
        known(self, code).unwrap_or_else(|| self.add(code, None, None, now))
    }

    fn add(&mut self, code: u64, instance: Option<u32>, owner: Option<&Arc<Owner>>, now: UnixNanos) -> usize {
        let since = UnixNanos(now.0.saturating_sub(1));
        self.0.push(Counted { code, instance, owner: owner.cloned(), count: 0, since, wanted: now });
        self.0.len() - 1
    }

    /// Drops those of containers that have been gone for long; what is there now, `is_there` says.
    pub(super) fn forget(&mut self, now: UnixNanos, is_there: impl Fn(&Owner) -> bool) {
        self.0.retain_mut(|counted| {
            let Some(owner) = &counted.owner else { return true };
            if is_there(owner) {
                counted.wanted = now;
            }
            now.since(counted.wanted) <= KEPT_FOR
        });
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Counted> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixNanos = UnixNanos(1_000_000_000_000);

    fn owner(number: u32) -> Arc<Owner> {
        Arc::new(Owner::of("ml", &format!("job-{number}"), "main"))
    }

    fn total(xids: &Xids) -> u64 {
        xids.iter().map(|counted| counted.count).sum()
    }

    fn of(xids: &Xids, code: u64) -> Option<&Counted> {
        xids.iter().find(|counted| counted.is(code, None, None))
    }

    #[test]
    fn a_stream_that_begins_with_an_xid_begins_just_before_it_and_a_zero_at_first_sight() {
        let mut xids = Xids::new(START);
        let later = START.plus(Duration::from_hours(5));
        xids.count(13, None, None, later);
        xids.count(79, None, None, later);
        xids.count(79, None, Some(&owner(1)), later);
        assert_eq!(of(&xids, 79).map(|counted| (counted.since, counted.count)), Some((START, 1)));
        let before = UnixNanos(later.0 - 1);
        assert_eq!(of(&xids, 13).map(|counted| (counted.since, counted.count)), Some((before, 1)));
        let owned = xids.iter().find(|counted| counted.owner.is_some()).unwrap();
        assert_eq!((owned.since, owned.count), (before, 1));
    }

    #[test]
    fn what_finds_no_room_is_counted_by_code_alone_and_codes_without_end_as_unknown() {
        let mut xids = Xids::new(START);
        for number in 0..5000 {
            xids.count(31, None, Some(&owner(number)), START);
        }
        assert_eq!((total(&xids), xids.0.len()), (5000, ALARMABLE.len() + MAX_PLACED + 1));
        assert_eq!(of(&xids, 31).map(|counted| counted.count), Some(4000));
        for code in 10_000..20_000 {
            xids.count(code, None, None, START);
            xids.count(code, Some(3), None, START);
        }
        assert_eq!(total(&xids), 25_000, "each is counted somewhere");
        assert!(xids.0.len() <= MAX_PLACED + MAX_CODES + 1, "{}", xids.0.len());
        assert!(of(&xids, UNKNOWN).is_some_and(|counted| counted.count > 10_000));
    }

    #[test]
    fn an_entry_goes_an_hour_after_its_container_and_makes_room() {
        let mut xids = Xids::new(START);
        let (stays, goes) = (owner(1), owner(2));
        xids.count(31, None, Some(&stays), START);
        xids.count(31, None, Some(&goes), START);
        let at = |minutes| START.plus(Duration::from_mins(minutes));
        let owners =
            |xids: &Xids| xids.iter().filter_map(|counted| counted.owner.clone()).collect::<Vec<_>>();
        xids.forget(at(60), |owner| *owner == *stays);
        assert_eq!(owners(&xids), [Arc::clone(&stays), goes]);
        xids.forget(at(61), |owner| *owner == *stays);
        assert_eq!(owners(&xids), [Arc::clone(&stays)]);
        xids.forget(at(121), |_| false);
        assert_eq!(owners(&xids), [stays], "an hour after it was last there");
        xids.forget(at(122), |_| false);
        assert_eq!((owners(&xids).len(), xids.0.len()), (0, ALARMABLE.len()), "codes stay");
    }
}
