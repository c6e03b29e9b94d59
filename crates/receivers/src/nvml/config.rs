//! The configuration.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::{Check, Duration};
use weir_core::{Config, Facts};
use weir_kubelet::PodResources;

use super::{
    catalogue::metrics,
    health::{HealthVerdict, RULES},
    metric::{Metric, Name, Profile},
    sink,
};

/// Utilisation is measured by the driver over a sixth of a second to a second.
const SHORTEST_INTERVAL: std::time::Duration = std::time::Duration::from_millis(100);

/// In `metrics`: those of the profile by default.
const DEFAULT: &str = "default";
/// In `metrics`: all of the profile.
const ALL: &str = "all";

/// Configuration of `nvml`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct NvmlConfig {
    /// The driver's library.
    pub library: PathBuf,
    /// Whose names metrics have: `semconv`, `dcgm`, `cwagent`, or `gpu_health`, which is the script's.
    pub profile: Profile,
    /// Only these metrics, by the names of the profile. `default` is those that are published where none is listed, `all` is every one.
    pub metrics: Vec<String>,
    /// How long after the start to ask for the first time: what detectors find is then there.
    pub initial_delay: Duration,
    /// How often to ask for what.
    pub intervals: Intervals,
    /// How long a GPU may take to answer; after that its thread is left to itself, and the GPU is said to be down.
    pub timeout: Duration,
    /// How long after a failure to open NVML anew.
    pub retry_interval: Duration,
    /// How many GPUs there should be: as many fewer as there are, `gpu.missing` says. At least as many as were seen are expected, and as
    /// the driver lists.
    pub expected_gpus: u32,
    /// How many PCIe lanes each GPU should have, for the rule `link_width`; by itself the most that it was seen with.
    pub expected_link_width: Option<u32>,
    /// Where the driver lists its GPUs, in `gpus`.
    pub driver_folder: PathBuf,
    /// After so many failures to open NVML in a row `/live` fails, so that the container is made anew with the driver's present library
    /// and devices: only where GPUs are expected, or were there before. 0 for never.
    pub restart_after: u32,
    /// As long as this file exists, NVML is closed, so that a GPU can be reset or the driver changed.
    pub release_file: Option<PathBuf>,
    /// With `gpu_health`: 0 where a GPU has no such figure or is lost, as the script published.
    pub unsupported_as_zero: bool,
    /// What each rule's finding means, where it is to be another than it is by itself; `ok` switches the rule off.
    pub rules: BTreeMap<String, HealthVerdict>,
    /// What XIDs mean by code, where it is to be another thing than NVIDIA's catalogue says, such as `{109: reset_required}`.
    pub xids: BTreeMap<String, HealthVerdict>,
    /// Which pods have the GPUs.
    pub pods: PodsConfig,
}

/// Which pods have the GPUs, as the kubelet of this node says.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PodsConfig {
    /// Whether the kubelet is asked, at the medium interval. Where it has no socket this is no node, and nothing is said.
    pub enabled: bool,
    /// The socket of the kubelet's pod-resources API.
    pub endpoint: PathBuf,
    /// Figures by process, told by container: for them the node's processes have to be visible, by `hostPID` or below `root_path`.
    pub host_pid: bool,
    /// Where the node's root is: `proc` and `var/log/containers` below it say whose a process is.
    pub root_path: PathBuf,
}

impl Default for PodsConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            endpoint: PathBuf::from(PodResources::SOCKET),
            host_pid: false,
            root_path: PathBuf::from("/"),
        }
    }
}

/// How often to ask for what, at multiples on the clock.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Intervals {
    /// Utilisation, memory, temperature, power, energy, clocks, throttling, PCIe traffic.
    pub fast: Duration,
    /// Engines, processes, NVLinks' traffic, what GPM counts, MIG instances, XIDs.
    pub medium: Duration,
    /// Errors of memory and links, retired pages, remapped rows, limits, what rarely changes; the verdict.
    pub slow: Duration,
}

impl Default for Intervals {
    fn default() -> Self {
        Self { fast: Duration::from_secs(1), medium: Duration::from_secs(10), slow: Duration::from_secs(60) }
    }
}

impl Default for NvmlConfig {
    fn default() -> Self {
        Self {
            library: PathBuf::from("libnvidia-ml.so.1"),
            profile: Profile::default(),
            metrics: Vec::new(),
            initial_delay: Duration::from_secs(1),
            intervals: Intervals::default(),
            timeout: Duration::from_secs(5),
            retry_interval: Duration::from_secs(60),
            expected_gpus: 0,
            expected_link_width: None,
            driver_folder: PathBuf::from("/proc/driver/nvidia"),
            restart_after: 10,
            release_file: None,
            unsupported_as_zero: false,
            rules: BTreeMap::new(),
            xids: BTreeMap::new(),
            pods: PodsConfig::default(),
        }
    }
}

impl NvmlConfig {
    /// How `metric` is published; `None` where it is not.
    pub(super) fn published(&self, metric: &Metric) -> Option<Name> {
        let is_default = metric.is_default(self.profile);
        metric
            .under(self.profile)
            .filter(|name| self.names_it(name.name) || is_default && self.has_defaults())
    }

