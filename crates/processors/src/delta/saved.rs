//! What is remembered of all streams, as bytes: what a storage keeps over restarts.
//!
//! All integers are little-endian, lists have their length before them. A stream is named by [`Key`]: no name and no attribute
//! stands in the file.
//!
//! ```text
//! u64 unknown before
//! u32 lists of bounds: u32 bounds: f64 …
//! u64 numbers:      stream, u8 is integer, u64 bits
//! u64 explicit:     stream, statistics, u32 list of bounds, counts
//! u64 exponential:  stream, statistics, i32 scale, f64 zero threshold, u64 zero count, i32 offset, counts, i32 offset, counts
//!
//! stream:     16 bytes key, u64 time, u64 start, u32 seen
//! statistics: u64 count, u8 has a sum, f64 sum
//! counts:     u32 buckets: u64 …
//! ```

use std::{collections::HashMap, sync::Arc};

use sha2::{Digest, Sha256};
use weir_core::{Number, PerStream, Series, UnixNanos};
use weir_window::{Exponential, exponential::Parts};

use super::{
    explicit::{BoundsPool, Explicit},
    exponential::LastExponential,
    sequence::Sequence,
    streams::{Stream, Streams},
};

/// What the bytes mean: changed with them, and with [`Key`].
pub(super) const FORMAT: &str = "delta/1";

/// Names a stream in any process (R6): the first half of the SHA-256 of the canonical encoding of what it is called at its door. By
/// 128 bits no two streams meet, even if somebody tries; and a name of any length costs 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 16]);

impl Key {
    pub(super) fn of(at_door: &Series) -> Self {
        let mut encoded = Vec::new();
        at_door.canonical(&mut encoded);
        let mut key = [0; 16];
        key.copy_from_slice(&Sha256::digest(&encoded)[..16]);
        Self(key)
    }
}

/// Streams of a process before, by key.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Remembered {
    pub(super) numbers: HashMap<Key, Stream<Number>>,
    pub(super) explicit: HashMap<Key, Stream<Box<Explicit>>>,
    pub(super) exponential: HashMap<Key, Stream<Box<LastExponential>>>,
}

impl Remembered {
    pub(super) fn len(&self) -> usize {
        self.numbers.len() + self.explicit.len() + self.exponential.len()
    }
}

/// The bytes end early, or say what cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the saved state is damaged")]
pub(super) struct Damaged;

/// The bytes of everything that is remembered.
pub(super) fn encode(streams: &Streams) -> Vec<u8> {
    let Streams { numbers, explicit, exponential, keys, remembered, unknown_before } = streams;
    let mut lists = Lists::default();
    let mut out = Writer(Vec::new());
    out.u64(remembered.numbers.len() + keyed(numbers, keys).count());
    for (key, stream) in keyed(numbers, keys).chain(&remembered.numbers) {
        out.number(key, stream);
    }
    out.u64(remembered.explicit.len() + keyed(explicit, keys).count());
    for (key, stream) in keyed(explicit, keys).chain(&remembered.explicit) {
        out.explicit(key, stream, &mut lists);
    }
    out.u64(remembered.exponential.len() + keyed(exponential, keys).count());
    for (key, stream) in keyed(exponential, keys).chain(&remembered.exponential) {
        out.exponential(key, stream);
    }
    let mut head = Writer(Vec::with_capacity(out.0.len() + 1024));
    head.raw(unknown_before.0.to_le_bytes());
    head.u32(lists.0.len());
    for list in lists.0 {
        head.u32(list.len());
        list.iter().for_each(|bound| head.raw(bound.to_le_bytes()));
    }
    head.0.append(&mut out.0);
    head.0
}

fn keyed<'a, L>(
    table: &'a PerStream<Stream<L>>,
    keys: &'a PerStream<Key>,
) -> impl Iterator<Item = (&'a Key, &'a Stream<L>)> {
    table.iter().filter_map(|(id, stream)| Some((keys.get(id)?, stream)))
}

