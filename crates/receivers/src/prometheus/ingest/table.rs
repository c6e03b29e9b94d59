//! The series of a target.

use std::{collections::HashMap, sync::Arc};

use weir_core::{Series, SeriesId, UnixNanos};

/// No assembly.
pub(super) const NONE: u32 = u32::MAX;

/// A series of a target.
#[derive(Debug)]
pub(super) struct Held {
    /// What its points carry: that of `named`.
    pub(super) id: SeriesId,
    /// Since when it counts; zero where unknown.
    pub(super) start: UnixNanos,
    /// The last scrape that it was in.
    pub(super) seen: u32,
    /// The time of its last point.
    pub(super) time: UnixNanos,
    /// The time of the last point that a scrape which succeeded sent, before the one that brought it last.
    pub(super) sent: UnixNanos,
    /// Where its last point of that scrape was put.
    pub(super) at: u32,
    /// The histogram or summary that is put together for it.
    pub(super) assembly: u32,
    /// It was live when the scrape that brought it last began.
    pub(super) was_live: bool,
    /// Its last sample had a timestamp of its own.
    pub(super) is_timed: bool,
    /// What it is called at the door: without what `target_info` says, so that its stream is the same whenever that comes.
    pub(super) at_door: Arc<Series>,
    /// What it is called.
    pub(super) named: Arc<Series>,
}

impl Held {
    /// Since when a point at `time` counts; zero where that is unknown, or would not be before it.
    #[inline]
    pub(super) fn start_before(&self, time: UnixNanos) -> UnixNanos {
        if self.start < time { self.start } else { UnixNanos(0) }
    }
}

/// The series of a target, each at a place that stays.
#[derive(Debug, Default)]
pub(super) struct Table {
    places: Vec<Option<Held>>,
    free: Vec<u32>,
    by_id: HashMap<SeriesId, u32>,
}

impl Table {
    #[inline]
    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut Held> {
        self.places.get_mut(place as usize)?.as_mut()
    }

    pub(super) fn get(&self, place: u32) -> Option<&Held> {
        self.places.get(place as usize)?.as_ref()
    }

    /// The place of the series that is called `id` at the door.
    pub(super) fn place_of(&self, id: SeriesId) -> Option<u32> {
        self.by_id.get(&id).copied()
    }

    pub(super) fn insert(&mut self, held: Held) -> u32 {
        let id = held.at_door.id();
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            (self.places.len() - 1) as u32
        });
        self.places[place as usize] = Some(held);
        self.by_id.insert(id, place);
        place
    }

    /// Every series with its place.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut Held)> {
        let places = self.places.iter_mut().enumerate();
        places.filter_map(|(place, held)| held.as_mut().map(|held| (place as u32, held)))
    }

    /// Lets go of the series for whose place `keep` is false, each told to `let_go` as it is called at the door.
    pub(super) fn retain(&mut self, keep: impl Fn(u32) -> bool, mut let_go: impl FnMut(&Series)) {
        for (place, held) in self.places.iter_mut().enumerate() {
            let place = place as u32;
            if held.is_some() && !keep(place) {
                if let Some(held) = held.take() {
                    self.by_id.remove(&held.at_door.id());
                    let_go(&held.at_door);
                }
                self.free.push(place);
            }
        }
    }
}
