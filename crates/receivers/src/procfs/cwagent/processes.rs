//! The plugin `processes`, from `/proc/PID/stat` of every process.

use std::path::Path;

use weir_core::UnixNanos;

use super::{
    config::Section,
    measure::{COUNT, Chosen, Measure, NONE, gauge, whole},
};
use crate::procfs::{
    pids::{self, Pids, Stat},
    scrape::Scraper,
    sink::Sink,
    trouble::{Trouble, Troubles},
};

pub(super) const MEASURES: &[Measure<Processes>] = &[
    gauge("processes_blocked", COUNT, |processes| whole(processes.blocked)),
    gauge("processes_dead", COUNT, |processes| whole(processes.dead)),
    gauge("processes_idle", COUNT, |processes| whole(processes.idle)),
    gauge("processes_paging", COUNT, |processes| whole(processes.paging)),
    gauge("processes_running", COUNT, |processes| whole(processes.running)),
    gauge("processes_sleeping", COUNT, |processes| whole(processes.sleeping)),
    gauge("processes_stopped", COUNT, |processes| whole(processes.stopped)),
    gauge("processes_total", COUNT, |processes| whole(processes.total)),
    gauge("processes_total_threads", COUNT, |processes| whole(processes.threads)),
    // The Agent's table of units says `zombie`, so that this one goes without.
    gauge("processes_zombies", NONE, |processes| whole(processes.zombies)),
];

/// Processes by state, and all of them: those in a state that the Agent does not know (`P`, parked) are only there.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::procfs) struct Processes {
    pub(in crate::procfs) blocked: u64,
    pub(in crate::procfs) dead: u64,
    pub(in crate::procfs) idle: u64,
    pub(in crate::procfs) paging: u64,
    pub(in crate::procfs) running: u64,
    pub(in crate::procfs) sleeping: u64,
    pub(in crate::procfs) stopped: u64,
    pub(in crate::procfs) total: u64,
    pub(in crate::procfs) threads: u64,
    pub(in crate::procfs) zombies: u64,
}

impl Processes {
    /// Counts a process by its `stat` (proc_pid_stat(5)).
    pub(in crate::procfs) fn count(&mut self, stat: &Stat) {
        match stat.state {
            b'D' => self.blocked += 1,
            b'X' => self.dead += 1,
            b'I' => self.idle += 1,
            b'W' => self.paging += 1,
            b'R' => self.running += 1,
            b'S' => self.sleeping += 1,
            b'T' | b't' => self.stopped += 1,
            b'Z' => self.zombies += 1,
            _ => {}
        }
        self.total += 1;
        self.threads = self.threads.saturating_add(stat.threads);
    }
}

/// Reports processes.
#[derive(Debug)]
pub(super) struct ProcessStates {
    chosen: Chosen<Processes>,
    pids: Pids,
}

impl ProcessStates {
    pub(super) fn new(config: &Section, root: &Path) -> Self {
        Self { chosen: Chosen::new(MEASURES, &config.measurement), pids: Pids::of(root) }
    }
}

impl Scraper for ProcessStates {
    fn scrape(&mut self, sink: &mut Sink<'_>, _: &mut Troubles) -> Result<(), Trouble> {
        let mut processes = Processes::default();
        self.pids.each(|process| {
            // A process that has ended meanwhile is not there any more.
            if let Some(stat) = process.read("stat").and_then(pids::stat) {
                processes.count(&stat);
            }
        })?;
        if processes.total == 0 {
            return Err(self.pids.none());
        }
        self.chosen.put(&processes, &[], UnixNanos(0), sink);
        Ok(())
    }
}
