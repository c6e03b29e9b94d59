//! A round over known GPUs allocates the same for one GPU as for eight: nothing for a GPU, a metric or a point.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::time::Duration;

use weir_config::Duration as ConfigDuration;
use weir_core::ReceiverFactory as _;
use weir_counting_alloc::{Counting, allocations};
use weir_nvml_stub::{Card, Gpu, Stub};
use weir_receivers::nvml::{Nvml, NvmlConfig};
use weir_testkit::{Fixture, Given, Kubelet, ROOM, way_out};

#[global_allocator]
static ALLOCATOR: Counting = Counting(std::alloc::System);

/// What this thread asks for, which is all but the GPUs' own threads, in a minute's round after several; and how many points it has. With pods, each
/// GPU has one; then the kubelet goes away, so that its answers are not counted.
fn of_a_round(gpus: usize, metrics: &str, has_pods: bool) -> (u64, u64) {
    let stub = Stub::new(Card::H100.node(gpus)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let fixture = Fixture::new();
    let context = fixture.context("nvml");
    let (output, mut inbox) = way_out(&context, ROOM);
    let zero = ConfigDuration::from_secs(0);
    let metrics = vec![metrics.to_owned()];
    let mut config =
        NvmlConfig { library: stub.path(), initial_delay: zero, metrics, ..NvmlConfig::default() };
    config.pods.enabled = has_pods;
    config.pods.endpoint = stub.folder().join("kubelet.sock");
    let kubelet = has_pods.then(|| {
        let _runtime = runtime.enter();
        let kubelet = Kubelet::at(&config.pods.endpoint).unwrap();
        let given = |gpu: &Gpu| Given::by_plugin(&format!("ml/of-{}/main", gpu.uuid), &gpu.uuid);
        kubelet.gives(&stub.node().gpus.iter().map(given).collect::<Vec<_>>());
        kubelet
    });
    let task = runtime.spawn(Nvml::build(config, context.clone()).run(output));
    let mut round = || {
        let points =
            runtime.block_on(async { inbox.recv().await.expect("the receiver runs").into_batch().points() });
        fixture.clock.advance(Duration::from_secs(60));
        points
    };
    while kubelet.as_ref().is_some_and(|kubelet| kubelet.asked() < 2) {
        _ = round(); // with the second question, the first answer is there
    }
    drop(kubelet);
    (0..5).for_each(|_| _ = round());
    // Of several: the channel of reports takes a new block now and then.
    let least = (0..20).map(|_| allocations(&mut round)).min().unwrap();
    context.drain.begun.cancel();
    runtime.block_on(task).unwrap().unwrap();
    least
}

#[test]
fn seven_more_gpus_allocate_nothing_more() {
    // Of each link too, and whether each metric is supported.
    for (metrics, least_points) in [("default", 50), ("all", 400)] {
        let ((one, points_of_one), (eight, points_of_eight)) =
            (of_a_round(1, metrics, false), of_a_round(8, metrics, false));
        let points = (points_of_one, points_of_eight);
        assert!(points.0 > least_points && points.1 > 7 * points.0, "{metrics}: {points:?}");
        assert_eq!(eight, one, "{metrics}: allocations of a round");
        assert!(one < 20, "{metrics}: {one} allocations of a round");
    }
}

#[test]
fn pods_allocate_nothing_more_either() {
    let (one, _) = of_a_round(1, "default", true);
    let ((eight, points), (_, without)) = (of_a_round(8, "default", true), of_a_round(8, "default", false));
    assert_eq!(points, without + 8 * 4 + 1, "four figures a pod, and whether the kubelet answers");
    assert_eq!(eight, one, "allocations of a round");
}
