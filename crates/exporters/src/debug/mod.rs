//! Exporter `debug`: writes what arrives to standard output, in words.
//!
//! `basic` writes a line a batch, `normal` a line a point, `detailed` every point with its resource, scope, attributes
//! and times. Every point counts as delivered.

mod config;
mod text;

use std::io::Write;

use async_trait::async_trait;
use weir_core::{ComponentError, Context, Exporter, ExporterFactory, Inbox, Reason, Verdict};

pub use config::{Config, Verbosity};

/// Standard output is closed.
pub const OUTPUT_CLOSED: Reason = Reason("output_closed");

/// Makes `debug` exporters.
#[derive(Debug)]
pub struct Factory;

impl weir_core::Factory for Factory {
    type Config = Config;
    const TYPE: &'static str = "debug";
    const ALIASES: &'static [&'static str] = &["logging"];
    const SUMMARY: &'static str = "writes what arrives to standard output";
}

impl ExporterFactory for Factory {
    fn build(config: Config, context: Context) -> Box<dyn Exporter> {
        Box::new(Debug { config, context, writer: Box::new(std::io::stdout()) })
    }
}

struct Debug {
    config: Config,
    context: Context,
    writer: Box<dyn Write + Send>,
}

#[async_trait]
impl Exporter for Debug {
    async fn run(mut self: Box<Self>, mut inbox: Inbox) -> Result<(), ComponentError> {
        while let Some(mut delivery) = inbox.recv().await {
            // What is lost here is counted here: a sender that tried again would count twice on every other branch (R11).
            delivery.ack.take_custody();
            let text = text::batch(&delivery.batch, &self.context, self.config.verbosity);
            let points = delivery.batch.points();
            let mut write = || self.writer.write_all(text.as_bytes()).and_then(|()| self.writer.flush());
            match write() {
                Ok(()) => {
                    self.context.ledger.pass(points);
                    self.context.status.succeeded();
                    delivery.ack.settle(Verdict::Delivered);
                }
                Err(error) => {
                    self.context.ledger.drop_points(OUTPUT_CLOSED, points);
                    self.context.status.failed(&error);
                    delivery.ack.settle(Verdict::Lost(OUTPUT_CLOSED));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
