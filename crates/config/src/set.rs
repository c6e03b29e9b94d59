//! `--set a.b.c=value`: one value, after all files.

use crate::merge::merge;
use crate::parse::MAX_DEPTH;
use crate::{Diagnostics, Entry, Node, SourceId, SourceMap, Span, Value, parse};

/// One key of the path.
struct Segment {
    key: String,
    span: Span,
}

/// Applies one `--set`; what is wrong with it is reported in its own text.
pub(crate) fn apply(
    root: Node,
    text: &str,
    sources: &mut SourceMap,
    nodes_left: &mut usize,
    diags: &mut Diagnostics,
) -> Node {
    let source = sources.add("--set", text);
    let (path, value_at) = match path(text, source) {
        Ok(found) => found,
        Err((span, message)) => {
            diags.error(span, message).help("write `--set a.b.c=value`");
            return root;
        }
    };
    if path.len() > MAX_DEPTH {
        diags.error(Span::new(source, 0..value_at), format!("the path is more than {MAX_DEPTH} keys long"));
        return root;
    }
    let Some(mut value) = parse::parse(source, &text[value_at..], value_at, nodes_left, diags) else {
        return root;
    };
    if value.is_null()
        && let Some(last) = path.last()
    {
        value.span = last.span;
    }
    if let Some(last) = path.last()
        && crate::print::looks_secret(&last.key)
    {
        diags.hide(value.span);
    }
    put(root, &path, value, diags)
}

/// Puts the value at the path below `node`, making maps on the way.
fn put(node: Node, path: &[Segment], value: Node, diags: &mut Diagnostics) -> Node {
    let Some((first, rest)) = path.split_first() else {
        return merge(node, value, diags);
    };
    match node.value {
        Value::Null | Value::Map(_) => {
            let mut entries = match node.value {
                Value::Map(entries) => entries,
                _ => Vec::new(),
            };
            let nothing = Node::new(Value::Null, first.span);
            if let Some(entry) = entries.iter_mut().find(|entry| entry.key == first.key) {
                let taken = std::mem::replace(&mut entry.value, nothing);
                let value = put(taken, rest, value, diags);
                let key_span = value.named_by.unwrap_or(first.span);
                *entry = Entry::new(first.key.clone(), key_span, value);
            } else {
                entries.push(Entry::new(first.key.clone(), first.span, put(nothing, rest, value, diags)));
            }
            Node { value: Value::Map(entries), ..node }
        }
        Value::Seq(mut items) => {
            if let Some(item) = first.key.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
                let taken = std::mem::replace(item, Node::new(Value::Null, first.span));
                *item = put(taken, rest, value, diags);
            } else {
                diags
                    .error(first.span, format!("`{}` is no item of this list of {}", first.key, items.len()))
                    .help("items count from 0; to replace the whole list, set its key to `[…]`")
                    .also(node.span, "this list");
            }
            Node { value: Value::Seq(items), ..node }
        }
        _ => {
            diags
                .error(first.span, format!("`{}` cannot be set inside {}", first.key, node.kind()))
                .also(node.span, "this is no map");
            node
        }
    }
}

/// Splits `a."b.c".0=value` into its keys and the place of the value.
fn path(text: &str, source: SourceId) -> Result<(Vec<Segment>, usize), (Span, String)> {
    let mut path = Vec::new();
    let mut at = 0;
    loop {
        let (key, end) = segment(text, at).ok_or_else(|| {
            (Span::new(source, at..text.len()), "a quote is opened and never closed".to_owned())
        })?;
        let span = Span::new(source, at..end);
        if key.is_empty() {
            return Err((span, "a key is missing in the path".to_owned()));
        }
        path.push(Segment { key: key.to_owned(), span });
        match text.as_bytes().get(end) {
            Some(b'.') => at = end + 1,
            Some(b'=') => return Ok((path, end + 1)),
            Some(_) => {
                let message = "behind a quoted key comes `.` or `=`".to_owned();
                return Err((Span::new(source, end..text.ceil_char_boundary(end + 1)), message));
            }
            None => return Err((Span::new(source, 0..text.len()), "`=` and a value are missing".to_owned())),
        }
    }
}

/// The key that begins at `at`, and the byte behind it.
fn segment(text: &str, at: usize) -> Option<(&str, usize)> {
    let rest = &text[at..];
    if let Some(quoted) = rest.strip_prefix('"') {
        let length = quoted.find('"')?;
        return Some((&quoted[..length], at + length + 2));
    }
    let length = rest.find(['.', '=']).unwrap_or(rest.len());
    Some((&rest[..length], at + length))
}
