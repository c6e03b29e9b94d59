//! A set of shared values: equal values are one allocation.

use std::{hash::Hash, sync::Arc};

use hashbrown::HashTable;
use parking_lot::Mutex;

const SHARDS: usize = 16;

/// Interns values of `T`; forgets those that no one else holds when swept.
pub(crate) struct Pool<T: ?Sized> {
    hasher: ahash::RandomState,
    shards: [Mutex<HashTable<Pooled<T>>>; SHARDS],
}

/// A value and its hash, so that a table that grows does not read every value.
struct Pooled<T: ?Sized> {
    hash: u64,
    value: Arc<T>,
}

impl<T: ?Sized> Default for Pool<T> {
    fn default() -> Self {
        Self { hasher: ahash::RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }
}

impl<T: ?Sized + Hash + Eq> Pool<T> {
    /// The one shared value that equals `value`.
    pub(crate) fn intern<Q>(&self, value: Q) -> Arc<T>
    where
        Q: AsRef<T> + Into<Arc<T>>,
    {
        let hash = self.hasher.hash_one(value.as_ref());
        let mut shard = self.shards[(hash >> 60) as usize].lock();
        if let Some(found) = shard.find(hash, |held| held.hash == hash && *held.value == *value.as_ref()) {
            return Arc::clone(&found.value);
        }
        let shared: Arc<T> = value.into();
        shard.insert_unique(hash, Pooled { hash, value: Arc::clone(&shared) }, |held| held.hash);
        shared
    }

    /// Forgets what only the pool holds.
    pub(crate) fn sweep(&self) {
        for shard in &self.shards {
            shard.lock().retain(|held| Arc::strong_count(&held.value) > 1);
        }
    }

    /// How many values are held.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }
}

/// Owns a value on its way into a pool of `Arc<T>`.
pub(crate) struct Owned<T>(pub(crate) T);

impl<T> AsRef<T> for Owned<T> {
    fn as_ref(&self) -> &T {
        &self.0
    }
}

impl<T> From<Owned<T>> for Arc<T> {
    fn from(owned: Owned<T>) -> Self {
        Arc::new(owned.0)
    }
}
