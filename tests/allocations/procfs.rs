//! Rounds of procfs: what they allocate, and what an hour of them holds.

use std::time::Duration;

use weir_counting_alloc::{allocations, peak};
use weir_receivers::procfs::{
    CgroupConfig, Controllers, CpuSection, CwAgentConfig, DeviceSection, DiskSection, FilesystemConfig,
    Listed, NetworkConfig, PodsConfig, PressureConfig, ProcessConfig, ProcfsConfig, Scrape, Scrapers,
    Section,
};
use weir_testkit::{Fixture, START, seconds};

#[test]
fn a_scrape_of_known_devices_allocates_the_batch_and_nothing_a_device() {
    let a_scrape_costs = |interfaces: usize| {
        let root = std::env::temp_dir().join(format!("weir-allocations-{}-{interfaces}", std::process::id()));
        let net = root.join("proc/1/net");
        std::fs::create_dir_all(&net).unwrap();
        let line = |n: usize| format!("eth{n}: 1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0\n");
        let table = (0..interfaces).fold("a\nb\n".to_owned(), |table, n| table + &line(n));
        std::fs::write(net.join("dev"), table).unwrap();
        std::fs::write(root.join("proc/stat"), "cpu  1 1 1 1 1 1 1 1 0 0\nbtime 1699990000\n").unwrap();
        let mut config = ProcfsConfig { root_path: root.clone(), ..ProcfsConfig::default() };
        config.scrapers.network = Listed(Some(NetworkConfig::default()));
        let mut scrape = Scrape::new(&config, &Fixture::new().context("procfs")).unwrap();
        let known = scrape.collect(seconds(START)).points();
        assert_eq!(known, interfaces as u64 * 8, "four metrics in two directions");
        scrape.collect(seconds(START + 1));
        let (count, batch) = allocations(|| scrape.collect(seconds(START + 2)));
        assert_eq!(batch.points(), known);
        std::fs::remove_dir_all(root).unwrap();
        count
    };
    let (two, two_hundred) = (a_scrape_costs(2), a_scrape_costs(200));
    assert_eq!(two, two_hundred);
    assert!((1..=8).contains(&two), "{two} allocations a scrape");
}

