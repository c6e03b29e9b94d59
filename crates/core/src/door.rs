//! Doors: where a receiver resolves what it reads to series, once (R1, R4, R5).
//!
//! A *sender* is who a receiver reads from: its raw resource bytes, and its peer's identity where metadata is included. Each sender
//! has tables of *aliases*: the bytes by which it calls a series. A request checks a table out, resolves without locks, and
//! gives it back when it is dropped.

use std::{
    collections::HashMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use hashbrown::HashTable;
use parking_lot::Mutex;

use crate::{
    clock::Clock,
    interner::{Interner, SeriesCap},
    series::{Identity, Series, SeriesId},
};

/// The shortest time after which an idle alias expires.
pub const MIN_RETENTION: Duration = Duration::from_secs(15 * 60);
/// At the cap aliases are given up when idle for longer than this.
const RELIEF_IDLE: Duration = Duration::from_secs(5 * 60);
/// How often a full interner asks the doors for relief, in seconds.
const RELIEF_EVERY: u64 = 1;
/// Tables kept per sender: as many requests of one sender resolve at a time without starting from an empty table.
const TABLES_PER_SENDER: usize = 4;
/// How often a series is held at most, and so about how many names are remembered for it: one a table, and some for senders
/// whose attributes change their order. Who goes on calling a series by new names finds it the slow way, and takes no memory.
const ALIASES_PER_SERIES: usize = 8 * TABLES_PER_SENDER;

/// Every door of the process: what expires aliases, and asks for relief at the cap.
#[derive(Clone, Debug)]
pub struct Doors(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    interner: Arc<Interner>,
    clock: Clock,
    doors: Mutex<Vec<Weak<Door>>>,
    relieved: AtomicU64,
}

impl Doors {
    /// No doors yet.
    pub fn new(interner: Arc<Interner>, clock: Clock) -> Self {
        let doors = Mutex::default();
        Self(Arc::new(Shared { interner, clock, doors, relieved: AtomicU64::new(0) }))
    }

    /// A door for the receiver `origin`: equal names that come in by different doors are different streams (R2).
    pub fn open(&self, origin: &str) -> Arc<Door> {
        let door = Arc::new(Door {
            shared: Arc::clone(&self.0),
            origin: self.0.interner.string(origin),
            senders: Mutex::default(),
            overflowed: AtomicU64::new(0),
        });
        self.0.doors.lock().push(Arc::downgrade(&door));
        door
    }

    /// Gives up aliases idle for longer than `retention` (at least 15 minutes), then sweeps the interner.
    pub fn sweep(&self, retention: Duration) {
        self.0.expire(retention.max(MIN_RETENTION));
        self.0.interner.sweep();
    }

    /// Points that went to an overflow series, at all doors that are open.
    pub fn overflowed(&self) -> u64 {
        self.0.doors.lock().iter().filter_map(Weak::upgrade).map(|door| door.overflowed()).sum()
    }

    /// How many aliases are held, and their bytes.
    pub fn aliases(&self) -> (u64, u64) {
        let doors = self.0.doors.lock();
        doors.iter().filter_map(Weak::upgrade).fold((0, 0), |(count, bytes), door| {
            let senders = door.senders.lock();
            let tables = senders.values().flat_map(|sender| &sender.tables);
            tables.fold((count, bytes), |(c, b), table| (c + table.entries.len() as u64, b + table.bytes))
        })
    }
}

impl Shared {
    fn expire(&self, idle: Duration) {
        let oldest = self.clock.now().seconds().saturating_sub(idle.as_secs());
        let mut doors = self.doors.lock();
        doors.retain(|door| door.strong_count() > 0);
        for door in doors.iter().filter_map(Weak::upgrade) {
            door.senders.lock().retain(|_, sender| {
                sender.tables.iter_mut().for_each(|table| table.expire(oldest));
                sender.tables.retain(|table| !table.entries.is_empty() || !table.held.is_empty());
                sender.checked_out > 0 || !sender.tables.is_empty()
            });
        }
    }

    /// At the cap: the longest-idle aliases go first. `asking` is the table of the sender who found no room: it is checked out,
    /// so the door does not have it. At most once a second; answers whether anything was done.
    fn relieve(&self, asking: &mut AliasTable) -> bool {
        let now = self.clock.now().seconds();
        let last = self.relieved.load(Relaxed);
        if now < last + RELIEF_EVERY || self.relieved.compare_exchange(last, now, Relaxed, Relaxed).is_err() {
            return false;
        }
        asking.expire(now.saturating_sub(RELIEF_IDLE.as_secs()));
        self.expire(RELIEF_IDLE);
        self.interner.sweep().retired > 0
    }
}

/// A receiver's door.
#[derive(Debug)]
pub struct Door {
    shared: Arc<Shared>,
    origin: Arc<str>,
    senders: Mutex<HashMap<Box<[u8]>, SenderTables, ahash::RandomState>>,
    overflowed: AtomicU64,
}

#[derive(Debug, Default)]
struct SenderTables {
    tables: Vec<AliasTable>,
    checked_out: usize,
}

impl Door {
    /// The interner behind the door.
    pub fn interner(&self) -> &Interner {
        &self.shared.interner
    }

    /// Points that went to an overflow series at this door.
    pub fn overflowed(&self) -> u64 {
        self.overflowed.load(Relaxed)
    }

    /// Checks a table of the sender out. `key` is all that tells senders apart: raw resource bytes and, where metadata is
    /// included, `peer`, which then is part of its streams' identity too.
    pub fn sender(&self, key: &[u8], peer: Option<&str>) -> Sender<'_> {
        let mut full_key = Vec::with_capacity(key.len() + peer.map_or(0, |peer| peer.len() + 1));
        full_key.extend_from_slice(key);
        if let Some(peer) = peer {
            full_key.push(0xff); // no UTF-8 text holds it
            full_key.extend_from_slice(peer.as_bytes());
        }
        let mut senders = self.senders.lock();
        let mut table = match senders.get_mut(&*full_key) {
            Some(sender) => {
                sender.checked_out += 1;
                sender.tables.pop().unwrap_or_default()
            }
            None => {
                let fresh = SenderTables { tables: Vec::new(), checked_out: 1 };
                senders.insert(full_key.clone().into_boxed_slice(), fresh);
                AliasTable::default()
            }
        };
        drop(senders);
        table.cursor = NONE;
        let origin = match peer {
            Some(peer) => self.shared.interner.string(&format!("{}\u{0}{peer}", self.origin)),
            None => Arc::clone(&self.origin),
        };
        Sender { door: self, key: full_key, origin, now: self.shared.clock.now().seconds(), table }
    }
}

