//! The interner (R1, R2, R4): which series exist, their ids, and the leases that keep ids resolvable.
//!
//! A series is *live* while a door's alias or a rewriting cell holds it, *retired* from the sweep that finds it unheld, and
//! *gone* once every lease taken before its retirement is dropped; only then is its slot given to another series.
//! The interner has no clock: its owner calls [`Interner::sweep`].

mod sweep;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use hashbrown::HashTable;
use parking_lot::{Mutex, RwLock, RwLockReadGuard};

use crate::{
    pool::{Owned, Pool},
    series::{Descriptor, Identity, Kind, Resource, Scope, Series, SeriesId, StreamId, Temporality},
    value::{Attributes, KeyValue, Value},
};

pub use sweep::Swept;

const SHARDS: usize = 16;
/// How many overflow series may exist beyond the cap: one per metric and resource that overflows.
const OVERFLOW_HEADROOM: usize = 1024;
/// The attribute of the series that takes what is over the cap (metrics SDK specification, "Cardinality limits").
pub const OVERFLOW_ATTRIBUTE: &str = "otel.metric.overflow";

/// Keeps every id that was live when it was taken resolvable, and everything retired since.
#[derive(Clone, Debug)]
pub struct Lease(Arc<Epoch>);

#[derive(Debug)]
struct Epoch {
    number: u64,
    retired: Mutex<Vec<u32>>,
}

impl Lease {
    /// Makes this lease cover what `other` covers too: the older of the two stays.
    pub fn cover(&mut self, other: &Lease) {
        if other.0.number < self.0.number {
            self.0 = Arc::clone(&other.0);
        }
    }
}

/// The cap on streams is reached, and the point may not go to an overflow series (R4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the limit of {0} series is reached")]
pub struct SeriesCap(pub usize);

/// [`SeriesCap`], and the name for which there was no room.
#[derive(Debug)]
pub struct Full {
    /// The cap.
    pub cap: SeriesCap,
    /// What was asked for.
    pub identity: Identity,
}

/// Figures about the interner, for self-telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InternerStats {
    /// Streams given out at doors and not retired.
    pub streams: usize,
    /// Series that are live, rewritten ones included.
    pub series: usize,
    /// Slots ever made: the high-water mark of live and retired series.
    pub slots: usize,
    /// Retired series whose slots wait for leases.
    pub retired: usize,
    /// Epochs that a lease still holds, the current one included.
    pub epochs: usize,
    /// The cap on streams.
    pub limit: usize,
}

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    series: Option<Arc<Series>>,
}

#[derive(Debug, Default)]
struct Table {
    slots: Vec<Slot>,
    /// The lowest is given away first: what is live then stays together, and the pages of state by series (R3) beyond it empty
    /// again after a peak.
    free: BinaryHeap<Reverse<u32>>,
}

type Shard = HashTable<Interned>;

/// A series and its hash, which a table that grows would otherwise compute anew from names all over the memory.
struct Interned {
    hash: u64,
    series: Arc<Series>,
}

/// The process's table of series (R7: it belongs to the process, not to a graph and not to a static).
pub struct Interner {
    hasher: ahash::RandomState,
    strings: Pool<str>,
    resources: Pool<Resource>,
    scopes: Pool<Scope>,
    descriptors: Pool<Descriptor>,
    shards: [Mutex<Shard>; SHARDS],
    table: RwLock<Table>,
    epochs: Mutex<VecDeque<Lease>>,
    streams: AtomicUsize,
    live: AtomicUsize,
    freed: AtomicUsize,
    limit: usize,
    honour_leases: bool,
}

impl std::fmt::Debug for Interner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interner").field("stats", &self.stats()).finish()
    }
}

impl Interner {
    /// An empty interner for at most `limit` streams.
    pub fn new(limit: usize) -> Self {
        Self {
            hasher: ahash::RandomState::new(),
            strings: Pool::default(),
            resources: Pool::default(),
            scopes: Pool::default(),
            descriptors: Pool::default(),
            shards: std::array::from_fn(|_| Mutex::default()),
            table: RwLock::default(),
            epochs: Mutex::new([Lease(Arc::new(Epoch { number: 0, retired: Mutex::default() }))].into()),
            streams: AtomicUsize::new(0),
            live: AtomicUsize::new(0),
            freed: AtomicUsize::new(0),
            limit,
            honour_leases: true,
        }
    }

