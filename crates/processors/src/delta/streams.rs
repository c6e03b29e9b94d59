//! What is remembered of all streams, for as long as it may be needed.

use std::time::Duration;

use weir_core::{InternerStats, NumberPoint, PerStream, StreamId, UnixNanos};

use super::counter::{Counter, stated_start};

/// How often [`Streams::forget`] is called.
pub(super) const TICK: Duration = Duration::from_secs(10);

/// How far ahead of Weir's clock a forgotten stream's time counts: a sender who believes it is the year 2100 must not have every new
/// stream of the others taken for one that was forgotten. CloudWatch takes nothing that is further ahead.
const MAX_LEAD: Duration = Duration::from_hours(2);

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
    pub(super) fn insert(&mut self, id: StreamId, stream: Stream) {
        self.streams.get_or_insert_with(id, || stream);
    }

    /// Forgets streams of which nothing came for longer than `staleness`; zero is for ever.
    pub(super) fn forget(&mut self, staleness: Duration, now: UnixNanos, interner: InternerStats) {
        let staleness = if staleness.is_zero() { Duration::MAX } else { staleness };
        let before = |idle: Duration| now.seconds().saturating_sub(idle.as_secs());
        let (stale, doubtful) = (before(staleness), before(staleness.min(surely_kept(interner))));
        let unknown_before = &mut self.unknown_before;
        self.streams.retain(|_, stream| {
            let seen = u64::from(stream.seen);
            if seen < doubtful {
                let until = stream.counter.time().min(now.plus(MAX_LEAD));
                *unknown_before = until.max(*unknown_before);
            }
            seen >= stale
        });
    }
}

/// How long an idle stream surely keeps its id. Near the cap the doors give up streams that are idle for five minutes (R4); such a
/// stream comes back under a new id, as if it had never been there.
fn surely_kept(interner: InternerStats) -> Duration {
    let near_the_cap = interner.streams >= interner.limit - interner.limit / 8;
    if near_the_cap { Duration::from_mins(5).saturating_sub(TICK) } else { Duration::MAX }
}
