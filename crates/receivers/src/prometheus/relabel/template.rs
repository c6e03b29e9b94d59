//! Templates such as `${1}_total`: what a match is replaced with. Read once, as Go's `regexp.Expand` reads them each time.

use regex::{Captures, Regex};

/// A template whose references are resolved.
#[derive(Clone, Debug)]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Group(usize),
}

impl Template {
    /// Reads `text`, with the groups of `regex`. A reference to a group that is not there stands for nothing, and a `$` that begins
    /// no reference for itself.
    pub(super) fn new(text: &str, regex: &Regex) -> Self {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(dollar) = rest.find('$') {
            literal.push_str(&rest[..dollar]);
            rest = &rest[dollar + 1..];
            if let Some(behind) = rest.strip_prefix('$') {
                literal.push('$');
                rest = behind;
            } else if let Some((name, behind)) = reference(rest) {
                rest = behind;
                if let Some(group) = group(name, regex) {
                    if !literal.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut literal)));
                    }
                    pieces.push(Piece::Group(group));
                }
            } else {
                literal.push('$');
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Self(pieces)
    }

    /// What it is for this match.
    pub(super) fn expand(&self, captures: &Captures<'_>) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Group(group) => out.push_str(captures.get(*group).map_or("", |found| found.as_str())),
            }
        }
        out
    }
}

/// The name of the reference that `text` begins with, and what follows: `{name}`, or the longest name.
fn reference(text: &str) -> Option<(&str, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (braced, text) = match text.strip_prefix('{') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
    let (name, behind) = text.split_at(end);
    let behind = if braced { behind.strip_prefix('}')? } else { behind };
    (!name.is_empty()).then_some((name, behind))
}

fn group(name: &str, regex: &Regex) -> Option<usize> {
    let number = || name.parse::<usize>().ok().filter(|number| *number < regex.captures_len());
    // With a zero before it, it is no number to Go.
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
    if is_number { number() } else { regex.capture_names().position(|known| known == Some(name)) }
}
