//! Prometheus's exposition formats, read as they come in and written: text 0.0.4 and 1.0.0, OpenMetrics 0.0.1 and 1.0, protobuf.
//!
//! It knows bytes, names and values. It knows no series, no clock and no network. What it reads may come in any pieces: it holds one
//! line, or one metric of protobuf, and never the body.
//!
//! # Layout
//! - [`mod@format`]: which formats there are, and their content types.
//! - [`family`]: the types of metric families, and which samples belong to each.
//! - [`lines`]: from pieces to lines; [`text`]: from a line to what it says; [`number`]: values and timestamps in text.
//! - [`protobuf`]: from pieces to metrics, in the protobuf format.
//! - [`render`]: from families and samples to text.
//! - [`strict`]: what an OpenMetrics body must be beyond its single lines.
//! - [`fault`]: what can be wrong.

pub mod family;
pub mod fault;
pub mod format;
pub mod lines;
pub mod number;
pub mod protobuf;
pub mod render;
pub mod strict;
pub mod text;

pub use family::FamilyType;
pub use fault::Fault;
pub use format::Format;
