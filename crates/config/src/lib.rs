//! Configuration as text: from YAML files to typed values, with every mistake reported at its place.
//!
//! This crate knows nothing of pipelines or components. [`load()`] makes one [`Document`] of all sources, [`from_node`]
//! reads a part of it into a type, [`Check`] reports what a type cannot say, and [`Diagnostics`] holds what was wrong on
//! the whole way, so that one run shows all of it.
//!
//! # Layout
//! - `load`: the way from sources to a document, in order:
//!   - `source` reads files and folders, and says where a span is;
//!   - `parse` makes nodes of YAML (`scalar` decides what a plain scalar means; `node` is the tree);
//!   - `merge` lays later sources over earlier ones, `set` the `--set` values over all;
//!   - `substitute` replaces `${…}`, from `env` or files.
//! - `de`: from a node to a type, on past every mistake.
//! - `check`: what is wrong with values that have the right type.
//! - `types`: durations, byte sizes, secrets.
//! - `diagnostics`, `render`: what was found, and how it looks.
//! - `print`: a node as YAML again, without its secrets; `origin`: where a value came from.

mod check;
mod de;
mod diagnostics;
mod env;
mod load;
mod merge;
mod node;
mod origin;
mod parse;
mod print;
mod render;
mod scalar;
mod set;
mod source;
mod substitute;
mod types;

#[cfg(test)]
mod tests;

pub use check::Check;
pub use de::{from_node, present};
pub use diagnostics::{Diagnostic, Diagnostics, Severity, nearest};
pub use env::Env;
pub use load::{Document, load};
pub use node::{Entry, Node, Value};
pub use print::{annotated_yaml, looks_secret, to_yaml};
pub use source::{Source, SourceId, SourceMap, Span};
pub use types::{ByteSize, ByteSizeError, Duration, DurationError, Secret};
