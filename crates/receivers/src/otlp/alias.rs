//! Aliases: the bytes by which a sender calls a series, written into a buffer that is used again for every point.
//!
//! Every part says its own length or kind, so two different things never have the same bytes. The order of attributes is the
//! message's: two orders are two aliases of one series, which the interner finds to be the same.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use weir_core::Reason;

use super::refusals::{TOO_DEEP, UNSUPPORTED_ATTRIBUTE};

/// How deep the values of an attribute may nest: a list in a map in a list is 3.
pub const MAX_DEPTH: usize = 16;

const EMPTY: u8 = 0;
const STRING: u8 = 1;
const FALSE: u8 = 2;
const TRUE: u8 = 3;
const INT: u8 = 4;
const DOUBLE: u8 = 5;
const BYTES: u8 = 6;
const ARRAY: u8 = 7;
const MAP: u8 = 8;

/// Writes a text.
pub(super) fn text(to: &mut Vec<u8>, text: &str) {
    bytes(to, text.as_bytes());
}

/// Writes attributes, and checks on the way that they can be an identity.
///
/// # Errors
/// The reason why they cannot.
pub(super) fn attributes(to: &mut Vec<u8>, list: &[KeyValue]) -> Result<(), Reason> {
    list.iter().try_for_each(|attribute| key_value(to, attribute, MAX_DEPTH))
}

fn key_value(to: &mut Vec<u8>, attribute: &KeyValue, depth: usize) -> Result<(), Reason> {
    if attribute.key_strindex != 0 {
        return Err(UNSUPPORTED_ATTRIBUTE);
    }
    text(to, &attribute.key);
    value(to, attribute.value.as_ref(), depth)
}

fn value(to: &mut Vec<u8>, any: Option<&AnyValue>, depth: usize) -> Result<(), Reason> {
    match any.and_then(|any| any.value.as_ref()) {
        None => to.push(EMPTY),
        Some(Value::StringValue(string)) => {
            to.push(STRING);
            text(to, string);
        }
        Some(Value::BoolValue(truth)) => to.push(if *truth { TRUE } else { FALSE }),
        Some(Value::IntValue(int)) => {
            to.push(INT);
            to.extend_from_slice(&int.to_le_bytes());
        }
        Some(Value::DoubleValue(double)) => {
            to.push(DOUBLE);
            to.extend_from_slice(&double.to_bits().to_le_bytes());
        }
        Some(Value::BytesValue(raw)) => {
            to.push(BYTES);
            bytes(to, raw);
        }
        Some(Value::ArrayValue(array)) => {
            let depth = depth.checked_sub(1).ok_or(TOO_DEEP)?;
            to.push(ARRAY);
            length(to, array.values.len());
            array.values.iter().try_for_each(|any| value(to, Some(any), depth))?;
        }
        Some(Value::KvlistValue(map)) => {
            let depth = depth.checked_sub(1).ok_or(TOO_DEEP)?;
            to.push(MAP);
            length(to, map.values.len());
            map.values.iter().try_for_each(|entry| key_value(to, entry, depth))?;
        }
        Some(Value::StringValueStrindex(_)) => return Err(UNSUPPORTED_ATTRIBUTE),
    }
    Ok(())
}

fn bytes(to: &mut Vec<u8>, raw: &[u8]) {
    length(to, raw.len());
    to.extend_from_slice(raw);
}

/// Writes a length: one byte for the usual, nine for the long.
pub(super) fn length(to: &mut Vec<u8>, length: usize) {
    const LONG: u8 = 0xff;
    match u8::try_from(length) {
        Ok(short) if short != LONG => to.push(short),
        _ => {
            to.push(LONG);
            to.extend_from_slice(&(length as u64).to_le_bytes());
        }
    }
}
