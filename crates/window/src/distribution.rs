//! The samples of one stream in one period.

use std::iter::repeat_n;

use crate::cells::{Cell, Cells, Estimate};
use crate::exponential::Exponential;
use crate::histogram::{Histogram, Totals};
use crate::recent::Recent;
use crate::sum::Sum;
use crate::values::Values;

/// The greatest count of samples in a distribution, 2⁵³: up to here a count is exact as a 64-bit float too, which is
/// what `Counts` of a datum are.
pub const MAX_COUNT: u64 = 1 << 53;

/// The greatest magnitude of a sample, 2⁹⁷⁰: no [`MAX_COUNT`] of these overflow their sum. What a destination takes is
/// narrower (CloudWatch: 2³⁶⁰) and its own rule.
pub const MAX_MAGNITUDE: f64 = f64::from_bits((1023 + 970) << 52);

/// Distinct values kept in place. A sample every 10 or 15 seconds into a minute rarely has more.
const FEW: usize = 4;

/// How many samples the few values may stand for when another value comes, so that all are held as they came: values that repeat
/// more often than that are smaller as cells.
const FEW_SAMPLES: u64 = 2 * FEW as u64;

/// Why samples were not recorded. The distribution is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Refused {
    /// The value is NaN or infinite, which is not a measurement.
    #[error("value {0} is not finite")]
    NotFinite(f64),
    /// The value is beyond [`MAX_MAGNITUDE`].
    #[error("value {0:e} is beyond 2^970")]
    TooLarge(f64),
    /// The samples would be more than [`MAX_COUNT`] in all.
    #[error("{added} samples more than the {held} held would pass 2^53")]
    TooMany {
        /// Samples recorded before.
        held: u64,
        /// Samples that were to be added.
        added: u64,
    },
    /// A histogram's buckets hold more or fewer values than it says.
    #[error("{in_buckets} values in the buckets of a histogram of {count}")]
    Unequal {
        /// What it says.
        count: u64,
        /// What its buckets add up to, at most 2⁶⁴ − 1.
        in_buckets: u64,
    },
    /// A histogram's bounds do not ascend, or it has not one count more than bounds.
    #[error("{bounds} bounds, which must ascend, with {counts} counts, of which there must be one more")]
    Bounds {
        /// How many bounds.
        bounds: usize,
        /// How many counts.
        counts: usize,
    },
    /// A histogram without buckets and without a sum: nothing is known of its values.
    #[error("{0} values of which nothing is known, neither buckets nor sum")]
    Unknown(u64),
}

/// The samples of one stream in one period: exact count, minimum and maximum, a compensated sum, and the distinct
/// values with their counts.
///
/// Memory: 56 bytes, without allocation, up to 4 distinct values; then 8 bytes a sample, up to 128 of them; then, or where
/// values repeat among the first of them, 24 bytes a distinct value, exact, up to 256 of them; then 24 bytes a *cell* of samples that differ by less
/// than 0.4 %, at most 4096 cells (96 KiB). Only samples that fill more than 16 octaves (a ratio of 65,000) densely need more
/// cells than that, and get wider ones.
///
/// Histograms stay buckets for as long as only histograms of the same bounds come, or only exponential ones: some 150 bytes
/// and 16 a bound, or 8 a bucket. Whatever is joined with anything else becomes cells.
///
/// Numbers nearer to zero than the least normal one (2.2 × 10⁻³⁰⁸) are recorded as zero.
#[derive(Clone, Debug, Default)]
pub struct Distribution {
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Few(Few),
    Recent(Recent),
    Many(Box<Cells>),
    Buckets(Box<Histogram>),
}

/// Up to [`FEW`] distinct values in the order they came; a count of zero marks a free place, and those after it.
///
/// Count, sum, minimum and maximum follow from these, so nothing else is stored.
#[derive(Clone, Copy, Debug, Default)]
struct Few {
    values: [f64; FEW],
    counts: [u32; FEW],
}

impl Distribution {
    /// Records one sample.
    pub fn record(&mut self, value: f64) -> Result<(), Refused> {
        self.record_n(value, 1)
    }

    /// Records `count` samples of the same value; none is no sample at all.
    pub fn record_n(&mut self, value: f64, count: u64) -> Result<(), Refused> {
        let value = sample(value)?;
        if count == 0 {
            return Ok(());
        }
        match &mut self.form {
            Form::Few(few) => {
                if few.add(value, count) {
                    return Ok(());
                }
                if count == 1 && few.count() <= FEW_SAMPLES {
                    self.form = Form::Recent(Recent::of(few.samples().chain([value])));
                    return Ok(());
                }
            }
            Form::Recent(recent) => {
                if count == 1 && recent.add(value) {
                    return Ok(());
                }
            }
            Form::Many(cells) => {
                check_room(cells.count(), count)?;
                cells.add(value, count);
                return Ok(());
            }
            Form::Buckets(_) => {}
        }
        check_room(self.count(), count)?;
        let mut cells = self.take_cells();
        cells.add(value, count);
        self.form = Form::Many(Box::new(cells));
        Ok(())
    }

