//! `forward`: a connector that joins pipelines: what comes in goes out as it is.
//!
//! As an exporter of some pipelines and a receiver of others it gathers several sources into one pipeline, or gives one pipeline's
//! result to several. Batches are not copied: branches share them.
//!
//! ```yaml
//! connectors:
//!   forward:
//! service:
//!   pipelines:
//!     metrics/host: {receivers: [procfs], processors: [dimensions/host], exporters: [forward]}
//!     metrics/apps: {receivers: [otlp], exporters: [forward]}
//!     metrics/out: {receivers: [forward], processors: [delta], exporters: [cloudwatch]}
//! ```
mod config;

use weir_core::{Batch, Context, Factory, Out, Processor, ProcessorFactory, State};

pub use config::Config;

/// Makes `forward` connectors.
#[derive(Clone, Copy, Debug)]
pub struct Forward;

impl Factory for Forward {
    type Config = Config;
    const TYPE: &'static str = "forward";
    const SUMMARY: &'static str = "joins pipelines: what comes in goes out as it is";
}

impl ProcessorFactory for Forward {
    fn build(_config: Config, _context: Context, _prior: Option<State>) -> Box<dyn Processor> {
        Box::new(Self)
    }
}

impl Processor for Forward {
    fn process(&mut self, batch: Batch, out: &mut Out) {
        out.push(batch);
    }
}

#[cfg(test)]
mod tests;
