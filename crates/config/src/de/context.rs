//! What the passes over one node have found, and what the next one leaves out.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use super::error::Error;
use crate::{Diagnostics, Node, Span, Value, nearest};

/// Shared by every deserializer of one [`from_node`](super::from_node). Nodes are known by their address: the tree is
/// borrowed for as long as this lives.
#[derive(Default)]
pub(super) struct Context {
    found: RefCell<Diagnostics>,
    recorded: RefCell<HashSet<(Span, String)>>,
    set_aside: RefCell<HashSet<*const Node>>,
    stand_ins: RefCell<HashMap<*const Node, Vec<&'static str>>>,
    has_stand_ins: Cell<bool>,
    changes: Cell<usize>,
}

impl Context {
    /// Grows when the next pass will read something else.
    pub(super) fn changes(&self) -> usize {
        self.changes.get()
    }

    /// Reports an error, once.
    pub(super) fn record(&self, span: Span, message: String) {
        self.record_with(span, message, None);
    }

    pub(super) fn record_with(&self, span: Span, message: String, help: Option<String>) {
        let message = shortened(message);
        if self.recorded.borrow_mut().insert((span, message.clone())) {
            let mut found = self.found.borrow_mut();
            let error = found.error(span, message);
            if let Some(help) = help {
                error.help(shortened(help));
            }
        }
    }

    /// Leaves the node out of every later pass.
    pub(super) fn set_aside(&self, node: &Node) {
        if self.set_aside.borrow_mut().insert(std::ptr::from_ref(node)) {
            self.changes.set(self.changes.get() + 1);
        }
    }

    /// Whether the node is read as if it were not there.
    pub(super) fn is_set_aside(&self, node: &Node) -> bool {
        node.is_broken || self.set_aside.borrow().contains(&std::ptr::from_ref(node))
    }

    /// Whether the node or something in it is left out or stood in for.
    pub(super) fn is_tainted(&self, node: &Node) -> bool {
        let is_stood_in = || self.stand_ins.borrow().contains_key(&std::ptr::from_ref(node));
        self.is_set_aside(node)
            || is_stood_in()
            || match &node.value {
                Value::Map(entries) => entries.iter().any(|entry| self.is_tainted(&entry.value)),
                Value::Seq(items) => items.iter().any(|item| self.is_tainted(item)),
                _ => false,
            }
    }

    /// Reports the keys that a struct does not know.
    pub(super) fn report_unknown(&self, node: &Node, known: &[&'static str]) {
        for entry in node.entries().iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let help = match nearest(&entry.key, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => "there are no keys here".to_owned(),
                None => format!("the keys here are {}", list(known)),
            };
            self.record_with(entry.key_span, format!("unknown key `{}`", entry.key), Some(help));
        }
    }

    /// Reports a required key that is missing, or that was left empty, and stands in for it from now on.
    pub(super) fn missing(&self, node: &Node, key: &'static str) -> Error {
        match node.entry(key) {
            Some(entry) if entry.value.is_null() && !entry.value.is_broken => {
                self.record(entry.key_span, format!("key `{key}` has no value"));
            }
            Some(_) => {}
            None => self.record(node.named_by(), format!("missing key `{key}`")),
        }
        let mut stand_ins = self.stand_ins.borrow_mut();
        let keys = stand_ins.entry(std::ptr::from_ref(node)).or_default();
        if keys.contains(&key) {
            self.set_aside(node);
        } else {
            keys.push(key);
            self.stand_in();
            self.changes.set(self.changes.get() + 1);
        }
        Error::Recorded
    }

    /// The keys of the node that are stood in for.
    pub(super) fn stand_ins_of(&self, node: &Node) -> Vec<&'static str> {
        self.stand_ins.borrow().get(&std::ptr::from_ref(node)).cloned().unwrap_or_default()
    }

    /// Notes that what is read is partly made up.
    pub(super) fn stand_in(&self) {
        self.has_stand_ins.set(true);
    }

    pub(super) fn has_stand_ins(&self) -> bool {
        self.has_stand_ins.get()
    }

    /// Never shows the source text of the node.
    pub(super) fn hide(&self, node: &Node) {
        self.found.borrow_mut().hide(node.span);
    }

    /// Reading failed: if nothing was said so far, says why.
    pub(super) fn record_if_silent(&self, node: &Node, error: Error) {
        let is_silent = !self.found.borrow().has_errors() && !node.is_broken;
        if is_silent {
            self.record(node.span, error.to_string());
        }
    }

    /// Hands over what was found.
    pub(super) fn report_to(self, diags: &mut Diagnostics) {
        diags.extend(self.found.into_inner());
    }
}

/// A message without the end of a value that was never meant to be read by people.
fn shortened(message: String) -> String {
    match message.char_indices().nth(MAX_MESSAGE) {
        Some((cut, _)) => format!("{}…", &message[..cut]),
        None => message,
    }
}

/// How many characters a message has at most.
const MAX_MESSAGE: usize = 300;

/// How many known keys a message lists.
const MAX_LISTED: usize = 12;

fn list(names: &[&str]) -> String {
    let listed: Vec<_> = names.iter().take(MAX_LISTED).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > MAX_LISTED { ", …" } else { "" };
    format!("{}{more}", listed.join(", "))
}
