//! The plugins `mem` and `swap`, from `/proc/meminfo`.

use std::path::Path;

use weir_core::UnixNanos;

use super::{
    config::Section,
    measure::{BYTES, Chosen, Measure, PERCENT, gauge, percent, whole},
};
use crate::procfs::{
    memory::MemInfo,
    scrape::{Scraper, proc},
    sink::Sink,
    source::Source,
    trouble::{Trouble, Troubles},
};

pub(super) const MEASURES: &[Measure<MemInfo>] = &[
    gauge("mem_active", BYTES, |m| whole(m.active)),
    gauge("mem_available", BYTES, |m| whole(m.available())),
    gauge("mem_available_percent", PERCENT, |m| percent(m.available(), m.total)),
    gauge("mem_buffered", BYTES, |m| whole(m.buffers)),
    gauge("mem_cached", BYTES, |m| whole(m.cached())),
    gauge("mem_free", BYTES, |m| whole(m.free)),
    gauge("mem_inactive", BYTES, |m| whole(m.inactive)),
    gauge("mem_shared", BYTES, |m| whole(m.shared)),
    gauge("mem_total", BYTES, |m| whole(m.total)),
    gauge("mem_used", BYTES, |m| whole(used(m))),
    gauge("mem_used_percent", PERCENT, |m| percent(used(m), m.total)),
];

pub(super) const SWAP_MEASURES: &[Measure<MemInfo>] = &[
    gauge("swap_free", BYTES, |m| whole(m.swap_free)),
    gauge("swap_used", BYTES, |m| whole(swap_used(m))),
    gauge("swap_used_percent", PERCENT, |m| percent(swap_used(m), m.swap_total)),
];

/// What is neither free nor given back at once: buffers, page cache, reclaimable slabs.
fn used(memory: &MemInfo) -> u64 {
    memory.total.saturating_sub(memory.free).saturating_sub(memory.buffers).saturating_sub(memory.cached())
}

fn swap_used(memory: &MemInfo) -> u64 {
    memory.swap_total.saturating_sub(memory.swap_free)
}

/// Reports memory and swap.
#[derive(Debug)]
pub(super) struct Mem {
    chosen: [Chosen<MemInfo>; 2],
    meminfo: Source,
}

impl Mem {
    pub(super) fn new(mem: Option<&Section>, swap: Option<&Section>, root: &Path) -> Self {
        let measurement = |section: Option<&Section>| section.map(|section| section.measurement.clone());
        let chosen = |all, section| Chosen::new(all, &measurement(section).unwrap_or_default());
        Self { chosen: [chosen(MEASURES, mem), chosen(SWAP_MEASURES, swap)], meminfo: proc(root, "meminfo") }
    }
}

impl Scraper for Mem {
    fn scrape(&mut self, sink: &mut Sink<'_>, _: &mut Troubles) -> Result<(), Trouble> {
        let meminfo = self.meminfo.read()?;
        let memory = MemInfo::parse(meminfo.bytes).ok_or_else(|| meminfo.holds_no("memory figures"))?;
        for chosen in &self.chosen {
            chosen.put(&memory, &[], UnixNanos(0), sink);
        }
        Ok(())
    }
}
