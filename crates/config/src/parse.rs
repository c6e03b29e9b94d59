//! YAML to nodes. The events are the parser library's; anchors, merge keys, duplicates and bounds are ours.

mod build;
mod syntax;

use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use crate::{Diagnostics, Node, SourceId, Span};
use build::{Builder, Stop};

/// How deep maps and lists may nest: every later walk over the tree is recursive.
pub(crate) const MAX_DEPTH: usize = 64;

/// How many nodes one load may make, those that aliases multiply included.
pub(crate) const MAX_NODES: usize = 100_000;

/// Reads one YAML document out of `text`, which starts at byte `offset` of the source. `None` when the text is broken
/// beyond reading, which is reported; what was merely wrong (a duplicate key) is reported and left out.
pub(crate) fn parse(
    source: SourceId,
    text: &str,
    offset: usize,
    nodes_left: &mut usize,
    diags: &mut Diagnostics,
) -> Option<Node> {
    let places = Places::new(source, text, offset);
    let mut builder = Builder::new(&places, nodes_left, diags);
    let mut parser = Parser::new_from_str(text);
    let mut documents = 0;
    loop {
        let (event, span) = match parser.next_event() {
            Some(Ok(event)) => event,
            Some(Err(error)) => {
                builder.hide_rest_of_secret(error.marker().index());
                let open = builder.open_flow();
                syntax::report(&error, &places, open, diags);
                return None;
            }
            None => break,
        };
        let (start, end) = (span.start.index(), span.end.index());
        let outcome = match event {
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    diags
                        .error(places.span(start, end), "a second document in one file")
                        .help("put it into a file of its own, and give both with `-c`");
                    return None;
                }
                Ok(())
            }
            Event::Alias(anchor) => builder.alias(anchor, places.span(start, end)),
            Event::Scalar(text, style, anchor, tag) => {
                let content = places.behind_properties(start, end, anchor != 0 || tag.is_some());
                let span = places.scalar(content, style);
                builder.scalar(&text, style != ScalarStyle::Plain, anchor, tag.as_deref(), span)
            }
            Event::SequenceStart(anchor, tag) => {
                let content = places.behind_properties(start, end, anchor != 0 || tag.is_some());
                builder.start(false, anchor, tag.as_deref(), places.list_start(content))
            }
            Event::MappingStart(anchor, tag) => {
                let content = places.behind_properties(start, end, anchor != 0 || tag.is_some());
                builder.start(true, anchor, tag.as_deref(), places.at_bytes(content.start, content.end))
            }
            Event::SequenceEnd | Event::MappingEnd => builder.end(places.span(start, end)),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        };
        if let Err(Stop) = outcome {
            return None;
        }
    }
    Some(builder.finish())
}

/// Turns the parser's positions, which count characters, into spans.
pub(crate) struct Places<'a> {
    source: SourceId,
    text: &'a str,
    offset: usize,
    /// The byte of each character; empty for ASCII, where they are the same.
    bytes: Vec<usize>,
}

