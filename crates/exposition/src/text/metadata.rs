//! `# HELP`, `# TYPE` and `# UNIT`.

use std::borrow::Cow;

use super::cursor::Cursor;
use crate::{FamilyType, Fault, fault::quote};

/// What a line says about a metric family.
#[derive(Clone, Debug, PartialEq)]
pub enum Metadata<'a> {
    /// What it is, in words: as it is written, escapes included.
    Help {
        /// The family's name.
        family: Cow<'a, str>,
        /// The words.
        text: &'a [u8],
    },
    /// Its type.
    Type {
        /// The family's name.
        family: Cow<'a, str>,
        /// The type.
        family_type: FamilyType,
    },
    /// Its unit.
    Unit {
        /// The family's name.
        family: Cow<'a, str>,
        /// The unit; may be empty.
        unit: &'a str,
    },
}

impl Metadata<'_> {
    /// The name of the family.
    pub fn family(&self) -> &str {
        match self {
            Self::Help { family, .. } | Self::Type { family, .. } | Self::Unit { family, .. } => family,
        }
    }
}

/// As OpenMetrics' grammar has it: one space each, and a bare name.
pub(super) fn strictly(line: &[u8]) -> Result<Metadata<'_>, Fault> {
    let mut cursor = Cursor::new(line);
    cursor.at = 1;
    cursor.expect(b' ', "a space")?;
    let keyword = cursor.word();
    if !matches!(keyword, b"HELP" | b"TYPE" | b"UNIT") {
        return Err(Fault::BadMetadata);
    }
    cursor.expect(b' ', "a space")?;
    let family = cursor.bare_name(true).ok_or(Fault::NoName(cursor.at))?;
    cursor.expect(b' ', "a space")?;
    read(keyword, Cow::Borrowed(family), cursor.rest(), true)
}

/// As Prometheus takes it: any blanks, names in quotes; whatever else begins with `#` is a comment.
pub(super) fn leniently(line: &[u8]) -> Result<Option<Metadata<'_>>, Fault> {
    let mut cursor = Cursor::new(line);
    cursor.at = 1;
    cursor.blanks();
    let keyword = cursor.word();
    if !matches!(keyword, b"HELP" | b"TYPE" | b"UNIT") {
        return Ok(None);
    }
    cursor.blanks();
    let family = match cursor.peek() {
        Some(b'"') => cursor.quoted()?,
        _ => Cow::Borrowed(cursor.bare_name(true).ok_or(Fault::NoName(cursor.at))?),
    };
    if !matches!(cursor.peek(), None | Some(b' ' | b'\t')) {
        return Err(Fault::expected("a blank", cursor.at));
    }
    cursor.blanks();
    read(keyword, family, cursor.rest().trim_ascii_end(), false).map(Some)
}

fn read<'a>(
    keyword: &[u8],
    family: Cow<'a, str>,
    text: &'a [u8],
    strict: bool,
) -> Result<Metadata<'a>, Fault> {
    match keyword {
        b"HELP" => Ok(Metadata::Help { family, text }),
        b"UNIT" => {
            let unit = std::str::from_utf8(text).map_err(|_| Fault::NotUtf8)?;
            Ok(Metadata::Unit { family, unit })
        }
        _ => {
            let name = std::str::from_utf8(text).ok().filter(|name| !(strict && *name == "untyped"));
            let family_type =
                name.and_then(FamilyType::of_name).ok_or_else(|| Fault::BadType(quote(text)))?;
            Ok(Metadata::Type { family, family_type })
        }
    }
}
