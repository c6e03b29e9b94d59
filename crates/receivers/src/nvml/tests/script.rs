//! The profile `gpu_health` beside the script that it replaces, over the same GPUs.

use std::{
    collections::BTreeMap,
    io::Write,
    process::{Command, Stdio},
};

use weir_core::Number;
use weir_nvml_stub::{Card, Gpu, Node, Stub, smi_text};

use super::{
    super::{Intervals, Profile},
    Watched,
};

/// The script's three numbers of a GPU: uncorrectable, correctable, retired.
fn of_script(node: &Node, gpu: &Gpu) -> [i64; 3] {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples/gpu-health-cron.sh");
    let mut bash =
        Command::new("bash").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let text = smi_text(&Node { gpus: vec![gpu.clone()], ..node.clone() });
    bash.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = String::from_utf8(bash.wait_with_output().unwrap().stdout).unwrap();
    let numbers: Vec<i64> = said.split_whitespace().map(|number| number.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

/// Weir's three, by index; `None` where it has no point.
async fn of_weir(node: &Node, unsupported_as_zero: bool) -> Vec<[Option<i64>; 3]> {
    let readings = published(node, unsupported_as_zero).await;
    let number = |name: &str, index: usize| match readings.get(&format!("{name} {index}")) {
        Some(Number::Int(value)) => Some(*value),
        None => None,
        other => panic!("{other:?}"),
    };
    let names = [
        "GPU_Aggregate_Uncorrectable_Errors",
        "GPU_Aggregate_Correctable_Errors",
        "GPU_Retired_Double_Bit_ECC",
    ];
    (0..node.gpus.len()).map(|index| names.map(|name| number(name, index))).collect()
}

/// The second round of a receiver over `node`, whose GPUs were all well in the first: name and `GPUIndex` to value.
async fn published(node: &Node, unsupported_as_zero: bool) -> BTreeMap<String, Number> {
    let mut well = node.clone();
    well.gpus.iter_mut().for_each(|gpu| gpu.faults.clear());
    let mut watched = Watched::over(Stub::new(well).unwrap(), |config| {
        config.profile = Profile::GpuHealth;
        config.unsupported_as_zero = unsupported_as_zero;
    });
    watched.batch().await;
    let gpus = node.gpus.clone();
    watched.stub.change(|state| state.gpus = gpus).unwrap();
    watched.fixture.clock.advance(Intervals::default().slow.as_std());
    let batch = watched.batch().await;
    let mut readings = BTreeMap::new();
    for point in &batch.numbers {
        let series = watched.fixture.series(point.series);
        assert_eq!(series.attributes().len(), 1, "GPUIndex alone; InstanceId is the dimensions processor's");
        let index = series.attributes().get("GPUIndex").unwrap();
        readings.insert(format!("{} {index}", series.descriptor().name), point.value());
    }
    watched.ends().await;
    readings
}

fn errors(mut gpu: Gpu, uncorrected: u64, corrected: u64) -> Gpu {
    gpu.set("ecc.aggregate.uncorrected.dram", uncorrected).set("ecc.aggregate.corrected.dram", corrected);
    gpu.set("ecc.aggregate.uncorrected.sram", 900).set("ecc.volatile.uncorrected.dram", 800); // none of the script's business
    gpu
}

#[tokio::test]
async fn where_a_card_has_all_three_the_numbers_are_the_same() {
    let mut gpus = vec![errors(Card::T4.gpu(0), 7, 41), errors(Card::T4.gpu(1), 0, 123_456)];
    gpus[0].set("retired.double", 3);
    let node = Node { gpus, ..Card::T4.node(0) };
    let script: Vec<_> = node.gpus.iter().map(|gpu| of_script(&node, gpu).map(Some)).collect();
    assert_eq!(script, [[Some(7), Some(41), Some(3)], [Some(0), Some(123_456), Some(0)]]);
    assert_eq!(of_weir(&node, false).await, script);
}

#[tokio::test]
async fn where_a_card_retires_no_pages_the_script_says_zero_and_weir_nothing() {
    for card in [Card::A10G, Card::A100, Card::H100, Card::H200, Card::L40S] {
        let node = Node { gpus: vec![errors(card.gpu(0), 5, 6)], ..card.node(0) };
        assert_eq!(of_script(&node, &node.gpus[0]), [5, 6, 0], "{card:?}");
        assert_eq!(of_weir(&node, false).await, [[Some(5), Some(6), None]], "{card:?}");
        assert_eq!(of_weir(&node, true).await, [[Some(5), Some(6), Some(0)]], "{card:?}, as the script");
    }
}

#[tokio::test]
async fn of_a_lost_gpu_the_script_says_it_is_in_order_and_weir_nothing() {
    let mut node = Node {
        gpus: vec![errors(Card::H100.gpu(0), 5, 6), errors(Card::H100.gpu(1), 1, 2)],
        ..Card::H100.node(0)
    };
    node.gpus[0].fails(15);
    assert_eq!(of_script(&node, &node.gpus[0]), [0, 0, 0]);
    assert_eq!(of_weir(&node, false).await, [[None, None, None], [Some(1), Some(2), None]]);
    assert_eq!(of_weir(&node, true).await, [[Some(0), Some(0), Some(0)], [Some(1), Some(2), Some(0)]]);
}

#[tokio::test]
async fn what_took_the_place_of_retired_pages_is_there_where_rows_are_remapped() {
    let mut node = Card::H100.node(8);
    node.gpus[3].fields.extend([(143, 2), (144, 1)]);
    let readings = published(&node, false).await;
    assert_eq!(readings.len(), 8 * 6, "two of the script's, four of rows");
    assert_eq!(readings["GPU_Remapped_Rows_Uncorrectable 3"], Number::Int(2));
    assert_eq!(readings["GPU_Row_Remap_Pending 3"], Number::Int(1));
    assert_eq!(published(&Card::T4.node(8), false).await.len(), 24, "the script's three of eight GPUs");
}

#[tokio::test]
async fn no_call_is_made_that_the_script_did_not_need() {
    let mut watched =
        Watched::over(Stub::new(Card::T4.node(1)).unwrap(), |config| config.profile = Profile::GpuHealth);
    watched.batch().await;
    let calls = |function: &str| watched.stub.calls(function);
    assert_eq!(calls("nvmlDeviceGetMemoryErrorCounter"), 2);
    assert_eq!(calls("nvmlDeviceGetRetiredPages_v2"), 1);
    assert_eq!(calls("nvmlDeviceGetFieldValues"), 1, "all fields in one call");
    assert_eq!(calls("nvmlDeviceGetUtilizationRates") + calls("nvmlDeviceGetComputeRunningProcesses_v3"), 0);
    watched.ends().await;
}
