//! Each process, from `/proc/<pid>`: `stat`, `io` and `status`. A process is a resource of its own.

use std::{
    collections::HashMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use rustix::param::{clock_ticks_per_second, page_size};
use weir_core::{Attributes, Interner, Number, UnixNanos, Value};

use super::{
    config::{ProcessAttributes, ProcessConfig, ProcessMetrics, Switch},
    cpu,
    filter::Filter,
    memory::MemInfo,
    pids::{Pids, Process, Stat, stat},
    scrape::Scraper,
    sink::{Metric, Origin, Shape, Sink},
    source::Source,
    text,
    trouble::{Trouble, Troubles},
};

const SCOPE: &str = "weir/procfs/process";
const CPU_TIME: Metric = Metric::new(SCOPE, "process.cpu.time", "s", Shape::Counter);
const CPU_UTILIZATION: Metric = Metric::new(SCOPE, "process.cpu.utilization", "1", Shape::Gauge);
const MEMORY: Metric = Metric::new(SCOPE, "process.memory.usage", "By", Shape::UpDown);
const MEMORY_UTILIZATION: Metric = Metric::new(SCOPE, "process.memory.utilization", "1", Shape::Gauge);
const VIRTUAL: Metric = Metric::new(SCOPE, "process.memory.virtual", "By", Shape::UpDown);
const IO: Metric = Metric::new(SCOPE, "process.disk.io", "By", Shape::Counter);
const OPERATIONS: Metric = Metric::new(SCOPE, "process.disk.operations", "{operations}", Shape::Counter);
const FAULTS: Metric = Metric::new(SCOPE, "process.paging.faults", "{faults}", Shape::Counter);
const SWITCHES: Metric = Metric::new(SCOPE, "process.context_switches", "{count}", Shape::Counter);
const THREADS: Metric = Metric::new(SCOPE, "process.threads", "{threads}", Shape::UpDown);
const FILES: Metric = Metric::new(SCOPE, "process.open_file_descriptors", "{count}", Shape::UpDown);
const SIGNALS: Metric = Metric::new(SCOPE, "process.signals_pending", "{signals}", Shape::UpDown);
const UPTIME: Metric = Metric::new(SCOPE, "process.uptime", "s", Shape::Gauge);

const STATES: [&str; 3] = ["user", "system", "wait"];

/// What `/proc/<pid>/io` says since the process began: of disks, bytes read and written, and calls that read and wrote anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Io {
    pub(super) bytes: [u64; 2],
    pub(super) calls: [u64; 2],
}

impl Io {
    pub(super) fn parse(io: &[u8]) -> Option<Self> {
        let number = |key: &[u8]| text::keyed(io, key);
        Some(Self {
            bytes: [number(b"read_bytes:")?, number(b"write_bytes:")?],
            calls: [number(b"syscr:")?, number(b"syscw:")?],
        })
    }
}

/// What `/proc/<pid>/status` says: switches that the process asked for and others; signals that wait, of all of its user.
pub(super) fn switches(status: &[u8]) -> Option<[u64; 2]> {
    let number = |key: &[u8]| text::keyed(status, key);
    Some([number(b"voluntary_ctxt_switches:")?, number(b"nonvoluntary_ctxt_switches:")?])
}

pub(super) fn signals_pending(status: &[u8]) -> Option<u64> {
    let word = text::behind(status, b"SigQ:")?.next()?;
    text::number(word.split(|byte| *byte == b'/').next()?)
}

/// Reports processes.
#[derive(Debug)]
pub(super) struct Processes {
    config: ProcessConfig,
    filter: Filter,
    pids: Pids,
    /// Read for the number of CPUs and the size of the memory, where shares of them are reported.
    machine: Machine,
    passwd: PathBuf,
    key: Vec<u8>,
    last: Last,
}

#[derive(Debug)]
struct Machine {
    stat: Source,
    meminfo: Source,
    cpus: f64,
    memory: f64,
}

