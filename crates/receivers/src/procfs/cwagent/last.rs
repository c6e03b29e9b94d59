//! What counters were at the round before.

use std::collections::HashMap;

use weir_core::UnixNanos;

/// `N` counters each of devices that come and go.
#[derive(Debug, Default)]
pub(super) struct Last<const N: usize> {
    devices: HashMap<Vec<u8>, Reading<N>>,
}

#[derive(Debug)]
struct Reading<const N: usize> {
    counts: [u64; N],
    time: UnixNanos,
    /// Whether it is of this round.
    is_new: bool,
}

impl<const N: usize> Last<N> {
    /// Keeps what a device's counters are `now`; answers what they were at the round before, and when that was.
    pub(super) fn replace(
        &mut self,
        device: &[u8],
        counts: [u64; N],
        now: UnixNanos,
    ) -> Option<(UnixNanos, [u64; N])> {
        let reading = Reading { counts, time: now, is_new: true };
        match self.devices.get_mut(device) {
            Some(last) => {
                let before = std::mem::replace(last, reading);
                Some((before.time, before.counts))
            }
            None => {
                self.devices.insert(device.to_vec(), reading);
                None
            }
        }
    }

    /// Forgets the devices that were not there in this round: when one comes again, it may be another.
    pub(super) fn end_round(&mut self) {
        self.devices.retain(|_, reading| std::mem::take(&mut reading.is_new));
    }
}

/// What came to a counter: all of it where it began anew.
pub(super) fn added(before: u64, now: u64) -> u64 {
    now.checked_sub(before).unwrap_or(now)
}
