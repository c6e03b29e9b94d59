//! Which of many names are new.

use std::{
    collections::HashSet,
    hash::{BuildHasher as _, Hash, RandomState},
};

/// Names that have been seen, as hashes: seeded and of 64 bits, so that two which are equal by chance will not be met. Holds on to its
/// memory, so that a round of as many names as the one before allocates nothing.
#[derive(Debug, Default)]
pub(super) struct Distinct {
    seen: HashSet<u64>,
    seed: RandomState,
}

impl Distinct {
    pub(super) fn clear(&mut self) {
        self.seen.clear();
    }

    /// Whether `name` was not seen since all were forgotten.
    pub(super) fn is_new(&mut self, name: &impl Hash) -> bool {
        self.seen.insert(self.seed.hash_one(name))
    }
}
