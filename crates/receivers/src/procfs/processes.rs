//! How many processes there are in each state, and how many were ever made, from `/proc/<pid>/stat` and `/proc/stat`.

use super::{
    config::ProcessesConfig,
    pids::{Pids, stat},
    scrape::Scraper,
    sink::{Metric, Shape, Sink},
    source::Source,
    text,
    trouble::{Trouble, Troubles},
};

const SCOPE: &str = "weir/procfs/processes";
const COUNT: Metric = Metric::new(SCOPE, "system.processes.count", "{processes}", Shape::UpDown);
const CREATED: Metric = Metric::new(SCOPE, "system.processes.created", "{processes}", Shape::Counter);

/// The Collector's words for the letters of the kernel (proc_pid_stat(5)). The first six are always reported; the others when there are any.
const STATUSES: [&str; 8] =
    ["blocked", "idle", "running", "sleeping", "stopped", "zombies", "paging", "unknown"];
const ALWAYS: usize = 6;

fn status(letter: u8) -> usize {
    match letter {
        b'D' => 0,
        b'I' => 1,
        b'R' => 2,
        b'S' => 3,
        b'T' | b't' => 4,
        b'Z' => 5,
        b'W' => 6,
        _ => 7,
    }
}

/// Forks since boot: processes and threads.
pub(super) fn created(stat: &[u8]) -> Option<u64> {
    text::keyed(stat, b"processes")
}

/// Reports how many processes there are.
#[derive(Debug)]
pub(super) struct Processes {
    config: ProcessesConfig,
    pids: Pids,
    stat: Source,
}

impl Processes {
    pub(super) fn new(config: ProcessesConfig, pids: Pids, stat: Source) -> Self {
        Self { config, pids, stat }
    }
}

impl Processes {
    fn put_count(&mut self, sink: &mut Sink<'_>) -> Result<(), Trouble> {
        let mut counts = [0_u64; STATUSES.len()];
        self.pids.each(|process| {
            // One that ends between its name and its file is no process any more.
            if let Some(stat) = process.read("stat").and_then(stat) {
                counts[status(stat.state)] += 1;
            }
        })?;
        if counts.iter().all(|count| *count == 0) {
            return Err(self.pids.none());
        }
        let reported = |at: usize, count: u64| at < ALWAYS || count > 0;
        for (at, count) in counts.into_iter().enumerate().filter(|(at, count)| reported(*at, *count)) {
            sink.put_int(&COUNT, &[("status", STATUSES[at].as_bytes())], count);
        }
        Ok(())
    }
}

impl Scraper for Processes {
    fn scrape(&mut self, sink: &mut Sink<'_>, troubles: &mut Troubles) -> Result<(), Trouble> {
        if self.config.metrics.count.enabled
            && let Err(trouble) = self.put_count(sink)
        {
            troubles.report(trouble);
        }
        if self.config.metrics.created.enabled {
            let file = self.stat.read()?;
            let created = created(file.bytes).ok_or_else(|| file.holds_no("number of forks (processes)"))?;
            sink.put_int(&CREATED, &[], created);
        }
        Ok(())
    }
}
