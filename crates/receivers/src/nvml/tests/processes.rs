//! Figures by process, told by container, on a node's files that a test makes up.

use std::{fs, path::Path};

use weir_nvml_stub::{Card, Gpu, Process};
use weir_testkit::Given;

use super::pods::{Points, Shared, given, has, value, whole};

const UIDS: [&str; 2] = ["3f1c9a52-7a64-4f0e-9d5e-0a1b2c3d4e5f", "8b6f0d6a-3d1e-4c5f-9a7b-8c9d0e1f2a3b"];

/// The id of a container.
fn id(number: u8) -> String {
    format!("{number:064x}")
}

/// Makes a process of the pod's container.
fn process(root: &Path, pid: u32, cgroup: &str) {
    let folder = root.join("proc").join(pid.to_string());
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("cgroup"), cgroup).unwrap();
}

fn of_pod(pod: usize, container: u8) -> String {
    format!("0::/kubepods/burstable/pod{}/{}\n", UIDS[pod], id(container))
}

fn on(gpu: &mut Gpu, all: &[(u32, u64, u32)]) {
    gpu.processes = all.iter().map(|&(pid, memory, sm)| Process { pid, memory, sm }).collect();
}

/// A GPU shared by two containers, with a process of each, two of the first, one of the node and one that cannot be seen.
fn shared(card: Card) -> Shared {
    let mut node = card.node(1);
    on(&mut node.gpus[0], &[(10, 100, 20), (11, 50, 5), (20, 1000, 60), (30, 7, 1), (40, 3, 0)]);
    let shared = Shared::over(node, |config| {
        config.pods.host_pid = true;
        config.pods.root_path = config.pods.endpoint.parent().unwrap().join("node");
    });
    let root = shared.socket.parent().unwrap().join("node");
    process(&root, 10, &of_pod(0, 1));
    process(&root, 11, &of_pod(0, 1));
    process(&root, 20, &of_pod(1, 2));
    process(&root, 30, "0::/system.slice/dcgm.service\n");
    let logs = root.join("var/log/containers");
    fs::create_dir_all(&logs).unwrap();
    fs::write(logs.join(format!("a-7f_ml_main-{}.log", id(1))), "").unwrap();
    shared
}

fn sum(points: &Points, metric: &str) -> i64 {
    let of_metric = points.keys().filter(|name| name.contains(&format!(" {metric}{{")));
    of_metric.map(|name| whole(points, name)).sum()
}

#[tokio::test]
async fn what_containers_use_of_a_shared_gpu_is_told_by_their_processes() {
    let mut shared = shared(Card::L40S);
    let points = shared.until("0 ml/a-7f/main gpu.pod.memory.usage").await;
    let general = "gpu.pod.utilization{hw.gpu.task=general}";
    let without_names = format!("{}/2", UIDS[1]);
    let expected = [("ml/a-7f/main", 150, 0.25), (&without_names, 1000, 0.60), ("-", 10, 0.01)];
    for (owner, memory, used) in expected {
        assert_eq!(whole(&points, &format!("0 {owner} gpu.pod.memory.usage{{}}")), memory, "{owner}");
        let found = value(&points, &format!("0 {owner} {general}"));
        assert!((found - used).abs() < 1e-9, "{owner}: {found}");
    }
    assert_eq!(sum(&points, "gpu.pod.memory.usage"), whole(&points, "0 - gpu.process.memory.usage{}"));
    assert_eq!(whole(&points, "0 - gpu.process.count{}"), 5);
    shared.watched.ends().await;
}

/// What a minute adds to a figure, in which the board used 860 J.
async fn of_a_minute(shared: &mut Shared, names: &[&str]) -> Vec<f64> {
    let before = shared.minute_later().await;
    shared.watched.stub.change(|node| *node.gpus[0].fields.get_mut(&83).unwrap() += 860_000).unwrap();
    let after = shared.minute_later().await;
    names.iter().map(|name| value(&after, name) - value(&before, name)).collect()
}

