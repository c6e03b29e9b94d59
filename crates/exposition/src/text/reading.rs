//! What comes after the name of a sample: value, timestamp, exemplar.

use super::{
    Syntax,
    cursor::Cursor,
    sample::{LabelList, labels},
};
use crate::{Fault, fault::quote, number};

/// Value and timestamp of a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading<'a> {
    /// The value.
    pub value: f64,
    /// The timestamp, in nanoseconds since the epoch; where it is stated.
    pub timestamp: Option<i64>,
    /// The exemplar as it is written, from its `#` on.
    pub exemplar: Option<&'a [u8]>,
}

/// An exemplar.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar<'a> {
    /// Its labels.
    pub labels: LabelList<'a>,
    /// Its value.
    pub value: f64,
    /// Its timestamp, in nanoseconds since the epoch.
    pub timestamp: Option<i64>,
}

/// Reads what comes after the bytes that name the series: `12.5 1395066363000`.
///
/// # Errors
/// It is not of this syntax.
#[inline]
pub fn reading(text: &[u8], syntax: Syntax) -> Result<Reading<'_>, Fault> {
    // Most samples have a value and nothing else.
    match number::value(text) {
        Some(value) => Ok(Reading { value, timestamp: None, exemplar: None }),
        None => in_parts(text, syntax),
    }
}

fn in_parts(text: &[u8], syntax: Syntax) -> Result<Reading<'_>, Fault> {
    let text = if syntax.strict { text } else { text.strip_suffix(b"\r").unwrap_or(text) };
    let mut cursor = Cursor::new(text);
    let word = cursor.word();
    let value = number::value(word).ok_or_else(|| Fault::BadValue(quote(word)))?;
    let mut reading = Reading { value, timestamp: None, exemplar: None };
    if !next(&mut cursor, syntax)? {
        return Ok(reading);
    }
    if cursor.peek() != Some(b'#') {
        reading.timestamp = Some(timestamp(cursor.word(), syntax)?);
        if !next(&mut cursor, syntax)? {
            return Ok(reading);
        }
    }
    if !syntax.openmetrics || cursor.peek() != Some(b'#') {
        return Err(Fault::Trailing(quote(cursor.rest())));
    }
    reading.exemplar = Some(cursor.rest());
    if syntax.strict {
        exemplar(cursor.rest())?;
    }
    Ok(reading)
}

/// Passes over what separates, and answers whether anything comes.
fn next(cursor: &mut Cursor<'_>, syntax: Syntax) -> Result<bool, Fault> {
    if !syntax.strict {
        cursor.blanks();
        return Ok(cursor.peek().is_some());
    }
    if cursor.peek().is_none() {
        return Ok(false);
    }
    cursor.expect(b' ', "a space")?;
    if cursor.peek().is_none() { Err(Fault::expected("a value or nothing", cursor.at)) } else { Ok(true) }
}

fn timestamp(word: &[u8], syntax: Syntax) -> Result<i64, Fault> {
    let read = if syntax.openmetrics { number::seconds(word) } else { number::milliseconds(word) };
    read.ok_or_else(|| Fault::BadTimestamp(quote(word)))
}

/// Characters in the names and values of an exemplar's labels, at most (OpenMetrics 1.0, "Exemplars").
const MAX_EXEMPLAR: usize = 128;

/// Reads an exemplar, from its `#` on, as OpenMetrics' grammar has it.
///
/// # Errors
/// It is not of this syntax, or its labels are too long.
pub fn exemplar(text: &[u8]) -> Result<Exemplar<'_>, Fault> {
    const STRICT: Syntax = Syntax { openmetrics: true, strict: true };
    let mut cursor = Cursor::new(text);
    cursor.expect(b'#', "`#`")?;
    cursor.expect(b' ', "a space")?;
    let mut name = None;
    let labels = labels(&mut cursor, &mut name, STRICT)?;
    let chars = |text: &str| text.chars().count();
    let length: usize = labels.iter().map(|(name, value)| chars(name) + chars(value)).sum();
    if length > MAX_EXEMPLAR {
        return Err(Fault::rule(format!(
            "labels of {length} characters in an exemplar, more than {MAX_EXEMPLAR}"
        )));
    }
    cursor.expect(b' ', "a space")?;
    let word = cursor.word();
    let value = number::value(word).ok_or_else(|| Fault::BadValue(quote(word)))?;
    let timestamp = match next(&mut cursor, STRICT)? {
        true => Some(timestamp(cursor.word(), STRICT)?),
        false => None,
    };
    if cursor.peek().is_some() {
        return Err(Fault::Trailing(quote(cursor.rest())));
    }
    Ok(Exemplar { labels, value, timestamp })
}
