//! The aliases of one sender, under the headings that they have in common.

use std::{collections::HashMap, sync::Arc};

use super::{
    Heading, Predicted, Under,
    names::{NONE, Names, Numbers},
};
use crate::series::{Series, SeriesId};

/// How often a series is held at most, and so about how many names are remembered for it: one a table, and some for senders
/// whose attributes change their order. Who goes on calling a series by new names finds it the slow way, and takes no memory.
pub(super) const ALIASES_PER_SERIES: usize = 8 * super::TABLES_PER_SENDER;

/// What an alias stands for. `used` times are seconds since the epoch, which fit 32 bits until 2106.
#[derive(Debug)]
struct Alias {
    id: SeriesId,
    used: u32,
    /// Keeps the series live.
    series: Arc<Series>,
}

#[derive(Debug, Default)]
pub(super) struct AliasTable {
    /// Only those that an alias is under, or was until the last expiry.
    headings: Names<()>,
    aliases: Names<Alias>,
    /// Series in use without an alias, and when each was used last: held alive, found through the interner.
    held: HashMap<SeriesId, (Arc<Series>, u64), ahash::RandomState>,
}

impl AliasTable {
    /// How many aliases there are.
    pub(super) fn count(&self) -> u64 {
        self.aliases.entries().len() as u64
    }

    /// The memory that names take, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.headings.bytes() + self.aliases.bytes()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count() == 0 && self.held.is_empty()
    }

    pub(super) fn rewind(&mut self) {
        self.headings.rewind();
        self.aliases.rewind();
    }

    #[inline]
    pub(super) fn heading(&mut self, parent: Heading, bytes: &[u8]) -> Option<Heading> {
        self.headings.find(parent.0, bytes).map(Heading)
    }

    #[inline]
    pub(super) fn predict(&self, under: Heading, bytes: &[u8]) -> Option<Predicted> {
        let (at, entry) = self.aliases.predict(under.0, bytes)?;
        Some(Predicted { at, len: entry.len() })
    }

    #[inline]
    pub(super) fn take(&mut self, predicted: Predicted, now: u64) -> Option<SeriesId> {
        self.aliases.advance(predicted.at);
        self.touch(predicted.at, now)
    }

    #[inline]
    pub(super) fn find(&mut self, under: Heading, alias: &[u8], now: u64) -> Option<SeriesId> {
        let at = self.aliases.find(under.0, alias)?;
        self.touch(at, now)
    }

    #[inline]
    fn touch(&mut self, at: u32, now: u64) -> Option<SeriesId> {
        let alias = self.aliases.value_mut(at)?;
        alias.used = now as u32;
        Some(alias.id)
    }

    /// Remembers `alias`.
    pub(super) fn remember(&mut self, under: Under<'_>, alias: &[u8], series: Arc<Series>, now: u64) {
        if Arc::strong_count(&series) > ALIASES_PER_SERIES {
            return self.hold(series, now);
        }
        let under = match under {
            Under::Known(heading) => heading.0,
            Under::New(headings) => {
                headings.iter().fold(NONE, |parent, bytes| self.enter_heading(parent, bytes))
            }
        };
        self.insert(under, alias, series, now);
    }

    fn enter_heading(&mut self, parent: u32, bytes: &[u8]) -> u32 {
        self.headings.find(parent, bytes).unwrap_or_else(|| self.headings.insert(parent, bytes, ()))
    }

    fn insert(&mut self, under: u32, alias: &[u8], series: Arc<Series>, used: u64) {
        self.aliases.insert(under, alias, Alias { id: series.id(), used: used as u32, series });
    }

    pub(super) fn hold(&mut self, series: Arc<Series>, used: u64) {
        let (_, last) = self.held.entry(series.id()).or_insert((series, used));
        *last = used.max(*last);
    }

    /// Takes in what `other` knows; of what both know, the later use counts.
    pub(super) fn absorb(&mut self, other: Self) {
        let mut headings = Numbers::default();
        for heading in other.headings.entries() {
            let parent = headings.new_of(heading.parent());
            headings.push(self.enter_heading(parent, other.headings.bytes_of(heading)));
        }
        for alias in other.aliases.entries() {
            let under = headings.new_of(alias.parent());
            let (bytes, used) = (other.aliases.bytes_of(alias), alias.value.used);
            let known = self.aliases.find(under, bytes);
            match known.and_then(|at| self.aliases.value_mut(at)) {
                Some(known) => known.used = known.used.max(used),
                None => self.insert(under, bytes, Arc::clone(&alias.value.series), used.into()),
            }
        }
        other.held.into_values().for_each(|(series, used)| self.hold(series, used));
    }

    /// Gives up the aliases that were last used before `oldest` (seconds since the epoch). Headings keep their numbers.
    pub(super) fn expire(&mut self, oldest: u64) {
        self.held.retain(|_, (_, used)| *used >= oldest);
        let expired = |alias: &Alias| u64::from(alias.used) < oldest;
        if self.aliases.entries().iter().any(|entry| expired(&entry.value)) {
            self.aliases.keep(|_, entry, _| (!expired(&entry.value)).then_some(entry.parent()));
        }
    }

    /// Gives up the headings that no alias is under. Not while a [`Heading`] of this table is in use: they are numbered anew.
    pub(super) fn expire_headings(&mut self) {
        let mut used = vec![false; self.headings.entries().len()];
        let mut mark = |heading: u32| used.get_mut(heading as usize).map(|used| *used = true);
        self.aliases.entries().iter().for_each(|alias| _ = mark(alias.parent()));
        // Parents have lower numbers than what is under them.
        for at in (0..used.len()).rev() {
            if used[at]
                && let Some(parent) = used.get_mut(self.headings.entries()[at].parent() as usize)
            {
                *parent = true;
            }
        }
        if used.iter().all(|used| *used) {
            return;
        }
        let numbers =
            self.headings.keep(|at, heading, numbers| used[at].then(|| numbers.new_of(heading.parent())));
        self.aliases.keep(|_, alias, _| Some(numbers.new_of(alias.parent())));
    }
}
