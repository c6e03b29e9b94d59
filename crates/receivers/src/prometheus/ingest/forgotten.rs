//! Counters that a target had and that nothing is kept of: so that one which comes back is not taken for a new one.

use std::{
    collections::{HashSet, hash_map::RandomState},
    hash::BuildHasher,
};

use weir_core::{Identity, Kind};

/// More than this, and nothing is known to be new any more: half a mebibyte of hashes a target, and as much again of room for them.
const MAX: usize = 1 << 16;

/// Hashes of the counters that were let go, or that the cap on series kept out.
///
/// Two that share a hash are taken for one: of a new counter the first value is then lost, and no old one is ever counted again.
#[derive(Debug, Default)]
pub(super) struct Forgotten {
    hashes: HashSet<u64>,
    is_full: bool,
    state: RandomState,
}

impl Forgotten {
    /// Takes in what is let go.
    pub(super) fn insert(&mut self, identity: &Identity) {
        if !counts(identity) || self.is_full {
            return;
        }
        self.hashes.insert(self.hash(identity));
        if self.hashes.len() > MAX {
            (self.hashes, self.is_full) = (HashSet::default(), true);
        }
    }

    /// Whether this is known to have been before; asked once, when it is held again.
    pub(super) fn had(&mut self, identity: &Identity) -> bool {
        self.is_full || (!self.hashes.is_empty() && self.hashes.remove(&self.hash(identity)))
    }

    fn hash(&self, identity: &Identity) -> u64 {
        let Identity { resource, scope, descriptor, attributes } = identity;
        self.state.hash_one((resource, scope, descriptor, attributes))
    }
}

/// Whether it counts from a start on.
pub(super) fn counts(identity: &Identity) -> bool {
    let metric = &identity.descriptor;
    metric.is_cumulative_counter() || metric.kind == Kind::Summary
}
