//! Doors: where a receiver resolves what it reads to series, once (R1, R4, R5).
//!
//! A *sender* is who a receiver reads from: its raw resource bytes, and its peer's identity where metadata is included. Each sender
//! has tables of *aliases*: the bytes by which it calls a series. What many aliases have in common, such as the bytes of a scope
//! and of a metric, is a *heading* that they are under. A request checks a table out, resolves without locks, and gives it back
//! when it is dropped.

mod aliases;
pub(crate) mod names;

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use hashbrown::HashTable;
use parking_lot::Mutex;

use self::{aliases::AliasTable, names::NONE};
use crate::{
    clock::Clock,
    interner::{Full, Interner, SeriesCap},
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
/// Between a receiver and the peer, in the origin of a stream.
const PEER: char = '\u{0}';

/// Every door of the process: what expires aliases, and asks for relief at the cap.
#[derive(Clone, Debug)]
pub struct Doors(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    interner: Arc<Interner>,
    clock: Clock,
    doors: Mutex<Vec<Weak<Door>>>,
    /// The receivers whose points are of this host.
    of_this_host: Mutex<Vec<Arc<str>>>,
    relieved: AtomicU64,
    /// How long aliases are kept at least, in seconds.
    retention: AtomicU64,
}

impl Doors {
    /// No doors yet.
    pub fn new(interner: Arc<Interner>, clock: Clock) -> Self {
        Self(Arc::new(Shared {
            interner,
            clock,
            doors: Mutex::default(),
            of_this_host: Mutex::default(),
            relieved: AtomicU64::new(0),
            retention: AtomicU64::new(MIN_RETENTION.as_secs()),
        }))
    }

    /// A door for the receiver `origin`: equal names that come in by different doors are different streams (R2).
    pub fn open(&self, origin: &str) -> Arc<Door> {
        let door = Arc::new(Door {
            shared: Arc::clone(&self.0),
            origin: self.0.interner.string(origin),
            hasher: ahash::RandomState::new(),
            senders: Mutex::default(),
            overflowed: AtomicU64::new(0),
        });
        self.0.doors.lock().push(Arc::downgrade(&door));
        door
    }

    /// What comes in by the doors of the receiver `origin` is of this host.
    pub fn set_of_this_host(&self, origin: &str) {
        self.0.of_this_host.lock().push(self.0.interner.string(origin));
    }

    /// Whether the stream of `series` came in by a door whose points are of this host, whatever it is called by now.
    pub fn is_of_this_host(&self, series: &Series) -> bool {
        let Some(origin) = self.0.interner.origin(series) else { return false };
        let receiver = origin.split(PEER).next().unwrap_or_default();
        self.0.of_this_host.lock().iter().any(|of_this_host| **of_this_host == *receiver)
    }

    /// Gives up aliases idle for longer than `retention` (at least 15 minutes).
    pub fn expire(&self, retention: Duration) {
        let retention = retention.max(MIN_RETENTION);
        self.0.retention.store(retention.as_secs(), Relaxed);
        self.0.expire(retention);
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
            let tables = senders.iter().flat_map(|sender| &sender.tables);
            tables.fold((count, bytes), |(c, b), table| (c + table.count(), b + table.bytes()))
        })
    }
}

impl Shared {
    fn expire(&self, idle: Duration) {
        let oldest = self.clock.now().seconds().saturating_sub(idle.as_secs());
        let mut doors = self.doors.lock();
        doors.retain(|door| door.strong_count() > 0);
        for door in doors.iter().filter_map(Weak::upgrade) {
            door.senders.lock().retain(|sender| {
                for table in &mut sender.tables {
                    table.expire(oldest);
                    table.expire_headings();
                }
                sender.tables.retain(|table| !table.is_empty());
                sender.checked_out > 0 || !sender.tables.is_empty()
            });
        }
    }

    /// At the cap: the longest-idle aliases go first. `asking` is the table of the sender who found no room: it is checked out,
    /// so the door does not have it. At most once a second; answers whether anything was done.
    fn relieve(&self, asking: Option<&mut AliasTable>) -> bool {
        let now = self.clock.now().seconds();
        let last = self.relieved.load(Relaxed);
        if now < last + RELIEF_EVERY || self.relieved.compare_exchange(last, now, Relaxed, Relaxed).is_err() {
            return false;
        }
        if let Some(asking) = asking {
            asking.expire(now.saturating_sub(RELIEF_IDLE.as_secs()));
        }
        self.expire(RELIEF_IDLE);
        self.interner.sweep().retired > 0
    }
}

/// A receiver's door.
#[derive(Debug)]
pub struct Door {
    shared: Arc<Shared>,
    origin: Arc<str>,
    hasher: ahash::RandomState,
    senders: Mutex<HashTable<SenderTables>>,
    overflowed: AtomicU64,
}

#[derive(Debug)]
struct SenderTables {
    key: Arc<SenderKey>,
    /// What the interner knows its streams' origin as: the receiver, and the peer where that counts.
    origin: Arc<str>,
    tables: Vec<AliasTable>,
    checked_out: usize,
}

#[derive(Debug)]
struct SenderKey {
    hash: u64,
    bytes: Box<[u8]>,
    peer: Option<Box<str>>,
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

    /// Takes back what [`overflowed`](Self::overflowed) has counted of a request that is resolved anew.
    pub fn forget_overflowed(&self, points: u64) {
        self.overflowed.fetch_sub(points, Relaxed);
    }

