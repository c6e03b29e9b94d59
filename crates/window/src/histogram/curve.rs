//! How samples lie within explicit buckets: along a curve through the edges of all of them.
//!
//! At every edge it is known how many samples lie below. Between two edges the samples are taken to be log-logistic: the
//! logarithm of the odds to be below a value grows in proportion to the logarithm of the value. Latencies are nearly
//! log-normal, of which this is a close likeness, and through two points there is exactly one such curve. So a bucket's
//! neighbours decide how its samples lean, where a middle, or an even spread, would take each bucket for itself.

/// A stretch of values that holds samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stretch {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) count: u64,
    /// Whether it begins where the one before it ends.
    pub(super) follows: bool,
}

/// The number of samples below each edge, as log-odds.
struct Curve<'a> {
    stretches: &'a [Stretch],
    total: f64,
    /// Samples below the beginning of each stretch.
    below: Vec<f64>,
}

/// About `room` values, at least one a stretch: where they are, by the place of their stretch, the curve and an even
/// spread, and how many samples they stand for.
pub(super) fn spread(stretches: &[Stretch], room: usize) -> Vec<(usize, f64, f64, u64)> {
    let curve = Curve::new(stretches);
    let mut values = Vec::with_capacity(room.min(1024));
    for (at, (stretch, share)) in stretches.iter().zip(shares(stretches, room)).enumerate() {
        let passed = |part: u64| (u128::from(stretch.count) * u128::from(part) / u128::from(share)) as u64;
        for part in 0..share {
            let (from, to) = (passed(part), passed(part + 1));
            let middle = f64::midpoint(from as f64, to as f64);
            let even = stretch.low + (stretch.high - stretch.low) * (middle / stretch.count as f64);
            let value = curve.value(at, middle).unwrap_or(even).clamp(stretch.low, stretch.high);
            values.push((at, value, even.clamp(stretch.low, stretch.high), to - from));
        }
    }
    values
}

/// Where the samples of the last stretch would end, if the curve of the one below it went on.
pub(super) fn lead_on(stretches: &[Stretch]) -> Option<f64> {
    let curve = Curve::new(stretches);
    let (last, before) = (stretches.len().checked_sub(1)?, stretches.len().checked_sub(2)?);
    let slope = curve.slope(before).filter(|_| stretches[last].follows)?;
    let rise = curve.log_odds(curve.total) - curve.log_odds(curve.below[last]);
    Some(stretches[last].low * (rise / slope).exp())
}

/// How many values each stretch gets: as many as the others, but no more than it has samples, and one where it has no
/// width.
fn shares(stretches: &[Stretch], room: usize) -> Vec<u64> {
    let wanted = |stretch: &Stretch| if stretch.low < stretch.high { stretch.count } else { 1 };
    let mut by_wanted: Vec<usize> = (0..stretches.len()).collect();
    by_wanted.sort_by_key(|at| wanted(&stretches[*at]));
    let mut shares = vec![1; stretches.len()];
    let mut left = room as u64;
    for (passed, at) in by_wanted.into_iter().enumerate() {
        let equal = left / (stretches.len() - passed) as u64;
        shares[at] = wanted(&stretches[at]).min(equal).max(1);
        left = left.saturating_sub(shares[at]);
    }
    shares
}

impl<'a> Curve<'a> {
    fn new(stretches: &'a [Stretch]) -> Self {
        let mut total = 0.0;
        let mut below = Vec::with_capacity(stretches.len() + 1);
        for stretch in stretches {
            below.push(total);
            total += stretch.count as f64;
        }
        below.push(total);
        Self { stretches, total, below }
    }

    /// The value that `passed` samples of a stretch are below; `None` where logarithms cannot tell.
    fn value(&self, at: usize, passed: f64) -> Option<f64> {
        let Stretch { low, high, .. } = self.stretches[at];
        let log_odds = self.log_odds(self.below[at] + passed);
        if low > 0.0 {
            let rise = log_odds - self.log_odds(self.below[at]);
            return self.slope(at).map(|slope| low * (rise / slope).exp());
        }
        // From zero there is no curve of its own: the one above leads on downwards.
        let above = self.stretches.get(at + 1).filter(|above| low >= 0.0 && above.follows)?;
        let rise = log_odds - self.log_odds(self.below[at + 1]);
        self.slope(at + 1).filter(|_| above.low > 0.0).map(|slope| high * (rise / slope).exp())
    }

    /// How fast the log-odds grow with the logarithm of the value.
    fn slope(&self, at: usize) -> Option<f64> {
        let Stretch { low, high, .. } = self.stretches[at];
        let rise = self.log_odds(self.below[at + 1]) - self.log_odds(self.below[at]);
        let slope = rise / (high / low).ln();
        (low > 0.0 && high > low && slope > 0.0 && slope.is_finite()).then_some(slope)
    }

    /// Half a sample is left at either end, so that the odds are finite.
    fn log_odds(&self, below: f64) -> f64 {
        (below.max(0.5) / (self.total - below).max(0.5)).ln()
    }
}
