//! Whole machines, written by hand in the formats that their kernels document: what all scrapers together read of them.

use std::{collections::BTreeMap, fs};

use weir_core::Number;
use weir_testkit::{Fixture, START, seconds};

use super::{
    super::{ProcessConfig, Scrape, Scrapers},
    Machine, fixtures, listed, readings,
};

/// Two rounds: the values of the second, and how many troubles there were in each.
fn rounds(machine: &Machine, scrapers: Scrapers) -> (BTreeMap<String, Number>, [u64; 2]) {
    let fixture = Fixture::new();
    let mut scrape = Scrape::new(&machine.config(scrapers), &fixture.context("procfs")).unwrap();
    scrape.collect(seconds(START));
    let first = scrape.troubles();
    let readings = readings(&fixture, &scrape.collect(seconds(START + 60)));
    (readings, [first, scrape.troubles() - first])
}

fn expect(readings: &BTreeMap<String, Number>, expected: &[(&str, f64)]) {
    for (name, value) in expected {
        let found = readings.get(*name).map(|found| found.as_f64());
        assert_eq!(found, Some(*value), "{name}");
    }
}

/// An instance with Amazon Linux 2: Linux 4.14, Xen's block devices, 14 columns of disks, no swap, no IPv6.
fn amazon_linux_2() -> Machine {
    let machine = Machine::bare();
    machine.write("proc/stat", "cpu  1000 200 300 40000 50 0 7 8 0 0\ncpu0 600 100 200 20000 25 0 4 4 0 0\ncpu1 400 100 100 20000 25 0 3 4 0 0\nintr 9 1\nctxt 5\nbtime 1699990000\nprocesses 777\nprocs_running 2\nprocs_blocked 0\n");
    machine.write("proc/loadavg", "0.08 0.03 0.05 1/104 3120\n");
    machine.write("proc/meminfo", "MemTotal:        4030184 kB\nMemFree:         2530184 kB\nMemAvailable:    3530184 kB\nBuffers:            2088 kB\nCached:          1070936 kB\nSwapCached:            0 kB\nActive:           500000 kB\nInactive:         600000 kB\nSwapTotal:             0 kB\nSwapFree:              0 kB\nDirty:               100 kB\nShmem:               412 kB\nSlab:              90000 kB\nSReclaimable:      70000 kB\nSUnreclaim:        20000 kB\nHugePages_Total:       0\n");
    machine.write("proc/diskstats", fixtures::OLD_DISKSTATS);
    machine.write("proc/1/net/dev", fixtures::OLD_NET_DEV);
    machine.write("proc/1/net/tcp", fixtures::NET_TCP);
    machine.write("proc/filesystems", "nodev\tsysfs\nnodev\ttmpfs\n\txfs\n");
    machine.write("proc/swaps", "Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n");
    machine.write(
        "proc/vmstat",
        "nr_free_pages 632546\npgpgin 300\npgpgout 400\npswpin 0\npswpout 0\npgfault 1000\npgmajfault 10\n",
    );
    machine.write("proc/uptime", "10060.25 19000.00\n");
    let mounts =
        format!("62 1 {} / / rw,noatime shared:1 - xfs /dev/xvda1 rw,attr2,inode64\n", machine.number());
    machine.write("proc/1/mountinfo", &mounts);
    machine.process(1, "1 (systemd) S 0 1 1 0 -1 4194560 100 200 3 40 150 250 0 0 20 0 1 0 5 44916736 1300 18446744073709551615 1 1 0 0 0 0 671173123 4096 1260 0 0 0 17 0 0 0 75 0 0 0 0 0 0 0 0 0 0\n");
    machine.process(2, "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 1 0 0 20 0 1 0 5 0 0 18446744073709551615 0 0 0 0 0 0 0 2147483647 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
    machine
}

#[test]
fn amazon_linux_2_on_xen_is_read_whole() {
    let (readings, troubles) = rounds(&amazon_linux_2(), Scrapers::all());
    assert_eq!(troubles, [0, 0]);
    expect(
        &readings,
        &[
            ("system.cpu.time{cpu=cpu1,state=user}", 4.0),
            ("system.cpu.load_average.5m{}", 0.03),
            ("system.memory.usage{state=used}", 500_000.0 * 1024.0), // total less available
            ("system.memory.usage{state=cached}", 1_140_936.0 * 1024.0),
            ("system.disk.io{device=xvda,direction=read}", 13.0 * 512.0),
            ("system.network.io{device=lo,direction=receive}", 14162.0),
            ("system.paging.faults{type=minor}", 990.0),
            ("system.processes.created{}", 777.0),
            ("system.processes.count{status=sleeping}", 2.0),
            ("system.uptime{}", 10060.25),
        ],
    );
    assert!(!readings.keys().any(|name| name.starts_with("system.paging.usage")), "it has no swap");
}

#[test]
fn a_machine_of_128_cpus_and_linux_6_is_read_whole() {
    let machine = Machine::small();
    machine
        .write("proc/stat", &(fixtures::stat_of(128) + "processes 9\nprocs_running 128\nprocs_blocked 1\n"));
    let disk = |n| format!(" 259 {n} nvme{n}n1 100 10 2000 1500 200 20 4000 2500 3 3500 4250 1 2 3 4 5 6\n");
    let disks: Vec<String> = (0..12).map(disk).collect();
    machine.write("proc/diskstats", &disks.concat());
    let (readings, troubles) = rounds(&machine, Scrapers::all());
    assert_eq!(troubles, [0, 0]);
    let of = |metric: &str| readings.keys().filter(|name| name.starts_with(metric)).count();
    assert_eq!((of("system.cpu.time{"), of("system.disk.")), (128 * 8, 12 * 11));
    // stat_of: CPU n has spent n + column hundredths of a second in the state of that column.
    expect(
        &readings,
        &[
            ("system.cpu.time{cpu=cpu127,state=steal}", 1.34),
            ("system.disk.io{device=nvme11n1,direction=write}", 4000.0 * 512.0),
            ("system.processes.created{}", 9.0),
        ],
    );
}

#[test]
fn a_container_that_hides_files_tells_what_it_shows_and_each_that_is_missing_is_said_once() {
    let machine = Machine::small();
    // As a sandbox may: no disks, no swap, nothing of the first process; its own network and mounts are there.
    for hidden in ["proc/diskstats", "proc/swaps", "proc/vmstat"] {
        machine.remove(hidden);
    }
    fs::rename(machine.root().join("proc/1/net"), machine.root().join("proc/net")).unwrap();
    let mounts = format!("1 0 {} / {} rw - ext4 /dev/vda rw\n", machine.number(), machine.root().display());
    machine.write("proc/self/mountinfo", &mounts);
    fs::remove_dir_all(machine.root().join("proc/1")).unwrap();
    machine.process(17, fixtures::PID_STAT);
    let scrapers = Scrapers { process: listed(ProcessConfig::default()), ..Scrapers::all() };
    let (readings, troubles) = rounds(&machine, scrapers);
    // diskstats, swaps, vmstat, and the process's `io`: at each round. How often they are said is `trouble`'s matter.
    assert_eq!(troubles, [4, 4]);
    for metric in [
        "system.cpu.time{",
        "system.memory.usage{",
        "system.network.io{",
        "system.filesystem.usage{",
        "process.cpu.time{",
        "system.uptime{",
    ] {
        assert!(readings.keys().any(|name| name.starts_with(metric)), "{metric} is not in {readings:#?}");
    }
    assert!(
        !readings.keys().any(|name| name.starts_with("system.disk.") || name.starts_with("system.paging."))
    );
}
