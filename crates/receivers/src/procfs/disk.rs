//! Disks, from `/proc/diskstats` (the kernel's Documentation/admin-guide/iostats.rst).

use super::{
    config::{DiskConfig, DiskMetrics},
    filter::Filter,
    scrape::Scraper,
    sink::{Metric, Shape, Sink},
    source::Source,
    text,
    trouble::{Trouble, Troubles},
};

const SCOPE: &str = "weir/procfs/disk";
const IO: Metric = Metric::new(SCOPE, "system.disk.io", "By", Shape::Counter);
const OPERATIONS: Metric = Metric::new(SCOPE, "system.disk.operations", "{operations}", Shape::Counter);
const IO_TIME: Metric = Metric::new(SCOPE, "system.disk.io_time", "s", Shape::Counter);
const OPERATION_TIME: Metric = Metric::new(SCOPE, "system.disk.operation_time", "s", Shape::Counter);
const MERGED: Metric = Metric::new(SCOPE, "system.disk.merged", "{operations}", Shape::Counter);
const WEIGHTED_IO_TIME: Metric = Metric::new(SCOPE, "system.disk.weighted_io_time", "s", Shape::Counter);
const PENDING: Metric = Metric::new(SCOPE, "system.disk.pending_operations", "{operations}", Shape::UpDown);

/// The unit of `/proc/diskstats`, whatever the device's own sectors are.
const SECTOR_BYTES: u64 = 512;

/// What a device has done in one direction since boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Transfers {
    pub(super) operations: u64,
    pub(super) merged: u64,
    pub(super) bytes: u64,
    pub(super) milliseconds: u64,
}

/// A device's line of `/proc/diskstats`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DiskLine<'a> {
    pub(super) name: &'a [u8],
    pub(super) read: Transfers,
    pub(super) written: Transfers,
    pub(super) pending: u64,
    pub(super) busy_milliseconds: u64,
    pub(super) weighted_milliseconds: u64,
}

/// The devices. Lines have 14 columns before Linux 4.18, 18 since (discards), 20 since 5.5 (flushes); the first 14 are the same in all.
pub(super) fn disks(diskstats: &[u8]) -> impl Iterator<Item = DiskLine<'_>> {
    text::lines(diskstats).filter_map(disk)
}

fn disk(line: &[u8]) -> Option<DiskLine<'_>> {
    let mut words = text::words(line);
    let [_major, _minor] = text::numbers(&mut words)?;
    let name = words.next()?;
    let [read, written] = [transfers(&mut words)?, transfers(&mut words)?];
    let [pending, busy_milliseconds, weighted_milliseconds] = text::numbers(&mut words)?;
    Some(DiskLine { name, read, written, pending, busy_milliseconds, weighted_milliseconds })
}

fn transfers<'a>(words: &mut impl Iterator<Item = &'a [u8]>) -> Option<Transfers> {
    let [operations, merged, sectors, milliseconds] = text::numbers(words)?;
    Some(Transfers { operations, merged, bytes: sectors.saturating_mul(SECTOR_BYTES), milliseconds })
}

/// Reports disks.
#[derive(Debug)]
pub(super) struct Disk {
    metrics: DiskMetrics,
    filter: Filter,
    diskstats: Source,
}

impl Disk {
    pub(super) fn new(config: DiskConfig, diskstats: Source) -> Result<Self, regex::Error> {
        let filter = Filter::new(config.include.names(), config.exclude.names())?;
        Ok(Self { metrics: config.metrics, filter, diskstats })
    }
}

impl Scraper for Disk {
    fn scrape(&mut self, sink: &mut Sink<'_>, _: &mut Troubles) -> Result<(), Trouble> {
        let diskstats = self.diskstats.read()?;
        for disk in disks(diskstats.bytes).filter(|disk| self.filter.passes(disk.name)) {
            put(&self.metrics, &disk, sink);
        }
        Ok(())
    }
}

fn put(metrics: &DiskMetrics, disk: &DiskLine<'_>, sink: &mut Sink<'_>) {
    let device = ("device", disk.name);
    for (direction, transfers) in [("read", disk.read), ("write", disk.written)] {
        let attributes = [device, ("direction", direction.as_bytes())];
        if metrics.io.enabled {
            sink.put_int(&IO, &attributes, transfers.bytes);
        }
        if metrics.operations.enabled {
            sink.put_int(&OPERATIONS, &attributes, transfers.operations);
        }
        if metrics.operation_time.enabled {
            sink.put_double(&OPERATION_TIME, &attributes, seconds(transfers.milliseconds));
        }
        if metrics.merged.enabled {
            sink.put_int(&MERGED, &attributes, transfers.merged);
        }
    }
    if metrics.io_time.enabled {
        sink.put_double(&IO_TIME, &[device], seconds(disk.busy_milliseconds));
    }
    if metrics.weighted_io_time.enabled {
        sink.put_double(&WEIGHTED_IO_TIME, &[device], seconds(disk.weighted_milliseconds));
    }
    if metrics.pending_operations.enabled {
        sink.put_int(&PENDING, &[device], disk.pending);
    }
}

fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}
