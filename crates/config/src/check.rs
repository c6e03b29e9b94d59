//! What a type cannot say: ranges, choices that exclude each other, names that must exist.

use crate::{Diagnostic, Diagnostics, Node, Span};

/// Reports findings about a part of the configuration by the path of the value.
///
/// An error about a value that already has one is left out: its type was wrong, so what stands in its place is a
/// default, and a complaint about that would only confuse.
#[derive(Debug)]
pub struct Check<'a> {
    node: &'a Node,
    diags: &'a mut Diagnostics,
}

impl<'a> Check<'a> {
    /// Checks the part below `node`; paths begin there.
    pub fn new(node: &'a Node, diags: &'a mut Diagnostics) -> Self {
        Self { node, diags }
    }

    /// The part that is checked.
    pub fn node(&self) -> &'a Node {
        self.node
    }

    /// Reports an error at the value that the path leads to; when there is none, at the key of its nearest ancestor.
    pub fn error(&mut self, path: &[&str], message: impl Into<String>) {
        self.add_error(path, message.into());
    }

    /// An [`error`](Self::error) with the way out.
    pub fn error_with(&mut self, path: &[&str], message: impl Into<String>, help: impl AsRef<str>) {
        if let Some(error) = self.add_error(path, message.into()) {
            error.help(help);
        }
    }

    /// Reports a warning at the place that [`error`](Self::error) would choose.
    pub fn warn(&mut self, path: &[&str], message: impl Into<String>) {
        let span = self.span(path);
        self.diags.warning(span, message);
    }

    /// A [`warn`](Self::warn) with the way out.
    pub fn warn_with(&mut self, path: &[&str], message: impl Into<String>, help: impl AsRef<str>) {
        let span = self.span(path);
        self.diags.warning(span, message).help(help);
    }

    /// Says more of a key that is unknown here and known to the Collector, if it is written: `why` it is not taken, and what to do
    /// `instead`.
    pub fn not_taken(&mut self, path: &[&str], why: &str, instead: &str) {
        let (Some(node), Some(key)) = (self.node.at(path), path.last()) else { return };
        let message = format!("`{key}` is not taken: {why}");
        self.diags.error_instead(node.named_by(), message).help(instead);
    }

    /// Reports an error at the key that the path ends with, which is what is wrong, with the way out.
    pub fn misnamed(&mut self, path: &[&str], message: impl Into<String>, help: impl AsRef<str>) {
        let Some(node) = self.node.at(path) else { return self.error_with(path, message, help) };
        if !self.diags.has_error_at(node.named_by()) {
            self.diags.error(node.named_by(), message).help(help);
        }
    }

    /// Checks the part that the path leads to; `None` when it is not written.
    pub fn within(&mut self, path: &[&str]) -> Option<Check<'_>> {
        let node = self.node.at(path)?;
        Some(Check { node, diags: self.diags })
    }

    /// The span of the value at the path, or of the key of its nearest ancestor.
    pub fn span(&self, path: &[&str]) -> Span {
        match self.node.nearest_at(path) {
            Ok(node) => node.span,
            Err(ancestor) => ancestor.named_by(),
        }
    }

    fn add_error(&mut self, path: &[&str], message: String) -> Option<&mut Diagnostic> {
        let is_known =
            self.node.at(path).is_some_and(|node| node.is_broken || self.diags.has_error_at(node.span));
        let span = self.span(path);
        (!is_known).then(|| self.diags.error(span, message))
    }
}
