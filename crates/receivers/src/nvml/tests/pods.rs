//! Which pods have the GPUs: a real kubelet's API over a socket, GPUs of a stub.

use std::{collections::BTreeMap, fs, path::PathBuf};

use weir_core::{Batch, UnixNanos};
use weir_nvml_stub::{Card, Node, Stub, Xid};
use weir_testkit::{Given, Kubelet};

use super::{super::Profile, Watched, instances::divided};

/// GPUs, and a kubelet beside them.
pub(super) struct Shared {
    pub(super) watched: Watched,
    pub(super) kubelet: Kubelet,
    pub(super) socket: PathBuf,
}

/// A counter's or a gauge's point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) start: UnixNanos,
    pub(super) time: UnixNanos,
    pub(super) value: f64,
}

/// Changes what a kubelet says.
type Change = Box<dyn Fn(&Kubelet)>;

/// Far more rounds than a kubelet beside them needs to answer.
const ROUNDS: usize = 10_000;

/// By `index pod/container metric{attribute=value,…}`; a counter's last point where its owner changed comes twice, under two names.
pub(super) type Points = BTreeMap<String, Point>;

/// The id that a device plugin gives for the GPU of this index.
pub(super) fn uuid(index: usize) -> String {
    Card::H100.gpu(index).uuid
}

pub(super) fn given(container: &str, index: usize) -> Given {
    Given::by_plugin(container, &uuid(index))
}

impl Shared {
    pub(super) fn over(node: Node, change: impl FnOnce(&mut super::NvmlConfig)) -> Self {
        let stub = Stub::new(node).unwrap();
        let socket = stub.folder().join("kubelet.sock");
        let kubelet = Kubelet::at(&socket).unwrap();
        let watched = Watched::over(stub, |config| {
            config.pods.endpoint.clone_from(&socket);
            change(config);
        });
        Self { watched, kubelet, socket }
    }

    pub(super) fn of(node: Node) -> Self {
        Self::over(node, |_| {})
    }

    pub(super) async fn minute_later(&mut self) -> Points {
        let batch = self.watched.minutes_batch().await;
        self.points(&batch)
    }

    fn points(&self, batch: &Batch) -> Points {
        let mut points = Points::new();
        for point in &batch.numbers {
            let series = self.watched.fixture.series(point.series);
            let of_resource =
                |key: &str| series.resource().attributes.get(key).map_or("-".to_owned(), ToString::to_string);
            let attributes: Vec<String> = series
                .attributes()
                .iter()
                .map(|attribute| format!("{}={}", attribute.key, attribute.value))
                .collect();
            let owner = match of_resource("k8s.namespace.name").as_str() {
                "-" if of_resource("k8s.pod.uid") == "-" => "-".to_owned(),
                "-" => format!(
                    "{}/{}",
                    of_resource("k8s.pod.uid"),
                    of_resource("container.id").trim_start_matches('0')
                ),
                namespace => format!(
                    "{namespace}/{}/{}",
                    of_resource("k8s.pod.name"),
                    of_resource("k8s.container.name")
                ),
            };
            let (index, name) = (of_resource("gpu.index"), &series.descriptor().name);
            let name = format!("{index} {owner} {name}{{{}}}", attributes.join(","));
            let value = Point { start: point.start, time: point.time, value: point.value().as_f64() };
            assert_eq!(points.insert(name.clone(), value), None, "{name} comes twice");
        }
        points
    }

    /// Rounds until one has a figure whose name begins so: what the kubelet says is known when it has answered.
    pub(super) async fn until(&mut self, start: &str) -> Points {
        let mut points = Points::new();
        for _ in 0..ROUNDS {
            points = self.minute_later().await;
            if has(&points, start) {
                return points;
            }
        }
        panic!("no {start} among {:#?}", points.keys());
    }

    /// Rounds until what the kubelet says now has been asked for twice: then the first answer has arrived.
    async fn until_asked_twice(&mut self) -> Points {
        let asked = self.kubelet.asked();
        for _ in 0..ROUNDS {
            let points = self.minute_later().await;
            if self.kubelet.asked() >= asked + 2 {
                return points;
            }
        }
        panic!("the kubelet is not asked");
    }
}

pub(super) fn has(points: &Points, start: &str) -> bool {
    points.keys().any(|name| name.starts_with(start))
}

