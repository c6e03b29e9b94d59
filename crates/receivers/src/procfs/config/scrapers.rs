//! The scrapers and their metrics.

use std::path::Component;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::Check;

use super::{
    cgroup::{CgroupConfig, PodsConfig, PressureConfig},
    filters::{DeviceFilter, FsTypeFilter, InterfaceFilter, MountPointFilter, check_patterns},
    listed::{Listed, OFF, ON, Switch},
    processes::{PagingConfig, ProcessConfig, ProcessesConfig, SystemConfig},
};

/// What to scrape.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Scrapers {
    /// CPU times.
    #[serde(skip_serializing_if = "Listed::is_absent")]
    pub cpu: Listed<CpuConfig>,
    /// Load averages.
    #[serde(skip_serializing_if = "Listed::is_absent")]
    pub load: Listed<LoadConfig>,
    /// Memory.
    #[serde(skip_serializing_if = "Listed::is_absent")]
    pub memory: Listed<MemoryConfig>,
    /// Disks.
    #[serde(skip_serializing_if = "Listed::is_absent")]
    pub disk: Listed<DiskConfig>,
    /// Filesystems.
    #[serde(skip_serializing_if = "Listed::is_absent")]
    pub filesystem: Listed<FilesystemConfig>,
    /// Network interfaces.
    #[serde(skip_serializing_if = "Listed::is_absent")]
    pub network: Listed<NetworkConfig>,
    /// One cgroup; only where it is listed.
    #[serde(skip_serializing_if = "Listed::is_absent")]
    pub cgroup: Listed<CgroupConfig>,
    /// The pods of a node; only where it is listed.
    #[serde(skip_serializing_if = "Listed::is_absent")]
    pub pods: Listed<PodsConfig>,
    /// How long processes waited for CPU, memory and disks; only where it is listed.
    #[serde(skip_serializing_if = "Listed::is_absent")]
    pub pressure: Listed<PressureConfig>,
    /// Swap and page faults.
    #[serde(skip_serializing_if = "Listed::is_absent")]
    pub paging: Listed<PagingConfig>,
    /// How many processes there are.
    #[serde(skip_serializing_if = "Listed::is_absent")]
    pub processes: Listed<ProcessesConfig>,
    /// Each process; only if it is listed.
    #[serde(skip_serializing_if = "Listed::is_absent")]
    pub process: Listed<ProcessConfig>,
    /// For how long the machine has been up.
    #[serde(skip_serializing_if = "Listed::is_absent")]
    pub system: Listed<SystemConfig>,
}

impl Scrapers {
    /// Every scraper that the Collector has of the machine as a whole, with its defaults: all but `process`.
    pub fn all() -> Self {
        Self {
            cpu: Listed::default_of(),
            load: Listed::default_of(),
            memory: Listed::default_of(),
            disk: Listed::default_of(),
            filesystem: Listed::default_of(),
            network: Listed::default_of(),
            paging: Listed::default_of(),
            processes: Listed::default_of(),
            system: Listed::default_of(),
            ..Self::default()
        }
    }

    /// These, or all that the Collector has if none is listed.
    pub(in crate::procfs) fn or_all(self) -> Self {
        if self.is_empty() { Self::all() } else { self }
    }

    /// Whether none is listed.
    pub(in crate::procfs) fn is_empty(&self) -> bool {
        self.cpu.is_absent()
            && self.load.is_absent()
            && self.memory.is_absent()
            && self.disk.is_absent()
            && self.filesystem.is_absent()
            && self.network.is_absent()
            && self.cgroup.is_absent()
            && self.pods.is_absent()
            && self.pressure.is_absent()
            && self.paging.is_absent()
            && self.processes.is_absent()
            && self.process.is_absent()
            && self.system.is_absent()
    }

    pub(super) fn check(&self, check: &mut Check<'_>) {
        if let Some(path) = self.cgroup.0.as_ref().and_then(|cgroup| cgroup.path.as_ref())
            && (!path.is_absolute() || path.components().any(|part| part == Component::ParentDir))
        {
            check.error_with(
                &["scrapers", "cgroup", "path"],
                format!("`{}` is not a path in the tree of cgroups", path.display()),
                "write it as `/proc/PID/cgroup` does behind `0::`, such as `/system.slice/nginx.service`",
            );
        }
        let mut patterns =
            |path: [&str; 3], names| check_patterns(check, &["scrapers", path[0], path[1], path[2]], names);
        if let Some(disk) = &self.disk.0 {
            patterns(["disk", "include", "devices"], disk.include.names());
            patterns(["disk", "exclude", "devices"], disk.exclude.names());
        }
        if let Some(filesystem) = &self.filesystem.0 {
            patterns(["filesystem", "include_devices", "devices"], filesystem.include_devices.names());
            patterns(["filesystem", "exclude_devices", "devices"], filesystem.exclude_devices.names());
            patterns(["filesystem", "include_fs_types", "fs_types"], filesystem.include_fs_types.names());
            patterns(["filesystem", "exclude_fs_types", "fs_types"], filesystem.exclude_fs_types.names());
            patterns(
                ["filesystem", "include_mount_points", "mount_points"],
                filesystem.include_mount_points.names(),
            );
            patterns(
                ["filesystem", "exclude_mount_points", "mount_points"],
                filesystem.exclude_mount_points.names(),
            );
        }
        if let Some(network) = &self.network.0 {
            patterns(["network", "include", "interfaces"], network.include.names());
            patterns(["network", "exclude", "interfaces"], network.exclude.names());
        }
        if let Some(process) = &self.process.0 {
            patterns(["process", "include", "names"], process.include.names());
            patterns(["process", "exclude", "names"], process.exclude.names());
            if !process.resource_attributes.pid.enabled {
                check.warn_with(
                    &["scrapers", "process", "resource_attributes", "process.pid"],
                    "processes that are alike in all other attributes share their series, so that counters of one are taken for resets of another",
                    "leave it on, and list the attributes that become dimensions in the exporter's `dimensions`",
                );
            }
        }
        check.not_taken(
            &["scrapers", "nfs"],
            "there is no scraper for NFS",
            "take it out; `include_virtual_filesystems: true` of `filesystem` tells the space on mounts of NFS",
        );
    }
}

