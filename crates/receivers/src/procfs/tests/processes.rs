//! Swap, processes, and the time since boot.

use std::{collections::BTreeMap, fs, os::unix::fs::symlink};

use weir_core::{Number, UnixNanos};
use weir_testkit::{Fixture, START, seconds};

use super::{
    super::{
        PagingConfig, PagingMetrics, ProcessAttributes, ProcessConfig, ProcessFilter, ProcessMetrics,
        ProcessesConfig, Scrape, Scrapers, SystemConfig, process,
    },
    Machine, OFF, ON, expect, fixtures, listed, readings, scrape,
};

#[test]
fn swap_is_told_by_device_and_faults_by_whether_they_needed_a_disk() {
    let metrics = PagingMetrics { utilization: ON, ..PagingMetrics::default() };
    let scrapers = Scrapers { paging: listed(PagingConfig { metrics }), ..Scrapers::default() };
    expect(
        &scrape(&Machine::small(), scrapers),
        "system.paging.usage{device=/dev/zram0,state=used} 524288
         system.paging.usage{device=/dev/zram0,state=free} 1572864
         system.paging.usage{device=/swap file,state=used} 0
         system.paging.usage{device=/swap file,state=free} 1024000
         system.paging.utilization{device=/dev/zram0,state=used} 0.25
         system.paging.utilization{device=/dev/zram0,state=free} 0.75
         system.paging.utilization{device=/swap file,state=used} 0.0
         system.paging.utilization{device=/swap file,state=free} 1.0
         system.paging.operations{direction=page_in,type=major} 3
         system.paging.operations{direction=page_out,type=major} 5
         system.paging.operations{direction=page_in,type=minor} 400
         system.paging.operations{direction=page_out,type=minor} 800
         system.paging.faults{type=major} 30
         system.paging.faults{type=minor} 970",
    );
}

#[test]
fn a_machine_without_swap_has_faults_all_the_same() {
    let machine = Machine::small();
    machine.remove("proc/swaps");
    let scrapers = Scrapers { paging: listed(PagingConfig::default()), ..Scrapers::default() };
    assert_eq!(scrape(&machine, scrapers).len(), 6);
}

#[test]
fn processes_are_counted_by_status() {
    let machine = Machine::small();
    machine.remove("proc/1/stat");
    for (pid, letter) in (100..).zip(["R", "S", "S", "D", "I", "Z", "T", "t", "X"]) {
        machine.process(pid, &fixtures::PID_STAT.replace(") S 1 ", &format!(") {letter} 1 ")));
    }
    // Neither is a process: a folder of another name, and one that has ended since.
    fs::create_dir_all(machine.root().join("proc/12a")).unwrap();
    fs::create_dir_all(machine.root().join("proc/999")).unwrap();
    let scrapers = Scrapers { processes: listed(ProcessesConfig::default()), ..Scrapers::default() };
    expect(
        &scrape(&machine, scrapers),
        "system.processes.count{status=blocked} 1
         system.processes.count{status=idle} 1
         system.processes.count{status=running} 1
         system.processes.count{status=sleeping} 2
         system.processes.count{status=stopped} 2
         system.processes.count{status=zombies} 1
         system.processes.count{status=unknown} 1
         system.processes.created{} 4321",
    );
}

#[test]
fn the_time_since_boot_is_the_kernels() {
    let scrapers = Scrapers { system: listed(SystemConfig::default()), ..Scrapers::default() };
    expect(&scrape(&Machine::small(), scrapers), "system.uptime{} 350735.47");
}

/// A machine with the process of the fixtures; the kernel counts in hundredths of a second.
fn with_process() -> Machine {
    assert_eq!(rustix::param::clock_ticks_per_second(), 100, "what these numbers were worked out for");
    let machine = Machine::small();
    machine.remove("proc/1/stat");
    machine.process(1234, fixtures::PID_STAT);
    machine.write("proc/1234/io", fixtures::PID_IO);
    machine.write("proc/1234/status", fixtures::PID_STATUS);
    machine.write("proc/1234/cmdline", "/usr/bin/weird\0--level\0two\0");
    symlink("/usr/bin/weird-1.2", machine.root().join("proc/1234/exe")).unwrap();
    fs::create_dir_all(machine.root().join("proc/1234/fd")).unwrap();
    for number in 0..5 {
        machine.write(&format!("proc/1234/fd/{number}"), "");
    }
    let user = rustix::fs::stat(machine.root()).unwrap().st_uid;
    fs::create_dir_all(machine.root().join("etc")).unwrap();
    machine.write(
        "etc/passwd",
        &format!("other:x:{}:0::/:\nalice:x:{user}:0:A:/home/alice:/bin/sh\n", user + 1),
    );
    machine
}

