//! The aggregate of one datapoint.

use std::{cmp::Ordering, collections::BTreeMap};

use crate::model::{Occurrence, Reading, StatisticSet};

#[cfg(test)]
mod tests;

/// Distinct values kept for one datapoint's percentiles; a datapoint with more has none. It bounds memory: 150 values
/// a datum, at hundreds of datums a minute for one metric, are still below.
const MAX_DISTINCT: usize = 100_000;

/// Everything that was published for one metric, unit and span of time.
///
/// Readings without a sample (all counts 0) leave no aggregate, so `minimum` and `maximum` always mean something.
#[derive(Clone, Debug)]
pub(crate) struct Aggregate {
    count: f64,
    sum: CompensatedSum,
    minimum: f64,
    maximum: f64,
    values: Values,
}

/// The samples themselves, if they are all known.
#[derive(Clone, Debug)]
enum Values {
    Known(BTreeMap<Ordered, f64>),
    /// A statistic set took part whose samples are not known, or there were more than [`MAX_DISTINCT`].
    Unknown,
}

impl Aggregate {
    /// An aggregate of nothing yet.
    pub(crate) fn empty() -> Self {
        Self {
            count: 0.0,
            sum: CompensatedSum::default(),
            minimum: f64::INFINITY,
            maximum: f64::NEG_INFINITY,
            values: Values::Known(BTreeMap::new()),
        }
    }

    pub(crate) fn of(reading: &Reading) -> Self {
        let mut aggregate = Self::empty();
        match reading {
            Reading::Value(value) => aggregate.add_samples(Occurrence { value: *value, count: 1.0 }),
            Reading::Statistics(set) => {
                aggregate.add_statistics(set);
                // CloudWatch's exception: with its ends equal, all samples of a set are known.
                if set.minimum >= set.maximum {
                    aggregate.add_value(set.minimum, set.sample_count);
                } else {
                    aggregate.values = Values::Unknown;
                }
            }
            Reading::Distribution { values, statistics: None } => {
                for occurrence in values {
                    aggregate.add_samples(*occurrence);
                }
            }
            Reading::Distribution { values, statistics: Some(set) } => {
                aggregate.add_statistics(set);
                for Occurrence { value, count } in values {
                    aggregate.add_value(*value, *count);
                }
            }
        }
        aggregate
    }

    /// Adds another aggregate of the same metric.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum.add(other.sum.value());
        self.minimum = self.minimum.min(other.minimum);
        self.maximum = self.maximum.max(other.maximum);
        match &other.values {
            Values::Known(values) => values.iter().for_each(|(value, count)| self.add_value(value.0, *count)),
            Values::Unknown => self.values = Values::Unknown,
        }
    }

    pub(crate) fn count(&self) -> f64 {
        self.count
    }

    pub(crate) fn sum(&self) -> f64 {
        self.sum.value()
    }

    pub(crate) fn minimum(&self) -> f64 {
        self.minimum
    }

    pub(crate) fn maximum(&self) -> f64 {
        self.maximum
    }

    /// The distinct values in ascending order with their counts, if they are known.
    pub(crate) fn values(&self) -> Option<Vec<Occurrence>> {
        match &self.values {
            Values::Known(values) => Some(
                values.iter().map(|(value, count)| Occurrence { value: value.0, count: *count }).collect(),
            ),
            Values::Unknown => None,
        }
    }

    /// The value below which `percent` of the samples lie, interpolated linearly between neighbours.
    ///
    /// Of `n` samples in ascending order, numbered from 0, the percentile is at rank `percent / 100 * (n - 1)`; a
    /// rank between two samples takes its share of each (type 7 of Hyndman and Fan, the default of NumPy and R; for
    /// 1 … 100 the 95th is 95.05). p0 is the least sample and p100 the greatest. CloudWatch documents no
    /// definition of its own.
    ///
    /// `None` where CloudWatch has no percentile either: a sample is negative, or a statistic set took part whose
    /// samples are not all the same.
    pub(crate) fn percentile(&self, percent: f64) -> Option<f64> {
        let Values::Known(values) = &self.values else { return None };
        if self.minimum < 0.0 {
            return None;
        }
        let total: f64 = values.values().sum();
        // Multiplied first: 95 * 100 / 100 is exact where 0.95 * 100 need not be.
        let rank = (percent * (total - 1.0) / 100.0).max(0.0);
        let lower = value_at(values, rank.floor())?;
        let upper = value_at(values, rank.floor() + 1.0)?;
        Some(lower + (upper - lower) * rank.fract())
    }

    fn add_samples(&mut self, Occurrence { value, count }: Occurrence) {
        if count > 0.0 {
            self.count += count;
            self.sum.add(value * count);
            self.minimum = self.minimum.min(value);
            self.maximum = self.maximum.max(value);
            self.add_value(value, count);
        }
    }

    fn add_statistics(&mut self, set: &StatisticSet) {
        self.count += set.sample_count;
        self.sum.add(set.sum);
        self.minimum = self.minimum.min(set.minimum);
        self.maximum = self.maximum.max(set.maximum);
    }

    fn add_value(&mut self, value: f64, count: f64) {
        if let Values::Known(values) = &mut self.values
            && count > 0.0
        {
            *values.entry(Ordered::new(value)).or_insert(0.0) += count;
            if values.len() > MAX_DISTINCT {
                self.values = Values::Unknown;
            }
        }
    }
}

/// The sample of this number, counted from 0 in ascending order; the last one for any number beyond.
fn value_at(values: &BTreeMap<Ordered, f64>, number: f64) -> Option<f64> {
    let mut passed = 0.0;
    let found = values.iter().find(|(_, count)| {
        passed += **count;
        passed > number
    });
    found.or_else(|| values.last_key_value()).map(|(value, _)| value.0)
}

/// A finite number as a key: in numerical order, and with one zero.
#[derive(Clone, Copy, Debug)]
struct Ordered(f64);

impl Ordered {
    fn new(value: f64) -> Self {
        // -0.0 + 0.0 is 0.0.
        Self(value + 0.0)
    }
}

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// A sum that does not lose small terms beside large ones (Neumaier's algorithm), so that totals over many datums
/// can be compared with a sender's.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CompensatedSum {
    sum: f64,
    lost: f64,
}

impl CompensatedSum {
    pub(crate) fn add(&mut self, term: f64) {
        let sum = self.sum + term;
        self.lost +=
            if self.sum.abs() >= term.abs() { (self.sum - sum) + term } else { (term - sum) + self.sum };
        self.sum = sum;
    }

    pub(crate) fn value(&self) -> f64 {
        self.sum + self.lost
    }
}
