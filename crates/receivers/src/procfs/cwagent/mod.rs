//! The section `cwagent`: what the Amazon CloudWatch Agent measures of a host, under its names, in its units, by its formulas.
//!
//! Dashboards and alarms that were made for the Agent go on. What stands below `cwagent` is what stands below `metrics_collected` in
//! the Agent's configuration: a JSON text is YAML, so it can be put there as it is.
//!
//! Formulas are those of the plugins that the Agent is built from (release 1.300071: a fork of Telegraf 1.22 with gopsutil 3). Each is
//! written beside its metric's name and unit, in the table at the top of its file, and tested by values that were worked by hand.
//!
//! # What is as in the Agent, though one would not expect it
//! - `cpu_usage_active` includes waiting for I/O: it is all but `idle`. `cpu_usage_user` and `cpu_usage_nice` are without the time of
//!   guests. `cpu_time_*` are seconds since boot (the Agent's documentation says hundredths; its code divides).
//! - `mem_used` is total − free − buffered − cached, with reclaimable slabs in `cached`: not total − available.
//! - `disk_*` are of every mount, those of memory and of snaps included; `ignore_file_system_types` leaves types out.
//! - `diskio_*` leaves out devices that have never done anything, and `net_*` interfaces that are down or the loopback, unless
//!   `resources` names them.
//! - `netstat_*` count sockets with the same addresses once. `netstat_udp_socket` has the datagram sockets of Unix in it, and
//!   `netstat_tcp_none` is the others of Unix: each path once, all without a path as one.
//! - `processes_zombies` has no unit.
//! - Counters are increments since the round before: the first round has none.
//!
//! # Where it differs, and why
//! - A CPU time that the kernel corrects downwards counts as none. The Agent's share is then negative, and CloudWatch has no percentiles
//!   of negative values.
//! - Of several mounts on one mount point the visible one is reported, once. The Agent reports each with the same figures.
//! - A service of systemd that may not read `/proc/1/mountinfo` sees parts of filesystems mounted once more, by its own sandbox. There, a
//!   part of a filesystem that is mounted as a whole too is left out.
//!
//! # Layout
//! - `measure`: a metric and its formula; `last`: what counters were at the round before; `config`: the keys.
//! - `cpu`, `mem` (with swap), `disk`, `diskio`, `net`, `netstat`, `processes`: each plugin's table and what it reads.

mod config;
pub(super) mod cpu;
pub(super) mod disk;
mod diskio;
mod last;
pub(super) mod measure;
mod mem;
mod net;
pub(super) mod netstat;
pub(super) mod processes;

pub use config::{CpuSection, CwAgentConfig, DeviceSection, DiskSection, Section};

use std::path::Path;

use super::scrape::Scraper;

/// The scope of all of them.
const SCOPE: &str = "weir/procfs/cwagent";

/// What `config` lists.
pub(super) fn scrapers(config: &CwAgentConfig, root: &Path) -> Result<Vec<Box<dyn Scraper>>, regex::Error> {
    let mut scrapers: Vec<Box<dyn Scraper>> = Vec::new();
    if let Some(cpu) = &config.cpu.0 {
        scrapers.push(Box::new(cpu::Cpu::new(cpu, root)));
    }
    if let Some(disk) = &config.disk.0 {
        scrapers.push(Box::new(disk::Disk::new(disk, root)?));
    }
    if let Some(diskio) = &config.diskio.0 {
        scrapers.push(Box::new(diskio::DiskIo::new(diskio, root)?));
    }
    if config.mem.0.is_some() || config.swap.0.is_some() {
        scrapers.push(Box::new(mem::Mem::new(config.mem.0.as_ref(), config.swap.0.as_ref(), root)));
    }
    if let Some(net) = &config.net.0 {
        scrapers.push(Box::new(net::Net::new(net, root)?));
    }
    if let Some(netstat) = &config.netstat.0 {
        scrapers.push(Box::new(netstat::NetStat::new(netstat, root)));
    }
    if let Some(processes) = &config.processes.0 {
        scrapers.push(Box::new(processes::ProcessStates::new(processes, root)));
    }
    Ok(scrapers)
}

/// Every metric's name, in the order of the plugins.
#[cfg(test)]
pub(super) fn all() -> Vec<&'static str> {
    let plugins = [
        measure::names(cpu::MEASURES),
        measure::names(disk::MEASURES),
        measure::names(diskio::MEASURES),
        measure::names(mem::MEASURES),
        measure::names(mem::SWAP_MEASURES),
        measure::names(net::MEASURES),
        measure::names(netstat::MEASURES),
        measure::names(processes::MEASURES),
    ];
    plugins.concat()
}
