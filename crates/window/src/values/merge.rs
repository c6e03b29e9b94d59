//! Many cells become few values, such that percentiles move least.
//!
//! 1. The cells become *slots*: the minimum and the maximum alone, which must not move; those that hold a watched
//!    percentile, which may move by [`WATCHED_ERROR`], or lie beside one; and the rest.
//! 2. Given an error, a slot allows the values within that error of all its samples, or within its own tolerance if
//!    that is less. A sweep from below opens a new group whenever no value is allowed by the whole group. As what is
//!    allowed only shrinks while a group grows, no partition has fewer groups.
//! 3. The least error whose groups fit the limit is found by halving: no partition has a lesser worst error.
//! 4. The sweep fills its groups upwards, so samples tend to lie above their value. Each slot therefore goes to the
//!    value that is nearest now, which makes no error greater.
//! 5. The values move, within what is allowed, until they add up to the sum.

use crate::cells::Cell;
use crate::sum::Sum;

/// How far a watched percentile may move, relative to itself.
const WATCHED_ERROR: f64 = 0.01;

/// The least error worth looking for is that of rounding, 2⁻⁵³.
const LEAST_ERROR_LOG2: f64 = -53.0;

/// Halvings of the exponent in the search for the least error, which is found within a thousandth of itself.
const HALVINGS: u32 = 16;

/// How much greater than the least possible the worst error may become, if it takes that to meet the sum. A tenth was
/// enough for all shapes in the tests whose positive and negative samples do not cancel.
pub(crate) const ROOM_FOR_SUM: f64 = 1.1;

/// A cell on its way into a group.
struct Slot {
    cell: Cell,
    /// How far samples may be from their value whatever the others may, relative to themselves.
    tolerance: f64,
    /// Whether they are watched only as neighbours of a percentile, for readers that interpolate.
    is_neighbour: bool,
}

/// Neighbouring cells that share a value.
#[derive(Clone, Copy)]
pub(super) struct Group {
    /// The value that stands for the samples.
    pub(super) value: f64,
    /// How many samples.
    pub(super) count: u64,
    /// The least sample.
    low: f64,
    /// The greatest sample.
    high: f64,
    /// The sum of the samples, as far as cells tell.
    sum: f64,
    /// The values that its extreme or watched samples tolerate.
    tolerated: Range,
}

/// The values from `least` to `most`; none when these are the other way round.
#[derive(Clone, Copy)]
struct Range {
    least: f64,
    most: f64,
}

/// At most `limit` groups, ascending, of ascending cells whose samples add up to `sum`. The limit is at least 3.
pub(super) fn merge(cells: Vec<Cell>, sum: f64, limit: usize) -> Vec<Group> {
    let mut slots = slots(cells);
    let (mut groups, error) = partition(&mut slots, limit);
    for group in &mut groups {
        group.value = group.allowed(error).or(group.tolerated).nearest(group.mean());
    }
    let mut groups = nearest(&slots, &groups);
    meet_sum(&mut groups, sum, error);
    groups
}

/// The percentiles that are held closest, ascending, in hundredths of a percent: what people put on dashboards and in
/// alarms.
fn watched() -> impl Iterator<Item = u64> {
    [10, 50].into_iter().chain((1..=99).map(|percent| percent * 100)).chain([9_950, 9_990, 9_999])
}

/// The 1-based nearest rank of a percentile in hundredths of a percent.
fn nearest_rank(percentile: u64, total: u64) -> u64 {
    (u128::from(percentile) * u128::from(total)).div_ceil(10_000) as u64
}

/// The 1-based ranks that a percentile in hundredths of a percent lies at or between, for readers that interpolate (type 7 of
/// Hyndman and Fan). The nearest rank is one of them.
fn neighbours(percentile: u64, total: u64) -> [u64; 2] {
    let scaled = u128::from(percentile) * u128::from(total.saturating_sub(1));
    [(scaled / 10_000) as u64 + 1, scaled.div_ceil(10_000) as u64 + 1]
}

