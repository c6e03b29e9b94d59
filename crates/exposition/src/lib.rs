//! Prometheus's exposition formats, read as they come in and written: text 0.0.4 and 1.0.0, OpenMetrics 0.0.1 and 1.0, protobuf.
//!
//! It knows bytes, names and values. It knows no series, no clock and no network.
//!
//! # Layout
//! - [`format`]: which formats there are, and their content types.

pub mod format;

pub use format::Format;
