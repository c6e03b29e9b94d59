//! The limits of names, dimensions, units and values, shared by all operations.
//!
//! Each rule takes what the request had, and gives the value to use or notes what is wrong with it. Sources: the
//! service model (lengths, patterns, units) and the API reference of MetricDatum and Dimension (characters, values).

use std::{collections::HashSet, fmt::Display};

use crate::{
    decode::{Mismatch, Object},
    error::Findings,
    model::{Dimension, Unit},
};

const MAX_NAMESPACE_CHARS: usize = 255;
const MAX_METRIC_NAME_CHARS: usize = 255;
const MAX_DIMENSION_NAME_CHARS: usize = 255;
const MAX_DIMENSION_VALUE_CHARS: usize = 1024;
pub(crate) const MAX_DIMENSIONS: usize = 30;

/// A dimension, or a filter for one, as the request had it.
#[derive(Debug)]
pub(crate) struct RawDimension {
    pub(crate) name: Option<String>,
    pub(crate) value: Option<String>,
}

impl RawDimension {
    pub(crate) fn decode(object: &mut Object) -> Result<Self, Mismatch> {
        Ok(Self { name: object.text("Name")?, value: object.text("Value")? })
    }
}

/// A namespace: ASCII without control characters, not beginning with a colon.
pub(crate) fn namespace(text: Option<String>, path: impl Display, findings: &mut Findings) -> Option<String> {
    let namespace = sized(text, MAX_NAMESPACE_CHARS, &path, findings)?;
    let namespace = printable(namespace, &path, findings)?;
    not_beginning_with_a_colon(namespace, &path, findings)
}

/// A metric's name: 1 to 255 characters of any kind.
pub(crate) fn metric_name(
    text: Option<String>,
    path: impl Display,
    findings: &mut Findings,
) -> Option<String> {
    sized(text, MAX_METRIC_NAME_CHARS, &path, findings)
}

/// Up to 30 dimensions of different names.
pub(crate) fn dimensions(
    raw: Option<Vec<RawDimension>>,
    path: impl Display,
    findings: &mut Findings,
) -> Option<Vec<Dimension>> {
    let raw = at_most(MAX_DIMENSIONS, raw.unwrap_or_default(), &path, findings)?;
    let count = raw.len();
    let dimensions: Vec<Dimension> = (1..)
        .zip(raw)
        .filter_map(|(n, RawDimension { name, value })| {
            let name = dimension_name(name, format_args!("{path}.member.{n}.Name"), findings);
            let value = dimension_value(value, format_args!("{path}.member.{n}.Value"), findings);
            Some(Dimension { name: name?, value: value? })
        })
        .collect();
    let mut names = HashSet::new();
    if !dimensions.iter().all(|dimension| names.insert(dimension.name.as_str())) {
        // The service's own words, which name no datum.
        findings.invalid("No metric may specify the same dimension name twice.".to_owned());
        return None;
    }
    (dimensions.len() == count).then_some(dimensions)
}

pub(crate) fn dimension_name(
    text: Option<String>,
    path: impl Display,
    findings: &mut Findings,
) -> Option<String> {
    let name = sized(text, MAX_DIMENSION_NAME_CHARS, &path, findings)?;
    let name = not_blank(printable(name, &path, findings)?, &path, findings)?;
    not_beginning_with_a_colon(name, &path, findings)
}

pub(crate) fn dimension_value(
    text: Option<String>,
    path: impl Display,
    findings: &mut Findings,
) -> Option<String> {
    let value = sized(text, MAX_DIMENSION_VALUE_CHARS, &path, findings)?;
    not_blank(printable(value, &path, findings)?, &path, findings)
}

/// One of the 27 units.
pub(crate) fn unit(text: &str, path: impl Display, findings: &mut Findings) -> Option<Unit> {
    one_of(&Unit::ALL, path, Unit::parse(text), findings)
}

/// `parsed`, or the finding that the parameter is none of `set`.
pub(crate) fn one_of<T>(
    set: &[&str],
    path: impl Display,
    parsed: Option<T>,
    findings: &mut Findings,
) -> Option<T> {
    if parsed.is_none() {
        findings.invalid(format!("The parameter {path} must be a value in the set [ {} ].", set.join(", ")));
    }
    parsed
}

/// A number that CloudWatch can hold: 0, or of a magnitude from 2^-360 to 2^360.
///
/// The lower end is the documentation's "CloudWatch rejects values that are either too small or too large", and was
/// seen live: Netflix/servo, CloudWatchValueTest, has 2^-361 refused and 2^-360 accepted, of either sign.
pub(crate) fn number(value: f64, path: impl Display, findings: &mut Findings) -> Option<f64> {
    // NaN is in no range.
    let is_valid = value == 0.0 || (2_f64.powi(-360)..=2_f64.powi(360)).contains(&value.abs());
    valid(value, is_valid, path, findings)
}

/// How often a value occurred: a number that is not negative.
pub(crate) fn count(value: f64, path: impl Display, findings: &mut Findings) -> Option<f64> {
    if value < 0.0 { valid(value, false, path, findings) } else { number(value, path, findings) }
}

fn valid(value: f64, is_valid: bool, path: impl Display, findings: &mut Findings) -> Option<f64> {
    if !is_valid {
        findings.invalid(format!("The value {} for parameter {path} is invalid.", spelt(value)));
    }
    is_valid.then_some(value)
}

/// Specials as Java spells them, the service's language; numbers of many digits in scientific notation.
fn spelt(value: f64) -> String {
    if value == f64::INFINITY {
        "Infinity".to_owned()
    } else if value == f64::NEG_INFINITY {
        "-Infinity".to_owned()
    } else if value.is_nan() || (1e-5..1e15).contains(&value.abs()) {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

/// A list of at most `max` items.
pub(crate) fn at_most<T>(
    max: usize,
    items: Vec<T>,
    path: impl Display,
    findings: &mut Findings,
) -> Option<Vec<T>> {
    if items.len() > max {
        findings.invalid(format!("The collection {path} must not have a size greater than {max}."));
        return None;
    }
    Some(items)
}

fn sized(text: Option<String>, max: usize, path: impl Display, findings: &mut Findings) -> Option<String> {
    // An empty string is an absent one: the query protocol, where these rules come from, cannot tell them apart.
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        findings.missing(path);
        return None;
    };
    if text.chars().count() > max {
        findings.invalid(format!("The parameter {path} must be shorter than {} characters.", max + 1));
        return None;
    }
    Some(text)
}

fn printable(text: String, path: impl Display, findings: &mut Findings) -> Option<String> {
    let is_printable = text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_control());
    if !is_printable {
        // Said of control characters too: Netflix/servo#84 has a line feed called so.
        findings.invalid(format!("The value for parameter {path} contains non-ASCII characters."));
    }
    is_printable.then_some(text)
}

fn not_blank(text: String, path: impl Display, findings: &mut Findings) -> Option<String> {
    let is_blank = text.trim().is_empty();
    if is_blank {
        findings.invalid(format!("The value for parameter {path} must contain a non-whitespace character."));
    }
    (!is_blank).then_some(text)
}

fn not_beginning_with_a_colon(text: String, path: impl Display, findings: &mut Findings) -> Option<String> {
    let has_colon = text.starts_with(':');
    if has_colon {
        findings.invalid(format!("The value for parameter {path} must not start with a colon."));
    }
    (!has_colon).then_some(text)
}
