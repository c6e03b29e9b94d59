//! The tree that the events build, without recursion.

use std::collections::HashMap;

use saphyr_parser::Tag;

use super::{Asked, MAX_DEPTH, MAX_NODES, Places, asked};
use crate::print::looks_secret;
use crate::{Diagnostics, Entry, Node, Span, Value};

/// The document cannot be read on; why has been reported.
pub(super) struct Stop;

pub(super) struct Builder<'a> {
    places: &'a Places<'a>,
    nodes_left: &'a mut usize,
    diags: &'a mut Diagnostics,
    open: Vec<Collection>,
    anchors: HashMap<usize, Anchored>,
    root: Option<Node>,
}

/// A list or map whose end has not come.
struct Collection {
    content: Content,
    anchor: usize,
    start: Span,
    /// Where its last part ends.
    end: u32,
    is_flow: bool,
    size: usize,
    height: usize,
}

enum Content {
    Seq(Vec<Node>),
    Map { entries: Vec<Entry>, places: HashMap<String, Span>, key: Option<Key>, merged: Vec<Node> },
}

struct Key {
    text: String,
    span: Span,
    /// `<<` without quotes.
    is_merge: bool,
    /// Reported already: its value is read and left out.
    is_ignored: bool,
}

/// What an alias stands for, and what it costs.
struct Anchored {
    node: Node,
    size: usize,
    height: usize,
}

impl<'a> Builder<'a> {
    pub(super) fn new(places: &'a Places<'a>, nodes_left: &'a mut usize, diags: &'a mut Diagnostics) -> Self {
        Self { places, nodes_left, diags, open: Vec::new(), anchors: HashMap::new(), root: None }
    }

    /// The document; an empty one is null.
    pub(super) fn finish(self) -> Node {
        self.root.unwrap_or_else(|| Node::new(Value::Null, self.places.at_bytes(0, 0)))
    }

