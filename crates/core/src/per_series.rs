//! State by series (R3): paged, generation-checked, indexed by the slot that no other crate sees.

use crate::{
    interner::Interner,
    series::{SeriesId, StreamId},
};

const PAGE: usize = 256;

/// Of a length that the compiler knows, so that a look into it needs no check of its own.
type Page<T> = Box<[Option<(u32, T)>; PAGE]>;

/// A value per series. A slot that was given to another series answers as if it had never been set.
#[derive(Debug)]
pub struct PerSeries<T> {
    pages: Vec<Option<Page<T>>>,
    len: usize,
    /// How many slots had been freed when what is gone was last forgotten.
    freed: usize,
}

impl<T> Default for PerSeries<T> {
    fn default() -> Self {
        Self { pages: Vec::new(), len: 0, freed: 0 }
    }
}

impl<T> PerSeries<T> {
    /// The value of `id`.
    #[inline]
    pub fn get(&self, id: SeriesId) -> Option<&T> {
        let (page, at) = split(id);
        match &self.pages.get(page)?.as_ref()?[at] {
            Some((generation, value)) if *generation == id.generation => Some(value),
            _ => None,
        }
    }

    /// The value of `id`, to change.
    #[inline]
    pub fn get_mut(&mut self, id: SeriesId) -> Option<&mut T> {
        let (page, at) = split(id);
        match &mut self.pages.get_mut(page)?.as_mut()?[at] {
            Some((generation, value)) if *generation == id.generation => Some(value),
            _ => None,
        }
    }

    /// The value of `id`, made by `new` where there is none. A value of the slot's earlier series is dropped.
    #[inline]
    pub fn get_or_insert_with(&mut self, id: SeriesId, new: impl FnOnce() -> T) -> &mut T {
        let (page, at) = split(id);
        if page >= self.pages.len() {
            self.pages.resize_with(page + 1, || None);
        }
        let list = self.pages[page].get_or_insert_with(|| Box::new(std::array::from_fn(|_| None)));
        let cell = &mut list[at];
        if cell.as_ref().is_none_or(|(generation, _)| *generation != id.generation) {
            self.len += usize::from(cell.is_none());
            *cell = None;
        }
        &mut cell.get_or_insert_with(|| (id.generation, new())).1
    }

    /// Sets the value of `id`.
    pub fn insert(&mut self, id: SeriesId, value: T) {
        let mut value = Some(value);
        let old = self.get_mut(id).map(|cell| {
            if let Some(value) = value.take() {
                *cell = value;
            }
        });
        if old.is_none()
            && let Some(value) = value
        {
            self.get_or_insert_with(id, || value);
        }
    }

    /// Takes the value of `id` out.
    pub fn remove(&mut self, id: SeriesId) -> Option<T> {
        let (page, at) = split(id);
        let cell = &mut self.pages.get_mut(page)?.as_mut()?[at];
        if cell.as_ref().is_none_or(|(generation, _)| *generation != id.generation) {
            return None;
        }
        self.len -= 1;
        cell.take().map(|(_, value)| value)
    }

    /// How many values are held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no value is held.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Every value with its series, in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = (SeriesId, &T)> {
        self.pages.iter().enumerate().flat_map(|(page, cells)| {
            cells.iter().flat_map(|cells| cells.iter().enumerate()).filter_map(move |(at, cell)| {
                cell.as_ref().map(|(generation, value)| (join(page, at, *generation), value))
            })
        })
    }

    /// Keeps the values for which `keep` says so; gives empty pages back.
    pub fn retain(&mut self, mut keep: impl FnMut(SeriesId, &mut T) -> bool) {
        for (page, cells) in self.pages.iter_mut().enumerate() {
            let Some(list) = cells else { continue };
            let mut left = 0;
            for (at, cell) in list.iter_mut().enumerate() {
                let Some((generation, value)) = cell else { continue };
                if keep(join(page, at, *generation), value) {
                    left += 1;
                } else {
                    *cell = None;
                    self.len -= 1;
                }
            }
            if left == 0 {
                *cells = None;
            }
        }
        while self.pages.last().is_some_and(Option::is_none) {
            self.pages.pop();
        }
    }

    /// Drops the values of series that no one can name any more: retired, and every lease gone. It looks at all values, and only
    /// where some series has gone since it was called last.
    pub fn forget_gone(&mut self, interner: &Interner) {
        let freed = interner.freed();
        if std::mem::replace(&mut self.freed, freed) == freed {
            return;
        }
        let known = interner.known();
        self.retain(|id, _| known.get(id).is_some());
    }
}

