//! Samples: what is named by a line, and by how many of its bytes.

use std::borrow::Cow;

use super::{
    Syntax,
    cursor::Cursor,
    reading::{Reading, reading},
};
use crate::{Fault, fault::quote};

/// The most labels of a sample: each is compared with those before it. Real ones have some dozens.
pub const MAX_LABELS: usize = 1000;

/// Names and values of labels, as they come.
pub type LabelList<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// A sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample<'a> {
    /// How many bytes of the line come before its value: they name the series.
    pub key_len: usize,
    /// The name.
    pub name: Cow<'a, str>,
    /// The labels; no name twice.
    pub labels: LabelList<'a>,
    /// The rest.
    pub reading: Reading<'a>,
}

pub(super) fn sample(line: &[u8], syntax: Syntax) -> Result<Sample<'_>, Fault> {
    let mut cursor = Cursor::new(line);
    if !syntax.strict {
        cursor.blanks();
    }
    let mut name = cursor.bare_name(true).map(Cow::Borrowed);
    if !syntax.strict {
        cursor.blanks();
    }
    let mut found = Vec::new();
    if cursor.peek() == Some(b'{') && (name.is_some() || !syntax.strict) {
        found = labels(&mut cursor, &mut name, syntax)?;
    }
    let name = name.ok_or(Fault::NoName(cursor.at))?;
    if syntax.strict {
        cursor.expect(b' ', "a space")?;
    } else {
        cursor.blanks();
        // After a brace the value may follow at once, as Prometheus has it.
        if !matches!(line.get(cursor.at.wrapping_sub(1)), Some(b' ' | b'\t' | b'}')) {
            return Err(Fault::expected("a blank", cursor.at));
        }
    }
    let key_len = cursor.at;
    if cursor.peek().is_none() {
        return Err(Fault::BadValue(quote(b"")));
    }
    let reading = reading(cursor.rest(), syntax)?;
    Ok(Sample { key_len, name, labels: found, reading })
}

/// Labels in braces. A quoted name without a value is the metric's.
pub(super) fn labels<'a>(
    cursor: &mut Cursor<'a>,
    metric: &mut Option<Cow<'a, str>>,
    syntax: Syntax,
) -> Result<LabelList<'a>, Fault> {
    let mut labels = LabelList::new();
    cursor.expect(b'{', "`{`")?;
    let blanks = |cursor: &mut Cursor<'a>| {
        if !syntax.strict {
            cursor.blanks();
        }
    };
    blanks(cursor);
    if cursor.passes(b'}') {
        return Ok(labels);
    }
    loop {
        let at = cursor.at;
        let is_quoted = cursor.peek() == Some(b'"') && !syntax.strict;
        let name = if is_quoted {
            cursor.quoted()?
        } else {
            Cow::Borrowed(cursor.bare_name(false).ok_or(Fault::NoName(at))?)
        };
        blanks(cursor);
        if is_quoted && matches!(cursor.peek(), Some(b',' | b'}')) {
            if name.is_empty() {
                return Err(Fault::NoName(at));
            }
            if metric.replace(name).is_some() {
                return Err(Fault::SecondName(at));
            }
        } else {
            cursor.expect(b'=', "`=`")?;
            blanks(cursor);
            let value = cursor.quoted()?;
            if name.is_empty() {
                return Err(Fault::NoName(at));
            }
            if labels.iter().any(|(known, _)| *known == name) {
                return Err(Fault::LabelTwice(name.into_owned()));
            }
            if labels.len() == MAX_LABELS {
                return Err(Fault::TooManyLabels(MAX_LABELS));
            }
            labels.push((name, value));
        }
        blanks(cursor);
        if cursor.passes(b'}') {
            return Ok(labels);
        }
        cursor.expect(b',', "`,` or `}`")?;
        blanks(cursor);
        if !syntax.strict && cursor.passes(b'}') {
            return Ok(labels);
        }
    }
}

/// How many bytes of a sample's line come before its value: [`Sample::key_len`], found without looking at what they say. `None` where
/// there is no value; other lines may have an answer that means nothing.
#[inline]
pub fn key_len(line: &[u8]) -> Option<usize> {
    let mut cursor = Cursor::new(line);
    cursor.blanks();
    let found = cursor.rest().iter().position(|byte| matches!(byte, b'{' | b' ' | b'\t'))?;
    cursor.at += found;
    cursor.blanks();
    if cursor.passes(b'{') {
        loop {
            match line.get(cursor.at)? {
                b'"' => cursor.pass_quoted().ok()?,
                b'}' => break,
                _ => cursor.at += 1,
            }
        }
        cursor.at += 1;
    }
    cursor.blanks();
    (cursor.at < line.len()).then_some(cursor.at)
}
