use weir_testkit::section;

use super::super::{MatchType, ProcfsConfig, Scrapers};

/// The configuration that `yaml` is, and `line:column "token": message` of each finding.
pub(super) fn read(yaml: &str) -> (Option<ProcfsConfig>, Vec<String>) {
    let (config, told) = section(yaml, &[]);
    let told = told.iter().map(|one| format!("{}:{} {:?}: {}", one.line, one.column, one.at, one.message));
    (config, told.collect())
}

fn good(yaml: &str) -> ProcfsConfig {
    let (config, told) = read(yaml);
    assert_eq!(told, Vec::<String>::new());
    config.unwrap()
}

/// All but `process`, and then `process`.
fn listed(scrapers: &Scrapers) -> ([bool; 9], bool) {
    let Scrapers { cpu, load, memory, disk, filesystem, network, paging, processes, process, system, .. } =
        scrapers;
    let machine = [
        cpu.0.is_some(),
        load.0.is_some(),
        memory.0.is_some(),
        disk.0.is_some(),
        filesystem.0.is_some(),
        network.0.is_some(),
        paging.0.is_some(),
        processes.0.is_some(),
        system.0.is_some(),
    ];
    (machine, process.0.is_some())
}

#[test]
fn without_scrapers_all_are_on_but_the_one_of_each_process() {
    for yaml in ["", "scrapers:\n", "scrapers: {}\n", "collection_interval: 10s\n"] {
        assert_eq!(listed(&good(yaml).scrapers.or_all()), ([true; 9], false), "{yaml:?}");
    }
}

#[test]
fn a_scraper_is_on_when_it_is_listed_even_without_a_value() {
    let config = good("scrapers:\n  cpu:\n  disk: {}\n");
    let (machine, process) = listed(&config.scrapers.or_all());
    assert_eq!((machine, process), ([true, false, false, true, false, false, false, false, false], false));
    assert!(listed(&good("scrapers:\n  process:\n").scrapers.or_all()).1);
}

#[test]
fn a_configuration_of_the_collector_is_read_as_it_is() {
    let config = good(
        "collection_interval: 30s
initial_delay: 0s
root_path: /hostfs
scrapers:
  cpu:
    metrics:
      system.cpu.utilization: {enabled: true}
      system.cpu.time:
        enabled: false
  load: {cpu_average: true}
  memory:
    metrics: {system.memory.utilization: {enabled: true}}
  disk:
    exclude: {devices: ['^loop'], match_type: regexp}
  filesystem:
    include_virtual_filesystems: true
    exclude_fs_types: {fs_types: [tmpfs], match_type: strict}
    exclude_mount_points: {mount_points: [/dev/.*], match_type: regexp}
    metrics: {system.filesystem.utilization: {enabled: true}}
  network:
    include: {interfaces: [eth0], match_type: strict}
    metrics: {system.network.connections: {enabled: false}}
  process:
    mute_process_all_errors: true
    resource_attributes:
      process.cgroup: {enabled: true}
      process.command_line: {enabled: false}
",
    );
    assert_eq!(config.collection_interval.as_std().as_secs(), 30);
    assert_eq!(config.initial_delay.as_std().as_secs(), 0);
    assert_eq!(config.root().to_str(), Some("/hostfs"));
    assert_eq!(listed(&config.scrapers), ([true, true, true, true, true, true, false, false, false], true));
    let cpu = config.scrapers.cpu.0.unwrap().metrics;
    assert_eq!(
        [cpu.time, cpu.utilization, cpu.logical_count].map(|switch| switch.enabled),
        [false, true, true]
    );
    let disk = config.scrapers.disk.0.unwrap();
    assert_eq!(
        (disk.exclude.devices, disk.exclude.match_type),
        (vec!["^loop".to_owned()], MatchType::Regexp)
    );
    assert_eq!(config.scrapers.filesystem.0.unwrap().exclude_fs_types.fs_types, ["tmpfs"]);
    assert!(config.scrapers.load.0.unwrap().cpu_average);
    let process = config.scrapers.process.0.unwrap();
    assert!(process.mute_process_all_errors);
    let of = process.resource_attributes;
    assert_eq!([of.pid, of.cgroup, of.command_line].map(|switch| switch.enabled), [true, true, false]);
}

