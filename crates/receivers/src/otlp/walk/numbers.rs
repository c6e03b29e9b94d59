//! Points of gauges and sums.

use weir_core::{Batch, Flags, Number, NumberPoint, Reason, SeriesId, UnixNanos};

use super::{
    aside::Aside,
    point::{Point, flags},
    wire::{Fields, Odd, fixed, sized, varint},
};
use crate::otlp::refusals::NO_VALUE;

const START: u32 = fixed(2);
const TIME: u32 = fixed(3);
const DOUBLE: u32 = fixed(4);
const EXEMPLAR: u32 = sized(5);
const INT: u32 = fixed(6);
const ATTRIBUTE: u32 = sized(7);
const FLAGS: u32 = varint(8);

/// `NumberDataPoint`.
#[derive(Default)]
pub(super) struct NumberFields {
    start: u64,
    time: u64,
    flags: Flags,
    value: Option<Number>,
}

impl<'b> Point<'b> for NumberFields {
    #[inline]
    fn read(mut fields: Fields<'b>, aside: &mut Aside<'_, 'b>) -> Result<Self, Odd> {
        let mut point = Self::default();
        loop {
            let at = fields.at();
            let Some(key) = fields.key()? else { return Ok(point) };
            match key {
                START => point.start = fields.fixed()?,
                TIME => point.time = fields.fixed()?,
                DOUBLE => point.value = Some(Number::Double(fields.double()?)),
                INT => point.value = Some(Number::Int(fields.fixed()? as i64)),
                ATTRIBUTE => aside.attributes(&mut fields, at, ATTRIBUTE)?,
                EXEMPLAR => aside.exemplar(&mut fields)?,
                FLAGS => point.flags = flags(fields.varint()?),
                _ => fields.unknown(key, 2..=8)?,
            }
        }
    }

    fn time(&self) -> u64 {
        self.time
    }

    #[inline]
    fn check(&self) -> Result<(), Reason> {
        let excused = self.flags.has(Flags::NO_RECORDED_VALUE);
        if self.value.is_some() || excused { Ok(()) } else { Err(NO_VALUE) }
    }

    #[inline]
    fn push(self, batch: &mut Batch, series: SeriesId) {
        let value = self.value.unwrap_or(Number::Double(0.0)); // flagged as no value
        let mut point = NumberPoint::new(series, UnixNanos(self.start), UnixNanos(self.time), value);
        point.flags = point.flags.with(self.flags);
        batch.numbers.push(point);
    }
}
