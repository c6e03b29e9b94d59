//! `prometheus`: scrapes targets that expose metrics in one of Prometheus's formats.

#[allow(dead_code, unused_imports, reason = "the receiver comes next")]
pub mod config;
#[allow(dead_code, reason = "the receiver comes next")]
mod files;
pub mod ingest;
pub mod relabel;