/// A sender's aliases, checked out for one request.
#[derive(Debug)]
pub struct Sender<'a> {
    door: &'a Door,
    key: Vec<u8>,
    origin: Arc<str>,
    now: u64,
    table: AliasTable,
}

/// What a point is resolved to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The series.
    pub series: SeriesId,
    /// Whether it is the metric's overflow series (R4).
    pub overflow: bool,
}

impl Sender<'_> {
    /// The series that this sender calls `alias`; `identify` says what that is when it is not known yet.
    ///
    /// A hit costs no allocation: the alias that followed the previous one last time is tried first, and always verified by its bytes.
    /// Take the batch's lease before the first call.
    ///
    /// # Errors
    /// [`SeriesCap`] when the cap is reached and the point may not overflow (R4).
    #[inline]
    pub fn resolve(
        &mut self,
        alias: &[u8],
        identify: impl FnOnce(&Interner) -> Identity,
    ) -> Result<Resolved, SeriesCap> {
        match self.table.find(alias, self.now) {
            Some(series) => Ok(Resolved { series, overflow: false }),
            None => self.admit(alias, identify),
        }
    }

    #[cold]
    fn admit(
        &mut self,
        alias: &[u8],
        identify: impl FnOnce(&Interner) -> Identity,
    ) -> Result<Resolved, SeriesCap> {
        let interner = self.door.interner();
        let identity = identify(interner);
        let admitted = interner.stream(&self.origin, identity.clone()).or_else(|full| {
            if self.door.shared.relieve(&mut self.table) {
                interner.stream(&self.origin, identity.clone())
            } else {
                Err(full)
            }
        });
        match admitted {
            Ok(series) => {
                let id = series.id();
                if Arc::strong_count(&series) <= ALIASES_PER_SERIES {
                    self.table.insert(alias, series, self.now);
                } else {
                    self.table.hold(series, self.now);
                }
                Ok(Resolved { series: id, overflow: false })
            }
            Err(_) => {
                // Not remembered as an alias: aliases beyond the cap would be the memory that the cap is there to save.
                let series = interner.overflow(&self.origin, &identity)?;
                self.door.overflowed.fetch_add(1, Relaxed);
                let id = series.id();
                self.table.hold(series, self.now);
                Ok(Resolved { series: id, overflow: true })
            }
        }
    }
}

/// Gives the table back. Where there are enough already it takes in another, outside of the lock: what is dropped would be the
/// life of its series (R4), and a series that begins anew is a counter that begins anew.
impl Drop for Sender<'_> {
    fn drop(&mut self) {
        let mut table = std::mem::take(&mut self.table);
        loop {
            let another = {
                let mut senders = self.door.senders.lock();
                // Kept as long as a table is checked out.
                let Some(sender) = senders.get_mut(&*self.key) else { return };
                if sender.tables.len() < TABLES_PER_SENDER {
                    sender.checked_out -= 1;
                    sender.tables.push(table);
                    return;
                }
                sender.tables.swap_remove(0)
            };
            table.absorb(another);
        }
    }
}

