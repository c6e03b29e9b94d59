//! Pressure stall information, from `/proc/pressure`: how long processes waited for CPU, memory and disks.

use super::{
    cgroup::parse,
    scrape::Scraper,
    sink::{Metric, Shape, Sink},
    source::Source,
    trouble::{Trouble, Troubles},
};

const TIME: Metric = Metric::new("weir/procfs/pressure", "system.pressure.time", "s", Shape::Counter);
const RESOURCES: [&str; 3] = ["cpu", "memory", "io"];

/// Reports stalls.
#[derive(Debug)]
pub(super) struct Pressure {
    sources: [Source; 3],
}

impl Pressure {
    /// Of the files that `source` opens by name.
    pub(super) fn new(source: impl Fn(&str) -> Source) -> Self {
        Self { sources: RESOURCES.map(|resource| source(&format!("pressure/{resource}"))) }
    }
}

impl Scraper for Pressure {
    fn scrape(&mut self, sink: &mut Sink<'_>, troubles: &mut Troubles) -> Result<(), Trouble> {
        for (resource, source) in RESOURCES.iter().zip(&mut self.sources) {
            let file = match source.read() {
                Ok(file) => file,
                Err(trouble) => {
                    troubles.report(trouble);
                    continue;
                }
            };
            let Some(some) = parse::stalled(file.bytes, b"some") else {
                troubles.report(file.holds_no("total of `some`"));
                continue;
            };
            // Kernels before 5.13 have no `full` for the CPU; for the whole machine it is always zero.
            let full = parse::stalled(file.bytes, b"full");
            for (stall, micros) in [(&b"some"[..], Some(some)), (b"full", full)] {
                if let Some(micros) = micros {
                    let attributes = [("resource", resource.as_bytes()), ("stall", stall)];
                    sink.put_double(&TIME, &attributes, micros as f64 / 1e6);
                }
            }
        }
        Ok(())
    }
}
