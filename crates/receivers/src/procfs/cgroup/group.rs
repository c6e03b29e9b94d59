//! What one cgroup reports.

use std::io;

use weir_core::UnixNanos;

use super::{
    super::{
        config::{Controller, Controllers},
        sink::{Metric, Origin, Shape, Sink},
        text,
    },
    files::Files,
    parse,
};

const MICROSECONDS_A_SECOND: f64 = 1e6;

/// The names of the metrics of a kind of cgroup.
#[derive(Debug)]
pub(super) struct Names {
    cpu_time: Metric,
    throttled_time: Metric,
    throttled_periods: Metric,
    periods: Metric,
    cpu_limit: Metric,
    memory_usage: Metric,
    working_set: Metric,
    rss: Metric,
    available: Metric,
    memory_limit: Metric,
    paging_faults: Metric,
    memory_events: Metric,
    disk_io: Metric,
    disk_operations: Metric,
    pids: Metric,
    pids_limit: Metric,
    pressure: Metric,
}

macro_rules! names {
    ($scope:literal, $prefix:literal, $faults:literal) => {{
        const fn metric(name: &'static str, unit: &'static str, shape: Shape) -> Metric {
            Metric::new($scope, name, unit, shape)
        }
        Names {
            cpu_time: metric(concat!($prefix, ".cpu.time"), "s", Shape::Counter),
            throttled_time: metric(concat!($prefix, ".cpu.throttled.time"), "s", Shape::Counter),
            throttled_periods: metric(concat!($prefix, ".cpu.throttled.periods"), "{period}", Shape::Counter),
            periods: metric(concat!($prefix, ".cpu.periods"), "{period}", Shape::Counter),
            cpu_limit: metric(concat!($prefix, ".cpu.limit"), "{cpu}", Shape::Gauge),
            memory_usage: metric(concat!($prefix, ".memory.usage"), "By", Shape::UpDown),
            working_set: metric(concat!($prefix, ".memory.working_set"), "By", Shape::UpDown),
            rss: metric(concat!($prefix, ".memory.rss"), "By", Shape::UpDown),
            available: metric(concat!($prefix, ".memory.available"), "By", Shape::UpDown),
            memory_limit: metric(concat!($prefix, ".memory.limit"), "By", Shape::UpDown),
            paging_faults: metric(concat!($prefix, $faults), "{fault}", Shape::Counter),
            memory_events: metric(concat!($prefix, ".memory.events"), "{event}", Shape::Counter),
            disk_io: metric(concat!($prefix, ".disk.io"), "By", Shape::Counter),
            disk_operations: metric(concat!($prefix, ".disk.operations"), "{operation}", Shape::Counter),
            pids: metric(concat!($prefix, ".pids.count"), "{pid}", Shape::UpDown),
            pids_limit: metric(concat!($prefix, ".pids.limit"), "{pid}", Shape::UpDown),
            pressure: metric(concat!($prefix, ".pressure.time"), "s", Shape::Counter),
        }
    }};
}

/// Of a container, or of any one cgroup.
pub(super) static CONTAINER: Names = names!("weir/procfs/cgroup", "container", ".paging.faults");
/// Of a pod.
pub(super) static POD: Names = names!("weir/procfs/pods", "k8s.pod", ".memory.paging.faults");

/// The lines of `memory.events` that are reported: what the limits did.
const EVENTS: [&str; 4] = ["high", "max", "oom", "oom_kill"];
const STALLS: [(&str, &str); 3] =
    [("cpu", "cpu.pressure"), ("memory", "memory.pressure"), ("io", "io.pressure")];

/// A cgroup at the place of `files`, on its way into the sink.
pub(super) struct Group<'a, 's> {
    pub(super) names: &'static Names,
    pub(super) origin: Option<&'a dyn Origin>,
    /// Since when its counters count; zero where that is not known.
    pub(super) start: UnixNanos,
    pub(super) files: &'a mut Files,
    pub(super) sink: &'a mut Sink<'s>,
}

type Attributes<'v> = [(&'static str, &'v [u8])];

impl Group<'_, '_> {
    /// Puts in what these controllers say. Answers the first file that could not be read, and why: a controller that is not there, or
    /// a cgroup that is gone.
    pub(super) fn report(&mut self, controllers: &Controllers) -> Result<(), (&'static str, io::Error)> {
        let mut first = Ok(());
        for controller in controllers.iter() {
            let done = match controller {
                Controller::Cpu => self.cpu(),
                Controller::Memory => self.memory(),
                Controller::Io => self.io(),
                Controller::Pids => self.pids(),
                Controller::Pressure => self.pressure(),
            };
            first = first.and(done);
        }
        first
    }

