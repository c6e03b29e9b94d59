//! The plugin `disk`: `statvfs` at every mount.

use std::path::Path;

use weir_core::UnixNanos;

use super::{
    config::DiskSection,
    measure::{BYTES, COUNT, Chosen, Measure, PERCENT, gauge, percent, whole},
};
use crate::procfs::{
    FilesystemConfig, FsTypeFilter, MountPointFilter,
    filesystem::{Filesystem, Space, figures},
    scrape::Scraper,
    sink::Sink,
    trouble::{Trouble, Troubles},
};

pub(in crate::procfs) const MEASURES: &[Measure<Reading>] = &[
    gauge("disk_free", BYTES, |disk| whole(disk.space.free)),
    gauge("disk_inodes_free", COUNT, |disk| whole(disk.inodes_free)),
    gauge("disk_inodes_total", COUNT, |disk| whole(disk.inodes)),
    gauge("disk_inodes_used", COUNT, |disk| whole(disk.inodes.saturating_sub(disk.inodes_free))),
    gauge("disk_total", BYTES, |disk| whole(disk.space.total)),
    gauge("disk_used", BYTES, |disk| whole(disk.space.used)),
    // What is reserved for root is neither used nor free.
    gauge("disk_used_percent", PERCENT, |disk| {
        percent(disk.space.used, disk.space.used.saturating_add(disk.space.free))
    }),
];

/// What is known of a filesystem.
#[derive(Debug)]
pub(in crate::procfs) struct Reading {
    pub(in crate::procfs) space: Space,
    pub(in crate::procfs) inodes: u64,
    pub(in crate::procfs) inodes_free: u64,
}

/// Reports filesystems at each of their mount points.
#[derive(Debug)]
pub(super) struct Disk {
    chosen: Chosen<Reading>,
    drop_device: bool,
    filesystem: Filesystem,
}

impl Disk {
    pub(super) fn new(config: &DiskSection, root: &Path) -> Result<Self, regex::Error> {
        let mounts = FilesystemConfig {
            include_virtual_filesystems: true,
            exclude_fs_types: FsTypeFilter {
                fs_types: config.ignore_file_system_types.clone(),
                ..FsTypeFilter::default()
            },
            include_mount_points: MountPointFilter {
                mount_points: config.named().to_vec(),
                ..MountPointFilter::default()
            },
            ..FilesystemConfig::default()
        };
        Ok(Self {
            chosen: Chosen::new(MEASURES, &config.measurement),
            drop_device: config.drop_device,
            filesystem: Filesystem::at_every_mount(&mounts, root)?,
        })
    }
}

impl Scraper for Disk {
    fn scrape(&mut self, sink: &mut Sink<'_>, troubles: &mut Troubles) -> Result<(), Trouble> {
        for volume in self.filesystem.volumes()? {
            let figures = match figures(volume) {
                Ok(figures) => figures,
                Err(trouble) => {
                    troubles.report(trouble);
                    continue;
                }
            };
            let reading =
                Reading { space: Space::of(&figures), inodes: figures.f_files, inodes_free: figures.f_ffree };
            if reading.space.total == 0 {
                continue; // `/proc` and the like
            }
            let device = volume.device.strip_prefix(b"/dev/").unwrap_or(&volume.device);
            let attributes =
                [("path", &*volume.mount_point), ("fstype", &*volume.fs_type), ("device", device)];
            let shown = if self.drop_device { &attributes[..2] } else { &attributes[..] };
            self.chosen.put(&reading, shown, UnixNanos(0), sink);
        }
        Ok(())
    }
}
