//! From a line of a text format to what it says.
//!
//! [`line`](line()) reads any line. For a sample whose series is known by the bytes up to its value, [`reading`] reads the rest, and
//! [`key_len`] says how many bytes those are.
//!
//! # Invariants
//! - What [`key_len`] answers for a line is where [`line`](line()) finds the value.
//! - Nothing is allocated for a [`reading`], and for a sample only its list of labels, and texts with escapes in them.

mod cursor;
mod metadata;
mod reading;
mod sample;

pub use metadata::Metadata;
pub use reading::{Exemplar, Reading, exemplar, reading};
pub use sample::{LabelList, MAX_LABELS, Sample, key_len};

use crate::{Fault, Format};

/// How a line is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syntax {
    /// OpenMetrics: seconds, units, exemplars, `# EOF`.
    pub openmetrics: bool,
    /// Only what the specification's grammar has.
    pub strict: bool,
}

impl Syntax {
    /// The syntax of a text format. Strictness is OpenMetrics': the grammar of Prometheus's own format allows what its parser takes.
    pub const fn of(format: Format, strict: bool) -> Self {
        let openmetrics = format.is_openmetrics();
        Self { openmetrics, strict: strict && openmetrics }
    }
}

/// What a line says.
#[derive(Clone, Debug, PartialEq)]
pub enum Line<'a> {
    /// Nothing.
    Blank,
    /// Nothing that counts.
    Comment,
    /// Something about a metric family.
    Metadata(Metadata<'a>),
    /// A sample.
    Sample(Sample<'a>),
    /// OpenMetrics ends here.
    End,
}

/// Reads a line, without its line feed.
///
/// # Errors
/// It is not of this syntax.
pub fn line(line: &[u8], syntax: Syntax) -> Result<Line<'_>, Fault> {
    if syntax.strict {
        return match line {
            b"" => Err(Fault::rule("a blank line")),
            b"# EOF" => Ok(Line::End),
            [b'#', ..] => Ok(Line::Metadata(metadata::strictly(line)?)),
            _ => sample::sample(line, syntax).map(Line::Sample),
        };
    }
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let trimmed = line.trim_ascii_start();
    match trimmed {
        b"" => Ok(Line::Blank),
        b"# EOF" if syntax.openmetrics => Ok(Line::End),
        [b'#', ..] => Ok(metadata::leniently(trimmed)?.map_or(Line::Comment, Line::Metadata)),
        _ => sample::sample(line, syntax).map(Line::Sample),
    }
}

#[cfg(test)]
mod tests;
