//! A reader of the plain YAML that `configs/` keeps to: block maps and lists, `[a, b]`, comments, one line a scalar. It says
//! where each token stands, in a few lines that share nothing with Weir's reader.

use std::ops::Range;

/// A scalar, or a flow collection taken as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) range: Range<usize>,
    /// Without its quotes.
    pub(crate) text: String,
}

/// A key and what it holds.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: Token,
    pub(crate) body: Body,
    /// From the key to the end of the last line of its body.
    pub(crate) whole: Range<usize>,
}

/// What a key or a dash holds.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Empty,
    Scalar(Token),
    Map(Vec<Entry>),
    /// `[a, b]`: the brackets' range, and the items.
    Flow(Range<usize>, Vec<Token>),
    /// A `- ` a line.
    List(Vec<Body>),
}

impl Body {
    pub(crate) fn entries(&self) -> &[Entry] {
        if let Self::Map(entries) = self { entries } else { &[] }
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key.text == key)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Body> {
        self.entry(key).map(|entry| &entry.body)
    }
}

/// A line without its comment.
#[derive(Clone, Debug)]
struct Line {
    indent: usize,
    range: Range<usize>,
}

/// Reads a text.
pub(crate) fn parse(text: &str) -> Body {
    let mut lines = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let content = &line[..comment(line)];
        let content = content.trim_end();
        let indent = content.len() - content.trim_start().len();
        if indent < content.len() {
            lines.push(Line { indent, range: at + indent..at + content.len() });
        }
        at += line.len();
    }
    Reader { text }.block(&lines)
}

/// Where the comment of a line begins.
fn comment(line: &str) -> usize {
    let mut quoted = false;
    for (at, c) in line.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '#' if !quoted && (at == 0 || line[..at].ends_with(' ')) => return at,
            _ => {}
        }
    }
    line.len()
}

struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn block(&self, lines: &[Line]) -> Body {
        let Some(first) = lines.first() else { return Body::Empty };
        let content = &self.text[first.range.clone()];
        if content.starts_with("- ") {
            return Body::List(split(lines, first.indent).map(|item| self.item(item)).collect());
        }
        if key_end(content).is_some() {
            return Body::Map(split(lines, first.indent).map(|entry| self.entry(entry)).collect());
        }
        assert_eq!(lines.len(), 1, "a scalar of several lines: {content}");
        self.inline(first.range.clone())
    }

    fn item(&self, lines: &[Line]) -> Body {
        let mut lines = lines.to_vec();
        lines[0].indent += 2;
        lines[0].range.start += 2;
        self.block(&lines)
    }

    fn entry(&self, lines: &[Line]) -> Entry {
        let first = &lines[0].range;
        let content = &self.text[first.clone()];
        let colon = key_end(content).unwrap_or_else(|| panic!("no key: {content}"));
        let key = self.token(first.start..first.start + colon);
        let value = content[colon + 1..].trim_start();
        let end = lines.last().map_or(first.end, |line| line.range.end);
        let body = match value {
            "" => self.block(&lines[1..]),
            _ => self.inline(first.end - value.len()..first.end),
        };
        Entry { key, body, whole: first.start..end }
    }

    fn inline(&self, range: Range<usize>) -> Body {
        let inner = self.text[range.clone()].strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        let Some(inner) = inner else { return Body::Scalar(self.token(range)) };
        let mut items = Vec::new();
        let (mut depth, mut start) = (0, 0);
        for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
            match c {
                '[' | '{' => depth += 1,
                ']' | '}' => depth -= 1,
                ',' if depth == 0 => {
                    let item = inner[start..at].trim_start();
                    let from = range.start + 1 + at - item.len();
                    if !item.is_empty() {
                        items.push(self.token(from..from + item.trim_end().len()));
                    }
                    start = at + 1;
                }
                _ => {}
            }
        }
        Body::Flow(range, items)
    }

    fn token(&self, range: Range<usize>) -> Token {
        let text = &self.text[range.clone()];
        let plain = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).unwrap_or(text);
        Token { range, text: plain.to_owned() }
    }
}

/// The colon behind a key; flow collections have none.
fn key_end(content: &str) -> Option<usize> {
    if content.starts_with(['[', '{']) {
        return None;
    }
    content.find(": ").or_else(|| content.ends_with(':').then(|| content.len() - 1))
}

/// The groups of lines that begin at `indent`, each with what is deeper.
fn split(lines: &[Line], indent: usize) -> impl Iterator<Item = &[Line]> {
    let starts: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].indent == indent).collect();
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([lines.len()]).collect();
    starts.into_iter().zip(ends).map(|(start, end)| &lines[start..end])
}

#[test]
fn tokens_are_found_where_they_stand() {
    let text = "# é\na:\n  b: 'x: y' # c\n  c: [p, q/r]\nd:\n  - k: 1\n    v: 2\n  - z\ne:\n";
    let tree = parse(text);
    let at = |token: &Token| text[token.range.clone()].to_owned();
    let Some(Body::Scalar(quoted)) = tree.get("a").and_then(|a| a.get("b")) else { panic!("{tree:?}") };
    assert_eq!((at(quoted).as_str(), quoted.text.as_str()), ("'x: y'", "x: y"));
    let Some(Body::Flow(range, items)) = tree.get("a").and_then(|a| a.get("c")) else { panic!("{tree:?}") };
    assert_eq!(&text[range.clone()], "[p, q/r]");
    assert_eq!(items.iter().map(at).collect::<Vec<_>>(), ["p", "q/r"]);
    let Some(Body::List(list)) = tree.get("d") else { panic!("{tree:?}") };
    assert_eq!(list[0].entries().iter().map(|entry| at(&entry.key)).collect::<Vec<_>>(), ["k", "v"]);
    assert!(matches!(&list[1], Body::Scalar(token) if at(token) == "z"));
    assert!(matches!(tree.get("e"), Some(Body::Empty)));
}
