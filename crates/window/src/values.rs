//! A closed distribution: few values with counts, chosen so that the percentiles move least.
//!
//! 1. The cells become *slots*: the minimum and the maximum alone, which must not move; those that hold a watched
//!    percentile, which may move by [`WATCHED_ERROR`]; and the rest.
//! 2. Given an error `e`, a slot allows the values within `e` of all its samples, or within its own tolerance if that
//!    is less. A sweep from below opens a new group whenever no value is allowed by all slots of the group. As what is
//!    allowed only shrinks while a group grows, this makes the fewest groups that any partition could.
//! 3. The least `e` whose groups fit the limit is found by halving: a partition with the least worst error.
//! 4. Each group takes an allowed value near its mean, then all of them move within what they allow until the values
//!    times the counts meet the sum.

use crate::cells::Cell;
use crate::sum::Sum;

/// How far a watched percentile may move, relative to itself.
const WATCHED_ERROR: f64 = 0.01;

/// The least limit that can always be met: the minimum, the maximum, and one between.
const LEAST_LIMIT: usize = 3;

/// The least error worth searching is 2⁻⁵³, that of rounding.
const LEAST_ERROR_LOG2: f64 = -53.0;

/// Halvings of the exponent in the search for the least error, which is found within a thousandth of itself.
const HALVINGS: u32 = 16;

/// The values of a datum: distinct and ascending, with the count of each.
///
/// Counts are floats because that is what `PutMetricData` takes; each is a whole number, and so is their sum, exactly.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values {
    /// Distinct values, ascending, from the minimum to the maximum.
    pub values: Vec<f64>,
    /// How many samples each value stands for.
    pub counts: Vec<f64>,
    worst_relative_error: f64,
}

/// A cell on its way into a group.
struct Slot {
    cell: Cell,
    /// How far the samples may be from their value whatever the others may, relative to themselves.
    tolerance: f64,
}

/// Neighbouring slots that will share a value.
#[derive(Clone, Copy)]
struct Group {
    /// The least sample.
    low: f64,
    /// The greatest sample.
    high: f64,
    count: u64,
    /// The sum of the samples, as far as cells tell.
    sum: f64,
    /// The values that its extreme or watched samples tolerate.
    tolerated: Range,
}

/// The values `least ≤ v ≤ most`; none when these are the other way round.
#[derive(Clone, Copy)]
struct Range {
    least: f64,
    most: f64,
}

impl Values {
    /// An upper bound of the distance between a sample and the value that stands for it, relative to the sample: 0.02
    /// means that no percentile is off by more than 2 %. Zero when all values are exact.
    pub fn worst_relative_error(&self) -> f64 {
        self.worst_relative_error
    }

    /// At most `limit` values for ascending cells whose samples add up to `sum`.
    pub(crate) fn from_cells(cells: Vec<Cell>, sum: f64, limit: usize) -> Self {
        let limit = limit.max(LEAST_LIMIT);
        if cells.len() <= limit && cells.iter().all(Cell::is_exact) {
            return cells.iter().map(|cell| (cell.low, cell.count)).collect();
        }
        let (groups, error) = partition(&mut slots(cells), limit);
        let values = choose(&groups, sum, error);
        let worst = groups.iter().zip(&values).map(|(group, &value)| group.error(value)).fold(0.0, f64::max);
        let merged: Self = values.into_iter().zip(groups.iter().map(|group| group.count)).collect();
        Self { worst_relative_error: worst, ..merged }
    }
}

/// From ascending values; equal neighbours become one.
impl FromIterator<(f64, u64)> for Values {
    fn from_iter<I: IntoIterator<Item = (f64, u64)>>(pairs: I) -> Self {
        let mut all = Self::default();
        for (value, count) in pairs {
            match (all.values.last(), all.counts.last_mut()) {
                (Some(last), Some(last_count)) if *last >= value => *last_count += count as f64,
                _ => {
                    all.values.push(value);
                    all.counts.push(count as f64);
                }
            }
        }
        all
    }
}

/// The percentiles that are held closest, ascending, in hundredths of a percent: what people put on dashboards and in
/// alarms.
fn watched() -> impl Iterator<Item = u64> {
    [10, 50].into_iter().chain((1..=99).map(|percent| percent * 100)).chain([9_950, 9_990, 9_999])
}

/// Cells with what each tolerates, the extremes on their own.
fn slots(cells: Vec<Cell>) -> Vec<Slot> {
    let total: u64 = cells.iter().map(|cell| cell.count).sum();
    let mut ranks = watched().map(|percentile| nearest_rank(percentile, total)).peekable();
    let mut passed = 0;
    let mut slots: Vec<_> = extremes_apart(cells)
        .into_iter()
        .map(|cell| {
            passed += cell.count;
            let mut tolerance = 1.0;
            while ranks.next_if(|&rank| rank <= passed).is_some() {
                tolerance = WATCHED_ERROR;
            }
            Slot { cell, tolerance }
        })
        .collect();
    if let [lowest, .., highest] = slots.as_mut_slice() {
        (lowest.tolerance, highest.tolerance) = (0.0, 0.0);
    }
    slots
}