/// CPU times, from `/proc/stat`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct CpuConfig {
    /// The metrics, each with its switch.
    pub metrics: CpuMetrics,
}

/// The metrics of `cpu`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct CpuMetrics {
    /// Seconds that each CPU spent in each state since boot.
    #[serde(rename = "system.cpu.time")]
    pub time: Switch,
    /// Each state's share of a CPU's time since the previous scrape, 0 to 1.
    #[serde(rename = "system.cpu.utilization")]
    pub utilization: Switch,
    /// How fast each CPU runs now, in Hz; x86 alone tells it.
    #[serde(rename = "system.cpu.frequency")]
    pub frequency: Switch,
    /// Logical CPUs that are online.
    #[serde(rename = "system.cpu.logical.count")]
    pub logical_count: Switch,
    /// Cores that are online: hyper-threading makes two CPUs of one.
    #[serde(rename = "system.cpu.physical.count")]
    pub physical_count: Switch,
}

impl Default for CpuMetrics {
    fn default() -> Self {
        Self { time: ON, utilization: OFF, frequency: OFF, logical_count: ON, physical_count: OFF }
    }
}

/// Load averages, from `/proc/loadavg`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct LoadConfig {
    /// Divide the averages by the number of logical CPUs.
    pub cpu_average: bool,
    /// The metrics, each with its switch.
    pub metrics: LoadMetrics,
}

/// The metrics of `load`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct LoadMetrics {
    /// Threads that ran or waited, over 1 minute.
    #[serde(rename = "system.cpu.load_average.1m")]
    pub one_minute: Switch,
    /// Threads that ran or waited, over 5 minutes.
    #[serde(rename = "system.cpu.load_average.5m")]
    pub five_minutes: Switch,
    /// Threads that ran or waited, over 15 minutes.
    #[serde(rename = "system.cpu.load_average.15m")]
    pub fifteen_minutes: Switch,
}

impl Default for LoadMetrics {
    fn default() -> Self {
        Self { one_minute: ON, five_minutes: ON, fifteen_minutes: ON }
    }
}

/// Memory, from `/proc/meminfo`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct MemoryConfig {
    /// The metrics, each with its switch.
    pub metrics: MemoryMetrics,
}

/// The metrics of `memory`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct MemoryMetrics {
    /// Bytes by state: used, free, buffered, cached, `slab_reclaimable`, `slab_unreclaimable`.
    #[serde(rename = "system.memory.usage")]
    pub usage: Switch,
    /// Share of the memory by state, 0 to 1.
    #[serde(rename = "system.memory.utilization")]
    pub utilization: Switch,
    /// All of the memory, in bytes.
    #[serde(rename = "system.memory.limit")]
    pub limit: Switch,
    /// The size of a page, in bytes.
    #[serde(rename = "system.memory.page_size")]
    pub page_size: Switch,
    /// The kernel's estimate of what programs can still have, in bytes.
    #[serde(rename = "system.linux.memory.available")]
    pub available: Switch,
    /// Bytes that wait to be written to disk.
    #[serde(rename = "system.linux.memory.dirty")]
    pub dirty: Switch,
    /// Bytes of tmpfs and of memory that processes share.
    #[serde(rename = "system.memory.linux.shared")]
    pub shared: Switch,
    /// Huge pages that there are.
    #[serde(rename = "system.memory.linux.hugepages.limit")]
    pub huge_limit: Switch,
    /// The size of a huge page, in bytes.
    #[serde(rename = "system.memory.linux.hugepages.page_size")]
    pub huge_page_size: Switch,
    /// Huge pages that are free but promised.
    #[serde(rename = "system.memory.linux.hugepages.reserved")]
    pub huge_reserved: Switch,
    /// Huge pages above the pool that was set up.
    #[serde(rename = "system.memory.linux.hugepages.surplus")]
    pub huge_surplus: Switch,
    /// Huge pages by state: free, used.
    #[serde(rename = "system.memory.linux.hugepages.usage")]
    pub huge_usage: Switch,
    /// Share of the huge pages by state, 0 to 1.
    #[serde(rename = "system.memory.linux.hugepages.utilization")]
    pub huge_utilization: Switch,
}