/// CPU times at the round before, by key.
#[derive(Debug, Default)]
struct Last {
    at: UnixNanos,
    ticks: HashMap<Vec<u8>, ([u64; 3], UnixNanos)>,
}

impl Processes {
    pub(super) fn new(config: ProcessConfig, root: &Path) -> Result<Self, regex::Error> {
        let file = |name: &str| Source::new(root.join("proc").join(name));
        Ok(Self {
            filter: Filter::new(config.include.names(), config.exclude.names())?,
            config,
            pids: Pids::of(root),
            machine: Machine { stat: file("stat"), meminfo: file("meminfo"), cpus: 1.0, memory: 0.0 },
            passwd: root.join("etc/passwd"),
            key: Vec::new(),
            last: Last::default(),
        })
    }
}

impl Machine {
    fn measure(&mut self, metrics: &ProcessMetrics) -> Result<(), Trouble> {
        if metrics.cpu_utilization.enabled {
            self.cpus = cpu::cpus(self.stat.read()?.bytes).count().max(1) as f64;
        }
        if metrics.memory_utilization.enabled {
            let file = self.meminfo.read()?;
            let memory = MemInfo::parse(file.bytes).ok_or_else(|| file.holds_no("memory figures"))?;
            self.memory = memory.total as f64;
        }
        Ok(())
    }
}

impl Scraper for Processes {
    fn scrape(&mut self, sink: &mut Sink<'_>, troubles: &mut Troubles) -> Result<(), Trouble> {
        let Self { config, filter, pids, machine, passwd, key, last } = self;
        machine.measure(&config.metrics)?;
        let mut hidden = false;
        pids.each(|process| {
            let stat = process.read("stat").and_then(stat).filter(|stat| filter.passes(stat.name.bytes()));
            let Some(stat) = stat else { return };
            let start = started(&stat, sink.boot);
            if sink.now.since(start) < config.scrape_process_delay.as_std() {
                return;
            }
            let read = Read::of(&config.metrics, process);
            hidden |= read.hidden;
            key.clear();
            // A number is given again, once the process that had it is gone; and `exec` makes another program of a process. Writing
            // to memory cannot fail.
            let _ = write!(key, "{} {} ", process.pid.escape_ascii(), stat.started);
            key.extend_from_slice(stat.name.bytes());
            let of = Resource { key, process, stat: &stat, passwd, switches: &config.resource_attributes };
            let mut points = Points { sink, of: &of, start };
            put(&mut points, &config.metrics, &stat, &read);
            put_shares(&mut points, &config.metrics, &stat, &read, machine, last);
        })?;
        if hidden && !config.mute_process_all_errors && !config.mute_process_io_error {
            let denied = io::Error::from(io::ErrorKind::PermissionDenied);
            troubles.report(Trouble::Unreadable { path: pids.file_of_any("io"), source: denied });
        }
        last.ticks.retain(|_, (_, at)| *at == sink.now);
        last.at = sink.now;
        Ok(())
    }
}

/// When a process was started.
fn started(stat: &Stat, boot: UnixNanos) -> UnixNanos {
    UnixNanos(boot.0.saturating_add(stat.started.saturating_mul(1_000_000_000 / hertz())))
}

/// Ticks a second in which the kernel counts the time of processes.
fn hertz() -> u64 {
    clock_ticks_per_second().max(1)
}

/// What stands in a process's other files, read only for metrics that are reported.
#[derive(Debug, Default)]
struct Read {
    io: Option<Io>,
    /// Whether `io` may not be read.
    hidden: bool,
    switches: Option<[u64; 2]>,
    signals: Option<u64>,
    files: Option<u64>,
    resident: Option<u64>,
}