#[tokio::test]
async fn the_energy_and_the_time_of_a_shared_gpu_are_divided_by_what_processes_used() {
    let mut shared = shared(Card::L40S);
    let logs = shared.socket.parent().unwrap().join("node/var/log/containers");
    fs::write(logs.join(format!("b-1_web_main-{}.log", id(2))), "").unwrap();
    let replica =
        |pod: &str, number: u32| Given::by_plugin(pod, &format!("{}::{number}", Card::L40S.gpu(0).uuid));
    shared.kubelet.gives(&[
        replica("ml/a-7f/main", 0),
        replica("web/b-1/main", 1),
        replica("web/idle/main", 2),
    ]);
    shared.until("0 web/b-1/main gpu.pod.energy").await;
    let of = |figure: &str| {
        ["ml/a-7f", "web/b-1", "web/idle"].map(|pod| format!("0 {pod}/main gpu.pod.{figure}{{}}"))
    };
    let (energy, time, allocated) = (of("energy"), of("active.time"), of("allocated.time"));
    let names: Vec<&str> = energy
        .iter()
        .chain(&time)
        .chain(&allocated)
        .map(String::as_str)
        .chain(["0 - hw.energy{hw.type=gpu}"])
        .collect();
    let found = of_a_minute(&mut shared, &names).await;
    // Percent of multiprocessors: 25 of the first, 60 of the second, 1 of the node's own process.
    let expected = [250.0, 600.0, 0.0, 15.0, 36.0, 0.0, 20.0, 20.0, 20.0, 860.0];
    for ((name, found), expected) in names.iter().zip(&found).zip(expected) {
        assert!((found - expected).abs() < 1e-6, "{name}: {found}, not {expected}");
    }

    // Nothing ran: what the board used is nobody's.
    shared.watched.stub.change(|node| on(&mut node.gpus[0], &[(10, 100, 0), (20, 1000, 0)])).unwrap();
    let found = of_a_minute(&mut shared, &names[..6]).await;
    assert!(found.iter().all(|found| found.abs() < 1e-9), "{found:?}");
    shared.watched.ends().await;
}

#[tokio::test]
async fn nothing_is_divided_where_a_busy_process_is_of_a_container_that_has_no_name_yet_or_cannot_be_seen() {
    let mut shared = shared(Card::L40S);
    let replica =
        |pod: &str, number: u32| Given::by_plugin(pod, &format!("{}::{number}", Card::L40S.gpu(0).uuid));
    shared.kubelet.gives(&[replica("ml/a-7f/main", 0), replica("web/b-1/main", 1)]);
    // The second one's log is not there yet, and then a process that cannot be seen is busy.
    let unseen = |gpu: &mut Gpu| on(gpu, &[(10, 100, 20), (40, 3, 60)]);
    for change in [|_: &mut Gpu| {}, unseen] {
        shared.watched.stub.change(|node| change(&mut node.gpus[0])).unwrap();
        shared.until("0 web/b-1/main gpu.pod.allocated.time").await;
        let points = shared.minute_later().await;
        for figure in ["energy", "active.time"] {
            let told = points.keys().find(|name| name.contains(&format!(" gpu.pod.{figure}{{")));
            assert_eq!(told, None);
        }
    }
    // One that was seen, and has ended, is whose it was.
    let energy = "0 ml/a-7f/main gpu.pod.energy{}";
    shared.watched.stub.change(|node| on(&mut node.gpus[0], &[(10, 100, 20)])).unwrap();
    let before = shared.until(energy).await;
    fs::remove_dir_all(shared.socket.parent().unwrap().join("node/proc/10")).unwrap();
    shared.watched.stub.change(|node| *node.gpus[0].fields.get_mut(&83).unwrap() += 860_000).unwrap();
    let after = shared.minute_later().await;
    assert!((value(&after, energy) - value(&before, energy) - 860.0).abs() < 1e-6);
    shared.watched.ends().await;
}

#[tokio::test]
async fn who_has_a_gpu_alone_has_all_its_energy() {
    let mut shared = shared(Card::L40S);
    shared.kubelet.gives(&[Given::by_plugin("ml/a-7f/main", &Card::L40S.gpu(0).uuid)]);
    shared.until("0 ml/a-7f/main gpu.pod.energy").await;
    let names = ["0 ml/a-7f/main gpu.pod.energy{}", "0 ml/a-7f/main hw.energy{hw.type=gpu}"];
    assert_eq!(of_a_minute(&mut shared, &names).await, [860.0, 860.0]);
    shared.watched.ends().await;
}

#[tokio::test]
async fn where_the_driver_does_not_say_what_processes_use_nobody_has_used_nothing() {
    let mut node = Card::L40S.node(1);
    node.gpus[0].faults.insert("nvmlDeviceGetProcessUtilization".to_owned(), 3);
    let mut shared = Shared::over(node, |config| config.pods.host_pid = true);
    let replica =
        |pod: &str, number: u32| Given::by_plugin(pod, &format!("{}::{number}", Card::L40S.gpu(0).uuid));
    shared.kubelet.gives(&[replica("ml/a/main", 0), replica("ml/b/main", 1)]);
    shared.until("0 ml/b/main gpu.pod.allocated.time").await;
    let points = shared.minute_later().await;
    for figure in ["energy", "active.time"] {
        assert!(!has(&points, &format!("0 ml/a/main gpu.pod.{figure}")), "{figure}");
    }
    shared.watched.ends().await;
}