const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct Alias {
    bytes: Box<[u8]>,
    id: SeriesId,
    next: u32,
    used: u32,
    /// Keeps the series live.
    series: Arc<Series>,
}

/// The aliases of one sender. `used` times are seconds since the epoch, which fit 32 bits until 2106.
#[derive(Debug)]
struct AliasTable {
    hasher: ahash::RandomState,
    entries: Vec<Alias>,
    index: HashTable<u32>,
    /// The alias that was found last: where the prediction starts.
    cursor: u32,
    bytes: u64,
    /// Series in use without an alias, and when each was used last: held alive, found through the interner.
    held: HashMap<SeriesId, (Arc<Series>, u64), ahash::RandomState>,
}

impl Default for AliasTable {
    fn default() -> Self {
        Self {
            hasher: ahash::RandomState::new(),
            entries: Vec::new(),
            index: HashTable::new(),
            cursor: NONE,
            bytes: 0,
            held: HashMap::default(),
        }
    }
}

impl AliasTable {
    #[inline]
    fn find(&mut self, alias: &[u8], now: u64) -> Option<SeriesId> {
        let predicted = self.entries.get(self.cursor as usize).map_or(0, |last| last.next);
        if let Some(entry) = self.entries.get_mut(predicted as usize)
            && *entry.bytes == *alias
        {
            entry.used = now as u32;
            self.cursor = predicted;
            return Some(entry.id);
        }
        let hash = self.hasher.hash_one(alias);
        let at = *self.index.find(hash, |at| *self.entries[*at as usize].bytes == *alias)?;
        self.follow(at);
        let entry = &mut self.entries[at as usize];
        entry.used = now as u32;
        Some(entry.id)
    }

    /// Remembers that `at` came after the last one.
    fn follow(&mut self, at: u32) {
        if let Some(last) = self.entries.get_mut(self.cursor as usize) {
            last.next = at;
        }
        self.cursor = at;
    }

    fn insert(&mut self, alias: &[u8], series: Arc<Series>, now: u64) {
        let at = self.entries.len() as u32;
        self.bytes += (alias.len() + size_of::<Alias>()) as u64;
        let id = series.id();
        self.entries.push(Alias { bytes: alias.into(), id, next: at + 1, used: now as u32, series });
        let (hasher, entries) = (&self.hasher, &self.entries);
        let hash = hasher.hash_one(alias);
        self.index.insert_unique(hash, at, |at| hasher.hash_one(&*entries[*at as usize].bytes));
        self.follow(at);
    }

    /// Takes in what `other` knows; of what both know, the later use counts.
    fn absorb(&mut self, other: Self) {
        for alias in other.entries {
            let hash = self.hasher.hash_one(&*alias.bytes);
            match self.index.find(hash, |at| self.entries[*at as usize].bytes == alias.bytes) {
                Some(at) => {
                    let known = &mut self.entries[*at as usize];
                    known.used = known.used.max(alias.used);
                }
                None => self.insert(&alias.bytes, alias.series, alias.used.into()),
            }
        }
        other.held.into_values().for_each(|(series, used)| self.hold(series, used));
    }

    fn hold(&mut self, series: Arc<Series>, used: u64) {
        let (_, last) = self.held.entry(series.id()).or_insert((series, used));
        *last = used.max(*last);
    }

    /// Gives up what was last used before `oldest` (seconds since the epoch).
    fn expire(&mut self, oldest: u64) {
        self.held.retain(|_, (_, used)| *used >= oldest);
        let before = self.entries.len();
        self.entries.retain(|alias| u64::from(alias.used) >= oldest);
        if self.entries.len() == before {
            return;
        }
        self.entries.shrink_to_fit();
        self.bytes = self.entries.iter().map(|alias| (alias.bytes.len() + size_of::<Alias>()) as u64).sum();
        self.index = HashTable::with_capacity(self.entries.len());
        for (at, alias) in self.entries.iter_mut().enumerate() {
            alias.next = at as u32 + 1;
        }
        let (hasher, entries) = (&self.hasher, &self.entries);
        let hash_at = |at: &u32| hasher.hash_one(&*entries[*at as usize].bytes);
        for at in 0..entries.len() as u32 {
            self.index.insert_unique(hash_at(&at), at, hash_at);
        }
        self.cursor = NONE;
    }
}

#[cfg(test)]
mod tests;
