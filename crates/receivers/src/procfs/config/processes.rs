//! The scrapers `paging`, `processes`, `process` and `system`, and their metrics.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::Duration;

use super::{
    filters::ProcessFilter,
    listed::{OFF, ON, Switch},
};

/// Swap and page faults, from `/proc/swaps` and `/proc/vmstat`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PagingConfig {
    /// The metrics, each with its switch.
    pub metrics: PagingMetrics,
}

/// The metrics of `paging`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PagingMetrics {
    /// Bytes of each swap device by state: used, free.
    #[serde(rename = "system.paging.usage")]
    pub usage: Switch,
    /// Share of each swap device by state, 0 to 1.
    #[serde(rename = "system.paging.utilization")]
    pub utilization: Switch,
    /// Pages swapped in and out (type `major`); KiB read from disks and written to them (type `minor`).
    #[serde(rename = "system.paging.operations")]
    pub operations: Switch,
    /// Page faults: those that needed a disk (type `major`), and others.
    #[serde(rename = "system.paging.faults")]
    pub faults: Switch,
}

impl Default for PagingMetrics {
    fn default() -> Self {
        Self { usage: ON, utilization: OFF, operations: ON, faults: ON }
    }
}

/// How many processes there are, from `/proc/<pid>/stat` and `/proc/stat`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ProcessesConfig {
    /// The metrics, each with its switch.
    pub metrics: ProcessesMetrics,
}

/// The metrics of `processes`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ProcessesMetrics {
    /// Processes by status: blocked, idle, running, sleeping, stopped, zombies; others when there are any.
    #[serde(rename = "system.processes.count")]
    pub count: Switch,
    /// Processes and threads that were made since boot.
    #[serde(rename = "system.processes.created")]
    pub created: Switch,
}

impl Default for ProcessesMetrics {
    fn default() -> Self {
        Self { count: ON, created: ON }
    }
}

/// For how long the machine has been up, from `/proc/uptime`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct SystemConfig {
    /// The metrics, each with its switch.
    pub metrics: SystemMetrics,
}

/// The metrics of `system`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct SystemMetrics {
    /// Seconds since boot.
    #[serde(rename = "system.uptime")]
    pub uptime: Switch,
}

impl Default for SystemMetrics {
    fn default() -> Self {
        Self { uptime: ON }
    }
}

/// Each process as a resource of its own, from `/proc/<pid>`. Never on unless it is listed: it makes series for every process.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ProcessConfig {
    /// Only these processes.
    pub include: ProcessFilter,
    /// All but these processes.
    pub exclude: ProcessFilter,
    /// Leave out processes that are younger.
    pub scrape_process_delay: Duration,
    /// Do not say that something of a process may not be read.
    pub mute_process_all_errors: bool,
    /// Do not say that what processes read and write may not be read.
    pub mute_process_io_error: bool,
    /// Known, and without effect: a name that cannot be read is left out without a word.
    pub mute_process_name_error: bool,
    /// Known, and without effect: a path that cannot be read is left out without a word.
    pub mute_process_exe_error: bool,
    /// Known, and without effect: a user without a name is left out without a word.
    pub mute_process_user_error: bool,
    /// Known, and without effect: a cgroup that cannot be read is left out without a word.
    pub mute_process_cgroup_error: bool,
    /// The metrics, each with its switch.
    pub metrics: ProcessMetrics,
    /// The attributes of a process's resource, each with its switch.
    pub resource_attributes: ProcessAttributes,
}

/// What tells processes apart.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ProcessAttributes {
    /// Its number. Without it, processes that are alike in the rest share their series.
    #[serde(rename = "process.pid")]
    pub pid: Switch,
    /// The number of the process that made it.
    #[serde(rename = "process.parent_pid")]
    pub parent_pid: Switch,
    /// The name of its executable, of which the kernel keeps 15 bytes.
    #[serde(rename = "process.executable.name")]
    pub executable_name: Switch,
    /// The path of its executable, where it may be read.
    #[serde(rename = "process.executable.path")]
    pub executable_path: Switch,
    /// The first of its arguments: what it was called as.
    #[serde(rename = "process.command")]
    pub command: Switch,
    /// All of its arguments, with blanks between them. Some programs are given secrets in it.
    #[serde(rename = "process.command_line")]
    pub command_line: Switch,
    /// The name of the user whose rights it has.
    #[serde(rename = "process.owner")]
    pub owner: Switch,
    /// What `/proc/<pid>/cgroup` holds, such as `0::/system.slice/nginx.service`.
    #[serde(rename = "process.cgroup")]
    pub cgroup: Switch,
    /// The same by the name that the semantic conventions have for it.
    #[serde(rename = "process.linux.cgroup")]
    pub linux_cgroup: Switch,
}

impl Default for ProcessAttributes {
    fn default() -> Self {
        Self {
            pid: ON,
            parent_pid: ON,
            executable_name: ON,
            executable_path: ON,
            command: ON,
            command_line: ON,
            owner: ON,
            cgroup: OFF,
            linux_cgroup: OFF,
        }
    }
}

/// The metrics of `process`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ProcessMetrics {
    /// Seconds of CPU by state: user, system, wait.
    #[serde(rename = "process.cpu.time")]
    pub cpu_time: Switch,
    /// Share of the time of all CPUs since the previous scrape by state, 0 to 1.
    #[serde(rename = "process.cpu.utilization")]
    pub cpu_utilization: Switch,
    /// Bytes in memory.
    #[serde(rename = "process.memory.usage")]
    pub memory: Switch,
    /// Bytes in memory as percents of the machine's, with the unit `1` as the Collector has it.
    #[serde(rename = "process.memory.utilization")]
    pub memory_utilization: Switch,
    /// Bytes of address space.
    #[serde(rename = "process.memory.virtual")]
    pub memory_virtual: Switch,
    /// Bytes read from disks and written to them.
    #[serde(rename = "process.disk.io")]
    pub io: Switch,
    /// Calls that read and wrote, be it files or not.
    #[serde(rename = "process.disk.operations")]
    pub operations: Switch,
    /// Page faults by type: major, minor.
    #[serde(rename = "process.paging.faults")]
    pub faults: Switch,
    /// Context switches by type: voluntary, involuntary.
    #[serde(rename = "process.context_switches")]
    pub context_switches: Switch,
    /// Threads.
    #[serde(rename = "process.threads")]
    pub threads: Switch,
    /// Open files, sockets and the like.
    #[serde(rename = "process.open_file_descriptors")]
    pub open_file_descriptors: Switch,
    /// Signals that wait, of all processes of the same user.
    #[serde(rename = "process.signals_pending")]
    pub signals_pending: Switch,
    /// Seconds since the process was started.
    #[serde(rename = "process.uptime")]
    pub uptime: Switch,
}

impl Default for ProcessMetrics {
    fn default() -> Self {
        Self {
            cpu_time: ON,
            cpu_utilization: OFF,
            memory: ON,
            memory_utilization: OFF,
            memory_virtual: ON,
            io: ON,
            operations: OFF,
            faults: OFF,
            context_switches: OFF,
            threads: OFF,
            open_file_descriptors: OFF,
            signals_pending: OFF,
            uptime: OFF,
        }
    }
}
