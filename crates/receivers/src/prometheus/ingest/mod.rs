//! From the body of a scrape to points: each line of a target is resolved to its series and its role there, once (R5).
//!
//! A [`Target`] knows what its lines stand for. A scrape borrows it as a [`Body`], which is fed with the bytes as they come, and
//! finished, or given up. Points leave at the end, all of them or, where the scrape fails, none but markers of staleness: as in
//! Prometheus a scrape is one transaction. What it holds meanwhile are the points (40 bytes a number), never the body.
//!
//! # Layout
//! - [`labels`](Labels): labels, sorted; `settings`: what a scrape configuration says about its samples; `reasons`: why samples are refused;
//! - `target`: a target between its scrapes. It has `families` (what metadata says), `known` (what its lines stand for), `table` (its
//!   series), `presence` (which of them are live), `assembly` (histograms and summaries, which come in many lines), `naming` (from labels to series) with `units`;
//! - `body`: a scrape under way: `text` (lines), `protobuf` (metrics) and `native` (their native histograms), `sample` (what is done with a sample), `points` (where points are put), `ending`, `reports` (what is said about the target);
//! - `scraped`: what came of it.

mod assembly;
mod body;
mod ending;
mod families;
mod forgotten;
mod known;
mod labels;
mod naming;
mod native;
mod points;
mod presence;
mod protobuf;
pub mod reasons;
mod reports;
mod sample;
mod scraped;
mod settings;
mod table;
mod target;
mod text;
mod units;

pub use body::Body;
pub use labels::{Labels, NAME};
pub use scraped::{Failure, Scraped};
pub use settings::{Limits, Settings};
pub use target::{Identity, Target};

#[cfg(test)]
mod tests;
