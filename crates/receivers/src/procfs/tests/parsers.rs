use super::{
    super::{
        cpu::{boot_seconds, cpus, shares, steady},
        disk::{Transfers, disks},
        load::averages,
        memory::MemInfo,
        network::{Traffic, interfaces},
        text,
    },
    fixtures,
};

#[test]
fn a_number_is_digits_within_64_bits() {
    assert_eq!(text::number(b"18446744073709551615"), Some(u64::MAX));
    for bad in ["", "18446744073709551616", "-1", "+1", "1.0", "0x1", " 1", "99999999999999999999999"] {
        assert_eq!(text::number(bad.as_bytes()), None, "{bad:?}");
    }
}

#[test]
fn a_decimal_is_digits_and_a_point() {
    assert_eq!(text::decimal(b"12.25"), Some(12.25));
    for bad in ["", ".", "1e5", "nan", "inf", "-1.0", "1.2.3"] {
        assert_eq!(text::decimal(bad.as_bytes()), None, "{bad:?}");
    }
}

#[test]
fn every_cpu_of_128_is_read_without_their_sum() {
    let stat = fixtures::stat_of(128);
    let cpus: Vec<_> = cpus(stat.as_bytes()).collect();
    assert_eq!(cpus.len(), 128);
    assert_eq!(cpus[0].name, b"cpu0");
    assert_eq!(cpus[127].name, b"cpu127");
    assert_eq!(cpus[127].number, 127);
    assert_eq!(cpus[127].ticks, [127, 128, 129, 130, 131, 132, 133, 134]);
    assert_eq!(boot_seconds(stat.as_bytes()), Some(1_699_990_000));
}

#[test]
fn columns_that_an_old_kernel_lacks_are_zero() {
    let four = "cpu 1 2 3 4\ncpu0 1 2 3 4\n";
    assert_eq!(cpus(four.as_bytes()).next().unwrap().ticks, [1, 2, 3, 4, 0, 0, 0, 0]);
    let seven = "cpu 1 2 3 4 5 6 7\ncpu3 1 2 3 4 5 6 7\n";
    let cpu = cpus(seven.as_bytes()).next().unwrap();
    assert_eq!((cpu.number, cpu.ticks), (3, [1, 2, 3, 4, 5, 6, 7, 0]));
}

#[test]
fn lines_of_cpus_that_make_no_sense_are_left_out() {
    let stat = "cpu0 1 2 3\ncpu1 1 2 3 x\ncpu4294967296 1 2 3 4\ncpux 1 2 3 4\ncpu2 5 6 7 8\n";
    let names: Vec<_> = cpus(stat.as_bytes()).map(|cpu| cpu.name.to_vec()).collect();
    assert_eq!(names, [b"cpu2"]);
}

#[test]
fn a_line_that_was_cut_off_is_left_out() {
    assert_eq!(cpus(b"cpu0 1 2 3 45\ncpu1 1 2 3 4").count(), 1, "the end of the number may be missing");
    assert_eq!(averages(b"0.50 1.25 1"), None);
    assert_eq!(boot_seconds(b"btime 16999"), None);
}

#[test]
fn load_averages_are_the_first_three_words() {
    assert_eq!(averages(fixtures::LOADAVG.as_bytes()), Some([0.5, 1.25, 12.0]));
    assert_eq!(averages(b"0.50 1.25\n"), None);
    assert_eq!(averages(b""), None);
}

#[test]
fn memory_by_state_is_what_the_collector_computes() {
    let info = MemInfo::parse(fixtures::MEMINFO.as_bytes()).unwrap();
    assert_eq!((info.total, info.dirty), (1_024_000, 8192));
    let expected = [
        ("used", 400 * 1024), // 1000 - 600 available
        ("free", 200 * 1024),
        ("buffered", 50 * 1024),
        ("cached", 330 * 1024), // 300 + 30 reclaimable
        ("slab_reclaimable", 30 * 1024),
        ("slab_unreclaimable", 40 * 1024),
    ];
    assert_eq!(info.states(), expected);
}

