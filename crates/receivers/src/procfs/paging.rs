//! Swap and page faults, from `/proc/swaps` (proc_swaps(5)) and `/proc/vmstat`.

use super::{
    config::PagingConfig,
    mounts::unescaped,
    scrape::Scraper,
    sink::{Metric, Shape, Sink},
    source::Source,
    text,
    trouble::{Trouble, Troubles},
};

const SCOPE: &str = "weir/procfs/paging";
const USAGE: Metric = Metric::new(SCOPE, "system.paging.usage", "By", Shape::UpDown);
const UTILIZATION: Metric = Metric::new(SCOPE, "system.paging.utilization", "1", Shape::Gauge);
const OPERATIONS: Metric = Metric::new(SCOPE, "system.paging.operations", "{operations}", Shape::Counter);
const FAULTS: Metric = Metric::new(SCOPE, "system.paging.faults", "{faults}", Shape::Counter);

/// A device or file that memory is swapped to; the name is escaped as the kernel does it. Bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SwapLine<'a> {
    pub(super) device: &'a [u8],
    pub(super) size: u64,
    pub(super) used: u64,
}

/// What is swapped to. The first line holds the names of the columns.
pub(super) fn swaps(swaps: &[u8]) -> impl Iterator<Item = SwapLine<'_>> {
    text::lines(swaps).skip(1).filter_map(|line| {
        let mut words = text::words(line);
        let (device, _kind) = (words.next()?, words.next()?);
        let [size, used] = text::numbers(&mut words)?.map(|kibibytes: u64| kibibytes.saturating_mul(1024));
        Some(SwapLine { device, size, used: used.min(size) })
    })
}

/// Counts since boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct VmStat {
    /// Kibibytes read from disks, and written to them.
    pub(super) paged: [u64; 2],
    /// Pages swapped in, and out.
    pub(super) swapped: [u64; 2],
    /// All faults, those that needed a disk among them.
    pub(super) faults: u64,
    pub(super) major_faults: u64,
}

impl VmStat {
    /// Reads the file; `None` without any fault in it.
    pub(super) fn parse(vmstat: &[u8]) -> Option<Self> {
        let (mut stat, mut faults) = (Self::default(), None);
        for line in text::lines(vmstat) {
            let mut words = text::words(line);
            let Some(name) = words.next() else { continue };
            let slot = match name {
                b"pgpgin" => &mut stat.paged[0],
                b"pgpgout" => &mut stat.paged[1],
                b"pswpin" => &mut stat.swapped[0],
                b"pswpout" => &mut stat.swapped[1],
                b"pgfault" => faults.insert(0),
                b"pgmajfault" => &mut stat.major_faults,
                _ => continue,
            };
            *slot = text::number(words.next()?)?;
        }
        Some(Self { faults: faults?, ..stat })
    }

    /// Faults that needed no disk. The kernel adds two counters of many CPUs up one after the other: the sum may be behind.
    pub(super) fn minor_faults(&self) -> u64 {
        self.faults.saturating_sub(self.major_faults)
    }
}

/// Reports swap and page faults.
#[derive(Debug)]
pub(super) struct Paging {
    config: PagingConfig,
    swaps: Source,
    vmstat: Source,
}

impl Paging {
    pub(super) fn new(config: PagingConfig, swaps: Source, vmstat: Source) -> Self {
        Self { config, swaps, vmstat }
    }

    fn put_usage(&mut self, sink: &mut Sink<'_>) -> Result<(), Trouble> {
        let metrics = &self.config.metrics;
        if !metrics.usage.enabled && !metrics.utilization.enabled {
            return Ok(());
        }
        for swap in swaps(self.swaps.read()?.bytes) {
            let plain;
            // Nearly every name is written as it is.
            let device = if swap.device.contains(&b'\\') {
                plain = unescaped(swap.device);
                &plain
            } else {
                swap.device
            };
            for (state, bytes) in [("used", swap.used), ("free", swap.size - swap.used)] {
                let attributes = [("device", device), ("state", state.as_bytes())];
                if metrics.usage.enabled {
                    sink.put_int(&USAGE, &attributes, bytes);
                }
                if metrics.utilization.enabled && swap.size > 0 {
                    sink.put_double(&UTILIZATION, &attributes, bytes as f64 / swap.size as f64);
                }
            }
        }
        Ok(())
    }

    fn put_counts(&mut self, sink: &mut Sink<'_>) -> Result<(), Trouble> {
        let metrics = &self.config.metrics;
        if !metrics.operations.enabled && !metrics.faults.enabled {
            return Ok(());
        }
        let file = self.vmstat.read()?;
        let stat = VmStat::parse(file.bytes).ok_or_else(|| file.holds_no("page faults (pgfault)"))?;
        if metrics.operations.enabled {
            for (kind, counts) in [("major", stat.swapped), ("minor", stat.paged)] {
                for (direction, count) in ["page_in", "page_out"].into_iter().zip(counts) {
                    let attributes = [("direction", direction.as_bytes()), ("type", kind.as_bytes())];
                    sink.put_int(&OPERATIONS, &attributes, count);
                }
            }
        }
        if metrics.faults.enabled {
            for (kind, count) in [("major", stat.major_faults), ("minor", stat.minor_faults())] {
                sink.put_int(&FAULTS, &[("type", kind.as_bytes())], count);
            }
        }
        Ok(())
    }
}

impl Scraper for Paging {
    fn scrape(&mut self, sink: &mut Sink<'_>, troubles: &mut Troubles) -> Result<(), Trouble> {
        if let Err(trouble) = self.put_usage(sink) {
            troubles.report(trouble);
        }
        self.put_counts(sink)
    }
}
