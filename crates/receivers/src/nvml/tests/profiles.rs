//! What the profiles of others publish by themselves: their names, all of them, and nothing else of the catalogue.

use std::collections::BTreeSet;

use weir_nvml_stub::{Card, Gpu, Node, Stub, Xid};

use super::{
    super::{Profile, sink::OWN},
    Watched,
};

/// Names and labels of the second round of a GPU, by default.
async fn published(profile: Profile, gpu: Gpu) -> (BTreeSet<String>, BTreeSet<String>) {
    let node = Node { gpus: vec![gpu], ..Card::H100.node(0) };
    let mut watched = Watched::over(Stub::new(node).unwrap(), |config| config.profile = profile);
    watched.batch().await;
    watched.fixture.clock.advance(std::time::Duration::from_secs(60));
    let batch = watched.batch().await;
    let (mut names, mut labels) = (BTreeSet::new(), BTreeSet::new());
    for point in &batch.numbers {
        let series = watched.fixture.series(point.series);
        let name = series.descriptor().name.to_string();
        if !OWN.contains(&&*name) {
            names.insert(name);
            labels.extend(series.attributes().iter().map(|label| label.key.to_string()));
        }
    }
    watched.ends().await;
    (names, labels)
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn dcgm_exporters_defaults_are_published_with_its_labels() {
    let (names, labels) = published(Profile::Dcgm, Card::H100.gpu(0)).await;
    // Its etc/default-counters.csv, but for licences of virtual GPUs.
    let expected = [
        "DCGM_FI_DEV_SM_CLOCK",
        "DCGM_FI_DEV_MEM_CLOCK",
        "DCGM_FI_DEV_MEMORY_TEMP",
        "DCGM_FI_DEV_GPU_TEMP",
        "DCGM_FI_DEV_POWER_USAGE",
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
        "DCGM_FI_DEV_PCIE_REPLAY_COUNTER",
        "DCGM_FI_DEV_GPU_UTIL",
        "DCGM_FI_DEV_MEM_COPY_UTIL",
        "DCGM_FI_DEV_ENC_UTIL",
        "DCGM_FI_DEV_DEC_UTIL",
        "DCGM_FI_DEV_FB_FREE",
        "DCGM_FI_DEV_FB_USED",
        "DCGM_FI_DEV_FB_RESERVED",
        "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS",
        "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS",
        "DCGM_FI_DEV_ROW_REMAP_FAILURE",
        "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL",
        "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
        "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE",
        "DCGM_FI_PROF_DRAM_ACTIVE",
        "DCGM_FI_PROF_PCIE_TX_BYTES",
        "DCGM_FI_PROF_PCIE_RX_BYTES",
        "DCGM_FI_DEV_XID_ERRORS",
    ];
    assert_eq!(names, set(&expected));
    assert_eq!(labels, set(&["gpu", "UUID", "device", "modelName"]));
}

#[tokio::test]
async fn the_cloudwatch_agents_metrics_are_all_published_with_its_labels() {
    let mut gpu = Card::A10G.gpu(0);
    gpu.set("fan.0", 30);
    let (names, labels) = published(Profile::Cwagent, gpu).await;
    // Its Registered_Metrics_Linux for `nvidia_smi`, and the two engines that it has in another list.
    let expected = [
        "nvidia_smi_utilization_gpu",
        "nvidia_smi_utilization_memory",
        "nvidia_smi_utilization_encoder",
        "nvidia_smi_utilization_decoder",
        "nvidia_smi_temperature_gpu",
        "nvidia_smi_power_draw",
        "nvidia_smi_fan_speed",
        "nvidia_smi_memory_total",
        "nvidia_smi_memory_used",
        "nvidia_smi_memory_free",
        "nvidia_smi_pcie_link_gen_current",
        "nvidia_smi_pcie_link_width_current",
        "nvidia_smi_encoder_stats_session_count",
        "nvidia_smi_encoder_stats_average_fps",
        "nvidia_smi_encoder_stats_average_latency",
        "nvidia_smi_clocks_current_graphics",
        "nvidia_smi_clocks_current_sm",
        "nvidia_smi_clocks_current_memory",
        "nvidia_smi_clocks_current_video",
    ];
    assert_eq!(names, set(&expected));
    assert_eq!(labels, set(&["index", "name"]));
}

#[tokio::test]
async fn under_dcgm_exporters_names_the_last_xid_is_told_and_none_is_zero() {
    let stub = Stub::new(Card::H100.node(1)).unwrap();
    let mut watched = Watched::over(stub, |config| {
        config.profile = Profile::Dcgm;
        config.metrics = vec!["DCGM_FI_DEV_XID_ERRORS".to_owned()];
    });
    let last = |round: &std::collections::BTreeMap<String, weir_core::Number>| {
        assert_eq!(round.len(), 1, "{round:?}");
        round.values().next().unwrap().as_f64() as u64
    };
    assert_eq!(last(&watched.round().await), 0);
    let xids = [63, 79].map(|code| Xid { code, instance: None });
    watched.stub.change(|node| node.gpus[0].xids.extend(xids)).unwrap();
    while last(&watched.minute_later().await) != 79 {}
    watched.ends().await;
}

#[tokio::test]
async fn what_goes_over_all_nvlinks_is_the_rate_that_dcgm_makes_of_its_counters() {
    // KiB before the fifth NVLink, bytes since; DCGM divides KiB a second by 1000.
    for (card, fields, unit) in [(Card::H100, [138, 139], 1), (Card::B200, [202, 204], 1024)] {
        let mut watched = Watched::over(Stub::new(card.node(1)).unwrap(), |config| {
            config.profile = Profile::Dcgm;
            config.metrics =
                vec!["DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL".to_owned(), "DCGM_FI_DEV_GPU_TEMP".to_owned()];
        });
        let name = format!(
            "0 DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL{{UUID={},device=nvidia0,gpu=0,modelName={}}}",
            card.gpu(0).uuid,
            card.model()
        );
        let set = |watched: &mut Watched, kib: [u64; 2]| {
            let values = fields.into_iter().zip(kib.map(|kib| kib * unit));
            watched.stub.change(|node| node.gpus[0].fields.extend(values)).unwrap();
        };
        set(&mut watched, [1_000, 2_000]);
        assert!(!watched.round().await.contains_key(&name), "one look says nothing");
        watched.minute_later().await;
        set(&mut watched, [61_000, 122_000]);
        let rate = watched.minute_later().await[&name].as_f64();
        assert!((rate - 3.0).abs() < 1e-9, "{card:?}: 180,000 KiB in a minute, not {rate}");
        watched.ends().await;
    }
}
