//! The Collector's metrics, by the `metadata.yaml` of each of its scrapers (v0.165), without those of Windows: what is reported of a machine with
//! every switch on, and which switches are on by themselves.

use std::collections::{BTreeMap, BTreeSet};

use weir_core::{Kind, Number};
use weir_testkit::{Fixture, START, seconds, section};

use super::{
    super::{ProcfsConfig, Scrape},
    Machine, fixtures,
};

/// Scraper, metric, unit, kind (`updown`: a sum that may fall), values, keys of attributes, default.
const METRICS: &str = "\
cpu        system.cpu.frequency                      Hz            gauge   double cpu                                 off
cpu        system.cpu.logical.count                  {cpu}         updown  int    -                                   on
cpu        system.cpu.physical.count                 {cpu}         updown  int    -                                   off
cpu        system.cpu.time                           s             counter double cpu,state                           on
cpu        system.cpu.utilization                    1             gauge   double cpu,state                           off
load       system.cpu.load_average.15m               {thread}      gauge   double -                                   on
load       system.cpu.load_average.1m                {thread}      gauge   double -                                   on
load       system.cpu.load_average.5m                {thread}      gauge   double -                                   on
memory     system.linux.memory.available             By            updown  int    -                                   off
memory     system.linux.memory.dirty                 By            updown  int    -                                   off
memory     system.memory.limit                       By            updown  int    -                                   off
memory     system.memory.linux.hugepages.limit       {page}        updown  int    -                                   off
memory     system.memory.linux.hugepages.page_size   By            updown  int    -                                   off
memory     system.memory.linux.hugepages.reserved    {page}        updown  int    -                                   off
memory     system.memory.linux.hugepages.surplus     {page}        updown  int    -                                   off
memory     system.memory.linux.hugepages.usage       {page}        updown  int    system.memory.linux.hugepages.state off
memory     system.memory.linux.hugepages.utilization 1             gauge   double system.memory.linux.hugepages.state off
memory     system.memory.linux.shared                By            updown  int    -                                   off
memory     system.memory.page_size                   By            gauge   int    -                                   off
memory     system.memory.usage                       By            updown  int    state                               on
memory     system.memory.utilization                 1             gauge   double state                               off
disk       system.disk.io                            By            counter int    device,direction                    on
disk       system.disk.io_time                       s             counter double device                              on
disk       system.disk.merged                        {operations}  counter int    device,direction                    on
disk       system.disk.operation_time                s             counter double device,direction                    on
disk       system.disk.operations                    {operations}  counter int    device,direction                    on
disk       system.disk.pending_operations            {operations}  updown  int    device                              on
disk       system.disk.weighted_io_time              s             counter double device                              on
filesystem system.filesystem.inodes.usage            {inodes}      updown  int    device,mode,mountpoint,state,type   on
filesystem system.filesystem.usage                   By            updown  int    device,mode,mountpoint,state,type   on
filesystem system.filesystem.utilization             1             gauge   double device,mode,mountpoint,type         off
network    system.network.connections                {connections} updown  int    protocol,state                      on
network    system.network.conntrack.count            {entries}     updown  int    -                                   off
network    system.network.conntrack.max              {entries}     updown  int    -                                   off
network    system.network.dropped                    {packets}     counter int    device,direction                    on
network    system.network.errors                     {errors}      counter int    device,direction                    on
network    system.network.io                         By            counter int    device,direction                    on
network    system.network.packets                    {packets}     counter int    device,direction                    on
paging     system.paging.faults                      {faults}      counter int    type                                on
paging     system.paging.operations                  {operations}  counter int    direction,type                      on
paging     system.paging.usage                       By            updown  int    device,state                        on
paging     system.paging.utilization                 1             gauge   double device,state                        off
processes  system.processes.count                    {processes}   updown  int    status                              on
processes  system.processes.created                  {processes}   counter int    -                                   on
process    process.context_switches                  {count}       counter int    type                                off
process    process.cpu.time                          s             counter double state                               on
process    process.cpu.utilization                   1             gauge   double state                               off
process    process.disk.io                           By            counter int    direction                           on
process    process.disk.operations                   {operations}  counter int    direction                           off
process    process.memory.usage                      By            updown  int    -                                   on
process    process.memory.utilization                1             gauge   double -                                   off
process    process.memory.virtual                    By            updown  int    -                                   on
process    process.open_file_descriptors             {count}       updown  int    -                                   off
process    process.paging.faults                     {faults}      counter int    type                                off
process    process.signals_pending                   {signals}     updown  int    -                                   off
process    process.threads                           {threads}     updown  int    -                                   off
process    process.uptime                            s             gauge   double -                                   off
system     system.uptime                             s             gauge   double -                                   on
";

