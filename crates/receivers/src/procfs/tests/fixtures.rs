//! Files in the kernel's formats, written by hand (proc(5); Documentation/filesystems/proc.rst and admin-guide/iostats.rst).

/// One CPU, in hundredths of a second.
pub(super) const STAT: &str = "\
cpu  150 25 50 1000 10 5 7 3 40 2
cpu0 150 25 50 1000 10 5 7 3 40 2
intr 3000 10 0 0 0 12
ctxt 987654
btime 1699990000
processes 4321
procs_running 1
procs_blocked 0
softirq 500 1 2 3 4 5 6 7 8 9 10
";

pub(super) const LOADAVG: &str = "0.50 1.25 12.00 2/345 6789\n";

pub(super) const MEMINFO: &str = "\
MemTotal:           1000 kB
MemFree:             200 kB
MemAvailable:        600 kB
Buffers:              50 kB
Cached:              300 kB
SwapCached:            0 kB
Active:              123 kB
Inactive(anon):       45 kB
Dirty:                 8 kB
Slab:                 70 kB
SReclaimable:         30 kB
SUnreclaim:           40 kB
Shmem:                16 kB
HugePages_Total:       8
HugePages_Free:        6
HugePages_Rsvd:        2
HugePages_Surp:        1
Hugepagesize:       2048 kB
";

/// RHEL 6 (Linux 2.6.32): no estimate of what is available.
pub(super) const OLD_MEMINFO: &str = "\
MemTotal:           1000 kB
MemFree:             200 kB
Buffers:              50 kB
Cached:              300 kB
SReclaimable:         30 kB
SUnreclaim:           40 kB
";

/// 20 columns, as since Linux 5.5.
pub(super) const DISKSTATS: &str =
    "   8       0 sda 100 10 2000 1500 200 20 4000 2500 3 3500 4250 1 2 3 4 5 6\n";

/// 14 columns, as before Linux 4.18 (Amazon Linux 2 has 4.14), and a partition's 7 of Linux 2.4.
pub(super) const OLD_DISKSTATS: &str = "\
 202       0 xvda 11 12 13 14 15 16 17 18 19 20 21
 202       1 xvda1 1 2 3 4
";

pub(super) const NET_DEV: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
  eth0: 1000      10    1    2    0     0          0         0     2000      20    3    4    0     0       0          0
";

/// Linux before 2.6.37 leaves no room after the colon.
pub(super) const OLD_NET_DEV: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:  14162     160    0    0    0     0          0         0    14162     160    0    0    0     0       0          0
  eth0:18446744073709551615 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
";

pub(super) const FILESYSTEMS: &str =
    "nodev\tsysfs\nnodev\ttmpfs\nnodev\toverlay\n\text4\n\txfs\nnodev\tfuse\n\tfuseblk\n";

/// A Kubernetes node: bind mounts of pods, an overlay, a blank in a name, no, one and two optional fields.
pub(super) const MOUNTINFO: &str = "\
22 27 0:21 / /proc rw,nosuid shared:5 - proc proc rw
27 1 259:1 / / rw,noatime shared:1 - xfs /dev/nvme0n1p1 rw,attr2
30 27 259:3 /pods/a /var/lib/kubelet/pods/a/vol rw,relatime shared:7 master:1 - ext4 /dev/nvme1n1 rw
31 27 259:3 / /var/lib/kubelet/pods/b/volumes ro,relatime - ext4 /dev/nvme1n1 rw
32 27 259:3 / /data rw,relatime shared:9 - ext4 /dev/nvme1n1 rw
33 27 0:45 / /run/containerd/rootfs rw,relatime - overlay overlay rw,lowerdir=/x
34 27 8:17 / /mnt/with\\040blank\\134 rw - ext4 /dev/sdb1 rw
35 27 8:33 / /covered rw - ext4 /dev/sdc1 rw
36 27 8:49 / /covered ro - ext4 /dev/sdd1 ro
";

/// `/proc/stat` of a machine with `cpus` CPUs: CPU n has spent n + column hundredths of a second in each state.
pub(super) fn stat_of(cpus: usize) -> String {
    let mut stat = String::from("cpu  1 1 1 1 1 1 1 1 0 0\n");
    for cpu in 0..cpus {
        let ticks: Vec<String> = (0..10).map(|column| (cpu + column).to_string()).collect();
        stat += &format!("cpu{cpu} {}\n", ticks.join(" "));
    }
    stat += "intr 5 0 0 0\nctxt 1\nbtime 1699990000\n";
    stat
}

