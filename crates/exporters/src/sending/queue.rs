//! The queue between an encoder and its consumers.

use std::{collections::VecDeque, time::Duration};

use parking_lot::Mutex;
use tokio::sync::Notify;
use weir_core::{Clock, UnixNanos};

/// What a queue holds: encoded, self-contained (R6).
pub(crate) trait Item {
    /// The memory it takes, in bytes.
    fn bytes(&self) -> u64;
    /// How many points it stands for.
    fn points(&self) -> u64;
}

/// A queue bounded in bytes, for several consumers.
///
/// # Order
/// The oldest and the newest item are taken in turns: what is fresh does not wait behind a long backlog, and the backlog
/// drains. What a consumer could not deliver it gives back to its old place, to be taken no earlier than it says.
///
/// # The bound
/// Where it is full, [`push`](Self::push) waits as long as items get through. Once every consumer's last attempt failed, the
/// destination is away, and the oldest items make room: what is newest is what people look at when it comes back. Items that
/// were given back make room before that: who waits for them waits for something else than room. Items in a consumer's hands,
/// one in each, are beyond the bound.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Notify,
    clock: Clock,
    capacity: u64,
    consumers: usize,
}

#[derive(Debug)]
struct State<T> {
    /// By age, the oldest first.
    entries: VecDeque<Entry<T>>,
    bytes: u64,
    /// Points in the hands of consumers.
    in_hand: u64,
    /// Consumers whose last attempt failed.
    stuck: usize,
    pushed: u64,
    newest_is_next: bool,
    closed: bool,
    hurry: bool,
}

#[derive(Debug)]
struct Entry<T> {
    age: Age,
    not_before: UnixNanos,
    item: T,
}

/// An item's place among all that were ever pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Age(u64);

impl<T: Item> Queue<T> {
    /// An empty queue of `capacity` bytes; an item larger than that passes an empty queue.
    pub(crate) fn new(capacity: u64, consumers: usize, clock: Clock) -> Self {
        let state = State {
            entries: VecDeque::new(),
            bytes: 0,
            in_hand: 0,
            stuck: 0,
            pushed: 0,
            newest_is_next: false,
            closed: false,
            hurry: false,
        };
        Self { state: Mutex::new(state), changed: Notify::new(), clock, capacity, consumers }
    }

    /// Puts `item` at the end. Answers the items that had to make room for it, the oldest first.
    pub(crate) async fn push(&self, item: T) -> Vec<T> {
        let bytes = item.bytes();
        let evicted = loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before the state is looked at: no change can be missed.
            changed.as_mut().enable();
            {
                let mut state = self.state.lock();
                let room = self.capacity.saturating_sub(bytes);
                if let Some(evicted) = state.make_room(room, self.clock.now(), self.consumers) {
                    let age = Age(state.pushed);
                    state.pushed += 1;
                    state.insert(Entry { age, not_before: UnixNanos(0), item });
                    break evicted;
                }
            }
            changed.await;
        };
        self.changed.notify_waiters();
        evicted
    }

    /// The next item, now in the consumer's hands, and its age; `None` once the queue is closed and empty.
    pub(crate) async fn pop(&self) -> Option<(Age, T)> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let wait = {
                let mut state = self.state.lock();
                let now = self.clock.now();
                if let Some(entry) = state.next(now).and_then(|at| state.remove(at)) {
                    state.newest_is_next = !state.newest_is_next;
                    state.in_hand += entry.item.points();
                    drop(state);
                    self.changed.notify_waiters();
                    return Some((entry.age, entry.item));
                }
                if state.closed && state.entries.is_empty() {
                    return None;
                }
                state.entries.iter().map(|entry| entry.not_before.since(now)).min()
            };
            tokio::select! {
                () = changed => {}
                () = self.sleep(wait) => {}
            }
        }
    }

    async fn sleep(&self, wait: Option<Duration>) {
        match wait {
            Some(wait) => self.clock.sleep(wait).await,
            None => std::future::pending().await,
        }
    }

    /// An item in a consumer's hands, or a part of it, goes back to its place, to be taken again in `wait`.
    pub(crate) fn give_back(&self, age: Age, item: T, wait: Duration) {
        let mut state = self.state.lock();
        state.in_hand = state.in_hand.saturating_sub(item.points());
        state.insert(Entry { age, not_before: self.clock.now().plus(wait), item });
        drop(state);
        self.changed.notify_waiters();
    }

    /// Points in a consumer's hands have met their fate.
    pub(crate) fn settled(&self, points: u64) {
        let mut state = self.state.lock();
        state.in_hand = state.in_hand.saturating_sub(points);
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

    /// Nothing waits for its time any more: the drain is nearly over.
    pub(crate) fn hurry(&self) {
        self.state.lock().hurry = true;
        self.changed.notify_waiters();
    }

    /// Points queued and in consumers' hands.
    pub(crate) fn points(&self) -> u64 {
        let state = self.state.lock();
        state.entries.iter().map(|entry| entry.item.points()).sum::<u64>() + state.in_hand
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

impl<T: Item> State<T> {
    fn is_due(&self, entry: &Entry<T>, now: UnixNanos) -> bool {
        self.hurry || entry.not_before <= now
    }

    /// The place of the item whose turn it is.
    fn next(&self, now: UnixNanos) -> Option<usize> {
        let mut due = (0..self.entries.len()).filter(|at| self.is_due(&self.entries[*at], now));
        if self.newest_is_next { due.next_back() } else { due.next() }
    }

    /// Takes out what has to go until all takes `limit` bytes or nothing is left, mostly nothing; answers it. `None`, and all stays, where
    /// waiting for room is not in vain.
    fn make_room(&mut self, limit: u64, now: UnixNanos, consumers: usize) -> Option<Vec<T>> {
        if self.bytes <= limit {
            return Some(Vec::new());
        }
        let is_away = self.stuck >= consumers;
        let staying = self.entries.iter().filter(|entry| !is_away && self.is_due(entry, now));
        if staying.map(|entry| entry.item.bytes()).sum::<u64>() > limit {
            return None;
        }
        let mut evicted = Vec::new();
        while self.bytes > limit && !self.entries.is_empty() {
            let given_back = self.entries.iter().position(|entry| !self.is_due(entry, now));
            evicted.extend(self.remove(given_back.unwrap_or(0)).map(|entry| entry.item));
        }
        Some(evicted)
    }

    fn insert(&mut self, entry: Entry<T>) {
        self.bytes += entry.item.bytes();
        let at = self.entries.partition_point(|other| other.age <= entry.age);
        self.entries.insert(at, entry);
    }

    fn remove(&mut self, at: usize) -> Option<Entry<T>> {
        let entry = self.entries.remove(at)?;
        self.bytes -= entry.item.bytes();
        Some(entry)
    }
}

#[cfg(test)]
mod tests;