#[tokio::test]
async fn a_process_id_that_is_given_anew_is_whose_it_is_now() {
    let mut shared = shared(Card::L40S);
    shared.until("0 ml/a-7f/main gpu.pod.memory.usage").await;
    let root = shared.socket.parent().unwrap().join("node");
    process(&root, 10, &of_pod(1, 2));
    let points = shared.minute_later().await;
    assert_eq!(whole(&points, "0 ml/a-7f/main gpu.pod.memory.usage{}"), 50);
    assert_eq!(whole(&points, &format!("0 {}/2 gpu.pod.memory.usage{{}}", UIDS[1])), 1100);
    shared.watched.ends().await;
}

#[tokio::test]
async fn a_container_that_was_started_anew_is_one_under_its_name() {
    let mut shared = shared(Card::L40S);
    let root = shared.socket.parent().unwrap().join("node");
    process(&root, 11, &of_pod(0, 3));
    fs::write(root.join(format!("var/log/containers/a-7f_ml_main-{}.log", id(3))), "").unwrap();
    shared.kubelet.gives(&[given("ml/a-7f/main", 0)]);
    let points = shared.until("0 ml/a-7f/main hw.power").await;
    assert_eq!(whole(&points, "0 ml/a-7f/main gpu.pod.memory.usage{}"), 150);
    shared.watched.ends().await;
}

#[tokio::test]
async fn without_samples_there_is_no_utilization_and_on_a_divided_gpu_never() {
    for card in [Card::L40S, Card::A100Mig] {
        let mut shared = shared(card);
        shared.until("0 ml/a-7f/main gpu.pod.memory.usage").await;
        shared.watched.stub.change(|node| on(&mut node.gpus[0], &[(10, 100, 0)])).unwrap();
        let points = shared.minute_later().await;
        assert!(!has(&points, "0 ml/a-7f/main gpu.pod.utilization"), "{card:?}");
        assert_eq!(whole(&points, "0 ml/a-7f/main gpu.pod.memory.usage{}"), 100);
        shared.watched.ends().await;
    }
}

#[tokio::test]
async fn processes_are_asked_for_once_a_medium_round_and_more_than_a_page_of_them_too() {
    let mut shared = shared(Card::L40S);
    shared.until("0 ml/a-7f/main gpu.pod.memory.usage").await;
    let functions = ["nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetProcessUtilization"];
    let calls = |shared: &Shared| functions.map(|function| shared.watched.stub.calls(function));
    let before = calls(&shared);
    shared.minute_later().await;
    let after = calls(&shared);
    assert_eq!([after[0] - before[0], after[1] - before[1]], [1, 1]);
    let many: Vec<_> = (1000..1300).map(|pid| (pid, 1, 1)).collect();
    shared.watched.stub.change(|node| on(&mut node.gpus[0], &many)).unwrap();
    let points = shared.minute_later().await;
    assert_eq!(whole(&points, "0 - gpu.pod.memory.usage{}"), 300, "nobody's: none can be seen");
    assert_eq!(whole(&points, "0 - gpu.process.count{}"), 300);
    shared.watched.ends().await;
}

#[tokio::test]
async fn memory_that_the_driver_knows_of_no_process_is_not_zero() {
    const NOT_AVAILABLE: u64 = u64::MAX; // NVML_VALUE_NOT_AVAILABLE
    for host_pid in [false, true] {
        let mut node = Card::L40S.node(1);
        on(&mut node.gpus[0], &[(10, NOT_AVAILABLE, 20)]);
        let mut shared = Shared::over(node, |config| config.pods.host_pid = host_pid);
        let points = shared.minute_later().await;
        assert_eq!(whole(&points, "0 - gpu.process.count{}"), 1);
        assert!(!has(&points, "0 - gpu.process.memory.usage{"), "{host_pid}");
        shared.watched.stub.change(|node| node.gpus[0].processes.clear()).unwrap();
        let points = shared.minute_later().await;
        assert_eq!(whole(&points, "0 - gpu.process.memory.usage{}"), 0, "{host_pid}");
        shared.watched.ends().await;
    }
}
