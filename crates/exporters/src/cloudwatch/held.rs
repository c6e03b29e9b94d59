//! What the exporter holds, for its ledger: counted from the contents of the window and the queue.

use std::sync::Arc;

use parking_lot::Mutex;
use weir_core::NodeLedger;

use crate::sending::{Item, Queue};

/// The points in windows, queue and flight.
#[derive(Debug)]
pub(super) struct Held {
    ledger: Arc<NodeLedger>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    windows: u64,
    /// The node is gone: what it held is counted by who gave it up, and by nobody else.
    is_over: bool,
}

impl Held {
    pub(super) fn new(ledger: Arc<NodeLedger>) -> Self {
        Self { ledger, state: Mutex::default() }
    }

    /// The windows hold this many points now.
    pub(super) fn set_windows<T: Item>(&self, points: u64, queue: &Queue<T>) {
        let mut state = self.state.lock();
        state.windows = points;
        self.tell(&state, queue);
    }

    /// The queue changed. Under the lock, so that of two changes at a time the later one is told last.
    pub(super) fn update<T: Item>(&self, queue: &Queue<T>) {
        self.tell(&self.state.lock(), queue);
    }

    /// Points in a consumer's hands have met their fate, which `count` enters. A consumer that is aborted goes on until it waits the
    /// next time: what it still does to points that were given up must not count.
    pub(super) fn settle<T: Item>(&self, points: u64, queue: &Queue<T>, count: impl FnOnce(&NodeLedger)) {
        let state = self.state.lock();
        if !state.is_over {
            count(&self.ledger);
            queue.settled(points);
            self.tell(&state, queue);
        }
    }

    /// Whatever is held from now on is not the exporter's to count: as soon as this is dropped, however the node ends.
    pub(super) fn until_dropped(self: &Arc<Self>) -> UntilDropped {
        UntilDropped(Arc::clone(self))
    }

    fn tell<T: Item>(&self, state: &State, queue: &Queue<T>) {
        if !state.is_over {
            self.ledger.hold(state.windows + queue.points());
            self.ledger.queue(queue.bytes(), queue.capacity());
        }
    }
}

/// See [`Held::until_dropped`].
#[derive(Debug)]
pub(super) struct UntilDropped(Arc<Held>);

impl Drop for UntilDropped {
    fn drop(&mut self) {
        self.0.state.lock().is_over = true;
    }
}

#[cfg(test)]
mod tests {
    use weir_core::{Clock, Reason, UnixNanos};

    use super::*;

    struct Points(u64);

    impl Item for Points {
        fn bytes(&self) -> u64 {
            1
        }

        fn points(&self) -> u64 {
            self.0
        }
    }

    #[tokio::test]
    async fn after_the_nodes_end_a_consumer_that_goes_on_counts_nothing() {
        let ledger = Arc::new(NodeLedger::default());
        let held = Arc::new(Held::new(Arc::clone(&ledger)));
        let queue = Queue::new(100, 1, Clock::manual(UnixNanos(0)));
        let node = held.until_dropped();
        ledger.take(12);
        for points in [5, 7] {
            queue.push(Points(points)).await;
            queue.pop().await;
        }
        held.update(&queue);
        held.settle(5, &queue, |ledger| ledger.pass(5));
        assert_eq!((ledger.read().held, ledger.read().passed), (7, 5));
        drop(node);
        // As the graph does with a node that it gave up.
        ledger.hold(0);
        ledger.drop_points(Reason::SHUTDOWN, 7);
        held.settle(7, &queue, |ledger| ledger.drop_points(Reason::SHUTDOWN, 7));
        held.update(&queue);
        let account = ledger.read();
        assert!(account.balances() && account.held == 0, "{account:?}");
    }
}
