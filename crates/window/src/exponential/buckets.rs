//! Counts at consecutive indexes.

use super::ExponentialError;

/// Counts of buckets with consecutive indexes; the first and the last are not zero.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Buckets {
    offset: i32,
    counts: Vec<u64>,
}

/// By hand for `clone_from`, which allocates nothing where there is room.
impl Clone for Buckets {
    fn clone(&self) -> Self {
        Self { offset: self.offset, counts: self.counts.clone() }
    }

    fn clone_from(&mut self, from: &Self) {
        self.offset = from.offset;
        self.counts.clone_from(&from.counts);
    }
}

/// Buckets as they were sent, less the zeros at both ends.
#[derive(Clone, Copy)]
pub(super) struct Raw<'a> {
    offset: i32,
    pub(super) counts: &'a [u64],
}

impl<'a> Raw<'a> {
    pub(super) fn new(offset: i32, counts: &'a [u64]) -> Result<Self, ExponentialError> {
        let first = counts.iter().position(|count| *count > 0);
        let last = counts.iter().rposition(|count| *count > 0);
        let (Some(first), Some(last)) = (first, last) else { return Ok(Self { offset: 0, counts: &[] }) };
        let index =
            |at: usize| i64::try_from(at).ok().and_then(|at| i32::try_from(i64::from(offset) + at).ok());
        match (index(first), index(last)) {
            (Some(offset), Some(_)) => Ok(Self { offset, counts: &counts[first..=last] }),
            _ => Err(ExponentialError::Index { offset, buckets: counts.len() }),
        }
    }

    pub(super) fn range(self) -> Option<(i32, i32)> {
        range(self.offset, self.counts)
    }
}

impl Buckets {
    /// The index of the first bucket; zero where there is none.
    pub fn offset(&self) -> i32 {
        self.offset
    }

    /// The counts from the first populated bucket to the last.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Indexes and counts of the buckets that hold a value, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (i32, u64)> {
        self.iter_at(0)
    }

    /// Whether no bucket holds a value.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    pub(super) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The first and the last index.
    pub(super) fn range(&self) -> Option<(i32, i32)> {
        range(self.offset, &self.counts)
    }

    /// The same with the indexes of a scale that is lower by `shift`, of which several may be equal.
    pub(super) fn iter_at(&self, shift: u32) -> impl DoubleEndedIterator<Item = (i32, u64)> {
        let offset = self.offset;
        let populated = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        populated.map(move |(at, count)| (down(offset + at as i32, shift), *count))
    }

    /// Becomes the buckets of `raw`, each at the index that `map` gives it: in the same order, and no two farther apart than before.
    pub(super) fn set(&mut self, raw: Raw<'_>, map: impl Fn(i32) -> i32) {
        self.offset = 0;
        self.counts.clear();
        if let Some((first, last)) = raw.range() {
            self.offset = map(first);
            let span = span_of((self.offset, map(last))) as usize;
            if span == raw.counts.len() {
                // None of them meet.
                self.counts.extend_from_slice(raw.counts);
                return;
            }
            self.counts.resize(span, 0);
            for (index, count) in (first..=last).zip(raw.counts) {
                self.counts[(map(index) - self.offset) as usize] += count;
            }
        }
    }

    /// Joins 2^shift neighbours into one.
    pub(super) fn downscale(&mut self, shift: u32) {
        let Some((first, last)) = self.range() else { return };
        let offset = down(first, shift);
        for (at, index) in (first..=last).enumerate() {
            // Counts move downwards: what is read here has not been written to.
            let count = std::mem::take(&mut self.counts[at]);
            self.counts[(down(index, shift) - offset) as usize] += count;
        }
        self.offset = offset;
        self.trim();
    }

    /// Makes room for the indexes of `range`. Until [`trim`](Self::trim) the ends may be zero.
    pub(super) fn reserve(&mut self, range: Option<(i32, i32)>) {
        let Some((first, last)) = range else { return };
        let (held_first, held_last) = self.range().unwrap_or((first, last));
        let front = (held_first - first.min(held_first)) as usize;
        self.counts.splice(..0, std::iter::repeat_n(0, front));
        self.offset = first.min(held_first);
        self.counts.resize(span_of((self.offset, last.max(held_last))) as usize, 0);
    }

    /// The counts from the first index of `other` to its last, where they are all here.
    fn those_of(&mut self, other: &Self) -> Option<&mut [u64]> {
        if other.is_empty() {
            return Some(&mut []);
        }
        let at = usize::try_from(i64::from(other.offset) - i64::from(self.offset)).ok()?;
        self.counts.get_mut(at..at + other.counts.len())
    }

    /// Adds the values of `other`, for which [`reserve`](Self::reserve) has made room.
    pub(super) fn add_all(&mut self, other: &Self) {
        for (count, more) in self.those_of(other).into_iter().flatten().zip(&other.counts) {
            *count += more;
        }
    }

    /// Takes the values of `other` out; false, with any of them taken, where there are not as many. Until [`trim`](Self::trim) the
    /// ends may be zero.
    pub(super) fn take_all(&mut self, other: &Self) -> bool {
        // Neither the first bucket of `other` nor its last is empty: where they are not here, they fell.
        let Some(counts) = self.those_of(other) else { return false };
        counts.iter_mut().zip(&other.counts).fold(true, |grew, (count, less)| {
            let (left, fell) = count.overflowing_sub(*less);
            *count = left;
            grew && !fell
        })
    }

    /// Adds values to a bucket that [`reserve`](Self::reserve) has made room for.
    pub(super) fn add(&mut self, index: i32, count: u64) {
        self.counts[(index - self.offset) as usize] += count;
    }

    /// Takes values out of a bucket, if it has as many. Until [`trim`](Self::trim) the ends may be zero.
    pub(super) fn take(&mut self, index: i32, count: u64) -> bool {
        let at = i64::from(index) - i64::from(self.offset);
        let bucket = usize::try_from(at).ok().and_then(|at| self.counts.get_mut(at));
        match bucket.and_then(|bucket| bucket.checked_sub(count).map(|left| (bucket, left))) {
            Some((bucket, left)) => {
                *bucket = left;
                true
            }
            None => false,
        }
    }

    /// Takes out the lowest buckets for as long as `taken` says so of their index; answers how many values those were.
    pub(super) fn take_while(&mut self, taken: impl Fn(i32) -> bool) -> u64 {
        let mut values = 0;
        for (at, count) in self.counts.iter_mut().enumerate() {
            if !taken(self.offset + at as i32) {
                break;
            }
            values += std::mem::take(count);
        }
        self.trim();
        values
    }

    /// Gives up the zeros at both ends.
    pub(super) fn trim(&mut self) {
        let Some(first) = self.counts.iter().position(|count| *count > 0) else {
            self.offset = 0;
            self.counts.clear();
            return;
        };
        self.counts.drain(..first);
        self.offset += first as i32;
        let last = self.counts.iter().rposition(|count| *count > 0).unwrap_or_default();
        self.counts.truncate(last + 1);
    }
}

/// The index at a scale that is lower by `shift`.
pub(super) fn down(index: i32, shift: u32) -> i32 {
    index >> shift.min(31)
}

/// How many indexes a range has.
pub(super) fn span_of((first, last): (i32, i32)) -> u64 {
    (i64::from(last) - i64::from(first) + 1) as u64
}

fn range(offset: i32, counts: &[u64]) -> Option<(i32, i32)> {
    (!counts.is_empty()).then(|| (offset, offset + (counts.len() - 1) as i32))
}
