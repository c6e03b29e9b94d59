//! The keys of the Agent's `metrics_collected`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::{Check, Node};

use super::{cpu, disk, diskio, measure::names, mem, net, netstat, processes};
use crate::procfs::{Listed, MatchType, filter::Filter};

/// What the CloudWatch Agent calls `metrics_collected`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct CwAgentConfig {
    /// CPUs, with the dimension `cpu`.
    #[serde(skip_serializing_if = "Listed::is_absent")]
    pub cpu: Listed<CpuSection>,
    /// Filesystems at each of their mount points, with the dimensions `path`, `device` and `fstype`.
    #[serde(skip_serializing_if = "Listed::is_absent")]
    pub disk: Listed<DiskSection>,
    /// Block devices, with the dimension `name`.
    #[serde(skip_serializing_if = "Listed::is_absent")]
    pub diskio: Listed<DeviceSection>,
    /// Memory.
    #[serde(skip_serializing_if = "Listed::is_absent")]
    pub mem: Listed<Section>,
    /// Network interfaces, with the dimension `interface`; without `resources` those that are up and not the loopback.
    #[serde(skip_serializing_if = "Listed::is_absent")]
    pub net: Listed<DeviceSection>,
    /// Sockets by state.
    #[serde(skip_serializing_if = "Listed::is_absent")]
    pub netstat: Listed<Section>,
    /// Processes by state.
    #[serde(skip_serializing_if = "Listed::is_absent")]
    pub processes: Listed<Section>,
    /// Swap.
    #[serde(skip_serializing_if = "Listed::is_absent")]
    pub swap: Listed<Section>,
}

/// What to measure of a whole machine.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Section {
    /// The metrics, with the section's name before them or without, such as `used_percent`.
    pub measurement: Vec<String>,
}

/// What to measure of devices.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct DeviceSection {
    /// The metrics, with the section's name before them or without, such as `read_bytes`.
    pub measurement: Vec<String>,
    /// Only the devices of these names; none, or `*` among them, is all.
    pub resources: Vec<String>,
}

/// What to measure of CPUs.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct CpuSection {
    /// The metrics, with `cpu_` before them or without, such as `usage_active`.
    pub measurement: Vec<String>,
    /// `*` among them: each CPU by itself.
    pub resources: Vec<String>,
    /// All CPUs together, as `cpu-total`.
    pub totalcpu: bool,
}

/// What to measure of filesystems.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct DiskSection {
    /// The metrics, with `disk_` before them or without, such as `used_percent`.
    pub measurement: Vec<String>,
    /// Only these mount points; none, or `*` among them, is all.
    pub resources: Vec<String>,
    /// Types of filesystem to leave out, such as `tmpfs`.
    pub ignore_file_system_types: Vec<String>,
    /// Leave the dimension `device` out.
    pub drop_device: bool,
}

impl Default for CpuSection {
    fn default() -> Self {
        Self { measurement: Vec::new(), resources: Vec::new(), totalcpu: true }
    }
}

impl CpuSection {
    /// Whether each CPU is reported by itself.
    pub(super) fn each(&self) -> bool {
        self.resources.iter().any(|name| name == "*")
    }
}

impl DiskSection {
    /// The mount points that are named; none is all.
    pub(super) fn named(&self) -> &[String] {
        named(&self.resources)
    }
}

impl DeviceSection {
    /// The devices that are named; none is all.
    pub(super) fn named(&self) -> &[String] {
        named(&self.resources)
    }

    pub(super) fn filter(&self) -> Result<Filter, regex::Error> {
        Filter::new((self.named(), MatchType::Strict), (&[], MatchType::Strict))
    }
}

fn named(resources: &[String]) -> &[String] {
    if resources.iter().any(|name| name == "*") { &[] } else { resources }
}

/// Sections of the Agent that there are not here, and what there is instead.
const OTHER_SECTIONS: [(&str, &str, &str); 8] = [
    ("collectd", "there is no collectd listener", "send OTLP to the receiver `otlp`"),
    ("efa", "EFA devices are not measured", "leave it out"),
    ("ethtool", "statistics of drivers are not measured", "`net` has errors and drops of the kernel"),
    (
        "jmx",
        "there is no JMX client",
        "run the OpenTelemetry Java agent, and send OTLP to the receiver `otlp`",
    ),
    ("nvidia_gpu", "GPUs are a receiver of their own", "list the receiver `nvml` with `profile: cwagent`"),
    ("otlp", "it is a receiver of its own", "list the receiver `otlp`"),
    (
        "procstat",
        "processes are not measured under the Agent's names",
        "list the scraper `process`, and change alarms on `procstat_*`",
    ),
    ("statsd", "there is no StatsD listener", "send OTLP to the receiver `otlp`"),
];