    pub(super) fn scalar(
        &mut self,
        text: &str,
        quoted: bool,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<(), Stop> {
        if self.awaits_key() {
            self.key(text, quoted, span);
            return Ok(());
        }
        // A value that was left empty has no token; the key that names it has.
        let span = if text.is_empty() && !quoted && tag.is_none() { self.empty_span(span) } else { span };
        let node = match tag.map(asked) {
            None if quoted => Node::quoted_text(text.to_owned(), span),
            None => Node::plain(text, span),
            Some(Ok(Asked::Text)) => Node::quoted_text(text.to_owned(), span),
            Some(Ok(Asked::Scalar(wanted))) => self.tagged(text, wanted, span),
            Some(Ok(Asked::Seq | Asked::Map)) => {
                self.diags.error(span, "this tag asks for a list or a map, and a scalar follows");
                Node::plain(text, span).into_broken()
            }
            Some(Err(message)) => {
                self.diags.error(span, message);
                Node::plain(text, span).into_broken()
            }
        };
        self.value(node, 1, 0, anchor)
    }

    fn tagged(&mut self, text: &str, wanted: &str, span: Span) -> Node {
        let node = Node::plain(text, span);
        let is_wanted = match wanted {
            "null" => node.is_null(),
            "bool" => node.as_bool().is_some(),
            "int" => node.integer().is_some(),
            _ => matches!(node.value, Value::Int(_) | Value::Float(_)),
        };
        if is_wanted {
            return node;
        }
        self.diags.error(span, format!("`{text}` is no `{wanted}`, which its tag asks for"));
        node.into_broken()
    }

    pub(super) fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Stop> {
        let Some(found) = self.anchors.get(&anchor) else {
            self.diags.error(span, "this alias stands for a value that holds the alias itself");
            return Err(Stop);
        };
        if self.awaits_key() {
            let Some(text) = found.node.text().map(str::to_owned) else {
                return self.key_is_collection(span);
            };
            let quoted = found.node.is_quoted();
            self.key(&text, quoted, span);
            return Ok(());
        }
        let (size, height) = (found.size, found.height);
        if self.open.len() + height > MAX_DEPTH {
            return self.too_deep(span);
        }
        self.spend(size, span)?;
        let Some(found) = self.anchors.get(&anchor) else { return Ok(()) };
        let node = Node { span, ..found.node.clone() };
        self.attach(node, size, height, 0)
    }

    pub(super) fn start(
        &mut self,
        is_map: bool,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<(), Stop> {
        if self.awaits_key() {
            return self.key_is_collection(span);
        }
        if self.open.len() >= MAX_DEPTH {
            return self.too_deep(span);
        }
        match tag.map(asked) {
            None => {}
            Some(Ok(Asked::Map)) if is_map => {}
            Some(Ok(Asked::Seq)) if !is_map => {}
            Some(Err(message)) => drop(self.diags.error(span, message)),
            Some(Ok(_)) => {
                let found = if is_map { "map" } else { "list" };
                self.diags
                    .error(span, format!("the tag asks for something else than the {found} that follows"));
            }
        }
        let content = if is_map {
            let (entries, places, merged) = <_>::default();
            Content::Map { entries, places, key: None, merged }
        } else {
            Content::Seq(Vec::new())
        };
        let is_flow = self.places.slice(span).starts_with(['{', '[']);
        self.open.push(Collection {
            content,
            anchor,
            start: span,
            end: span.end,
            is_flow,
            size: 1,
            height: 0,
        });
        Ok(())
    }

    pub(super) fn end(&mut self, span: Span) -> Result<(), Stop> {
        let Some(done) = self.open.pop() else { return Ok(()) };
        // Behind a closing bracket the parser counts the comment in.
        let end = if done.is_flow { span.start + 1 } else { done.end };
        let span = Span { end: end.max(done.start.start), ..done.start };
        let value = match done.content {
            Content::Seq(items) => Value::Seq(items),
            Content::Map { entries, places, merged, .. } => Value::Map(with_merged(entries, &places, merged)),
        };
        self.value(Node::new(value, span), done.size, done.height + 1, done.anchor)
    }

    /// A new value: its own node is paid for here, its parts were when they came.
    fn value(&mut self, node: Node, size: usize, height: usize, anchor: usize) -> Result<(), Stop> {
        self.spend(1, node.span)?;
        self.attach(node, size, height, anchor)
    }

    fn attach(&mut self, node: Node, size: usize, height: usize, anchor: usize) -> Result<(), Stop> {
        if anchor != 0 {
            self.spend(size, node.span)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), size, height });
        }
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        parent.size += size;
        parent.height = parent.height.max(height);
        parent.end = parent.end.max(node.span.end);
        match &mut parent.content {
            Content::Seq(items) => items.push(node),
            Content::Map { entries, key, merged, .. } => match key.take() {
                Some(key) if key.is_merge => merge_source(node, merged, self.diags),
                Some(key) => {
                    if looks_secret(&key.text) && node.text().is_some_and(|text| !text.contains("${")) {
                        self.diags.hide(node.span);
                    }
                    if !key.is_ignored {
                        entries.push(Entry::new(key.text, key.span, node));
                    }
                }
                None => {}
            },
        }
        Ok(())
    }

    fn awaits_key(&self) -> bool {
        matches!(self.open.last(), Some(Collection { content: Content::Map { key: None, .. }, .. }))
    }

    fn key(&mut self, text: &str, quoted: bool, span: Span) {
        let is_missing = text.is_empty() && !quoted;
        if is_missing {
            let at = self.places.one_character(span);
            self.diags.error(at, "a key is missing before this").help("write `key: value`");
        }
        if text.contains("${") {
            self.diags.warning(span, "a `${…}` in a key is not replaced");
        }
        let Some(Collection { content: Content::Map { places, key, .. }, end, .. }) = self.open.last_mut()
        else {
            return;
        };
        *end = span.end.max(*end);
        let is_merge = text == "<<" && !quoted;
        let first = *places.entry(text.to_owned()).or_insert(span);
        let is_duplicate = first != span && !is_missing;
        if is_duplicate {
            self.diags
                .error(span, format!("duplicate key `{text}`"))
                .label("given a second time here")
                .also(first, "first given here");
        }
        *key = Some(Key { text: text.to_owned(), span, is_merge, is_ignored: is_duplicate || is_missing });
    }

    fn key_is_collection(&mut self, span: Span) -> Result<(), Stop> {
        self.diags.error(span, "a key must be text, and this is a list or a map");
        Err(Stop)
    }

    fn empty_span(&self, span: Span) -> Span {
        match self.open.last() {
            Some(Collection { content: Content::Map { key: Some(key), .. }, .. }) => key.span,
            _ => span,
        }
    }

    fn spend(&mut self, nodes: usize, span: Span) -> Result<(), Stop> {
        let Some(left) = self.nodes_left.checked_sub(nodes) else {
            let message = format!("the configuration has more than {MAX_NODES} values");
            self.diags.error(span, message).note("aliases count as what they stand for");
            return Err(Stop);
        };
        *self.nodes_left = left;
        Ok(())
    }

    fn too_deep(&mut self, span: Span) -> Result<(), Stop> {
        self.diags.error(span, format!("maps and lists are nested more than {MAX_DEPTH} deep"));
        Err(Stop)
    }

    /// The beginning of the innermost `[` or `{` that is not closed.
    pub(super) fn open_flow(&self) -> Option<Span> {
        self.open.last().filter(|collection| collection.is_flow).map(|collection| collection.start)
    }

    /// Hides what follows a key that names a secret when its value could not be read: the line is about to be shown.
    pub(super) fn hide_rest_of_secret(&mut self, error_at: usize) {
        let places = self.places;
        let Some(Collection { content: Content::Map { key, entries, .. }, .. }) = self.open.last() else {
            return;
        };
        let (name, from) = match (key, entries.last()) {
            (Some(key), _) => (&key.text, key.span.end),
            (None, Some(entry)) => (&entry.key, entry.key_span.end),
            (None, None) => return,
        };
        if !looks_secret(name) {
            return;
        }
        let key_end = from as usize - places.offset;
        let behind = places.text[key_end..].trim_start_matches(['"', '\'', ':', ' ', '\t']);
        let from = places.text.len() - behind.len();
        let error_at = places.byte(error_at).max(from);
        let end = places.text[error_at..].find('\n').map_or(places.text.len(), |newline| error_at + newline);
        self.diags.hide(places.at_bytes(from, end));
    }
}

/// Takes what `<<` holds: a map, or a list of maps, of which the earlier ones win.
fn merge_source(node: Node, merged: &mut Vec<Node>, diags: &mut Diagnostics) {
    match node.value {
        Value::Map(_) => merged.push(node),
        Value::Seq(items) if items.iter().all(|item| matches!(item.value, Value::Map(_))) => {
            merged.extend(items);
        }
        _ => {
            diags
                .error(node.span, format!("`<<` merges a map or a list of maps, and this is {}", node.kind()))
                .help("write `<<: *anchor`");
        }
    }
}

/// The map with what its merge keys bring, which never replaces a key of its own.
fn with_merged(mut entries: Vec<Entry>, own: &HashMap<String, Span>, merged: Vec<Node>) -> Vec<Entry> {
    let mut brought = std::collections::HashSet::new();
    for map in merged {
        let Value::Map(inherited) = map.value else { continue };
        for entry in inherited {
            if !own.contains_key(&entry.key) && brought.insert(entry.key.clone()) {
                entries.push(entry);
            }
        }
    }
    entries
}
