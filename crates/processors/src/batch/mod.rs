//! `batch`: gathers small batches into ones of a useful size, and cuts those that are too large.
//!
//! Points are held until there are `send_batch_size` of them, or until the oldest has waited for `timeout`, whichever comes first;
//! never longer. With `send_batch_max_size` or `max_bytes` what goes on is cut into pieces within these limits (one point goes on
//! whatever its size). Nothing is aggregated: as many points go out as came in, each unchanged.
//!
//! ```yaml
//! processors:
//!   batch:
//!     send_batch_size: 8192
//!     send_batch_max_size: 10000
//!     timeout: 200ms
//! ```
//!
//! Before: 100 requests of 100 points each within 50 ms. After: one batch of 8,200 points once the 82nd request is in, and one of
//! 1,800 points at most 200 ms after the 83rd.
//!
//! Unlike the Collector's, it does not answer for points that it only holds: a receiver that waits for its points to be accepted
//! waits for the exporter's queue behind this stage. Held points are shown in the ledger, and a drain sends them on.
//! The exporters of Weir gather by themselves; this stage pays where many small senders meet an expensive stage.
mod config;
mod cut;
mod gather;

use weir_core::{Context, Factory, Processor, ProcessorFactory, State};

pub use config::Config;

/// Makes `batch` processors.
#[derive(Clone, Copy, Debug)]
pub struct Batching;

impl Factory for Batching {
    type Config = Config;
    const TYPE: &'static str = "batch";
    const SUMMARY: &'static str = "gathers points into batches of a useful size";
}

impl ProcessorFactory for Batching {
    fn build(config: Config, context: Context, _prior: Option<State>) -> Box<dyn Processor> {
        Box::new(gather::Gatherer::new(config, context.clock))
    }
}

#[cfg(test)]
mod tests;
