//! Parsers against those of the `procfs` crate, on the same bytes: files of this machine as they are now, and recorded ones.

use std::fs;

use procfs_core::{
    DiskStats, ExplicitSystemInfo, FromRead, FromReadSI, KernelStats, LoadAverage, Meminfo,
    net::InterfaceDeviceStatus, process::MountInfos,
};

use super::{
    super::{
        cpu::{boot_seconds, cpus},
        disk::disks,
        load::averages,
        memory::MemInfo,
        mounts::mounts,
        network::interfaces,
    },
    fixtures,
};

/// The recorded files, and the machine's own, which is read once for both.
fn texts(path: &str, recorded: &[&str]) -> Vec<Vec<u8>> {
    let own = fs::read(path).into_iter().filter(|text| !text.is_empty());
    recorded.iter().map(|text| text.as_bytes().to_vec()).chain(own).collect()
}

const SYSTEM: ExplicitSystemInfo =
    ExplicitSystemInfo { boot_time_secs: 0, ticks_per_second: 100, page_size: 4096, is_little_endian: true };

#[test]
fn cpus_and_the_time_of_boot() {
    for text in texts("/proc/stat", &[fixtures::STAT]) {
        let oracle = <KernelStats as FromReadSI>::from_read(&*text, &SYSTEM).unwrap();
        let ours: Vec<_> = cpus(&text).map(|cpu| cpu.ticks.to_vec()).collect();
        let theirs: Vec<_> = oracle
            .cpu_time
            .iter()
            .map(|cpu| {
                let later = [cpu.iowait, cpu.irq, cpu.softirq, cpu.steal].map(Option::unwrap_or_default);
                [[cpu.user, cpu.nice, cpu.system, cpu.idle], later].concat()
            })
            .collect();
        assert_eq!(ours, theirs);
        assert_eq!(boot_seconds(&text), Some(oracle.btime));
    }
}

#[test]
fn load() {
    for text in texts("/proc/loadavg", &[fixtures::LOADAVG]) {
        let oracle = <LoadAverage as FromRead>::from_read(&*text).unwrap();
        let ours = averages(&text).unwrap().map(|average| average as f32);
        assert_eq!(ours.map(f32::to_bits), [oracle.one, oracle.five, oracle.fifteen].map(f32::to_bits));
    }
}

#[test]
fn memory() {
    // The oracle asks for more lines than the recorded files have.
    for text in texts("/proc/meminfo", &[]) {
        let oracle = <Meminfo as FromRead>::from_read(&*text).unwrap();
        let ours = MemInfo::parse(&text).unwrap();
        let theirs = [oracle.mem_total, oracle.mem_free, oracle.buffers, oracle.cached, oracle.dirty];
        assert_eq!([ours.total, ours.free, ours.buffers, ours.page_cache, ours.dirty], theirs);
        assert_eq!(ours.available, oracle.mem_available);
        assert_eq!(Some(ours.slab_reclaimable), oracle.s_reclaimable);
        assert_eq!(Some(ours.slab_unreclaimable), oracle.s_unreclaim);
        assert_eq!([ours.active, ours.inactive], [oracle.active, oracle.inactive]);
        assert_eq!([ours.swap_total, ours.swap_free], [oracle.swap_total, oracle.swap_free]);
        assert_eq!(Some(ours.shared), oracle.shmem);
    }
}

#[test]
fn block_devices() {
    for text in texts("/proc/diskstats", &[fixtures::DISKSTATS]) {
        let oracle = <DiskStats as FromRead>::from_read(&*text).unwrap();
        let theirs = oracle.0.iter().map(|disk| {
            let read = [disk.reads, disk.merged, disk.sectors_read * 512, disk.time_reading];
            let written = [disk.writes, disk.writes_merged, disk.sectors_written * 512, disk.time_writing];
            let now = [disk.in_progress, disk.time_in_progress, disk.weighted_time_in_progress];
            (disk.name.clone().into_bytes(), read, written, now)
        });
        let ours = disks(&text).map(|disk| {
            let [read, written] = [disk.read, disk.written]
                .map(|side| [side.operations, side.merged, side.bytes, side.milliseconds]);
            let now = [disk.pending, disk.busy_milliseconds, disk.weighted_milliseconds];
            (disk.name.to_vec(), read, written, now)
        });
        assert_eq!(ours.collect::<Vec<_>>(), theirs.collect::<Vec<_>>());
    }
}

#[test]
fn network_interfaces() {
    // The oracle cannot read the tables of old kernels.
    for text in texts("/proc/net/dev", &[fixtures::NET_DEV]) {
        let oracle = <InterfaceDeviceStatus as FromRead>::from_read(&*text).unwrap();
        let mut theirs: Vec<_> = oracle
            .0
            .values()
            .map(|one| {
                let received = [one.recv_bytes, one.recv_packets, one.recv_errs, one.recv_drop];
                let sent = [one.sent_bytes, one.sent_packets, one.sent_errs, one.sent_drop];
                (one.name.clone().into_bytes(), received, sent)
            })
            .collect();
        let mut ours: Vec<_> = interfaces(&text)
            .map(|one| {
                let [received, sent] = [one.received, one.transmitted]
                    .map(|side| [side.bytes, side.packets, side.errors, side.dropped]);
                (one.name.to_vec(), received, sent)
            })
            .collect();
        theirs.sort_unstable();
        ours.sort_unstable();
        assert_eq!(ours, theirs);
    }
}

#[test]
fn the_table_of_mounts() {
    for text in texts("/proc/self/mountinfo", &[fixtures::MOUNTINFO]) {
        let oracle = <MountInfos as FromRead>::from_read(&*text).unwrap();
        let theirs = oracle.0.iter().map(|mount| {
            let point = mount.mount_point.to_str().unwrap().as_bytes().to_vec();
            (mount.majmin.clone(), mount.root.clone(), point, mount.fs_type.clone())
        });
        // The oracle leaves the kernel's escapes as they are.
        let plain = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let ours = mounts(&text).map(|mount| {
            let number = format!("{}:{}", mount.number.0, mount.number.1);
            (number, plain(mount.root), mount.mount_point.to_vec(), plain(mount.fs_type))
        });
        assert_eq!(ours.collect::<Vec<_>>(), theirs.collect::<Vec<_>>());
    }
}
