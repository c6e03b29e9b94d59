//! What the parser found wrong, in words that help.

use saphyr_parser::ScanError;

use super::{MAX_DEPTH, Places};
use crate::{Diagnostics, Span};

/// Reports a syntax error at its token. `open`: the `[` or `{` that it stands in.
pub(super) fn report(error: &ScanError, places: &Places<'_>, open: Option<Span>, diags: &mut Diagnostics) {
    let at = places.byte(error.marker().index());
    if let Some(tab) = tab_in_indentation(places, at) {
        diags
            .error(tab, "tabs cannot indent YAML; use spaces")
            .label("a tab")
            .help("replace every tab at the beginning of a line with spaces");
        return;
    }
    if let Some(tab) = tab_at(places, at) {
        diags.error(tab, "a tab cannot stand here; use a space").label("a tab");
        return;
    }
    let line = line_around(places.text, at);
    let line = &places.text[line];
    let diagnostic = diags.error(token(places, at), words(error.info()));
    if let Some(open) = open {
        diagnostic.also(open, "opened here");
    }
    if let Some(glued) = missing_space(places, at) {
        diagnostic
            .help("a space is missing behind the colon above")
            .also(glued, "text, not a key with its value");
    } else if line.contains("${") && line.contains(['[', '{']) && open.is_some() {
        diagnostic.help("inside `[…]` and `{…}` write a variable in quotes: `\"${env:NAME}\"`");
    } else if let Some(help) = help(error.info()) {
        diagnostic.help(help);
    }
}

/// The first tab in the indentation of the line of the error, or of the next line on either side that is not blank:
/// the parser may give up before a tab or behind it.
fn tab_in_indentation(places: &Places<'_>, at: usize) -> Option<Span> {
    let line = line_around(places.text, at);
    let before = places.text[..line.start].trim_end();
    let after = places.text[line.end..].trim_start();
    let next = places.text.len() - after.len();
    [line, line_around(places.text, before.len()), line_around(places.text, next)].into_iter().find_map(
        |line| {
            let text = &places.text[line.clone()];
            let indentation = &text[..text.len() - text.trim_start_matches([' ', '\t']).len()];
            let tab = line.start + indentation.find('\t')?;
            Some(tabs(places, tab))
        },
    )
}

/// A tab at the error or right before it.
fn tab_at(places: &Places<'_>, at: usize) -> Option<Span> {
    let is_tab = |at: usize| places.text.as_bytes().get(at) == Some(&b'\t');
    let tab = [Some(at), at.checked_sub(1)].into_iter().flatten().find(|&at| is_tab(at))?;
    Some(tabs(places, tab))
}

/// The tabs from this one on.
fn tabs(places: &Places<'_>, tab: usize) -> Span {
    let rest = &places.text[tab..];
    places.at_bytes(tab, tab + rest.len() - rest.trim_start_matches('\t').len())
}

/// `endpoint:0.0.0.0` in the line above: it is text, so the key below it has no place.
fn missing_space(places: &Places<'_>, at: usize) -> Option<Span> {
    let before = places.text[..line_around(places.text, at).start].trim_end();
    let line = line_around(places.text, before.len());
    let text = places.text[line.start..before.len()].trim_start();
    let (key, value) = text.split_once(':')?;
    let is_key =
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-/".contains(&byte));
    let is_glued = is_key && !value.is_empty() && !value.starts_with([' ', '\t']) && !value.starts_with("//");
    is_glued.then(|| places.at_bytes(before.len() - text.len(), before.len()))
}

fn line_around(text: &str, at: usize) -> std::ops::Range<usize> {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    start..end
}

/// The word at the error; the last character of the text when the error is that it ended.
fn token(places: &Places<'_>, at: usize) -> Span {
    let rest = &places.text[at..];
    let word = rest.find(|character: char| character.is_whitespace() || ",[]{}".contains(character));
    let length = match word {
        Some(0) => rest.chars().next().map_or(0, char::len_utf8),
        Some(length) => length,
        None => rest.len(),
    };
    places.at_bytes(at, at + length)
}

fn words(info: &str) -> String {
    let plain = match info {
        "mapping values are not allowed in this context" | "illegal placement of ':' indicator" => {
            "a `:` where no key can stand"
        }
        "simple key expect ':'" | "simple key expected" => "this is neither a key with its `:` nor a value",
        "while parsing a block mapping, did not find expected key" => "a key was expected here",
        "while parsing a block collection, did not find expected '-' indicator" => {
            "a `- ` item was expected here"
        }
        "while parsing a flow mapping, did not find expected ',' or '}'" => "expected `,` or `}`",
        "while parsing a flow sequence, expected ',' or ']'" => "expected `,` or `]`",
        "while scanning a quoted scalar, found unexpected end of stream" => "this quote is never closed",
        "invalid indentation in quoted scalar" => {
            "this quote is not closed before a line that is indented less"
        }
        "while parsing node, found unknown anchor" => {
            "this alias names an anchor that is not defined above it"
        }
        "did not find expected <document start>" => "this belongs to nothing that stands above it",
        "found unprintable character" => "a control character",
        "recursion limit exceeded" => return format!("maps and lists are nested more than {MAX_DEPTH} deep"),
        "invalid indentation" | "invalid indentation in flow construct" => {
            "this line is indented less than what it belongs to"
        }
        "misplaced bracket" => "this bracket closes nothing",
        "while parsing a quoted scalar, found unknown escape character" => {
            "an unknown escape in double quotes"
        }
        "invalid trailing content after double-quoted scalar" => "something stands behind the closing quote",
        other => match other.strip_prefix("unexpected character: `") {
            Some(character) => {
                return format!(
                    "a value without quotes cannot begin with `{}`",
                    character.trim_end_matches('\'')
                );
            }
            None => return format!("not YAML: {}", other.strip_prefix("while ").unwrap_or(other)),
        },
    };
    plain.to_owned()
}

fn help(info: &str) -> Option<&'static str> {
    match info {
        "mapping values are not allowed in this context" => {
            Some("a value that holds `: ` needs quotes; a nested key needs a line of its own")
        }
        "simple key expect ':'" | "simple key expected" => {
            Some("write `key: value`, with a space behind the colon")
        }
        "while parsing a block mapping, did not find expected key"
        | "while parsing a block collection, did not find expected '-' indicator"
        | "did not find expected <document start>" => {
            Some("keys of one map, and items of one list, stand in the same column")
        }
        info if info.starts_with("unexpected character") => Some("put the value in quotes"),
        info if info.contains("unknown escape character") => Some(
            "between double quotes a backslash is written `\\\\`; between single quotes it stands for itself",
        ),
        _ => None,
    }
}