fn of_processes(metrics: ProcessMetrics) -> Scrapers {
    Scrapers { process: listed(ProcessConfig { metrics, ..ProcessConfig::default() }), ..Scrapers::default() }
}

fn everything() -> ProcessMetrics {
    ProcessMetrics {
        cpu_time: ON,
        cpu_utilization: ON,
        memory: ON,
        memory_utilization: ON,
        memory_virtual: ON,
        io: ON,
        operations: ON,
        faults: ON,
        context_switches: ON,
        threads: ON,
        open_file_descriptors: ON,
        signals_pending: ON,
        uptime: ON,
    }
}

#[test]
fn a_process_tells_what_the_collector_tells_of_it() {
    let machine = with_process();
    let page = rustix::param::page_size();
    // 1000 pages of memory, of which the process has a quarter.
    machine.write("proc/meminfo", &format!("MemTotal: {} kB\nMemFree: 4 kB\n", 1000 * page / 1024));
    // Booted 10,000 seconds ago, by the fixture's `btime`; the process came thirty seconds later.
    machine.write("proc/stat", &fixtures::stat_of(2));
    let fixture = Fixture::new();
    let config = machine.config(of_processes(everything()));
    let mut scrape = Scrape::new(&config, &fixture.context("procfs")).unwrap();
    let batch = scrape.collect(seconds(START));
    expect(
        &readings(&fixture, &batch),
        &format!(
            "process.cpu.time{{state=user}} 1.5
             process.cpu.time{{state=system}} 0.5
             process.cpu.time{{state=wait}} 0.25
             process.memory.usage{{}} {}
             process.memory.utilization{{}} 25.0
             process.memory.virtual{{}} 104857600
             process.disk.io{{direction=read}} 4096
             process.disk.io{{direction=write}} 8192
             process.disk.operations{{direction=read}} 50
             process.disk.operations{{direction=write}} 60
             process.paging.faults{{type=major}} 7
             process.paging.faults{{type=minor}} 700
             process.context_switches{{type=voluntary}} 40
             process.context_switches{{type=involuntary}} 4
             process.threads{{}} 3
             process.open_file_descriptors{{}} 5
             process.signals_pending{{}} 2
             process.uptime{{}} 9970.0",
            250 * page
        ),
    );
    assert_eq!(batch.numbers[0].start, seconds(START - 9970), "its counters begin with it");

    // In ten seconds of two CPUs it ran for three seconds in user mode: 0.15 of them.
    machine.process(1234, &fixtures::PID_STAT.replace(" 150 50 ", " 450 50 "));
    let share = readings(&fixture, &scrape.collect(seconds(START + 10)));
    assert_eq!(share["process.cpu.utilization{state=user}"], Number::Double(0.15));
    assert_eq!(share["process.cpu.utilization{state=system}"], Number::Double(0.0));
}

/// The resource of the process of [`with_process`].
fn resource(resource_attributes: ProcessAttributes) -> BTreeMap<String, String> {
    let machine = with_process();
    machine.write("proc/1234/cgroup", "0::/system.slice/weird.service\n");
    let process = ProcessConfig { resource_attributes, ..ProcessConfig::default() };
    let config = machine.config(Scrapers { process: listed(process), ..Scrapers::default() });
    let fixture = Fixture::new();
    let mut scrape = Scrape::new(&config, &fixture.context("procfs")).unwrap();
    let series = fixture.series(scrape.collect(seconds(START)).numbers[0].series);
    let attributes = series.resource().attributes.iter();
    attributes.map(|one| (one.key.to_string(), one.value.to_string())).collect()
}