#[track_caller]
pub(super) fn value(points: &Points, name: &str) -> f64 {
    let near = || -> Vec<&String> {
        let metric = name.split([' ', '{']).nth(2).unwrap_or_default();
        points.keys().filter(|key| key.contains(metric)).collect()
    };
    points.get(name).unwrap_or_else(|| panic!("{name} is not among {:#?}", near())).value
}

/// The same, where it is a whole number.
#[track_caller]
pub(super) fn whole(points: &Points, name: &str) -> i64 {
    let found = value(points, name);
    assert!((found - found.round()).abs() < 1e-6, "{name} is {found}");
    found.round() as i64
}

const ENERGY: &str = "hw.energy{hw.type=gpu}";

#[tokio::test]
async fn what_a_program_does_with_a_gpu_is_its_containers_and_how_the_board_is_nobodys() {
    let mut shared = Shared::of(Card::H100.node(2));
    shared.kubelet.gives(&[given("ml/job-0/trainer", 1)]);
    let points = shared.until("1 ml/job-0/trainer hw.power").await;
    for figure in ["hw.gpu.utilization{hw.gpu.task=general}", "hw.gpu.memory.usage{}", "hw.power{", ENERGY] {
        assert!(has(&points, &format!("1 ml/job-0/trainer {figure}")), "{figure}");
        assert!(has(&points, &format!("0 - {figure}")), "{figure} of the other GPU");
        assert!(!has(&points, &format!("0 ml/job-0/trainer {figure}")), "{figure} of the other GPU");
    }
    for figure in ["hw.errors{", "gpu.up{", "gpu.health{", "hw.temperature{", "gpu.memory.remapped_rows{"] {
        assert!(has(&points, &format!("1 - {figure}")), "{figure}");
        assert!(!has(&points, &format!("1 ml/job-0/trainer {figure}")), "{figure}");
    }
    assert_eq!(whole(&points, "- - gpu.pods.up{}"), 1);
    shared.watched.ends().await;
}

#[tokio::test]
async fn under_the_names_of_dcgm_exporter_pods_are_its_labels() {
    let mut shared = Shared::over(Card::H100.node(1), |config| config.profile = Profile::Dcgm);
    shared.kubelet.gives(&[given("ml/job-0/trainer", 0)]);
    shared.until(&format!("0 - DCGM_FI_DEV_GPU_UTIL{{UUID={},container=", uuid(0))).await;
    let points = shared.minute_later().await;
    for metric in ["DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL"] {
        let found: Vec<&String> =
            points.keys().filter(|name| name.contains(&format!(" {metric}{{"))).collect();
        let [name] = *found else { panic!("{metric}: {found:?}") };
        for label in ["container=trainer", "namespace=ml", "pod=job-0", "gpu=0", "device=nvidia0"] {
            assert!(name.contains(label), "{label} in {name}");
        }
    }
    shared.watched.ends().await;
}

#[tokio::test]
async fn each_pod_has_its_own_energy_and_all_of_it_together_is_the_gpus() {
    let mut node = Card::H100.node(1);
    let set = |watched: &mut Watched, joules: u64| {
        watched.stub.change(|node| _ = node.gpus[0].fields.insert(83, joules * 1000)).unwrap();
    };
    node.gpus[0].fields.insert(83, 1_000_000);
    let mut shared = Shared::of(node);
    shared.minute_later().await;
    set(&mut shared.watched, 1200);
    let points = shared.minute_later().await;
    assert_eq!(whole(&points, &format!("0 - {ENERGY}")), 1200, "nobody's so far");

    shared.kubelet.gives(&[given("ml/a/main", 0)]);
    let first = shared.until("0 ml/a/main hw.energy").await;
    let of_a = first[&format!("0 ml/a/main {ENERGY}")];
    assert!(of_a.value.abs() < 1e-9 && of_a.start == of_a.time, "from its first sight: {of_a:?}");
    assert_eq!(whole(&first, &format!("0 - {ENERGY}")), 1200, "nobody's last point");
    set(&mut shared.watched, 1500);
    let points = shared.minute_later().await;
    assert_eq!(whole(&points, &format!("0 ml/a/main {ENERGY}")), 300);
    assert!(!has(&points, &format!("0 - {ENERGY}")), "one stream at a time");

    // While the next pod is not known yet, nothing is used.
    shared.kubelet.gives(&[given("ml/b/main", 0)]);
    let points = shared.until("0 ml/b/main hw.energy").await;
    assert_eq!(whole(&points, &format!("0 ml/a/main {ENERGY}")), 300, "its last point");
    assert_eq!(whole(&points, &format!("0 ml/b/main {ENERGY}")), 0);
    set(&mut shared.watched, 1600);
    assert_eq!(whole(&shared.minute_later().await, &format!("0 ml/b/main {ENERGY}")), 100);

    shared.kubelet.gives(&[]);
    let points = shared.until("0 - hw.energy").await;
    assert_eq!(whole(&points, &format!("0 - {ENERGY}")), 1200, "where nobody's was");
    set(&mut shared.watched, 1601);
    let points = shared.minute_later().await;
    assert_eq!(whole(&points, &format!("0 - {ENERGY}")), 1201);
    assert!(points[&format!("0 - {ENERGY}")].start < of_a.start, "the same stream as at first");
    shared.watched.ends().await;
}

