//! OTLP's JSON, rewritten as protobuf: one reader of requests is enough.
//!
//! The rules are protobuf's JSON mapping with OTLP's changes (OTLP specification, "JSON Protobuf Encoding"): names in
//! lowerCamelCase alone, enums as numbers, 64-bit integers as texts or numbers, ids of traces and spans in hexadecimal, unknown
//! names ignored. There is no tree in between, so a body costs what its protobuf costs: [`to_protobuf`] is bounded by its cap.

mod schema;
#[cfg(test)]
mod tests;

use std::fmt;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use prost::encoding::{WireType, encode_key, encode_varint};
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use schema::{Field, Kind, Message, REQUEST};

/// Why a body could not be rewritten.
#[derive(Debug, thiserror::Error)]
pub(super) enum JsonError {
    /// It is not OTLP's JSON; says where.
    #[error("{0}")]
    Malformed(#[from] serde_json::Error),
    /// Its protobuf would be larger than the cap.
    #[error("more than {0} bytes as protobuf")]
    TooLarge(usize),
}

/// The same `ExportMetricsServiceRequest` in protobuf, of at most `max` bytes.
pub(super) fn to_protobuf(json: &[u8], max: usize) -> Result<Vec<u8>, JsonError> {
    // Protobuf is about half as long.
    let mut out = Out { bytes: Vec::with_capacity(json.len() / 2), max, full: false };
    let mut reader = serde_json::Deserializer::from_slice(json);
    let read =
        Content { message: &REQUEST, out: &mut out }.deserialize(&mut reader).and_then(|()| reader.end());
    match read {
        _ if out.full => Err(JsonError::TooLarge(max)),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(out.bytes),
    }
}

/// Protobuf as it is written.
struct Out {
    bytes: Vec<u8>,
    max: usize,
    /// It would have been more than `max`.
    full: bool,
}

impl Out {
    fn put<E: de::Error>(&mut self, bytes: &[u8]) -> Result<(), E> {
        self.room(bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn varint<E: de::Error>(&mut self, value: u64) -> Result<(), E> {
        self.room(10)?;
        encode_varint(value, &mut self.bytes);
        Ok(())
    }

    fn key<E: de::Error>(&mut self, field: &Field, wire: WireType) -> Result<(), E> {
        self.room(5)?;
        encode_key(field.number, wire, &mut self.bytes);
        Ok(())
    }

    /// Writes what `content` writes with its length before it.
    fn delimited<E: de::Error>(&mut self, content: impl FnOnce(&mut Self) -> Result<(), E>) -> Result<(), E> {
        let start = self.bytes.len();
        content(self)?;
        let end = self.bytes.len();
        self.varint((end - start) as u64)?;
        let length = self.bytes.len() - end;
        self.bytes[start..].rotate_right(length);
        Ok(())
    }

    fn room<E: de::Error>(&mut self, bytes: usize) -> Result<(), E> {
        self.full = self.bytes.len() + bytes > self.max;
        if self.full { Err(E::custom("too large")) } else { Ok(()) }
    }
}

/// The fields of a message.
struct Content<'o> {
    message: &'static Message,
    out: &'o mut Out,
}

impl<'de> DeserializeSeed<'de> for Content<'_> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Content<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(field) = map.next_key_seed(Name(self.message))? {
            match field {
                Some(field) => map.next_value_seed(Value { field, out: self.out, element: false })?,
                None => map.next_value::<IgnoredAny>().map(|_| ())?,
            }
        }
        Ok(())
    }
}

/// The name of a field; `None` for one that the message does not have.
struct Name(&'static Message);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<&'static Field>;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<&'static Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.0.iter().find(|field| field.name == name))
    }
}

