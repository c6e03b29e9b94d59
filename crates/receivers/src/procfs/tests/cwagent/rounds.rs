//! What a round depends on the one before for, and which devices are reported.

use super::{Rounds, after, before, interfaces};

#[test]
fn the_first_round_has_no_increments_and_no_shares() {
    let machine = before();
    let all = "{cpu: {measurement: [usage_idle]}, diskio: {measurement: [reads, iops_in_progress]}, net: {measurement: [bytes_sent]}}";
    let mut rounds = Rounds::new(&machine, all);
    assert_eq!(rounds.next(), ["diskio_iops_in_progress{name=nvme0n1} Count 3"]);
    after(&machine);
    assert_eq!(rounds.next().len(), 4);
}

#[test]
fn each_cpu_and_all_of_them_are_reported_as_resources_and_totalcpu_say() {
    let idle = |keys: &str| {
        let machine = before();
        let mut rounds =
            Rounds::new(&machine, &format!("{{cpu: {{measurement: [cpu_usage_idle], {keys}}}}}"));
        rounds.next();
        after(&machine);
        rounds.next()
    };
    // cpu0 was idle for all of its 400 ticks, cpu1 for none of its 600.
    let (total, first, second) = (
        "cpu_usage_idle{cpu=cpu-total} Percent 40",
        "cpu_usage_idle{cpu=cpu0} Percent 100",
        "cpu_usage_idle{cpu=cpu1} Percent 0",
    );
    assert_eq!(idle("resources: []"), [total]);
    assert_eq!(idle("resources: ['*']"), [total, first, second]);
    assert_eq!(idle("resources: ['*'], totalcpu: false"), [first, second]);
}

#[test]
fn a_cpu_time_that_the_kernel_takes_back_counts_as_none() {
    let machine = before();
    let mut rounds = Rounds::new(&machine, "{cpu: {measurement: [usage_idle, usage_iowait, usage_user]}}");
    rounds.next();
    machine.write("proc/stat", "cpu  1030 200 300 5010 95 10 20 30 40 8\n");
    assert_eq!(
        rounds.next(),
        [
            "cpu_usage_idle{cpu=cpu-total} Percent 25",
            "cpu_usage_iowait{cpu=cpu-total} Percent 0",
            "cpu_usage_user{cpu=cpu-total} Percent 75",
        ]
    );
    assert_eq!(rounds.next(), Vec::<String>::new(), "no time has passed: no share of it");
}

#[test]
fn a_counter_that_fell_began_anew() {
    let machine = before();
    let mut rounds = Rounds::new(&machine, "{net: {measurement: [bytes_recv, packets_recv]}}");
    rounds.next();
    machine.write("proc/1/net/dev", &interfaces("70 12 1 2", "2000 20 3 4"));
    assert_eq!(
        rounds.next(),
        ["net_bytes_recv{interface=eth0} Bytes 70", "net_packets_recv{interface=eth0} Count 2"]
    );
}

#[test]
fn a_device_that_was_away_begins_again() {
    let machine = before();
    let mut rounds = Rounds::new(&machine, "{diskio: {measurement: [reads]}}");
    rounds.next();
    machine.write("proc/diskstats", "   8 0 sda 1 0 0 0 0 0 0 0 0 0 0\n");
    assert_eq!(rounds.next(), Vec::<String>::new(), "sda is new");
    after(&machine);
    assert_eq!(rounds.next(), Vec::<String>::new(), "nvme0n1 may be another");
    assert_eq!(rounds.next(), ["diskio_reads{name=nvme0n1} Count 0"]);
}

