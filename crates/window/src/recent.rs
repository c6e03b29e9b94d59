//! Samples as they came: what a stream has that is sampled every second, at the price of an append.
//!
//! Cells are kept in order, and a sample more means a search and a shift of all that is behind it. These are put in order once,
//! when the period closes.

use crate::sum::Sum;

/// How many samples are held, 1 kB: two a second of a minute. With more, cells are the smaller form wherever values repeat.
const MAX_SAMPLES: usize = 128;

/// Samples in the order they came, at least one.
#[derive(Clone, Debug)]
pub(crate) struct Recent(Vec<f64>);

impl Recent {
    /// These samples, of which there are few.
    pub(crate) fn of(samples: impl Iterator<Item = f64>) -> Self {
        Self(samples.collect())
    }

    /// Adds a sample, or does nothing and returns false when there is no room.
    #[inline]
    pub(crate) fn add(&mut self, value: f64) -> bool {
        let has_room = self.0.len() < MAX_SAMPLES;
        if has_room {
            self.0.push(value);
        }
        has_room
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = f64> {
        self.0.iter().copied()
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    pub(crate) fn sum(&self) -> Sum {
        let mut sum = Sum::default();
        self.iter().for_each(|value| sum.add_product(value, 1));
        sum
    }

    /// The samples in ascending order.
    pub(crate) fn into_sorted(self) -> Vec<f64> {
        let Self(mut samples) = self;
        samples.sort_unstable_by(f64::total_cmp);
        samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_not_taken() {
        let mut recent = Recent::of(std::iter::empty());
        let taken = (0..200).filter(|i| recent.add(f64::from(*i))).count();
        assert_eq!((taken, recent.count()), (128, 128));
        assert_eq!(recent.iter().last(), Some(127.0));
    }
}
