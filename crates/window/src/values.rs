//! A closed distribution: values with counts.

mod merge;

use crate::cells::{Cell, Estimate};
use crate::histogram::Histogram;
pub(crate) use merge::ROOM_FOR_SUM;

/// The least limit that can always be met: the minimum, the maximum, and one between.
const LEAST_LIMIT: usize = 3;

/// What the samples of a closed distribution add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Statistics {
    /// How many samples.
    pub count: u64,
    /// Their sum; where a histogram does not tell it, the nearest that its buckets allow to say.
    pub sum: f64,
    /// The least sample; where a histogram does not tell it, the least value.
    pub min: f64,
    /// The greatest sample; where a histogram does not tell it, the greatest value.
    pub max: f64,
}

/// The values of a datum: distinct and ascending, with the count of each.
///
/// Counts are floats because that is what `PutMetricData` takes; each is a whole number, and so is their sum, exactly.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values {
    /// Distinct values, ascending, from the minimum to the maximum. None where nothing is known but the statistics: of a
    /// histogram without buckets.
    pub values: Vec<f64>,
    /// How many samples each value stands for.
    pub counts: Vec<f64>,
    /// The exact statistics.
    pub statistics: Statistics,
    /// How many samples a histogram counted above its last bound without telling their maximum: nobody knows how far.
    pub unbounded: u64,
    worst_relative_error: f64,
}

impl Values {
    /// An upper bound of the distance between a sample and the value that stands for it, relative to the sample: 0.02
    /// means that no percentile is off by more than 2 %. Zero when all values are exact; of explicit buckets it tells their
    /// width, and can be infinite.
    pub fn worst_relative_error(&self) -> f64 {
        self.worst_relative_error
    }

    /// At most `limit` values for ascending cells whose samples add up to `sum`; the cells themselves are as near to their
    /// samples as `estimate` says.
    pub(crate) fn from_cells(cells: Vec<Cell>, sum: f64, estimate: Estimate, limit: usize) -> Self {
        let limit = limit.max(LEAST_LIMIT);
        let (Some(least), Some(greatest)) = (cells.first(), cells.last()) else { return Self::default() };
        let count = cells.iter().map(|cell| cell.count).sum();
        let statistics = Statistics { count, sum, min: least.low, max: greatest.high };
        if cells.len() <= limit && cells.iter().all(Cell::is_exact) {
            return Self::of(cells.iter().map(|cell| (cell.low, cell.count)), statistics, estimate);
        }
        let groups = merge::merge(cells, sum, limit);
        let merging = groups.iter().map(merge::Group::worst_error).fold(0.0, f64::max);
        let estimate = Estimate { error: estimate.error + merging, ..estimate };
        Self::of(groups.iter().map(|group| (group.value, group.count)), statistics, estimate)
    }

    /// At most `limit` values for ascending samples that add up to `sum`: the way of most streams, in which nothing is moved twice.
    pub(crate) fn from_samples(mut samples: Vec<f64>, sum: f64, limit: usize) -> Self {
        let (Some(&min), Some(&max)) = (samples.first(), samples.last()) else { return Self::default() };
        let statistics = Statistics { count: samples.len() as u64, sum, min, max };
        let mut counts = Vec::with_capacity(samples.len());
        let mut count = 1.0;
        samples.dedup_by(|next, value| {
            let same = next.to_bits() == value.to_bits();
            if same {
                count += 1.0;
            } else {
                counts.push(count);
                count = 1.0;
            }
            same
        });
        counts.push(count);
        if samples.len() > limit.max(LEAST_LIMIT) {
            let pairs = samples.into_iter().zip(counts);
            let cells = pairs.map(|(value, count)| Cell::of(value, count as u64)).collect();
            return Self::from_cells(cells, sum, Estimate::default(), limit);
        }
        Self { values: samples, counts, statistics, unbounded: 0, worst_relative_error: 0.0 }
    }

    /// At most `limit` values for the buckets of a histogram.
    pub(crate) fn from_histogram(histogram: &Histogram, limit: usize) -> Self {
        let limit = limit.max(LEAST_LIMIT);
        let placing = histogram.placing(limit);
        let (estimate, placed) = (placing.estimate(), &placing.placed);
        let sum = histogram.known_sum().unwrap_or_else(|| placing.sum()).total();
        let (Some(least), Some(greatest)) = (placed.first(), placed.last()) else { return Self::default() };
        let statistics = Statistics {
            count: histogram.count(),
            sum,
            min: histogram.min().unwrap_or(least.value),
            max: histogram.max().unwrap_or(greatest.value),
        };
        let pairs = placed.iter().map(|placed| (placed.value, placed.count));
        if histogram.is_bare() {
            Self::of(std::iter::empty(), statistics, estimate)
        } else if placed.len() <= limit {
            Self::of(pairs, statistics, estimate)
        } else {
            let cells = pairs.map(|(value, count)| Cell::of(value, count)).collect();
            Self { statistics, ..Self::from_cells(cells, sum, estimate, limit) }
        }
    }

    /// From ascending values; equal neighbours become one.
    fn of(pairs: impl Iterator<Item = (f64, u64)>, statistics: Statistics, estimate: Estimate) -> Self {
        let Estimate { error, unbounded } = estimate;
        let room = pairs.size_hint().0;
        let mut all = Self {
            values: Vec::with_capacity(room),
            counts: Vec::with_capacity(room),
            statistics,
            unbounded,
            worst_relative_error: error,
        };
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

#[cfg(test)]
mod tests;
