use std::collections::BTreeMap;

use rustix::fs::statvfs;
use weir_core::{Interner, Kind, Number, Reason, Temporality};
use weir_testkit::{Fixture, START, seconds};

use super::{
    super::{
        CpuConfig, CpuMetrics, DeviceFilter, DiskConfig, FilesystemConfig, FilesystemMetrics,
        InterfaceFilter, LoadConfig, MatchType, MemoryConfig, MemoryMetrics, MountPointFilter, NetworkConfig,
        NetworkMetrics, Scrape, Scrapers,
    },
    Machine, OFF, ON, expect, fixtures, listed, readings, scrape,
};

#[test]
fn the_defaults_report_what_the_collector_reports() {
    let machine = Machine::small();
    let mut readings = scrape(&machine, Scrapers::default());
    // Worked out elsewhere: the rest of what is on by default.
    let elsewhere = ["system.filesystem", "system.network.connections", "system.paging", "system.processes"];
    readings.retain(|name, _| !elsewhere.iter().any(|prefix| name.starts_with(prefix)));
    expect(
        &readings,
        "system.cpu.logical.count{} 1
         system.cpu.time{cpu=cpu0,state=user} 1.5
         system.cpu.time{cpu=cpu0,state=nice} 0.25
         system.cpu.time{cpu=cpu0,state=system} 0.5
         system.cpu.time{cpu=cpu0,state=idle} 10.0
         system.cpu.time{cpu=cpu0,state=wait} 0.1
         system.cpu.time{cpu=cpu0,state=interrupt} 0.05
         system.cpu.time{cpu=cpu0,state=softirq} 0.07
         system.cpu.time{cpu=cpu0,state=steal} 0.03
         system.uptime{} 350735.47
         system.cpu.load_average.1m{} 0.5
         system.cpu.load_average.5m{} 1.25
         system.cpu.load_average.15m{} 12.0
         system.memory.usage{state=used} 409600
         system.memory.usage{state=free} 204800
         system.memory.usage{state=buffered} 51200
         system.memory.usage{state=cached} 337920
         system.memory.usage{state=slab_reclaimable} 30720
         system.memory.usage{state=slab_unreclaimable} 40960
         system.disk.io{device=sda,direction=read} 1024000
         system.disk.io{device=sda,direction=write} 2048000
         system.disk.operations{device=sda,direction=read} 100
         system.disk.operations{device=sda,direction=write} 200
         system.disk.operation_time{device=sda,direction=read} 1.5
         system.disk.operation_time{device=sda,direction=write} 2.5
         system.disk.merged{device=sda,direction=read} 10
         system.disk.merged{device=sda,direction=write} 20
         system.disk.io_time{device=sda} 3.5
         system.disk.weighted_io_time{device=sda} 4.25
         system.disk.pending_operations{device=sda} 3
         system.network.io{device=eth0,direction=receive} 1000
         system.network.io{device=eth0,direction=transmit} 2000
         system.network.packets{device=eth0,direction=receive} 10
         system.network.packets{device=eth0,direction=transmit} 20
         system.network.errors{device=eth0,direction=receive} 1
         system.network.errors{device=eth0,direction=transmit} 3
         system.network.dropped{device=eth0,direction=receive} 2
         system.network.dropped{device=eth0,direction=transmit} 4",
    );
}

