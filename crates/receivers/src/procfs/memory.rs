//! Memory, from `/proc/meminfo`.

use super::{
    config::MemoryMetrics,
    scrape::Scraper,
    sink::{Metric, Shape, Sink},
    source::Source,
    text,
    trouble::{Trouble, Troubles},
};

const SCOPE: &str = "weir/procfs/memory";
const USAGE: Metric = Metric::new(SCOPE, "system.memory.usage", "By", Shape::UpDown);
const UTILIZATION: Metric = Metric::new(SCOPE, "system.memory.utilization", "1", Shape::Gauge);
const LIMIT: Metric = Metric::new(SCOPE, "system.memory.limit", "By", Shape::UpDown);
const PAGE_SIZE: Metric = Metric::new(SCOPE, "system.memory.page_size", "By", Shape::Gauge);
const AVAILABLE: Metric = Metric::new(SCOPE, "system.linux.memory.available", "By", Shape::UpDown);
const DIRTY: Metric = Metric::new(SCOPE, "system.linux.memory.dirty", "By", Shape::UpDown);

const SHARED: Metric = Metric::new(SCOPE, "system.memory.linux.shared", "By", Shape::UpDown);
const HUGE_LIMIT: Metric = Metric::new(SCOPE, "system.memory.linux.hugepages.limit", "{page}", Shape::UpDown);
const HUGE_PAGE_SIZE: Metric =
    Metric::new(SCOPE, "system.memory.linux.hugepages.page_size", "By", Shape::UpDown);
const HUGE_RESERVED: Metric =
    Metric::new(SCOPE, "system.memory.linux.hugepages.reserved", "{page}", Shape::UpDown);
const HUGE_SURPLUS: Metric =
    Metric::new(SCOPE, "system.memory.linux.hugepages.surplus", "{page}", Shape::UpDown);
const HUGE_USAGE: Metric = Metric::new(SCOPE, "system.memory.linux.hugepages.usage", "{page}", Shape::UpDown);
const HUGE_UTILIZATION: Metric =
    Metric::new(SCOPE, "system.memory.linux.hugepages.utilization", "1", Shape::Gauge);

/// What `/proc/meminfo` says, in bytes but for the numbers of huge pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MemInfo {
    pub(super) total: u64,
    pub(super) free: u64,
    /// Absent before Linux 3.14.
    pub(super) available: Option<u64>,
    pub(super) buffers: u64,
    /// The page cache alone, without reclaimable slabs.
    pub(super) page_cache: u64,
    pub(super) slab_reclaimable: u64,
    pub(super) slab_unreclaimable: u64,
    pub(super) dirty: u64,
    pub(super) active: u64,
    pub(super) inactive: u64,
    /// Memory of tmpfs and between processes.
    pub(super) shared: u64,
    pub(super) swap_total: u64,
    pub(super) swap_free: u64,
    /// Zero where the kernel is built without huge pages.
    pub(super) huge_pages: u64,
    pub(super) huge_free: u64,
    /// Of those that are free: promised to somebody.
    pub(super) huge_reserved: u64,
    /// Above the pool that was set up.
    pub(super) huge_surplus: u64,
    pub(super) huge_page_size: u64,
}

impl MemInfo {
    /// Reads the file; `None` without a total and what is free of it.
    pub(super) fn parse(meminfo: &[u8]) -> Option<Self> {
        let (mut info, mut total, mut free) = (Self::default(), None, None);
        for line in text::lines(meminfo) {
            let mut words = text::words(line);
            let Some(name) = words.next() else { continue };
            let slot = match name {
                b"MemTotal:" => total.insert(0),
                b"MemFree:" => free.insert(0),
                b"MemAvailable:" => info.available.insert(0),
                b"Buffers:" => &mut info.buffers,
                b"Cached:" => &mut info.page_cache,
                b"SReclaimable:" => &mut info.slab_reclaimable,
                b"SUnreclaim:" => &mut info.slab_unreclaimable,
                b"Dirty:" => &mut info.dirty,
                b"Active:" => &mut info.active,
                b"Inactive:" => &mut info.inactive,
                b"Shmem:" => &mut info.shared,
                b"SwapTotal:" => &mut info.swap_total,
                b"SwapFree:" => &mut info.swap_free,
                b"HugePages_Total:" => &mut info.huge_pages,
                b"HugePages_Free:" => &mut info.huge_free,
                b"HugePages_Rsvd:" => &mut info.huge_reserved,
                b"HugePages_Surp:" => &mut info.huge_surplus,
                b"Hugepagesize:" => &mut info.huge_page_size,
                _ => continue,
            };
            // A value that is no number spoils the whole: what is computed from it would be wrong.
            *slot = text::number(words.next()?)?;
            if words.next() == Some(b"kB") {
                *slot = slot.saturating_mul(1024);
            }
        }
        Some(Self { total: total.filter(|total| *total > 0)?, free: free?, ..info })
    }

