//! The arithmetic of one stream: from cumulative points to deltas (OpenTelemetry metrics data model, "Sums" and "Resets and gaps").

use weir_core::{Flags, Number, NumberPoint, UnixNanos};

/// What is remembered of a stream: its last point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Counter {
    value: Number,
    time: UnixNanos,
    /// The start of the sequence that the point belongs to; where unknown, the time of the point.
    start: UnixNanos,
}

/// What follows from a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// This was added since `start`.
    Added { value: Number, start: UnixNanos },
    /// The point has the time of the last one.
    Duplicate,
    /// The point is older than the last one.
    OutOfOrder,
}

/// Why a point can be no counter's, whatever came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    NoRecordedValue,
    NotFinite,
    /// A counter that only grows begins at zero.
    Negative,
}

/// What makes `point` unusable, if anything.
#[inline]
pub(super) fn check(point: &NumberPoint) -> Result<Number, Unusable> {
    if point.flags.has(Flags::NO_RECORDED_VALUE) {
        return Err(Unusable::NoRecordedValue);
    }
    let value = point.value();
    let negative = match value {
        Number::Int(value) => value < 0,
        Number::Double(value) if !value.is_finite() => return Err(Unusable::NotFinite),
        Number::Double(value) => value < 0.0,
    };
    if negative { Err(Unusable::Negative) } else { Ok(value) }
}

/// The start of the point's sequence, where it is stated: a start equal to the point's time means "unknown" in the data model
/// ("Cumulative streams: handling unknown start time"), and one after it nothing at all.
#[inline]
pub(super) fn stated_start(point: &NumberPoint) -> Option<UnixNanos> {
    (point.start > UnixNanos(0) && point.start < point.time).then_some(point.start)
}

impl Counter {
    /// A stream that begins with `point`, of this value.
    pub(super) fn begin(point: &NumberPoint, value: Number) -> Self {
        Self { value, time: point.time, start: stated_start(point).unwrap_or(point.time) }
    }

    /// The time of the last point.
    pub(super) fn time(&self) -> UnixNanos {
        self.time
    }

    /// Takes the next point in. A point that is refused changes nothing, so that the next delta is right.
    #[inline]
    pub(super) fn step(&mut self, point: &NumberPoint, value: Number) -> Step {
        if point.time <= self.time {
            return if point.time == self.time { Step::Duplicate } else { Step::OutOfOrder };
        }
        let start = stated_start(point);
        let since = if self.began_anew(start) { None } else { difference(value, self.value) };
        let step = match since {
            Some(value) => Step::Added { value, start: self.time },
            // A reset: all of the value came after it, and the reset after the last point.
            None => Step::Added { value, start: start.map_or(self.time, |start| start.max(self.time)) },
        };
        *self = Self { value, time: point.time, start: start.unwrap_or(point.time) };
        step
    }

    /// Whether a point with this start belongs to a new sequence. A new start *before* the last point cannot be that of a counter
    /// which had not begun by then: it is a start that wavers (computed from an uptime, cut to seconds), and counting from zero
    /// again would count everything twice. Then only a falling value tells of a reset.
    #[inline]
    fn began_anew(&self, start: Option<UnixNanos>) -> bool {
        start.is_some_and(|start| start > self.start && start >= self.time)
    }
}

/// `new - old` of two values that are not negative; `None` if that is less than zero. Integers stay exact.
#[inline]
fn difference(new: Number, old: Number) -> Option<Number> {
    if let (Number::Int(new), Number::Int(old)) = (new, old) {
        // Both lie in 0..=i64::MAX, and so does what is left.
        return (new >= old).then(|| Number::Int(new - old));
    }
    let (new, old) = (new.as_f64(), old.as_f64());
    (new >= old).then_some(Number::Double(new - old))
}
