//! The plugin `processes`, from `/proc/PID/stat` of every process.

use std::{
    fs::File,
    io::{self, Read as _},
    mem::MaybeUninit,
    path::{Path, PathBuf},
};

use rustix::fs::{Mode, OFlags, RawDir, openat};
use weir_core::UnixNanos;

use super::{
    config::Section,
    measure::{COUNT, Chosen, Measure, NONE, gauge, whole},
};
use crate::procfs::{
    scrape::Scraper,
    sink::Sink,
    text,
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
    pub(in crate::procfs) fn count(&mut self, stat: &[u8]) -> Option<()> {
        // The name may hold anything, brackets too: what follows its last one is numbers.
        let behind = stat.iter().rposition(|byte| *byte == b')')? + 1;
        let mut words = text::words(&stat[behind..]);
        match words.next()?.first()? {
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
        self.threads = self.threads.saturating_add(text::number(words.nth(THREADS)?)?);
        Some(())
    }
}

/// The words between the state and the number of threads.
const THREADS: usize = 16;

/// Reports processes.
#[derive(Debug)]
pub(super) struct ProcessStates {
    chosen: Chosen<Processes>,
    proc: PathBuf,
    entries: Vec<MaybeUninit<u8>>,
}

impl ProcessStates {
    pub(super) fn new(config: &Section, root: &Path) -> Self {
        Self {
            chosen: Chosen::new(MEASURES, &config.measurement),
            proc: root.join("proc"),
            entries: vec![MaybeUninit::uninit(); 32 << 10],
        }
    }

    fn count(&mut self) -> io::Result<Processes> {
        let proc = File::open(&self.proc)?;
        let mut entries = RawDir::new(&proc, &mut self.entries);
        let mut processes = Processes::default();
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let pid = entry.file_name().to_bytes();
            if !pid.iter().all(u8::is_ascii_digit) {
                continue;
            }
            let mut path = [0; 32];
            let mut stat = [0; STAT_BYTES];
            for (at, byte) in path.iter_mut().zip(pid.iter().chain(b"/stat")) {
                *at = *byte;
            }
            // A process that has ended meanwhile is not there any more.
            if let Some(length) = read(&proc, &path, &mut stat) {
                processes.count(&stat[..length]);
            }
        }
        Ok(processes)
    }
}

/// A name of 64 bytes and 51 numbers of at most 20 digits are less.
const STAT_BYTES: usize = 1200;

fn read(proc: &File, path: &[u8; 32], stat: &mut [u8]) -> Option<usize> {
    let path = std::ffi::CStr::from_bytes_until_nul(path).ok()?;
    let file = openat(proc, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    File::from(file).read(stat).ok()
}

impl Scraper for ProcessStates {
    fn scrape(&mut self, sink: &mut Sink<'_>, _: &mut Troubles) -> Result<(), Trouble> {
        let processes = self.count();
        let unreadable = |source| Trouble::Unreadable { path: self.proc.clone(), source };
        let processes = processes.map_err(unreadable)?;
        if processes.total == 0 {
            return Err(Trouble::Malformed { path: self.proc.clone(), wanted: "process" });
        }
        self.chosen.put(&processes, &[], UnixNanos(0), sink);
        Ok(())
    }
}