    /// Whether the metric of this name, which is one by default, is published.
    pub(super) fn lists(&self, name: &str) -> bool {
        self.names_it(name) || self.has_defaults()
    }

    /// Whether the metric of this name is asked for, beside those by default.
    pub(super) fn names_it(&self, name: &str) -> bool {
        self.metrics.iter().any(|listed| listed == name || listed == ALL)
    }

    fn has_defaults(&self) -> bool {
        self.metrics.is_empty() || self.metrics.iter().any(|listed| listed == DEFAULT)
    }

    /// Whether the health rules are gone by: the script had none, and its replacement makes no call that it did not.
    pub(super) fn judges(&self) -> bool {
        self.profile != Profile::GpuHealth && (self.lists(sink::HEALTH) || self.lists(sink::HEALTH_RULE))
    }

    /// What XIDs mean, by code.
    pub(super) fn xid_verdicts(&self) -> BTreeMap<u64, HealthVerdict> {
        self.xids.iter().filter_map(|(code, verdict)| Some((code.parse().ok()?, *verdict))).collect()
    }

    /// Whether pods matter: the script knew none.
    pub(super) fn has_pods(&self) -> bool {
        self.pods.enabled && self.profile != Profile::GpuHealth
    }

    /// Whether DCGM's sum over NVLinks is told.
    pub(super) fn tells_nvlink(&self) -> bool {
        self.profile == Profile::Dcgm && self.lists(sink::NVLINK_TOTAL)
    }

    /// Whether processes are told by container.
    pub(super) fn tells_processes(&self) -> bool {
        let names = [sink::POD_MEMORY, sink::POD_UTILIZATION, sink::POD_ACTIVE, sink::POD_ENERGY];
        self.has_pods() && self.pods.host_pid && names.iter().any(|name| self.lists(name))
    }

    /// Whether it is told what containers have and use of GPUs.
    pub(super) fn tells_usage(&self) -> bool {
        let names = [sink::POD_ALLOCATED, sink::POD_ACTIVE, sink::POD_IDLE_MEMORY, sink::POD_ENERGY];
        self.has_pods() && names.iter().any(|name| self.lists(name))
    }

    /// Every name that `metrics` may have: those of the profile, first.
    fn names(&self) -> Vec<&'static str> {
        let of_catalogue = metrics().filter_map(|metric| Some(metric.under(self.profile)?.name));
        let own = if self.profile == Profile::GpuHealth { &[] } else { sink::OWN };
        let of_dcgm =
            [sink::LAST_XID, sink::NVLINK_TOTAL].into_iter().filter(|_| self.profile == Profile::Dcgm);
        of_catalogue.chain(own.iter().copied()).chain(of_dcgm).chain([DEFAULT, ALL]).collect()
    }
}

impl Config for NvmlConfig {
    fn check(&self, check: &mut Check<'_>) {
        let Intervals { fast, medium, slow } = &self.intervals;
        for (key, interval) in [("fast", fast), ("medium", medium), ("slow", slow)] {
            if interval.as_std() < SHORTEST_INTERVAL {
                let found = interval.as_std();
                check.error(
                    &["intervals", key],
                    format!("{found:?} is too short an interval: at least 100ms"),
                );
            }
        }
        if self.timeout.as_std().is_zero() {
            check.error(&["timeout"], "no GPU answers in no time: such as 5s".to_owned());
        }
        let names = self.names();
        for (at, listed) in self.metrics.iter().enumerate() {
            if !names.contains(&listed.as_str()) {
                let close = names.iter().find(|name| name.eq_ignore_ascii_case(listed));
                let would =
                    close.map_or_else(|| format!("such as `{}`", names[0]), |name| format!("`{name}`"));
                check.error(
                    &["metrics", &at.to_string()],
                    format!("this profile has no metric `{listed}`: {would}"),
                );
            }
        }
        for rule in self.rules.keys() {
            if !RULES.iter().any(|known| known.name == rule) {
                let names: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
                check.error(&["rules", rule], format!("there is no rule `{rule}`: {}", names.join(", ")));
            }
        }
        for code in self.xids.keys().filter(|code| code.parse::<u64>().is_err()) {
            check.error(&["xids", code], format!("`{code}` is no XID: a number, such as 109"));
        }
        if self.pods.host_pid && !self.pods.enabled {
            check.error(&["pods", "host_pid"], "only with `pods.enabled: true`".to_owned());
        }
        if self.unsupported_as_zero && self.profile != Profile::GpuHealth {
            check.error(&["unsupported_as_zero"], "only the profile `gpu_health` has this".to_owned());
        }
    }

    fn facts(&self) -> Facts {
        let cumulative = matches!(self.profile, Profile::Semconv | Profile::Dcgm); // the others are gauges
        let tells_pods = self.has_pods();
        Facts { cumulative, collects: true, of_this_host: true, tells_pods, ..Facts::default() }
    }
}
