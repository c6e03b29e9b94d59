//! A closed distribution: values with counts.

mod merge;

use crate::cells::Cell;

/// The least limit that can always be met: the minimum, the maximum, and one between.
const LEAST_LIMIT: usize = 3;

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
        let groups = merge::merge(cells, sum, limit);
        let worst_relative_error = groups.iter().map(merge::Group::worst_error).fold(0.0, f64::max);
        let merged = groups.iter().map(|group| (group.value, group.count)).collect();
        Self { worst_relative_error, ..merged }
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

#[cfg(test)]
mod tests;