/// Keys that the Agent takes in each section, and what there is instead.
const OTHER_KEYS: [(&str, &str, &str); 3] = [
    ("append_dimensions", "dimensions are added in one place", "use `actions` of the processor `dimensions`"),
    (
        "drop_original_metrics",
        "the exporter decides what is sent",
        "use `drop` in a rule of the exporter `cloudwatch`",
    ),
    (
        "metrics_collection_interval",
        "a receiver has one interval",
        "use `collection_interval`, and a second `procfs/NAME` for another",
    ),
];

impl CwAgentConfig {
    pub(in crate::procfs) fn check(&self, check: &mut Check<'_>) {
        for (section, why, instead) in OTHER_SECTIONS {
            check.not_taken(&["cwagent", section], why, instead);
        }
        let of = |section: &Listed<Section>| section.0.as_ref().map(|section| section.measurement.clone());
        let of_devices =
            |section: &Listed<DeviceSection>| section.0.as_ref().map(|section| section.measurement.clone());
        let (cpu, disk) = (self.cpu.0.as_ref(), self.disk.0.as_ref());
        let sections = [
            ("cpu", cpu.map(|cpu| cpu.measurement.clone()), names(cpu::MEASURES)),
            ("disk", disk.map(|disk| disk.measurement.clone()), names(disk::MEASURES)),
            ("diskio", of_devices(&self.diskio), names(diskio::MEASURES)),
            ("mem", of(&self.mem), names(mem::MEASURES)),
            ("net", of_devices(&self.net), names(net::MEASURES)),
            ("netstat", of(&self.netstat), names(netstat::MEASURES)),
            ("processes", of(&self.processes), names(processes::MEASURES)),
            ("swap", of(&self.swap), names(mem::SWAP_MEASURES)),
        ];
        if sections.iter().all(|(_, measurement, _)| measurement.is_none()) {
            let help = format!("list one of {}", list(sections.iter().map(|(section, ..)| *section)));
            check.error_with(&["cwagent"], "it lists nothing to measure", help);
        }
        for (section, measurement, known) in sections {
            if let Some(measurement) = measurement {
                check_section(check, section, &measurement, &known);
            }
        }
        if cpu.is_some_and(|cpu| !cpu.totalcpu && !cpu.each()) {
            check.error_with(
                &["cwagent", "cpu", "totalcpu"],
                "neither all CPUs together nor each by itself is reported",
                "`resources: ['*']` reports each",
            );
        }
    }
}

fn check_section(check: &mut Check<'_>, section: &str, measurement: &[String], known: &[&str]) {
    for (key, why, instead) in OTHER_KEYS {
        check.not_taken(&["cwagent", section, key], why, instead);
    }
    let without_section = |name: &str| name.split_once('_').map_or(name, |(_, short)| short).to_owned();
    let shown = || list(known.iter().map(|name| without_section(name)));
    let path = ["cwagent", section, "measurement"];
    // Items of the wrong type are told already, and are not in the list: the text says where each stands.
    let written = check.node().at(&path).map(Node::items).unwrap_or_default();
    if written.is_empty() {
        check.error_with(&path, "it lists nothing to measure", format!("list some of {}", shown()));
    }
    for at in 0..written.len() {
        for key in ["rename", "unit"] {
            let path = ["cwagent", section, "measurement", &at.to_string(), key];
            let instead =
                "write the name alone, and a rule of the exporter `cloudwatch` with `rename` and `unit`";
            check.not_taken(&path, "what a metric is called is for the exporter to say", instead);
        }
    }
    for name in measurement {
        if known.iter().any(|known| known == name || without_section(known) == *name) {
            continue;
        }
        let at = written.iter().position(|item| item.text() == Some(name)).unwrap_or_default().to_string();
        let path = ["cwagent", section, "measurement", &at];
        let help = format!("there are {}", shown());
        check.error_with(&path, format!("`{name}` is no measurement of `{section}`"), help);
    }
}

fn list(names: impl Iterator<Item = impl AsRef<str>>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{}`", name.as_ref())).collect();
    names.join(", ")
}
