//! Samples that are known by the buckets that hold them, and how they become values.

mod curve;
mod explicit;
mod exponential;
mod placed;

use crate::distribution::{MAX_MAGNITUDE, Refused};
use crate::exponential::Exponential;
use crate::sum::Sum;
use explicit::Explicit;
use placed::Placing;

/// How many values a histogram is taken apart into, where no datum bounds them.
pub(crate) const PARTS: usize = 256;

/// What a histogram's point says beside its buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// How many values.
    pub count: u64,
    /// Their sum.
    pub sum: Option<f64>,
    /// The least of them.
    pub min: Option<f64>,
    /// The greatest of them.
    pub max: Option<f64>,
}

/// Buckets of samples with the exact count, and with the sum and the extremes as far as all points told them.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    buckets: Buckets,
    count: u64,
    sum: Option<Sum>,
    min: Option<f64>,
    max: Option<f64>,
}

#[derive(Clone, Debug)]
enum Buckets {
    Explicit(Explicit),
    Exponential(Exponential),
}

impl Totals {
    /// Why these are no totals of samples, given how many the buckets hold.
    pub(crate) fn check(&self, in_buckets: u64) -> Result<(), Refused> {
        if in_buckets != self.count {
            return Err(Refused::Unequal { count: self.count, in_buckets });
        }
        let told = [self.sum, self.min, self.max].into_iter().flatten();
        if let Some(infinite) = told.into_iter().find(|value| !value.is_finite()) {
            return Err(Refused::NotFinite(infinite));
        }
        let ends = [self.min, self.max].into_iter().flatten();
        match ends.into_iter().find(|value| value.abs() > MAX_MAGNITUDE) {
            Some(large) => Err(Refused::TooLarge(large)),
            None => Ok(()),
        }
    }
}

impl Histogram {
    pub(crate) fn explicit(bounds: &[f64], counts: &[u64], totals: Totals) -> Self {
        Self::new(Buckets::Explicit(Explicit::new(bounds, counts)), totals)
    }

    pub(crate) fn exponential(histogram: &Exponential, totals: Totals) -> Self {
        Self::new(Buckets::Exponential(histogram.clone()), totals)
    }

    fn new(buckets: Buckets, totals: Totals) -> Self {
        let sum = totals.sum.map(Sum::of);
        Self { buckets, count: totals.count, sum, min: totals.min, max: totals.max }
    }

    /// Adds a point; false, with nothing added, where its buckets are not of the same kind and bounds.
    pub(crate) fn add_explicit(&mut self, bounds: &[f64], counts: &[u64], totals: Totals) -> bool {
        let fits = match &mut self.buckets {
            Buckets::Explicit(held) => held.add(bounds, counts),
            Buckets::Exponential(_) => false,
        };
        if fits {
            self.add_totals(totals.count, totals.sum.map(Sum::of), totals.min, totals.max);
        }
        fits
    }

    /// Adds a point; false, with nothing added, where the buckets here are not exponential.
    pub(crate) fn add_exponential(&mut self, histogram: &Exponential, totals: Totals) -> bool {
        let fits = match &mut self.buckets {
            Buckets::Exponential(held) => held.merge(histogram).is_ok(),
            Buckets::Explicit(_) => false,
        };
        if fits {
            self.add_totals(totals.count, totals.sum.map(Sum::of), totals.min, totals.max);
        }
        fits
    }

    /// Adds the samples of `other`; false, with nothing added, where the buckets are not of the same kind and bounds.
    pub(crate) fn merge(&mut self, other: &Self) -> bool {
        let fits = match (&mut self.buckets, &other.buckets) {
            (Buckets::Explicit(held), Buckets::Explicit(others)) => held.add(&others.bounds, &others.counts),
            (Buckets::Exponential(held), Buckets::Exponential(others)) => held.merge(others).is_ok(),
            _ => false,
        };
        if fits {
            self.add_totals(other.count, other.sum, other.min, other.max);
        }
        fits
    }

    fn add_totals(&mut self, count: u64, sum: Option<Sum>, min: Option<f64>, max: Option<f64>) {
        self.count += count;
        self.sum = self.sum.zip(sum).map(|(mut sum, more)| {
            sum.add_sum(more);
            sum
        });
        self.min = self.min.zip(min).map(|(a, b)| a.min(b));
        self.max = self.max.zip(max).map(|(a, b)| a.max(b));
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The sum, or the nearest that the buckets allow to say.
    pub(crate) fn sum(&self) -> Sum {
        self.sum.unwrap_or_else(|| self.placing(PARTS).sum())
    }

    /// The sum, if all points told theirs.
    pub(crate) fn known_sum(&self) -> Option<Sum> {
        self.sum
    }

    pub(crate) fn min(&self) -> Option<f64> {
        self.min
    }

    pub(crate) fn max(&self) -> Option<f64> {
        self.max
    }

    /// Whether nothing is known of the samples but totals that leave them open.
    pub(crate) fn is_bare(&self) -> bool {
        matches!(&self.buckets, Buckets::Explicit(held) if held.is_bare())
            && self.min.zip(self.max).is_some_and(|(min, max)| min < max)
    }

    /// The samples as at most `limit` values, or more where there are more explicit buckets. Each value lies in its
    /// bucket, and they add up to the sum as near as buckets allow.
    pub(crate) fn placing(&self, limit: usize) -> Placing {
        // The extremes get values of their own.
        let room = limit.saturating_sub(2).max(1);
        let mut placing = match &self.buckets {
            Buckets::Explicit(held) => held.placing(self, room),
            Buckets::Exponential(held) => exponential::placing(held, self, room),
        };
        placing.set_ends(self.min, self.max);
        if let Some(sum) = self.sum {
            placing.meet(sum);
        }
        placing
    }

    fn mean(&self) -> Option<f64> {
        self.sum.map(|sum| sum.total() / self.count as f64)
    }
}