    /// Checks a table of the sender out. `key` is all that tells senders apart: raw resource bytes and, where metadata is
    /// included, `peer`, which then is part of its streams' identity too.
    pub fn sender(&self, key: &[u8], peer: Option<&str>) -> Sender<'_> {
        let hash = self.hasher.hash_one((key, peer));
        let same = |sender: &SenderTables| *sender.key.bytes == *key && sender.key.peer.as_deref() == peer;
        let mut senders = self.senders.lock();
        let known = senders.entry(hash, same, |sender| sender.key.hash);
        let mut sender = known.or_insert_with(|| SenderTables {
            key: Arc::new(SenderKey { hash, bytes: key.into(), peer: peer.map(Into::into) }),
            origin: self.origin_of(peer),
            tables: Vec::new(),
            checked_out: 0,
        });
        let sender = sender.get_mut();
        sender.checked_out += 1;
        let mut table = sender.tables.pop().unwrap_or_default();
        table.rewind();
        let (key, origin) = (Arc::clone(&sender.key), Arc::clone(&sender.origin));
        Sender { door: self, key, origin, now: self.shared.clock.now().seconds(), table }
    }

    /// The series of `identity`, for a receiver that keeps its own table of names: the series lives as long as the answer is held. What
    /// was idle for longer than [`retention`](Self::retention) is to be let go.
    ///
    /// # Errors
    /// [`SeriesCap`] when the cap is reached (R4). There is no overflow series here.
    pub fn stream(&self, identity: Identity) -> Result<Arc<Series>, SeriesCap> {
        let interner = self.interner();
        let admitted = interner.stream(&self.origin, identity).or_else(|full| {
            if self.shared.relieve(None) { interner.stream(&self.origin, full.identity) } else { Err(full) }
        });
        admitted.map_err(|full| full.cap)
    }

    /// For how long a name that is not used is kept.
    pub fn retention(&self) -> Duration {
        Duration::from_secs(self.shared.retention.load(Relaxed))
    }

    fn origin_of(&self, peer: Option<&str>) -> Arc<str> {
        match peer {
            Some(peer) => self.shared.interner.string(&format!("{}{PEER}{peer}", self.origin)),
            None => Arc::clone(&self.origin),
        }
    }
}

/// What aliases of a checked-out sender are under. It says nothing beyond that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heading(u32);

impl Heading {
    /// What is under no heading.
    pub const NONE: Self = Self(NONE);
}

/// What a new alias is to be under.
#[derive(Clone, Copy, Debug)]
pub enum Under<'a> {
    /// A heading of the checked-out sender.
    Known(Heading),
    /// One that an alias has to make known first: its bytes, and before them those that it is under itself, the outermost first.
    New(&'a [&'a [u8]]),
}

/// An alias of a checked-out sender that was foreseen, and verified.
#[derive(Clone, Copy, Debug)]
pub struct Predicted {
    at: u32,
    len: usize,
}

impl Predicted {
    /// How many bytes the alias has.
    #[expect(clippy::len_without_is_empty, reason = "an alias of no bytes is as good as another")]
    pub fn len(self) -> usize {
        self.len
    }
}

/// A sender's aliases, checked out for one request.
#[derive(Debug)]
pub struct Sender<'a> {
    door: &'a Door,
    key: Arc<SenderKey>,
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
        match self.find(Heading::NONE, alias) {
            Some(series) => Ok(Resolved { series, overflow: false }),
            None => {
                let identity = identify(self.door.interner());
                self.admit(Under::Known(Heading::NONE), alias, identity)
            }
        }
    }

    /// Whether no alias of this sender is remembered here.
    pub fn is_new(&self) -> bool {
        self.table.count() == 0
    }

    /// The heading `bytes` under `parent`, if an alias is remembered under it.
    #[inline]
    pub fn heading(&mut self, parent: Heading, bytes: &[u8]) -> Option<Heading> {
        self.table.heading(parent, bytes)
    }

    /// The alias that followed the previous one last time, if it is under this heading and `bytes` begin with it.
    #[inline]
    pub fn predict(&self, under: Heading, bytes: &[u8]) -> Option<Predicted> {
        self.table.predict(under, bytes)
    }

    /// The series of a predicted alias.
    #[inline]
    pub fn take(&mut self, predicted: Predicted) -> Option<SeriesId> {
        self.table.take(predicted, self.now)
    }

    /// The series that this sender calls `alias` under this heading, if that is known.
    #[inline]
    pub fn find(&mut self, under: Heading, alias: &[u8]) -> Option<SeriesId> {
        self.table.find(under, alias, self.now)
    }

    /// The series of `identity`, which this sender calls `alias`.
    ///
    /// # Errors
    /// [`SeriesCap`] when the cap is reached and the point may not overflow (R4).
    #[cold]
    pub fn admit(
        &mut self,
        under: Under<'_>,
        alias: &[u8],
        identity: Identity,
    ) -> Result<Resolved, SeriesCap> {
        let interner = self.door.interner();
        let admitted = interner.stream(&self.origin, identity).or_else(|full| {
            if self.door.shared.relieve(Some(&mut self.table)) {
                interner.stream(&self.origin, full.identity)
            } else {
                Err(full)
            }
        });
        match admitted {
            Ok(series) => {
                let id = series.id();
                self.table.remember(under, alias, series, self.now);
                Ok(Resolved { series: id, overflow: false })
            }
            Err(Full { identity, .. }) => {
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
        let this = |sender: &SenderTables| Arc::ptr_eq(&sender.key, &self.key);
        loop {
            let another = {
                let mut senders = self.door.senders.lock();
                // Kept as long as a table is checked out.
                let Ok(mut entry) = senders.find_entry(self.key.hash, this) else { return };
                let sender = entry.get_mut();
                if table.is_empty() && sender.tables.is_empty() && sender.checked_out == 1 {
                    // Who names nothing is not remembered: every request may claim to come from somebody else.
                    entry.remove();
                    return;
                }
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

#[cfg(test)]
mod tests;