/// What `bytes` say: streams, and before when nothing is known.
///
/// # Errors
/// [`Damaged`].
pub(super) fn decode(bytes: &[u8]) -> Result<(Remembered, UnixNanos), Damaged> {
    let mut from = Reader(bytes);
    let unknown_before = UnixNanos(from.u64()?);
    let mut pool = BoundsPool::default();
    let lists: Vec<_> = from.list(Reader::u32, |from| {
        let bounds: Vec<f64> = from.list(Reader::u32, Reader::f64)?;
        Ok(pool.shared(&bounds))
    })?;
    let remembered = Remembered {
        numbers: newest(from.list(Reader::u64, Reader::number)?),
        explicit: newest(from.list(Reader::u64, |from| from.explicit(&lists))?),
        exponential: newest(from.list(Reader::u64, Reader::exponential)?),
    };
    if from.0.is_empty() { Ok((remembered, unknown_before)) } else { Err(Damaged) }
}

/// The streams by key. One stream may stand there twice: at the cap on series a stream that was idle comes back under a new id, while
/// what was known of it before is not forgotten yet. What is later is what was exported last.
fn newest<L>(streams: Vec<(Key, Stream<L>)>) -> HashMap<Key, Stream<L>> {
    let mut newest: HashMap<Key, Stream<L>> = HashMap::with_capacity(streams.len());
    for (key, stream) in streams {
        match newest.get(&key) {
            Some(held) if held.sequence.time > stream.sequence.time => {}
            _ => {
                newest.insert(key, stream);
            }
        }
    }
    newest
}

/// Lists of bounds, each written once.
#[derive(Default)]
struct Lists(Vec<Arc<[f64]>>);

