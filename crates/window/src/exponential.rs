//! Exponential histograms: arithmetic on buckets whose bounds are powers of 2^(2^-scale).
//!
//! The bucket of index `i` holds what is greater than `base^i` and at most `base^(i + 1)`; a negative value is counted
//! by its magnitude, in buckets of its own; what is within the zero threshold is counted apart. Giving up one step of
//! scale joins the buckets `2i` and `2i + 1` into `i`, exactly (OpenTelemetry's data model, "ExponentialHistogram").

pub mod bounds;
mod buckets;

pub use buckets::Buckets;
use buckets::{Raw, down, span_of};

/// The first and the last index of buckets, if there are any.
type Indexes = Option<(i32, i32)>;

/// The finest scale: the indexes of all doubles still fit 32 bits. Finer ones are read at this one.
pub const MAX_SCALE: i32 = 20;

/// The coarsest scale that means anything: all doubles up to 1 are in bucket −1, those beyond in bucket 0.
pub const MIN_SCALE: i32 = -11;

/// The most buckets that are kept on each side of zero, 8 KiB: SDKs send up to 160. More cost a step of scale.
pub const MAX_BUCKETS: usize = 1024;

/// An exponential histogram as a point carries it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Parts<'a> {
    /// The base is 2^(2^-scale).
    pub scale: i32,
    /// The greatest magnitude that counts as zero.
    pub zero_threshold: f64,
    /// How many values are within it.
    pub zero_count: u64,
    /// The index of the first positive bucket.
    pub positive_offset: i32,
    /// Counts of the positive buckets.
    pub positive: &'a [u64],
    /// The index of the first negative bucket.
    pub negative_offset: i32,
    /// Counts of the negative buckets.
    pub negative: &'a [u64],
}

/// Parts that are no histogram, or histograms that have no sum.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ExponentialError {
    /// The zero threshold is negative, infinite or no number.
    #[error("zero threshold {0} is not a finite number from 0")]
    ZeroThreshold(f64),
    /// The last bucket's index does not fit 32 bits.
    #[error("{buckets} buckets from index {offset} pass 2^31")]
    Index {
        /// The index of the first bucket.
        offset: i32,
        /// How many there are.
        buckets: usize,
    },
    /// The counts add up to more than 64 bits hold.
    #[error("the counts add up to more than 2^64")]
    TooMany,
}

/// An exponential histogram, at a scale from [`MIN_SCALE`] to [`MAX_SCALE`] and with at most [`MAX_BUCKETS`] buckets on
/// each side, whatever the offsets: memory does not follow what a sender claims. All counts together fit 64 bits.
#[derive(Debug, Default, PartialEq)]
pub struct Exponential {
    scale: i32,
    zero_threshold: f64,
    zero_count: u64,
    positive: Buckets,
    negative: Buckets,
}

/// By hand for `clone_from`, which allocates nothing where there is room.
impl Clone for Exponential {
    fn clone(&self) -> Self {
        let mut clone = Self::default();
        clone.clone_from(self);
        clone
    }

    fn clone_from(&mut self, from: &Self) {
        (self.scale, self.zero_threshold, self.zero_count) =
            (from.scale, from.zero_threshold, from.zero_count);
        self.positive.clone_from(&from.positive);
        self.negative.clone_from(&from.negative);
    }
}

impl Exponential {
    /// The histogram of these parts.
    pub fn new(parts: &Parts<'_>) -> Result<Self, ExponentialError> {
        let mut histogram = Self::default();
        histogram.set(parts)?;
        Ok(histogram)
    }

