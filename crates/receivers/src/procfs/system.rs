//! For how long the machine has been up, from `/proc/uptime`.

use super::{
    config::SystemConfig,
    scrape::Scraper,
    sink::{Metric, Shape, Sink},
    source::Source,
    text,
    trouble::{Trouble, Troubles},
};

const UPTIME: Metric = Metric::new("weir/procfs/system", "system.uptime", "s", Shape::Gauge);

/// Seconds since boot.
pub(super) fn uptime(text: &[u8]) -> Option<f64> {
    text::decimal(text::words(text::lines(text).next()?).next()?)
}

/// Reports the time since boot.
#[derive(Debug)]
pub(super) struct System {
    config: SystemConfig,
    uptime: Source,
}

impl System {
    pub(super) fn new(config: SystemConfig, uptime: Source) -> Self {
        Self { config, uptime }
    }
}

impl Scraper for System {
    fn scrape(&mut self, sink: &mut Sink<'_>, _: &mut Troubles) -> Result<(), Trouble> {
        if self.config.metrics.uptime.enabled {
            let file = self.uptime.read()?;
            let seconds = uptime(file.bytes).ok_or_else(|| file.holds_no("time since boot"))?;
            sink.put_double(&UPTIME, &[], seconds);
        }
        Ok(())
    }
}
