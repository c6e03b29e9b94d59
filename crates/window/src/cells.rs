//! Many samples: sorted cells, exact at first, then as fine as the room allows.
//!
//! A cell holds the samples whose floating-point numbers agree in all but their last `shift` bits. Read as an
//! integer, a float is ordered by value, and a fixed number of leading bits is a fixed relative width, so a cell costs
//! no logarithm and its edges are exact. With `shift` 0 every cell is one distinct value. Whenever there are too many
//! cells, one more bit is given up, which joins neighbours:
//!
//! | cells | bits given up | resolution |
//! |---|---|---|
//! | ≤ 256 | 0 | exact |
//! | ≤ 256 | ≤ 44 | finer than 1/256 = 0.4 %: the finest that fits, for samples that lie close together |
//! | ≤ 4096 | 44 | 8 bits of mantissa, 1/256: up to 16 octaves with a sample in every cell |
//! | ≤ 4096 | 45 … 52 | 1/128 up to 32 octaves (9 decades), 1/64 up to 64, … one octave |
//!
//! Each cell also knows the least and the greatest sample it has met, so a lone value stays exact at any width.

use crate::histogram::{Histogram, PARTS};
use crate::sum::Sum;

/// How many cells may be held at a resolution finer than [`FINE_SHIFT`].
const FINE_CELLS: usize = 256;

/// Bits given up before more than [`FINE_CELLS`] cells are spent: 52 bits of mantissa less 8.
const FINE_SHIFT: u32 = 44;

/// How many cells may be held at all, 96 KiB. The 2 × 2046 octaves of normal numbers and zero fit, so at most 52
/// bits are given up: no cell ever joins two octaves, two signs, or zero with anything.
const MAX_CELLS: usize = 4096;

/// Samples that lie close together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cell {
    /// The least sample.
    pub(crate) low: f64,
    /// The greatest sample.
    pub(crate) high: f64,
    /// How many samples, at least one.
    pub(crate) count: u64,
}

/// The samples of a stream beyond a few distinct values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cells {
    /// Ascending; no two agree in their leading bits.
    sorted: Vec<Cell>,
    /// How many trailing bits do not tell samples apart.
    shift: u32,
    count: u64,
    sum: Sum,
    estimate: Estimate,
}

/// What is not known of samples that came as histograms.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Estimate {
    /// An upper bound of the distance between a sample and the value that was taken for it, relative to the sample.
    pub(crate) error: f64,
    /// How many samples are above the last bound of a histogram that does not tell their maximum.
    pub(crate) unbounded: u64,
}

impl Estimate {
    fn join(&mut self, other: Self) {
        self.error = self.error.max(other.error);
        self.unbounded += other.unbounded;
    }
}

impl Cell {
    /// `count` samples of one value.
    pub(crate) fn of(value: f64, count: u64) -> Self {
        Self { low: value, high: value, count }
    }

    /// Whether all samples are the same.
    pub(crate) fn is_exact(&self) -> bool {
        self.low.to_bits() == self.high.to_bits()
    }

    /// Takes one sample of `low` out; there must be others, and both ends must be samples.
    pub(crate) fn take_low(&mut self) -> Self {
        let taken = Self::of(self.low, 1);
        self.count -= 1;
        if self.count == 1 {
            self.low = self.high;
        }
        taken
    }

    /// Takes one sample of `high` out; there must be others. Where in the cell these are is left open: `low` may have
    /// been taken before.
    pub(crate) fn take_high(&mut self) -> Self {
        self.count -= 1;
        Self::of(self.high, 1)
    }

    fn absorb(&mut self, other: Self) {
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
        self.count += other.count;
    }

    fn key(&self, shift: u32) -> u64 {
        key(self.low, shift)
    }
}

impl Cells {
    /// Adds samples of a normal number or zero; their number must leave the total within 2⁵³.
    pub(crate) fn add(&mut self, value: f64, count: u64) {
        self.count += count;
        self.sum.add_product(value, count);
        self.place(Cell::of(value, count));
    }

    /// Adds the samples of a histogram by the values that stand for them, and by its own sum.
    pub(crate) fn add_histogram(&mut self, histogram: &Histogram) {
        let placing = histogram.placing(PARTS);
        self.count += histogram.count();
        self.sum.add_sum(histogram.known_sum().unwrap_or_else(|| placing.sum()));
        self.estimate.join(placing.estimate());
        for placed in placing.placed {
            self.place(Cell::of(placed.value, placed.count));
        }
    }

    /// Adds the samples of `other`, at the coarser resolution of the two or one that fits both.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum.add_sum(other.sum);
        self.estimate.join(other.estimate);
        self.coarsen(self.shift.max(other.shift));
        other.sorted.iter().for_each(|&cell| self.place(cell));
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn sum(&self) -> f64 {
        self.sum.total()
    }

    pub(crate) fn min(&self) -> Option<f64> {
        self.sorted.first().map(|cell| cell.low)
    }

    pub(crate) fn max(&self) -> Option<f64> {
        self.sorted.last().map(|cell| cell.high)
    }

    pub(crate) fn estimate(&self) -> Estimate {
        self.estimate
    }

    /// The cells in ascending order; the samples of one never pass those of the next.
    pub(crate) fn into_sorted(self) -> Vec<Cell> {
        self.sorted
    }

    /// Puts samples that the resolution does not tell apart where they belong, and gives up bits until there is room.
    fn place(&mut self, samples: Cell) {
        let (shift, key) = (self.shift, samples.key(self.shift));
        match self.sorted.binary_search_by_key(&key, |cell| cell.key(shift)) {
            Ok(at) => self.sorted[at].absorb(samples),
            Err(at) if self.has_room() => self.sorted.insert(at, samples),
            Err(_) => {
                self.coarsen(shift + 1);
                self.place(samples);
            }
        }
    }

    fn has_room(&self) -> bool {
        self.sorted.len() < if self.shift < FINE_SHIFT { FINE_CELLS } else { MAX_CELLS }
    }

    /// Gives up bits and joins the neighbours that are not told apart any more.
    fn coarsen(&mut self, shift: u32) {
        self.shift = shift;
        self.sorted.dedup_by(|next, cell| {
            let same = next.key(shift) == cell.key(shift);
            if same {
                cell.absorb(*next);
            }
            same
        });
    }
}

impl FromIterator<(f64, u64)> for Cells {
    fn from_iter<I: IntoIterator<Item = (f64, u64)>>(samples: I) -> Self {
        let mut cells = Self::default();
        samples.into_iter().for_each(|(value, count)| cells.add(value, count));
        cells
    }
}

/// The leading bits of a number as an integer that orders as the numbers do.
fn key(value: f64, shift: u32) -> u64 {
    const SIGN: u64 = 1 << 63;
    let bits = value.to_bits();
    let ordered = if bits & SIGN == 0 { bits | SIGN } else { !bits };
    ordered >> shift
}

#[cfg(test)]
mod tests;
