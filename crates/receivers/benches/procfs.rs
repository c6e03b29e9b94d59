//! One scrape by all scrapers of the machine with their defaults, by each of them, by `process`, and one of every metric of the
//! CloudWatch Agent: of a machine in a folder (16 CPUs, 10 disks, 6 interfaces, a table of 60 mounts of which 2 are reported), and of
//! the machine that runs this.
#![allow(
    clippy::expect_used,
    clippy::format_collect,
    reason = "a benchmark may fail, and writes its files slowly"
)]

use std::{fs, io, path::Path};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rustix::fs::{major, minor, stat};
use weir_receivers::procfs::{
    CpuSection, CwAgentConfig, DeviceSection, DiskSection, Listed, ProcfsConfig, Scrape, Scrapers, Section,
};
use weir_testkit::{Fixture, START, seconds};

fn scrape(c: &mut Criterion) {
    let folder = std::env::temp_dir().join(format!("weir-bench-procfs-{}", std::process::id()));
    write_machine(&folder).expect("a folder to write to");
    let of = |root_path: &Path| ProcfsConfig { root_path: root_path.to_owned(), ..ProcfsConfig::default() };
    bench(c, "folder", &of(&folder));
    if Path::new("/proc/stat").exists() {
        bench(c, "this machine", &of(Path::new("/")));
        for (name, scrapers) in one_by_one() {
            bench(c, &format!("{name}, this machine"), &ProcfsConfig { scrapers, ..of(Path::new("/")) });
        }
        let cwagent = Listed(Some(everything_of_the_agent()));
        bench(c, "cwagent, this machine", &ProcfsConfig { cwagent, ..of(Path::new("/")) });
    }
    fs::remove_dir_all(folder).expect("the folder that was written");
}

/// Each scraper alone, with its defaults.
fn one_by_one() -> [(&'static str, Scrapers); 10] {
    let none = Scrapers::default;
    [
        ("cpu", Scrapers { cpu: Listed::default_of(), ..none() }),
        ("load", Scrapers { load: Listed::default_of(), ..none() }),
        ("memory", Scrapers { memory: Listed::default_of(), ..none() }),
        ("disk", Scrapers { disk: Listed::default_of(), ..none() }),
        ("filesystem", Scrapers { filesystem: Listed::default_of(), ..none() }),
        ("network", Scrapers { network: Listed::default_of(), ..none() }),
        ("paging", Scrapers { paging: Listed::default_of(), ..none() }),
        ("processes", Scrapers { processes: Listed::default_of(), ..none() }),
        ("system", Scrapers { system: Listed::default_of(), ..none() }),
        ("process", Scrapers { process: Listed::default_of(), ..none() }),
    ]
}

/// All sections with some metrics each: what a metric more costs is a point.
fn everything_of_the_agent() -> CwAgentConfig {
    let listed = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let section = |names: &[&str]| Listed(Some(Section { measurement: listed(names) }));
    let devices =
        |names| Listed(Some(DeviceSection { measurement: listed(names), ..DeviceSection::default() }));
    let cpu = listed(&["usage_active", "usage_idle", "usage_iowait", "usage_system", "usage_user"]);
    let disk = listed(&["used_percent", "inodes_free"]);
    CwAgentConfig {
        cpu: Listed(Some(CpuSection { measurement: cpu, ..CpuSection::default() })),
        disk: Listed(Some(DiskSection { measurement: disk, ..DiskSection::default() })),
        diskio: devices(&["io_time", "read_bytes", "write_bytes", "reads", "writes"]),
        mem: section(&["used_percent", "available"]),
        net: devices(&["bytes_sent", "bytes_recv", "packets_sent", "packets_recv"]),
        netstat: section(&["tcp_established", "tcp_time_wait", "udp_socket"]),
        processes: section(&["total", "running", "zombies"]),
        swap: section(&["used_percent"]),
    }
}

fn bench(c: &mut Criterion, name: &str, config: &ProcfsConfig) {
    let fixture = Fixture::new();
    let mut scrape = Scrape::new(config, &fixture.context("procfs")).expect("no filters");
    let points = scrape.collect(seconds(START)).points();
    let mut group = c.benchmark_group("procfs");
    group.throughput(Throughput::Elements(points));
    group.bench_function(name, |b| b.iter(|| scrape.collect(seconds(START + 60))));
    group.finish();
}

fn write_machine(root: &Path) -> io::Result<()> {
    fs::create_dir_all(root.join("proc/1/net"))?;
    let write = |path: &str, text: String| fs::write(root.join("proc").join(path), text);
    let cpu = |n: usize| format!("cpu{n} 1234567 2345 345678 98765432 12345 0 4567 89 0 0\n");
    let cpus: String = (0..16).map(cpu).collect();
    let interrupts = " 123456".repeat(1000);
    write(
        "stat",
        format!("cpu  1 1 1 1 1 1 1 1 0 0\n{cpus}intr 99{interrupts}\nctxt 5\nbtime 1699990000\n"),
    )?;
    write("loadavg", "0.50 1.25 12.00 2/345 6789\n".into())?;
    let others: String = (0..45).map(|n| format!("Other{n}:       123456 kB\n")).collect();
    write(
        "meminfo",
        format!(
            "MemTotal: 64000000 kB\nMemFree: 1000000 kB\nMemAvailable: 40000000 kB\nBuffers: 5 kB\nCached: 30000000 kB\nSReclaimable: 8 kB\nSUnreclaim: 9 kB\n{others}"
        ),
    )?;
    let disk = |n: usize| {
        format!(
            " 259 {n} nvme{n}n1 93729 21086 19769522 116429 13237 44364 5586976 18826 0 24612 136381 7424 57 616496 1102 541 22\n"
        )
    };
    write("diskstats", (0..10).map(disk).collect())?;
    let interface = |n: usize| {
        format!(
            "  eth{n}: 250325343   12464    0    0    0     0          0         0   883542    7762    0    0    0     0       0          0\n"
        )
    };
    write("1/net/dev", (0..6).map(interface).collect())?;
    write("filesystems", "nodev\ttmpfs\nnodev\toverlay\n\text4\n\txfs\n".into())?;
    let device = stat(root)?.st_dev;
    let own = format!("{}:{}", major(device), minor(device));
    let pods: String = (0..58)
        .map(|n| format!("{n} 1 0:{n} / /run/containerd/{n}/rootfs rw,relatime - overlay overlay rw,lowerdir=/a:/b:/c\n"))
        .collect();
    let mounts = format!(
        "22 1 {own} / / rw,relatime shared:1 - ext4 /dev/nvme0n1p1 rw\n{pods}30 1 0:99 / /proc rw - xfs /dev/nvme1n1 rw\n"
    );
    write("1/mountinfo", mounts)
}

criterion_group!(benches, scrape);
criterion_main!(benches);
