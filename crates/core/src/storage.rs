//! Small durable state (R6): what a component hands to an extension to keep, and gets back when Weir starts again.
//!
//! No I/O here, so that processors stay synchronous. An extension offers a storage, components open a place in it while the graph is
//! built, and the extension has put what it read into each place before the first point arrives. A component then hands over
//! snapshots, each with the [`Fate`] of all that it sent on since the snapshot before. **A snapshot is due only when that fate is
//! known**, so what is saved never runs ahead of what was exported: after a crash points may count twice, but none is missed.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use futures::FutureExt;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{
    ack::{Fate, Verdict},
    clock::UnixNanos,
    ledger::Reason,
};

/// How many snapshots of one component wait at most. Each costs memory; too few of them, and the state saved after a window's export
/// is older than the last snapshot before the window's end. Four are enough for a window of twice the interval between snapshots.
const MAX_WAITING: usize = 4;

/// State as it is saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The component's own bytes.
    pub state: Vec<u8>,
    /// When it was taken.
    pub taken: UnixNanos,
    /// It was taken at an orderly end, after the last point, and nobody has gone on from it: nothing counts twice.
    pub is_final: bool,
}

/// The storages that extensions offer, and the places in them.
#[derive(Clone, Debug, Default)]
pub struct Storages(Arc<Mutex<ByStorage>>);

/// The places in each storage, by the extension's id.
type ByStorage = BTreeMap<Arc<str>, Vec<Arc<Place>>>;

#[derive(Debug)]
struct Place {
    owner: String,
    format: &'static str,
    found: Mutex<Option<Saved>>,
    waiting: Mutex<VecDeque<Snapshot>>,
    news: Notify,
    is_broken: AtomicBool,
    saves: AtomicU64,
    failures: AtomicU64,
}

#[derive(Debug)]
struct Snapshot {
    saved: Saved,
    /// What became of all that went on since the snapshot before.
    settled: Fate,
}

/// A component's place in a storage.
#[derive(Debug)]
pub struct Storage(Arc<Place>);

/// The extension's side of a place.
#[derive(Debug)]
pub struct Drawer {
    place: Arc<Place>,
    next: Option<Snapshot>,
}

/// Figures of one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageStats {
    /// Whose state it is.
    pub owner: String,
    /// How often state was saved.
    pub saves: u64,
    /// How often it could not be read or saved.
    pub failures: u64,
}

impl Storages {
    /// Offers a storage under the extension's id.
    pub fn offer(&self, id: &Arc<str>) {
        self.0.lock().entry(Arc::clone(id)).or_default();
    }

    /// A place of `owner` in the storage `id`; `None` where nobody offers it. `format` names what the bytes mean, and changes
    /// with it: state of another format is not given back.
    pub fn open(&self, id: &str, owner: String, format: &'static str) -> Option<Storage> {
        let mut storages = self.0.lock();
        let places = storages.get_mut(id)?;
        let place = Arc::new(Place {
            owner,
            format,
            found: Mutex::default(),
            waiting: Mutex::default(),
            news: Notify::new(),
            is_broken: AtomicBool::new(false),
            saves: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        });
        places.push(Arc::clone(&place));
        Some(Storage(place))
    }

    /// The places of a storage, for the extension that offered it.
    pub fn drawers(&self, id: &str) -> Vec<Drawer> {
        let storages = self.0.lock();
        let places = storages.get(id).into_iter().flatten();
        places.map(|place| Drawer { place: Arc::clone(place), next: None }).collect()
    }

    /// Figures for self-telemetry.
    pub fn stats(&self) -> Vec<StorageStats> {
        let storages = self.0.lock();
        let stats = |place: &Arc<Place>| StorageStats {
            owner: place.owner.clone(),
            saves: place.saves.load(Relaxed),
            failures: place.failures.load(Relaxed),
        };
        storages.values().flatten().map(stats).collect()
    }
}

impl Storage {
    /// What was saved last, once.
    pub fn take_saved(&self) -> Option<Saved> {
        self.0.found.lock().take()
    }

    /// Whether a snapshot would be kept: not while many wait for their points to be settled, or once points vanished without a
    /// verdict, after which nothing may be saved. The last snapshot of all is kept in any case.
    pub fn has_room(&self) -> bool {
        !self.0.is_broken.load(Relaxed) && self.0.waiting.lock().len() < MAX_WAITING
    }

    /// Hands a snapshot over. `settled` is the fate of all that was sent on since the snapshot before.
    pub fn save(&self, saved: Saved, settled: Fate) {
        self.0.waiting.lock().push_back(Snapshot { saved, settled });
        self.0.news.notify_one();
    }
}

impl Drawer {
    /// Whose place it is: the component's id and its pipeline.
    pub fn owner(&self) -> &str {
        &self.place.owner
    }