#[test]
fn a_filesystem_has_bytes_and_inodes_that_add_up_to_what_the_kernel_says() {
    let machine = Machine::small();
    let fixture = Fixture::new();
    let metrics = FilesystemMetrics { utilization: ON, ..FilesystemMetrics::default() };
    let scrapers = Scrapers {
        filesystem: listed(FilesystemConfig { metrics, ..FilesystemConfig::default() }),
        ..Scrapers::default()
    };
    let mut scrape = Scrape::new(&machine.config(scrapers), &fixture.context("procfs")).unwrap();
    let readings = readings(&fixture, &scrape.collect(seconds(START)));
    let int = |metric: &str, state: &str| {
        let name = format!("{metric}{{device=/dev/sda1,mode=rw,mountpoint=/,state={state},type=ext4}}");
        match readings.get(&name) {
            Some(Number::Int(value)) => *value as u64,
            found => panic!("{name} is {found:?}"),
        }
    };
    let kernel = statvfs(machine.root()).unwrap();
    let bytes: u64 =
        ["used", "free", "reserved"].iter().map(|state| int("system.filesystem.usage", state)).sum();
    assert_eq!(bytes, kernel.f_blocks * kernel.f_frsize);
    if kernel.f_files > 0 {
        let inodes: u64 =
            ["used", "free"].iter().map(|state| int("system.filesystem.inodes.usage", state)).sum();
        assert_eq!(inodes, kernel.f_files);
    }
    let utilization =
        readings["system.filesystem.utilization{device=/dev/sda1,mode=rw,mountpoint=/,type=ext4}"].as_f64();
    assert!((0.0..=1.0).contains(&utilization), "{utilization}");
}

#[test]
fn every_metric_has_the_collectors_unit_kind_and_start() {
    let machine = Machine::small();
    let fixture = Fixture::new();
    let mut scrape = Scrape::new(&machine.config(Scrapers::default()), &fixture.context("procfs")).unwrap();
    let batch = scrape.collect(seconds(START));
    let mut seen = BTreeMap::new();
    for point in &batch.numbers {
        let series = fixture.series(point.series);
        let metric = series.descriptor();
        let shape = match (metric.kind, metric.temporality, metric.monotonic) {
            (Kind::Gauge, Temporality::Unspecified, false) => "gauge",
            (Kind::Sum, Temporality::Cumulative, true) => "counter",
            (Kind::Sum, Temporality::Cumulative, false) => "up-down",
            other => panic!("{} is {other:?}", metric.name),
        };
        assert_eq!(point.time, seconds(START));
        // btime of the fixture
        assert_eq!(point.start, seconds(if shape == "gauge" { 0 } else { 1_699_990_000 }), "{}", metric.name);
        assert!(series.resource().attributes.is_empty());
        seen.insert(metric.name.to_string(), format!("{} {shape} {}", metric.unit, series.scope().name));
    }
    let found: Vec<String> = seen.into_iter().map(|(name, facts)| format!("{name} {facts}")).collect();
    let expected = [
        "system.cpu.load_average.15m {thread} gauge weir/procfs/load",
        "system.cpu.load_average.1m {thread} gauge weir/procfs/load",
        "system.cpu.load_average.5m {thread} gauge weir/procfs/load",
        "system.cpu.logical.count {cpu} up-down weir/procfs/cpu",
        "system.cpu.time s counter weir/procfs/cpu",
        "system.disk.io By counter weir/procfs/disk",
        "system.disk.io_time s counter weir/procfs/disk",
        "system.disk.merged {operations} counter weir/procfs/disk",
        "system.disk.operation_time s counter weir/procfs/disk",
        "system.disk.operations {operations} counter weir/procfs/disk",
        "system.disk.pending_operations {operations} up-down weir/procfs/disk",
        "system.disk.weighted_io_time s counter weir/procfs/disk",
        "system.filesystem.inodes.usage {inodes} up-down weir/procfs/filesystem",
        "system.filesystem.usage By up-down weir/procfs/filesystem",
        "system.memory.usage By up-down weir/procfs/memory",
        "system.network.connections {connections} up-down weir/procfs/network",
        "system.network.dropped {packets} counter weir/procfs/network",
        "system.network.errors {errors} counter weir/procfs/network",
        "system.network.io By counter weir/procfs/network",
        "system.network.packets {packets} counter weir/procfs/network",
        "system.paging.faults {faults} counter weir/procfs/paging",
        "system.paging.operations {operations} counter weir/procfs/paging",
        "system.paging.usage By up-down weir/procfs/paging",
        "system.processes.count {processes} up-down weir/procfs/processes",
        "system.processes.created {processes} counter weir/procfs/processes",
        "system.uptime s gauge weir/procfs/system",
    ];
    assert_eq!(found, expected);
}