fn split(id: SeriesId) -> (usize, usize) {
    (id.slot as usize / PAGE, id.slot as usize % PAGE)
}

fn join(page: usize, at: usize, generation: u32) -> SeriesId {
    SeriesId { slot: (page * PAGE + at) as u32, generation }
}

/// A value per stream: what delta, staleness and windows keep, whatever a stream is called (R2).
#[derive(Debug)]
pub struct PerStream<T>(PerSeries<T>);

impl<T> Default for PerStream<T> {
    fn default() -> Self {
        Self(PerSeries::default())
    }
}

impl<T> PerStream<T> {
    /// The value of `stream`.
    pub fn get(&self, stream: StreamId) -> Option<&T> {
        self.0.get(stream.0)
    }

    /// The value of `stream`, to change.
    pub fn get_mut(&mut self, stream: StreamId) -> Option<&mut T> {
        self.0.get_mut(stream.0)
    }

    /// The value of `stream`, made by `new` where there is none.
    pub fn get_or_insert_with(&mut self, stream: StreamId, new: impl FnOnce() -> T) -> &mut T {
        self.0.get_or_insert_with(stream.0, new)
    }

    /// Takes the value of `stream` out.
    pub fn remove(&mut self, stream: StreamId) -> Option<T> {
        self.0.remove(stream.0)
    }

    /// How many values are held.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no value is held.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every value with its stream.
    pub fn iter(&self) -> impl Iterator<Item = (StreamId, &T)> {
        self.0.iter().map(|(id, value)| (StreamId(id), value))
    }

    /// Keeps the values for which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(StreamId, &mut T) -> bool) {
        self.0.retain(|id, value| keep(StreamId(id), value));
    }

    /// Drops the values of streams that no one can name any more.
    pub fn forget_gone(&mut self, interner: &Interner) {
        self.0.forget_gone(interner);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Attributes, Descriptor, Identity, Scope};

    fn id(slot: u32, generation: u32) -> SeriesId {
        SeriesId { slot, generation }
    }

    #[test]
    fn a_reused_slot_does_not_answer_for_its_former_series() {
        let mut state = PerSeries::default();
        state.insert(id(700, 0), "old");
        assert_eq!(state.get(id(700, 1)), None);
        assert_eq!(*state.get_or_insert_with(id(700, 1), || "new"), "new");
        assert_eq!(state.get(id(700, 0)), None);
        assert_eq!(state.len(), 1);
        assert_eq!(state.remove(id(700, 0)), None);
        assert_eq!(state.remove(id(700, 1)), Some("new"));
        assert!(state.is_empty());
    }

    #[test]
    fn what_is_gone_is_forgotten_each_time_that_something_has_gone() {
        let interner = Interner::new(10);
        let stream = |name: &str| {
            let identity = Identity {
                resource: interner.resource(Attributes::default(), ""),
                scope: interner.scope(Scope::default()),
                descriptor: interner.descriptor(Descriptor::gauge(name, "")),
                attributes: Attributes::default(),
            };
            interner.stream(&Arc::from("door"), identity).unwrap()
        };
        let (first, second, stays) = (stream("first"), stream("second"), stream("stays"));
        let ids = [first.id(), second.id(), stays.id()];
        let mut state = PerSeries::default();
        ids.into_iter().for_each(|id| state.insert(id, ()));
        let held = |state: &mut PerSeries<()>| {
            interner.sweep();
            state.forget_gone(&interner);
            state.iter().map(|(id, ())| id).collect::<Vec<_>>()
        };
        assert_eq!(held(&mut state), ids);
        drop(first);
        assert_eq!(held(&mut state), ids[1..]);
        drop(second);
        assert_eq!(held(&mut state), ids[2..]);
    }

    #[test]
    fn retain_counts_and_gives_pages_back() {
        let mut state = PerSeries::default();
        for slot in 0..1000 {
            state.insert(id(slot, 3), slot);
        }
        state.retain(|_, value| *value < 10);
        assert_eq!(state.len(), 10);
        assert_eq!(state.pages.len(), 1);
        assert_eq!(state.iter().map(|(_, v)| *v).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
    }
}
