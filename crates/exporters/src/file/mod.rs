//! Exporter `file`: writes what arrives to a file, a line of OTLP/JSON a batch, as the Collector's exporter of this name does.
//!
//! A batch is delivered when the system has taken its line; it is not waited for until a disk has. When a line cannot be written its
//! points are dropped as `write_failed`, and the next batch is tried anew.

mod config;
mod json;
mod rotate;

use std::sync::Arc;

use async_trait::async_trait;
use weir_core::{ComponentError, Context, Exporter, ExporterFactory, InHand, Inbox, Quiet, Reason, Verdict};

pub use config::{Config, Format, Rotation};

use rotate::Rotating;

/// The file could not be written: the disk is full, or it may not be.
pub const WRITE_FAILED: Reason = Reason("write_failed");

/// Makes `file` exporters.
#[derive(Debug)]
pub struct Factory;

impl weir_core::Factory for Factory {
    type Config = Config;
    const TYPE: &'static str = "file";
    const SUMMARY: &'static str = "writes what arrives to a file, as lines of OTLP/JSON";
}

impl ExporterFactory for Factory {
    fn build(config: Config, context: Context) -> Box<dyn Exporter> {
        Box::new(FileExporter { config, context, file: None })
    }
}

struct FileExporter {
    config: Config,
    context: Context,
    file: Option<Rotating>,
}

impl FileExporter {
    fn open(&self) -> Result<Rotating, ComponentError> {
        let path = self.config.path.display();
        Rotating::open(&self.config)
            .map_err(|error| ComponentError::Unavailable(format!("cannot open `{path}`: {error}")))
    }
}

#[async_trait]
impl Exporter for FileExporter {
    async fn start(&mut self) -> Result<(), ComponentError> {
        self.file = Some(self.open()?);
        Ok(())
    }

    async fn run(mut self: Box<Self>, mut inbox: Inbox) -> Result<(), ComponentError> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.open()?,
        };
        let Context { ledger, status, clock, interner, id, .. } = &self.context;
        let quiet = Quiet::default();
        while let Some(mut delivery) = inbox.recv().await {
            // What is lost here is counted here: a sender that tried again would count twice on every other branch (R11).
            delivery.ack.take_custody();
            let (points, batch, now) = (delivery.batch.points(), delivery.batch, clock.now());
            // Where the time to drain runs out while a disk is slow, the batch is counted as lost, though it may still be written.
            let mut in_hand = InHand::new(ledger, points);
            let interner = Arc::clone(interner);
            // A disk can be slow: not on a thread that others need.
            let written = tokio::task::spawn_blocking(move || {
                let written = file.write(json::line(&batch, &interner), now);
                (file, written)
            });
            let result;
            (file, result) = written.await.map_err(|error| ComponentError::Failed(error.to_string()))?;
            in_hand.less(points);
            match result {
                Ok(()) => {
                    ledger.pass(points);
                    status.succeeded();
                    delivery.ack.settle(Verdict::Delivered);
                }
                Err(error) => {
                    ledger.drop_points(WRITE_FAILED, points);
                    status.failed(&error);
                    if let Some(suppressed) = quiet.speak(now) {
                        tracing::error!(component = %id, points, suppressed, "lost: cannot write the file: {error}");
                    }
                    delivery.ack.settle(Verdict::Lost(WRITE_FAILED));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