#[tokio::test]
async fn a_gpu_that_several_share_has_figures_of_nobody_and_its_time_is_divided() {
    let mut shared = Shared::of(Card::L40S.node(1));
    let share =
        |container: &str, replica: &str| Given::by_plugin(container, &format!("{}::{replica}", uuid(0)));
    shared.kubelet.gives(&[share("ml/a/main", "0"), share("ml/a/main", "1"), share("ml/b/main", "2")]);
    shared.until("0 ml/a/main gpu.pod.allocated.time").await;
    let points = shared.minute_later().await;
    assert!(has(&points, "0 - hw.power") && has(&points, "0 - hw.energy"));
    assert!(!has(&points, "0 ml/a/main hw.") && !has(&points, "0 ml/b/main hw."));
    for (container, share) in [("ml/a/main", 2.0 / 3.0), ("ml/b/main", 1.0 / 3.0)] {
        let point = points[&format!("0 {container} gpu.pod.allocated.time{{}}")];
        let passed = point.time.since(point.start).as_secs_f64();
        assert!(passed > 0.0 && (point.value - passed * share).abs() < 1e-6, "{container}: {point:?}");
        for told in ["active.time", "energy"] {
            assert!(!has(&points, &format!("0 {container} gpu.pod.{told}")), "nobody knows whose it was");
        }
    }
    shared.watched.ends().await;
}

#[tokio::test]
async fn time_that_a_pod_has_a_gpu_is_told_from_time_that_it_works_and_memory_is_held_for_nothing() {
    let mut node = Card::H100.node(2);
    node.gpus[0].set("utilization", 25);
    node.gpus[1].set("utilization", 0).set("memory.used", 1 << 30);
    let mut shared = Shared::of(node);
    shared.kubelet.gives(&[given("ml/busy/main", 0), given("ml/idle/main", 1)]);
    shared.until("0 ml/busy/main gpu.pod.active.time").await;
    let points = shared.minute_later().await;
    let ratio = |index: usize, pod: &str, metric: &str| {
        let point = points[&format!("{index} ml/{pod}/main gpu.pod.{metric}{{}}")];
        point.value / point.time.since(point.start).as_secs_f64()
    };
    let is = |found: f64, expected: f64| (found - expected).abs() < 1e-6 * (1.0 + expected);
    assert!(is(ratio(0, "busy", "allocated.time"), 1.0) && is(ratio(1, "idle", "allocated.time"), 1.0));
    assert!(is(ratio(0, "busy", "active.time"), 0.25) && is(ratio(1, "idle", "active.time"), 0.0));
    let gibibyte = f64::from(1 << 30);
    assert!(is(ratio(0, "busy", "idle.memory"), 0.0) && is(ratio(1, "idle", "idle.memory"), gibibyte));

    // Whoever has gone has a last point, and then none.
    shared.kubelet.gives(&[given("ml/busy/main", 0)]);
    loop {
        if !has(&shared.minute_later().await, "1 ml/idle/main gpu.pod.") {
            break;
        }
    }
    shared.watched.ends().await;
}

#[tokio::test]
async fn an_instance_of_a_divided_gpu_has_its_own_pod() {
    let node = Card::A100Mig.node(1);
    let mig = node.gpus[0].instances[0].uuid.clone();
    let mut shared = Shared::of(node);
    shared
        .kubelet
        .gives(&[Given::by_plugin("ml/a/main", &mig), Given::by_claim("ml/b/main", "gpu-0-mig-3g20gb-9-4")]);
    shared.until("0 ml/b/main gpu.pod.allocated.time").await;
    let points = shared.minute_later().await;
    for (container, instance) in [("ml/a/main", 1), ("ml/b/main", 2)] {
        let of = |metric: &str| format!("0 {container} gpu.{metric}{{gpu.instance.id={instance}}}");
        assert_eq!(whole(&points, &of("instance.memory.usage")), 4 << 30);
        let time = points[&of("pod.allocated.time")];
        let passed = time.time.since(time.start).as_secs_f64();
        assert!((time.value - passed * 3.0 / 7.0).abs() < 1e-6, "three of seven slices: {time:?}");
        assert!(!has(&points, &format!("0 {container} hw.")), "the GPU's figures are nobody's");
        assert!(!has(&points, &format!("0 {container} gpu.pod.active.time")), "it does not tell");
    }
    shared.watched.ends().await;
}

