//! From the body of a scrape to points: each line of a target is resolved to its series and its role there, once (R5).
//!
//! A [`Target`] knows what its lines stand for. A scrape borrows it as a [`Body`], which is fed with the bytes as they come, and
//! finished, or given up. Points leave at the end, all of them or, where the scrape fails, none but markers of staleness: as in
//! Prometheus a scrape is one transaction.
//!
//! # Layout
//! - `labels`: labels, sorted; `settings`: what a scrape configuration says about its samples;
//! - `target`: a target between its scrapes; `body`: a scrape under way; `scraped`: what came of it.

mod body;
mod labels;
mod scraped;
mod settings;
mod target;

pub use body::Body;
pub use labels::{Labels, NAME};
pub use scraped::{Failure, Scraped};
pub use settings::{Limits, Settings};
pub use target::{Identity, Target};