#[test]
fn an_old_kernel_has_free_buffers_and_cache_available() {
    let info = MemInfo::parse(fixtures::OLD_MEMINFO.as_bytes()).unwrap();
    assert_eq!(info.available(), 580 * 1024); // 200 + 50 + 330
    assert_eq!(info.states()[0], ("used", 420 * 1024));
}

#[test]
fn memory_without_a_total_or_with_a_spoilt_number_is_none() {
    assert_eq!(MemInfo::parse(b"MemFree: 5 kB\n"), None);
    assert_eq!(MemInfo::parse(b"MemTotal: 0 kB\nMemFree: 0 kB\n"), None);
    assert_eq!(MemInfo::parse(b"MemTotal: 9 kB\nMemFree: 5 kB\nCached: x kB\n"), None);
    assert_eq!(MemInfo::parse(b"MemTotal: 9 kB\nMemFree:\n"), None);
}

#[test]
fn disks_are_read_from_20_columns_and_from_14() {
    let new: Vec<_> = disks(fixtures::DISKSTATS.as_bytes()).collect();
    assert_eq!(new.len(), 1);
    assert_eq!(new[0].name, b"sda");
    let read = Transfers { operations: 100, merged: 10, bytes: 1_024_000, milliseconds: 1500 };
    let written = Transfers { operations: 200, merged: 20, bytes: 2_048_000, milliseconds: 2500 };
    assert_eq!((new[0].read, new[0].written), (read, written));
    assert_eq!((new[0].pending, new[0].busy_milliseconds, new[0].weighted_milliseconds), (3, 3500, 4250));

    let old: Vec<_> = disks(fixtures::OLD_DISKSTATS.as_bytes()).collect();
    assert_eq!(old.len(), 1, "a line of 7 columns says other things");
    assert_eq!(old[0].read, Transfers { operations: 11, merged: 12, bytes: 6656, milliseconds: 14 });
    assert_eq!(old[0].written, Transfers { operations: 15, merged: 16, bytes: 8704, milliseconds: 18 });
    assert_eq!((old[0].pending, old[0].busy_milliseconds, old[0].weighted_milliseconds), (19, 20, 21));
}

#[test]
fn interfaces_are_read_with_and_without_room_after_the_colon() {
    let all: Vec<_> = interfaces(fixtures::OLD_NET_DEV.as_bytes()).collect();
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].name, b"lo");
    let lo = Traffic { bytes: 14162, packets: 160, errors: 0, dropped: 0 };
    assert_eq!((all[0].received, all[0].transmitted), (lo, lo));
    assert_eq!(all[1].name, b"eth0");
    assert_eq!(all[1].received, Traffic { bytes: u64::MAX, packets: 2, errors: 3, dropped: 4 });
    assert_eq!(all[1].transmitted, Traffic { bytes: 9, packets: 10, errors: 11, dropped: 12 });
}

#[test]
fn a_small_fall_of_a_counter_is_held_and_a_great_one_is_a_new_beginning() {
    let before = [100, 0, 50, 1000, 400, 0, 0, 0];
    let corrected = [110, 0, 55, 999, 100, 0, 0, 0]; // idle by 1, wait by 300
    assert_eq!(steady(before, corrected, 300), [110, 0, 55, 1000, 400, 0, 0, 0]);
    let restarted = [110, 0, 55, 1100, 99, 0, 0, 0]; // wait by 301
    assert_eq!(steady(before, restarted, 300), restarted);
}

#[test]
fn shares_of_the_time_since_the_previous_scrape_add_up_to_one() {
    let before = [100, 0, 0, 1000, 0, 0, 0, 0];
    let now = [125, 0, 25, 1050, 0, 0, 0, 0];
    assert_eq!(shares(before, now), Some([0.25, 0.0, 0.25, 0.5, 0.0, 0.0, 0.0, 0.0]));
    assert_eq!(shares(before, before), None, "no time has passed");
    assert_eq!(shares(now, before), None, "the counters began anew");
}