    /// Records the samples of an explicit histogram: `counts` between ascending `bounds`, one more than bounds; without any
    /// bounds a histogram has one bucket or none.
    pub fn record_explicit(&mut self, bounds: &[f64], counts: &[u64], totals: Totals) -> Result<(), Refused> {
        let bare = [totals.count];
        let counts = if bounds.is_empty() && counts.is_empty() { &bare } else { counts };
        totals.check(counts.iter().fold(0, |all, count| all.saturating_add(*count)))?;
        if totals.count == 0 {
            return Ok(());
        }
        if bounds.is_empty() && totals.sum.is_none() {
            return Err(Refused::Unknown(totals.count));
        }
        check_room(self.count(), totals.count)?;
        let fits = match &mut self.form {
            Form::Buckets(held) => held.add_explicit(bounds, counts, totals),
            Form::Few(_) | Form::Recent(_) | Form::Many(_) => false,
        };
        if !fits {
            // Those that fit have been looked at before.
            if counts.len() != bounds.len() + 1 || !bounds.is_sorted_by(|a, b| a < b) {
                return Err(Refused::Bounds { bounds: bounds.len(), counts: counts.len() });
            }
            self.take_in(Histogram::explicit(bounds, counts, totals));
        }
        Ok(())
    }

    /// Records the samples of an exponential histogram.
    pub fn record_exponential(&mut self, histogram: &Exponential, totals: Totals) -> Result<(), Refused> {
        totals.check(histogram.count())?;
        if totals.count == 0 {
            return Ok(());
        }
        check_room(self.count(), totals.count)?;
        let fits = match &mut self.form {
            Form::Buckets(held) => held.add_exponential(histogram, totals),
            Form::Few(_) | Form::Recent(_) | Form::Many(_) => false,
        };
        if !fits {
            self.take_in(Histogram::exponential(histogram, totals));
        }
        Ok(())
    }

    /// Records the samples of `other` too.
    pub fn merge(&mut self, other: &Self) -> Result<(), Refused> {
        check_room(self.count(), other.count())?;
        match (&mut self.form, &other.form) {
            (_, Form::Few(few)) => few.iter().try_for_each(|(value, count)| self.record_n(value, count))?,
            (_, Form::Recent(recent)) => recent.iter().try_for_each(|value| self.record(value))?,
            (Form::Many(cells), Form::Many(others)) => cells.merge(others),
            (Form::Buckets(held), Form::Buckets(others)) => {
                if !held.merge(others) {
                    self.take_in(Histogram::clone(others));
                }
            }
            (_, Form::Buckets(others)) => self.take_in(Histogram::clone(others)),
            (_, Form::Many(others)) => {
                let mut cells = self.take_cells();
                cells.merge(others);
                self.form = Form::Many(Box::new(cells));
            }
        }
        Ok(())
    }

    /// Takes in buckets that do not fit what is here: they stay buckets where nothing is here, and become cells otherwise.
    fn take_in(&mut self, histogram: Histogram) {
        self.form = if self.count() == 0 {
            Form::Buckets(Box::new(histogram))
        } else {
            let mut cells = self.take_cells();
            cells.add_histogram(&histogram);
            Form::Many(Box::new(cells))
        };
    }

    /// What is here, as cells; nothing stays.
    fn take_cells(&mut self) -> Cells {
        match std::mem::take(&mut self.form) {
            Form::Few(few) => few.iter().collect(),
            Form::Recent(recent) => recent.iter().map(|value| (value, 1)).collect(),
            Form::Many(cells) => *cells,
            Form::Buckets(held) => {
                let mut cells = Cells::default();
                cells.add_histogram(&held);
                cells
            }
        }
    }

    /// How many samples were recorded.
    pub fn count(&self) -> u64 {
        match &self.form {
            Form::Few(few) => few.count(),
            Form::Recent(recent) => recent.count(),
            Form::Many(cells) => cells.count(),
            Form::Buckets(held) => held.count(),
        }
    }

    /// The sum of all samples; zero when there are none.
    pub fn sum(&self) -> f64 {
        match &self.form {
            Form::Few(few) => few.sum().total(),
            Form::Recent(recent) => recent.sum().total(),
            Form::Many(cells) => cells.sum(),
            Form::Buckets(held) => held.sum().total(),
        }
    }

    /// The least sample, if there is one and it is known.
    pub fn min(&self) -> Option<f64> {
        match &self.form {
            Form::Few(few) => few.iter().map(|(value, _)| value).reduce(f64::min),
            Form::Recent(recent) => recent.iter().reduce(f64::min),
            Form::Many(cells) => cells.min(),
            Form::Buckets(held) => held.min(),
        }
    }