/// The files of a pod's cgroup with a limit of half a CPU and 256 MiB, in the formats of a kernel 6.1.
pub(super) const CGROUP: &[(&str, &str)] = &[
    (
        "cpu.stat",
        "usage_usec 12345678\nuser_usec 10000000\nsystem_usec 2345678\ncore_sched.force_idle_usec 0\nnr_periods 1000\n\
         nr_throttled 70\nthrottled_usec 500000\nnr_bursts 0\nburst_usec 0\n",
    ),
    ("cpu.max", "50000 100000\n"),
    ("memory.current", "104857600\n"),
    ("memory.max", "268435456\n"),
    (
        "memory.stat",
        "anon 41943040\nfile 52428800\nkernel 4194304\nslab 2097152\nsock 0\nshmem 0\ninactive_anon 1\nactive_anon 41943039\n\
         inactive_file 20971520\nactive_file 31457280\nworkingset_refault_anon 0\npgfault 5030\npgmajfault 30\n",
    ),
    ("memory.events", "low 0\nhigh 2\nmax 5\noom 1\noom_kill 1\noom_group_kill 0\n"),
    (
        "io.stat",
        "259:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n7:0 \n253:1 rbytes=100 wbytes=200 rios=3 wios=4 dbytes=0 dios=0\n",
    ),
    ("pids.current", "12\n"),
    ("pids.max", "max\n"),
    ("cpu.pressure", PRESSURE),
    (
        "memory.pressure",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    ),
    (
        "io.pressure",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=40\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=20\n",
    ),
];

pub(super) const PRESSURE: &str = "some avg10=3.50 avg60=2.10 avg300=0.70 total=1500000\nfull avg10=0.10 avg60=0.05 avg300=0.00 total=250000\n";

/// Of a kernel before 5.13, which has no `full` for the CPU.
pub(super) const OLD_CPU_PRESSURE: &str = "some avg10=0.00 avg60=0.00 avg300=0.00 total=7000000\n";

pub(super) const UPTIME: &str = "350735.47 234388.90\n";

/// Two places to swap to, the second a file with a blank in its name.
pub(super) const SWAPS: &str = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority
/dev/zram0                              partition\t2048\t\t512\t\t100
/swap\\040file                            file\t\t1000\t\t0\t\t-2
";

pub(super) const VMSTAT: &str = "nr_free_pages 77
pgpgin 400
pgpgout 800
pswpin 3
pswpout 5
pgalloc_normal 12
pgfault 1000
pgmajfault 30
";

/// As Linux 6.8 writes it: two that listen, one that is connected, one of which there is a request only.
pub(super) const NET_TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1234 1 0000000000000000 100 0 0 10 0
   1: 0100007F:0277 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1235 1 0000000000000000 100 0 0 10 0
   2: 0B00000A:0016 0A00000A:D2F0 01 00000000:00000000 02:000A7D2B 00000000     0        0 1236 4 0000000000000000 20 4 31 10 -1
   3: 0B00000A:0016 0A00000A:D2F1 0C 00000000:00000000 01:00000062 00000000     0        0 0 1 0000000000000000
";

pub(super) const NET_TCP6: &str = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1237 1 0000000000000000 100 0 0 10 0
   1: 0000000000000000FFFF00000B00000A:1F90 0000000000000000FFFF00000A00000A:D2F2 06 00000000:00000000 03:00001770 00000000     0        0 0 3 0000000000000000
";

/// A process whose name holds what ends a name elsewhere. In user mode 150 ticks, in the kernel 50, waiting 25.
pub(super) const PID_STAT: &str = "1234 (we(ird) S) name) S 1 1234 1234 0 -1 4194560 700 0 7 0 150 50 0 0 20 0 3 0 3000 104857600 250 18446744073709551615 1 1 0 0 0 0 0 4096 1260 0 0 0 17 1 0 0 25 0 0 0 0 0 0 0 0 0 0
";

/// Pages: of address space, in memory, shared, of text, and (since Linux 2.6) unused, of data, unused.
pub(super) const PID_STATM: &str = "25600 250 100 10 0 500 0\n";

pub(super) const PID_IO: &str = "rchar: 5000
wchar: 6000
syscr: 50
syscw: 60
read_bytes: 4096
write_bytes: 8192
cancelled_write_bytes: 0
";

pub(super) const PID_STATUS: &str = "Name:\twe(ird) S) name
State:\tS (sleeping)
Uid:\t0\t0\t0\t0
SigQ:\t2/62384
voluntary_ctxt_switches:\t40
nonvoluntary_ctxt_switches:\t4
";
