//! The receiver `procfs` (aliases `hostmetrics`, `host_metrics`): CPU, load, memory, disks, filesystems, network, swap and processes of a Linux machine.
//!
//! Names, units, attributes and configuration are those of the Collector's `hostmetrics` receiver; a configuration of
//! that works as it is. Resources carry no attributes, as the
//! Collector's do not; a process is a resource of its own.
//!
//! ```yaml
//! receivers:
//!   procfs:
//!     collection_interval: 1m
//!     root_path: /hostfs          # where a container sees the machine's root; left out on the machine itself
//!     scrapers:                   # left out: all but `process`
//!       cpu:
//!         metrics:
//!           system.cpu.utilization: {enabled: true}
//!       disk:
//!         exclude: {devices: ['^loop', '^ram', '^zram'], match_type: regexp}
//! ```
//!
//! The first scrape is `initial_delay` after the start, the others whenever the clock shows a multiple of the interval: a
//! period of CloudWatch that is a multiple of it then always holds equally many samples.
//!
//! # Where it differs from the Collector, and why
//! - `system.cpu.time` never falls by less than three seconds: the kernel corrects idle and I/O wait times downwards now
//!   and then, which would read as a restart of the counter and count the whole uptime once more. Time of guests is in `user` and `nice`,
//!   as the kernel has it, and as the Collector reports it.
//! - `system.memory.usage` of state `used` is MemTotal − MemAvailable, the Collector's formula since v0.137's
//!   `UseLinuxMemAvailable`; kernels before 3.14 have total − free − buffers − cached. `cached` includes
//!   `slab_reclaimable`, so the states overlap, there as here.
//! - A filesystem is reported once, however often it is mounted: at the mount of its root, or else the shortest mount point.
//! - A mount point under `root_path` that shows another device than the machine has there (it was not propagated into the
//!   container) is left out: its figures would be another filesystem's. So are filesystems without blocks; those
//!   without inodes (btrfs) have no inode metrics.
//! - `cgroup`, `pods` and `pressure` are of its own: the Collector has nothing of control groups. They are on only where they are
//!   listed, so that a configuration without `scrapers` means what it means there.
//! - `system.processes.count` counts each process once, by the status in its own file, so that the sum is how many there are. The Collector
//!   puts the kernel's numbers of running and blocked threads in place of two of them.
//! - `system.paging.operations` and `.faults` are the kernel's own counts: pages for swap, KiB for the rest.
//! - `process` is on only where it is listed, and there is no `nfs`.
//! - What cannot be read is said once, shown in `/status`, and left out; the rest goes on.
//!
//! # Layout
//! - `receiver`: the loop; `scrape`: one round over all scrapers; `sink`: from a reading to a point; `conventions`: newer names.
//! - `cpu`, `load`, `memory`, `disk`, `filesystem` (with `mounts`), `network` (with `connections`), `paging`, `processes`, `process` (both
//!   with `pids`), `system`: each a parser and what it reports; `cpu_kinds`: cores and frequencies.
//! - `tcp`: how many sockets there are, by `sock_diag` or by files; for `connections` and for the Agent's `netstat`.
//! - `cgroup` (the scrapers `cgroup` and `pods`), `pressure`: what the Collector lacks; on only where they are listed.
//! - `cwagent`: the metrics of the CloudWatch Agent, beside the scrapers.
//! - `source`: files that stay open; `text`: words, numbers and lines of the kernel; `filter`; `distinct`; `trouble`: what went wrong.

mod cgroup;
mod config;
mod connections;
mod conventions;
mod cpu;
mod cpu_kinds;
mod cwagent;
mod disk;
mod distinct;
mod filesystem;
mod filter;
mod load;
mod memory;
mod mounts;
mod network;
mod paging;
mod pids;
mod pressure;
mod process;
mod processes;
mod receiver;
mod scrape;
mod sink;
mod sock_diag;
mod source;
mod system;
mod tcp;
mod text;
mod trouble;

#[cfg(test)]
mod tests;

pub use config::{
    CgroupConfig, Controller, Controllers, CpuConfig, CpuMetrics, DeviceFilter, DiskConfig, DiskMetrics,
    FilesystemConfig, FilesystemMetrics, FsTypeFilter, InterfaceFilter, Listed, LoadConfig, LoadMetrics,
    MatchType, MemoryConfig, MemoryMetrics, MountPointFilter, NetworkConfig, NetworkMetrics, PagingConfig,
    PagingMetrics, PodsConfig, PressureConfig, ProcessAttributes, ProcessConfig, ProcessFilter,
    ProcessMetrics, ProcessesConfig, ProcessesMetrics, ProcfsConfig, Scrapers, Switch, SystemConfig,
    SystemMetrics,
};
pub use conventions::Conventions;
pub use cwagent::{CpuSection, CwAgentConfig, DeviceSection, DiskSection, Section};
pub use scrape::{Scrape, ScrapeError};

use weir_core::{Context, Factory, Receiver, ReceiverFactory};

/// Makes `procfs` receivers.
#[derive(Debug)]
pub struct Procfs;

impl Factory for Procfs {
    type Config = ProcfsConfig;
    const TYPE: &'static str = "procfs";
    const ALIASES: &'static [&'static str] = &["hostmetrics", "host_metrics"];
    const SUMMARY: &'static str =
        "Reads CPU, load, memory, disk, filesystem, network, swap and process metrics of this machine";
}

impl ReceiverFactory for Procfs {
    fn build(config: ProcfsConfig, context: Context) -> Box<dyn Receiver> {
        Box::new(receiver::ProcfsReceiver::new(config, context))
    }
}
