//! `prometheus`: scrapes targets that expose metrics in one of Prometheus's formats.

pub mod ingest;
pub mod relabel;