    /// As the Collector has it: the page cache and reclaimable slabs.
    pub(super) fn cached(&self) -> u64 {
        self.page_cache.saturating_add(self.slab_reclaimable)
    }

    /// The kernel's estimate, or what came nearest before there was one.
    pub(super) fn available(&self) -> u64 {
        let estimate = || self.free.saturating_add(self.buffers).saturating_add(self.cached());
        self.available.unwrap_or_else(estimate).min(self.total)
    }

    /// By state, as the Collector names them.
    pub(super) fn states(&self) -> [(&'static str, u64); 6] {
        [
            ("used", self.total - self.available()),
            ("free", self.free),
            ("buffered", self.buffers),
            ("cached", self.cached()),
            ("slab_reclaimable", self.slab_reclaimable),
            ("slab_unreclaimable", self.slab_unreclaimable),
        ]
    }
}

/// Reports memory.
#[derive(Debug)]
pub(super) struct Memory {
    metrics: MemoryMetrics,
    meminfo: Source,
}

impl Memory {
    pub(super) fn new(metrics: MemoryMetrics, meminfo: Source) -> Self {
        Self { metrics, meminfo }
    }
}

impl Scraper for Memory {
    fn scrape(&mut self, sink: &mut Sink<'_>, _: &mut Troubles) -> Result<(), Trouble> {
        let meminfo = self.meminfo.read()?;
        let info = MemInfo::parse(meminfo.bytes).ok_or_else(|| meminfo.holds_no("memory figures"))?;
        let metrics = &self.metrics;
        for (state, bytes) in info.states() {
            let attributes = [("state", state.as_bytes())];
            if metrics.usage.enabled {
                sink.put_int(&USAGE, &attributes, bytes);
            }
            if metrics.utilization.enabled {
                sink.put_double(&UTILIZATION, &attributes, bytes as f64 / info.total as f64);
            }
        }
        let page_size = rustix::param::page_size() as u64;
        let singles = [
            (metrics.limit, &LIMIT, info.total),
            (metrics.page_size, &PAGE_SIZE, page_size),
            (metrics.available, &AVAILABLE, info.available()),
            (metrics.dirty, &DIRTY, info.dirty),
            (metrics.shared, &SHARED, info.shared),
            (metrics.huge_limit, &HUGE_LIMIT, info.huge_pages),
            (metrics.huge_page_size, &HUGE_PAGE_SIZE, info.huge_page_size),
            (metrics.huge_reserved, &HUGE_RESERVED, info.huge_reserved),
            (metrics.huge_surplus, &HUGE_SURPLUS, info.huge_surplus),
        ];
        for (_, metric, value) in singles.into_iter().filter(|(switch, ..)| switch.enabled) {
            sink.put_int(metric, &[], value);
        }
        put_huge_pages(metrics, &info, sink);
        Ok(())
    }
}

/// Huge pages by state; of none there is no share.
fn put_huge_pages(metrics: &MemoryMetrics, info: &MemInfo, sink: &mut Sink<'_>) {
    let used = info.huge_pages.saturating_sub(info.huge_free);
    for (state, pages) in [("free", info.huge_free), ("used", used)] {
        let attributes = [("system.memory.linux.hugepages.state", state.as_bytes())];
        if metrics.huge_usage.enabled {
            sink.put_int(&HUGE_USAGE, &attributes, pages);
        }
        if metrics.huge_utilization.enabled && info.huge_pages > 0 {
            sink.put_double(&HUGE_UTILIZATION, &attributes, pages as f64 / info.huge_pages as f64);
        }
    }
}