    /// Becomes the histogram of these parts, without allocating where there is room; on an error it stays as it is.
    pub fn set(&mut self, parts: &Parts<'_>) -> Result<(), ExponentialError> {
        // Written so that a NaN fails; zero may have a sign.
        if !(parts.zero_threshold >= 0.0 && parts.zero_threshold.is_finite()) {
            return Err(ExponentialError::ZeroThreshold(parts.zero_threshold));
        }
        let positive = Raw::new(parts.positive_offset, parts.positive)?;
        let negative = Raw::new(parts.negative_offset, parts.negative)?;
        let counts = positive.counts.iter().chain(negative.counts);
        let mut total = parts.zero_count;
        for count in counts {
            total = total.checked_add(*count).ok_or(ExponentialError::TooMany)?;
        }
        let above = parts.scale.saturating_sub(MAX_SCALE).max(0) as u32;
        let (least, most) = indexes_of_doubles(parts.scale.min(MAX_SCALE));
        // Beyond the doubles there is nothing to count, but a sender may say otherwise.
        let real = |index: i32| down(index, above).clamp(least, most);
        let range = |raw: Raw<'_>| raw.range().map(|(first, last)| (real(first), real(last)));
        let shift = shift_to_fit(range(positive), None).max(shift_to_fit(range(negative), None));
        // Below the least scale the indexes are those of the least scale.
        self.scale = parts.scale.clamp(MIN_SCALE, MAX_SCALE) - shift as i32;
        self.zero_threshold = parts.zero_threshold.abs();
        self.zero_count = parts.zero_count;
        self.positive.set(positive, |index| down(real(index), shift));
        self.negative.set(negative, |index| down(real(index), shift));
        Ok(())
    }

    /// The base is 2^(2^-scale).
    pub fn scale(&self) -> i32 {
        self.scale
    }

    /// The greatest magnitude that counts as zero.
    pub fn zero_threshold(&self) -> f64 {
        self.zero_threshold
    }

    /// How many values are within the zero threshold.
    pub fn zero_count(&self) -> u64 {
        self.zero_count
    }

    /// The buckets of positive values.
    pub fn positive(&self) -> &Buckets {
        &self.positive
    }

    /// The buckets of negative values, by their magnitude.
    pub fn negative(&self) -> &Buckets {
        &self.negative
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.zero_count + self.positive.total() + self.negative.total()
    }

    /// How many buckets hold a value, that of zero included.
    pub fn populated(&self) -> usize {
        usize::from(self.zero_count > 0) + self.positive.iter().count() + self.negative.iter().count()
    }

    /// Goes down to `scale`, if that is below the present one and not below [`MIN_SCALE`].
    pub fn downscale(&mut self, scale: i32) {
        let scale = scale.max(MIN_SCALE);
        if scale < self.scale {
            let shift = (self.scale - scale) as u32;
            self.positive.downscale(shift);
            self.negative.downscale(shift);
            self.scale = scale;
        }
    }

    /// Adds the values of `other`: at the lower of both scales or one at which the buckets fit, and with the greater of
    /// both zero thresholds, or the upper bound of the populated bucket that it would cut. On an error it stays as it is.
    pub fn merge(&mut self, other: &Self) -> Result<(), ExponentialError> {
        self.count().checked_add(other.count()).ok_or(ExponentialError::TooMany)?;
        let scale = self.scale.min(other.scale);
        let (down_mine, down_theirs) = ((self.scale - scale) as u32, (other.scale - scale) as u32);
        let shift = |mine: &Buckets, theirs: &Buckets| {
            shift_to_fit(lower(mine.range(), down_mine), lower(theirs.range(), down_theirs))
        };
        let further = shift(&self.positive, &other.positive).max(shift(&self.negative, &other.negative));
        self.downscale(scale - further as i32);
        let threshold = common_threshold(self, other);
        self.widen_zero(threshold);
        let is_wider = threshold > other.zero_threshold;
        let (mut zeros, by) = (other.zero_count, (other.scale - self.scale) as u32);
        for (mine, theirs) in [(&mut self.positive, &other.positive), (&mut self.negative, &other.negative)] {
            mine.reserve(lower(theirs.range(), by));
            if by == 0 && !is_wider {
                mine.add_all(theirs);
                continue;
            }
            for (index, count) in theirs.iter_at(by) {
                if is_wider && upper(self.scale, index) <= threshold {
                    zeros += count;
                } else {
                    mine.add(index, count);
                }
            }
            mine.trim();
        }
        self.zero_count += zeros;
        Ok(())
    }

    /// What was counted since `older`, at the lower of both scales: `None` where any count fell, or the zero threshold
    /// did. Then the sender has begun anew, and all of this is new.
    pub fn difference(&self, older: &Self) -> Option<Self> {
        let mut difference = self.clone();
        difference.subtract(older).then_some(difference)
    }