/// The value of a field, or one element of a field that is repeated.
struct Value<'o> {
    field: &'static Field,
    out: &'o mut Out,
    element: bool,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Field { name, kind, repeated, .. } = self.field;
        let what = match kind {
            _ if *repeated && !self.element => "an array",
            Kind::Message(_) => "an object",
            Kind::Text => "a text",
            Kind::Bytes => "bytes in base64",
            Kind::Id => "hexadecimal digits",
            Kind::Bool => "true or false",
            Kind::Double => "a number",
            Kind::Fixed | Kind::Unsigned => "an integer that is not negative",
            Kind::SignedFixed | Kind::Int | Kind::ZigZag => "an integer",
        };
        write!(f, "{what} for `{name}`")
    }

    /// As if it were not there.
    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        if self.element { Err(E::invalid_type(de::Unexpected::Unit, &self)) } else { Ok(()) }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Kind::Message(message) = self.field.kind else {
            return Err(de::Error::invalid_type(de::Unexpected::Map, &self));
        };
        self.alone()?;
        self.out.key(self.field, WireType::LengthDelimited)?;
        self.out.delimited(|out| Content { message, out }.visit_map(map))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Self { field, out, element } = self;
        if element || !field.repeated {
            return Err(de::Error::invalid_type(de::Unexpected::Seq, &Self { field, out, element }));
        }
        let mut each = |out: &mut Out| {
            while elements.next_element_seed(Value { field, out, element: true })?.is_some() {}
            Ok(())
        };
        if field.is_packed() {
            out.key(field, WireType::LengthDelimited)?;
            out.delimited(each)
        } else {
            each(out)
        }
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<(), E> {
        match self.field.kind {
            Kind::Bool => self.varint(u64::from(truth)),
            _ => Err(E::invalid_type(de::Unexpected::Bool(truth), &self)),
        }
    }

    fn visit_i64<E: de::Error>(self, int: i64) -> Result<(), E> {
        match self.field.kind {
            Kind::Double => self.double(int as f64),
            _ => self.int(i128::from(int)),
        }
    }

    fn visit_u64<E: de::Error>(self, int: u64) -> Result<(), E> {
        match self.field.kind {
            Kind::Double => self.double(int as f64),
            _ => self.int(i128::from(int)),
        }
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<(), E> {
        match self.field.kind {
            Kind::Double => self.double(number),
            _ => match whole(number) {
                Some(int) => self.int(int),
                None => Err(E::invalid_value(de::Unexpected::Float(number), &self)),
            },
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        let wrong = |this: &Self| E::invalid_value(de::Unexpected::Str(text), this);
        match self.field.kind {
            Kind::Text => self.bytes(text.as_bytes()),
            Kind::Bytes => match base64(text) {
                Some(bytes) => self.bytes(&bytes),
                None => Err(wrong(&self)),
            },
            Kind::Id => match hexadecimal(text) {
                Some(bytes) => self.bytes(&bytes),
                None => Err(wrong(&self)),
            },
            Kind::Double => match double(text) {
                Some(number) => self.double(number),
                None => Err(wrong(&self)),
            },
            Kind::Message(_) | Kind::Bool => Err(E::invalid_type(de::Unexpected::Str(text), &self)),
            _ => match text.parse().ok().or_else(|| double(text).and_then(whole)) {
                Some(int) => self.int(int),
                None => Err(wrong(&self)),
            },
        }
    }
}

impl Value<'_> {
    /// Refuses one value where there must be an array of them.
    fn alone<E: de::Error>(&self) -> Result<(), E> {
        if self.field.repeated && !self.element {
            return Err(E::custom(format_args!("expected {}", self as &dyn de::Expected)));
        }
        Ok(())
    }

    fn begin<E: de::Error>(&mut self, wire: WireType) -> Result<(), E> {
        self.alone()?;
        if self.element && self.field.is_packed() { Ok(()) } else { self.out.key(self.field, wire) }
    }

    fn bytes<E: de::Error>(mut self, bytes: &[u8]) -> Result<(), E> {
        self.begin(WireType::LengthDelimited)?;
        self.out.varint(bytes.len() as u64)?;
        self.out.put(bytes)
    }

    fn double<E: de::Error>(mut self, number: f64) -> Result<(), E> {
        self.begin(WireType::SixtyFourBit)?;
        self.out.put(&number.to_le_bytes())
    }

    fn varint<E: de::Error>(mut self, value: u64) -> Result<(), E> {
        self.begin(WireType::Varint)?;
        self.out.varint(value)
    }

    fn int<E: de::Error>(mut self, int: i128) -> Result<(), E> {
        let wrong = |this: &Self| E::custom(format_args!("{int} is not {}", this as &dyn de::Expected));
        let (signed, unsigned) = (i64::try_from(int).ok(), u64::try_from(int).ok());
        match (&self.field.kind, signed, unsigned) {
            (Kind::Fixed, _, Some(int)) => {
                self.begin(WireType::SixtyFourBit)?;
                self.out.put(&int.to_le_bytes())
            }
            (Kind::SignedFixed, Some(int), _) => {
                self.begin(WireType::SixtyFourBit)?;
                self.out.put(&int.to_le_bytes())
            }
            (Kind::Int, Some(int), _) => self.varint(int as u64),
            (Kind::Unsigned, _, Some(int)) => self.varint(int),
            (Kind::ZigZag, Some(int), _) if i32::try_from(int).is_ok() => {
                self.varint(((int << 1) ^ (int >> 63)) as u64)
            }
            _ => Err(wrong(&self)),
        }
    }
}

impl Field {
    /// Whether its elements stand without keys of their own.
    fn is_packed(&self) -> bool {
        self.repeated && !matches!(self.kind, Kind::Message(_) | Kind::Text | Kind::Bytes | Kind::Id)
    }
}

/// `NaN` and the infinities have no number in JSON; others may be texts too.
fn double(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        // Rust's own words for these, such as `inf`, are not JSON's.
        _ if text.contains(|c: char| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E')) => None,
        _ => text.parse().ok().filter(|number: &f64| number.is_finite()),
    }
}

/// 1.0 and 1e3 are integers in protobuf's mapping, as numbers and as texts. What is not exact as a double is written as digits: at 2^53 it
/// may be its neighbour that was rounded.
fn whole(number: f64) -> Option<i128> {
    (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i128)
}

/// Protobuf's mapping takes both alphabets, padded or not.
fn base64(text: &str) -> Option<Vec<u8>> {
    const PADDED_OR_NOT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PADDED_OR_NOT);
    const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, PADDED_OR_NOT);
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
