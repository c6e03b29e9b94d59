//! From pieces of a body to metrics, in the protobuf format: messages `MetricFamily`, each after its length.
//!
//! What a family is (its name, type and unit) must be known before its metrics, and writers put fields in their order, in which the unit
//! comes last. So a family is held until it is whole, up to [`MAX_HELD`]. A larger one is read field by field, each metric handed on
//! with what the family has said so far: its name and type, and no unit.

pub mod messages;

use std::ops::Range;

use prost::Message as _;

use self::messages::Metric;
use crate::{FamilyType, Fault};

/// The largest family that is held until it is whole, in bytes. A metric has about a hundred, so this is 80,000 series of one name; its
/// points take half as much, and are held too.
pub const MAX_HELD: usize = 8 * 1024 * 1024;
/// The largest metric, in bytes: of a larger family, what a scrape holds of its body at most, with the piece at hand. A metric with a
/// native histogram has some kilobytes.
pub const MAX_METRIC: usize = 1024 * 1024;
/// A varint has at most as many bytes.
const MAX_VARINT: usize = 10;

// Fields of `MetricFamily`.
const NAME: u64 = 1;
const TYPE: u64 = 3;
const METRIC: u64 = 4;
const UNIT: u64 = 5;

/// A family, as far as it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// Its name.
    pub name: String,
    /// Its type.
    pub family_type: FamilyType,
    /// Its unit.
    pub unit: String,
}

impl Default for Family {
    /// Of an enumeration that is not there the first value counts, which here is the counter.
    fn default() -> Self {
        Self { name: String::new(), family_type: FamilyType::Counter, unit: String::new() }
    }
}

impl Family {
    /// What the family's bytes say of it, as far as they are a message: where they are none is found when they are read, and so is what is
    /// too long.
    fn of(mut bytes: &[u8]) -> Result<Self, Fault> {
        let mut family = Self::default();
        while let Ok(Some(field)) = Field::first(bytes, bytes.len() as u64) {
            let (content, rest) = bytes[field.head..].split_at(field.length as usize);
            if content.len() <= MAX_METRIC {
                family.heed(&field, content)?;
            }
            bytes = rest;
        }
        Ok(family)
    }

    /// Takes in what a field says of the family.
    fn heed(&mut self, field: &Field, content: &[u8]) -> Result<(), Fault> {
        let text = || std::str::from_utf8(content).map(str::to_owned).map_err(|_| Fault::NotUtf8);
        match (field.number, field.value) {
            (TYPE, Some(value)) => self.family_type = family_type(value),
            (NAME, None) => self.name = text()?,
            (UNIT, None) => self.unit = text()?,
            _ => {}
        }
        Ok(())
    }
}

/// The head of a field.
struct Field {
    number: u64,
    /// Of a varint.
    value: Option<u64>,
    /// How many bytes the head takes, a varint with it.
    head: usize,
    /// How many bytes follow it.
    length: u64,
}

impl Field {
    /// The field that `bytes` begin with, of a message that ends `left` bytes from there; `None` where its head is not complete.
    fn first(bytes: &[u8], left: u64) -> Result<Option<Self>, Fault> {
        let Some((key, key_len)) = varint(bytes)? else { return Ok(None) };
        let of_varint = || varint(&bytes[key_len..]);
        let (value, head, length) = match key & 7 {
            0 => {
                let Some((value, bytes)) = of_varint()? else { return Ok(None) };
                (Some(value), key_len + bytes, 0)
            }
            1 => (None, key_len, 8),
            5 => (None, key_len, 4),
            2 => {
                let Some((length, bytes)) = of_varint()? else { return Ok(None) };
                (None, key_len + bytes, length)
            }
            other => return Err(Fault::BadMessage(format!("wire type {other}"))),
        };
        let whole = (head as u64).checked_add(length);
        if whole.is_none_or(|whole| whole > left) {
            return Err(Fault::BadMessage("a field longer than its message".to_owned()));
        }
        let number = key >> 3;
        // Of another type it is not the field of that number.
        let number = if matches!(key & 7, 0 | 2) { number } else { 0 };
        Ok(Some(Self { number, value, head, length }))
    }
}

