//! On the machine that runs the tests, against readings of its own.

use std::fs;

use rustix::fs::statvfs;
use weir_core::Number;
use weir_testkit::{Fixture, START, seconds};

use super::{
    super::{MemoryConfig, MemoryMetrics, ProcfsConfig, Scrape, Scrapers, Switch},
    listed, readings,
};

fn int(value: Number) -> i64 {
    match value {
        Number::Int(value) => value,
        Number::Double(value) => panic!("{value} is a double"),
    }
}

#[test]
fn this_machine_agrees_with_what_its_files_say() {
    let Ok(stat) = fs::read_to_string("/proc/stat") else { return };
    let fixture = Fixture::new();
    let memory = MemoryMetrics { limit: Switch { enabled: true }, ..MemoryMetrics::default() };
    let scrapers = Scrapers { memory: listed(MemoryConfig { metrics: memory }), ..Scrapers::all() };
    let config = ProcfsConfig { scrapers, ..ProcfsConfig::default() };
    let mut scrape = Scrape::new(&config, &fixture.context("procfs")).unwrap();
    let batch = scrape.collect(seconds(START));
    let readings = readings(&fixture, &batch);

    let cpus = stat.lines().filter(|line| line.starts_with("cpu") && !line.starts_with("cpu ")).count();
    assert_eq!(readings.keys().filter(|name| name.starts_with("system.cpu.time{")).count(), cpus * 8);

    let meminfo = fs::read_to_string("/proc/meminfo").unwrap();
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:")?.strip_suffix(" kB")).unwrap();
    assert_eq!(int(readings["system.memory.limit{}"]), total.trim().parse::<i64>().unwrap() * 1024);

    let disks = fs::read_to_string("/proc/diskstats").map_or(0, |text| text.lines().count());
    assert_eq!(readings.keys().filter(|name| name.starts_with("system.disk.io_time{")).count(), disks);

    let dev = fs::read_to_string("/proc/net/dev").unwrap();
    let interfaces = dev.lines().filter(|line| line.contains(':')).count();
    assert_eq!(readings.keys().filter(|name| name.starts_with("system.network.io{")).count(), interfaces * 2);

    // Whether the root is on a device differs between machines; where it is, its size is the kernel's.
    let root: Vec<i64> = readings
        .iter()
        .filter(|(name, _)| name.starts_with("system.filesystem.usage{") && name.contains("mountpoint=/,"))
        .map(|(_, value)| int(*value))
        .collect();
    if !root.is_empty() {
        let kernel = statvfs("/").unwrap();
        assert_eq!(root.iter().sum::<i64>() as u64, kernel.f_blocks * kernel.f_frsize);
    }
}

#[test]
fn counters_of_this_machine_never_fall_from_scrape_to_scrape() {
    let fixture = Fixture::new();
    let mut scrape = Scrape::new(&ProcfsConfig::default(), &fixture.context("procfs")).unwrap();
    let mut before = readings(&fixture, &scrape.collect(seconds(START)));
    for round in 1..20 {
        let now = readings(&fixture, &scrape.collect(seconds(START + round)));
        for (name, value) in now
            .iter()
            .filter(|(name, _)| name.starts_with("system.cpu.time") || name.starts_with("system.network.io"))
        {
            let last = before.get(name).map_or(0.0, |last| last.as_f64());
            assert!(value.as_f64() >= last, "{name} fell from {last} to {}", value.as_f64());
        }
        before = now;
    }
}