    /// Becomes what was counted since `older` (see [`difference`](Self::difference)), without allocating. Where it
    /// answers false, what is left here means nothing.
    #[must_use]
    pub fn subtract(&mut self, older: &Self) -> bool {
        if older.zero_threshold > self.zero_threshold {
            return false;
        }
        self.downscale(older.scale);
        let threshold = common_threshold(self, older);
        self.widen_zero(threshold);
        let is_wider = threshold > older.zero_threshold;
        let (mut zeros, by) = (older.zero_count, (older.scale - self.scale) as u32);
        for (mine, theirs) in [(&mut self.positive, &older.positive), (&mut self.negative, &older.negative)] {
            if by == 0 && !is_wider {
                if !mine.take_all(theirs) {
                    return false;
                }
                mine.trim();
                continue;
            }
            for (index, count) in theirs.iter_at(by) {
                if is_wider && upper(self.scale, index) <= threshold {
                    zeros += count;
                } else if !mine.take(index, count) {
                    return false;
                }
            }
            mine.trim();
        }
        match self.zero_count.checked_sub(zeros) {
            Some(left) => self.zero_count = left,
            None => return false,
        }
        true
    }

    /// Counts what lies within `threshold`, which cuts no populated bucket, as zero.
    fn widen_zero(&mut self, threshold: f64) {
        if threshold > self.zero_threshold {
            self.zero_threshold = threshold;
            let scale = self.scale;
            for side in [&mut self.positive, &mut self.negative] {
                self.zero_count += side.take_while(|index| upper(scale, index) <= threshold);
            }
        }
    }
}

/// The greater of the zero thresholds; where it cuts a populated bucket, at the scale of `low`, the upper bound of that,
/// and so on (data model, "Zero Count and Zero Threshold"). The scale of `high` is not below that of `low`.
fn common_threshold(low: &Exponential, high: &Exponential) -> f64 {
    let mut threshold = low.zero_threshold.max(high.zero_threshold);
    if low.zero_threshold.to_bits() == high.zero_threshold.to_bits() {
        return threshold; // neither cuts a bucket of its own
    }
    let (scale, by) = (low.scale, (high.scale - low.scale) as u32);
    loop {
        let sides = [(&low.positive, 0), (&low.negative, 0), (&high.positive, by), (&high.negative, by)];
        let cut = sides.into_iter().find_map(|(side, by)| {
            let mut below =
                side.iter_at(by).take_while(|(index, _)| bounds::lower(scale, *index) < threshold);
            below.find(|(index, _)| threshold < upper(scale, *index))
        });
        match cut {
            Some((index, _)) => threshold = upper(scale, index),
            None => return threshold,
        }
    }
}

/// The greatest value of a bucket.
fn upper(scale: i32, index: i32) -> f64 {
    bounds::upper(scale, index).min(f64::MAX)
}

/// The indexes of the least and of the greatest positive double, 2^-1074 and just below 2^1024.
fn indexes_of_doubles(scale: i32) -> (i32, i32) {
    if scale >= 0 {
        return (-(1074 << scale) - 1, (1024 << scale) - 1);
    }
    let coarser = scale.max(MIN_SCALE).unsigned_abs();
    (-(1074 >> coarser) - 1, ((1024 - 1) >> coarser))
}

fn lower(indexes: Indexes, shift: u32) -> Indexes {
    indexes.map(|(first, last)| (down(first, shift), down(last, shift)))
}

/// The least shift at which there are no more than [`MAX_BUCKETS`] buckets from the first of both to the last of both.
fn shift_to_fit(one: Indexes, other: Indexes) -> u32 {
    let (Some(one), Some(other)) = (one.or(other), other.or(one)) else { return 0 };
    let both = (one.0.min(other.0), one.1.max(other.1));
    let span = |shift| span_of((down(both.0, shift), down(both.1, shift)));
    (0..31).find(|shift| span(*shift) <= MAX_BUCKETS as u64).unwrap_or(31)
}

#[cfg(test)]
mod tests;