#[test]
fn a_process_is_described_by_the_attributes_that_are_switched_on() {
    let all = [
        ("process.cgroup", "0::/system.slice/weird.service"),
        ("process.command", "/usr/bin/weird"),
        ("process.command_line", "/usr/bin/weird --level two"),
        ("process.executable.name", "we(ird) S) name"),
        ("process.executable.path", "/usr/bin/weird-1.2"),
        ("process.linux.cgroup", "0::/system.slice/weird.service"),
        ("process.owner", "alice"),
        ("process.parent_pid", "1"),
        ("process.pid", "1234"),
    ];
    let only = |wanted: fn(&str) -> bool| {
        let chosen = all.iter().filter(|(key, _)| wanted(key));
        chosen.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(resource(ProcessAttributes::default()), only(|key| !key.ends_with("cgroup")));
    let none = ProcessAttributes {
        pid: OFF,
        parent_pid: OFF,
        executable_name: OFF,
        executable_path: OFF,
        command: OFF,
        command_line: OFF,
        owner: OFF,
        cgroup: OFF,
        linux_cgroup: OFF,
    };
    assert_eq!(resource(none.clone()), BTreeMap::new());
    let some = ProcessAttributes { pid: ON, cgroup: ON, linux_cgroup: ON, ..none };
    assert_eq!(resource(some), only(|key| key.ends_with("cgroup") || key == "process.pid"));
}

#[test]
fn counters_of_a_process_begin_with_it_also_where_another_had_its_number() {
    let machine = with_process();
    let fixture = Fixture::new();
    let config = machine.config(of_processes(ProcessMetrics::default()));
    let mut scrape = Scrape::new(&config, &fixture.context("procfs")).unwrap();
    let mut starts =
        |at| scrape.collect(seconds(at)).numbers.iter().map(|point| point.start).collect::<Vec<_>>();
    let before = starts(START);
    assert_eq!(starts(START + 1), before);
    machine.process(1234, &fixtures::PID_STAT.replace(" 3000 104857600 ", " 9000 104857600 "));
    assert_eq!(starts(START + 2), vec![seconds(START - 9910); before.len()]);
}

#[test]
fn filters_and_the_delay_choose_processes() {
    let machine = with_process();
    machine.process(7, &fixtures::PID_STAT.replace("we(ird) S) name", "other"));
    let found = |config: ProcessConfig| {
        scrape(&machine, Scrapers { process: listed(config), ..Scrapers::default() }).len()
    };
    let metrics =
        || ProcessMetrics { cpu_time: OFF, memory_virtual: OFF, io: OFF, ..ProcessMetrics::default() };
    let only = |name: &str| ProcessFilter { names: vec![name.to_owned()], ..ProcessFilter::default() };
    let of =
        |include, exclude| ProcessConfig { include, exclude, metrics: metrics(), ..ProcessConfig::default() };
    assert_eq!(found(of(only("other"), ProcessFilter::default())), 1);
    assert_eq!(found(of(only("nobody"), ProcessFilter::default())), 0);
    assert_eq!(found(of(ProcessFilter::default(), only("we(ird) S) name"))), 1);
    // Both were started thirty seconds after boot, by the fixture's `btime` 9970 seconds ago.
    let delay = |seconds| ProcessConfig {
        scrape_process_delay: weir_config::Duration::from_secs(seconds),
        ..of(only("other"), ProcessFilter::default())
    };
    assert_eq!((found(delay(9970)), found(delay(9971))), (1, 0));
}

#[test]
fn what_a_process_does_not_show_is_said_once_for_all_unless_it_is_muted() {
    let machine = with_process();
    machine.remove("proc/1234/io");
    machine.process(7, fixtures::PID_STAT);
    for (mute, troubles) in [(false, 1), (true, 0)] {
        let fixture = Fixture::new();
        let process = ProcessConfig { mute_process_io_error: mute, ..ProcessConfig::default() };
        let config = machine.config(Scrapers { process: listed(process), ..Scrapers::default() });
        let mut scrape = Scrape::new(&config, &fixture.context("procfs")).unwrap();
        let batch = scrape.collect(UnixNanos(START));
        assert_eq!((batch.points() > 0, scrape.troubles()), (true, troubles));
    }
}

#[test]
fn this_process_agrees_with_its_own_files() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let fixture = Fixture::new();
    let metrics =
        ProcessMetrics { threads: ON, open_file_descriptors: ON, uptime: ON, ..ProcessMetrics::default() };
    let config = super::super::ProcfsConfig { scrapers: of_processes(metrics), ..Default::default() };
    let mut scrape = Scrape::new(&config, &fixture.context("procfs")).unwrap();
    let now = weir_core::Clock::system().now();
    let batch = scrape.collect(now);
    let own = std::process::id().to_string();
    let mut found = BTreeMap::new();
    for point in &batch.numbers {
        let series = fixture.series(point.series);
        if series
            .resource()
            .attributes
            .iter()
            .any(|one| &*one.key == "process.pid" && one.value.to_string() == own)
        {
            found.insert(series.descriptor().name.to_string(), point.value().as_f64());
        }
    }
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse::<f64>().unwrap()
    };
    // What other tests of this process allocate between the two readings is less than this.
    assert!((found["process.memory.usage"] - field("VmRSS:") * 1024.0).abs() < 256e6, "{found:?}");
    assert!(found["process.threads"] >= 1.0 && found["process.open_file_descriptors"] >= 3.0, "{found:?}");
    assert!(found["process.uptime"] >= 0.0 && found["process.uptime"] < 86_400.0, "{found:?}");
}

#[test]
fn files_of_a_process_are_read_by_name() {
    let io = process::Io::parse(fixtures::PID_IO.as_bytes()).unwrap();
    assert_eq!((io.bytes, io.calls), ([4096, 8192], [50, 60]));
    assert_eq!(process::switches(fixtures::PID_STATUS.as_bytes()), Some([40, 4]));
    assert_eq!(process::signals_pending(fixtures::PID_STATUS.as_bytes()), Some(2));
    assert_eq!(process::Io::parse(b"rchar: 1\n"), None);
}