impl Lists {
    fn number_of(&mut self, bounds: &Arc<[f64]>) -> usize {
        // The same list is nearly always the same memory, and the one of the stream before.
        let found = self.0.iter().rposition(|list| Arc::ptr_eq(list, bounds));
        found.unwrap_or_else(|| {
            self.0.push(Arc::clone(bounds));
            self.0.len() - 1
        })
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn raw<const N: usize>(&mut self, bytes: [u8; N]) {
        self.0.extend_from_slice(&bytes);
    }

    fn u32(&mut self, value: usize) {
        self.raw((value as u32).to_le_bytes());
    }

    fn u64(&mut self, value: usize) {
        self.raw((value as u64).to_le_bytes());
    }

    fn stream<L>(&mut self, key: &Key, stream: &Stream<L>) {
        self.raw(key.0);
        self.raw(stream.sequence.time.0.to_le_bytes());
        self.raw(stream.sequence.start.0.to_le_bytes());
        self.raw(stream.seen.to_le_bytes());
    }

    fn statistics(&mut self, count: u64, sum: Option<f64>) {
        self.raw(count.to_le_bytes());
        self.raw([u8::from(sum.is_some())]);
        self.raw(sum.unwrap_or_default().to_le_bytes());
    }

    fn counts(&mut self, counts: &[u64]) {
        self.u32(counts.len());
        counts.iter().for_each(|count| self.raw(count.to_le_bytes()));
    }

    fn number(&mut self, key: &Key, stream: &Stream<Number>) {
        self.stream(key, stream);
        let (is_integer, bits) = match stream.last {
            Number::Int(value) => (1, value as u64),
            Number::Double(value) => (0, value.to_bits()),
        };
        self.raw([is_integer]);
        self.raw(bits.to_le_bytes());
    }

    fn explicit(&mut self, key: &Key, stream: &Stream<Box<Explicit>>, lists: &mut Lists) {
        self.stream(key, stream);
        self.statistics(stream.last.count, stream.last.sum);
        self.u32(lists.number_of(&stream.last.bounds));
        self.counts(&stream.last.counts);
    }

    fn exponential(&mut self, key: &Key, stream: &Stream<Box<LastExponential>>) {
        let buckets = &stream.last.buckets;
        self.stream(key, stream);
        self.statistics(stream.last.count, stream.last.sum);
        self.raw(buckets.scale().to_le_bytes());
        self.raw(buckets.zero_threshold().to_le_bytes());
        self.raw(buckets.zero_count().to_le_bytes());
        for side in [buckets.positive(), buckets.negative()] {
            self.raw(side.offset().to_le_bytes());
            self.counts(side.counts());
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn raw<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(Damaged)?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn u32(&mut self) -> Result<u64, Damaged> {
        Ok(u32::from_le_bytes(self.raw()?).into())
    }

    fn u64(&mut self) -> Result<u64, Damaged> {
        Ok(u64::from_le_bytes(self.raw()?))
    }

    fn i32(&mut self) -> Result<i32, Damaged> {
        Ok(i32::from_le_bytes(self.raw()?))
    }

    fn f64(&mut self) -> Result<f64, Damaged> {
        Ok(f64::from_le_bytes(self.raw()?))
    }

    /// So many items, into any collection: nothing is reserved for what a length only claims.
    fn list<T, C: FromIterator<T>>(
        &mut self,
        length: impl Fn(&mut Self) -> Result<u64, Damaged>,
        mut item: impl FnMut(&mut Self) -> Result<T, Damaged>,
    ) -> Result<C, Damaged> {
        (0..length(self)?).map(|_| item(self)).collect()
    }

    fn stream<L>(
        &mut self,
        last: impl FnOnce(&mut Self) -> Result<L, Damaged>,
    ) -> Result<(Key, Stream<L>), Damaged> {
        let key = Key(self.raw()?);
        let sequence = Sequence { time: UnixNanos(self.u64()?), start: UnixNanos(self.u64()?) };
        let seen = u32::from_le_bytes(self.raw()?);
        Ok((key, Stream { sequence, seen, last: last(self)? }))
    }

    fn statistics(&mut self) -> Result<(u64, Option<f64>), Damaged> {
        let count = self.u64()?;
        let has_sum = self.raw::<1>()? != [0];
        let sum = self.f64()?;
        Ok((count, has_sum.then_some(sum)))
    }

    fn number(&mut self) -> Result<(Key, Stream<Number>), Damaged> {
        self.stream(|from| {
            let is_integer = from.raw::<1>()? != [0];
            let bits = from.u64()?;
            Ok(if is_integer { Number::Int(bits as i64) } else { Number::Double(f64::from_bits(bits)) })
        })
    }

    fn explicit(&mut self, lists: &[Arc<[f64]>]) -> Result<(Key, Stream<Box<Explicit>>), Damaged> {
        self.stream(|from| {
            let (count, sum) = from.statistics()?;
            let list = usize::try_from(from.u32()?).map_err(|_| Damaged)?;
            let bounds = Arc::clone(lists.get(list).ok_or(Damaged)?);
            Ok(Box::new(Explicit { count, sum, counts: from.list(Self::u32, Self::u64)?, bounds }))
        })
    }

    fn exponential(&mut self) -> Result<(Key, Stream<Box<LastExponential>>), Damaged> {
        self.stream(|from| {
            let (count, sum) = from.statistics()?;
            let (scale, zero_threshold, zero_count) = (from.i32()?, from.f64()?, from.u64()?);
            let (positive_offset, positive): (_, Vec<_>) = (from.i32()?, from.list(Self::u32, Self::u64)?);
            let (negative_offset, negative): (_, Vec<_>) = (from.i32()?, from.list(Self::u32, Self::u64)?);
            let (positive, negative) = (&*positive, &*negative);
            let parts = Parts {
                scale,
                zero_threshold,
                zero_count,
                positive_offset,
                positive,
                negative_offset,
                negative,
            };
            let buckets = Exponential::new(&parts).map_err(|_| Damaged)?;
            Ok(Box::new(LastExponential { count, sum, buckets }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_stream_that_stands_there_twice_the_later_state_counts() {
        let key = Key([7; 16]);
        let at = |time: u64, last: i64| {
            let sequence = Sequence { time: UnixNanos(time), start: UnixNanos(0) };
            (key, Stream { sequence, seen: 0, last: Number::Int(last) })
        };
        for streams in [vec![at(1, 100), at(2, 1150)], vec![at(2, 1150), at(1, 100)]] {
            assert_eq!(newest(streams)[&key].last, Number::Int(1150));
        }
    }
}
