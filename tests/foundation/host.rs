//! The machine that `procfs` reads: files in a folder, with figures that stand still.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A folder that is removed when the test ends.
pub(crate) struct Host(PathBuf);

/// What must arrive: metric, value of the attribute `state` or nothing, and the value of every sample.
pub(crate) const FIGURES: [(&str, &str, f64); 7] = [
    ("system.cpu.load_average.1m", "", 0.5),
    ("system.cpu.load_average.5m", "", 1.25),
    ("system.cpu.load_average.15m", "", 12.0),
    ("system.memory.usage", "used", 400.0 * 1024.0),
    ("system.memory.usage", "free", 200.0 * 1024.0),
    ("system.memory.usage", "buffered", 50.0 * 1024.0),
    ("system.memory.usage", "cached", 330.0 * 1024.0),
];

const MEMINFO: &str = "\
MemTotal:           1000 kB
MemFree:             200 kB
MemAvailable:        600 kB
Buffers:              50 kB
Cached:              300 kB
SReclaimable:         30 kB
SUnreclaim:           40 kB
";

const NET_DEV: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
  eth0: 1000      10    1    2    0     0          0         0     2000      20    3    4    0     0       0          0
";

impl Host {
    /// Writes the folder; `name` tells those of one process apart.
    pub(crate) fn write(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("weir-foundation-{}-{name}", std::process::id()));
        fs::create_dir_all(root.join("proc/1/net")).expect("a folder to write to");
        let write = |path: &str, text: &str| fs::write(root.join("proc").join(path), text).expect("a file");
        write("stat", "cpu  1 1 1 1 1 1 1 1 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\nbtime 1699990000\n");
        write("loadavg", "0.50 1.25 12.00 2/345 6789\n");
        write("meminfo", MEMINFO);
        write("1/net/dev", NET_DEV);
        Self(root)
    }

    /// What `root_path` is set to.
    pub(crate) fn root(&self) -> &Path {
        &self.0
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // What is left in the folder for temporary files harms no one.
        let _ = fs::remove_dir_all(&self.0);
    }
}