#[tokio::test]
async fn an_instance_that_counts_while_it_runs_tells_how_much_of_its_time_its_pod_used() {
    let node = divided();
    let migs: Vec<String> = node.gpus[0].instances.iter().map(|instance| instance.uuid.clone()).collect();
    let mut shared = Shared::of(node);
    let share =
        |container: &str, replica: u32| Given::by_plugin(container, &format!("{}::{replica}", migs[1]));
    shared.kubelet.gives(&[
        Given::by_plugin("ml/a/main", &migs[0]),
        share("ml/b/main", 0),
        share("ml/c/main", 1),
    ]);
    let before = shared.until("0 ml/a/main gpu.pod.active.time").await;
    let after = shared.minute_later().await;
    let of = |metric: &str| {
        let name = format!("0 ml/a/main gpu.pod.{metric}{{gpu.instance.id=1}}");
        value(&after, &name) - value(&before, &name)
    };
    // Three of seven slices for a minute, of which its graphics engine worked a quarter.
    let slices = 60.0 * 3.0 / 7.0;
    assert!((of("allocated.time") - slices).abs() < 1e-6, "{}", of("allocated.time"));
    assert!((of("active.time") - slices / 4.0).abs() < 1e-6, "{}", of("active.time"));
    for pod in ["b", "c"] {
        assert!(has(&after, &format!("0 ml/{pod}/main gpu.pod.allocated.time")), "{pod}");
        assert!(
            !has(&after, &format!("0 ml/{pod}/main gpu.pod.active.time")),
            "{pod}: whose it was is not told"
        );
    }
    assert!(
        !after.keys().any(|name| name.contains("gpu.pod.energy")),
        "the driver tells no instance's energy"
    );
    shared.watched.ends().await;
}

#[tokio::test]
async fn an_xid_is_counted_for_the_pod_of_that_moment_and_with_its_instance() {
    let mut shared = Shared::of(Card::H100.node(1));
    let of_13 = "gpu.xid.errors{gpu.xid.class=application,gpu.xid.code=13,gpu.xid.resolution=restart_app}";
    let xid = |watched: &mut Watched, code, instance| {
        watched.stub.change(|node| node.gpus[0].xids.push(Xid { code, instance })).unwrap();
    };
    shared.kubelet.gives(&[given("ml/a/main", 0)]);
    shared.until("0 ml/a/main hw.power").await;
    xid(&mut shared.watched, 13, None);
    let points = shared.until("0 ml/a/main gpu.xid.errors").await;
    assert_eq!(whole(&points, &format!("0 ml/a/main {of_13}")), 1);
    assert!(has(&points, "0 - gpu.xid.errors{gpu.xid.class=hardware,gpu.xid.code=79"), "zeros are nobody's");

    shared.kubelet.gives(&[given("ml/b/main", 0)]);
    shared.until("0 ml/b/main hw.power").await;
    xid(&mut shared.watched, 13, None);
    let points = shared.until("0 ml/b/main gpu.xid.errors").await;
    assert_eq!(whole(&points, &format!("0 ml/a/main {of_13}")), 1, "it stays where it was");

    shared.kubelet.gives(&[]);
    shared.until("0 - hw.power").await;
    xid(&mut shared.watched, 13, Some(4));
    let with_instance = "0 - gpu.xid.errors{gpu.instance.id=4,gpu.xid.class=application,gpu.xid.code=13";
    let points = shared.until(with_instance).await;
    let all = points.keys().filter(|name| name.contains("gpu.xid.code=13,"));
    assert_eq!(all.map(|name| whole(&points, name)).sum::<i64>(), 3, "each is counted once");
    shared.watched.ends().await;
}

