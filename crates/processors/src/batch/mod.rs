//! `batch`: gathers small batches into ones of a useful size, and cuts those that are too large.
//!
//! Points are held until there are `send_batch_size` of them, or until the oldest has waited for `timeout`, whichever comes first;
//! never longer. With `send_batch_max_size` or `max_bytes` what goes on is cut into pieces within these limits (one point goes on
//! whatever its size). As many points go out as came in, each unchanged (`gather`, `cut`).
//!
//! With `window` one point a series goes on for each window, aligned to the wall clock (`window`, `cells`; `statistics` of gauges):
//! deltas are added up, histograms merged, of all else the last point stands for all. `docs/components/batch.md` has an example that a
//! test runs.
//!
//! Without a window, and unlike the Collector's, it does not answer for points that it only holds: a receiver that waits for its points
//! to be accepted waits for the exporter's queue behind this stage. A window is a custodian (R10). Held points are shown in the ledger,
//! and a drain sends them on.
mod cells;
mod config;
mod cut;
mod gather;
mod statistics;
mod window;

use weir_core::{Context, Factory, Processor, ProcessorFactory, State};
use weir_window::Period;

pub use config::{Config, GaugeStatistic};
use cut::Limits;

/// Makes `batch` processors.
#[derive(Clone, Copy, Debug)]
pub struct Batching;

impl Factory for Batching {
    type Config = Config;
    const TYPE: &'static str = "batch";
    const SUMMARY: &'static str =
        "gathers points into batches of a useful size, or into one a series and window";
}

impl ProcessorFactory for Batching {
    fn build(config: Config, context: Context, _prior: Option<State>) -> Box<dyn Processor> {
        let limit = |value: u64| if value == 0 { u64::MAX } else { value };
        let limits = Limits { points: limit(config.send_batch_max_size), bytes: limit(config.max_bytes.0) };
        // `check` has seen that it is a period.
        match config.window.and_then(|window| Period::new(window.0).ok()) {
            Some(period) => {
                Box::new(window::Windower::new(period, &config.gauge_statistics, limits, context))
            }
            None => Box::new(gather::Gatherer::new(&config, limits, context.clock)),
        }
    }
}

#[cfg(test)]
mod tests;
