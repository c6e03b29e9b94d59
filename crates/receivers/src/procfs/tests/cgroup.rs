//! The scrapers `cgroup` and `pressure`.

use std::path::PathBuf;

use weir_testkit::{START, seconds};

use super::{
    super::{CgroupConfig, Controllers, PressureConfig, Scrape, cgroup::parse},
    *,
};

fn of_path(path: &str) -> Scrapers {
    let config = CgroupConfig { path: Some(PathBuf::from(path)), controllers: Controllers::all() };
    Scrapers { cgroup: listed(config), ..Scrapers::default() }
}

/// What one round finds, and what could not be read.
fn round(machine: &Machine, scrapers: Scrapers) -> (BTreeMap<String, Number>, u64) {
    let fixture = Fixture::new();
    let mut scrape = Scrape::new(&machine.config(scrapers), &fixture.context("procfs")).unwrap();
    let found = readings(&fixture, &scrape.collect(seconds(START)));
    (found, scrape.troubles())
}

const SLICE: &str = "system.slice/shop.service";

#[test]
fn a_cgroup_tells_what_it_uses_and_what_its_limits_did() {
    let machine = Machine::small();
    machine.cgroup(SLICE, fixtures::CGROUP);
    let (found, troubles) = round(&machine, of_path("/system.slice/shop.service"));
    let int = |name: &str, value: i64| (name.to_owned(), Number::Int(value));
    let double = |name: &str, value: f64| (name.to_owned(), Number::Double(value));
    let expected = BTreeMap::from([
        double("container.cpu.time{}", 12.345_678),
        double("container.cpu.limit{}", 0.5),
        double("container.cpu.throttled.time{}", 0.5),
        int("container.cpu.throttled.periods{}", 70),
        int("container.cpu.periods{}", 1000),
        int("container.memory.usage{}", 104_857_600),
        int("container.memory.working_set{}", 104_857_600 - 20_971_520),
        int("container.memory.rss{}", 41_943_040),
        int("container.memory.limit{}", 268_435_456),
        int("container.memory.available{}", 268_435_456 - (104_857_600 - 20_971_520)),
        int("container.paging.faults{system.paging.fault.type=major}", 30),
        int("container.paging.faults{system.paging.fault.type=minor}", 5000),
        int("container.memory.events{event=high}", 2),
        int("container.memory.events{event=max}", 5),
        int("container.memory.events{event=oom}", 1),
        int("container.memory.events{event=oom_kill}", 1),
        int("container.disk.io{disk.io.direction=read}", 4196),
        int("container.disk.io{disk.io.direction=write}", 8392),
        int("container.disk.operations{disk.io.direction=read}", 4),
        int("container.disk.operations{disk.io.direction=write}", 6),
        int("container.pids.count{}", 12),
        double("container.pressure.time{resource=cpu,stall=some}", 1.5),
        double("container.pressure.time{resource=cpu,stall=full}", 0.25),
        double("container.pressure.time{resource=memory,stall=some}", 0.0),
        double("container.pressure.time{resource=memory,stall=full}", 0.0),
        double("container.pressure.time{resource=io,stall=some}", 0.000_04),
        double("container.pressure.time{resource=io,stall=full}", 0.000_02),
    ]);
    assert_eq!((found, troubles), (expected, 0));
}

#[test]
fn without_a_limit_there_is_none_and_a_controller_that_is_off_is_said_once() {
    let machine = Machine::small();
    machine.cgroup(SLICE, &fixtures::CGROUP[..6]);
    machine.cgroup(SLICE, &[("cpu.max", "max 100000\n"), ("memory.max", "max\n")]);
    let fixture = Fixture::new();
    let context = fixture.context("procfs");
    let mut scrape = Scrape::new(&machine.config(of_path("/system.slice/shop.service")), &context).unwrap();
    let found = readings(&fixture, &scrape.collect(seconds(START)));
    assert!(found.contains_key("container.memory.usage{}") && found.contains_key("container.cpu.time{}"));
    let absent = ["limit", "available", "disk", "pids", "pressure"];
    assert!(found.keys().all(|name| absent.iter().all(|word| !name.contains(word))), "{found:?}");
    assert_eq!(scrape.troubles(), 1, "io.stat is the first that is not there");
    assert!(context.status.read().last_error.is_some_and(|error| error.contains("io.stat")));
}

#[test]
fn the_own_cgroup_is_where_the_process_sees_it() {
    let own = super::super::cgroup::folder;
    let tree = own(b"12:pids:/v1\n0::/\n");
    assert!(tree.starts_with("/sys/fs/cgroup"));
    assert_eq!(own(b"0::/system.slice/weir.service\n"), tree.join("system.slice/weir.service"));
    assert_eq!(own(b"1:cpu:/only/version/one\n"), tree);
    assert_eq!(parse::membership(b"0::/a b\n"), Some(&b"/a b"[..]));
}

#[test]
fn this_process_is_in_a_cgroup_that_can_be_read() {
    let own = super::super::cgroup::folder(&fs::read("/proc/self/cgroup").unwrap());
    if !own.join("cpu.stat").exists() {
        println!("skipped: the own cgroup (there is no {}/cpu.stat)", own.display());
        return;
    }
    let scrapers = Scrapers { cgroup: Listed::default_of(), ..Scrapers::default() };
    let config = ProcfsConfig { scrapers, ..ProcfsConfig::default() };
    let fixture = Fixture::new();
    let mut scrape = Scrape::new(&config, &fixture.context("procfs")).unwrap();
    let found = readings(&fixture, &scrape.collect(seconds(START)));
    assert!(
        matches!(found.get("container.cpu.time{}"), Some(Number::Double(time)) if *time > 0.0),
        "{found:?}"
    );
}

#[test]
fn stalls_of_the_machine() {
    let machine = Machine::small();
    fs::create_dir_all(machine.root().join("proc/pressure")).unwrap();
    machine.write("proc/pressure/cpu", fixtures::OLD_CPU_PRESSURE);
    machine.write("proc/pressure/memory", fixtures::PRESSURE);
    let scrapers = Scrapers { pressure: listed(PressureConfig::default()), ..Scrapers::default() };
    let (found, troubles) = round(&machine, scrapers);
    let expected = [("cpu,stall=some", 7.0), ("memory,stall=some", 1.5), ("memory,stall=full", 0.25)];
    let expected = expected
        .map(|(which, value)| (format!("system.pressure.time{{resource={which}}}"), Number::Double(value)));
    assert_eq!((found, troubles), (BTreeMap::from(expected), 1), "and no file of io, said once");
}

#[test]
fn none_of_them_is_on_unless_it_is_listed() {
    let all = ProcfsConfig::default().listed();
    assert!(all.cgroup.is_absent() && all.pods.is_absent() && all.pressure.is_absent());
    assert!(!all.cpu.is_absent());
}