    /// Reads `file` and takes from it what `values` finds.
    fn read<T>(
        &mut self,
        file: &'static str,
        find: impl Fn(&[u8]) -> T,
    ) -> Result<T, (&'static str, io::Error)> {
        self.files.read(file).map(find).map_err(|error| (file, error))
    }

    fn int(&mut self, metric: &Metric, attributes: &Attributes<'_>, value: Option<u64>) {
        let Some(value) = value else { return };
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        self.sink.put_of(self.origin, metric, attributes, weir_core::Number::Int(value), self.start);
    }

    fn double(&mut self, metric: &Metric, attributes: &Attributes<'_>, value: Option<f64>) {
        let Some(value) = value else { return };
        self.sink.put_of(self.origin, metric, attributes, weir_core::Number::Double(value), self.start);
    }

    fn micros(&mut self, metric: &Metric, attributes: &Attributes<'_>, value: Option<u64>) {
        self.double(metric, attributes, value.map(|micros| micros as f64 / MICROSECONDS_A_SECOND));
    }

    fn cpu(&mut self) -> Result<(), (&'static str, io::Error)> {
        const KEYS: [&[u8]; 4] = [b"usage_usec", b"throttled_usec", b"nr_throttled", b"nr_periods"];
        let [usage, throttled, times, periods] =
            self.read("cpu.stat", |file| KEYS.map(|key| text::keyed(file, key)))?;
        let names = self.names;
        self.micros(&names.cpu_time, &[], usage);
        // The file of the root of a tree has no limit, and so no lines of it.
        let limit = self.read("cpu.max", parse::cpu_limit).unwrap_or_default();
        self.double(&names.cpu_limit, &[], limit);
        self.micros(&names.throttled_time, &[], throttled);
        self.int(&names.throttled_periods, &[], times);
        self.int(&names.periods, &[], periods);
        Ok(())
    }

    fn memory(&mut self) -> Result<(), (&'static str, io::Error)> {
        const KIND: &str = "system.paging.fault.type";
        const KEYS: [&[u8]; 4] = [b"inactive_file", b"anon", b"pgfault", b"pgmajfault"];
        let usage = self.read("memory.current", parse::single)?;
        let [inactive, anon, faults, major] =
            self.read("memory.stat", |file| KEYS.map(|key| text::keyed(file, key)))?;
        let limit = self.read("memory.max", parse::single).unwrap_or_default();
        let events = self.read("memory.events", |file| EVENTS.map(|key| text::keyed(file, key.as_bytes())));
        // As the kubelet counts it, which evicts by it: what could not be had back at once.
        let working_set = usage.map(|usage| usage.saturating_sub(inactive.unwrap_or(0)));
        let names = self.names;
        self.int(&names.memory_usage, &[], usage);
        self.int(&names.working_set, &[], working_set);
        self.int(&names.rss, &[], anon);
        self.int(&names.memory_limit, &[], limit);
        let available = limit.zip(working_set).map(|(limit, used)| limit.saturating_sub(used));
        self.int(&names.available, &[], available);
        self.int(&names.paging_faults, &[(KIND, b"major")], major);
        let minor = faults.zip(major).map(|(all, major)| all.saturating_sub(major));
        self.int(&names.paging_faults, &[(KIND, b"minor")], minor);
        for (event, count) in EVENTS.iter().zip(events.unwrap_or_default()) {
            self.int(&names.memory_events, &[("event", event.as_bytes())], count);
        }
        Ok(())
    }

    fn io(&mut self) -> Result<(), (&'static str, io::Error)> {
        const DIRECTION: &str = "disk.io.direction";
        let io = self.read("io.stat", parse::io)?;
        let names = self.names;
        self.int(&names.disk_io, &[(DIRECTION, b"read")], Some(io.read_bytes));
        self.int(&names.disk_io, &[(DIRECTION, b"write")], Some(io.written_bytes));
        self.int(&names.disk_operations, &[(DIRECTION, b"read")], Some(io.reads));
        self.int(&names.disk_operations, &[(DIRECTION, b"write")], Some(io.writes));
        Ok(())
    }

    fn pids(&mut self) -> Result<(), (&'static str, io::Error)> {
        let count = self.read("pids.current", parse::single)?;
        let limit = self.read("pids.max", parse::single).unwrap_or_default();
        let names = self.names;
        self.int(&names.pids, &[], count);
        self.int(&names.pids_limit, &[], limit);
        Ok(())
    }

    fn pressure(&mut self) -> Result<(), (&'static str, io::Error)> {
        for (resource, file) in STALLS {
            let [some, full] =
                self.read(file, |file| [&b"some"[..], b"full"].map(|share| parse::stalled(file, share)))?;
            let names = self.names;
            for (share, stalled) in [(&b"some"[..], some), (b"full", full)] {
                self.micros(&names.pressure, &[("resource", resource.as_bytes()), ("stall", share)], stalled);
            }
        }
        Ok(())
    }
}