/// The cells with one sample each of the minimum and the maximum in exact cells.
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

/// The 1-based rank of a percentile in hundredths of a percent.
fn nearest_rank(percentile: u64, total: u64) -> u64 {
    (u128::from(percentile) * u128::from(total)).div_ceil(10_000) as u64
}

/// The groups, at most `limit`, whose worst error is least, and that error.
fn partition(slots: &mut [Slot], limit: usize) -> (Vec<Group>, f64) {
    let fits = |slots: &[Slot], error| sweep(slots, error, limit).len() <= limit;
    if fits(slots, 0.0) {
        return (sweep(slots, 0.0, limit), 0.0);
    }
    if !fits(slots, 1.0) {
        // Fewer values than watched percentiles. Without these three groups always fit an error of 1: those of the
        // sign of the minimum, those of the sign of the maximum, and the value zero for all between.
        let watched = slots.iter_mut().filter(|slot| slot.tolerance > 0.0);
        watched.for_each(|slot| slot.tolerance = 1.0);
    }
    let error = least_error(|error| fits(slots, error));
    (sweep(slots, error, limit), error)
}

/// The least error that is `enough`, which an error of 1 is and no greater one ceases to be.
fn least_error(enough: impl Fn(f64) -> bool) -> f64 {
    let (mut too_small, mut least): (f64, f64) = (LEAST_ERROR_LOG2, 0.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(too_small, least);
        if enough(middle.exp2()) {
            least = middle;
        } else {
            too_small = middle;
        }
    }
    least.exp2()
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

fn reach(groups: &[Group], sum: f64, error: f64) -> bool {
    let mut low = Sum::default();
    let mut high = Sum::default();
    for g in groups { let r = g.range(error); low.add_product(r.least, g.count); high.add_product(r.most, g.count); }
    low.total() <= sum && sum <= high.total()
}

/// A value for each group, near its mean, such that values times counts come nearest to `sum`.
fn choose(groups: &[Group], sum: f64, error: f64) -> Vec<f64> {
    let mut f = 1.0;
    while !reach(groups, sum, error * f) && f < 10.0 { f += 0.05; }
    println!("   factor {f:.2}");
    let error = error * f;
    let mut values: Vec<_> = groups.iter().map(|group| group.range(error).nearest(group.sum / group.count as f64)).collect();
    let mut excess = Sum::default();
    excess.add_product(-sum, 1);
    values.iter().zip(groups).for_each(|(&value, group)| excess.add_product(value, group.count));
    let missing = -excess.total();

    let goal = |group: &Group| if missing > 0.0 { group.range(error).most } else { group.range(error).least };
    let room: f64 =
        values.iter().zip(groups).map(|(value, group)| (goal(group) - value) * group.count as f64).sum();
    if room != 0.0 {
        let share = (missing / room).min(1.0);
        for (value, group) in values.iter_mut().zip(groups) {
            *value = group.range(error).nearest(*value + (goal(group) - *value) * share);
        }
    }
    values
}

impl Group {
    fn of(slot: &Slot) -> Self {
        let Cell { low, high, count } = slot.cell;
        let tolerated = Range::within(slot.tolerance, low, high);
        // A cell is never cut: where it is wider than its tolerance, any of its samples will do.
        let tolerated = if tolerated.is_empty() { Range { least: low, most: high } } else { tolerated };
        Self { low, high, count, sum: f64::midpoint(low, high) * count as f64, tolerated }
    }

    /// The samples of this group and of the one above it.
    fn joined(&self, above: &Self) -> Self {
        Self {
            low: self.low,
            high: above.high,
            count: self.count + above.count,
            sum: self.sum + above.sum,
            tolerated: self.tolerated.and(above.tolerated),
        }
    }

    /// The values within `error` of all samples.
    fn allowed(&self, error: f64) -> Range {
        self.tolerated.and(Range::within(error, self.low, self.high)).and(Range { least: self.low, most: self.high })
    }

    /// allowed, or any
    fn range(&self, error: f64) -> Range {
        let r = self.allowed(error);
        if r.is_empty() { self.tolerated.and(Range { least: self.low, most: self.high }) } else { r }
    }

    /// How far `value`, which lies among the samples, is from any of them, relative to that sample. The farthest is
    /// always the least or the greatest.
    fn error(&self, value: f64) -> f64 {
        let relative = |sample: f64| match (value - sample).abs() {
            distance if distance > 0.0 => distance / sample.abs(),
            _ => 0.0, // zero for zero too
        };
        relative(self.low).max(relative(self.high))
    }
}

impl Range {
    /// The values within `error` of all samples from `low` to `high`, relative to the sample.
    ///
    /// That is `x − e·|x| ≤ v ≤ x + e·|x|` for every sample x. While e ≤ 1 both sides grow with x, for negative x
    /// too, so that the ends decide.
    fn within(error: f64, low: f64, high: f64) -> Self {
        Self { least: high - error * high.abs(), most: low + error * low.abs() }
    }

    fn and(self, other: Self) -> Self {
        Self { least: self.least.max(other.least), most: self.most.min(other.most) }
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
