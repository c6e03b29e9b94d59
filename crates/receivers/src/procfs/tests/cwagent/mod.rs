//! The metrics of the CloudWatch Agent: a machine at two moments, a minute apart, and what follows by hand.

mod agent;
mod broken;
mod config;
mod metrics;
mod mounts;
mod rounds;

use std::{fs, path::PathBuf};

use weir_core::{Kind, NumberPoint, Temporality};
use weir_testkit::{Fixture, START, seconds};

use super::{Machine, fixtures};
use crate::procfs::{ProcfsConfig, Scrape};

/// The machine at the first moment: two CPUs, a disk and a loop device that nobody uses, three interfaces.
fn before() -> Machine {
    let machine = Machine::bare();
    machine.write(
        "proc/stat",
        "cpu  1000 200 300 5000 100 10 20 30 40 8\n\
         cpu0 400 100 100 3000 50 5 10 15 20 4\n\
         cpu1 600 100 200 2000 50 5 10 15 20 4\n\
         intr 3000 10\nbtime 1699990000\n",
    );
    machine.write("proc/meminfo", MEMINFO);
    machine.write(
        "proc/diskstats",
        " 259 0 nvme0n1 100 10 2000 1500 200 20 4000 2500 3 3500 4250 1 2 3 4 5 6\n   7 0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
    );
    machine.write("proc/1/net/dev", &interfaces("1000 10 1 2", "2000 20 3 4"));
    for (interface, flags) in [("lo", "0x9"), ("eth0", "0x1003"), ("eth1", "0x1002")] {
        fs::create_dir_all(machine.root().join("sys/class/net").join(interface)).unwrap();
        machine.write(&format!("sys/class/net/{interface}/flags"), &format!("{flags}\n"));
    }
    machine.write("proc/filesystems", fixtures::FILESYSTEMS);
    let mounts = format!("22 1 {} / / rw,relatime shared:1 - ext4 /dev/nvme0n1p1 rw\n", machine.number());
    machine.write("proc/1/mountinfo", &mounts);
    sockets(&machine);
    processes(&machine);
    machine
}

/// Sockets: in each state of TCP as many as are listed; some share their addresses or paths.
fn sockets(machine: &Machine) {
    let inet = |lines: &[(&str, &str, &str)]| {
        let line = |(at, (local, remote, state)): (usize, &(&str, &str, &str))| {
            format!(
                "{at:4}: {local} {remote} {state} 00000000:00000000 00:00000000 00000000     0        0 {at}00 1 0\n"
            )
        };
        let heading = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
        heading.to_owned() + &lines.iter().enumerate().map(line).collect::<String>()
    };
    let (here, anyone) = ("0A00000A:0016", "00000000:0000");
    let states =
        ["01", "01", "02", "03", "03", "04", "05", "05", "06", "06", "06", "07", "08", "08", "09", "0B"];
    let peers: Vec<String> = (0..states.len()).map(|at| format!("0B00000A:{at:04X}")).collect();
    let mut tcp: Vec<_> = states.iter().zip(&peers).map(|(state, peer)| (here, &**peer, *state)).collect();
    tcp.extend([("00000000:0050", anyone, "0A"), ("00000000:0050", anyone, "0A")]);
    machine.write("proc/1/net/tcp", &inet(&tcp));
    let (six, anyone_six) =
        ("00000000000000000000000000000000:0050", "00000000000000000000000000000000:0000");
    machine.write(
        "proc/1/net/tcp6",
        &inet(&[(six, anyone_six, "0A"), (six, "B80D0120000000000000000001000000:C000", "01")]),
    );
    machine.write(
        "proc/1/net/udp",
        &inet(&[
            ("00000000:0044", anyone, "07"),
            ("00000000:0044", anyone, "07"),
            ("3500007F:0035", anyone, "07"),
        ]),
    );
    machine.write("proc/1/net/udp6", &inet(&[(six, anyone_six, "07")]));
    machine.write(
        "proc/1/net/unix",
        "Num       RefCount Protocol Flags    Type St Inode Path\n\
         ffff8880: 00000002 00000000 00010000 0001 01 100 /run/dbus/socket\n\
         ffff8881: 00000003 00000000 00000000 0001 03 101 /run/dbus/socket\n\
         ffff8882: 00000003 00000000 00000000 0001 03 102\n\
         ffff8883: 00000003 00000000 00000000 0001 03 103\n\
         ffff8884: 00000002 00000000 00010000 0005 01 104 /run/udev/control\n\
         ffff8885: 00000002 00000000 00000000 0002 01 105 /run/systemd/notify\n\
         ffff8886: 00000002 00000000 00000000 0002 01 106\n\
         ffff8887: 00000002 00000000 00000000 0002 01 107\n",
    );
}

