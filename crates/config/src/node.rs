//! The configuration as a tree in which everything knows its place.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Span, scalar, to_yaml};

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `~`, `null`, or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer without quotes.
    Int(i64),
    /// A number without quotes that is no `i64`.
    Float(f64),
    /// Anything in quotes, and what is nothing of the above.
    Str(String),
    /// A list.
    Seq(Vec<Node>),
    /// A map, in the order of the text, each key once.
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone)]
pub struct Entry {
    /// The key as text, also when it was written as a number.
    pub key: String,
    /// The key's token.
    pub key_span: Span,
    /// What it holds.
    pub value: Node,
}

impl Entry {
    /// An entry whose value knows the key that names it.
    pub(crate) fn new(key: String, key_span: Span, mut value: Node) -> Self {
        value.named_by = Some(key_span);
        Self { key, key_span, value }
    }
}

/// A value with its place.
#[derive(Clone)]
pub struct Node {
    /// What it holds.
    pub value: Value,
    /// Its token: a scalar with its quotes, a collection from its first to its last character. What a `${…}` became
    /// keeps the span of the `${…}`, what an alias stands for has the span of the alias, a value that was left
    /// empty has that of its key.
    pub span: Span,
    /// The text of a value that is no string by itself: `0x10`, `1.10`, or what a variable held.
    pub(crate) text: Option<Arc<str>>,
    pub(crate) quoted: bool,
    pub(crate) named_by: Option<Span>,
    /// Reported already: whoever reads the value says nothing more.
    pub(crate) is_broken: bool,
    pub(crate) secret: SecretMark,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.value == other.value
    }
}

/// As YAML, without secrets: a configuration ends up in logs by accident more often than by intent.
impl fmt::Debug for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&to_yaml(self, true))
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = Node::new(Value::Map(vec![self.clone()]), self.key_span);
        formatter.write_str(&to_yaml(&node, true))
    }
}

/// Nodes are equal when they mean the same, wherever they stand.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value && self.text == other.text
    }
}

impl Node {
    pub(crate) fn new(value: Value, span: Span) -> Self {
        let (text, secret) = <_>::default();
        Self { value, span, text, quoted: false, named_by: None, is_broken: false, secret }
    }

    /// A scalar without quotes: its text decides what it is.
    pub(crate) fn plain(text: &str, span: Span) -> Self {
        let value = scalar::typed(text);
        let kept = match value {
            Value::Str(_) | Value::Null => None,
            _ => Some(Arc::from(text)),
        };
        Self { text: kept, ..Self::new(value, span) }
    }

    /// A scalar with quotes (or a block scalar, or one tagged `!!str`): text, whatever it looks like.
    pub(crate) fn quoted_text(text: String, span: Span) -> Self {
        Self { quoted: true, ..Self::new(Value::Str(text), span) }
    }

    /// Text that a string key may take instead of what it looks like.
    pub(crate) fn with_text(self, text: &str) -> Self {
        Self { text: Some(Arc::from(text)), ..self }
    }

    /// Marks a value that has been reported.
    pub(crate) fn into_broken(self) -> Self {
        Self { is_broken: true, ..self }
    }

    /// Names the node anew, for a value that replaces another.
    pub(crate) fn named(self, named_by: Option<Span>) -> Self {
        Self { named_by, ..self }
    }

    /// The key that holds this node; its own first token when none does (the root, the items of a list).
    pub fn named_by(&self) -> Span {
        match (&self.value, self.named_by) {
            (_, Some(key)) => key,
            (Value::Map(entries), None) => entries.first().map_or(self.span, |entry| entry.key_span),
            _ => self.span,
        }
    }

    /// Whether the scalar was written in quotes, which makes it text.
    pub fn is_quoted(&self) -> bool {
        self.quoted
    }

    /// Whether what was written here has been reported as wrong: what it was meant to be is not known.
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Whether nothing was written here: `key:`, `~` or `null`.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The text of a string; `None` for everything else.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The text of any scalar as it was written (`0x10` stays `0x10`).
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Str(text) => Some(text),
            _ => self.text.as_deref(),
        }
    }

    /// The boolean; `None` for everything else.
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The entries of a map; none for everything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for everything else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::Seq(items) => items,
            _ => &[],
        }
    }

    /// The entry of a key of this map.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// What a key of this map holds.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// What a path of keys leads to; in a list a key is the number of an item, from 0.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.child(key))
    }

    /// The node at the path, or else its nearest ancestor that exists.
    pub(crate) fn nearest_at(&self, path: &[&str]) -> Result<&Node, &Node> {
        let mut node = self;
        for key in path {
            node = node.child(key).ok_or(node)?;
        }
        Ok(node)
    }

    fn child(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Seq(items) => items.get(key.parse::<usize>().ok()?),
            _ => self.get(key),
        }
    }

    /// Remembers that this value was read into a [`Secret`](crate::Secret), so that it is never printed.
    pub(crate) fn mark_secret(&self) {
        self.secret.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_secret(&self) -> bool {
        self.secret.0.load(Ordering::Relaxed)
    }

    /// What the node is, for "expected …, found …".
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Int(_) => "an integer",
            Value::Float(_) if self.integer().is_some() => "an integer",
            Value::Float(_) => "a number",
            Value::Str(_) => "a string",
            Value::Seq(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// The kind with the value of a scalar, cut where it gets long.
    pub fn described(&self) -> String {
        let kind = self.kind();
        match (&self.value, self.text()) {
            (Value::Null | Value::Seq(_) | Value::Map(_), _) | (_, None) => kind.to_owned(),
            (_, Some(text)) => {
                let shown: String = text.chars().take(MAX_SHOWN).collect();
                let cut = if shown.len() < text.len() { "…" } else { "" };
                format!("{} `{shown}{cut}`", kind.trim_start_matches("an ").trim_start_matches("a "))
            }
        }
    }

    /// The integer that was written without quotes, also one beyond `i64`.
    pub(crate) fn integer(&self) -> Option<i128> {
        match self.value {
            Value::Int(integer) => Some(i128::from(integer)),
            Value::Float(_) => self.text.as_deref().and_then(|text| scalar::integer(text.trim())),
            _ => None,
        }
    }
}

/// How many characters of a value a message quotes.
const MAX_SHOWN: usize = 60;

/// Set while a node is read, which borrows it shared. Copies of a node share it: what one of them turns out to be, the
/// others are too.
#[derive(Clone, Default)]
pub(crate) struct SecretMark(Arc<AtomicBool>);
