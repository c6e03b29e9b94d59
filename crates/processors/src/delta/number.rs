//! Sums: integers stay exact, and a counter may change between integers and doubles.

use weir_core::{Flags, Number, NumberPoint, Reason, SeriesId, UnixNanos};

use super::{
    NEGATIVE,
    sequence::{Cumulative, Times},
};

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
