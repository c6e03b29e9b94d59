//! The order of a stream's points: which follows the last one, and which begins to count anew (OpenTelemetry metrics data model,
//! "Sums", "Resets and gaps"). The same for every kind.

use weir_core::{Reason, SeriesId, UnixNanos};

/// When a point was taken, and since when it counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) start: UnixNanos,
    pub(super) time: UnixNanos,
}

impl Times {
    /// The start, where it is stated: one equal to the point's time means "unknown" in the data model ("Cumulative streams: handling
    /// unknown start time"), and one after it nothing at all.
    #[inline]
    pub(super) fn stated_start(self) -> Option<UnixNanos> {
        (self.start > UnixNanos(0) && self.start < self.time).then_some(self.start)
    }
}

/// The times of the last point of a stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sequence {
    pub(super) time: UnixNanos,
    /// The start of the sequence that the point belongs to; where unknown, the time of the point.
    pub(super) start: UnixNanos,
}

/// Where a point stands to the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// It goes on counting, unless its value says otherwise.
    GoesOn,
    /// It says that it counts from a new start.
    BeganAnew,
    /// It has the time of the last one.
    Duplicate,
    /// It is older than the last one.
    Late,
}

impl Sequence {
    #[inline]
    pub(super) fn at(times: Times) -> Self {
        Self { time: times.time, start: times.stated_start().unwrap_or(times.time) }
    }

    /// A new start *before* the last point cannot be that of a counter which had not begun by then: it is a start that wavers
    /// (computed from an uptime, cut to seconds), and counting from zero again would count everything twice. Then only a
    /// falling value tells of a reset.
    #[inline]
    pub(super) fn order(&self, next: Times) -> Order {
        if next.time <= self.time {
            return if next.time == self.time { Order::Duplicate } else { Order::Late };
        }
        // The start of nearly every point is that of the last one: asked first, it is all that is asked.
        let anew = next.start > self.start && next.stated_start().is_some_and(|start| start >= self.time);
        if anew { Order::BeganAnew } else { Order::GoesOn }
    }

    /// Since when all of a point counts that began anew: the reset came after the last point.
    pub(super) fn reset(&self, next: Times) -> UnixNanos {
        next.stated_start().map_or(self.time, |start| start.max(self.time))
    }
}

/// A cumulative point of any kind, as the rules see it.
pub(super) trait Cumulative {
    /// What is remembered of the last point, besides its times.
    type Last;

    fn times(&self) -> Times;

    /// Why nothing can be counted from it, whatever came before.
    fn unusable(&mut self) -> Option<Reason>;

    /// Begins a stream.
    fn remember(&mut self) -> Self::Last;

    /// Becomes what was added since `last`, which then is this point. Where anything fell it stays whole, and that is `false`.
    fn subtract(&mut self, last: &mut Self::Last) -> bool;

    /// `last` becomes this point, which stays whole.
    fn replace(&mut self, last: &mut Self::Last);

    /// Goes on as a delta: under this series, counting from `start`.
    fn send(&mut self, to: SeriesId, start: UnixNanos);
}
