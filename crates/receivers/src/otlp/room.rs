//! The memory that requests may take on their way in, all of a receiver's together.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Room for the bytes of requests, from their first byte until their points are sent on.
///
/// A request alone always finds room, however large: what it may be is bounded by the protocol's own key.
#[derive(Debug)]
pub(super) struct Room {
    limit: usize,
    held: AtomicUsize,
}

/// There is no room now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Room {
    /// For `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, held: AtomicUsize::new(0) }
    }

    /// For one request, of which nothing is there yet.
    pub(super) fn enter(&self) -> Held<'_> {
        Held { room: self, bytes: 0 }
    }
}

/// What one request holds; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Held<'a> {
    room: &'a Room,
    bytes: usize,
}

impl Held<'_> {
    /// So many bytes more have come.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Full> {
        self.set(self.bytes.saturating_add(bytes))
    }

    /// The request takes so many bytes now.
    pub(super) fn set(&mut self, bytes: usize) -> Result<(), Full> {
        let own = self.bytes;
        let next = |all: usize| {
            let others = all - own;
            let fits = bytes <= own || others == 0 || bytes <= self.room.limit.saturating_sub(others);
            fits.then(|| others.saturating_add(bytes))
        };
        self.room.held.fetch_update(Relaxed, Relaxed, next).map_err(|_| Full)?;
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.room.held.fetch_sub(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_share_the_room_and_give_it_back() {
        let room = Room::new(100);
        let (mut a, mut b) = (room.enter(), room.enter());
        assert_eq!((a.grow(60), b.grow(40)), (Ok(()), Ok(())));
        assert_eq!((a.grow(1), b.grow(1)), (Err(Full), Err(Full)));
        a.set(59).unwrap();
        b.grow(1).unwrap();
        drop(a);
        assert_eq!((b.set(100), room.held.load(Relaxed)), (Ok(()), 100));
        drop(b);
        assert_eq!(room.held.load(Relaxed), 0);
    }

    #[test]
    fn alone_a_request_of_any_size_finds_room() {
        let room = Room::new(100);
        let mut large = room.enter();
        assert_eq!((large.grow(90), large.grow(usize::MAX - 90)), (Ok(()), Ok(())));
        assert_eq!(room.enter().grow(1), Err(Full));
        drop(large);
        assert_eq!(room.enter().grow(1), Ok(()));
    }
}