#[test]
fn optional_metrics_come_when_they_are_switched_on() {
    let machine = Machine::small();
    let cpu = CpuMetrics { time: OFF, utilization: ON, ..CpuMetrics::default() };
    let memory = MemoryMetrics {
        usage: OFF,
        utilization: ON,
        limit: ON,
        page_size: ON,
        available: ON,
        dirty: ON,
        shared: ON,
        huge_limit: ON,
        huge_page_size: ON,
        huge_reserved: ON,
        huge_surplus: ON,
        huge_usage: ON,
        huge_utilization: ON,
    };
    let scrapers = Scrapers {
        cpu: listed(CpuConfig { metrics: cpu }),
        memory: listed(MemoryConfig { metrics: memory }),
        load: listed(LoadConfig { cpu_average: true, ..LoadConfig::default() }),
        ..Scrapers::default()
    };
    machine.write("proc/stat", "cpu0 100 0 0 1000 0 0 0 0\ncpu1 0 0 0 0\nbtime 5\n");
    let fixture = Fixture::new();
    let mut scrape = Scrape::new(&machine.config(scrapers), &fixture.context("procfs")).unwrap();
    let first = readings(&fixture, &scrape.collect(seconds(START)));
    assert!(
        !first.keys().any(|name| name.starts_with("system.cpu.utilization")),
        "there is no previous scrape"
    );
    machine.write("proc/stat", "cpu0 125 0 25 1050 0 0 0 0\ncpu1 0 0 0 0\nbtime 5\n");
    let mut second = readings(&fixture, &scrape.collect(seconds(START + 60)));
    let page_size = second.remove("system.memory.page_size{}").unwrap();
    assert_eq!(page_size, Number::Int(rustix::param::page_size() as i64));
    expect(
        &second,
        "system.cpu.logical.count{} 2
         system.cpu.utilization{cpu=cpu0,state=user} 0.25
         system.cpu.utilization{cpu=cpu0,state=nice} 0.0
         system.cpu.utilization{cpu=cpu0,state=system} 0.25
         system.cpu.utilization{cpu=cpu0,state=idle} 0.5
         system.cpu.utilization{cpu=cpu0,state=wait} 0.0
         system.cpu.utilization{cpu=cpu0,state=interrupt} 0.0
         system.cpu.utilization{cpu=cpu0,state=softirq} 0.0
         system.cpu.utilization{cpu=cpu0,state=steal} 0.0
         system.cpu.load_average.1m{} 0.25
         system.cpu.load_average.5m{} 0.625
         system.cpu.load_average.15m{} 6.0
         system.memory.utilization{state=used} 0.4
         system.memory.utilization{state=free} 0.2
         system.memory.utilization{state=buffered} 0.05
         system.memory.utilization{state=cached} 0.33
         system.memory.utilization{state=slab_reclaimable} 0.03
         system.memory.utilization{state=slab_unreclaimable} 0.04
         system.memory.limit{} 1024000
         system.linux.memory.available{} 614400
         system.linux.memory.dirty{} 8192
         system.memory.linux.shared{} 16384
         system.memory.linux.hugepages.limit{} 8
         system.memory.linux.hugepages.page_size{} 2097152
         system.memory.linux.hugepages.reserved{} 2
         system.memory.linux.hugepages.surplus{} 1
         system.memory.linux.hugepages.usage{system.memory.linux.hugepages.state=free} 6
         system.memory.linux.hugepages.usage{system.memory.linux.hugepages.state=used} 2
         system.memory.linux.hugepages.utilization{system.memory.linux.hugepages.state=free} 0.75
         system.memory.linux.hugepages.utilization{system.memory.linux.hugepages.state=used} 0.25",
    );
}

