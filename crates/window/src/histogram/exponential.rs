//! Values for exponential buckets: one for each, which is as near as the scale allows.

use crate::distribution::MAX_MAGNITUDE;
use crate::exponential::{Exponential, bounds};
use crate::values::ROOM_FOR_SUM;

use super::{
    Histogram,
    placed::{Placed, Placing},
};

/// A value for each populated bucket, at the finest scale with at most `room` of them.
pub(super) fn placing(held: &Exponential, all: &Histogram, room: usize) -> Placing {
    let mut held = held.clone();
    while held.populated() > room && held.scale() > crate::exponential::MIN_SCALE {
        held.downscale(held.scale() - 1);
    }
    let scale = held.scale();
    let negative = held.negative().iter().rev().map(|(index, count)| {
        let (low, high) = (-bounds::upper(scale, index), -bounds::lower(scale, index));
        (low, -bounds::middle(scale, index), high, count)
    });
    let zero = (-held.zero_threshold(), 0.0, held.zero_threshold(), held.zero_count());
    let zero = Some(zero).filter(|(.., count)| *count > 0);
    let positive = held.positive().iter().map(|(index, count)| {
        (bounds::lower(scale, index), bounds::middle(scale, index), bounds::upper(scale, index), count)
    });
    // What is beyond this cannot be added up.
    let (min, max) = (all.min.unwrap_or(-MAX_MAGNITUDE), all.max.unwrap_or(MAX_MAGNITUDE));
    let error = bounds::worst_relative_error(scale) * ROOM_FOR_SUM;
    let placed = negative.chain(zero).chain(positive).map(|(low, middle, high, count)| {
        // A sender's extremes may be off by its own rounding: they never turn a bucket inside out.
        let within = |value: f64| value.max(min).min(max);
        let (low, value, high) = (within(low), within(middle), within(high));
        // Not farther from any sample than the scale's error, but for the room that the sum may take.
        let (least, most) = (high - error * high.abs(), low + error * low.abs());
        let (least, most) = (least.max(low).min(value), most.min(high).max(value));
        Placed { value, count, even: value, least, most, low, high }
    });
    Placing { placed: placed.collect(), unbounded: 0 }
}