#[tokio::test]
async fn an_xid_of_an_instance_is_of_the_pod_that_has_it() {
    let node = Card::A100Mig.node(1);
    let migs: Vec<String> = node.gpus[0].instances.iter().map(|instance| instance.uuid.clone()).collect();
    let mut shared = Shared::of(node);
    shared.kubelet.gives(&[Given::by_plugin("ml/a/main", &migs[0]), Given::by_plugin("ml/b/main", &migs[1])]);
    shared.until("0 ml/b/main gpu.instance.memory.usage").await;
    shared.watched.stub.change(|node| node.gpus[0].xids.push(Xid { code: 94, instance: Some(2) })).unwrap();
    let points = shared.until("0 ml/b/main gpu.xid.errors{gpu.instance.id=2,").await;
    assert!(!has(&points, "0 ml/a/main gpu.xid.errors"));
    shared.watched.ends().await;
}

#[tokio::test]
async fn without_a_kubelet_nothing_is_said_of_pods_and_one_that_comes_or_restarts_is_found() {
    let mut shared = Shared::of(Card::H100.node(1));
    drop(shared.kubelet);
    let mut watched = shared.watched;
    assert!(!super::has(&watched.minute_later().await, "- gpu.pods.up"), "no node of Kubernetes");
    shared = Shared { kubelet: Kubelet::at(&shared.socket).unwrap(), watched, socket: shared.socket };
    shared.kubelet.gives(&[given("ml/a/main", 0)]);
    shared.until("0 ml/a/main hw.power").await;

    drop(shared.kubelet);
    watched = shared.watched;
    loop {
        let round = watched.minute_later().await;
        if super::int(&round, "- gpu.pods.up{}") == 0 {
            break;
        }
    }
    shared = Shared { kubelet: Kubelet::at(&shared.socket).unwrap(), watched, socket: shared.socket };
    shared.kubelet.hangs();
    let points = shared.minute_later().await;
    assert!(has(&points, "0 ml/a/main hw.power"), "without its kubelet, a node gives no GPU to others");
    shared.kubelet.gives(&[given("ml/b/main", 0)]);
    let points = shared.until("0 ml/b/main hw.power").await;
    assert_eq!(whole(&points, "- - gpu.pods.up{}"), 1);
    shared.watched.ends().await;
}

#[tokio::test]
async fn whatever_a_kubelet_says_or_does_not_say_rounds_go_on() {
    let mut shared = Shared::of(Card::H100.node(1));
    shared.kubelet.gives(&[given("ml/a/main", 0)]);
    shared.until("0 ml/a/main hw.power").await;
    let long = "x".repeat(300);
    let thousands: Vec<Given> =
        (0..20_000).map(|number| Given::by_plugin("ml/other/main", &format!("GPU-{number}"))).collect();
    let changes: [(&str, Change); 6] = [
        ("a refusal", Box::new(|kubelet| kubelet.refuses(8))),
        ("an older kubelet", Box::new(|kubelet| kubelet.refuses(12))),
        ("no answer", Box::new(Kubelet::hangs)),
        ("garbage", Box::new(|kubelet| kubelet.says(vec![0xff; 1000]))),
        ("17 MiB", Box::new(|kubelet| kubelet.says(vec![0; 17 << 20]))),
        (
            "names that cannot be",
            Box::new(move |kubelet| {
                let mut all = thousands.clone();
                all.insert(0, Given::by_plugin(&format!("ml/{long}/main"), &uuid(0)));
                kubelet.gives(&all);
            }),
        ),
    ];
    for (what, change) in changes {
        change(&shared.kubelet);
        let points = shared.until_asked_twice().await;
        assert!(has(&points, "0 - gpu.up"), "{what}");
        assert!(!points.keys().any(|name| name.contains("xxx")), "{what}");
    }
    fs::remove_file(&shared.socket).unwrap();
    assert!(has(&shared.minute_later().await, "0 - gpu.up"));
    shared.watched.ends().await;
}

#[tokio::test]
async fn pods_cost_no_call_of_nvml_but_one_of_how_the_gpu_is_divided() {
    let mut shared = Shared::of(Card::H100.node(1));
    shared.kubelet.gives(&[given("ml/a/main", 0)]);
    shared.until("0 ml/a/main hw.power").await;
    let functions =
        ["nvmlDeviceGetMigMode", "nvmlDeviceGetMaxMigDeviceCount", "nvmlDeviceGetProcessUtilization"];
    let calls = |shared: &Shared| functions.map(|function| shared.watched.stub.calls(function));
    let before = calls(&shared);
    shared.minute_later().await;
    let after = calls(&shared);
    assert_eq!([0, 1, 2].map(|at| after[at] - before[at]), [1, 0, 0], "of a minute's round");
    shared.watched.ends().await;
}