fn rows() -> impl Iterator<Item = [&'static str; 7]> {
    METRICS.lines().map(|line| {
        let row: Vec<&str> = line.split_whitespace().collect();
        row.try_into().unwrap()
    })
}

/// Every metric of every scraper, each with this switch where it is one.
fn config(machine: &Machine, switch: Option<bool>) -> ProcfsConfig {
    let mut scrapers: BTreeMap<&str, BTreeMap<&str, serde_json::Value>> = BTreeMap::new();
    for [scraper, metric, ..] in rows() {
        let metrics = scrapers.entry(scraper).or_default();
        metrics.extend(switch.map(|enabled| (metric, serde_json::json!({ "enabled": enabled }))));
    }
    let scrapers: BTreeMap<_, _> = scrapers
        .into_iter()
        .map(|(name, metrics)| (name, serde_json::json!({ "metrics": metrics })))
        .collect();
    let yaml = serde_json::json!({ "root_path": machine.root(), "scrapers": scrapers });
    let (config, told) = section(&yaml.to_string(), &[]);
    assert_eq!(told, []);
    config.unwrap()
}

/// A machine that has something to say of every metric, but what needs time to pass.
fn machine() -> Machine {
    let machine = Machine::small();
    for folder in ["proc/1/fd", "proc/sys/net/netfilter", "sys/devices/system/cpu/cpu0/topology"] {
        std::fs::create_dir_all(machine.root().join(folder)).unwrap();
    }
    machine.write("proc/cpuinfo", "processor\t: 0\ncpu MHz\t\t: 2400.000\n");
    machine.write("sys/devices/system/cpu/cpu0/topology/thread_siblings_list", "0\n");
    machine.write("proc/sys/net/netfilter/nf_conntrack_count", "12\n");
    machine.write("proc/sys/net/netfilter/nf_conntrack_max", "262144\n");
    machine.write("proc/1/io", fixtures::PID_IO);
    machine.write("proc/1/status", fixtures::PID_STATUS);
    machine
}

/// The second round: `metric unit kind values keys` of each series.
fn reported(machine: &Machine, switch: Option<bool>) -> BTreeSet<String> {
    let fixture = Fixture::new();
    let mut scrape = Scrape::new(&config(machine, switch), &fixture.context("procfs")).unwrap();
    let mut round = |ticks: u64| {
        machine
            .write("proc/stat", &format!("cpu0 {ticks} 1 1 1 1 1 1 1 0 0\nbtime 1699990000\nprocesses 5\n"));
        scrape.collect(seconds(START + ticks))
    };
    round(100);
    let batch = round(200);
    let described = batch.numbers.iter().map(|point| {
        let series = fixture.series(point.series);
        let metric = series.descriptor();
        let kind = match (metric.kind, metric.monotonic) {
            (Kind::Gauge, _) => "gauge",
            (Kind::Sum, true) => "counter",
            (Kind::Sum, false) => "updown",
            (other, _) => panic!("{other:?}"),
        };
        let values = match point.value() {
            Number::Int(_) => "int",
            Number::Double(_) => "double",
        };
        let mut keys: Vec<&str> = series.attributes().iter().map(|attribute| &*attribute.key).collect();
        keys.sort_unstable();
        let keys = if keys.is_empty() { "-".to_owned() } else { keys.join(",") };
        format!("{} {} {kind} {values} {keys}", metric.name, metric.unit)
    });
    let described = described.collect();
    assert_eq!(scrape.troubles(), 0);
    described
}

fn expected(is_meant: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let rows = rows().filter(|[.., default]| is_meant(default));
    rows.map(|[_, metric, unit, kind, values, keys, _]| format!("{metric} {unit} {kind} {values} {keys}"))
        .collect()
}

#[test]
fn every_metric_has_the_collectors_unit_kind_and_attributes_and_a_switch() {
    let machine = machine();
    assert_eq!(reported(&machine, Some(true)), expected(|_| true));
    assert_eq!(reported(&machine, Some(false)), BTreeSet::new());
}

#[test]
fn what_is_on_by_itself_is_what_the_collector_has_on() {
    assert_eq!(reported(&machine(), None), expected(|default| default == "on"));
}
