//! Points of histograms and exponential histograms.

use weir_core::{Batch, ExponentialHistogramPoint, Flags, HistogramPoint, Reason, SeriesId, UnixNanos};

use super::{
    aside::Aside,
    point::{Point, flags, present},
    wire::{Fields, Odd, fixed, sized, varint},
};
use crate::otlp::refusals::BAD_HISTOGRAM;

/// `HistogramDataPoint`.
#[derive(Default)]
pub(super) struct HistogramFields<'b> {
    start: u64,
    time: u64,
    flags: Flags,
    count: u64,
    sum: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    counts: Option<Words<'b>>,
    bounds: Option<Words<'b>>,
}

impl HistogramFields<'_> {
    const ATTRIBUTE: u32 = sized(9);

    fn counts(&self) -> impl ExactSizeIterator<Item = u64> {
        self.counts.unwrap_or_default().iter()
    }

    fn bounds(&self) -> impl ExactSizeIterator<Item = f64> {
        self.bounds.unwrap_or_default().iter().map(f64::from_bits)
    }
}

impl<'b> Point<'b> for HistogramFields<'b> {
    fn read(mut fields: Fields<'b>, aside: &mut Aside<'_, 'b>) -> Result<Self, Odd> {
        const START: u32 = fixed(2);
        const TIME: u32 = fixed(3);
        const COUNT: u32 = fixed(4);
        const SUM: u32 = fixed(5);
        const COUNTS: u32 = sized(6);
        const BOUNDS: u32 = sized(7);
        const EXEMPLAR: u32 = sized(8);
        const FLAGS: u32 = varint(10);
        const MIN: u32 = fixed(11);
        const MAX: u32 = fixed(12);
        let mut point = Self::default();
        loop {
            let at = fields.at();
            let Some(key) = fields.key()? else { return Ok(point) };
            match key {
                START => point.start = fields.fixed()?,
                TIME => point.time = fields.fixed()?,
                COUNT => point.count = fields.fixed()?,
                SUM => point.sum = Some(fields.double()?),
                COUNTS => once(&mut point.counts, Words::new(fields.sized()?)?)?,
                BOUNDS => once(&mut point.bounds, Words::new(fields.sized()?)?)?,
                EXEMPLAR => aside.exemplar(&mut fields)?,
                Self::ATTRIBUTE => aside.attributes(&mut fields, at, Self::ATTRIBUTE)?,
                FLAGS => point.flags = flags(fields.varint()?),
                MIN => point.min = Some(fields.double()?),
                MAX => point.max = Some(fields.double()?),
                _ => fields.unknown(key, 2..=12)?,
            }
        }
    }

    fn time(&self) -> u64 {
        self.time
    }

    fn check(&self) -> Result<(), Reason> {
        let (counts, bounds) = (self.counts().len(), self.bounds().len());
        let fits = counts == bounds + 1 || (counts == 0 && bounds == 0);
        let ascends = self.bounds().is_sorted_by(|a, b| a < b) && !self.bounds().any(f64::is_nan);
        if fits && ascends { Ok(()) } else { Err(BAD_HISTOGRAM) }
    }

    fn push(self, batch: &mut Batch, series: SeriesId) {
        let counts = batch.push_counts(self.counts());
        let bounds = batch.push_bounds(self.bounds());
        batch.histograms.push(HistogramPoint {
            series,
            flags: self.flags.with(present(self.sum, self.min, self.max)),
            start: UnixNanos(self.start),
            time: UnixNanos(self.time),
            count: self.count,
            sum: self.sum.unwrap_or_default(),
            min: self.min.unwrap_or_default(),
            max: self.max.unwrap_or_default(),
            counts,
            bounds,
        });
    }
}

/// `ExponentialHistogramDataPoint`.
#[derive(Default)]
pub(super) struct ExponentialFields<'b> {
    start: u64,
    time: u64,
    flags: Flags,
    count: u64,
    sum: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    scale: i32,
    zero_count: u64,
    zero_threshold: f64,
    positive: Option<Buckets<'b>>,
    negative: Option<Buckets<'b>>,
}

impl ExponentialFields<'_> {
    const ATTRIBUTE: u32 = sized(1);
}

