//! Each metric by itself: name, dimensions, unit, and a value that was worked by hand from the two moments of the machine.

use super::{Rounds, after, before};
use crate::procfs::{
    cwagent::{self, disk, measure::values},
    filesystem::Space,
};

/// What the second round says when this metric alone is asked for.
fn second_round(metric: &str) -> Vec<String> {
    let (plugin, measurement) = metric.split_once('_').unwrap();
    let machine = before();
    let mut rounds = Rounds::new(&machine, &format!("{{{plugin}: {{measurement: [{measurement}]}}}}"));
    rounds.next();
    after(&machine);
    rounds.next()
}

/// A test a metric: `name: "dimensions" unit value`.
macro_rules! metrics {
    ($($name:ident: $dimensions:literal $unit:ident $value:literal;)*) => {
        $(#[test]
        fn $name() {
            let name = stringify!($name);
            let expected = format!("{name}{{{}}} {} {}", $dimensions, stringify!($unit), $value);
            assert_eq!(second_round(name), [expected]);
        })*
        const TESTED: &[(&str, &str)] = &[$((stringify!($name), stringify!($unit))),*];
    };
}

metrics! {
    // Of 1000 ticks: user 300 (120 of them guests), nice 50 (20 of them guests), system 100, idle 400, I/O 80, irq 10, softirq 20,
    // steal 40. A hundred ticks are a second.
    cpu_time_active: "cpu=cpu-total" None "22.6";
    cpu_time_guest: "cpu=cpu-total" None "1.6";
    cpu_time_guest_nice: "cpu=cpu-total" None "0.28";
    cpu_time_idle: "cpu=cpu-total" None "54";
    cpu_time_iowait: "cpu=cpu-total" None "1.8";
    cpu_time_irq: "cpu=cpu-total" None "0.2";
    cpu_time_nice: "cpu=cpu-total" None "2.5";
    cpu_time_softirq: "cpu=cpu-total" None "0.4";
    cpu_time_steal: "cpu=cpu-total" None "0.7";
    cpu_time_system: "cpu=cpu-total" None "4";
    cpu_time_user: "cpu=cpu-total" None "13";
    cpu_usage_active: "cpu=cpu-total" Percent "60";
    cpu_usage_guest: "cpu=cpu-total" Percent "12";
    cpu_usage_guest_nice: "cpu=cpu-total" Percent "2";
    cpu_usage_idle: "cpu=cpu-total" Percent "40";
    cpu_usage_iowait: "cpu=cpu-total" Percent "8";
    cpu_usage_irq: "cpu=cpu-total" Percent "1";
    cpu_usage_nice: "cpu=cpu-total" Percent "3";
    cpu_usage_softirq: "cpu=cpu-total" Percent "2";
    cpu_usage_steal: "cpu=cpu-total" Percent "4";
    cpu_usage_system: "cpu=cpu-total" Percent "10";
    cpu_usage_user: "cpu=cpu-total" Percent "18";
    // 2100 − 2000 and 4016 − 4000 sectors of 512 bytes.
    diskio_io_time: "name=nvme0n1" Milliseconds "120";
    diskio_iops_in_progress: "name=nvme0n1" Count "2";
    diskio_read_bytes: "name=nvme0n1" Bytes "51200";
    diskio_read_time: "name=nvme0n1" Milliseconds "30";
    diskio_reads: "name=nvme0n1" Count "60";
    diskio_write_bytes: "name=nvme0n1" Bytes "8192";
    diskio_write_time: "name=nvme0n1" Milliseconds "100";
    diskio_writes: "name=nvme0n1" Count "5";
    // 8000 kB − 1000 free − 200 buffers − 3000 cached − 300 reclaimable are 3500 kB.
    mem_active: "" Bytes "2560000";
    mem_available: "" Bytes "5120000";
    mem_available_percent: "" Percent "62.5";
    mem_buffered: "" Bytes "204800";
    mem_cached: "" Bytes "3379200";
    mem_free: "" Bytes "1024000";
    mem_inactive: "" Bytes "1536000";
    mem_shared: "" Bytes "65536";
    mem_total: "" Bytes "8192000";
    mem_used: "" Bytes "3584000";
    mem_used_percent: "" Percent "43.75";
    net_bytes_recv: "interface=eth0" Bytes "500";
    net_bytes_sent: "interface=eth0" Bytes "900";
    net_drop_in: "interface=eth0" Count "5";
    net_drop_out: "interface=eth0" Count "6";
    net_err_in: "interface=eth0" Count "2";
    net_err_out: "interface=eth0" Count "1";
    net_packets_recv: "interface=eth0" Count "4";
    net_packets_sent: "interface=eth0" Count "7";
    // Two listen on one address; of Unix there are the paths of the bus, of udev and of none, and two for datagrams.
    netstat_tcp_close: "" Count "1";
    netstat_tcp_close_wait: "" Count "2";
    netstat_tcp_closing: "" Count "1";
    netstat_tcp_established: "" Count "3";
    netstat_tcp_fin_wait1: "" Count "1";
    netstat_tcp_fin_wait2: "" Count "2";
    netstat_tcp_last_ack: "" Count "1";
    netstat_tcp_listen: "" Count "2";
    netstat_tcp_none: "" Count "3";
    netstat_tcp_syn_recv: "" Count "2";
    netstat_tcp_syn_sent: "" Count "1";
    netstat_tcp_time_wait: "" Count "3";
    netstat_udp_socket: "" Count "5";
    processes_blocked: "" Count "1";
    processes_dead: "" Count "1";
    processes_idle: "" Count "1";
    processes_paging: "" Count "1";
    processes_running: "" Count "1";
    processes_sleeping: "" Count "2";
    processes_stopped: "" Count "2";
    processes_total: "" Count "11";
    processes_total_threads: "" Count "16";
    processes_zombies: "" None "1";
    swap_free: "" Bytes "1536000";
    swap_used: "" Bytes "512000";
    swap_used_percent: "" Percent "25";
}