/// Processes of these states, with so many threads each.
fn processes(machine: &Machine) {
    let states = [
        ("R", 3),
        ("S", 1),
        ("S", 4),
        ("D", 1),
        ("Z", 1),
        ("T", 1),
        ("t", 1),
        ("X", 1),
        ("W", 1),
        ("I", 1),
        ("P", 1),
    ];
    for (pid, (state, threads)) in (100..).zip(states) {
        fs::create_dir_all(machine.root().join(format!("proc/{pid}"))).unwrap();
        let stat = format!(
            "{pid} (a) R (b) {state} 1 2 3 0 -1 4194560 5 6 7 8 9 10 11 12 20 0 {threads} 0 99 0 0\n"
        );
        machine.write(&format!("proc/{pid}/stat"), &stat);
    }
}

/// The same machine a minute later: 1000 ticks of CPU time have passed.
fn after(machine: &Machine) {
    machine.write(
        "proc/stat",
        "cpu  1300 250 400 5400 180 20 40 70 160 28\n\
         cpu0 400 100 100 3400 50 5 10 15 20 4\n\
         cpu1 900 150 300 2000 130 15 30 55 140 24\n\
         intr 3000 10\nbtime 1699990000\n",
    );
    machine.write(
        "proc/diskstats",
        " 259 0 nvme0n1 160 11 2100 1530 205 20 4016 2600 2 3620 4400 1 2 3 4 5 6\n   7 0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
    );
    machine.write("proc/1/net/dev", &interfaces("1500 14 3 7", "2900 27 4 10"));
}

const MEMINFO: &str = "\
MemTotal:           8000 kB
MemFree:            1000 kB
MemAvailable:       5000 kB
Buffers:             200 kB
Cached:             3000 kB
SwapCached:            7 kB
Active:             2500 kB
Inactive:           1500 kB
Active(anon):       1100 kB
SwapTotal:          2000 kB
SwapFree:           1500 kB
Shmem:                64 kB
SReclaimable:        300 kB
SUnreclaim:           90 kB
";

fn interfaces(received: &str, sent: &str) -> String {
    let line = |name: &str| format!("{name:>6}: {received} 0 0 0 0 {sent} 0 0 0 0\n");
    format!("Inter-| Receive\n face |bytes\n{}{}{}", line("lo"), line("eth0"), line("eth1"))
}

/// Two rounds, a minute apart.
struct Rounds {
    fixture: Fixture,
    scrape: Scrape,
    count: u64,
}

impl Rounds {
    /// Of this section `cwagent`, in YAML.
    fn new(machine: &Machine, section: &str) -> Self {
        Self::of(machine.root().to_owned(), section)
    }

    /// Of the machine below `root_path`.
    fn of(root_path: PathBuf, section: &str) -> Self {
        let (config, told) = super::config::read(&format!("cwagent: {section}"));
        assert_eq!(told, Vec::<String>::new());
        let config = ProcfsConfig { root_path, ..config.unwrap() };
        let fixture = Fixture::new();
        let scrape = Scrape::new(&config, &fixture.context("procfs")).unwrap();
        Self { fixture, scrape, count: 0 }
    }

    /// The next round's points: `name{dimensions} unit value`, sorted.
    fn next(&mut self) -> Vec<String> {
        let now = seconds(START + 60 * self.count);
        self.count += 1;
        let batch = self.scrape.collect(now);
        let mut points: Vec<String> = batch.numbers.iter().map(|point| self.described(point)).collect();
        points.sort();
        points
    }

    fn described(&self, point: &NumberPoint) -> String {
        let series = self.fixture.series(point.series);
        let metric = series.descriptor();
        let now = START + 60 * (self.count - 1);
        assert_eq!(point.time, seconds(now));
        let start = match (metric.kind, metric.temporality, metric.monotonic) {
            (Kind::Gauge, Temporality::Unspecified, false) => 0,
            (Kind::Sum, Temporality::Delta, true) => now - 60,
            other => panic!("{} is {other:?}", metric.name),
        };
        assert_eq!(point.start, seconds(start), "{}", metric.name);
        assert!(series.resource().attributes.is_empty());
        let dimensions: Vec<String> =
            series.attributes().iter().map(|one| format!("{}={}", one.key, one.value)).collect();
        format!("{}{{{}}} {} {}", metric.name, dimensions.join(","), metric.unit, point.value().as_f64())
    }
}