#[test]
fn a_counter_that_the_kernel_corrects_downwards_stays_where_it_was() {
    let machine = Machine::small();
    let scrapers = Scrapers { cpu: listed(CpuConfig::default()), ..Scrapers::default() };
    let fixture = Fixture::new();
    let mut scrape = Scrape::new(&machine.config(scrapers), &fixture.context("procfs")).unwrap();
    scrape.collect(seconds(START));
    machine.write("proc/stat", "cpu0 151 25 50 990 10 5 7 3 40 2\nbtime 7\n"); // idle fell by 0.1 s
    let readings = readings(&fixture, &scrape.collect(seconds(START + 60)));
    assert_eq!(readings["system.cpu.time{cpu=cpu0,state=idle}"], Number::Double(10.0));
    assert_eq!(readings["system.cpu.time{cpu=cpu0,state=user}"], Number::Double(1.51));
}

#[test]
fn filters_choose_devices_interfaces_and_mount_points() {
    let machine = Machine::small();
    let line = |name: &str| format!("8 0 {name} 1 1 1 1 1 1 1 1 1 1 1\n");
    machine.write("proc/diskstats", &["loop0", "sda", "sda1", "zram0"].map(line).concat());
    let devices = |names: &[&str], match_type| DeviceFilter {
        devices: names.iter().map(ToString::to_string).collect(),
        match_type,
    };
    let disk = |include, exclude| {
        let config = DiskConfig { include, exclude, ..DiskConfig::default() };
        let readings = scrape(&machine, Scrapers { disk: listed(config), ..Scrapers::default() });
        let name = |name: &String| {
            Some(name.strip_prefix("system.disk.io_time{device=")?.trim_end_matches('}').to_owned())
        };
        let mut names: Vec<String> = readings.keys().filter_map(name).collect();
        names.sort_unstable();
        names
    };
    let none = DeviceFilter::default;
    assert_eq!(disk(none(), none()), ["loop0", "sda", "sda1", "zram0"]);
    assert_eq!(disk(devices(&["sda"], MatchType::Strict), none()), ["sda"]);
    assert_eq!(disk(devices(&["sda"], MatchType::Regexp), none()), ["sda", "sda1"], "it matches anywhere");
    assert_eq!(disk(none(), devices(&["^loop", "^zram"], MatchType::Regexp)), ["sda", "sda1"]);
    assert_eq!(disk(devices(&["^sda"], MatchType::Regexp), devices(&["sda1"], MatchType::Strict)), ["sda"]);

    let exclude = InterfaceFilter { interfaces: vec!["eth0".into()], match_type: MatchType::Strict };
    let metrics = NetworkMetrics { connections: OFF, ..NetworkMetrics::default() };
    let network = NetworkConfig { exclude, metrics, ..NetworkConfig::default() };
    assert_eq!(scrape(&machine, Scrapers { network: listed(network), ..Scrapers::default() }).len(), 0);

    let exclude_mount_points =
        MountPointFilter { mount_points: vec!["^/$".into()], match_type: MatchType::Regexp };
    let filesystem = FilesystemConfig { exclude_mount_points, ..FilesystemConfig::default() };
    assert_eq!(scrape(&machine, Scrapers { filesystem: listed(filesystem), ..Scrapers::default() }).len(), 0);
}

#[test]
fn a_pattern_that_is_no_regular_expression_is_an_error_not_a_panic() {
    let machine = Machine::bare();
    let include = DeviceFilter { devices: vec!["(".into()], match_type: MatchType::Regexp };
    let disk = DiskConfig { include, ..DiskConfig::default() };
    let config = machine.config(Scrapers { disk: listed(disk), ..Scrapers::default() });
    let error = Scrape::new(&config, &Fixture::new().context("procfs")).unwrap_err();
    assert!(error.to_string().starts_with("cannot use a filter: "), "{error}");
}

