//! Prometheus' node_exporter, as Debian packs it: the same counters under other names.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use crate::{
    bracket::{Said, agree},
    weir::{Readings, folder, reads},
};

/// A running exporter; killed when dropped.
struct Exporter(Child, SocketAddr);

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Exporter {
    /// Starts it, and waits until it answers or ends.
    fn start(program: &str) -> Self {
        // It takes a port but says none: one that was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(program);
        // From `/proc/net/dev`: netlink has other counters under the same names.
        command.args(["--no-collector.netdev.netlink", &format!("--web.listen-address={address}")]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut exporter = Self(child, address);
        while TcpStream::connect(address).is_err() {
            assert_eq!(exporter.0.try_wait().unwrap(), None, "{program} has ended");
            std::thread::yield_now();
        }
        exporter
    }

    /// Its metrics by `name{labels}`, as they stand in its answer.
    fn metrics(&self) -> Readings {
        let mut stream = TcpStream::connect(self.1).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let samples = answer.lines().filter(|line| !line.starts_with('#') && line.starts_with("node_"));
        samples
            .filter_map(|line| {
                let (name, value) = line.rsplit_once(' ')?;
                Some((name.to_owned(), value.parse().ok()?))
            })
            .collect()
    }

    fn says(&self) -> Said {
        let mut said = Said::default();
        for (sample, value) in self.metrics() {
            let (name, labels) = sample.split_once('{').unwrap_or((&sample, ""));
            let label = |key: &str| {
                let rest = labels.split_once(&format!("{key}=\""))?.1;
                rest.split_once('"').map(|(value, _)| value)
            };
            match in_weirs_words(name, &label) {
                Some((series, Kind::Counter)) => said.counters.insert(series, value),
                Some((series, Kind::Gauge)) => said.gauges.insert(series, value),
                None => None,
            };
        }
        said
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
}

/// The exporter's metrics of devices: what follows `node_`, Weir's metric, and the direction.
const OF_DEVICES: [(&str, &str, &str); 14] = [
    ("disk_read_bytes_total", "system.disk.io", "read"),
    ("disk_written_bytes_total", "system.disk.io", "write"),
    ("disk_reads_completed_total", "system.disk.operations", "read"),
    ("disk_writes_completed_total", "system.disk.operations", "write"),
    ("disk_reads_merged_total", "system.disk.merged", "read"),
    ("disk_writes_merged_total", "system.disk.merged", "write"),
    ("network_receive_bytes_total", "system.network.io", "receive"),
    ("network_transmit_bytes_total", "system.network.io", "transmit"),
    ("network_receive_packets_total", "system.network.packets", "receive"),
    ("network_transmit_packets_total", "system.network.packets", "transmit"),
    ("network_receive_errs_total", "system.network.errors", "receive"),
    ("network_transmit_errs_total", "system.network.errors", "transmit"),
    ("network_receive_drop_total", "system.network.dropped", "receive"),
    ("network_transmit_drop_total", "system.network.dropped", "transmit"),
];

/// Those of the machine.
const OF_THE_MACHINE: [(&str, &str, Kind); 10] = [
    ("forks_total", "system.processes.created{}", Kind::Counter),
    ("vmstat_pgmajfault", "system.paging.faults{type=major}", Kind::Counter),
    ("vmstat_pswpin", "system.paging.operations{direction=page_in,type=major}", Kind::Counter),
    ("vmstat_pswpout", "system.paging.operations{direction=page_out,type=major}", Kind::Counter),
    ("load1", "system.cpu.load_average.1m{}", Kind::Gauge),
    ("load5", "system.cpu.load_average.5m{}", Kind::Gauge),
    ("load15", "system.cpu.load_average.15m{}", Kind::Gauge),
    ("memory_MemTotal_bytes", "system.memory.limit{}", Kind::Gauge),
    ("memory_MemAvailable_bytes", "system.linux.memory.available{}", Kind::Gauge),
    ("memory_SUnreclaim_bytes", "system.memory.usage{state=slab_unreclaimable}", Kind::Gauge),
];

fn in_weirs_words<'a>(name: &str, label: &dyn Fn(&str) -> Option<&'a str>) -> Option<(String, Kind)> {
    let name = name.strip_prefix("node_")?;
    if let Some((_, series, kind)) = OF_THE_MACHINE.iter().find(|(of, ..)| *of == name) {
        return Some(((*series).to_owned(), *kind));
    }
    if let Some((_, metric, direction)) = OF_DEVICES.iter().find(|(of, ..)| *of == name) {
        let device = label("device")?;
        return Some((format!("{metric}{{device={device},direction={direction}}}"), Kind::Counter));
    }
    if name != "cpu_seconds_total" {
        return None;
    }
    let (cpu, mode) = (label("cpu")?, label("mode")?);
    let (state, kind) = match mode {
        // The kernel corrects these two downwards now and then, and the exporter lets them fall.
        "idle" => ("idle", Kind::Gauge),
        "iowait" => ("wait", Kind::Gauge),
        "irq" => ("interrupt", Kind::Counter),
        mode => (mode, Kind::Counter),
    };
    Some((format!("system.cpu.time{{cpu=cpu{cpu},state={state}}}"), kind))
}

#[test]
fn counters_are_those_of_the_node_exporter() {
    let test = "node_exporter";
    let Ok(program) = std::env::var("WEIR_NODE_EXPORTER") else {
        println!(
            "skipped: {test} (WEIR_NODE_EXPORTER is not set: run `cargo xtask test` on Debian or Ubuntu)"
        );
        return;
    };
    let exporter = Exporter::start(&program);
    let folder = folder(test);
    let on = "{enabled: true}";
    let keys = format!(
        "{{ scrapers: {{ cpu: , load: , disk: , network: , paging: , processes: ,
  memory: {{ metrics: {{ system.memory.limit: {on}, system.linux.memory.available: {on} }} }} }} }}"
    );
    let said = exporter.says();
    assert!(said.counters.len() > 20 && said.gauges.len() > 5, "{said:#?}");
    agree(|| exporter.says(), || reads(&folder, &keys));
}