#[test]
fn interfaces_that_are_down_and_the_loopback_are_left_out_unless_they_are_named() {
    let bytes = |keys: &str| {
        let machine = before();
        let mut rounds = Rounds::new(&machine, &format!("{{net: {{measurement: [bytes_sent], {keys}}}}}"));
        rounds.next();
        after(&machine);
        rounds.next()
    };
    let of = |interface: &str| format!("net_bytes_sent{{interface={interface}}} Bytes 900");
    assert_eq!(bytes("resources: []"), [of("eth0")]);
    assert_eq!(bytes("resources: ['*']"), [of("eth0")]);
    assert_eq!(bytes("resources: [lo, eth1, eth7]"), [of("eth1"), of("lo")]);
}

#[test]
fn where_the_kernel_does_not_say_what_is_up_the_name_decides() {
    let machine = before();
    std::fs::remove_dir_all(machine.root().join("sys")).unwrap();
    let mut rounds = Rounds::new(&machine, "{net: {measurement: [bytes_sent]}}");
    rounds.next();
    after(&machine);
    assert_eq!(
        rounds.next(),
        ["net_bytes_sent{interface=eth0} Bytes 900", "net_bytes_sent{interface=eth1} Bytes 900"]
    );
}

#[test]
fn devices_that_are_named_are_the_only_ones() {
    let machine = before();
    machine.write("proc/diskstats", "   8 0 sda 1 0 0 0 0 0 0 0 0 0 0\n   8 1 sda1 1 0 0 0 0 0 0 0 0 0 0\n");
    let mut rounds = Rounds::new(&machine, "{diskio: {resources: [sda1], measurement: [diskio_reads]}}");
    rounds.next();
    assert_eq!(rounds.next(), ["diskio_reads{name=sda1} Count 0"]);
}

#[test]
fn memory_without_swap_has_none_of_it_in_use() {
    let machine = before();
    machine.write("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 600 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n");
    let mut rounds =
        Rounds::new(&machine, "{swap: {measurement: [used_percent]}, mem: {measurement: [used_percent]}}");
    assert_eq!(rounds.next(), ["mem_used_percent{} Percent 40", "swap_used_percent{} Percent 0"]);
}

#[test]
fn what_cannot_be_read_is_left_out_and_the_rest_goes_on() {
    let machine = before();
    machine.remove("proc/meminfo");
    machine.write("proc/stat", "no cpu\n");
    let all = "{cpu: {measurement: [time_user]}, mem: {measurement: [used]}, diskio: {measurement: [iops_in_progress]}}";
    let mut rounds = Rounds::new(&machine, all);
    assert_eq!(rounds.next(), ["diskio_iops_in_progress{name=nvme0n1} Count 3"]);
    assert_eq!(rounds.scrape.troubles(), 3, "no memory, no CPU, no time of boot");
}

#[test]
fn tables_of_sockets_longer_than_what_is_read_at_a_time_are_counted_whole() {
    let machine = before();
    let line = |n: usize| {
        format!("{n:4}: 0A00000A:0016 0B00000A:{n:04X} 01 00000000:00000000 00:00000000 00000000 0 0 1 1\n")
    };
    machine.write("proc/1/net/tcp", &(0..20_000).map(line).collect::<String>());
    let mut rounds = Rounds::new(&machine, "{netstat: {measurement: [tcp_established]}}");
    assert_eq!(rounds.next(), ["netstat_tcp_established{} Count 20001"], "one more is of version 6");
}

#[test]
fn a_kernel_without_version_6_has_sockets_too_and_one_without_tables_none() {
    let machine = before();
    machine.remove("proc/1/net/tcp6");
    machine.remove("proc/1/net/udp6");
    let sockets = "{netstat: {measurement: [tcp_listen, udp_socket]}}";
    let mut rounds = Rounds::new(&machine, sockets);
    assert_eq!(rounds.next(), ["netstat_tcp_listen{} Count 1", "netstat_udp_socket{} Count 4"]);
    machine.remove("proc/1/net/unix");
    let mut rounds = Rounds::new(&machine, sockets);
    assert_eq!(rounds.next(), Vec::<String>::new(), "half of the sockets would be a wrong number");
    assert_eq!(rounds.scrape.troubles(), 1);
}
