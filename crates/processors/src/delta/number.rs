//! Sums: integers stay exact, and a counter may change between integers and doubles.

use weir_core::{Flags, Number, NumberPoint, Reason, SeriesId, UnixNanos};

use super::{
    NEGATIVE,
    sequence::{Cumulative, Order, Sequence, Times},
    streams::Stream,
};

/// The short way of almost every point: it goes on counting, by a value of the same type. Any other is left as it is, and this is
/// `false`: the long way, which comes to the same for those that may go either way, decides about it.
#[inline]
pub(super) fn goes_on(point: &mut NumberPoint, stream: &mut Stream<Number>, to: SeriesId, seen: u32) -> bool {
    let (before, times) = (stream.sequence, point.times());
    if point.flags.has(Flags::NO_RECORDED_VALUE) || before.order(times) != Order::GoesOn {
        return false;
    }
    // What is not below a value that was taken in is not negative either.
    let added = match (point.value(), &mut stream.last) {
        (Number::Int(value), Number::Int(last)) if value >= *last => {
            Number::Int(value - std::mem::replace(last, value))
        }
        (Number::Double(value), Number::Double(last)) if value >= *last && value.is_finite() => {
            Number::Double(value - std::mem::replace(last, value))
        }
        _ => return false,
    };
    (stream.sequence, stream.seen) = (Sequence::at(times), seen);
    point.set_value(added);
    point.send(to, before.time);
    true
}

impl Cumulative for NumberPoint {
    type Last = Number;

    #[inline]
    fn times(&self) -> Times {
        Times { start: self.start, time: self.time }
    }

    #[inline]
    fn unusable(&mut self) -> Option<Reason> {
        if self.flags.has(Flags::NO_RECORDED_VALUE) {
            return Some(Reason::NO_RECORDED_VALUE);
        }
        match self.value() {
            // A counter that only grows begins at zero.
            Number::Int(value) => (value < 0).then_some(NEGATIVE),
            Number::Double(value) if !value.is_finite() => Some(Reason::NOT_FINITE),
            Number::Double(value) => (value < 0.0).then_some(NEGATIVE),
        }
    }

    fn remember(&mut self) -> Number {
        self.value()
    }

    #[inline]
    fn subtract(&mut self, last: &mut Number) -> bool {
        let value = self.value();
        let difference = difference(value, *last);
        *last = value;
        match difference {
            Some(difference) => {
                self.set_value(difference);
                true
            }
            None => false,
        }
    }

    fn replace(&mut self, last: &mut Number) {
        *last = self.value();
    }

    #[inline]
    fn send(&mut self, to: SeriesId, start: UnixNanos) {
        self.series = to;
        self.start = start;
    }
}

/// `new - old` of two values that are not negative; `None` if that is less than zero.
#[inline]
fn difference(new: Number, old: Number) -> Option<Number> {
    if let (Number::Int(new), Number::Int(old)) = (new, old) {
        // Both lie in 0..=i64::MAX, and so does what is left.
        return (new >= old).then(|| Number::Int(new - old));
    }
    let (new, old) = (new.as_f64(), old.as_f64());
    (new >= old).then_some(Number::Double(new - old))
}
