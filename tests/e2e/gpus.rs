//! `configs/gpu-health.yaml` and `configs/gpu-daemonset.yaml` as they are, over GPUs of a stub library.

use std::{collections::BTreeSet, path::Path, process::Command};

use weir_cloudwatch_local::Counters;
use weir_nvml_stub::{Card, Gpu, Stub};
use weir_testkit::{Given, Kubelet};

use crate::harness::{FarEnd, Program, Service, Weir, instance, until};

/// What has arrived.
struct Arrived {
    /// `name{dimensions} unit`, and the newest value.
    metrics: Vec<(String, f64)>,
    counters: Counters,
}

/// Runs a file of `configs/`, with `more` set on top, until `points` are held, and answers what then arrives. Nothing is warned of.
async fn stored(file: &str, stub: &Stub, points: f64, more: &[(&str, String)]) -> Arrived {
    let far_end = FarEnd::start().await;
    let imds = Service::start(|asked| Some(instance(asked, None)));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs").join(file);
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.env_clear().env("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.url());
    command.env("WEIR_ROOT", "/").env("K8S_NODE_NAME", "node-7").env("CLUSTER_NAME", "train");
    command.env("POD_NAME", "weir-x7f").env("POD_NAMESPACE", "monitoring");
    command.args(["run", "--log-format", "json", "-c", file.to_str().unwrap()]);
    for (key, value) in [
        ("receivers.nvml.library", stub.path().display().to_string()),
        ("exporters.cloudwatch.endpoint", far_end.0.endpoint()),
        ("service.telemetry.metrics.address", "127.0.0.1:0".to_owned()),
    ]
    .iter()
    .chain(more)
    {
        command.args(["--set", &format!("{key}={value}")]);
    }
    let weir = Weir::ready(Program::spawn(command)).await;
    let is_ready = || (weir.metric("weir_detector_ready", &["detector=\"ec2\""]) == 1.0).then_some(());
    until("the instance's identity", is_ready).await;
    let held = || (weir.metric("weir_held_points", &["cloudwatch"]) >= points).then_some(());
    until("the first round", held).await;
    let log = weir.program.stderr.clone();
    weir.drain().await;
    let log = log.so_far();
    let said: Vec<&str> =
        log.lines().filter(|line| line.contains("WARN") || line.contains("ERROR")).collect();
    assert_eq!(said, Vec::<&str>::new());
    let described = |one: weir_cloudwatch_local::SeriesSummary| {
        let dimensions: Vec<String> =
            one.metric.dimensions.iter().map(|one| format!("{}={}", one.name, one.value)).collect();
        let of_the_metric = (&one.metric.namespace, &one.metric.name, &*one.metric.dimensions);
        let newest = far_end.0.store().datapoints(of_the_metric.0, of_the_metric.1, of_the_metric.2);
        let name = format!("{}{{{}}} {}", one.metric.name, dimensions.join(","), one.unit.as_str());
        (name, newest.last().unwrap().maximum)
    };
    let metrics = far_end.0.store().series().into_iter().map(described).collect();
    Arrived { metrics, counters: far_end.0.counters() }
}

#[tokio::test]
async fn the_replacement_of_the_script_sends_its_three_metrics_of_each_gpu_and_no_others() {
    let mut stub = Stub::new(Card::T4.node(8)).unwrap();
    stub.change(|node| {
        for (index, gpu) in node.gpus.iter_mut().enumerate() {
            let index = index as u64;
            gpu.set("ecc.aggregate.uncorrected.dram", index).set("ecc.aggregate.corrected.dram", 100 + index);
            gpu.set("retired.double", 10 * index);
        }
    })
    .unwrap();
    let Arrived { metrics: mut found, counters } = stored("gpu-health.yaml", &stub, 24.0, &[]).await;
    // A request a minute; the minute may have ended meanwhile.
    assert_eq!((counters.put_requests, counters.datums), (counters.put_accepted, 24 * counters.put_accepted));
    let mut expected = Vec::new();
    for index in 0..8_u32 {
        for (name, value) in [
            ("GPU_Aggregate_Uncorrectable_Errors", index),
            ("GPU_Aggregate_Correctable_Errors", 100 + index),
            ("GPU_Retired_Double_Bit_ECC", 10 * index),
        ] {
            expected.push((format!("{name}{{GPUIndex={index},InstanceId=i-0abc}} Count"), f64::from(value)));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(found, expected);
}

/// A kubelet that gave six of eight GPUs to two pods.
fn two_pods(stub: &Stub) -> (Kubelet, (&'static str, String)) {
    let socket = stub.folder().join("kubelet.sock");
    let kubelet = Kubelet::at(&socket).unwrap();
    let given = |(index, gpu): (usize, &Gpu)| {
        Given::by_plugin(if index < 4 { "ml/train-0/main" } else { "web/infer-0/main" }, &gpu.uuid)
    };
    let given: Vec<Given> = stub.node().gpus.iter().take(6).enumerate().map(given).collect();
    kubelet.gives(&given);
    (kubelet, ("receivers.nvml.pods.endpoint", socket.display().to_string()))
}

#[tokio::test]
async fn a_node_of_eight_gpus_is_at_most_fifty_metrics_with_pods_on() {
    let stub = Stub::new(Card::H100.node(8)).unwrap();
    let (kubelet, endpoint) = two_pods(&stub);
    // Counters of time have an increment from the second medium round on: the points of three rounds.
    let often = ("receivers.nvml.intervals.medium", "1s".to_owned());
    let found = stored("gpu-daemonset.yaml", &stub, 600.0, &[endpoint, often]).await.metrics;
    assert!(kubelet.asked() > 0);
    let names: BTreeSet<&str> = found.iter().filter_map(|(name, _)| name.split('{').next()).collect();
    for expected in [
        "hw.gpu.utilization",
        "hw.power",
        "gpu.health",
        "gpu.up",
        "gpu.pod.allocated.time",
        "gpu.pod.active.time",
        "gpu.pod.idle.memory",
        "system.memory.utilization",
    ] {
        assert!(names.contains(expected), "{expected} among {names:?}");
    }
    assert!(found.iter().all(|(name, _)| name.contains("k8s.node.name=node-7")), "{found:#?}");
    assert!((25..=50).contains(&found.len()), "{} metrics: {found:#?}", found.len());
}

#[tokio::test]
async fn whose_a_gpu_is_can_be_a_dimension_and_weirs_own_pod_never_is() {
    let mut stub = Stub::new(Card::H100.node(8)).unwrap();
    stub.change(|node| node.gpus.iter_mut().take(4).for_each(|gpu| _ = gpu.set("power", 400_000))).unwrap();
    let (_kubelet, endpoint) = two_pods(&stub);
    let more = [
        endpoint,
        ("exporters.cloudwatch.dimensions.resource", "[k8s.namespace.name, k8s.pod.name]".to_owned()),
        ("receivers.nvml.metrics", "[hw.power, gpu.up]".to_owned()),
    ];
    let found = stored("gpu-daemonset.yaml", &stub, 12.0, &more).await.metrics;
    let power: Vec<_> = found.iter().filter(|(name, _)| name.starts_with("hw.power{")).collect();
    let of = |dimensions: &str| {
        let named = format!("hw.power{{{dimensions}}} None");
        power.iter().find(|(name, _)| *name == named).map(|(_, watts)| *watts)
    };
    assert_eq!(of("k8s.namespace.name=ml,k8s.pod.name=train-0"), Some(400.0), "{power:?}");
    assert_eq!(of("k8s.namespace.name=web,k8s.pod.name=infer-0"), Some(71.5), "{power:?}");
    assert!(
        found.iter().all(|(name, _)| !name.contains("weir-x7f") && !name.contains("monitoring")),
        "{found:#?}"
    );
}
