//! The names of the semantic conventions 1.44 (their model: `model/system/metrics.yaml`, `model/process/metrics.yaml`).

use std::collections::{BTreeMap, BTreeSet};

use weir_core::Value;
use weir_testkit::{Fixture, START, seconds};

use super::{
    super::{
        Conventions, MemoryConfig, MemoryMetrics, ProcfsConfig, Scrape, Scrapers, Switch,
        conventions::{ATTRIBUTES, METRICS, VALUES},
    },
    Machine, listed,
};

/// `name unit` of each metric, with the keys of its attributes.
fn metrics(config: &ProcfsConfig) -> BTreeMap<String, BTreeSet<String>> {
    let fixture = Fixture::new();
    let mut scrape = Scrape::new(config, &fixture.context("procfs")).unwrap();
    let mut metrics: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for point in &scrape.collect(seconds(START)).numbers {
        let series = fixture.series(point.series);
        let metric = series.descriptor();
        let keys = metrics.entry(format!("{} {}", metric.name, metric.unit)).or_default();
        keys.extend(series.attributes().iter().map(|attribute| attribute.key.to_string()));
    }
    metrics
}

/// Every value of an attribute.
fn values(config: &ProcfsConfig, metric: &str, key: &str) -> Vec<Value> {
    let fixture = Fixture::new();
    let mut scrape = Scrape::new(config, &fixture.context("procfs")).unwrap();
    let batch = scrape.collect(seconds(START));
    let series = batch.numbers.iter().map(|point| fixture.series(point.series));
    let of = series.filter(|series| &*series.descriptor().name == metric);
    of.flat_map(|series| {
        let attributes = series.attributes().iter().filter(|attribute| &*attribute.key == key);
        attributes.map(|attribute| attribute.value.clone()).collect::<Vec<_>>()
    })
    .collect()
}

fn newer(machine: &Machine) -> ProcfsConfig {
    let metrics = MemoryMetrics { available: Switch { enabled: true }, ..MemoryMetrics::default() };
    let scrapers = Scrapers { memory: listed(MemoryConfig { metrics }), ..Scrapers::all() };
    ProcfsConfig { semantic_conventions: Conventions::V144, ..machine.config(scrapers) }
}

#[test]
fn metrics_units_and_keys_are_those_of_the_conventions() {
    let machine = Machine::small();
    let found = metrics(&newer(&machine));
    let disk = "system.device,disk.io.direction";
    let interface = "network.interface.name,network.io.direction";
    let filesystem = "system.device,system.filesystem.mode,system.filesystem.mountpoint,system.filesystem.state,system.filesystem.type";
    let expected = [
        ("system.cpu.time s", "cpu.logical_number,cpu.mode"),
        ("system.memory.usage By", "system.memory.state"),
        ("system.memory.linux.slab.usage By", "system.memory.linux.slab.state"),
        ("system.memory.linux.available By", ""),
        ("system.disk.io By", disk),
        ("system.disk.operations {operation}", disk),
        ("system.disk.operation_time s", disk),
        ("system.disk.merged {operation}", disk),
        ("system.disk.io_time s", "system.device"),
        ("system.filesystem.usage By", filesystem),
        ("system.network.io By", interface),
        ("system.network.packet.count {packet}", "network.io.direction,system.device"),
        ("system.network.packet.dropped {packet}", interface),
        ("system.network.errors {error}", interface),
        ("system.network.connection.count {connection}", "network.connection.state,network.transport"),
        ("system.paging.usage By", "system.device,system.paging.state"),
        ("system.paging.operations {operation}", "system.paging.direction,system.paging.fault.type"),
        ("system.paging.faults {fault}", "system.paging.fault.type"),
        ("system.process.created {process}", ""),
        ("system.uptime s", ""),
        ("system.cpu.logical.count {cpu}", ""),
        // Not in the conventions: their names stay.
        ("system.cpu.load_average.1m {thread}", ""),
        ("system.cpu.load_average.5m {thread}", ""),
        ("system.cpu.load_average.15m {thread}", ""),
        ("system.disk.weighted_io_time s", "system.device"),
        ("system.disk.pending_operations {operations}", "system.device"),
    ];
    for (metric, keys) in expected {
        let mut keys: Vec<&str> = keys.split(',').filter(|key| !key.is_empty()).collect();
        keys.sort_unstable();
        let found: Option<Vec<&str>> =
            found.get(metric).map(|found| found.iter().map(String::as_str).collect());
        assert_eq!(found.as_deref(), Some(&*keys), "{metric}");
    }
    let others = ["system.filesystem.inodes.usage {inodes}", "system.process.count {process}"];
    let known: Vec<&str> = expected.iter().map(|(metric, _)| *metric).chain(others).collect();
    assert!(found.keys().all(|metric| known.contains(&&**metric)), "{:#?}", found.keys());
}

#[test]
fn values_are_those_of_the_conventions() {
    let machine = Machine::small();
    let config = newer(&machine);
    let texts = |metric: &str, key: &str| -> BTreeSet<String> {
        let of = values(&config, metric, key);
        of.iter().map(|value| value.as_str().unwrap_or_else(|| panic!("{value:?}")).to_owned()).collect()
    };
    let set = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<BTreeSet<_>>();
    let modes = ["user", "nice", "system", "idle", "iowait", "interrupt", "softirq", "steal"];
    assert_eq!(texts("system.cpu.time", "cpu.mode"), set(&modes));
    assert!(values(&config, "system.cpu.time", "cpu.logical_number").iter().all(|cpu| *cpu == Value::Int(0)));
    let states = [
        "closed",
        "close_wait",
        "closing",
        "established",
        "fin_wait_1",
        "fin_wait_2",
        "last_ack",
        "listen",
        "syn_received",
        "syn_sent",
        "time_wait",
    ];
    assert_eq!(texts("system.network.connection.count", "network.connection.state"), set(&states));
    assert_eq!(texts("system.paging.operations", "system.paging.direction"), set(&["in", "out"]));
    assert_eq!(
        texts("system.memory.usage", "system.memory.state"),
        set(&["buffered", "cached", "free", "used"])
    );
    let slabs = set(&["reclaimable", "unreclaimable"]);
    assert_eq!(texts("system.memory.linux.slab.usage", "system.memory.linux.slab.state"), slabs);
}

#[test]
fn the_page_has_every_row() {
    let page = include_str!("../../../../../docs/components/procfs.md");
    for (old, new, unit) in METRICS {
        assert!(page.contains(&format!("| `{old}` | `{new}` | `{unit}` |")), "{old} | {new} | {unit}");
    }
    for (of, old, new) in ATTRIBUTES {
        assert!(page.contains(&format!("| `{of}` | `{old}` | `{new}` |")), "{of} | {old} | {new}");
    }
    for (key, old, new) in VALUES {
        assert!(page.contains(&format!("| `{key}` | `{old}` | `{new}` |")), "{key} | {old} | {new}");
    }
}