/// A machine in a folder with so many of everything that metrics are about.
fn machine_of(many: usize, name: &str) -> std::path::PathBuf {
    let root = std::env::temp_dir().join(format!("weir-allocations-{name}-{}-{many}", std::process::id()));
    let write = |path: String, text: String| {
        let path = root.join("proc").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let lines = |line: &dyn Fn(usize) -> String| (0..many).map(line).collect::<String>();
    write("meminfo".into(), "MemTotal: 8000 kB\nMemFree: 1000 kB\n".to_owned());
    write("diskstats".into(), lines(&|n| format!(" 259 {n} nvme{n}n1 1 2 3 4 5 6 7 8 9 10 11\n")));
    write("1/net/dev".into(), lines(&|n| format!("eth{n}: 1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0\n")));
    for table in ["tcp", "udp"] {
        let socket = |n| format!("{n}: 0100007F:{n:04X} 00000000:0000 0A 0:0 0:0 0 0 0 1 1\n");
        write(format!("1/net/{table}"), lines(&socket));
    }
    write("1/net/unix".into(), lines(&|n| format!("{n}: 2 0 0 0002 01 {n} /run/{n}\n")));
    write("1/mountinfo".into(), lines(&|n| format!("{n} 1 0:{n} / /mounts/{n} rw - tmpfs tmpfs rw\n")));
    for n in 0..many {
        write(
            format!("{}/stat", 100 + n),
            format!("{n} (a) S 1 2 3 0 -1 4 5 6 7 8 9 10 11 12 20 0 1 0 99 0 0\n"),
        );
        std::fs::create_dir_all(root.join(format!("mounts/{n}"))).unwrap();
        let interface = root.join(format!("sys/class/net/eth{n}"));
        std::fs::create_dir_all(&interface).unwrap();
        std::fs::write(interface.join("flags"), "0x1003\n").unwrap();
    }
    root
}

#[test]
fn a_round_of_the_agents_metrics_allocates_the_batch_and_nothing_a_device() {
    let a_round_costs = |many: usize| {
        let root = machine_of(many, "cwagent");
        let listed = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let section = |names: &[&str]| Listed(Some(Section { measurement: listed(names) }));
        let devices =
            |names| Listed(Some(DeviceSection { measurement: listed(names), ..DeviceSection::default() }));
        let cpu = CpuSection {
            measurement: listed(&["usage_active", "time_user"]),
            resources: listed(&["*"]),
            totalcpu: true,
        };
        let disk =
            DiskSection { measurement: listed(&["used_percent", "inodes_free"]), ..DiskSection::default() };
        let cwagent = CwAgentConfig {
            cpu: Listed(Some(cpu)),
            disk: Listed(Some(disk)),
            diskio: devices(&["reads", "iops_in_progress"]),
            mem: section(&["used_percent"]),
            net: devices(&["bytes_sent"]),
            netstat: section(&["tcp_listen", "udp_socket"]),
            processes: section(&["total"]),
            swap: section(&["used_percent"]),
        };
        let config = ProcfsConfig {
            root_path: root.clone(),
            cwagent: Listed(Some(cwagent)),
            ..ProcfsConfig::default()
        };
        let mut scrape = Scrape::new(&config, &Fixture::new().context("procfs")).unwrap();
        let mut round = |ticks: u64| {
            // Time must pass for shares of it.
            let line = |name: String| format!("cpu{name} {ticks} 1 1 1 1 1 1 1 0 0\n");
            let cpus: String = (0..many).map(|n| line(n.to_string())).collect();
            std::fs::write(root.join("proc/stat"), line(" ".into()) + &cpus + "btime 1699990000\n").unwrap();
            allocations(|| scrape.collect(seconds(START + ticks)))
        };
        (1..4).for_each(|ticks| drop(round(ticks)));
        let (count, batch) = round(4);
        let (of_each, of_all) = (2 + 2 + 2 + 1, 2 + 1 + 2 + 1 + 1);
        assert_eq!(batch.points(), (many * of_each + of_all) as u64);
        assert_eq!(scrape.troubles(), 0);
        std::fs::remove_dir_all(root).unwrap();
        count
    };
    let (two, two_hundred) = (a_round_costs(2), a_round_costs(200));
    assert_eq!(two, two_hundred);
    assert!((1..=8).contains(&two), "{two} allocations a round");
}

/// The machine of [`machine_of`] with what the scrapers read besides, and all of them on.
fn everything_of(many: usize, name: &str) -> ProcfsConfig {
    let root = machine_of(many, name);
    let write = |path: &str, text: &str| std::fs::write(root.join("proc").join(path), text).unwrap();
    let lines = |line: &dyn Fn(usize) -> String| (0..many).map(line).collect::<String>();
    let cpus = lines(&|n| format!("cpu{n} 1 1 1 1 1 1 1 1 0 0\n"));
    write("stat", &format!("cpu  1 1 1 1 1 1 1 1 0 0\n{cpus}btime 1699990000\nprocesses 5\n"));
    write("loadavg", "0.50 1.25 12.00 2/345 6789\n");
    write("uptime", "350735.47 234388.90\n");
    let swaps = lines(&|n| format!("/dev/zram{n} partition 100 50 -2\n"));
    write("swaps", &format!("Filename Type Size Used Priority\n{swaps}"));
    write("vmstat", "pgpgin 1\npgpgout 2\npswpin 3\npswpout 4\npgfault 5\npgmajfault 1\n");
    (0..many).for_each(|n| write(&format!("{}/statm", 100 + n), "25600 250 100 10 0 500 0\n"));
    let filesystem = FilesystemConfig { include_virtual_filesystems: true, ..FilesystemConfig::default() };
    let scrapers = Scrapers {
        filesystem: Listed(Some(filesystem)),
        process: Listed(Some(ProcessConfig { mute_process_all_errors: true, ..ProcessConfig::default() })),
        ..Scrapers::all()
    };
    ProcfsConfig { root_path: root, scrapers, ..ProcfsConfig::default() }
}

#[test]
fn a_round_of_the_collectors_scrapers_allocates_the_batch_and_nothing_a_device_or_process() {
    let a_round_costs = |many: usize| {
        let config = everything_of(many, "scrapers");
        let mut scrape = Scrape::new(&config, &Fixture::new().context("procfs")).unwrap();
        (1..4).for_each(|second| drop(scrape.collect(seconds(START + second))));
        let (count, batch) = allocations(|| scrape.collect(seconds(START + 4)));
        // At least: 8 states a CPU, 11 of a disk, 8 of an interface, 2 of swap, 5 of a process.
        assert!(batch.points() >= many as u64 * (8 + 11 + 8 + 2 + 5), "{}", batch.points());
        assert_eq!(scrape.troubles(), 0);
        std::fs::remove_dir_all(&config.root_path).unwrap();
        count
    };
    let (two, two_hundred) = (a_round_costs(2), a_round_costs(200));
    assert_eq!(two, two_hundred);
    assert!((1..=12).contains(&two), "{two} allocations a round");
}

/// The files of a cgroup with a limit of everything: 28 points.
const CGROUP: [(&str, &str); 13] = [
    ("cpu.stat", "usage_usec 9\nnr_periods 4\nnr_throttled 3\nthrottled_usec 2\n"),
    ("cpu.max", "50000 100000\n"),
    ("memory.current", "1000\n"),
    ("memory.max", "2000\n"),
    ("memory.stat", "anon 10\ninactive_file 20\npgfault 5\npgmajfault 1\n"),
    ("memory.events", "high 1\nmax 2\noom 3\noom_kill 4\n"),
    ("io.stat", "259:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n"),
    ("pids.current", "5\n"),
    ("pids.max", "10\n"),
    ("cpu.pressure", STALLS),
    ("memory.pressure", STALLS),
    ("io.pressure", STALLS),
    ("cgroup.controllers", "cpu memory io pids\n"),
];
const STALLS: &str =
    "some avg10=0.00 avg60=0.00 avg300=0.00 total=7\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=6\n";

#[test]
fn a_round_of_pods_and_their_containers_allocates_the_batch_and_nothing_a_pod() {
    let a_round_costs = |many: usize| {
        let root = machine_of(0, &format!("pods-{many}"));
        let write = |folder: &str, files: &[(&str, &str)]| {
            let folder = root.join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            files.iter().for_each(|(name, text)| std::fs::write(folder.join(name), text).unwrap());
        };
        write("sys/fs/cgroup", &CGROUP);
        write("proc/pressure", &[("cpu", STALLS), ("memory", STALLS), ("io", STALLS)]);
        write("proc", &[("stat", "cpu0 1 1 1 1 1 1 1 1 0 0\nbtime 1699990000\n")]);
        for n in 0..many {
            let pod = format!("kubepods-burstable-pod{n:08x}_7a64_4f0e_9d5e_0a1b2c3d4e5f.slice");
            let pod = format!("sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/{pod}");
            write(&pod, &CGROUP);
            write(&format!("{pod}/cri-containerd-{n:064x}.scope"), &CGROUP);
        }
        let scrapers = Scrapers {
            cgroup: Listed(Some(CgroupConfig { path: Some("/".into()), controllers: Controllers::all() })),
            pods: Listed(Some(PodsConfig { containers: true, controllers: Controllers::all() })),
            pressure: Listed(Some(PressureConfig::default())),
            ..Scrapers::default()
        };
        let config = ProcfsConfig { root_path: root.clone(), scrapers, ..ProcfsConfig::default() };
        let mut scrape = Scrape::new(&config, &Fixture::new().context("procfs")).unwrap();
        (1..4).for_each(|second| drop(scrape.collect(seconds(START + second))));
        let (count, batch) = allocations(|| scrape.collect(seconds(START + 4)));
        assert_eq!(batch.points(), 28 * (1 + 2 * many as u64) + 6);
        assert_eq!(scrape.troubles(), 0);
        std::fs::remove_dir_all(root).unwrap();
        count
    };
    let (two, a_hundred) = (a_round_costs(2), a_round_costs(100));
    assert_eq!(two, a_hundred);
    assert!((1..=8).contains(&two), "{two} allocations a round");
}

#[test]
fn an_hour_of_rounds_a_second_holds_no_more_memory_than_its_second_minute() {
    let in_a_folder = everything_of(2, "hour");
    // The machine that runs the tests has mounts and connections that come and go; its processes are no series here.
    let this_machine = ProcfsConfig::default();
    for (config, tolerance) in [(&in_a_folder, 0), (&this_machine, 64 << 10)] {
        let fixture = Fixture::new();
        let mut scrape = Scrape::new(config, &fixture.context("procfs")).unwrap();
        let mut minute = |nth: u64| {
            for second in 0..60 {
                fixture.clock.advance(Duration::from_secs(1));
                assert!(scrape.collect(seconds(START + nth * 60 + second)).points() > 0);
            }
            fixture.doors.expire(config.collection_interval.as_std() * 2);
            fixture.interner.sweep();
        };
        minute(0);
        let (second, ()) = peak(|| minute(1));
        let (others, ()) = peak(|| (2..60).for_each(&mut minute));
        assert!(others <= second + tolerance, "{others} bytes at most, {second} in the second minute");
    }
    std::fs::remove_dir_all(&in_a_folder.root_path).unwrap();
}