    /// The same without the protection of leases: slots are reused while batches still name them. Only for the test that
    /// shows what leases are for.
    #[doc(hidden)]
    #[must_use]
    pub fn ignoring_leases(mut self) -> Self {
        self.honour_leases = false;
        self
    }

    /// A lease on the current epoch: take it before the first id is written (R1).
    pub fn lease(&self) -> Lease {
        let mut epochs = self.epochs.lock();
        match epochs.back() {
            Some(lease) => lease.clone(),
            None => {
                // `epochs` is never empty; if it were, a fresh epoch is as good as the first one.
                let lease = Lease(Arc::new(Epoch { number: 0, retired: Mutex::default() }));
                epochs.push_back(lease.clone());
                lease
            }
        }
    }

    /// A shared copy of `text`.
    pub fn string(&self, text: &str) -> Arc<str> {
        self.strings.intern(text)
    }

    /// A shared attribute.
    pub fn attribute(&self, key: &str, value: Value) -> KeyValue {
        let value = match value {
            Value::Str(text) => Value::Str(self.strings.intern(text)),
            other => other,
        };
        KeyValue { key: self.string(key), value }
    }

    /// A shared resource.
    pub fn resource(&self, attributes: Attributes, schema_url: &str) -> Arc<Resource> {
        self.resources.intern(Owned(Resource { attributes, schema_url: self.string(schema_url) }))
    }

    /// A shared scope.
    pub fn scope(&self, scope: Scope) -> Arc<Scope> {
        self.scopes.intern(Owned(scope))
    }

    /// A shared descriptor.
    pub fn descriptor(&self, descriptor: Descriptor) -> Arc<Descriptor> {
        self.descriptors.intern(Owned(descriptor))
    }

    /// The series of a stream as it is called at the door `origin`, made if it is new and the cap allows it.
    ///
    /// # Errors
    /// `limit` streams live already.
    pub fn stream(&self, origin: &Arc<str>, identity: Identity) -> Result<Arc<Series>, Full> {
        self.stream_within(self.limit, origin, identity)
    }

    /// The overflow series of the metric of `identity` (R4): delta sums and delta histograms only.
    ///
    /// # Errors
    /// [`SeriesCap`] for any other kind, and when there are too many overflow series as well.
    pub fn overflow(&self, origin: &Arc<str>, identity: &Identity) -> Result<Arc<Series>, SeriesCap> {
        let descriptor = &identity.descriptor;
        let adds_up = descriptor.temporality == Temporality::Delta
            && matches!(descriptor.kind, Kind::Sum | Kind::Histogram | Kind::ExponentialHistogram);
        if !adds_up {
            return Err(SeriesCap(self.limit));
        }
        let attributes = Attributes::new(vec![self.attribute(OVERFLOW_ATTRIBUTE, Value::Bool(true))]);
        let limit = self.limit.saturating_add(OVERFLOW_HEADROOM);
        let overflow = self.stream_within(limit, origin, Identity { attributes, ..identity.clone() });
        overflow.map_err(|full| full.cap)
    }

    fn stream_within(
        &self,
        limit: usize,
        origin: &Arc<str>,
        identity: Identity,
    ) -> Result<Arc<Series>, Full> {
        let hash = self.hash_at_door(origin, &identity);
        let mut shard = self.shards[(hash >> 60) as usize].lock();
        let same = |held: &Series| held.origin.as_ref() == Some(origin) && held.identity == identity;
        if let Some(found) = found(&shard, hash, same) {
            return Ok(found);
        }
        if self.streams.fetch_add(1, Relaxed) >= limit {
            self.streams.fetch_sub(1, Relaxed);
            return Err(Full { cap: SeriesCap(self.limit), identity });
        }
        Ok(self.insert(&mut shard, hash, |id| Series {
            id,
            stream: StreamId(id),
            origin: Some(Arc::clone(origin)),
            identity,
        }))
    }

    /// What a stream is called at its door. To be asked under a lease that covers the stream.
    pub fn at_door(&self, stream: StreamId) -> Option<Arc<Series>> {
        self.resolve(stream.0)
    }

    /// The series that `of` is called after a rewrite (R2): the same stream under a new name.
    pub fn rewritten(&self, of: &Series, identity: Identity) -> Arc<Series> {
        let stream = of.stream;
        let hash = self.hash_of_name(stream, &identity);
        let mut shard = self.shards[(hash >> 60) as usize].lock();
        let same =
            |held: &Series| held.origin.is_none() && held.stream == stream && held.identity == identity;
        if let Some(found) = found(&shard, hash, same) {
            return found;
        }
        self.insert(&mut shard, hash, |id| Series { id, stream, origin: None, identity })
    }