impl<'a> Places<'a> {
    fn new(source: SourceId, text: &'a str, offset: usize) -> Self {
        let bytes =
            if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(at, _)| at).collect() };
        Self { source, text, offset, bytes }
    }

    /// The byte of `text` where the character stands.
    fn byte(&self, character: usize) -> usize {
        if self.bytes.is_empty() {
            return character.min(self.text.len());
        }
        self.bytes.get(character).copied().unwrap_or(self.text.len())
    }

    /// The span between two characters.
    fn span(&self, start: usize, end: usize) -> Span {
        self.at_bytes(self.byte(start), self.byte(end))
    }

    fn at_bytes(&self, start: usize, end: usize) -> Span {
        Span::new(self.source, self.offset + start..self.offset + end.max(start))
    }

    /// The text under a span.
    fn slice(&self, span: Span) -> &'a str {
        let range = span.range();
        self.text
            .get(range.start.saturating_sub(self.offset)..range.end.saturating_sub(self.offset))
            .unwrap_or("")
    }

    /// The span of the character at a place that has no length.
    fn one_character(&self, span: Span) -> Span {
        let start = span.range().start.saturating_sub(self.offset);
        let length = self.text.get(start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        self.at_bytes(start, start + length)
    }

    /// The bytes of a value without the anchor and tag before it.
    fn behind_properties(&self, start: usize, end: usize, has_properties: bool) -> Range<usize> {
        let (start, end) = (self.byte(start), self.byte(end));
        let mut rest = self.text.get(start..end).unwrap_or("");
        while has_properties && rest.starts_with(['&', '!', '#']) {
            let word = match rest.strip_prefix('#') {
                Some(comment) => comment.find('\n').map_or(rest.len(), |at| at + 1),
                None => rest.find(char::is_whitespace).unwrap_or(rest.len()),
            };
            rest = rest[word..].trim_start();
        }
        end - rest.len()..end
    }

    /// The span of a scalar. The parser lets one in quotes go on to the end of the comment behind it.
    fn scalar(&self, bytes: Range<usize>, style: ScalarStyle) -> Span {
        let text = self.text.get(bytes.clone()).unwrap_or("");
        let length = match style {
            ScalarStyle::SingleQuoted => closing_quote(text, '\'', false),
            ScalarStyle::DoubleQuoted => closing_quote(text, '"', true),
            _ => None,
        };
        self.at_bytes(bytes.start, bytes.start + length.unwrap_or(text.trim_end().len()))
    }

    /// The span of a list's beginning. The parser begins one that is not indented behind its first dash.
    fn list_start(&self, bytes: Range<usize>) -> Span {
        let text = self.text.get(bytes.start..).unwrap_or("");
        if text.starts_with(['-', '[']) {
            return self.at_bytes(bytes.start, bytes.end);
        }
        let before = self.text.get(..bytes.start).unwrap_or("").trim_end();
        let start = if before.ends_with('-') { before.len() - 1 } else { bytes.start };
        self.at_bytes(start, bytes.end)
    }
}

/// The length of a quoted scalar with its quotes. A quote inside is doubled, or escaped where escapes exist.
fn closing_quote(text: &str, quote: char, escapes: bool) -> Option<usize> {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if escapes && character == '\\' {
            characters.next();
        } else if character == quote && (escapes || characters.next_if(|&(_, next)| next == quote).is_none())
        {
            return Some(at + 1);
        }
    }
    None
}

/// The type that a tag of the core schema asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// `!!str`, or `!`: text.
    Text,
    /// `!!null`, `!!bool`, `!!int`, `!!float`: what the text says, if it is that.
    Scalar(&'static str),
    Seq,
    Map,
}

/// What a tag asks for; an error for a tag that no configuration needs.
fn asked(tag: &Tag) -> Result<Asked, String> {
    match tag.suffix.as_str() {
        "" if tag.handle == "!" => Ok(Asked::Text),
        "!" if tag.handle.is_empty() => Ok(Asked::Text),
        "str" if tag.is_yaml_core_schema() => Ok(Asked::Text),
        "null" if tag.is_yaml_core_schema() => Ok(Asked::Scalar("null")),
        "bool" if tag.is_yaml_core_schema() => Ok(Asked::Scalar("bool")),
        "int" if tag.is_yaml_core_schema() => Ok(Asked::Scalar("int")),
        "float" if tag.is_yaml_core_schema() => Ok(Asked::Scalar("float")),
        "seq" if tag.is_yaml_core_schema() => Ok(Asked::Seq),
        "map" if tag.is_yaml_core_schema() => Ok(Asked::Map),
        suffix if tag.is_yaml_core_schema() => Err(format!("unknown tag `!!{suffix}`")),
        suffix => Err(format!("unknown tag `{}{suffix}`", tag.handle)),
    }
}