/// A test a metric of a filesystem of 1000 blocks of 4 KiB, 400 free, of which root keeps 50, and 500 inodes, 380 free: no test can
/// make the kernel say so, so the formulas get it by hand. What the kernel says goes through them in `mounts`.
macro_rules! disk_metrics {
    ($($name:ident: $unit:ident $value:literal;)*) => {
        $(#[test]
        fn $name() {
            let name = stringify!($name);
            let reading = disk::Reading {
                space: Space::new(1000, 400, 350, 4096),
                inodes: 500,
                inodes_free: 380,
            };
            let found = values(disk::MEASURES, &reading).into_iter().find(|(known, _)| *known == name);
            assert_eq!(found.unwrap().1.unwrap().as_f64().to_string(), $value);
            let [point] = &second_round(name)[..] else { panic!("one point of {name}") };
            let start = format!("{name}{{device=nvme0n1p1,fstype=ext4,path=/}} {} ", stringify!($unit));
            assert!(point.starts_with(&start), "{point}");
        })*
        const TESTED_OF_DISKS: &[(&str, &str)] = &[$((stringify!($name), stringify!($unit))),*];
    };
}

disk_metrics! {
    disk_free: Bytes "1433600";
    disk_inodes_free: Count "380";
    disk_inodes_total: Count "500";
    disk_inodes_used: Count "120";
    disk_total: Bytes "4096000";
    disk_used: Bytes "2457600";
    disk_used_percent: Percent "63.1578947368421";
}

/// What the Agent takes in `measurement` on Linux (release 1.300071), but for what it never reports there (`processes_wait`), and the
/// statistics of EBS and instance store volumes, which come from the devices themselves.
#[rustfmt::skip]
pub(super) const OF_THE_AGENT: &[(&str, &[&str])] = &[
    ("cpu", &["time_active", "time_guest", "time_guest_nice", "time_idle", "time_iowait", "time_irq", "time_nice", "time_softirq",
        "time_steal", "time_system", "time_user", "usage_active", "usage_guest", "usage_guest_nice", "usage_idle", "usage_iowait",
        "usage_irq", "usage_nice", "usage_softirq", "usage_steal", "usage_system", "usage_user"]),
    ("disk", &["free", "inodes_free", "inodes_total", "inodes_used", "total", "used", "used_percent"]),
    ("diskio", &["iops_in_progress", "io_time", "reads", "read_bytes", "read_time", "writes", "write_bytes", "write_time"]),
    ("mem", &["active", "available", "available_percent", "buffered", "cached", "free", "inactive", "shared", "total", "used",
        "used_percent"]),
    ("net", &["bytes_sent", "bytes_recv", "drop_in", "drop_out", "err_in", "err_out", "packets_sent", "packets_recv"]),
    ("netstat", &["tcp_close", "tcp_close_wait", "tcp_closing", "tcp_established", "tcp_fin_wait1", "tcp_fin_wait2", "tcp_last_ack",
        "tcp_listen", "tcp_none", "tcp_syn_sent", "tcp_syn_recv", "tcp_time_wait", "udp_socket"]),
    ("processes", &["blocked", "dead", "idle", "paging", "running", "sleeping", "stopped", "total", "total_threads", "zombies"]),
    ("swap", &["free", "used", "used_percent"]),
];

#[test]
fn every_metric_of_the_agent_is_there_and_has_its_test() {
    let of_plugin = |(plugin, names): &(&str, &[&str])| {
        names.iter().map(|name| format!("{plugin}_{name}")).collect::<Vec<_>>()
    };
    let mut of_the_agent: Vec<String> = OF_THE_AGENT.iter().flat_map(of_plugin).collect();
    of_the_agent.sort();
    let sorted = |mut names: Vec<&str>| {
        names.sort_unstable();
        names.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(sorted(cwagent::all()), of_the_agent);
    let tested = tested().into_iter().map(|(name, _)| name).collect();
    assert_eq!(sorted(tested), of_the_agent);
}

/// Every metric that has its test here, with its unit.
fn tested() -> Vec<(&'static str, &'static str)> {
    [TESTED, TESTED_OF_DISKS].concat()
}

#[test]
fn the_page_has_a_row_with_the_unit_and_the_formula_of_every_metric() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cwagent.md");
    let page = std::fs::read_to_string(page).unwrap();
    let tables = page.split_once("## The metrics").unwrap().1;
    let row = |line: &str| {
        let (name, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
        Some((name.to_owned(), rest.split_once(" | ")?.0.to_owned()))
    };
    let mut written: Vec<(String, String)> = tables.lines().filter_map(row).collect();
    let mut expected: Vec<(String, String)> =
        tested().into_iter().map(|(name, unit)| (name.to_owned(), unit.to_owned())).collect();
    written.sort();
    expected.sort();
    assert_eq!(written, expected);
}