    /// The greatest sample, if there is one and it is known.
    pub fn max(&self) -> Option<f64> {
        match &self.form {
            Form::Few(few) => few.iter().map(|(value, _)| value).reduce(f64::max),
            Form::Recent(recent) => recent.iter().reduce(f64::max),
            Form::Many(cells) => cells.max(),
            Form::Buckets(held) => held.max(),
        }
    }

    /// Closes the distribution into at most `limit` distinct values and their counts (CloudWatch takes 150). A limit
    /// below 3, the least that can hold minimum, maximum and what lies between, is read as 3.
    ///
    /// Distinct values that have been kept apart (256 are) and fit the limit are given as they are. Otherwise
    /// neighbours are merged, such that
    /// - the minimum and the maximum stay as they are, and the counts add up to [`count`](Self::count) exactly;
    /// - the *watched* percentiles, p0.1, p0.5, p1 to p99, p99.5, p99.9 and p99.99 by nearest rank, move by no more
    ///   than 1 %, and for readers that interpolate the samples beside them too. Only samples that fill more than 64
    ///   octaves densely can break this; a few hundred samples far apart leave the neighbours out, limits under some 110
    ///   values all of it;
    /// - within that, the worst relative error of any sample is the least that any choice of values can have. It
    ///   bounds every other percentile, also those over several periods or streams together, and is told by
    ///   [`Values::worst_relative_error`];
    /// - the values times their counts add up to [`sum`](Self::sum). For that the worst error may grow by a tenth;
    ///   a remainder is left where that does not suffice, as when many positive and negative samples cancel.
    ///
    /// No choice of 150 values keeps every rank within 1 %: at ±1 % they cover a ratio of e³ = 20 between densely
    /// spread samples, and latencies span thousands. So the error is spent where few look, between the watched
    /// percentiles. 1000 log-normal samples (σ = 1) cost 1.5 % there, 100,000 cost 4.3 %.
    pub fn into_values(self, limit: usize) -> Values {
        let sum = self.sum();
        match self.form {
            Form::Few(few) => Values::from_cells(few.into_sorted(), sum, Estimate::default(), limit),
            Form::Recent(recent) => Values::from_samples(recent.into_sorted(), sum, limit),
            Form::Many(cells) => {
                let estimate = cells.estimate();
                Values::from_cells(cells.into_sorted(), sum, estimate, limit)
            }
            Form::Buckets(held) => Values::from_histogram(&held, limit),
        }
    }
}

impl Default for Form {
    fn default() -> Self {
        Self::Few(Few::default())
    }
}

impl Few {
    /// Adds samples, or does nothing and returns false when they do not fit. At most 4 × 2³² fit: no check against
    /// [`MAX_COUNT`] is due.
    fn add(&mut self, value: f64, count: u64) -> bool {
        let Ok(count) = u32::try_from(count) else { return false };
        for (held, held_count) in self.values.iter_mut().zip(&mut self.counts) {
            if *held_count == 0 {
                (*held, *held_count) = (value, count);
                return true;
            }
            if held.to_bits() == value.to_bits() {
                return held_count.checked_add(count).map(|all| *held_count = all).is_some();
            }
        }
        false
    }

    fn iter(&self) -> impl Iterator<Item = (f64, u64)> {
        self.values.into_iter().zip(self.counts.map(u64::from)).take_while(|&(_, count)| count > 0)
    }

    /// Every sample, those of a value together.
    fn samples(self) -> impl Iterator<Item = f64> {
        self.values.into_iter().zip(self.counts).flat_map(|(value, count)| repeat_n(value, count as usize))
    }

    /// The samples as ascending cells.
    fn into_sorted(self) -> Vec<Cell> {
        let mut cells: Vec<_> = self.iter().map(|(value, count)| Cell::of(value, count)).collect();
        cells.sort_unstable_by(|a, b| a.low.total_cmp(&b.low));
        cells
    }

    fn count(&self) -> u64 {
        self.iter().map(|(_, count)| count).sum()
    }

    fn sum(&self) -> Sum {
        let mut sum = Sum::default();
        self.iter().for_each(|(value, count)| sum.add_product(value, count));
        sum
    }
}

/// Whether `added` samples fit beside those `held`.
fn check_room(held: u64, added: u64) -> Result<(), Refused> {
    match held.checked_add(added) {
        Some(all) if all <= MAX_COUNT => Ok(()),
        _ => Err(Refused::TooMany { held, added }),
    }
}

/// The value as it is recorded, or why it is not.
fn sample(value: f64) -> Result<f64, Refused> {
    let magnitude = value.abs();
    if magnitude < f64::MIN_POSITIVE {
        Ok(0.0) // negative zero too
    } else if magnitude <= MAX_MAGNITUDE {
        Ok(value)
    } else if value.is_finite() {
        Err(Refused::TooLarge(value))
    } else {
        Err(Refused::NotFinite(value))
    }
}

#[cfg(test)]
mod tests;
