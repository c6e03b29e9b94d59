//! Filesystems at each of their mount points.

use rustix::fs::statvfs;

use super::{Rounds, before};
use crate::procfs::tests::Machine;

/// A machine whose folders of these names are mount points: lines of `mountinfo` with `NUMBER` for the device of its folder.
fn mounted(table: &str, lines: &str, folders: &[&str]) -> Machine {
    let machine = before();
    machine.remove("proc/1/mountinfo");
    for folder in folders {
        std::fs::create_dir_all(machine.root().join(folder)).unwrap();
    }
    machine.write(
        table,
        &lines.replace("NUMBER", &machine.number()).replace("ROOT", &machine.root().display().to_string()),
    );
    machine
}

/// The dimensions of what is reported.
fn mounts(machine: &Machine, keys: &str) -> Vec<String> {
    let mut rounds = Rounds::new(machine, &format!("{{disk: {{measurement: [total], {keys}}}}}"));
    let points = rounds.next();
    let dimensions = |point: &String| point.split_once('{').unwrap().1.split_once('}').unwrap().0.to_owned();
    points.iter().map(dimensions).collect()
}

const LINES: &str = "\
22 1 NUMBER / / rw - xfs /dev/nvme0n1p1 rw
23 22 0:5 / /dev rw - devtmpfs devtmpfs rw
24 22 NUMBER / /snap/core rw - squashfs /dev/loop0 ro
25 22 NUMBER /pods/a /data rw - xfs /dev/mapper/vg-data rw
26 22 0:40 / /misc rw - autofs systemd-1 rw
";
const FOLDERS: &[&str] = &["dev", "snap/core", "data", "misc"];

#[test]
fn every_mount_is_reported_under_its_devices_name_without_dev_and_nothing_is_mounted_by_looking() {
    let machine = mounted("proc/1/mountinfo", LINES, FOLDERS);
    let all = [
        "device=devtmpfs,fstype=devtmpfs,path=/dev",
        "device=loop0,fstype=squashfs,path=/snap/core",
        "device=mapper/vg-data,fstype=xfs,path=/data",
        "device=nvme0n1p1,fstype=xfs,path=/",
    ];
    assert_eq!(mounts(&machine, "resources: ['*']"), all);
    assert_eq!(mounts(&machine, "resources: []"), all);
    assert_eq!(mounts(&machine, "resources: [/, /data]"), all[2..]);
    assert_eq!(mounts(&machine, "ignore_file_system_types: [devtmpfs, squashfs]"), all[2..]);
    assert_eq!(mounts(&machine, "resources: [/], drop_device: true"), ["fstype=xfs,path=/"]);
}

#[test]
fn the_device_of_boot_has_the_name_that_its_number_stands_for() {
    let machine = mounted("proc/1/mountinfo", "22 1 NUMBER / / rw - ext4 /dev/root rw\n", &["sys/dev/block"]);
    assert_eq!(mounts(&machine, "resources: []"), ["device=root,fstype=ext4,path=/"], "nothing says more");
    let link = machine.root().join("sys/dev/block").join(machine.number());
    std::os::unix::fs::symlink("../../devices/pci/nvme/nvme0/nvme0n1/nvme0n1p1", link).unwrap();
    assert_eq!(mounts(&machine, "resources: []"), ["device=nvme0n1p1,fstype=ext4,path=/"]);
}

#[test]
fn what_a_sandbox_mounts_once_more_is_left_out_of_its_own_table() {
    let lines = "\
22 1 NUMBER / ROOT rw - xfs /dev/nvme0n1p1 rw
23 22 NUMBER /tmp/systemd-private-1 ROOT/tmp rw - xfs /dev/nvme0n1p1 rw
24 22 8:99 /subvolume ROOT/gone rw - btrfs /dev/sdb rw
25 22 0:5 / ROOT/run rw - tmpfs tmpfs rw
";
    let machine = mounted("proc/self/mountinfo", lines, &["tmp", "run"]);
    let found = mounts(&machine, "resources: []");
    assert_eq!(found, ["device=nvme0n1p1,fstype=xfs,path=/", "device=tmpfs,fstype=tmpfs,path=/run"]);
    // In the machine's own table a mount of a part is somebody's.
    let lines = lines.replace("ROOT/", "/").replace("ROOT", "/");
    let machine = mounted("proc/1/mountinfo", &lines, &["tmp", "run"]);
    assert_eq!(mounts(&machine, "resources: [/tmp]"), ["device=nvme0n1p1,fstype=xfs,path=/tmp"]);
}

#[test]
fn the_figures_are_those_of_the_kernel() {
    let machine = before();
    let all = "{disk: {measurement: [free, inodes_free, inodes_total, total, used]}}";
    let mut rounds = Rounds::new(&machine, all);
    let (kernel, points) = (statvfs(machine.root()).unwrap(), rounds.next());
    let value = |name: &str| {
        let point = points.iter().find(|point| point.starts_with(&format!("{name}{{"))).unwrap();
        point.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()
    };
    assert_eq!(value("disk_total"), kernel.f_blocks * kernel.f_frsize);
    assert_eq!(value("disk_inodes_total"), kernel.f_files);
    // Others write to this filesystem meanwhile: within a hundredth of it.
    let near = |name: &str, expected: u64| {
        let allowed = kernel.f_blocks * kernel.f_frsize / 100;
        assert!(value(name).abs_diff(expected) <= allowed, "{name} {} {expected}", value(name));
    };
    near("disk_used", (kernel.f_blocks - kernel.f_bfree) * kernel.f_frsize);
    near("disk_free", kernel.f_bavail * kernel.f_frsize);
    near("disk_inodes_free", kernel.f_ffree);
}