impl Default for MemoryMetrics {
    fn default() -> Self {
        Self {
            usage: ON,
            utilization: OFF,
            limit: OFF,
            page_size: OFF,
            available: OFF,
            dirty: OFF,
            shared: OFF,
            huge_limit: OFF,
            huge_page_size: OFF,
            huge_reserved: OFF,
            huge_surplus: OFF,
            huge_usage: OFF,
            huge_utilization: OFF,
        }
    }
}

/// Disks, from `/proc/diskstats`: every device there, partitions and loop devices too.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct DiskConfig {
    /// Only these devices.
    pub include: DeviceFilter,
    /// All but these devices.
    pub exclude: DeviceFilter,
    /// The metrics, each with its switch.
    pub metrics: DiskMetrics,
}

/// The metrics of `disk`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct DiskMetrics {
    /// Bytes read and written.
    #[serde(rename = "system.disk.io")]
    pub io: Switch,
    /// Reads and writes.
    #[serde(rename = "system.disk.operations")]
    pub operations: Switch,
    /// Seconds in which the device had something to do.
    #[serde(rename = "system.disk.io_time")]
    pub io_time: Switch,
    /// Seconds that reads and writes took, added up.
    #[serde(rename = "system.disk.operation_time")]
    pub operation_time: Switch,
    /// Reads and writes that were merged with others.
    #[serde(rename = "system.disk.merged")]
    pub merged: Switch,
    /// Seconds in which the device had something to do, times the length of its queue.
    #[serde(rename = "system.disk.weighted_io_time")]
    pub weighted_io_time: Switch,
    /// Operations that wait or run now.
    #[serde(rename = "system.disk.pending_operations")]
    pub pending_operations: Switch,
}

impl Default for DiskMetrics {
    fn default() -> Self {
        Self {
            io: ON,
            operations: ON,
            io_time: ON,
            operation_time: ON,
            merged: ON,
            weighted_io_time: ON,
            pending_operations: ON,
        }
    }
}

/// Filesystems, each once.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct FilesystemConfig {
    /// Report filesystems without a device too: tmpfs, overlay, network filesystems, `/proc` and the like.
    pub include_virtual_filesystems: bool,
    /// Only these devices.
    pub include_devices: DeviceFilter,
    /// All but these devices.
    pub exclude_devices: DeviceFilter,
    /// Only these types.
    pub include_fs_types: FsTypeFilter,
    /// All but these types.
    pub exclude_fs_types: FsTypeFilter,
    /// Only these mount points.
    pub include_mount_points: MountPointFilter,
    /// All but these mount points.
    pub exclude_mount_points: MountPointFilter,
    /// The metrics, each with its switch.
    pub metrics: FilesystemMetrics,
}

/// The metrics of `filesystem`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct FilesystemMetrics {
    /// Bytes by state: used, free, reserved.
    #[serde(rename = "system.filesystem.usage")]
    pub usage: Switch,
    /// Inodes by state: used, free.
    #[serde(rename = "system.filesystem.inodes.usage")]
    pub inodes_usage: Switch,
    /// Used bytes as a share of used and free ones, 0 to 1.
    #[serde(rename = "system.filesystem.utilization")]
    pub utilization: Switch,
}

impl Default for FilesystemMetrics {
    fn default() -> Self {
        Self { usage: ON, inodes_usage: ON, utilization: OFF }
    }
}

/// Network interfaces, from `/proc/net/dev`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct NetworkConfig {
    /// Only these interfaces.
    pub include: InterfaceFilter,
    /// All but these interfaces.
    pub exclude: InterfaceFilter,
    /// The metrics, each with its switch.
    pub metrics: NetworkMetrics,
}

/// The metrics of `network`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct NetworkMetrics {
    /// Bytes received and transmitted.
    #[serde(rename = "system.network.io")]
    pub io: Switch,
    /// Packets received and transmitted.
    #[serde(rename = "system.network.packets")]
    pub packets: Switch,
    /// Errors in receiving and transmitting.
    #[serde(rename = "system.network.errors")]
    pub errors: Switch,
    /// Packets that were dropped.
    #[serde(rename = "system.network.dropped")]
    pub dropped: Switch,
    /// TCP connections by state.
    #[serde(rename = "system.network.connections")]
    pub connections: Switch,
    /// Connections that the firewall tracks.
    #[serde(rename = "system.network.conntrack.count")]
    pub conntrack_count: Switch,
    /// How many connections the firewall can track.
    #[serde(rename = "system.network.conntrack.max")]
    pub conntrack_max: Switch,
}

impl Default for NetworkMetrics {
    fn default() -> Self {
        Self {
            io: ON,
            packets: ON,
            errors: ON,
            dropped: ON,
            connections: ON,
            conntrack_count: OFF,
            conntrack_max: OFF,
        }
    }
}
