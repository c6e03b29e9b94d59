//! Load averages, from `/proc/loadavg`.

use super::{
    config::LoadConfig,
    cpu,
    scrape::Scraper,
    sink::{Metric, Shape, Sink},
    source::Source,
    text,
    trouble::{Trouble, Troubles},
};

const SCOPE: &str = "weir/procfs/load";
const ONE: Metric = Metric::new(SCOPE, "system.cpu.load_average.1m", "{thread}", Shape::Gauge);
const FIVE: Metric = Metric::new(SCOPE, "system.cpu.load_average.5m", "{thread}", Shape::Gauge);
const FIFTEEN: Metric = Metric::new(SCOPE, "system.cpu.load_average.15m", "{thread}", Shape::Gauge);

/// The averages over 1, 5 and 15 minutes.
pub(super) fn averages(loadavg: &[u8]) -> Option<[f64; 3]> {
    let mut words = text::words(text::lines(loadavg).next()?);
    let mut next = || text::decimal(words.next()?);
    Some([next()?, next()?, next()?])
}

/// Reports load averages.
#[derive(Debug)]
pub(super) struct Load {
    config: LoadConfig,
    loadavg: Source,
    /// Read for the number of CPUs, if the averages are per CPU.
    stat: Source,
}

impl Load {
    pub(super) fn new(config: LoadConfig, loadavg: Source, stat: Source) -> Self {
        Self { config, loadavg, stat }
    }

    /// By what the averages are divided.
    fn divisor(&mut self) -> Result<f64, Trouble> {
        if !self.config.cpu_average {
            return Ok(1.0);
        }
        let stat = self.stat.read()?;
        match cpu::cpus(stat.bytes).count() {
            0 => Err(stat.holds_no("line of a CPU")),
            cpus => Ok(cpus as f64),
        }
    }
}

impl Scraper for Load {
    fn scrape(&mut self, sink: &mut Sink<'_>, _: &mut Troubles) -> Result<(), Trouble> {
        let divisor = self.divisor()?;
        let loadavg = self.loadavg.read()?;
        let averages = averages(loadavg.bytes).ok_or_else(|| loadavg.holds_no("load averages"))?;
        let metrics = &self.config.metrics;
        let switches = [metrics.one_minute, metrics.five_minutes, metrics.fifteen_minutes];
        for ((metric, switch), average) in [&ONE, &FIVE, &FIFTEEN].into_iter().zip(switches).zip(averages) {
            if switch.enabled {
                sink.put_double(metric, &[], average / divisor);
            }
        }
        Ok(())
    }
}