impl Read {
    fn of(metrics: &ProcessMetrics, process: &mut Process<'_>) -> Self {
        let mut read = Self::default();
        if metrics.io.enabled || metrics.operations.enabled {
            read.io = process.read("io").and_then(Io::parse);
            // Others' is shown to the superuser alone; of one that has ended there is nothing to complain of.
            read.hidden = read.io.is_none() && process.read("stat").is_some();
        }
        if metrics.context_switches.enabled || metrics.signals_pending.enabled {
            let status = process.read("status").unwrap_or_default();
            (read.switches, read.signals) = (switches(status), signals_pending(status));
        }
        if metrics.memory.enabled || metrics.memory_utilization.enabled {
            read.resident = process.read("statm").and_then(resident);
        }
        if metrics.open_file_descriptors.enabled {
            read.files = process.count("fd");
        }
        read
    }
}

/// A process as a resource.
struct Resource<'a> {
    key: &'a [u8],
    process: &'a Process<'a>,
    stat: &'a Stat,
    passwd: &'a Path,
    switches: &'a ProcessAttributes,
}

impl Origin for Resource<'_> {
    fn key(&self) -> &[u8] {
        self.key
    }

    /// As the Collector has them; what cannot be read is left out.
    fn attributes(&self, interner: &Interner) -> Attributes {
        let Self { process, stat, passwd, switches, .. } = self;
        let text = |bytes: &[u8]| Value::str(String::from_utf8_lossy(bytes));
        let int = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
        let mut all = Vec::new();
        let mut put = |switch: Switch, key, value: &dyn Fn() -> Option<Value>| {
            if switch.enabled {
                all.extend(value().map(|value| interner.attribute(key, value)));
            }
        };
        put(switches.pid, "process.pid", &|| text::number(process.pid).map(int));
        put(switches.parent_pid, "process.parent_pid", &|| Some(int(stat.parent)));
        put(switches.executable_name, "process.executable.name", &|| Some(text(stat.name.bytes())));
        put(switches.executable_path, "process.executable.path", &|| {
            process.link("exe").map(|path| text(&path))
        });
        put(switches.command, "process.command", &|| {
            arguments(process)?.split(|byte| *byte == 0).next().map(text)
        });
        put(switches.command_line, "process.command_line", &|| {
            let blank = |byte: u8| if byte == 0 { b' ' } else { byte };
            Some(text(&arguments(process)?.into_iter().map(blank).collect::<Vec<_>>()))
        });
        put(switches.owner, "process.owner", &|| name_of(process.user()?, passwd).map(Value::str));
        let cgroup = || Some(text(process.whole("cgroup")?.trim_ascii_end()));
        put(switches.cgroup, "process.cgroup", &cgroup);
        put(switches.linux_cgroup, "process.linux.cgroup", &cgroup);
        Attributes::new(all)
    }
}

/// Takes the points of one process.
struct Points<'a, 'b> {
    sink: &'a mut Sink<'b>,
    of: &'a Resource<'a>,
    start: UnixNanos,
}

