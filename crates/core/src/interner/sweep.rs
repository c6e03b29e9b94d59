//! The end of series: those that nobody holds are retired, and their slots free for others when no lease covers them.

use std::{
    cmp::Reverse,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use parking_lot::Mutex;

use super::{Epoch, Interner, Lease, Table};
use crate::series::Series;

/// Slots looked at per lock of the table while sweeping: short holds, so that doors are not kept waiting.
const SWEEP_CHUNK: usize = 4096;

/// What one sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Series found unheld.
    pub retired: usize,
    /// Slots freed for reuse.
    pub freed: usize,
}

#[derive(Default)]
struct Retired {
    count: usize,
    slots: Vec<u32>,
}

impl Interner {
    /// Retires series that nobody holds, and frees the slots that no lease covers any more.
    pub fn sweep(&self) -> Swept {
        let retired = self.retire();
        let freed = self.free_uncovered(retired.slots);
        self.resources.sweep();
        self.scopes.sweep();
        self.descriptors.sweep();
        self.strings.sweep();
        Swept { retired: retired.count, freed }
    }

    fn retire(&self) -> Retired {
        let mut out = Retired::default();
        let mut from = 0;
        loop {
            let unheld: Vec<Arc<Series>> = {
                let table = self.table.read();
                let slots = &table.slots;
                if from >= slots.len() {
                    return out;
                }
                let to = slots.len().min(from + SWEEP_CHUNK);
                // Two holders: the table and the shard. A retired series has lost the shard's.
                let unheld = slots[from..to].iter().filter_map(|slot| slot.series.as_ref());
                let unheld = unheld.filter(|series| Arc::strong_count(series) == 2).cloned().collect();
                from = to;
                unheld
            };
            for series in unheld {
                let hash = self.hash_of(&series);
                let mut shard = self.shards[(hash >> 60) as usize].lock();
                // Three: the table, the shard, and this sweep. Under the shard's lock no door can find it anew.
                if Arc::strong_count(&series) == 3
                    && let Ok(entry) = shard.find_entry(hash, |held| Arc::ptr_eq(&held.series, &series))
                {
                    entry.remove();
                    out.count += 1;
                    self.live.fetch_sub(1, Relaxed);
                    if series.origin.is_some() {
                        self.streams.fetch_sub(1, Relaxed);
                    }
                    out.slots.push(series.id.slot);
                }
            }
        }
    }

    /// Closes the current epoch over `retired`, opens the next, and frees what no lease covers.
    fn free_uncovered(&self, retired: Vec<u32>) -> usize {
        let mut epochs = self.epochs.lock();
        let next = epochs.back().map_or(0, |lease| lease.0.number + 1);
        if let Some(current) = epochs.back() {
            current.0.retired.lock().extend(retired);
        }
        epochs.push_back(Lease(Arc::new(Epoch { number: next, retired: Mutex::default() })));
        let mut freed = 0;
        while epochs.len() > 1
            && epochs.front().is_some_and(|lease| !self.honour_leases || Arc::strong_count(&lease.0) == 1)
        {
            let Some(lease) = epochs.pop_front() else { break };
            let slots = std::mem::take(&mut *lease.0.retired.lock());
            let again = self.free(slots, &mut freed);
            if let Some(current) = epochs.back() {
                current.0.retired.lock().extend(again);
            }
        }
        self.freed.fetch_add(freed, Relaxed);
        freed
    }

    /// Frees `slots`; answers those that somebody still holds by their `Arc`.
    fn free(&self, slots: Vec<u32>, freed: &mut usize) -> Vec<u32> {
        let mut again = Vec::new();
        let mut table = self.table.write();
        let Table { slots: cells, free } = &mut *table;
        for slot in slots {
            let cell = &mut cells[slot as usize];
            let held = cell.series.as_ref().map_or(0, Arc::strong_count);
            if held > 1 && self.honour_leases {
                again.push(slot);
                continue;
            }
            cell.series = None;
            cell.generation = cell.generation.wrapping_add(1);
            free.push(Reverse(slot));
            *freed += 1;
        }
        again
    }
}
