//! What stands below `cwagent`.

use weir_core::Config as _;

use super::super::config::read;

#[test]
fn what_stands_below_metrics_collected_in_the_agents_json_is_taken_as_it_is() {
    let (config, told) = read(
        r#"cwagent: {
            "mem": {"measurement": ["mem_used_percent"]},
            "disk": {"measurement": ["used_percent", "inodes_free"], "resources": ["*"], "ignore_file_system_types": ["sysfs", "devtmpfs"]},
            "cpu": {"measurement": ["cpu_usage_idle", "usage_iowait"], "resources": ["*"], "totalcpu": false},
            "diskio": {"measurement": ["io_time"], "resources": ["*"]},
            "swap": {"measurement": ["swap_used_percent"]},
            "net": {"measurement": ["bytes_sent"], "resources": ["eth0"]}
        }"#,
    );
    assert_eq!(told, Vec::<String>::new());
    assert!(!config.unwrap().facts().cumulative, "increments and gauges need no `delta`");
}

#[test]
fn the_collectors_scrapers_go_on_beside_it_where_they_are_listed() {
    let (config, _) = read("{cwagent: {mem: {measurement: [used]}}, scrapers: {load: }}");
    let config = config.unwrap();
    assert!(config.listed().cpu.is_absent() && !config.listed().load.is_absent());
    assert!(config.facts().cumulative);
    let (config, _) = read("{cwagent: {mem: {measurement: [used]}}}");
    assert!(config.unwrap().listed().is_empty());
}

#[test]
fn mistakes_are_told_at_their_place_with_what_there_is() {
    let (_, told) = read(
        "cwagent:
  mem: {measurement: [used_percent, mem_used_percents]}
  swap:
  cpu: {measurement: [usage_idle], totalcpu: false}
  disk: {measurement: [disk_used], metrics_collection_interval: 10, resource: ['*']}
  statsd: {service_address: ':8125'}
",
    );
    assert_eq!(
        told,
        [
            "2:37 \"mem_used_percents\": `mem_used_percents` is no measurement of `mem`",
            "3:3 \"swap\": it lists nothing to measure",
            "4:46 \"false\": neither all CPUs together nor each by itself is reported",
            "5:36 \"metrics_collection_interval\": `metrics_collection_interval` is not taken: a receiver has one interval",
            "5:69 \"resource\": unknown key `resource`",
            "6:3 \"statsd\": `statsd` is not taken: there is no StatsD listener",
        ]
    );
    // Other mistakes before it do not move the place.
    let (_, told) =
        read("cwagent: {cpu: {measurement: [{name: cpu_usage_idle, rename: IDLE}, usage_idles]}}\n");
    assert_eq!(
        told,
        [
            "1:31 \"{name: cpu_usage_idle, rename: IDLE}\": expected a string, found a map",
            "1:54 \"rename\": `rename` is not taken: what a metric is called is for the exporter to say",
            "1:69 \"usage_idles\": `usage_idles` is no measurement of `cpu`",
        ]
    );
    let (_, told) = read("cwagent:\n");
    assert_eq!(told, ["1:1 \"cwagent\": it lists nothing to measure"]);
}