/// Cells with what each tolerates, the extremes on their own.
fn slots(cells: Vec<Cell>) -> Vec<Slot> {
    let total: u64 = cells.iter().map(|cell| cell.count).sum();
    let mut ranks = watched().map(|percentile| nearest_rank(percentile, total)).peekable();
    let mut beside = watched().flat_map(|percentile| neighbours(percentile, total)).peekable();
    let mut passed = 0;
    let mut slots: Vec<_> = extremes_apart(cells)
        .into_iter()
        .map(|cell| {
            passed += cell.count;
            let (mut is_watched, mut is_neighbour) = (false, false);
            while ranks.next_if(|&rank| rank <= passed).is_some() {
                is_watched = true;
            }
            while beside.next_if(|&rank| rank <= passed).is_some() {
                is_neighbour = !is_watched;
            }
            let tolerance = if is_watched || is_neighbour { WATCHED_ERROR } else { 1.0 };
            Slot { cell, tolerance, is_neighbour }
        })
        .collect();
    if let [lowest, .., highest] = slots.as_mut_slice() {
        (lowest.tolerance, highest.tolerance) = (0.0, 0.0);
    }
    slots
}

/// The cells with the minimum and the maximum in exact cells.
fn extremes_apart(mut cells: Vec<Cell>) -> Vec<Cell> {
    if let Some(lowest) = cells.first_mut().filter(|cell| !cell.is_exact()) {
        let min = lowest.take_low();
        cells.insert(0, min);
    }
    if let Some(highest) = cells.last_mut().filter(|cell| !cell.is_exact()) {
        let max = highest.take_high();
        cells.push(max);
    }
    cells
}

/// The groups, at most `limit`, whose worst error is least, and that error.
fn partition(slots: &mut [Slot], limit: usize) -> (Vec<Group>, f64) {
    let fits = |slots: &[Slot], error| sweep(slots, error, limit).len() <= limit;
    if fits(slots, 0.0) {
        return (sweep(slots, 0.0, limit), 0.0);
    }
    if !fits(slots, 1.0) {
        // A few hundred samples far apart: what lies beside a percentile is given up before the percentile.
        slots
            .iter_mut()
            .filter(|slot| slot.is_neighbour && slot.tolerance > 0.0)
            .for_each(|slot| slot.tolerance = 1.0);
    }
    if !fits(slots, 1.0) {
        // Fewer values than watched percentiles. Without these an error of 1 always fits three groups: those of the
        // sign of the minimum, those of the sign of the maximum, and the value zero for all between.
        let watched = slots.iter_mut().filter(|slot| slot.tolerance > 0.0);
        watched.for_each(|slot| slot.tolerance = 1.0);
    }
    let (mut too_small, mut enough): (f64, f64) = (LEAST_ERROR_LOG2, 0.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(too_small, enough);
        if fits(slots, middle.exp2()) {
            enough = middle;
        } else {
            too_small = middle;
        }
    }
    (sweep(slots, enough.exp2(), limit), enough.exp2())
}

/// The fewest groups for an error, from below; it stops when they pass `limit`.
fn sweep(slots: &[Slot], error: f64, limit: usize) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::with_capacity(limit.min(slots.len()) + 1);
    for slot in slots {
        let alone = Group::of(slot);
        if let Some(group) = groups.last_mut()
            && let both = group.joined(&alone)
            && !both.allowed(error).is_empty()
        {
            *group = both;
        } else if groups.len() > limit {
            break;
        } else {
            groups.push(alone);
        }
    }
    groups
}

/// The groups with each slot moved to the nearest value. That is its own or one next to it, because a value lies among
/// the samples that it stands for.
fn nearest(slots: &[Slot], groups: &[Group]) -> Vec<Group> {
    let mut regrouped: Vec<Group> = Vec::with_capacity(groups.len());
    let mut own = 0;
    for slot in slots {
        let alone = Group::of(slot);
        while groups.get(own).is_some_and(|group| group.high < alone.high) {
            own += 1;
        }
        let candidates = [own, own.wrapping_sub(1), own + 1].into_iter().filter_map(|at| groups.get(at));
        let nearest =
            candidates.map(|group| group.value).min_by(|&a, &b| alone.error(a).total_cmp(&alone.error(b)));
        let alone = Group { value: nearest.unwrap_or(alone.value), ..alone };
        match regrouped.last_mut().filter(|group| group.value >= alone.value) {
            Some(group) => *group = group.joined(&alone),
            None => regrouped.push(alone),
        }
    }
    regrouped
}