#[test]
fn what_cannot_be_read_is_left_out_and_the_rest_goes_on() {
    let machine = Machine::small();
    machine.remove("proc/meminfo");
    machine.write("proc/loadavg", "not a load\n");
    let fixture = Fixture::new();
    let context = fixture.context("procfs");
    let mut scrape = Scrape::new(&machine.config(Scrapers::default()), &context).unwrap();
    let first = readings(&fixture, &scrape.collect(seconds(START)));
    assert!(first.contains_key("system.cpu.time{cpu=cpu0,state=user}"));
    assert!(!first.keys().any(|name| name.contains("memory") || name.contains("load")));
    assert_eq!(scrape.troubles(), 2);
    let row = context.status.read();
    assert_eq!((row.last_success, row.last_error_at), (Some(START), Some(START)));
    let error = row.last_error.unwrap();
    assert!(error.starts_with("cannot read ") && error.contains("proc/meminfo"), "{error}");

    machine.write("proc/meminfo", fixtures::MEMINFO);
    machine.write("proc/loadavg", fixtures::LOADAVG);
    let second = readings(&fixture, &scrape.collect(seconds(START + 60)));
    assert!(second.contains_key("system.memory.usage{state=used}"), "it comes back by itself");
    assert_eq!(scrape.troubles(), 2);
}

#[test]
fn a_machine_without_any_file_gives_an_empty_batch() {
    let machine = Machine::bare();
    let fixture = Fixture::new();
    let context = fixture.context("procfs");
    let mut scrape = Scrape::new(&machine.config(Scrapers::default()), &context).unwrap();
    assert!(scrape.collect(seconds(START)).is_empty());
    assert_eq!(scrape.troubles(), 13, "nine scrapers, three of which read two things, and the time of boot");
    assert_eq!(context.status.read().last_success, None);
    assert!(context.ledger.read().balances());
}

#[test]
fn a_mount_point_that_shows_another_device_is_left_out() {
    let machine = Machine::small();
    std::fs::create_dir(machine.root().join("data")).unwrap();
    let table = format!(
        "1 1 {} / / rw - ext4 /dev/sda1 rw\n2 1 4095:77 / /data rw - ext4 /dev/sdz rw\n3 1 4095:78 / /gone rw - ext4 /dev/sdy rw\n",
        machine.number()
    );
    machine.write("proc/1/mountinfo", &table);
    let fixture = Fixture::new();
    let scrapers = Scrapers { filesystem: listed(FilesystemConfig::default()), ..Scrapers::default() };
    let mut scrape = Scrape::new(&machine.config(scrapers), &fixture.context("procfs")).unwrap();
    let readings = readings(&fixture, &scrape.collect(seconds(START)));
    assert!(readings.keys().all(|name| name.contains("device=/dev/sda1")), "{readings:?}");
    assert!(!readings.is_empty());
    assert_eq!(scrape.troubles(), 2);
}

#[test]
fn our_own_table_serves_where_that_of_the_first_process_may_not_be_read() {
    let machine = Machine::small();
    machine.remove("proc/1/mountinfo");
    let (number, root) = (machine.number(), machine.root().display().to_string());
    // The container's own root comes first and is not the machine's; `{root}x` only begins like `root_path`.
    let table = format!(
        "1 1 {number} /c / rw - ext4 /dev/container rw\n2 1 {number} / {root} ro - ext4 /dev/sda1 rw\n3 1 8:9 / {root}x rw - ext4 /dev/x rw\n"
    );
    machine.write("proc/self/mountinfo", &table);
    let filesystem = FilesystemConfig {
        metrics: FilesystemMetrics { inodes_usage: OFF, ..FilesystemMetrics::default() },
        ..FilesystemConfig::default()
    };
    let readings = scrape(&machine, Scrapers { filesystem: listed(filesystem), ..Scrapers::default() });
    let names: Vec<&str> = readings.keys().map(String::as_str).collect();
    let expected = ["free", "reserved", "used"].map(|state| {
        format!("system.filesystem.usage{{device=/dev/sda1,mode=ro,mountpoint=/,state={state},type=ext4}}")
    });
    assert_eq!(names, expected);
}

