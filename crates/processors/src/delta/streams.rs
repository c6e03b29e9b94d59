//! What is remembered of all streams, for as long as it may be needed.

use std::time::Duration;

use weir_core::{NumberPoint, PerStream, StreamId, UnixNanos};

use super::counter::{Counter, stated_start};

/// The streams of a `delta` stage: what one stage hands to its successor over a reload (R7).
#[derive(Debug)]
pub(super) struct Streams {
    streams: PerStream<Stream>,
    /// Nothing that counts from before this moment can be told from something that was seen and then forgotten.
    unknown_before: UnixNanos,
}

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) counter: Counter,
    /// When its last point was taken in, in seconds since the epoch: by Weir's clock, as a sender's may be wrong.
    pub(super) seen: u32,
}

impl Streams {
    /// Nothing is known of what came before `now`.
    pub(super) fn new(now: UnixNanos) -> Self {
        Self { streams: PerStream::default(), unknown_before: now }
    }

    #[inline]
    pub(super) fn get_mut(&mut self, id: StreamId) -> Option<&mut Stream> {
        self.streams.get_mut(id)
    }

    pub(super) fn len(&self) -> u64 {
        self.streams.len() as u64
    }

    /// Whether `point`, of a stream that is not remembered, says that all of it was counted while everything was remembered.
    pub(super) fn is_all_new(&self, point: &NumberPoint) -> bool {
        stated_start(point).is_some_and(|start| start >= self.unknown_before)
    }

    /// Remembers a stream that was not remembered.
    pub(super) fn insert(&mut self, id: StreamId, stream: Stream, now: UnixNanos) {
        let before = self.streams.len();
        self.streams.get_or_insert_with(id, || stream);
        if self.streams.len() == before {
            // It took the place of a stream that the doors gave up early, at the cap (R4). When that was last seen is gone with it.
            self.unknown_before = self.unknown_before.max(now);
        }
    }

    /// Forgets streams of which nothing came for longer than `staleness`.
    pub(super) fn forget(&mut self, staleness: Duration, now: UnixNanos) {
        let oldest = now.seconds().saturating_sub(staleness.as_secs());
        let unknown_before = &mut self.unknown_before;
        self.streams.retain(|_, stream| {
            let keep = u64::from(stream.seen) >= oldest;
            if !keep {
                *unknown_before = stream.counter.time().max(*unknown_before);
            }
            keep
        });
    }
}