impl Points<'_, '_> {
    fn int(&mut self, switch: Switch, metric: &Metric, attribute: Option<(&'static str, &str)>, value: u64) {
        self.put(switch, metric, attribute, Number::Int(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn double(
        &mut self,
        switch: Switch,
        metric: &Metric,
        attribute: Option<(&'static str, &str)>,
        value: f64,
    ) {
        self.put(switch, metric, attribute, Number::Double(value));
    }

    fn put(
        &mut self,
        switch: Switch,
        metric: &Metric,
        attribute: Option<(&'static str, &str)>,
        value: Number,
    ) {
        if switch.enabled {
            let attribute = attribute.map(|(key, text)| (key, text.as_bytes()));
            self.sink.put_of(Some(self.of), metric, attribute.as_slice(), value, self.start);
        }
    }
}

fn put(points: &mut Points<'_, '_>, metrics: &ProcessMetrics, stat: &Stat, read: &Read) {
    for (state, ticks) in STATES.into_iter().zip(stat.ticks()) {
        points.double(metrics.cpu_time, &CPU_TIME, Some(("state", state)), ticks as f64 / hertz() as f64);
    }
    if let Some(resident) = read.resident {
        points.int(metrics.memory, &MEMORY, None, resident);
    }
    points.int(metrics.memory_virtual, &VIRTUAL, None, stat.virtual_bytes);
    points.int(metrics.threads, &THREADS, None, stat.threads);
    for (kind, count) in [("major", stat.major_faults), ("minor", stat.minor_faults)] {
        points.int(metrics.faults, &FAULTS, Some(("type", kind)), count);
    }
    let age = points.sink.now.since(points.start);
    points.double(metrics.uptime, &UPTIME, None, age.as_secs_f64());
    if let Some(io) = read.io {
        for (at, direction) in ["read", "write"].into_iter().enumerate() {
            points.int(metrics.io, &IO, Some(("direction", direction)), io.bytes[at]);
            points.int(metrics.operations, &OPERATIONS, Some(("direction", direction)), io.calls[at]);
        }
    }
    for (kind, count) in ["voluntary", "involuntary"].into_iter().zip(read.switches.into_iter().flatten()) {
        points.int(metrics.context_switches, &SWITCHES, Some(("type", kind)), count);
    }
    if let Some(signals) = read.signals {
        points.int(metrics.signals_pending, &SIGNALS, None, signals);
    }
    if let Some(files) = read.files {
        points.int(metrics.open_file_descriptors, &FILES, None, files);
    }
}

/// What is a share of the machine: of its memory, and of the time of all its CPUs since the round before.
fn put_shares(
    points: &mut Points<'_, '_>,
    metrics: &ProcessMetrics,
    stat: &Stat,
    read: &Read,
    machine: &Machine,
    last: &mut Last,
) {
    if let Some(resident) = read.resident.filter(|_| machine.memory > 0.0) {
        let share = resident as f64 / machine.memory;
        points.double(metrics.memory_utilization, &MEMORY_UTILIZATION, None, share * 100.0);
    }
    if !metrics.cpu_utilization.enabled {
        return;
    }
    let (now, ticks) = (points.sink.now, stat.ticks());
    let Some(kept) = last.ticks.get_mut(points.of.key) else {
        last.ticks.insert(points.of.key.to_vec(), (ticks, now));
        return;
    };
    let (before, _) = std::mem::replace(kept, (ticks, now));
    let possible = now.since(last.at).as_secs_f64() * machine.cpus * hertz() as f64;
    if possible > 0.0 {
        for ((state, ticks), before) in STATES.into_iter().zip(ticks).zip(before) {
            let share = ticks.saturating_sub(before) as f64 / possible;
            points.double(metrics.cpu_utilization, &CPU_UTILIZATION, Some(("state", state)), share);
        }
    }
}

/// Bytes in memory, by `statm` (proc_pid_statm(5)): the column of `stat` is behind by what each CPU has not added up yet.
pub(super) fn resident(statm: &[u8]) -> Option<u64> {
    let [_size, resident] = text::numbers(&mut text::words(text::lines(statm).next()?))?;
    Some(resident.saturating_mul(page_size() as u64))
}

/// What the process was called with, each with a NUL behind it but the last; `None` of a thread of the kernel, which has none.
fn arguments(process: &Process<'_>) -> Option<Vec<u8>> {
    let mut arguments = process.whole("cmdline")?;
    arguments.pop_if(|last| *last == 0);
    (!arguments.is_empty()).then_some(arguments)
}

/// A user's name (passwd(5)).
fn name_of(user: u32, passwd: &Path) -> Option<String> {
    let table = fs::read_to_string(passwd).ok()?;
    table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _password, id) = (fields.next()?, fields.next()?, fields.next()?);
        (id.parse() == Ok(user)).then(|| name.to_owned())
    })
}
