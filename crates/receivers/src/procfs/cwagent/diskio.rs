//! The plugin `diskio`, from `/proc/diskstats`.

use std::path::Path;

use weir_core::{Number, UnixNanos};

use super::{
    config::DeviceSection,
    last::{Last, added},
    measure::{BYTES, COUNT, Chosen, MILLISECONDS, Measure, gauge, increment, whole},
};
use crate::procfs::{
    disk::{DiskLine, disks},
    filter::Filter,
    scrape::{Scraper, proc},
    sink::Sink,
    source::Source,
    trouble::{Trouble, Troubles},
};

pub(super) const MEASURES: &[Measure<Reading>] = &[
    increment("diskio_io_time", MILLISECONDS, |disk| disk.added(BUSY)),
    gauge("diskio_iops_in_progress", COUNT, |disk| whole(disk.in_progress)),
    increment("diskio_read_bytes", BYTES, |disk| disk.added(READ_BYTES)),
    increment("diskio_read_time", MILLISECONDS, |disk| disk.added(READ_TIME)),
    increment("diskio_reads", COUNT, |disk| disk.added(READS)),
    increment("diskio_write_bytes", BYTES, |disk| disk.added(WRITTEN_BYTES)),
    increment("diskio_write_time", MILLISECONDS, |disk| disk.added(WRITE_TIME)),
    increment("diskio_writes", COUNT, |disk| disk.added(WRITES)),
];

const BUSY: usize = 0;
const READ_BYTES: usize = 1;
const READ_TIME: usize = 2;
const READS: usize = 3;
const WRITTEN_BYTES: usize = 4;
const WRITE_TIME: usize = 5;
const WRITES: usize = 6;

/// The counters of a device, as the constants above number them.
fn counters(disk: &DiskLine<'_>) -> [u64; 7] {
    let (read, written) = (disk.read, disk.written);
    [
        disk.busy_milliseconds,
        read.bytes,
        read.milliseconds,
        read.operations,
        written.bytes,
        written.milliseconds,
        written.operations,
    ]
}

/// What is known of a device.
#[derive(Debug)]
pub(super) struct Reading {
    in_progress: u64,
    /// Since the round before.
    added: Option<[u64; 7]>,
}

impl Reading {
    fn added(&self, counter: usize) -> Option<Number> {
        whole(self.added?[counter])
    }
}

/// Reports block devices.
#[derive(Debug)]
pub(super) struct DiskIo {
    chosen: Chosen<Reading>,
    filter: Filter,
    diskstats: Source,
    last: Last<7>,
}

impl DiskIo {
    pub(super) fn new(config: &DeviceSection, root: &Path) -> Result<Self, regex::Error> {
        Ok(Self {
            chosen: Chosen::new(MEASURES, &config.measurement),
            filter: config.filter()?,
            diskstats: proc(root, "diskstats"),
            last: Last::default(),
        })
    }
}

impl Scraper for DiskIo {
    fn scrape(&mut self, sink: &mut Sink<'_>, _: &mut Troubles) -> Result<(), Trouble> {
        let diskstats = self.diskstats.read()?;
        for disk in disks(diskstats.bytes).filter(|disk| self.filter.passes(disk.name)) {
            if has_done_nothing(&disk) {
                continue;
            }
            let counts = counters(&disk);
            let before = self.last.replace(disk.name, counts, sink.now);
            let since = before.map_or(UnixNanos(0), |(time, _)| time);
            let increments = |before: [u64; 7]| std::array::from_fn(|at| added(before[at], counts[at]));
            let reading =
                Reading { in_progress: disk.pending, added: before.map(|(_, before)| increments(before)) };
            self.chosen.put(&reading, &[("name", disk.name)], since, sink);
        }
        self.last.end_round();
        Ok(())
    }
}

/// Loop and RAM disks that nobody uses, mostly.
fn has_done_nothing(disk: &DiskLine<'_>) -> bool {
    counters(disk) == [0; 7]
        && [disk.pending, disk.weighted_milliseconds, disk.read.merged, disk.written.merged] == [0; 4]
}
