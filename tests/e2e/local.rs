//! The first command of the README: this machine's own metrics in a CloudWatch in memory.

use std::{collections::BTreeSet, fs, time::Duration};

use crate::harness::{Ledger, Program, Weir};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn this_machine_shows_within_15_seconds_and_the_ledger_adds_up() {
    let program = Program::start([
        "run",
        "--local",
        "--set",
        "service.telemetry.metrics.address=127.0.0.1:0",
        "--set",
        "receivers.otlp.protocols.grpc.endpoint=localhost:0",
        "--set",
        "receivers.otlp.protocols.http.endpoint=localhost:0",
    ]);
    let mut wanted =
        BTreeSet::from(["system.cpu.", "system.memory.", "system.filesystem.", "system.network."]);
    if has_disk() {
        wanted.insert("system.disk.");
    } else {
        println!("skipped: disk metrics (this machine's /proc/diskstats has no disk that was used)");
    }
    let mut missing = wanted.clone();
    let arrived = |line: &str| {
        // TIME NAMESPACE METRIC COUNT AVERAGE …
        let metric = line.split_whitespace().nth(2).unwrap_or_default();
        missing.retain(|family| !metric.starts_with(family));
        missing.is_empty().then_some(())
    };
    let all = program.stdout.wait_for("every family of metrics", arrived);
    let in_time = tokio::time::timeout(Duration::from_secs(15), all).await;
    assert!(in_time.is_ok(), "without {missing:?} after 15 s:\n{}", program.stdout.so_far());

    program.signal("INT");
    let ended = program.ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ledger = Ledger::parse(&ended.stderr);
    ledger.assert_adds_up();
    let (receiver, exporter) = (ledger.row("receiver procfs"), ledger.row("exporter cloudwatch"));
    assert!(receiver.out > 0);
    assert_eq!(exporter.dropped, 0, "{ledger:?}");
    // The first reading of each counter is where `delta` begins to count from.
    let delta = ledger.row("processor delta@metrics/host");
    assert_eq!(delta.taken, receiver.out);
    assert_eq!(exporter.out, delta.out);
}

/// Whether a disk has ever been read.
fn has_disk() -> bool {
    let table = fs::read_to_string("/proc/diskstats").unwrap_or_default();
    table.lines().any(|line| line.split_whitespace().nth(3).is_some_and(|reads| reads != "0"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_of_this_machine_arrives_as_the_kernel_tells_it() {
    let far = crate::harness::FarEnd::start().await;
    let config = format!(
        "receivers: {{ procfs: {{ collection_interval: 1s, initial_delay: 0s, scrapers: {{ memory: }} }} }}
exporters: {{ cloudwatch: {} }}
service:
  pipelines:
    metrics: {{ receivers: [procfs], exporters: [cloudwatch] }}
",
        far.exporter(&[])
    );
    let weir = Weir::start(&config, &[]).await;
    far.wait_for_samples(1).await;
    let ledger = weir.drain().await;
    let free: Vec<_> = far
        .0
        .store()
        .series()
        .into_iter()
        .filter(|one| one.metric.name == "system.memory.usage")
        .filter(|one| one.metric.dimensions.iter().any(|d| d.name == "state" && d.value == "free"))
        .collect();
    let [free] = free.as_slice() else { panic!("one series of free memory, found {free:?}") };
    assert_eq!(free.unit.as_str(), "Bytes");
    let total = meminfo("MemTotal");
    assert!(free.last.minimum > 0.0 && free.last.maximum < total as f64, "{free:?} of {total}");
    assert_eq!(ledger.row("exporter cloudwatch").out, far.samples());
}

fn meminfo(key: &str) -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}
