mod cgroup;
mod collector;
mod config;
mod conventions;
mod cpu_kinds;
mod cwagent;
mod fixtures;
mod live;
mod mutations;
mod oracle;
mod parsers;
mod pods;
mod processes;
mod receiver;
mod recorded;
mod scrape;
mod space_and_mounts;
mod tcp;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use weir_core::{Batch, Number};
use weir_testkit::{Fixture, START, seconds};

use super::{Listed, ProcfsConfig, Scrape, Scrapers, Switch};

const ON: Switch = Switch { enabled: true };
const OFF: Switch = Switch { enabled: false };

/// A machine in a folder: what stands below a `root_path`. Removed when dropped.
struct Machine(PathBuf);

impl Machine {
    /// A machine without any file.
    fn bare() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("weir-procfs-{}-{}", std::process::id(), NUMBER.fetch_add(1, Relaxed));
        let machine = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(machine.0.join("proc/1/net")).unwrap();
        fs::create_dir_all(machine.0.join("proc/self")).unwrap();
        machine
    }

    /// A machine with one CPU, one disk, one interface and one filesystem (its own folder).
    fn small() -> Self {
        let machine = Self::bare();
        machine.write("proc/stat", fixtures::STAT);
        machine.write("proc/loadavg", fixtures::LOADAVG);
        machine.write("proc/meminfo", fixtures::MEMINFO);
        machine.write("proc/diskstats", fixtures::DISKSTATS);
        machine.write("proc/1/net/dev", fixtures::NET_DEV);
        machine.write("proc/filesystems", fixtures::FILESYSTEMS);
        machine.write("proc/uptime", fixtures::UPTIME);
        machine.write("proc/swaps", fixtures::SWAPS);
        machine.write("proc/vmstat", fixtures::VMSTAT);
        machine.process(1, fixtures::PID_STAT);
        machine.write("proc/1/net/tcp", fixtures::NET_TCP);
        machine.write("proc/1/net/tcp6", fixtures::NET_TCP6);
        let mounts = format!("22 1 {} / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n", machine.number());
        machine.write("proc/1/mountinfo", &mounts);
        machine
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.0.join(path), text).unwrap();
    }

    /// Writes the files of a cgroup.
    fn cgroup(&self, path: &str, files: &[(&str, &str)]) {
        fs::create_dir_all(self.0.join("sys/fs/cgroup").join(path)).unwrap();
        for (name, text) in files {
            self.write(&format!("sys/fs/cgroup/{path}/{name}"), text);
        }
    }

    /// A process of which there are `stat` and `statm` alone.
    fn process(&self, pid: u32, stat: &str) {
        fs::create_dir_all(self.0.join(format!("proc/{pid}"))).unwrap();
        self.write(&format!("proc/{pid}/stat"), stat);
        self.write(&format!("proc/{pid}/statm"), fixtures::PID_STATM);
    }

    fn remove(&self, path: &str) {
        fs::remove_file(self.0.join(path)).unwrap();
    }

    fn root(&self) -> &Path {
        &self.0
    }

    /// The number of the device that the folder lies on, as `mountinfo` writes it.
    fn number(&self) -> String {
        let device = rustix::fs::stat(&self.0).unwrap().st_dev;
        format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device))
    }

    fn config(&self, scrapers: Scrapers) -> ProcfsConfig {
        ProcfsConfig { root_path: self.0.clone(), scrapers, ..ProcfsConfig::default() }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn listed<C>(config: C) -> Listed<C> {
    Listed(Some(config))
}

/// The value of each point by `metric{attribute=value,…}`.
fn readings(fixture: &Fixture, batch: &Batch) -> BTreeMap<String, Number> {
    fixture.readings(batch, |_| String::new())
}

/// What one scrape of `machine` gives.
fn scrape(machine: &Machine, scrapers: Scrapers) -> BTreeMap<String, Number> {
    let fixture = Fixture::new();
    let mut scrape = Scrape::new(&machine.config(scrapers), &fixture.context("procfs")).unwrap();
    readings(&fixture, &scrape.collect(seconds(START)))
}

/// `name value` a line, in any order; a value with a point is a double.
fn expect(readings: &BTreeMap<String, Number>, expected: &str) {
    let found: BTreeMap<&str, String> = readings
        .iter()
        .map(|(name, value)| match value {
            Number::Int(value) => (name.as_str(), value.to_string()),
            Number::Double(value) => (name.as_str(), format!("{value:?}")),
        })
        .collect();
    let expected: BTreeMap<&str, String> = expected
        .lines()
        .filter_map(|line| line.trim().rsplit_once(' '))
        .map(|(name, value)| (name, value.to_owned()))
        .collect();
    assert_eq!(found, expected);
}
