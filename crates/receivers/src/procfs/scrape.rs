//! One round over all scrapers: a batch of everything that the machine says of itself now.

use std::{fmt, path::Path, sync::Arc};

use weir_core::{Batch, Context, Door, NodeLedger, Reason, Status, UnixNanos};

use super::{
    cgroup,
    config::ProcfsConfig,
    conventions::Conventions,
    cpu::{self, Cpu},
    cwagent,
    disk::Disk,
    filesystem::Filesystem,
    load::Load,
    memory::Memory,
    network::Network,
    paging::Paging,
    pids::Pids,
    pressure::Pressure,
    process,
    processes::Processes,
    sink::Sink,
    source::Source,
    system::System,
    trouble::{Trouble, Troubles},
};

/// Reports one part of the machine.
pub(super) trait Scraper: fmt::Debug + Send {
    /// Puts everything into `sink`; what is missing in part goes to `troubles`, what is missing as a whole is the error.
    fn scrape(&mut self, sink: &mut Sink<'_>, troubles: &mut Troubles) -> Result<(), Trouble>;
}

/// Why scraping cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum ScrapeError {
    /// A filter's pattern is no regular expression.
    #[error("cannot use a filter: {0}")]
    Filter(#[from] regex::Error),
}

/// Scrapes this machine: everything that the receiver does, but for its timetable.
#[derive(Debug)]
pub struct Scrape {
    door: Arc<Door>,
    ledger: Arc<NodeLedger>,
    status: Status,
    scrapers: Vec<Box<dyn Scraper>>,
    conventions: Conventions,
    boot: Boot,
    troubles: Troubles,
    alias: Vec<u8>,
    /// Points of the last round: room for the next.
    expected: usize,
}

impl Scrape {
    /// Makes ready what `config` lists. Reads nothing yet: a file that is missing is a trouble of the round that misses it.
    ///
    /// # Errors
    /// [`ScrapeError::Filter`].
    pub fn new(config: &ProcfsConfig, context: &Context) -> Result<Self, ScrapeError> {
        Ok(Self {
            door: context.doors.open(&context.id),
            ledger: Arc::clone(&context.ledger),
            status: context.status.clone(),
            scrapers: scrapers(config)?,
            conventions: config.semantic_conventions,
            boot: Boot { stat: Some(proc(config.root(), "stat")), time: UnixNanos(0) },
            troubles: Troubles::new(Arc::clone(&context.id)),
            alias: Vec::new(),
            expected: 0,
        })
    }

    /// Reads everything once. Points carry `now`; cumulative ones start when the machine was booted.
    ///
    /// Takes the points into the ledger: passing them on, or dropping them, is the caller's to count. No allocation but the
    /// batch's own, as long as devices and mounts stay the same.
    pub fn collect(&mut self, now: UnixNanos) -> Batch {
        let boot = self.boot.time(&mut self.troubles);
        let mut batch = Batch::new(self.door.interner());
        batch.numbers.reserve_exact(self.expected);
        let sender = self.door.sender(b"", None);
        let conventions = self.conventions;
        let mut sink = Sink { sender, batch, alias: &mut self.alias, conventions, boot, now, over_cap: 0 };
        for scraper in &mut self.scrapers {
            if let Err(trouble) = scraper.scrape(&mut sink, &mut self.troubles) {
                self.troubles.report(trouble);
            }
        }
        let Sink { batch, over_cap, .. } = sink;
        self.ledger.take(batch.points() + over_cap);
        self.ledger.drop_points(Reason::SERIES_CAP, over_cap);
        self.expected = batch.numbers.len();
        if let Some(latest) = self.troubles.take_latest() {
            self.status.failed(latest);
        }
        if !batch.is_empty() {
            self.status.succeeded();
        }
        batch
    }

    /// How many files and mount points could not be read since the start, each counted at each round.
    pub fn troubles(&self) -> u64 {
        self.troubles.count()
    }
}

pub(super) fn proc(root: &Path, file: &str) -> Source {
    Source::new(root.join("proc").join(file))
}

fn scrapers(config: &ProcfsConfig) -> Result<Vec<Box<dyn Scraper>>, regex::Error> {
    let root = config.root();
    let listed = config.listed();
    let mut scrapers: Vec<Box<dyn Scraper>> = Vec::new();
    if let Some(cpu) = listed.cpu.0 {
        scrapers.push(Box::new(Cpu::new(cpu.metrics, root)));
    }
    if let Some(load) = listed.load.0 {
        scrapers.push(Box::new(Load::new(load, proc(root, "loadavg"), proc(root, "stat"))));
    }
    if let Some(memory) = listed.memory.0 {
        scrapers.push(Box::new(Memory::new(memory.metrics, proc(root, "meminfo"))));
    }
    if let Some(disk) = listed.disk.0 {
        scrapers.push(Box::new(Disk::new(disk, proc(root, "diskstats"))?));
    }
    if let Some(filesystem) = listed.filesystem.0 {
        scrapers.push(Box::new(Filesystem::new(&filesystem, root)?));
    }
    if let Some(network) = listed.network.0 {
        scrapers.push(Box::new(Network::new(network, root)?));
    }
    if let Some(paging) = listed.paging.0 {
        scrapers.push(Box::new(Paging::new(paging, proc(root, "swaps"), proc(root, "vmstat"))));
    }
    if let Some(processes) = listed.processes.0 {
        scrapers.push(Box::new(Processes::new(processes, Pids::of(root), proc(root, "stat"))));
    }
    if let Some(process) = listed.process.0 {
        scrapers.push(Box::new(process::Processes::new(process, root)?));
    }
    if let Some(system) = listed.system.0 {
        scrapers.push(Box::new(System::new(system, proc(root, "uptime"))));
    }
    if let Some(cgroup) = &listed.cgroup.0 {
        scrapers.push(Box::new(cgroup::Own::new(cgroup, root)));
    }
    if let Some(pods) = listed.pods.0 {
        scrapers.push(Box::new(cgroup::Pods::new(pods, root)));
    }
    if listed.pressure.0.is_some() {
        scrapers.push(Box::new(Pressure::new(|file| proc(root, file))));
    }
    if let Some(cwagent) = &config.cwagent.0 {
        scrapers.extend(cwagent::scrapers(cwagent, root)?);
    }
    Ok(scrapers)
}

/// A file of the network that this process is in; below a `root_path`, of that of the machine, which its first process is in.
pub(super) fn of_the_network(root: &Path, file: &str) -> Source {
    let own = root.join("proc/net").join(file);
    let paths =
        if root == Path::new("/") { vec![own] } else { vec![root.join("proc/1/net").join(file), own] };
    Source::first_of(paths)
}

/// When the machine was booted. Read until it is known and then kept: the kernel computes it anew from two clocks at each read, and
/// a start that moves would look like a restart.
#[derive(Debug)]
struct Boot {
    stat: Option<Source>,
    time: UnixNanos,
}

impl Boot {
    fn time(&mut self, troubles: &mut Troubles) -> UnixNanos {
        if let Some(stat) = &mut self.stat {
            let seconds = stat.read().and_then(|text| {
                cpu::boot_seconds(text.bytes).ok_or_else(|| text.holds_no("time of boot (btime)"))
            });
            match seconds {
                Ok(seconds) => {
                    self.time = UnixNanos(seconds.saturating_mul(1_000_000_000));
                    self.stat = None;
                }
                Err(trouble) => troubles.report(trouble),
            }
        }
        self.time
    }
}
