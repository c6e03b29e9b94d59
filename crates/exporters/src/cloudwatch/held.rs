//! What the exporter holds, for its ledger: counted from the contents of the window and the queue.

use std::sync::Arc;

use parking_lot::Mutex;
use weir_core::NodeLedger;

use crate::sending::{Item, Queue};

/// The points in windows, queue and flight.
#[derive(Debug)]
pub(super) struct Held {
    ledger: Arc<NodeLedger>,
    windows: Mutex<u64>,
}

impl Held {
    pub(super) fn new(ledger: Arc<NodeLedger>) -> Self {
        Self { ledger, windows: Mutex::new(0) }
    }

    /// The windows hold this many points now.
    pub(super) fn set_windows<T: Item>(&self, points: u64, queue: &Queue<T>) {
        *self.windows.lock() = points;
        self.update(queue);
    }

    /// The queue changed. Under the lock, so that of two changes at a time the later one is told last.
    pub(super) fn update<T: Item>(&self, queue: &Queue<T>) {
        let windows = self.windows.lock();
        self.ledger.hold(*windows + queue.points());
        self.ledger.queue(queue.bytes(), queue.capacity());
    }
}
