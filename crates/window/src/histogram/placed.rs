//! Values that stand for the samples of buckets, each with the room that it has.

use crate::cells::Estimate;
use crate::sum::Sum;

/// A value for some samples of a bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Placed {
    pub(crate) value: f64,
    pub(crate) count: u64,
    /// Where the value would be if the samples were spread evenly; the truth is taken to lie between the two.
    pub(super) even: f64,
    /// From where to where the value may go.
    pub(super) least: f64,
    pub(super) most: f64,
    /// Where its samples may be.
    pub(super) low: f64,
    pub(super) high: f64,
}

/// Values for all samples of a histogram, ascending.
#[derive(Clone, Debug, Default)]
pub(crate) struct Placing {
    pub(crate) placed: Vec<Placed>,
    /// How many samples at the end are in a bucket without an upper edge.
    pub(crate) unbounded: u64,
}

impl Placing {
    /// Gives the least and the greatest sample, where they are known, values of their own. Of what is in a bucket without an
    /// upper edge, one that is known is open no more.
    pub(super) fn set_ends(&mut self, min: Option<f64>, max: Option<f64>) {
        let known = |value: f64| Placed {
            value,
            count: 1,
            even: value,
            least: value,
            most: value,
            low: value,
            high: value,
        };
        let all: u64 = self.placed.iter().map(|placed| placed.count).sum();
        if let (Some(min), Some(first)) = (min, self.placed.first_mut()) {
            if self.unbounded == all {
                self.unbounded -= 1;
            }
            if first.count == 1 {
                *first = known(min);
            } else {
                first.count -= 1;
                self.placed.insert(0, known(min));
            }
        }
        if let (Some(max), Some(last)) = (max, self.placed.last_mut()) {
            self.unbounded = self.unbounded.saturating_sub(1);
            if last.count == 1 {
                *last = known(max);
            } else {
                last.count -= 1;
                self.placed.push(known(max));
            }
        }
        self.placed.sort_by(|a, b| a.value.total_cmp(&b.value)); // a sender's minimum may be beyond its first bucket
    }

    /// Moves the values until they add up to `sum`, as far as their room goes: first towards an even spread, all by the
    /// same share, then towards the edges, all by the same share of what is left. Samples without an upper edge go as
    /// far as it takes.
    pub(super) fn meet(&mut self, sum: Sum) {
        if let [only] = &mut self.placed[..]
            && only.count == 1
        {
            only.value = sum.total();
            return;
        }
        self.shift(sum, |placed| placed.even);
        // Twice: what the first step rounds away is in the second's reach.
        for _ in 0..2 {
            let rises = self.missing(sum) > 0.0;
            self.shift(sum, |placed| if rises { placed.most } else { placed.least });
        }
        let missing = self.missing(sum);
        if self.unbounded > 0 && missing > 0.0 && missing.is_finite() {
            let mut beyond = self.unbounded;
            for placed in self.placed.iter_mut().rev() {
                if beyond < placed.count {
                    break;
                }
                beyond -= placed.count;
                placed.value += missing / self.unbounded as f64;
            }
        }
    }

    /// What the values add up to.
    pub(crate) fn sum(&self) -> Sum {
        let mut sum = Sum::default();
        self.placed.iter().for_each(|placed| sum.add_product(placed.value, placed.count));
        sum
    }

    fn missing(&self, mut sum: Sum) -> f64 {
        self.placed.iter().for_each(|placed| sum.add_product(-placed.value, placed.count));
        sum.total()
    }

    /// Moves all values the same share of their way to `towards`, from none to all of it: the one that comes nearest to `sum`.
    fn shift(&mut self, sum: Sum, towards: impl Fn(&Placed) -> f64) {
        let way = |placed: &Placed| towards(placed) - placed.value;
        let all: f64 = self.placed.iter().map(|placed| way(placed) * placed.count as f64).sum();
        let share = (self.missing(sum) / all).min(1.0);
        // Neither where there is no way to go, nor where it is beyond the doubles.
        if share > 0.0 && all.is_finite() {
            for placed in &mut self.placed {
                placed.value = (placed.value + way(placed) * share).clamp(placed.least, placed.most);
            }
        }
    }

    /// How far the values may be from their samples.
    pub(crate) fn estimate(&self) -> Estimate {
        let error = |placed: &Placed, sample: f64| match (placed.value - sample).abs() {
            distance if distance > 0.0 => distance / sample.abs(),
            _ => 0.0,
        };
        let errors =
            self.placed.iter().map(|placed| error(placed, placed.low).max(error(placed, placed.high)));
        Estimate { error: errors.fold(0.0, f64::max), unbounded: self.unbounded }
    }
}
