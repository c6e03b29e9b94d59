//! Samples as they came: what a stream has that is sampled every second, at the price of an append.
//!
//! Cells are kept in order, and a sample more means a search and a shift of all that is behind it. These are put in order once,
//! when the period closes.

use crate::sum::Sum;

/// How many samples are held, 1 kB: two a second of a minute. With more, cells are the smaller form wherever values repeat.
const MAX_SAMPLES: usize = 128;

/// How many of them wait beside the list. With every sample appended, each cost a wait for memory where series are many: the list's
/// end is in no cache when the next one comes. These lie with all else that a sample needs, in room that other forms take too.
const WAITING: usize = 2;

/// Samples as they came, at least one.
#[derive(Clone, Debug)]
pub(crate) struct Recent {
    list: Vec<f64>,
    waiting: [f64; WAITING],
    /// How many are waiting.
    wait: usize,
}

impl Recent {
    /// These samples, of which there are few.
    pub(crate) fn of(samples: impl Iterator<Item = f64>) -> Self {
        Self { list: samples.collect(), waiting: [0.0; WAITING], wait: 0 }
    }

    /// Adds a sample, or does nothing and returns false when there is no room.
    #[inline]
    pub(crate) fn add(&mut self, value: f64) -> bool {
        if self.list.len() + self.wait >= MAX_SAMPLES {
            return false;
        }
        match self.waiting.get_mut(self.wait) {
            Some(place) => {
                *place = value;
                self.wait += 1;
            }
            None => {
                self.join_waiting();
                self.list.push(value);
            }
        }
        true
    }

    fn join_waiting(&mut self) {
        self.list.extend_from_slice(&self.waiting[..self.wait]);
        self.wait = 0;
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = f64> {
        self.list.iter().chain(&self.waiting[..self.wait]).copied()
    }

    pub(crate) fn count(&self) -> u64 {
        (self.list.len() + self.wait) as u64
    }

    pub(crate) fn sum(&self) -> Sum {
        let mut sum = Sum::default();
        self.iter().for_each(|value| sum.add_product(value, 1));
        sum
    }

    /// The samples in ascending order.
    pub(crate) fn into_sorted(mut self) -> Vec<f64> {
        self.join_waiting();
        self.list.sort_unstable_by(f64::total_cmp);
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_held_whether_they_wait_or_not() {
        let mut recent = Recent::of([5.0, 4.0].into_iter());
        for last in 1..=10_u32 {
            recent.add(f64::from(10 - last));
            let expected = (0..last).map(|i| f64::from(9 - i));
            assert!(recent.iter().eq([5.0, 4.0].into_iter().chain(expected)), "{last}: {recent:?}");
            assert_eq!(recent.count(), u64::from(last) + 2);
        }
        assert_eq!(recent.into_sorted(), [0.0, 1.0, 2.0, 3.0, 4.0, 4.0, 5.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    }

    #[test]
    fn what_has_no_room_is_not_taken() {
        for first in 0..6_u32 {
            let mut recent = Recent::of((0..first).map(f64::from));
            let taken = (first..200).filter(|i| recent.add(f64::from(*i))).count();
            assert_eq!((taken as u32, recent.count()), (128 - first, 128));
            assert_eq!(recent.iter().last(), Some(127.0));
        }
    }
}
