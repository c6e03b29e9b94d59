//! The table of mounts, from `mountinfo` (proc_pid_mountinfo(5)), and which of them are reported.

use std::{
    collections::{HashMap, HashSet},
    ffi::CString,
};

use super::text;

/// A block device, or the number that stands for a filesystem without one: major, minor.
pub(super) type DeviceNumber = (u32, u32);

/// A line of `mountinfo`; text is escaped as the kernel does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MountLine<'a> {
    pub(super) number: DeviceNumber,
    /// Which part of the filesystem is mounted: `/` is all of it.
    pub(super) root: &'a [u8],
    pub(super) mount_point: &'a [u8],
    pub(super) options: &'a [u8],
    pub(super) fs_type: &'a [u8],
    pub(super) device: &'a [u8],
}

/// The mounts, in the order of the file.
pub(super) fn mounts(mountinfo: &[u8]) -> impl Iterator<Item = MountLine<'_>> {
    text::lines(mountinfo).filter_map(mount)
}

fn mount(line: &[u8]) -> Option<MountLine<'_>> {
    let mut words = text::words(line);
    let [_id, _parent] = text::numbers(&mut words)?;
    let number = device_number(words.next()?)?;
    let (root, mount_point, options) = (words.next()?, words.next()?, words.next()?);
    // Any number of optional fields, ended by a hyphen.
    words.find(|word| *word == b"-")?;
    Some(MountLine { number, root, mount_point, options, fs_type: words.next()?, device: words.next()? })
}

fn device_number(word: &[u8]) -> Option<DeviceNumber> {
    let colon = word.iter().position(|byte| *byte == b':')?;
    let part = |digits| u32::try_from(text::number(digits)?).ok();
    Some((part(&word[..colon])?, part(&word[colon + 1..])?))
}

/// Text without the kernel's escapes: blank, tab, newline and backslash are written as three octal digits.
pub(super) fn unescaped(escaped: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while let [first, behind @ ..] = rest {
        let (byte, behind) = match rest {
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', behind @ ..] => {
                (((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'), behind)
            }
            _ => (*first, behind),
        };
        plain.push(byte);
        rest = behind;
    }
    plain
}

/// A filesystem to report, at the one of its mount points that stands for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Volume {
    pub(super) number: DeviceNumber,
    pub(super) device: Vec<u8>,
    pub(super) mount_point: Vec<u8>,
    pub(super) fs_type: Vec<u8>,
    /// `rw` or `ro`, `unknown` where the options say neither.
    pub(super) mode: &'static str,
    /// Where this process sees the mount point.
    pub(super) path: CString,
    /// Whether all of the filesystem is mounted there.
    is_whole: bool,
}

impl Volume {
    /// The mount as it is reported; `None` for a name that no path can hold. `prefix` is where this process sees the table's `/`.
    pub(super) fn new(line: &MountLine<'_>, mount_point: Vec<u8>, prefix: &[u8]) -> Option<Self> {
        let path = [prefix, &mount_point].concat();
        Some(Self {
            number: line.number,
            device: unescaped(line.device),
            mount_point,
            fs_type: line.fs_type.to_vec(),
            mode: mode(line.options),
            path: CString::new(path).ok()?,
            is_whole: line.root == b"/",
        })
    }

    /// Whether this mount stands better for its filesystem than `other` does.
    fn is_plainer_than(&self, other: &Self) -> bool {
        (!self.is_whole, self.mount_point.len()) < (!other.is_whole, other.mount_point.len())
    }
}

fn mode(options: &[u8]) -> &'static str {
    let mut options = options.split(|byte| *byte == b',');
    options
        .find_map(|option| ["rw", "ro"].into_iter().find(|mode| mode.as_bytes() == option))
        .unwrap_or("unknown")
}

/// The volumes that can be seen, in the order of the table: of several mounts on one mount point only the last is visible.
pub(super) fn visible(volumes: impl Iterator<Item = Volume>) -> Vec<Volume> {
    let mut visible: Vec<Volume> = Vec::new();
    let mut by_mount_point: HashMap<Vec<u8>, usize> = HashMap::new();
    for volume in volumes {
        let at = *by_mount_point.entry(volume.mount_point.clone()).or_insert(visible.len());
        match visible.get_mut(at) {
            Some(covered) => *covered = volume,
            None => visible.push(volume),
        }
    }
    visible
}

/// One volume for each filesystem.
pub(super) fn distinct(volumes: Vec<Volume>) -> Vec<Volume> {
    let mut chosen: Vec<Volume> = Vec::new();
    let mut by_number: HashMap<DeviceNumber, usize> = HashMap::new();
    for volume in volumes {
        let at = *by_number.entry(volume.number).or_insert(chosen.len());
        match chosen.get_mut(at) {
            Some(rival) if volume.is_plainer_than(rival) => *rival = volume,
            Some(_) => {}
            None => chosen.push(volume),
        }
    }
    chosen
}

/// Every mount, but for parts of filesystems that are mounted as a whole too.
pub(super) fn wholes(mut volumes: Vec<Volume>) -> Vec<Volume> {
    let wholes: HashSet<DeviceNumber> =
        volumes.iter().filter(|volume| volume.is_whole).map(|volume| volume.number).collect();
    volumes.retain(|volume| volume.is_whole || !wholes.contains(&volume.number));
    volumes
}

/// The types of filesystem that live on a device, from `/proc/filesystems`: those without `nodev`; and ZFS, which has its own devices.
pub(super) fn device_types(filesystems: &[u8]) -> HashSet<Vec<u8>> {
    let with_device = text::lines(filesystems).filter(|line| !line.starts_with(b"nodev"));
    with_device.map(|line| line.trim_ascii().to_vec()).chain([b"zfs".to_vec()]).collect()
}
