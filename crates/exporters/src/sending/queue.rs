//! The queue between an encoder and its consumers.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// What a queue holds: encoded, self-contained (R6).
pub(crate) trait Item {
    /// The memory it takes, in bytes.
    fn bytes(&self) -> u64;
    /// How many points it stands for.
    fn points(&self) -> u64;
}

/// A queue bounded in bytes, for several consumers.
///
/// Where it is full, [`push`](Self::push) waits as long as any consumer gets on. Once all of them are stuck, the
/// destination is away, and the oldest items make room: what is newest is what people look at when it comes back.
/// Items in a consumer's hands are beyond the bound; there is one for each consumer.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Notify,
    capacity: u64,
    consumers: usize,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
    bytes: u64,
    /// Points in the hands of consumers.
    in_flight: u64,
    /// Consumers whose last attempt failed.
    stuck: usize,
    closed: bool,
}

impl<T: Item> Queue<T> {
    /// An empty queue of `capacity` bytes; an item larger than that passes an empty queue.
    pub(crate) fn new(capacity: u64, consumers: usize) -> Self {
        let state = State { items: VecDeque::new(), bytes: 0, in_flight: 0, stuck: 0, closed: false };
        Self { state: Mutex::new(state), changed: Notify::new(), capacity, consumers }
    }

    /// Puts `item` at the end. Answers the items that had to make room for it, the oldest first.
    pub(crate) async fn push(&self, item: T) -> Vec<T> {
        let mut evicted = Vec::new();
        let bytes = item.bytes();
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before the state is looked at: no change can be missed.
            changed.as_mut().enable();
            {
                let mut state = self.state.lock();
                let has_room =
                    |state: &State<T>| state.items.is_empty() || state.bytes + bytes <= self.capacity;
                while !has_room(&state) && state.stuck >= self.consumers {
                    let Some(oldest) = state.items.pop_front() else { break };
                    state.bytes -= oldest.bytes();
                    evicted.push(oldest);
                }
                if has_room(&state) {
                    state.bytes += bytes;
                    state.items.push_back(item);
                    break;
                }
            }
            changed.await;
        }
        self.changed.notify_waiters();
        evicted
    }

    /// The oldest item, now in the consumer's hands; `None` once the queue is closed and empty.
    pub(crate) async fn pop(&self) -> Option<T> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let popped = {
                let mut state = self.state.lock();
                if let Some(item) = state.items.pop_front() {
                    state.bytes -= item.bytes();
                    state.in_flight += item.points();
                    Some(item)
                } else if state.closed {
                    return None;
                } else {
                    None
                }
            };
            if popped.is_some() {
                self.changed.notify_waiters();
                return popped;
            }
            changed.await;
        }
    }

    /// Points in a consumer's hands have met their fate.
    pub(crate) fn settled(&self, points: u64) {
        let mut state = self.state.lock();
        state.in_flight = state.in_flight.saturating_sub(points);
    }

    /// A consumer's attempts fail, or work again: said on every change, not on every attempt.
    pub(crate) fn set_stuck(&self, stuck: bool) {
        let mut state = self.state.lock();
        state.stuck = if stuck { state.stuck + 1 } else { state.stuck.saturating_sub(1) };
        drop(state);
        self.changed.notify_waiters();
    }

    /// No item follows: consumers end when it is empty.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_waiters();
    }

    /// Points queued and in consumers' hands.
    pub(crate) fn points(&self) -> u64 {
        let state = self.state.lock();
        state.items.iter().map(Item::points).sum::<u64>() + state.in_flight
    }

    /// Bytes queued.
    pub(crate) fn bytes(&self) -> u64 {
        self.state.lock().bytes
    }

    /// Bytes that may be queued.
    pub(crate) fn capacity(&self) -> u64 {
        self.capacity
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Debug, PartialEq)]
    struct Sized(u64, u64);

    impl Item for Sized {
        fn bytes(&self) -> u64 {
            self.0
        }
        fn points(&self) -> u64 {
            self.1
        }
    }

    #[tokio::test]
    async fn items_come_out_in_order_and_stay_held_until_settled() {
        let queue = Queue::new(100, 1);
        assert!(queue.push(Sized(40, 1)).await.is_empty());
        assert!(queue.push(Sized(60, 2)).await.is_empty());
        assert_eq!((queue.bytes(), queue.points()), (100, 3));
        assert_eq!(queue.pop().await, Some(Sized(40, 1)));
        assert_eq!((queue.bytes(), queue.points()), (60, 3));
        queue.settled(1);
        assert_eq!(queue.points(), 2);
        queue.close();
        assert_eq!(queue.pop().await, Some(Sized(60, 2)));
        assert_eq!(queue.pop().await, None);
    }

    #[tokio::test]
    async fn a_full_queue_waits_while_a_consumer_gets_on() {
        let queue = Arc::new(Queue::new(100, 2));
        queue.set_stuck(true);
        assert!(queue.push(Sized(100, 1)).await.is_empty());
        let waiting = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move { queue.push(Sized(100, 2)).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        assert_eq!(queue.pop().await, Some(Sized(100, 1)));
        assert!(waiting.await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn when_all_consumers_are_stuck_the_oldest_make_room() {
        let queue = Queue::new(100, 2);
        queue.set_stuck(true);
        queue.set_stuck(true);
        for points in 1..=3 {
            assert!(queue.push(Sized(30, points)).await.is_empty());
        }
        assert_eq!(queue.push(Sized(60, 4)).await, [Sized(30, 1), Sized(30, 2)]);
        assert_eq!(queue.push(Sized(500, 5)).await, [Sized(30, 3), Sized(60, 4)], "larger than the queue");
        assert_eq!((queue.bytes(), queue.points()), (500, 5));
    }
}