impl<'b> Point<'b> for ExponentialFields<'b> {
    fn read(mut fields: Fields<'b>, aside: &mut Aside<'_, 'b>) -> Result<Self, Odd> {
        const START: u32 = fixed(2);
        const TIME: u32 = fixed(3);
        const COUNT: u32 = fixed(4);
        const SUM: u32 = fixed(5);
        const SCALE: u32 = varint(6);
        const ZERO_COUNT: u32 = fixed(7);
        const POSITIVE: u32 = sized(8);
        const NEGATIVE: u32 = sized(9);
        const FLAGS: u32 = varint(10);
        const EXEMPLAR: u32 = sized(11);
        const MIN: u32 = fixed(12);
        const MAX: u32 = fixed(13);
        const ZERO_THRESHOLD: u32 = fixed(14);
        let mut point = Self::default();
        loop {
            let at = fields.at();
            let Some(key) = fields.key()? else { return Ok(point) };
            match key {
                Self::ATTRIBUTE => aside.attributes(&mut fields, at, Self::ATTRIBUTE)?,
                START => point.start = fields.fixed()?,
                TIME => point.time = fields.fixed()?,
                COUNT => point.count = fields.fixed()?,
                SUM => point.sum = Some(fields.double()?),
                SCALE => point.scale = signed(fields.varint()?),
                ZERO_COUNT => point.zero_count = fields.fixed()?,
                POSITIVE => once(&mut point.positive, Buckets::read(fields.sized()?)?)?,
                NEGATIVE => once(&mut point.negative, Buckets::read(fields.sized()?)?)?,
                FLAGS => point.flags = flags(fields.varint()?),
                EXEMPLAR => aside.exemplar(&mut fields)?,
                MIN => point.min = Some(fields.double()?),
                MAX => point.max = Some(fields.double()?),
                ZERO_THRESHOLD => point.zero_threshold = fields.double()?,
                _ => fields.unknown(key, 1..=14)?,
            }
        }
    }

    fn time(&self) -> u64 {
        self.time
    }

    fn check(&self) -> Result<(), Reason> {
        let indexes_fit = |buckets: &Option<Buckets<'_>>| {
            buckets.as_ref().is_none_or(|buckets| {
                let len = i32::try_from(buckets.len);
                len.is_ok_and(|len| buckets.offset.checked_add(len).is_some())
            })
        };
        if indexes_fit(&self.positive) && indexes_fit(&self.negative) { Ok(()) } else { Err(BAD_HISTOGRAM) }
    }

    fn push(self, batch: &mut Batch, series: SeriesId) {
        let (positive, negative) = (self.positive.unwrap_or_default(), self.negative.unwrap_or_default());
        let positive_counts = batch.push_counts(positive.counts());
        let negative_counts = batch.push_counts(negative.counts());
        batch.exponential_histograms.push(ExponentialHistogramPoint {
            series,
            flags: self.flags.with(present(self.sum, self.min, self.max)),
            start: UnixNanos(self.start),
            time: UnixNanos(self.time),
            count: self.count,
            sum: self.sum.unwrap_or_default(),
            min: self.min.unwrap_or_default(),
            max: self.max.unwrap_or_default(),
            scale: self.scale,
            zero_count: self.zero_count,
            zero_threshold: self.zero_threshold,
            positive_offset: positive.offset,
            positive: positive_counts,
            negative_offset: negative.offset,
            negative: negative_counts,
        });
    }
}

/// Packed numbers of eight bytes each.
#[derive(Clone, Copy, Default)]
struct Words<'b>(&'b [[u8; 8]]);

impl<'b> Words<'b> {
    fn new(packed: &'b [u8]) -> Result<Self, Odd> {
        match packed.as_chunks() {
            (words, []) => Ok(Self(words)),
            _ => Err(Odd),
        }
    }

    fn iter(self) -> impl ExactSizeIterator<Item = u64> + use<'b> {
        self.0.iter().map(|word| u64::from_le_bytes(*word))
    }
}

/// One side of an exponential histogram.
#[derive(Clone, Copy, Default)]
struct Buckets<'b> {
    offset: i32,
    packed: &'b [u8],
    /// How many counts are packed.
    len: usize,
}

impl<'b> Buckets<'b> {
    fn read(message: &'b [u8]) -> Result<Self, Odd> {
        const OFFSET: u32 = varint(1);
        const COUNTS: u32 = sized(2);
        let (mut offset, mut counts) = (0, None);
        let mut fields = Fields::new(message);
        while let Some(key) = fields.key()? {
            match key {
                OFFSET => offset = signed(fields.varint()?),
                COUNTS => once(&mut counts, fields.sized()?)?,
                _ => fields.unknown(key, 1..=2)?,
            }
        }
        let packed = counts.unwrap_or_default();
        let (mut each, mut len) = (Fields::new(packed), 0);
        while each.at() < packed.len() {
            each.varint()?;
            len += 1;
        }
        Ok(Self { offset, packed, len })
    }

    fn counts(self) -> impl Iterator<Item = u64> + use<'b> {
        let mut each = Fields::new(self.packed);
        (0..self.len).map_while(move |_| each.varint().ok())
    }
}

/// Protobuf's signed numbers: 0, -1, 1, -2, …
fn signed(sent: u64) -> i32 {
    let sent = sent as u32;
    (sent >> 1) as i32 ^ -((sent & 1) as i32)
}

/// Sets what may come once. Several would be joined.
fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Odd> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Odd),
    }
}