#[test]
fn what_the_collector_has_and_this_has_not_is_told_so() {
    let (_, told) = read(
        "timeout: 5s
metadata_collection_interval: 5m
scrapers:
  nfs:
  cpu:
",
    );
    assert_eq!(
        told,
        [
            "1:1 \"timeout\": `timeout` is not taken: a round is not cut off: it takes as long as the kernel needs to answer",
            "2:1 \"metadata_collection_interval\": `metadata_collection_interval` is not taken: it is for log records of entities, and Weir is for metrics",
            "4:3 \"nfs\": `nfs` is not taken: there is no scraper for NFS",
        ]
    );
}

#[test]
fn processes_without_their_number_are_warned_of() {
    let (config, told) = read(
        "scrapers:
  process:
    resource_attributes: {process.pid: {enabled: false}}
",
    );
    assert!(config.is_some());
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("3:40 \"{enabled: false}\": processes that are alike"), "{told:?}");
}

#[test]
fn an_empty_root_path_is_the_root_as_the_collector_has_it() {
    assert_eq!(good("root_path: ''\n").root().to_str(), Some("/"));
}

#[test]
fn what_makes_no_sense_is_reported_at_its_place() {
    let (_, told) = read(
        "collection_interval: 50ms
root_path: hostfs
scrapers:
  disk:
    include: {devices: [sda, 'sd('], match_type: regexp}
  filesystem:
    exclude_mount_points: {mount_points: ['['], match_type: regexp}
  process:
    include: {names: ['a('], match_type: glob}
    exclude: {names: ['a('], match_type: regexp}
",
    );
    assert_eq!(
        told,
        [
            "1:22 \"50ms\": 50ms is too short an interval: at least 100ms",
            "2:12 \"hostfs\": `hostfs` is not an absolute path",
            "5:30 \"'sd('\": `sd(` is no regular expression: unclosed group",
            "7:43 \"'['\": `[` is no regular expression: unclosed character class",
            "10:23 \"'a('\": `a(` is no regular expression: unclosed group",
        ]
    );
}

#[test]
fn unknown_scrapers_metrics_and_match_types_are_reported_at_their_place() {
    let (_, told) = read(
        "scrapers:
  cpus: {}
  cpu:
    metrics: {system.cpu.tim: {enabled: true}}
  disk:
    include: {devices: [a], match_type: globe}
  load:
    metrics: {system.cpu.load_average.1m: {}}
",
    );
    let places: Vec<&str> = told.iter().map(|line| line.split("\":").next().unwrap()).collect();
    assert_eq!(places.len(), 4, "{told:#?}");
    for place in ["2:3 \"cpus", "4:15 \"system.cpu.tim", "6:41 \"globe", "8:15 \"system.cpu.load_average.1m"]
    {
        assert!(places.contains(&place), "{place} is not in {told:#?}");
    }
}

#[test]
fn every_key_of_the_help_has_its_words() {
    let schema = serde_json::to_value((crate::registry()[0].schema)()).unwrap();
    let mut missing = Vec::new();
    walk(&schema, "", &mut missing);
    assert_eq!(missing, Vec::<String>::new());
    let utilization = schema
        .pointer("/properties/scrapers/properties/cpu/properties/metrics/properties/system.cpu.utilization");
    assert_eq!(utilization.unwrap()["default"], serde_json::json!({"enabled": false}));
}

/// Collects the paths of properties without a description.
fn walk(schema: &serde_json::Value, path: &str, missing: &mut Vec<String>) {
    let Some(properties) = schema.get("properties").and_then(|properties| properties.as_object()) else {
        return;
    };
    for (name, property) in properties {
        let path = format!("{path}/{name}");
        if property.get("description").is_none() {
            missing.push(path.clone());
        }
        walk(property, &path, missing);
    }
}