    /// What its bytes mean.
    pub fn format(&self) -> &'static str {
        self.place.format
    }

    /// Gives the component what was saved.
    pub fn found(&self, saved: Saved) {
        *self.place.found.lock() = Some(saved);
    }

    /// Counts a save.
    pub fn saved(&self) {
        self.place.saves.fetch_add(1, Relaxed);
    }

    /// Counts state that could not be read or saved.
    pub fn failed(&self) {
        self.place.failures.fetch_add(1, Relaxed);
    }

    /// Waits for the next snapshot that is due. Nothing is lost when the future is dropped before it ends.
    pub async fn due(&mut self) -> Saved {
        loop {
            match self.front() {
                None => self.place.news.notified().await,
                Some(front) => {
                    let verdict = front.settled.exported().await;
                    if let Some(saved) = self.settle(verdict) {
                        return self.due_now().unwrap_or(saved);
                    }
                }
            }
        }
    }

    /// The newest snapshot that is due.
    pub fn due_now(&mut self) -> Option<Saved> {
        let mut newest = None;
        while let Some(verdict) = self.front().and_then(|front| front.settled.exported().now_or_never()) {
            newest = self.settle(verdict).or(newest);
        }
        newest
    }

    /// How many snapshots are not due yet.
    pub fn waiting(&self) -> usize {
        usize::from(self.next.is_some()) + self.place.waiting.lock().len()
    }

    fn front(&mut self) -> Option<&mut Snapshot> {
        if self.place.is_broken.load(Relaxed) {
            return None;
        }
        if self.next.is_none() {
            self.next = self.place.waiting.lock().pop_front();
        }
        self.next.as_mut()
    }

    /// The fate of what went on before the snapshot in front is known. Points that were dropped and counted are settled as well as
    /// delivered ones; of points that vanished nobody knows, so that from there on the older state is the right one.
    fn settle(&mut self, verdict: Verdict) -> Option<Saved> {
        let snapshot = self.next.take()?;
        if verdict == Verdict::Lost(Reason::ABANDONED) {
            self.place.is_broken.store(true, Relaxed);
            self.place.waiting.lock().clear();
            tracing::warn!(
                component = %self.place.owner,
                "points vanished without a verdict: the state saved before them stays the last one"
            );
            return None;
        }
        Some(snapshot.saved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ack::Ack;

    fn place() -> (Storage, Drawer) {
        let storages = Storages::default();
        let id = Arc::from("file_storage");
        storages.offer(&id);
        let storage = storages.open(&id, "delta@metrics".to_owned(), "test/1").unwrap();
        (storage, storages.drawers(&id).pop().unwrap())
    }

    fn state(taken: u64) -> Saved {
        Saved { state: vec![taken as u8], taken: UnixNanos(taken), is_final: false }
    }

    #[test]
    fn there_is_no_place_where_nobody_offers_one() {
        assert!(Storages::default().open("file_storage", "delta".to_owned(), "test/1").is_none());
    }

    #[test]
    fn what_was_read_is_given_back_once() {
        let (storage, drawer) = place();
        drawer.found(state(1));
        assert_eq!(storage.take_saved(), Some(state(1)));
        assert_eq!(storage.take_saved(), None);
    }

    #[test]
    fn a_snapshot_is_due_when_all_before_it_is_settled_and_not_before() {
        let (storage, mut drawer) = place();
        let (first, fate) = Ack::new();
        storage.save(state(1), fate);
        let (second, fate) = Ack::new();
        storage.save(state(2), fate);
        second.settle(Verdict::Delivered);
        assert_eq!(drawer.due_now(), None, "what went on before the first is open");
        let part = first.clone();
        first.settle(Verdict::Lost(Reason::QUEUE_FULL));
        assert_eq!(drawer.due_now(), None);
        part.settle(Verdict::Delivered);
        assert_eq!(drawer.due_now(), Some(state(2)), "the newest of those that are due");
        assert_eq!(drawer.waiting(), 0);
    }

    #[tokio::test]
    async fn waiting_for_it_can_be_given_up_and_begun_again() {
        let (storage, mut drawer) = place();
        assert_eq!(drawer.due().now_or_never(), None);
        let (ack, fate) = Ack::new();
        storage.save(state(1), fate);
        assert_eq!(drawer.due().now_or_never(), None);
        ack.settle(Verdict::Delivered);
        assert_eq!(drawer.due().await, state(1));
    }

    #[test]
    fn after_points_that_vanished_nothing_is_due_any_more() {
        let (storage, mut drawer) = place();
        let (ack, fate) = Ack::new();
        storage.save(state(1), fate);
        let (later, fate) = Ack::new();
        storage.save(state(2), fate);
        drop(ack);
        later.settle(Verdict::Delivered);
        assert_eq!(drawer.due_now(), None);
        assert!(!storage.has_room());
    }

    #[test]
    fn only_so_many_wait() {
        let (storage, _drawer) = place();
        let mut acks = Vec::new();
        while storage.has_room() {
            let (ack, fate) = Ack::new();
            storage.save(state(1), fate);
            acks.push(ack);
        }
        assert_eq!(acks.len(), MAX_WAITING);
        acks.into_iter().for_each(|ack| ack.settle(Verdict::Delivered));
    }
}
