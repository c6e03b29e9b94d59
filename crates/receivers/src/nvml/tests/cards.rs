//! What cards of real models are said to have, and what each call costs.

use weir_core::Number;
use weir_nvml_stub::{Card, Process, Stub};

use super::{
    super::{
        Profile,
        catalogue::{CALLS, FIELDS},
        metric::Metric,
    },
    Watched, has, int,
};

#[tokio::test]
async fn every_figure_arrives_in_its_unit() {
    let mut node = Card::H100.node(1);
    node.gpus[0].set("utilization", 87).set("power", 612_345).set("temperature", 66).set("clock.sm", 1755);
    node.gpus[0].set("event.reasons", 0x40).set("encoder", 12);
    node.gpus[0].fields.extend([
        (83, 7_000_500),
        (138, 3),
        (74, 2_500_000_000),
        (197, 4096),
        (82, 71),
        (94, 9),
    ]);
    node.gpus[0].processes =
        vec![Process { pid: 1, memory: 1000, sm: 5 }, Process { pid: 2, memory: 24, sm: 5 }];
    let mut watched = Watched::of(node);
    let round = watched.round().await;
    let double = |name: &str| match round[name] {
        Number::Double(value) => format!("{value:.3}"),
        Number::Int(_) => panic!("{name} is an integer"),
    };
    assert_eq!(double("0 hw.gpu.utilization{hw.gpu.task=general}"), "0.870");
    assert_eq!(double("0 hw.gpu.utilization{hw.gpu.task=encoder}"), "0.120");
    assert_eq!(double("0 hw.power{hw.type=gpu}"), "612.345");
    assert_eq!(double("0 hw.energy{hw.type=gpu}"), "7000.500");
    assert_eq!(double("0 gpu.clock.event.time{reason=power}"), "2.500");
    assert_eq!(double("0 hw.gpu.io{gpu.interface=nvlink,network.io.direction=transmit}"), "3072.000");
    assert_eq!(int(&round, "0 hw.gpu.io{gpu.interface=pcie,network.io.direction=transmit}"), 4096);
    assert_eq!(int(&round, "0 hw.temperature{gpu.sensor=die,hw.type=gpu}"), 66);
    assert_eq!(int(&round, "0 hw.temperature{gpu.sensor=memory,hw.type=gpu}"), 71);
    assert_eq!(int(&round, "0 hw.gpu.memory.usage{}"), 5 << 30);
    assert_eq!(int(&round, "0 hw.gpu.memory.limit{}"), (15 << 30) + (1 << 29));
    assert_eq!(int(&round, "0 gpu.clock.frequency{gpu.clock=sm}"), 1755);
    assert_eq!(int(&round, "0 gpu.clock.event{reason=hw_thermal_slowdown}"), 1);
    assert_eq!(int(&round, "0 gpu.clock.event{reason=sw_power_cap}"), 0);
    assert_eq!(int(&round, "0 gpu.process.count{}"), 2);
    assert_eq!(int(&round, "0 gpu.process.memory.usage{}"), 1024);
    assert_eq!(int(&round, "0 gpu.up{}"), 1);
    assert_eq!(int(&round, "- gpu.count{}"), 1);
    watched.ends().await;
}

#[tokio::test]
async fn what_a_model_does_not_support_has_no_point() {
    let pages = "0 gpu.memory.retired_pages{";
    let rows = "0 gpu.memory.remapped_rows{";
    let nvlink = "0 hw.gpu.io{gpu.interface=nvlink";
    let memory_sensor = "0 hw.temperature{gpu.sensor=memory";
    let sram = "0 gpu.memory.sram.threshold_exceeded{";
    let load = "0 hw.gpu.utilization{hw.gpu.task=general";
    let fan = "0 hw.fan.speed_ratio";
    let all = [pages, rows, nvlink, memory_sensor, sram, load, fan];
    let cards: [(Card, &[&str]); 7] = [
        (Card::T4, &[pages, load]),
        (Card::A10G, &[rows, load]),
        (Card::A100, &[rows, nvlink, memory_sensor, load]),
        (Card::A100Mig, &[nvlink, memory_sensor]),
        (Card::H100, &[rows, nvlink, memory_sensor, sram, load]),
        (Card::H200, &[rows, nvlink, memory_sensor, sram, load]),
        (Card::L40S, &[rows, load]),
    ];
    for (card, supported) in cards {
        let mut watched = Watched::of(card.node(1));
        let round = watched.round().await;
        let found: Vec<&str> = all.into_iter().filter(|name| has(&round, name)).collect();
        let expected: Vec<&str> = all.into_iter().filter(|name| supported.contains(name)).collect();
        assert_eq!(found, expected, "{card:?}");
        watched.ends().await;
    }
}