    fn insert(&self, shard: &mut Shard, hash: u64, make: impl FnOnce(SeriesId) -> Series) -> Arc<Series> {
        let mut table = self.table.write();
        let reused = table.free.pop().map(|Reverse(slot)| slot);
        let slot = reused.unwrap_or_else(|| {
            table.slots.push(Slot::default());
            (table.slots.len() - 1) as u32
        });
        let cell = &mut table.slots[slot as usize];
        let series = Arc::new(make(SeriesId { slot, generation: cell.generation }));
        cell.series = Some(Arc::clone(&series));
        drop(table);
        shard.insert_unique(hash, Interned { hash, series: Arc::clone(&series) }, |held| held.hash);
        self.live.fetch_add(1, Relaxed);
        series
    }

    fn hash_of(&self, series: &Series) -> u64 {
        match &series.origin {
            Some(origin) => self.hash_at_door(origin, &series.identity),
            None => self.hash_of_name(series.stream, &series.identity),
        }
    }

    fn hash_at_door(&self, origin: &Arc<str>, identity: &Identity) -> u64 {
        self.hasher.hash_one((&**origin, shared_parts(identity), &identity.attributes))
    }

    /// Of a name that a rewrite gave. Its attributes are not in it: a stream has few names, and reading all their texts anew is most
    /// of what a series costs that is new. Those that differ in attributes alone are compared.
    fn hash_of_name(&self, stream: StreamId, identity: &Identity) -> u64 {
        self.hasher.hash_one((stream, shared_parts(identity)))
    }

    /// The series of `id`: always there while a lease taken before the id was written is held; `None` once it is gone.
    ///
    /// For the first sight of a series; what follows from it is kept in a [`PerSeries`](crate::PerSeries). It hands out the series
    /// and not a view of the table: interning under a view would wait for itself.
    pub fn resolve(&self, id: SeriesId) -> Option<Arc<Series>> {
        self.known().get(id).cloned()
    }

    /// The door that the stream of `series` came in by. A lease that covers a name of a stream covers the stream.
    pub(crate) fn origin(&self, series: &Series) -> Option<Arc<str>> {
        match &series.origin {
            Some(origin) => Some(Arc::clone(origin)),
            None => self.resolve(series.stream.0)?.origin.clone(),
        }
    }

    /// A view of which ids are known.
    pub(crate) fn known(&self) -> Known<'_> {
        Known(self.table.read())
    }

    /// How many slots were ever freed: as long as that stays the same, every id that was known is known.
    pub(crate) fn freed(&self) -> usize {
        self.freed.load(Relaxed)
    }

    /// Figures for self-telemetry.
    pub fn stats(&self) -> InternerStats {
        let (epochs, retired) = {
            let epochs = self.epochs.lock();
            (epochs.len(), epochs.iter().map(|lease| lease.0.retired.lock().len()).sum())
        };
        InternerStats {
            streams: self.streams.load(Relaxed),
            series: self.live.load(Relaxed),
            slots: self.table.read().slots.len(),
            retired,
            epochs,
            limit: self.limit,
        }
    }
}

/// Parts are interned, so their addresses stand for their contents.
fn shared_parts(identity: &Identity) -> [usize; 3] {
    [
        Arc::as_ptr(&identity.resource) as usize,
        Arc::as_ptr(&identity.scope) as usize,
        Arc::as_ptr(&identity.descriptor) as usize,
    ]
}

fn found(shard: &Shard, hash: u64, same: impl Fn(&Series) -> bool) -> Option<Arc<Series>> {
    let held = shard.find(hash, |held| held.hash == hash && same(&held.series))?;
    Some(Arc::clone(&held.series))
}

/// Which ids are known; new series wait while it is held.
pub(crate) struct Known<'a>(RwLockReadGuard<'a, Table>);

impl Known<'_> {
    pub(crate) fn get(&self, id: SeriesId) -> Option<&Arc<Series>> {
        let slot = self.0.slots.get(id.slot as usize)?;
        if slot.generation == id.generation { slot.series.as_ref() } else { None }
    }
}

#[cfg(test)]
mod tests;
