//! From sources to one tree: read, parse, merge, `--set`, substitute.

use crate::merge::merge;
use crate::parse::{self, MAX_NODES};
use crate::substitute::substitute;
use crate::{Diagnostics, Env, Node, Source, SourceMap, Value, set};

/// A configuration: the merged and substituted tree, and every text that it was made of.
#[derive(Clone, Debug)]
pub struct Document {
    root: Node,
    sources: SourceMap,
    is_complete: bool,
}

impl Document {
    /// The whole configuration: a map, or null when there is none.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The texts that the spans point into.
    pub fn sources(&self) -> &SourceMap {
        &self.sources
    }

    /// Whether every source could be read to its end. When not, what is missing in the tree may stand in a source
    /// that is broken, so that "missing" and "not defined" would be guesses.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }
}

/// Reads the sources in order, later ones over earlier ones, then applies each `--set a.b.c=value`, then replaces
/// every `${…}`. It never fails: what is wrong goes into `diags`, and the document is what could be read.
///
/// Replacing comes last, so a value that a later source overrides needs none of its variables.
pub fn load(sources: &[Source], sets: &[String], env: &Env, diags: &mut Diagnostics) -> Document {
    let mut texts = SourceMap::default();
    let mut nodes_left = MAX_NODES;
    let mut root: Option<Node> = None;
    let mut is_complete = true;
    for source in sources {
        let Some(ids) = texts.read(source, diags) else {
            is_complete = false;
            continue;
        };
        for id in ids {
            let Some(node) = parse::parse(id, texts.text(id), 0, &mut nodes_left, diags) else {
                is_complete = false;
                continue;
            };
            match node.value {
                Value::Null => root = root.or(Some(node)),
                Value::Map(_) => {
                    root = Some(match root.take() {
                        Some(earlier) => merge(earlier, node, diags),
                        None => node,
                    });
                }
                _ => {
                    let message = format!("expected a map of keys, found {}", node.described());
                    diags.error(node.span, message).help("write `key: value`, with a space behind the colon");
                    is_complete = false;
                }
            }
        }
    }
    let mut root = root.unwrap_or_else(|| {
        let none = texts.add("(no configuration)", "");
        Node::new(Value::Null, crate::Span::new(none, 0..0))
    });
    for text in sets {
        root = set::apply(root, text, &mut texts, &mut nodes_left, diags);
    }
    let root = substitute(root, &texts, env, &mut nodes_left, diags);
    Document { root, sources: texts, is_complete }
}
