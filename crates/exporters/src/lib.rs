//! Where points leave Weir.
//!
//! # Layout
//! - [`cloudwatch`]: windows of a period, one datum a series, `PutMetricData`;
//! - [`debug`]: points in words, on standard output;
//! - [`mod@file`]: points as lines of OTLP/JSON;
//! - [`prometheus`]: the newest value of every series, for Prometheus's scrapes;
//! - `sending`: what exporters that talk to a service share: a queue bounded in bytes, back-off, quiet logs.

pub mod cloudwatch;
pub mod debug;
pub mod file;
pub mod prometheus;
mod sending;

use weir_core::Component;

/// The exporters that there are.
pub fn registry() -> Vec<Component> {
    vec![
        Component::exporter::<cloudwatch::Factory>(),
        Component::exporter::<debug::Factory>(),
        Component::exporter::<file::Factory>(),
        Component::exporter::<prometheus::Factory>(),
    ]
}
