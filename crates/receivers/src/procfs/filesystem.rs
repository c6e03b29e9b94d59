//! Filesystems: `statvfs` at each mount point.

use std::{
    collections::HashSet,
    ffi::{CStr, OsStr},
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rustix::fs::{StatVfs, major, minor, stat, statvfs};

use super::{
    config::{FilesystemConfig, FilesystemMetrics},
    filter::Filter,
    mounts::{self, DeviceNumber, MountLine, Volume},
    scrape::Scraper,
    sink::{Metric, Shape, Sink},
    source::{Source, Text},
    trouble::{Trouble, Troubles},
};

const SCOPE: &str = "weir/procfs/filesystem";
const USAGE: Metric = Metric::new(SCOPE, "system.filesystem.usage", "By", Shape::UpDown);
const INODES: Metric = Metric::new(SCOPE, "system.filesystem.inodes.usage", "{inodes}", Shape::UpDown);
const UTILIZATION: Metric = Metric::new(SCOPE, "system.filesystem.utilization", "1", Shape::Gauge);

/// Reports filesystems.
#[derive(Debug)]
pub(super) struct Filesystem {
    metrics: FilesystemMetrics,
    choice: Choice,
    mountinfo: Source,
    filesystems: Source,
    /// What `volumes` was made of: while the table stays the same, nothing is parsed or allocated.
    known: Option<Vec<u8>>,
    volumes: Vec<Volume>,
}

/// Which mounts are reported.
#[derive(Debug)]
struct Choice {
    include_virtual: bool,
    devices: Filter,
    types: Filter,
    mount_points: Filter,
    /// Report a filesystem at each of its mount points, not once.
    every_mount: bool,
    /// Where the kernel tells which device a number is.
    devices_by_number: PathBuf,
    /// `root_path` without a slash at its end: empty for the machine's own root.
    prefix: Vec<u8>,
}

/// The order of the paths of `mountinfo`: of the first process, else (it may not be read without CAP_SYS_PTRACE) our own.
const OWN: usize = 1;

impl Filesystem {
    /// Each filesystem once.
    pub(super) fn new(config: &FilesystemConfig, root: &Path) -> Result<Self, regex::Error> {
        Self::of(config, root, false)
    }

    /// Each filesystem as often as it is mounted.
    pub(super) fn at_every_mount(config: &FilesystemConfig, root: &Path) -> Result<Self, regex::Error> {
        Self::of(config, root, true)
    }

    fn of(config: &FilesystemConfig, root: &Path, every_mount: bool) -> Result<Self, regex::Error> {
        let bytes = root.as_os_str().as_bytes();
        let choice = Choice {
            include_virtual: config.include_virtual_filesystems,
            devices: Filter::new(config.include_devices.names(), config.exclude_devices.names())?,
            types: Filter::new(config.include_fs_types.names(), config.exclude_fs_types.names())?,
            mount_points: Filter::new(
                config.include_mount_points.names(),
                config.exclude_mount_points.names(),
            )?,
            every_mount,
            devices_by_number: root.join("sys/dev/block"),
            prefix: bytes.strip_suffix(b"/").unwrap_or(bytes).to_vec(),
        };
        let tables = ["proc/1/mountinfo", "proc/self/mountinfo"].map(|path| root.join(path)).to_vec();
        Ok(Self {
            metrics: config.metrics.clone(),
            choice,
            mountinfo: Source::first_of(tables),
            filesystems: Source::new(root.join("proc/filesystems")),
            known: None,
            volumes: Vec::new(),
        })
    }

    /// What is mounted now.
    pub(super) fn volumes(&mut self) -> Result<&[Volume], Trouble> {
        self.refresh()?;
        Ok(&self.volumes)
    }

    /// Brings `volumes` up to date with the table of mounts.
    fn refresh(&mut self) -> Result<(), Trouble> {
        let table = self.mountinfo.read()?;
        if self.known.as_deref() == Some(table.bytes) {
            return Ok(());
        }
        if mounts::mounts(table.bytes).next().is_none() {
            return Err(table.holds_no("mount"));
        }
        // Without this file (never seen missing) a device is what has a path.
        let types = self.filesystems.read().ok().map(|text| mounts::device_types(text.bytes));
        self.volumes = self.choice.volumes(table, types.as_ref());
        self.known = Some(table.bytes.to_vec());
        Ok(())
    }
}

impl Choice {
    fn volumes(&self, table: Text<'_>, device_types: Option<&HashSet<Vec<u8>>>) -> Vec<Volume> {
        let is_own = table.choice == OWN;
        let volumes = mounts::mounts(table.bytes)
            .filter(|line| self.include_virtual || lives_on_a_device(line, device_types))
            // To ask what stands where something may be mounted would mount it.
            .filter(|line| line.fs_type != b"autofs")
            .filter_map(|line| {
                let mount_point = self.on_the_machine(mounts::unescaped(line.mount_point), is_own)?;
                let mut volume = Volume::new(&line, mount_point, &self.prefix)?;
                if volume.device == b"/dev/root" {
                    volume.device = self.root_device(volume.number).unwrap_or(volume.device);
                }
                Some(volume)
            })
            .filter(|volume| {
                self.devices.passes(&volume.device)
                    && self.types.passes(&volume.fs_type)
                    && self.mount_points.passes(&volume.mount_point)
            });
        let visible = mounts::visible(volumes);
        match (self.every_mount, is_own) {
            (false, _) => mounts::distinct(visible),
            (true, false) => visible,
            // The sandbox that systemd makes for a service mounts parts of the machine's filesystems once more.
            (true, true) => mounts::wholes(visible),
        }
    }

    /// The device that was named `root=` at boot, and is `/dev/root` since.
    fn root_device(&self, (major, minor): DeviceNumber) -> Option<Vec<u8>> {
        let link = std::fs::read_link(self.devices_by_number.join(format!("{major}:{minor}"))).ok()?;
        Some([b"/dev/", link.file_name()?.as_bytes()].concat())
    }

    /// The mount point as the machine calls it. Our own table calls the machine's mounts by their place below `root_path`, and has
    /// the container's own mounts besides, which are not the machine's.
    fn on_the_machine(&self, mount_point: Vec<u8>, is_own: bool) -> Option<Vec<u8>> {
        if !is_own || self.prefix.is_empty() {
            return Some(mount_point);
        }
        match mount_point.strip_prefix(&*self.prefix)? {
            [] => Some(b"/".to_vec()),
            below @ [b'/', ..] => Some(below.to_vec()),
            _ => None,
        }
    }
}

fn lives_on_a_device(line: &MountLine<'_>, device_types: Option<&HashSet<Vec<u8>>>) -> bool {
    match device_types {
        Some(types) => types.contains(line.fs_type),
        None => line.device.starts_with(b"/dev/"),
    }
}

impl Scraper for Filesystem {
    fn scrape(&mut self, sink: &mut Sink<'_>, troubles: &mut Troubles) -> Result<(), Trouble> {
        self.refresh()?;
        for volume in &self.volumes {
            match figures(volume) {
                Ok(figures) => put(&self.metrics, volume, &figures, sink),
                Err(trouble) => troubles.report(trouble),
            }
        }
        Ok(())
    }
}

/// Asks the kernel, having made sure that the path leads to the volume.
pub(super) fn figures(volume: &Volume) -> Result<StatVfs, Trouble> {
    let path = || PathBuf::from(OsStr::from_bytes(CStr::to_bytes(&volume.path)));
    let unreadable =
        |error: rustix::io::Errno| Trouble::Unreadable { path: path(), source: io::Error::from(error) };
    let seen = stat(&*volume.path).map_err(unreadable)?.st_dev;
    let seen = (major(seen), minor(seen));
    // Numbers with major 0 are made up: btrfs shows others to `stat` than in the table.
    if seen != volume.number && volume.number.0 != 0 {
        return Err(Trouble::Hidden { path: path(), mounted: volume.number, seen });
    }
    statvfs(&*volume.path).map_err(unreadable)
}

fn put(metrics: &FilesystemMetrics, volume: &Volume, figures: &StatVfs, sink: &mut Sink<'_>) {
    let with_state = |state: &'static str| {
        [
            ("device", &*volume.device),
            ("mode", volume.mode.as_bytes()),
            ("mountpoint", &*volume.mount_point),
            ("type", &*volume.fs_type),
            ("state", state.as_bytes()),
        ]
    };
    let space = Space::of(figures);
    if space.total == 0 {
        return;
    }
    if metrics.usage.enabled {
        for (state, bytes) in [("used", space.used), ("free", space.free), ("reserved", space.reserved())] {
            sink.put_int(&USAGE, &with_state(state), bytes);
        }
    }
    if metrics.inodes_usage.enabled && figures.f_files > 0 {
        let used = figures.f_files.saturating_sub(figures.f_ffree);
        for (state, inodes) in [("used", used), ("free", figures.f_ffree)] {
            sink.put_int(&INODES, &with_state(state), inodes);
        }
    }
    if metrics.utilization.enabled
        && let Some(utilization) = space.utilization()
    {
        let [device, mode, mount_point, fs_type, _] = with_state("");
        sink.put_double(&UTILIZATION, &[device, mode, mount_point, fs_type], utilization);
    }
}

/// A filesystem's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Space {
    pub(super) total: u64,
    pub(super) used: u64,
    /// Free to everybody; what only root may use is reserved.
    pub(super) free: u64,
}

impl Space {
    pub(super) fn of(figures: &StatVfs) -> Self {
        Self::new(figures.f_blocks, figures.f_bfree, figures.f_bavail, figures.f_frsize)
    }

    /// From blocks in all, free, and available, of `block_bytes` each.
    pub(super) fn new(blocks: u64, free: u64, available: u64, block_bytes: u64) -> Self {
        let bytes = |blocks: u64| blocks.saturating_mul(block_bytes);
        // Some network filesystems say that more is free than there is.
        Self {
            total: bytes(blocks),
            used: bytes(blocks.saturating_sub(free)),
            free: bytes(available.min(blocks)),
        }
    }

    pub(super) fn reserved(&self) -> u64 {
        self.total.saturating_sub(self.used).saturating_sub(self.free)
    }

    /// What is used of what could be: what `df` shows as Use%.
    pub(super) fn utilization(&self) -> Option<f64> {
        let usable = self.used.saturating_add(self.free);
        (usable > 0).then(|| self.used as f64 / usable as f64)
    }
}
