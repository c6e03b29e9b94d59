//! CPU times, from `/proc/stat`.

use std::path::Path;

use super::{
    config::CpuMetrics,
    cpu_kinds::{Cores, frequencies},
    scrape::{Scraper, proc},
    sink::{Metric, Shape, Sink},
    source::Source,
    text,
    trouble::{Trouble, Troubles},
};

const SCOPE: &str = "weir/procfs/cpu";
const TIME: Metric = Metric::new(SCOPE, "system.cpu.time", "s", Shape::Counter);
const UTILIZATION: Metric = Metric::new(SCOPE, "system.cpu.utilization", "1", Shape::Gauge);
const FREQUENCY: Metric = Metric::new(SCOPE, "system.cpu.frequency", "Hz", Shape::Gauge);
const LOGICAL_COUNT: Metric = Metric::new(SCOPE, "system.cpu.logical.count", "{cpu}", Shape::UpDown);
const PHYSICAL_COUNT: Metric = Metric::new(SCOPE, "system.cpu.physical.count", "{cpu}", Shape::UpDown);

/// The states in the order of the columns (proc_stat(5)); guest times, the two columns after these, are in user and nice.
const STATES: [&str; 8] = ["user", "nice", "system", "idle", "wait", "interrupt", "softirq", "steal"];

/// Time in each state, in the kernel's USER_HZ.
pub(super) type Ticks = [u64; STATES.len()];

/// A fall of a counter up to this is the kernel's correction; a greater one is a new beginning.
const SLACK_SECONDS: u64 = 3;

/// More than any kernel is built for (`NR_CPUS` is at most 8192): a broken file must not make a table of billions.
const MAX_CPUS: usize = 65_536;

/// A CPU's line of `/proc/stat`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CpuLine<'a> {
    /// `cpu0`, `cpu1`, …
    pub(super) name: &'a [u8],
    pub(super) number: usize,
    pub(super) ticks: Ticks,
}

/// The lines of the single CPUs, without the line of their sum.
pub(super) fn cpus(stat: &[u8]) -> impl Iterator<Item = CpuLine<'_>> {
    // The lines of CPUs are the first; what follows (`intr`) is as long as all of them together.
    text::lines(stat).take_while(|line| line.starts_with(b"cpu")).filter_map(cpu)
}

fn cpu(line: &[u8]) -> Option<CpuLine<'_>> {
    let mut words = text::words(line);
    let name = words.next()?;
    let number = usize::try_from(text::number(name.strip_prefix(b"cpu")?)?).ok().filter(|n| *n < MAX_CPUS)?;
    // Kernels before 2.6.11 have fewer columns than eight; user, nice, system and idle have always been there.
    let [user, nice, system, idle] = text::numbers(&mut words)?;
    let mut ticks = [user, nice, system, idle, 0, 0, 0, 0];
    for (slot, word) in ticks[4..].iter_mut().zip(words) {
        *slot = text::number(word)?;
    }
    Some(CpuLine { name, number, ticks })
}

/// When the machine was booted, in seconds since the epoch.
pub(super) fn boot_seconds(stat: &[u8]) -> Option<u64> {
    text::keyed(stat, b"btime")
}

/// Reports CPU times.
#[derive(Debug)]
pub(super) struct Cpu {
    metrics: CpuMetrics,
    stat: Source,
    cpuinfo: Source,
    cores: Cores,
    /// A buffer for the name of a CPU.
    name: Vec<u8>,
    hertz: u64,
    /// What was last reported, by the CPU's number.
    last: Vec<Option<Ticks>>,
}

impl Cpu {
    pub(super) fn new(metrics: CpuMetrics, root: &Path) -> Self {
        Self {
            metrics,
            stat: proc(root, "stat"),
            cpuinfo: proc(root, "cpuinfo"),
            cores: Cores::new(root),
            name: Vec::new(),
            hertz: rustix::param::clock_ticks_per_second().max(1),
            last: Vec::new(),
        }
    }

    fn put_frequencies(&mut self, sink: &mut Sink<'_>) -> Result<(), Trouble> {
        let Self { cpuinfo, name, .. } = self;
        let cpuinfo = cpuinfo.read()?;
        let mut is_empty = true;
        for (number, hertz) in frequencies(cpuinfo.bytes) {
            name.clear();
            name.extend_from_slice(b"cpu");
            name.extend_from_slice(number);
            sink.put_double(&FREQUENCY, &[("cpu", name)], hertz);
            is_empty = false;
        }
        if is_empty { Err(cpuinfo.holds_no("frequency (cpu MHz)")) } else { Ok(()) }
    }
}

impl Scraper for Cpu {
    fn scrape(&mut self, sink: &mut Sink<'_>, troubles: &mut Troubles) -> Result<(), Trouble> {
        if self.metrics.frequency.enabled
            && let Err(trouble) = self.put_frequencies(sink)
        {
            troubles.report(trouble);
        }
        let Self { metrics, stat, cores, hertz, last, .. } = self;
        let stat = stat.read()?;
        let mut count = 0;
        for cpu in cpus(stat.bytes) {
            count += 1;
            if last.len() <= cpu.number {
                last.resize(cpu.number + 1, None);
            }
            let before = last[cpu.number];
            let ticks = before.map_or(cpu.ticks, |before| steady(before, cpu.ticks, SLACK_SECONDS * *hertz));
            last[cpu.number] = Some(ticks);
            if metrics.time.enabled {
                for (state, ticks) in STATES.iter().zip(ticks) {
                    let attributes = [("cpu", cpu.name), ("state", state.as_bytes())];
                    sink.put_double(&TIME, &attributes, ticks as f64 / *hertz as f64);
                }
            }
            if metrics.utilization.enabled
                && let Some(shares) = before.and_then(|before| shares(before, ticks))
            {
                for (state, share) in STATES.iter().zip(shares) {
                    sink.put_double(&UTILIZATION, &[("cpu", cpu.name), ("state", state.as_bytes())], share);
                }
            }
        }
        if count == 0 {
            return Err(stat.holds_no("line of a CPU"));
        }
        if metrics.logical_count.enabled {
            sink.put_int(&LOGICAL_COUNT, &[], count);
        }
        if metrics.physical_count.enabled {
            sink.put_int(&PHYSICAL_COUNT, &[], cores.count(count)?);
        }
        Ok(())
    }
}

/// What to report after `before`: never less, unless a counter fell by more than `slack`, which is a new beginning of them all.
///
/// The kernel corrects idle and I/O wait times downwards (proc_stat(5): "the iowait value may decrease in certain conditions").
pub(super) fn steady(before: Ticks, read: Ticks, slack: u64) -> Ticks {
    let began_anew = before.iter().zip(read).any(|(before, read)| before.saturating_sub(read) > slack);
    if began_anew { read } else { std::array::from_fn(|state| before[state].max(read[state])) }
}

/// Each state's share of the time since `before`; `None` when no time has passed, or the counters began anew.
pub(super) fn shares(before: Ticks, ticks: Ticks) -> Option<[f64; STATES.len()]> {
    let mut spent = [0; STATES.len()];
    for (spent, (before, now)) in spent.iter_mut().zip(before.iter().zip(ticks)) {
        *spent = now.checked_sub(*before)?;
    }
    let total: u128 = spent.iter().map(|spent| u128::from(*spent)).sum();
    (total > 0).then(|| spent.map(|spent| spent as f64 / total as f64))
}