/// A metric, and its family.
pub type OfFamily<'m> = (&'m Family, Result<Metric, Fault>);

/// Cuts a body that comes in pieces into metrics.
#[derive(Debug, Default)]
pub struct Messages {
    /// What has come and is not let go of yet.
    held: Vec<u8>,
    /// How much of it is read.
    read: usize,
    /// How many bytes of the body came before `held`.
    before: u64,
    /// How many bytes of the family at hand are still to come.
    left: u64,
    /// How many of them are to be passed over.
    passing: u64,
    family: Family,
    /// All of the family was there when it began, and what it says of itself is known.
    is_whole: bool,
}

impl Messages {
    /// Takes the next bytes of the body. Then [`next_metric`](Self::next_metric) is to be called until there is none any more.
    pub fn feed(&mut self, piece: &[u8]) {
        self.held.drain(..self.read);
        self.before += self.read as u64;
        self.read = 0;
        self.held.extend_from_slice(piece);
    }

    /// The next metric that has come, and its family. One that is none, or too long, is a fault, and those after it are good.
    ///
    /// # Errors
    /// The bytes at [`position`](Self::position) are no messages, so that nothing can be read after them.
    pub fn next_metric(&mut self) -> Result<Option<OfFamily<'_>>, Fault> {
        while let Some(step) = self.step()? {
            let metric = match step {
                Step::Other => continue,
                Step::TooLong => Err(Fault::MessageTooLong(MAX_METRIC)),
                Step::Metric(bytes) => {
                    Metric::decode(&self.held[bytes]).map_err(|error| Fault::BadMessage(error.to_string()))
                }
            };
            return Ok(Some((&self.family, metric)));
        }
        Ok(None)
    }

    /// How many bytes of the body are read.
    pub fn position(&self) -> u64 {
        self.before + self.read as u64
    }

    /// There is no more.
    ///
    /// # Errors
    /// It ends within a message.
    pub fn finish(&self) -> Result<(), Fault> {
        if self.held.len() == self.read && self.left == 0 { Ok(()) } else { Err(Fault::NoEnd) }
    }

    /// Reads what comes next; `None` where more must come first.
    fn step(&mut self) -> Result<Option<Step>, Fault> {
        let rest = &self.held[self.read..];
        if rest.is_empty() {
            return Ok(None);
        }
        if self.passing > 0 {
            let passed = self.passing.min(rest.len() as u64);
            self.passing -= passed;
            self.advance(passed as usize);
            return Ok(Some(Step::Other));
        }
        if self.left == 0 {
            return self.begin_family();
        }
        let Some(field) = Field::first(rest, self.left)? else { return Ok(None) };
        let is_metric = field.number == METRIC && field.value.is_none();
        let is_wanted = is_metric || matches!(field.number, NAME | TYPE | UNIT);
        if !is_wanted || field.length > MAX_METRIC as u64 {
            self.passing = field.length;
            self.advance(field.head);
            return Ok(Some(if is_wanted { Step::TooLong } else { Step::Other }));
        }
        let whole = field.head + field.length as usize;
        let Some(content) = rest.get(field.head..whole) else { return Ok(None) };
        let step = if is_metric {
            Step::Metric(self.read + field.head..self.read + whole)
        } else {
            if !self.is_whole {
                self.family.heed(&field, content)?;
            }
            Step::Other
        };
        self.advance(whole);
        Ok(Some(step))
    }

    fn begin_family(&mut self) -> Result<Option<Step>, Fault> {
        let rest = &self.held[self.read..];
        let Some((length, head)) = varint(rest)? else { return Ok(None) };
        self.is_whole = length <= MAX_HELD as u64;
        self.family = if self.is_whole {
            let Some(whole) = rest.get(head..head + length as usize) else { return Ok(None) };
            Family::of(whole)?
        } else {
            Family::default()
        };
        self.read += head;
        self.left = length;
        Ok(Some(Step::Other))
    }

    /// So many bytes of the family at hand are read.
    fn advance(&mut self, bytes: usize) {
        self.read += bytes;
        self.left -= bytes as u64;
    }
}

/// What was read.
enum Step {
    /// A metric: where it is in what is held.
    Metric(Range<usize>),
    /// A metric beyond the bound.
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