/// Moves each value to the mean of its group, as far as `error` allows, then all by the same share of the room that
/// they have, so that values times counts come nearest to `sum`.
fn meet_sum(groups: &mut [Group], sum: f64, error: f64) {
    let wider = (error * ROOM_FOR_SUM).min(1.0);
    let ranges: Vec<_> = groups.iter().map(|group| group.range(wider)).collect();
    let mut excess = Sum::default();
    excess.add_product(-sum, 1);
    for group in &mut *groups {
        group.value = group.range(error).nearest(group.mean());
        excess.add_product(group.value, group.count);
    }
    let missing = -excess.total();
    let room =
        |group: &Group, range: &Range| if missing > 0.0 { range.most } else { range.least } - group.value;
    let all: f64 =
        groups.iter().zip(&ranges).map(|(group, range)| room(group, range) * group.count as f64).sum();
    if all.abs() > 0.0 {
        let share = (missing / all).min(1.0);
        for (group, range) in groups.iter_mut().zip(&ranges) {
            group.value = range.nearest(group.value + room(group, range) * share);
        }
    }
}

impl Group {
    fn of(slot: &Slot) -> Self {
        let Cell { low, high, count } = slot.cell;
        // A cell is never cut: where it is wider than its tolerance, any of its samples will do.
        let tolerated = Range::within(slot.tolerance, low, high).or(Range { least: low, most: high });
        let middle = f64::midpoint(low, high);
        Self { value: middle, count, low, high, sum: middle * count as f64, tolerated }
    }

    /// The samples of this group and of the one above it, with the value of this one.
    fn joined(&self, above: &Self) -> Self {
        Self {
            count: self.count + above.count,
            high: above.high,
            sum: self.sum + above.sum,
            tolerated: self.tolerated.and(above.tolerated),
            ..*self
        }
    }

    fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }

    /// The values among the samples that are within `error` of all of them.
    fn allowed(&self, error: f64) -> Range {
        Range::within(error, self.low, self.high)
            .and(Range { least: self.low, most: self.high })
            .and(self.tolerated)
    }

    /// The values that the group may take instead of its own at no greater error than it has, or `error`.
    fn range(&self, error: f64) -> Range {
        self.allowed(error.max(self.worst_error())).or(Range { least: self.value, most: self.value })
    }

    /// How far the value is from any sample, relative to that sample.
    pub(super) fn worst_error(&self) -> f64 {
        self.error(self.value)
    }

    /// How far `value` is from any sample, relative to that sample. The farthest is the least or the greatest.
    fn error(&self, value: f64) -> f64 {
        let relative = |sample: f64| match (value - sample).abs() {
            distance if distance > 0.0 => distance / sample.abs(),
            _ => 0.0, // zero for zero too
        };
        relative(self.low).max(relative(self.high))
    }
}

impl Range {
    /// The values within `error`, at most 1, of all samples from `low` to `high`, relative to the sample.
    ///
    /// That is `x − e·|x| ≤ v ≤ x + e·|x|` for every sample x. While e ≤ 1 both sides grow with x, for negative x
    /// too, so the ends decide.
    fn within(error: f64, low: f64, high: f64) -> Self {
        Self { least: high - error * high.abs(), most: low + error * low.abs() }
    }

    fn and(self, other: Self) -> Self {
        Self { least: self.least.max(other.least), most: self.most.min(other.most) }
    }

    /// This range, or the other if this is empty.
    fn or(self, other: Self) -> Self {
        if self.is_empty() { other } else { self }
    }

    fn is_empty(self) -> bool {
        self.least > self.most
    }

    fn nearest(self, value: f64) -> f64 {
        value.max(self.least).min(self.most)
    }
}

#[cfg(test)]
mod tests;