#[tokio::test]
async fn memory_of_a_divided_card_is_said_by_instance() {
    let mut watched = Watched::of(Card::A100Mig.node(1));
    let round = watched.round().await;
    for instance in [1, 2] {
        let name = |name: &str| format!("0 gpu.instance.memory.{name}{{gpu.instance.id={instance}}}");
        assert_eq!(int(&round, &name("usage")), 4 << 30);
        assert_eq!(int(&round, &name("limit")), 19 << 30);
    }
    watched.ends().await;
}

#[tokio::test]
async fn a_metric_that_is_listed_says_what_each_gpu_supports() {
    let mut watched = Watched::over(Stub::new(Card::A10G.node(1)).unwrap(), |config| {
        config.metrics =
            ["gpu.metric.supported", "gpu.memory.retired_pages", "hw.power"].map(str::to_owned).to_vec();
    });
    let round = watched.round().await;
    assert_eq!(int(&round, "0 gpu.metric.supported{hw.type=gpu,metric=hw.power}"), 1);
    assert_eq!(int(&round, "0 gpu.metric.supported{cause=double_bit,metric=gpu.memory.retired_pages}"), 0);
    watched.ends().await;
}

#[tokio::test]
async fn calls_are_as_many_as_each_tier_says() {
    let mut watched = Watched::of(Card::H100.node(1));
    watched.batch().await;
    let functions = [
        "nvmlDeviceGetUUID",
        "nvmlDeviceGetUtilizationRates",
        "nvmlDeviceGetMemoryInfo_v2",
        "nvmlDeviceGetTemperature",
        "nvmlDeviceGetPowerUsage",
        "nvmlDeviceGetClockInfo",
        "nvmlDeviceGetCurrentClocksEventReasons",
        "nvmlDeviceGetFieldValues",
        "nvmlDeviceGetMemoryErrorCounter",
        "nvmlDeviceGetComputeRunningProcesses_v3",
        "nvmlDeviceGetMigMode",
    ];
    let calls = |watched: &Watched| functions.map(|function| watched.stub.calls(function));
    let difference = |before: [u64; 11], after: [u64; 11]| std::array::from_fn(|at| after[at] - before[at]);
    // To a second that is no multiple of ten: the fast tier alone.
    let to = 21 - watched.fixture.clock.now().seconds() % 10;
    let before = calls(&watched);
    watched.fixture.clock.advance(std::time::Duration::from_secs(to % 10));
    watched.batch().await;
    let fast: [u64; 11] = difference(before, calls(&watched));
    assert_eq!(fast, [1, 1, 1, 1, 1, 2, 1, 1, 0, 0, 0], "a second: 8 calls, all its fields in one");
    let before = calls(&watched);
    watched.minute_later().await;
    let all: [u64; 11] = difference(before, calls(&watched));
    assert_eq!(all, [1, 1, 1, 1, 1, 4, 1, 3, 8, 1, 1], "a minute: one field call a tier");
    watched.ends().await;
}

#[tokio::test]
async fn dashboards_of_others_find_their_names() {
    let mut node = Card::H100.node(1);
    node.gpus[0].set("power", 612_345);
    for (profile, names) in [
        (Profile::Dcgm, ["DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_FB_USED", "DCGM_FI_DEV_POWER_USAGE"]),
        (Profile::Cwagent, ["nvidia_smi_utilization_gpu", "nvidia_smi_memory_used", "nvidia_smi_power_draw"]),
    ] {
        let mut watched = Watched::over(Stub::new(node.clone()).unwrap(), |config| config.profile = profile);
        let round = watched.round().await;
        let value = |name: &str| {
            let found = round.iter().find(|(key, _)| key.starts_with(&format!("0 {name}{{")));
            format!("{:.3}", found.unwrap().1.as_f64())
        };
        assert_eq!(names.map(value), ["37.000", "5120.000", "612.345"], "percent, MiB, watts");
        watched.ends().await;
    }
}

#[test]
fn a_name_has_one_unit_and_one_shape_and_with_its_attributes_it_is_unique() {
    let metrics =
        || CALLS.iter().flat_map(|call| call.metrics).chain(FIELDS.iter().map(|field| &field.metric));
    for profile in [Profile::Semconv, Profile::Dcgm, Profile::Cwagent, Profile::GpuHealth] {
        let named = |metric: &'static Metric| metric.under(profile).map(|name| (name, metric.attributes));
        let all: Vec<_> = metrics().filter_map(named).collect();
        for (at, (name, attributes)) in all.iter().enumerate() {
            for (other, others) in &all[at + 1..] {
                if name.name == other.name {
                    assert_eq!((name.unit, name.shape), (other.unit, other.shape), "{}", name.name);
                    assert_ne!(attributes, others, "{}", name.name);
                    assert_eq!(
                        profile,
                        Profile::Semconv,
                        "{}: attributes do not tell them apart there",
                        name.name
                    );
                }
            }
        }
    }
    assert!(FIELDS.iter().all(|field| field.id <= 250), "above 250 ids differ between drivers");
}
