use super::{
    super::{
        filesystem::Space,
        mounts::{MountLine, Volume, device_types, distinct, mounts, unescaped, visible},
    },
    fixtures,
};

fn volumes(table: &str) -> Vec<Volume> {
    distinct(visible(
        mounts(table.as_bytes())
            .filter_map(|line| Volume::new(&line, unescaped(line.mount_point), b"/hostfs")),
    ))
}

#[test]
fn a_mount_is_read_whatever_optional_fields_it_has() {
    let all: Vec<_> = mounts(fixtures::MOUNTINFO.as_bytes()).collect();
    assert_eq!(all.len(), 9);
    let expected = MountLine {
        number: (259, 3),
        root: b"/pods/a",
        mount_point: b"/var/lib/kubelet/pods/a/vol",
        options: b"rw,relatime",
        fs_type: b"ext4",
        device: b"/dev/nvme1n1",
    };
    assert_eq!(all[2], expected, "two optional fields");
    assert_eq!((all[3].fs_type, all[3].device), (&b"ext4"[..], &b"/dev/nvme1n1"[..]), "none");
}

#[test]
fn escapes_of_the_kernel_are_undone() {
    assert_eq!(unescaped(br"/mnt/with\040blank\134"), br"/mnt/with blank\");
    assert_eq!(unescaped(br"\011\012"), b"\t\n");
    assert_eq!(unescaped(br"\04 \8 \"), br"\04 \8 \", "no escape: kept");
    assert_eq!(unescaped(br"\777"), br"\777", "no byte");
}

#[test]
fn a_filesystem_is_chosen_once_at_the_shortest_mount_of_its_root() {
    let chosen = volumes(fixtures::MOUNTINFO);
    let points: Vec<&[u8]> = chosen.iter().map(|volume| &*volume.mount_point).collect();
    let expected: [&[u8]; 6] =
        [b"/proc", b"/", b"/data", b"/run/containerd/rootfs", br"/mnt/with blank\", b"/covered"];
    assert_eq!(points, expected);
    assert_eq!(chosen[2].path.as_bytes(), b"/hostfs/data");
    assert_eq!(chosen[2].mode, "rw");
}

#[test]
fn a_mount_that_another_covers_is_not_reported() {
    let covered = volumes(fixtures::MOUNTINFO).pop().unwrap();
    assert_eq!((&*covered.device, covered.mode), (&b"/dev/sdd1"[..], "ro"));
}

#[test]
fn a_part_of_a_filesystem_stands_for_it_where_there_is_nothing_else() {
    let table = "1 1 8:1 /etc/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n1 1 8:1 /etc/r /etc/r noatime - ext4 /dev/sda1 rw\n";
    let chosen = volumes(table);
    assert_eq!(chosen.len(), 1);
    assert_eq!((&*chosen[0].mount_point, chosen[0].mode), (&b"/etc/r"[..], "unknown"));
}

#[test]
fn types_of_filesystem_with_a_device_are_those_without_nodev_and_zfs() {
    let types = device_types(fixtures::FILESYSTEMS.as_bytes());
    for (name, lives_on_a_device) in [
        ("ext4", true),
        ("xfs", true),
        ("fuseblk", true),
        ("zfs", true),
        ("tmpfs", false),
        ("fuse", false),
        ("overlay", false),
    ] {
        assert_eq!(types.contains(name.as_bytes()), lives_on_a_device, "{name}");
    }
}

#[test]
fn space_is_used_free_and_reserved() {
    // 1000 blocks of 4096 bytes, 400 free, of which root keeps 50.
    let space = Space::new(1000, 400, 350, 4096);
    assert_eq!(
        (space.total, space.used, space.free, space.reserved()),
        (4_096_000, 2_457_600, 1_433_600, 204_800)
    );
    assert_eq!(space.utilization(), Some(600.0 / 950.0));
}

#[test]
fn space_that_makes_no_sense_does_not_overflow() {
    let more_free_than_there_is = Space::new(10, 20, 30, 1);
    assert_eq!((more_free_than_there_is.used, more_free_than_there_is.free), (0, 10));
    assert_eq!(Space::new(u64::MAX, 0, 0, 4096).total, u64::MAX);
    assert_eq!(Space::new(0, 0, 0, 4096).utilization(), None);
}
