//! The plugin `cpu`, from `/proc/stat`.

use std::path::Path;

use weir_core::{Number, UnixNanos};

use super::{
    config::CpuSection,
    last::Last,
    measure::{Chosen, Measure, NONE, PERCENT, gauge},
};
use crate::procfs::{
    scrape::{Scraper, proc},
    sink::Sink,
    source::Source,
    text,
    trouble::{Trouble, Troubles},
};

pub(super) const MEASURES: &[Measure<Reading>] = &[
    gauge("cpu_time_active", NONE, |cpu| cpu.seconds(Times::active)),
    gauge("cpu_time_guest", NONE, |cpu| cpu.seconds(|times| times.guest)),
    gauge("cpu_time_guest_nice", NONE, |cpu| cpu.seconds(|times| times.guest_nice)),
    gauge("cpu_time_idle", NONE, |cpu| cpu.seconds(|times| times.idle)),
    gauge("cpu_time_iowait", NONE, |cpu| cpu.seconds(|times| times.iowait)),
    gauge("cpu_time_irq", NONE, |cpu| cpu.seconds(|times| times.irq)),
    gauge("cpu_time_nice", NONE, |cpu| cpu.seconds(|times| times.nice)),
    gauge("cpu_time_softirq", NONE, |cpu| cpu.seconds(|times| times.softirq)),
    gauge("cpu_time_steal", NONE, |cpu| cpu.seconds(|times| times.steal)),
    gauge("cpu_time_system", NONE, |cpu| cpu.seconds(|times| times.system)),
    gauge("cpu_time_user", NONE, |cpu| cpu.seconds(|times| times.user)),
    gauge("cpu_usage_active", PERCENT, |cpu| cpu.share(Times::active)),
    gauge("cpu_usage_guest", PERCENT, |cpu| cpu.share(|times| times.guest)),
    gauge("cpu_usage_guest_nice", PERCENT, |cpu| cpu.share(|times| times.guest_nice)),
    gauge("cpu_usage_idle", PERCENT, |cpu| cpu.share(|times| times.idle)),
    gauge("cpu_usage_iowait", PERCENT, |cpu| cpu.share(|times| times.iowait)),
    gauge("cpu_usage_irq", PERCENT, |cpu| cpu.share(|times| times.irq)),
    gauge("cpu_usage_nice", PERCENT, |cpu| cpu.share(|times| times.nice.saturating_sub(times.guest_nice))),
    gauge("cpu_usage_softirq", PERCENT, |cpu| cpu.share(|times| times.softirq)),
    gauge("cpu_usage_steal", PERCENT, |cpu| cpu.share(|times| times.steal)),
    gauge("cpu_usage_system", PERCENT, |cpu| cpu.share(|times| times.system)),
    gauge("cpu_usage_user", PERCENT, |cpu| cpu.share(|times| times.user.saturating_sub(times.guest))),
];

/// Time in each state, in the kernel's USER_HZ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    /// With the time of guests.
    user: u64,
    /// With the time of niced guests.
    nice: u64,
    system: u64,
    idle: u64,
    iowait: u64,
    irq: u64,
    softirq: u64,
    steal: u64,
    guest: u64,
    guest_nice: u64,
}

impl Times {
    /// In the order of the columns (proc_stat(5)).
    fn of([user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice]: [u64; 10]) -> Self {
        Self { user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice }
    }

    /// All but idle, waiting for I/O included.
    fn active(&self) -> u64 {
        [self.user, self.nice, self.system, self.iowait, self.irq, self.softirq, self.steal]
            .into_iter()
            .fold(0, u64::saturating_add)
    }

    fn total(&self) -> u64 {
        self.active().saturating_add(self.idle)
    }
}

/// What is known of a CPU.
#[derive(Debug)]
pub(super) struct Reading {
    hertz: u64,
    since_boot: Times,
    /// Since the round before.
    spent: Option<Times>,
}

impl Reading {
    #[allow(clippy::unnecessary_wraps, reason = "other formulas may not know yet")]
    fn seconds(&self, state: impl Fn(&Times) -> u64) -> Option<Number> {
        Some(Number::Double(state(&self.since_boot) as f64 / self.hertz as f64))
    }

    /// The share of `state` in the time since the round before; nothing where none has passed.
    fn share(&self, state: impl Fn(&Times) -> u64) -> Option<Number> {
        let spent = self.spent.as_ref().filter(|spent| spent.total() > 0)?;
        Some(Number::Double(100.0 * state(spent) as f64 / spent.total() as f64))
    }
}

/// Reports all CPUs together, each by itself, or both.
#[derive(Debug)]
pub(super) struct Cpu {
    chosen: Chosen<Reading>,
    total: bool,
    each: bool,
    hertz: u64,
    stat: Source,
    last: Last<10>,
}

impl Cpu {
    pub(super) fn new(config: &CpuSection, root: &Path) -> Self {
        Self {
            chosen: Chosen::new(MEASURES, &config.measurement),
            total: config.totalcpu,
            each: config.each(),
            hertz: rustix::param::clock_ticks_per_second().max(1),
            stat: proc(root, "stat"),
            last: Last::default(),
        }
    }
}

impl Scraper for Cpu {
    fn scrape(&mut self, sink: &mut Sink<'_>, _: &mut Troubles) -> Result<(), Trouble> {
        let stat = self.stat.read()?;
        let mut found = false;
        for (name, ticks) in cpus(stat.bytes) {
            let (is_wanted, name) =
                if name == b"cpu" { (self.total, &b"cpu-total"[..]) } else { (self.each, name) };
            found = true;
            if !is_wanted {
                continue;
            }
            let before = self.last.replace(name, ticks, sink.now);
            let spent = before.map(|(_, before)| {
                Times::of(std::array::from_fn(|state| ticks[state].saturating_sub(before[state])))
            });
            let reading = Reading { hertz: self.hertz, since_boot: Times::of(ticks), spent };
            self.chosen.put(&reading, &[("cpu", name)], UnixNanos(0), sink);
        }
        self.last.end_round();
        if found { Ok(()) } else { Err(stat.holds_no("line of a CPU")) }
    }
}

/// The lines of all CPUs together (`cpu`) and of each (`cpu0`, …), with their ten columns; those that an older kernel has not are zero.
pub(in crate::procfs) fn cpus(stat: &[u8]) -> impl Iterator<Item = (&[u8], [u64; 10])> {
    // The lines of CPUs are the first; what follows (`intr`) is as long as all of them together.
    text::lines(stat).take_while(|line| line.starts_with(b"cpu")).filter_map(|line| {
        let mut words = text::words(line);
        let name = words.next()?;
        let mut ticks = [0; 10];
        let [user, nice, system, idle] = text::numbers(&mut words)?;
        ticks[..4].copy_from_slice(&[user, nice, system, idle]);
        for (slot, word) in ticks[4..].iter_mut().zip(words) {
            *slot = text::number(word)?;
        }
        Some((name, ticks))
    })
}
