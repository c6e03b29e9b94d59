//! Points of summaries.

use weir_core::{Batch, Flags, Reason, SeriesId, SummaryPoint, UnixNanos};

use super::{
    aside::Aside,
    point::{Point, flags},
    wire::{Fields, Odd, fixed, sized, varint},
};

const START: u32 = fixed(2);
const TIME: u32 = fixed(3);
const COUNT: u32 = fixed(4);
const SUM: u32 = fixed(5);
const QUANTILE: u32 = sized(6);
const ATTRIBUTE: u32 = sized(7);
const FLAGS: u32 = varint(8);

/// `SummaryDataPoint`.
#[derive(Default)]
pub(super) struct SummaryFields<'b> {
    start: u64,
    time: u64,
    flags: Flags,
    count: u64,
    sum: f64,
    /// The fields as they were sent, checked.
    quantiles: Option<&'b [u8]>,
}

impl<'b> Point<'b> for SummaryFields<'b> {
    fn read(mut fields: Fields<'b>, aside: &mut Aside<'_, 'b>) -> Result<Self, Odd> {
        let mut point = Self::default();
        loop {
            let at = fields.at();
            let Some(key) = fields.key()? else { return Ok(point) };
            match key {
                START => point.start = fields.fixed()?,
                TIME => point.time = fields.fixed()?,
                COUNT => point.count = fields.fixed()?,
                SUM => point.sum = fields.double()?,
                QUANTILE => {
                    let run = fields.run(at, QUANTILE)?;
                    quantiles(run).try_for_each(|pair| pair.map(drop))?;
                    if point.quantiles.replace(run).is_some() {
                        return Err(Odd); // other fields in between
                    }
                }
                ATTRIBUTE => aside.attributes(&mut fields, at, ATTRIBUTE)?,
                FLAGS => point.flags = flags(fields.varint()?),
                _ => fields.unknown(key, 2..=8)?,
            }
        }
    }

    fn time(&self) -> u64 {
        self.time
    }

    fn check(&self) -> Result<(), Reason> {
        Ok(())
    }

    fn push(self, batch: &mut Batch, series: SeriesId) {
        let pairs = quantiles(self.quantiles.unwrap_or_default()).map_while(Result::ok);
        let quantiles = batch.push_bounds(pairs.flatten());
        batch.summaries.push(SummaryPoint {
            series,
            // A summary's sum is not optional in OTLP.
            flags: self.flags.with(Flags::SUM),
            start: UnixNanos(self.start),
            time: UnixNanos(self.time),
            count: self.count,
            sum: self.sum,
            quantiles,
        });
    }
}

/// The pairs of quantile and value in a run of them.
fn quantiles(run: &[u8]) -> impl Iterator<Item = Result<[f64; 2], Odd>> {
    let mut fields = Fields::new(run);
    std::iter::from_fn(move || fields.key().transpose().map(|key| key.and_then(|_| pair(fields.sized()?))))
}

fn pair(message: &[u8]) -> Result<[f64; 2], Odd> {
    const AT: u32 = fixed(1);
    const VALUE: u32 = fixed(2);
    let (mut at, mut value) = (0.0, 0.0);
    let mut fields = Fields::new(message);
    while let Some(key) = fields.key()? {
        match key {
            AT => at = fields.double()?,
            VALUE => value = fields.double()?,
            _ => fields.unknown(key, 1..=2)?,
        }
    }
    Ok([at, value])
}