#[test]
fn virtual_filesystems_come_when_they_are_asked_for() {
    let machine = Machine::small();
    let table = format!("1 1 {} / / rw - tmpfs none rw\n", machine.number());
    machine.write("proc/1/mountinfo", &table);
    let with = |include_virtual_filesystems| {
        let config = FilesystemConfig { include_virtual_filesystems, ..FilesystemConfig::default() };
        scrape(&machine, Scrapers { filesystem: listed(config), ..Scrapers::default() })
    };
    assert_eq!(with(false).len(), 0);
    assert!(with(true).keys().all(|name| name.contains("type=tmpfs")));
    assert!(with(true).len() >= 3);
}

#[test]
fn a_mount_that_is_new_is_seen_at_the_next_scrape() {
    let machine = Machine::small();
    let fixture = Fixture::new();
    let scrapers = Scrapers { filesystem: listed(FilesystemConfig::default()), ..Scrapers::default() };
    let mut scrape = Scrape::new(&machine.config(scrapers), &fixture.context("procfs")).unwrap();
    scrape.collect(seconds(START));
    machine.write("proc/1/mountinfo", &format!("1 1 {} / / ro - xfs /dev/sdb rw\n", machine.number()));
    let readings = readings(&fixture, &scrape.collect(seconds(START + 60)));
    assert!(readings.keys().all(|name| name.contains("device=/dev/sdb,mode=ro")), "{readings:?}");
    assert!(!readings.is_empty());
}

#[test]
fn a_second_scrape_finds_the_same_series() {
    let machine = Machine::small();
    let fixture = Fixture::new();
    let context = fixture.context("procfs");
    let mut scrape = Scrape::new(&machine.config(Scrapers::default()), &context).unwrap();
    let ids = |batch: &weir_core::Batch| batch.numbers.iter().map(|point| point.series).collect::<Vec<_>>();
    let (first, second) = (scrape.collect(seconds(START)), scrape.collect(seconds(START + 60)));
    assert_eq!(ids(&first), ids(&second));
    assert_eq!(fixture.interner.stats().streams, first.numbers.len());
    assert_eq!(context.ledger.read().taken, first.points() + second.points());
}

#[test]
fn points_over_the_cap_on_series_are_counted() {
    let machine = Machine::small();
    let mut fixture = Fixture::new();
    fixture.interner = std::sync::Arc::new(Interner::new(10));
    fixture.doors = weir_core::Doors::new(std::sync::Arc::clone(&fixture.interner), fixture.clock.clone());
    let context = fixture.context("procfs");
    let scrapers = Scrapers {
        network: listed(NetworkConfig::default()),
        cpu: listed(CpuConfig::default()),
        ..Scrapers::default()
    };
    let mut scrape = Scrape::new(&machine.config(scrapers), &context).unwrap();
    let batch = scrape.collect(seconds(START));
    // 9 points of the CPU, 8 of the interface, and 11 states of connections.
    assert_eq!(batch.points(), 10);
    let account = context.ledger.read();
    assert_eq!((account.taken, account.dropped[&Reason::SERIES_CAP]), (28, 18));
}

#[test]
fn a_name_that_is_no_utf8_is_shown_as_well_as_can_be() {
    let machine = Machine::small();
    std::fs::write(machine.root().join("proc/diskstats"), b"8 0 s\xffa 1 1 1 1 1 1 1 1 1 1 1\n").unwrap();
    let readings = scrape(&machine, Scrapers { disk: listed(DiskConfig::default()), ..Scrapers::default() });
    assert!(readings.contains_key("system.disk.io_time{device=s\u{fffd}a}"), "{readings:?}");
}
