//! From pieces of a body to metrics, in the protobuf format: messages `MetricFamily`, each after its length.
//!
//! A family may have a hundred thousand metrics. So it is not read whole: its fields are, one by one, and each metric is handed on by
//! itself, with what the family has said so far. Go's writers, as all that write fields in their order, say name and type first.

pub mod messages;

use prost::Message as _;

use self::messages::Metric;
use crate::{FamilyType, Fault};

/// The largest metric, in bytes: with the piece at hand, what a scrape holds of its body at most. A metric with a native histogram
/// has some kilobytes.
pub const MAX_METRIC: usize = 1024 * 1024;
/// A varint has at most as many bytes.
const MAX_VARINT: usize = 10;

// Fields of `MetricFamily`.
const NAME: u64 = 1;
const TYPE: u64 = 3;
const METRIC: u64 = 4;
const UNIT: u64 = 5;

/// A family, as far as it has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Family {
    /// Its name.
    pub name: String,
    /// Its type.
    pub family_type: FamilyType,
    /// Its unit.
    pub unit: String,
}

/// Cuts a body that comes in pieces into metrics.
#[derive(Debug, Default)]
pub struct Messages {
    /// What has come and is not read yet.
    held: Vec<u8>,
    /// How many bytes of the family at hand are still to come.
    left: u64,
    /// How many of them are to be passed over.
    passing: u64,
    family: Family,
}

impl Messages {
    /// Calls `take` for every metric that ends in `piece`. A metric that is none, or too long, is a fault, and those after it are good.
    ///
    /// # Errors
    /// What `take` answers. Where the bytes are no messages, so that nothing can be read after them: what `fail` makes of the fault.
    pub fn feed<E>(
        &mut self,
        piece: &[u8],
        mut take: impl FnMut(&Family, Result<Metric, Fault>) -> Result<(), E>,
        fail: impl Fn(Fault) -> E,
    ) -> Result<(), E> {
        let mut held = std::mem::take(&mut self.held);
        held.extend_from_slice(piece);
        let mut rest = &held[..];
        while let Some((field, bytes)) = self.next(rest).map_err(&fail)? {
            rest = &rest[bytes..];
            match field {
                Field::Metric(metric) => {
                    let metric = Metric::decode(metric).map_err(|error| Fault::BadMessage(error.to_string()));
                    take(&self.family, metric)?;
                }
                Field::TooLong => take(&self.family, Err(Fault::MessageTooLong(MAX_METRIC)))?,
                Field::Other => {}
            }
        }
        let read = held.len() - rest.len();
        held.drain(..read);
        self.held = held;
        Ok(())
    }

    /// There is no more.
    ///
    /// # Errors
    /// It ends within a message.
    pub fn finish(&self) -> Result<(), Fault> {
        if self.held.is_empty() && self.left == 0 { Ok(()) } else { Err(Fault::NoEnd) }
    }

    /// What comes next, and how many bytes it takes; `None` where more must come first.
    fn next<'a>(&mut self, rest: &'a [u8]) -> Result<Option<(Field<'a>, usize)>, Fault> {
        if rest.is_empty() {
            return Ok(None);
        }
        if self.passing > 0 {
            let passed = self.passing.min(rest.len() as u64);
            self.passing -= passed;
            self.left -= passed;
            return Ok(Some((Field::Other, passed as usize)));
        }
        if self.left == 0 {
            let Some((length, bytes)) = varint(rest)? else { return Ok(None) };
            // Of an enumeration that is not there the first value counts, which here is the counter.
            let family_type = FamilyType::Counter;
            (self.left, self.family) = (length, Family { family_type, ..Family::default() });
            return Ok(Some((Field::Other, bytes)));
        }
        let Some((key, key_len)) = varint(rest)? else { return Ok(None) };
        let (length, head) = match key & 7 {
            0 => {
                let Some((value, bytes)) = varint(&rest[key_len..])? else { return Ok(None) };
                if key >> 3 == TYPE {
                    self.family.family_type = family_type(value);
                }
                (0, key_len + bytes)
            }
            1 => (8, key_len),
            5 => (4, key_len),
            2 => {
                let Some((length, bytes)) = varint(&rest[key_len..])? else { return Ok(None) };
                (length, key_len + bytes)
            }
            other => return Err(Fault::BadMessage(format!("wire type {other}"))),
        };
        let is_wanted = key & 7 == 2 && matches!(key >> 3, NAME | METRIC | UNIT);
        let whole = (head as u64).checked_add(length).filter(|whole| *whole <= self.left);
        let whole = whole.ok_or_else(|| Fault::BadMessage("a field longer than its message".to_owned()))?;
        if !is_wanted || length > MAX_METRIC as u64 {
            (self.passing, self.left) = (length, self.left - head as u64);
            return Ok(Some((if is_wanted { Field::TooLong } else { Field::Other }, head)));
        }
        let Some(field) = rest.get(head..whole as usize) else { return Ok(None) };
        self.left -= whole;
        let field = match key >> 3 {
            METRIC => Field::Metric(field),
            name_or_unit => {
                let text = std::str::from_utf8(field).map_err(|_| Fault::NotUtf8)?.to_owned();
                let place = if name_or_unit == NAME { &mut self.family.name } else { &mut self.family.unit };
                *place = text;
                Field::Other
            }
        };
        Ok(Some((field, whole as usize)))
    }
}

enum Field<'a> {
    Metric(&'a [u8]),
    TooLong,
    Other,
}

/// A varint and its length; `None` where its end has not come.
fn varint(bytes: &[u8]) -> Result<Option<(u64, usize)>, Fault> {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(MAX_VARINT) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(Some((value, at + 1)));
        }
    }
    if bytes.len() < MAX_VARINT {
        Ok(None)
    } else {
        Err(Fault::BadMessage("a number without an end".to_owned()))
    }
}

fn family_type(value: u64) -> FamilyType {
    match value {
        0 => FamilyType::Counter,
        1 => FamilyType::Gauge,
        2 => FamilyType::Summary,
        4 => FamilyType::Histogram,
        5 => FamilyType::GaugeHistogram,
        _ => FamilyType::Unknown,
    }
}

#[cfg(test)]
mod tests;
