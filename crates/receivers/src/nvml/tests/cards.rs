//! What cards of real models are said to have, and what each call costs.

use weir_nvml_stub::{Card, Stub};

use super::{
    super::{
        Profile,
        catalogue::{fields, metrics},
        metric::Metric,
    },
    Watched, has, int,
};

#[tokio::test]
async fn what_a_model_does_not_support_has_no_point() {
    let pages = "0 gpu.memory.retired_pages{";
    let rows = "0 gpu.memory.remapped_rows{";
    let nvlink = "0 hw.gpu.io{gpu.interface=nvlink";
    let memory_sensor = "0 hw.temperature{gpu.sensor=memory";
    let sram = "0 gpu.memory.sram.threshold_exceeded{";
    let load = "0 hw.gpu.utilization{hw.gpu.task=general";
    let fan = "0 hw.fan.speed_ratio";
    let engines = "0 hw.gpu.utilization{hw.gpu.task=jpeg";
    let volatile = "0 hw.errors{error.type=uncorrected,gpu.errors.since=driver_load,gpu.memory.location=dram";
    let banks = "0 gpu.memory.remap.banks{spare_rows=all";
    let instances = "0 gpu.instance.memory.usage";
    let all = [pages, rows, nvlink, memory_sensor, sram, load, fan, engines, volatile, banks, instances];
    // As recorded outputs of `nvidia-smi -q` have it, whose `N/A` is no point here: see the stub's `cards`.
    let cards: [(Card, &[&str]); 8] = [
        (Card::T4, &[pages, load, engines, volatile]),
        (Card::A10G, &[rows, sram, load, fan, engines, volatile, banks]),
        (Card::A100, &[rows, nvlink, memory_sensor, sram, load, engines, volatile, banks]),
        (Card::A100Mig, &[nvlink, memory_sensor, sram, volatile, instances]),
        (Card::H100, &[rows, nvlink, memory_sensor, sram, load, engines, volatile, banks]),
        (Card::H200, &[rows, nvlink, memory_sensor, sram, load, engines, volatile, banks]),
        (Card::L40S, &[rows, sram, load, engines, volatile, banks]),
        // Not recorded anywhere: as `nvml.h` says of Blackwell.
        (Card::B200, &[rows, nvlink, memory_sensor, sram, load, engines, volatile, banks]),
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
        "nvmlGpmSampleGet",
        "nvmlGpmMetricsGet",
        "nvmlDeviceGetMarginTemperature",
        "nvmlDeviceGetSramEccErrorStatus",
        "nvmlDeviceGetGpuFabricInfoV",
        "nvmlDeviceGetRepairStatus",
        "nvmlDeviceGetTemperatureThreshold",
    ];
    let calls = |watched: &Watched| functions.map(|function| watched.stub.calls(function));
    let difference = |before: [u64; 18], after: [u64; 18]| std::array::from_fn(|at| after[at] - before[at]);
    // To a second that is no multiple of ten: the fast tier alone.
    let to = 21 - watched.fixture.clock.now().seconds() % 10;
    let before = calls(&watched);
    watched.fixture.clock.advance(std::time::Duration::from_secs(to % 10));
    watched.batch().await;
    let fast: [u64; 18] = difference(before, calls(&watched));
    assert_eq!(fast[..11], [1, 1, 1, 1, 1, 2, 1, 1, 0, 0, 0], "a second: 8 calls, all its fields in one");
    assert_eq!(fast[11..], [0; 7]);
    let before = calls(&watched);
    watched.minute_later().await;
    let all: [u64; 18] = difference(before, calls(&watched));
    assert_eq!(all[..11], [1, 1, 1, 1, 1, 4, 1, 3, 8, 1, 1], "a minute: one field call a tier");
    assert_eq!(all[11..], [1, 1, 1, 1, 1, 1, 0], "limits are asked for where they are listed");
    watched.ends().await;
}

#[test]
fn a_name_has_one_unit_and_one_shape_and_with_its_attributes_it_is_unique() {
    for profile in [Profile::Semconv, Profile::Dcgm, Profile::Cwagent, Profile::GpuHealth] {
        let named = |metric: &'static Metric| {
            let attributes = if profile == Profile::Semconv { metric.attributes } else { &[] };
            metric.under(profile).map(|name| (name, attributes))
        };
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
    let ids = || fields().flat_map(|field| field.sources).map(|source| source.id);
    assert!(ids().all(|id| id <= 273), "these are of before driver 580.82");
}
