//! What is remembered of all streams, for as long as it may be needed.

use std::time::Duration;

use weir_core::{InternerStats, Number, NumberPoint, PerStream, StreamId, UnixNanos};

use super::{
    explicit::{Explicit, ExplicitPoint},
    exponential::{ExponentialPoint, LastExponential},
    saved::{Key, Remembered},
    sequence::{Cumulative, Sequence, Times},
};

/// How often [`Streams::forget`] is called at least.
pub(super) const TICK: Duration = Duration::from_secs(10);

/// How far ahead of Weir's clock a forgotten stream's time counts: a sender who believes it is the year 2100 must not have every new
/// stream of the others taken for one that was forgotten. CloudWatch takes nothing that is further ahead.
const MAX_LEAD: Duration = Duration::from_hours(2);

/// The streams of a `delta` stage: what one stage hands to its successor over a reload (R7). A stream has points of one kind.
#[derive(Debug)]
pub(super) struct Streams {
    pub(super) numbers: PerStream<Stream<Number>>,
    pub(super) explicit: PerStream<Stream<Box<Explicit>>>,
    pub(super) exponential: PerStream<Stream<Box<LastExponential>>>,
    /// By what the streams are known again in another process; empty where nothing is saved.
    pub(super) keys: PerStream<Key>,
    /// What was read from storage and has not come again yet.
    pub(super) remembered: Remembered,
    /// Nothing that counts from before this moment can be told from something that was seen and then forgotten.
    pub(super) unknown_before: UnixNanos,
}

/// What is remembered of one stream.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stream<L> {
    pub(super) sequence: Sequence,
    /// When its last point was taken in, in seconds since the epoch: by Weir's clock, as a sender's may be wrong.
    pub(super) seen: u32,
    pub(super) last: L,
}

/// A point whose streams have a table of their own.
pub(super) trait Tabled: Cumulative {
    fn table(streams: &mut Streams) -> &mut PerStream<Stream<Self::Last>>;

    /// Takes the stream of this key out of what was read from storage.
    fn take(remembered: &mut Remembered, key: &Key) -> Option<Stream<Self::Last>>;
}

impl Tabled for NumberPoint {
    #[inline]
    fn table(streams: &mut Streams) -> &mut PerStream<Stream<Number>> {
        &mut streams.numbers
    }

    fn take(remembered: &mut Remembered, key: &Key) -> Option<Stream<Number>> {
        remembered.numbers.remove(key)
    }
}

impl Tabled for ExplicitPoint<'_> {
    fn table(streams: &mut Streams) -> &mut PerStream<Stream<Box<Explicit>>> {
        &mut streams.explicit
    }

    fn take(remembered: &mut Remembered, key: &Key) -> Option<Stream<Box<Explicit>>> {
        remembered.explicit.remove(key)
    }
}

impl Tabled for ExponentialPoint<'_> {
    fn table(streams: &mut Streams) -> &mut PerStream<Stream<Box<LastExponential>>> {
        &mut streams.exponential
    }

    fn take(remembered: &mut Remembered, key: &Key) -> Option<Stream<Box<LastExponential>>> {
        remembered.exponential.remove(key)
    }
}

impl Streams {
    /// Nothing is known of what came before `now`.
    pub(super) fn new(now: UnixNanos) -> Self {
        Self {
            numbers: PerStream::default(),
            explicit: PerStream::default(),
            exponential: PerStream::default(),
            keys: PerStream::default(),
            remembered: Remembered::default(),
            unknown_before: now,
        }
    }

    pub(super) fn len(&self) -> u64 {
        let known = self.numbers.len() + self.explicit.len() + self.exponential.len();
        (known + self.remembered.len()) as u64
    }

    /// Whether a point, of a stream that is not remembered, says that all of it was counted while everything was remembered.
    pub(super) fn is_all_new(&self, times: Times) -> bool {
        times.stated_start().is_some_and(|start| start >= self.unknown_before)
    }

    /// Remembers a stream that was not remembered.
    pub(super) fn insert<P: Tabled>(&mut self, id: StreamId, key: Option<Key>, stream: Stream<P::Last>) {
        P::table(self).get_or_insert_with(id, || stream);
        if let Some(key) = key {
            self.keys.get_or_insert_with(id, || key);
        }
    }

    /// Forgets streams of which nothing came for longer than `staleness`; zero is for ever.
    pub(super) fn forget(&mut self, staleness: Duration, now: UnixNanos, interner: InternerStats) {
        let staleness = if staleness.is_zero() { Duration::MAX } else { staleness };
        let before = |idle: Duration| now.seconds().saturating_sub(idle.as_secs());
        let mut forgetting = Forgetting {
            stale: before(staleness),
            doubtful: before(staleness.min(surely_kept(interner))),
            latest: now.plus(MAX_LEAD),
            unknown_before: self.unknown_before,
        };
        let forgotten = self.len();
        self.numbers.retain(|_, stream| forgetting.keeps(stream));
        self.explicit.retain(|_, stream| forgetting.keeps(stream));
        self.exponential.retain(|_, stream| forgetting.keeps(stream));
        // What has not come again keeps its name, however full the doors are.
        forgetting.doubtful = forgetting.stale;
        self.remembered.numbers.retain(|_, stream| forgetting.keeps(stream));
        self.remembered.explicit.retain(|_, stream| forgetting.keeps(stream));
        self.remembered.exponential.retain(|_, stream| forgetting.keeps(stream));
        self.unknown_before = forgetting.unknown_before;
        if self.len() < forgotten {
            let Self { numbers, explicit, exponential, keys, .. } = self;
            keys.retain(|id, _| {
                numbers.get(id).is_some() || explicit.get(id).is_some() || exponential.get(id).is_some()
            });
        }
    }
}

/// One pass over all streams.
struct Forgetting {
    /// Who was seen before this second is forgotten.
    stale: u64,
    /// Who was seen before this second may be back under a new id already.
    doubtful: u64,
    latest: UnixNanos,
    unknown_before: UnixNanos,
}

impl Forgetting {
    fn keeps<L>(&mut self, stream: &Stream<L>) -> bool {
        let seen = u64::from(stream.seen);
        if seen < self.doubtful {
            self.unknown_before = self.unknown_before.max(stream.sequence.time.min(self.latest));
        }
        seen >= self.stale
    }
}

/// How long an idle stream surely keeps its id. Near the cap the doors give up streams that are idle for five minutes (R4); such a
/// stream comes back under a new id, as if it had never been there.
fn surely_kept(interner: InternerStats) -> Duration {
    let near_the_cap = interner.streams >= interner.limit - interner.limit / 8;
    if near_the_cap { Duration::from_mins(5).saturating_sub(TICK) } else { Duration::MAX }
}
