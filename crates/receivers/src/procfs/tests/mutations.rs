//! Every parser on broken files: it never panics, and of a file that was cut off it reads the beginning.

use std::fmt::Debug;

use super::{
    super::{
        cgroup::parse,
        cpu::{boot_seconds, cpus},
        disk::disks,
        load::averages,
        memory::MemInfo,
        mounts::{Volume, device_types, distinct, mounts, unescaped, visible},
        network::interfaces,
        paging::{VmStat, swaps},
        pids::stat as pid_stat,
        process::{Io, signals_pending, switches},
        system::uptime,
        tcp::socket,
        text,
    },
    fixtures,
};

const MUTATIONS: usize = 20_000;

/// xorshift64*: the same sequence in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % sides.max(1)
    }
}

/// Between one and four times: a byte changed, a piece removed, a piece repeated, a telling word put in, the end cut off.
fn mutate(text: &[u8], dice: &mut Dice) -> Vec<u8> {
    const WORDS: [&[u8]; 12] = [
        b"\n",
        b" ",
        b":",
        b"\0",
        b"\\777",
        b"\\04",
        b"-",
        b" - ",
        b"99999999999999999999",
        b"18446744073709551615",
        b"\xff\xfe",
        b"cpu65536 ",
    ];
    let mut text = text.to_vec();
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(text.len());
        let end = (at + dice.roll(40)).min(text.len());
        match dice.roll(5) {
            0 if !text.is_empty() => text[at] = dice.roll(256) as u8,
            1 => drop(text.drain(at..end)),
            2 => {
                let piece = text[at..end].to_vec();
                text.splice(at..at, piece);
            }
            3 => drop(text.splice(at..at, WORDS[dice.roll(WORDS.len())].iter().copied())),
            _ => text.truncate(end),
        }
    }
    text
}

pub(super) fn survives_mutations(text: impl AsRef<[u8]>, parse: impl Fn(&[u8])) {
    let mut dice = Dice(weir_testkit::seed(0x5EED));
    for _ in 0..MUTATIONS {
        parse(&mutate(text.as_ref(), &mut dice));
    }
}

/// What is read of a beginning is a beginning of what is read of the whole.
pub(super) fn reads_beginnings<T: PartialEq + Debug>(text: &str, parse: impl Fn(&[u8]) -> Vec<T>) {
    let whole = parse(text.as_bytes());
    assert!(!whole.is_empty());
    for end in 0..text.len() {
        let part = parse(&text.as_bytes()[..end]);
        assert!(whole.starts_with(&part), "cut off at {end}: {part:?}");
    }
}

#[test]
fn stat() {
    let text = fixtures::stat_of(3);
    survives_mutations(&text, |text| {
        for cpu in cpus(text) {
            assert!(cpu.name.starts_with(b"cpu") && cpu.number < 65_536);
        }
        boot_seconds(text);
    });
    let names = |text: &[u8]| cpus(text).map(|cpu| (cpu.name.to_vec(), cpu.ticks)).collect();
    reads_beginnings(&text, names);
    reads_beginnings(&text, |text| boot_seconds(text).into_iter().collect());
}

#[test]
fn loadavg() {
    survives_mutations(fixtures::LOADAVG, |text| {
        if let Some(averages) = averages(text) {
            assert!(averages.iter().all(|average| average.is_finite() && *average >= 0.0), "{averages:?}");
        }
    });
    reads_beginnings(fixtures::LOADAVG, |text| averages(text).into_iter().collect());
}

#[test]
fn meminfo() {
    survives_mutations(fixtures::MEMINFO, |text| {
        if let Some(info) = MemInfo::parse(text) {
            assert!(info.total > 0 && info.states()[0].1 <= info.total, "{info:?}");
        }
    });
}

#[test]
fn diskstats() {
    let text = [fixtures::DISKSTATS, fixtures::OLD_DISKSTATS, fixtures::DISKSTATS].concat();
    survives_mutations(&text, |text| {
        for disk in disks(text) {
            assert!(!disk.name.is_empty() && !disk.name.contains(&b' '));
        }
    });
    let all = |text: &[u8]| {
        disks(text).map(|disk| (disk.name.to_vec(), disk.read, disk.written, disk.pending)).collect()
    };
    reads_beginnings(&text, all);
}

#[test]
fn net_dev() {
    survives_mutations(fixtures::OLD_NET_DEV, |text| {
        for interface in interfaces(text) {
            assert!(!interface.name.is_empty() && !interface.name.contains(&b':'));
        }
    });
    let all = |text: &[u8]| {
        interfaces(text)
            .map(|interface| (interface.name.to_vec(), interface.received, interface.transmitted))
            .collect()
    };
    reads_beginnings(fixtures::OLD_NET_DEV, all);
}

#[test]
fn mountinfo() {
    let volumes = |text: &[u8]| {
        let volumes =
            mounts(text).filter_map(|line| Volume::new(&line, unescaped(line.mount_point), b"/hostfs"));
        distinct(visible(volumes))
    };
    survives_mutations(fixtures::MOUNTINFO, |text| {
        let mut numbers: Vec<_> = volumes(text).iter().map(|volume| volume.number).collect();
        let all = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), all, "each filesystem once");
        device_types(text);
    });
    reads_beginnings(fixtures::MOUNTINFO, |text| mounts(text).map(|line| format!("{line:?}")).collect());
}

#[test]
fn files_of_cgroups() {
    for (name, text) in fixtures::CGROUP {
        survives_mutations(text, |text| {
            for key in [&b"usage_usec"[..], b"oom_kill", b"anon", b""] {
                text::keyed(text, key);
            }
            parse::single(text);
            assert!(parse::cpu_limit(text).is_none_or(|cpus| cpus.is_finite() && cpus >= 0.0), "{name}");
            parse::io(text);
            parse::stalled(text, b"some");
            parse::membership(text);
        });
    }
    reads_beginnings(fixtures::PRESSURE, |text| parse::stalled(text, b"full").into_iter().collect());
    reads_beginnings(fixtures::CGROUP[0].1, |text| text::keyed(text, b"nr_throttled").into_iter().collect());
}

#[test]
fn files_of_paging_connections_and_processes() {
    survives_mutations(fixtures::SWAPS, |text| {
        for swap in swaps(text) {
            assert!(swap.used <= swap.size && !swap.device.is_empty());
        }
    });
    reads_beginnings(fixtures::SWAPS, |text| swaps(text).map(|swap| format!("{swap:?}")).collect());
    survives_mutations(fixtures::VMSTAT, |text| {
        if let Some(stat) = VmStat::parse(text) {
            assert!(stat.minor_faults() <= stat.faults);
        }
    });
    survives_mutations(fixtures::NET_TCP, |text| {
        for line in crate::procfs::text::lines(text) {
            assert!(socket(4, line).is_none_or(|socket| socket.addresses.iter().all(|one| !one.is_empty())));
        }
    });
    survives_mutations(fixtures::PID_STAT, |text| {
        if let Some(stat) = pid_stat(text) {
            assert!(stat.name.bytes().len() <= 64);
        }
    });
    reads_beginnings(fixtures::PID_STAT, |text| pid_stat(text).into_iter().collect());
    survives_mutations(fixtures::PID_IO, |text| {
        Io::parse(text);
    });
    survives_mutations(fixtures::PID_STATUS, |text| {
        switches(text);
        signals_pending(text);
    });
    survives_mutations(fixtures::UPTIME, |text| {
        assert!(uptime(text).is_none_or(|seconds| seconds.is_finite() && seconds >= 0.0));
    });
}
