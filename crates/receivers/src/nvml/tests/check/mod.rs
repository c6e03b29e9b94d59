//! `cargo xtask gpu-check`: every figure beside what `nvidia-smi -q -x` says before and after it, what the GPU supports, and what each call
//! costs. With a GPU the last test here does so; the others do the same with a stub, whose state is printed as `nvidia-smi` prints it.

mod compare;
mod smi;

use std::{collections::BTreeMap, path::Path, process::Command, sync::Arc, time::Duration};

use weir_nvml_raw::{Class, Device, Nvml};
use weir_nvml_stub::{Card, Gpu as StubGpu, Node, Stub, smi_xml};

use self::{
    compare::{Outcome, compare, compared, is_printed},
    smi::SmiGpu,
};
use super::super::{
    NvmlConfig,
    catalogue::{Values, calls, metrics},
    fields::Asked,
    gpu::{Due, Gpu, Readings},
    metric::{Metric, Profile},
    plan::Plan,
};

/// `name{attribute=value,…}` of a metric.
fn key(metric: &Metric) -> Option<String> {
    let mut attributes: Vec<_> =
        metric.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
    attributes.sort();
    Some(format!("{}{{{}}}", metric.under(Profile::Semconv)?.name, attributes.join(",")))
}

/// Every metric is asked for.
fn plan() -> Plan {
    Plan::new(&NvmlConfig { metrics: vec!["all".to_owned()], ..NvmlConfig::default() })
}

/// What Weir reads of a GPU, by key.
fn figures(device: &Device) -> BTreeMap<String, f64> {
    let plan = Arc::new(plan());
    let (mut gpu, mut readings) = (Gpu::new(device.clone(), Arc::clone(&plan)), Readings::default());
    gpu.read(Due([true; 3]), &mut readings).unwrap();
    let figure = |row: usize, value: f64| {
        let metric = metrics().nth(row)?;
        Some((key(metric)?, value * metric.under(Profile::Semconv)?.scale))
    };
    readings.figures.iter().filter_map(|reading| figure(reading.row.into(), reading.value)).collect()
}

/// A call, by its first metric: whether the GPU supports it, and the median of what it takes.
struct Cost {
    call: String,
    is_supported: bool,
    takes: Duration,
}

/// What every call costs; fields go in one call a tier, and are the last of them.
fn costs(device: &Device) -> Vec<Cost> {
    let of_calls = calls().map(|call| Cost {
        call: call.metrics.first().and_then(key).unwrap_or_default(),
        is_supported: (call.read)(device, &mut Values::default())
            .map_or_else(|error| error.class() != Class::NotSupported, |()| true),
        takes: median(|| _ = (call.read)(device, &mut Values::default())),
    });
    let asked = Asked::of(device, &plan()).unwrap().into_iter().zip(["fast", "medium", "slow"]);
    let of_fields = asked.map(|(mut fields, tier)| Cost {
        call: format!("all {tier} fields"),
        is_supported: true,
        takes: median(|| fields.read(device, &mut Vec::new()).unwrap()),
    });
    of_calls.chain(of_fields).collect()
}

#[allow(clippy::disallowed_methods, reason = "time for a person: nothing is decided by it")]
fn median(mut call: impl FnMut()) -> Duration {
    let mut times: Vec<_> = (0..21)
        .map(|_| {
            let start = std::time::Instant::now();
            call();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

/// The GPU of a stub, what `nvidia-smi` would print of it, and what Weir reads.
fn stub(gpu: StubGpu) -> (SmiGpu, BTreeMap<String, f64>) {
    let node = Node { gpus: vec![gpu], ..Card::H100.node(0) };
    let printed = smi::read(&smi_xml(&node)).unwrap().remove(0);
    let stub = Stub::new(node).unwrap();
    let device = Nvml::open(&stub.path()).unwrap().device(0).unwrap();
    (printed, figures(&device))
}

#[test]
fn every_figure_is_compared_or_said_not_to_be_printed() {
    let compared: Vec<&str> = compared().map(|one| one.metric).collect();
    for key in metrics().filter_map(key) {
        assert_eq!(
            compared.contains(&&*key),
            is_printed(&key),
            "{key}: a line in compared.txt, or an entry of NOT_PRINTED"
        );
    }
    let known: Vec<String> = metrics().filter_map(key).collect();
    let unknown: Vec<&&str> = compared.iter().filter(|key| !known.contains(&(**key).to_owned())).collect();
    assert!(unknown.is_empty(), "compared, and no figure of the catalogue: {unknown:?}");
}

#[test]
fn a_card_agrees_with_itself_in_every_figure() {
    for card in [Card::T4, Card::A10G, Card::A100, Card::A100Mig, Card::H100, Card::H200, Card::L40S] {
        let (printed, figures) = stub(card.gpu(0));
        let wrong: Vec<String> = compare(&printed, &figures, &printed)
            .iter()
            .filter(|line| line.outcome.is_wrong() || line.outcome == Outcome::NotPrinted)
            .map(ToString::to_string)
            .collect();
        assert_eq!(wrong, Vec::<String>::new(), "{card:?}");
    }
}

#[test]
fn a_wrong_figure_is_found_whichever_it_is() {
    // Everything is supported, so that each figure has something to differ from.
    let mut gpu = Card::H100.gpu(0);
    gpu.set("retired.single", 0).set("retired.double", 0).set("retired.pending", 0).set("fan.0", 30);
    (0..4).for_each(|limit| _ = gpu.set(&format!("temperature.limit.{limit}"), 90));
    gpu.scoped.entry(1).or_default().insert(186, 500_000);
    let (printed, figures) = stub(gpu);
    for one in compared() {
        let mut other = printed.clone();
        other.overwrite(one.path.split(['|', '+']).next().unwrap(), "999999999");
        let wrong: Vec<_> = compare(&other, &figures, &other)
            .iter()
            .filter(|line| line.outcome.is_wrong())
            .map(|line| (line.metric, line.outcome))
            .collect();
        assert_eq!(wrong, [(one.metric, Outcome::Differs)]);
    }
}

#[test]
fn a_figure_between_two_readings_agrees_and_one_that_is_missing_or_made_up_does_not() {
    let (printed, mut figures) = stub(Card::H100.gpu(0));
    let (mut before, mut after) = (printed.clone(), printed);
    let replays = "hw.errors{error.type=pcie_replay,gpu.interface=pcie,hw.type=gpu}";
    let outcome = |before: &SmiGpu, figures: &BTreeMap<String, f64>, after: &SmiGpu, metric: &str| {
        compare(before, figures, after).iter().find(|line| line.metric == metric).unwrap().outcome
    };
    before.overwrite("pci/replay_counter", "3");
    after.overwrite("pci/replay_counter", "9");
    for (replay, expected) in
        [(2.0, Outcome::Differs), (3.0, Outcome::Agrees), (9.0, Outcome::Agrees), (10.0, Outcome::Differs)]
    {
        figures.insert(replays.to_owned(), replay);
        assert_eq!(outcome(&before, &figures, &after, replays), expected, "{replay}");
    }
    figures.remove(replays);
    assert_eq!(outcome(&before, &figures, &after, replays), Outcome::WeirLacks);
    figures.insert("hw.fan.speed_ratio{}".to_owned(), 0.0);
    assert_eq!(outcome(&before, &figures, &after, "hw.fan.speed_ratio{}"), Outcome::WeirInvents);
}

#[test]
fn what_a_card_does_not_support_is_said_beside_what_each_call_costs() {
    let stub = Stub::new(Card::A10G.node(1)).unwrap();
    let device = Nvml::open(&stub.path()).unwrap().device(0).unwrap();
    let costs = costs(&device);
    let unsupported: Vec<&str> =
        costs.iter().filter(|cost| !cost.is_supported).map(|cost| &*cost.call).collect();
    let pages = "gpu.memory.retired_pages";
    assert_eq!(
        unsupported,
        [
            "gpu.temperature.margin{}".to_owned(),
            "gpu.temperature.limit{gpu.limit=memory_max}".to_owned(),
            format!("{pages}{{cause=double_bit}}"),
            format!("{pages}{{cause=single_bit}}"),
            format!("{pages}.pending{{}}"),
            "gpu.repair.pending{gpu.part=memory_channel}".to_owned(),
            "gpu.fabric.state{}".to_owned(),
        ]
    );
    assert_eq!(costs.len(), calls().count() + 3);
}

/// What the machine has to have for the check: its GPUs, and `nvidia-smi`.
fn machine() -> Result<Vec<Device>, String> {
    let nvml = Nvml::open(Path::new("libnvidia-ml.so.1")).map_err(|error| error.to_string())?;
    let count = nvml.count().map_err(|error| error.to_string())?;
    let devices: Vec<Device> = (0..count).filter_map(|index| nvml.device(index).ok()).collect();
    if devices.is_empty() { Err("no GPU answers".to_owned()) } else { Ok(devices) }
}

fn nvidia_smi() -> Result<Vec<SmiGpu>, String> {
    let output = Command::new("nvidia-smi").args(["-q", "-x"]).output();
    let output = output.map_err(|error| format!("cannot run nvidia-smi: {error}"))?;
    smi::read(&String::from_utf8_lossy(&output.stdout)).map_err(|error| format!("nvidia-smi: {error}"))
}

#[test]
fn a_real_gpu_says_what_nvidia_smi_says() {
    let devices = match machine().and_then(|devices| nvidia_smi().map(|_| devices)) {
        Ok(devices) => devices,
        Err(why) => return println!("skipped: gpu-check ({why})"),
    };
    let mut wrong = 0;
    for device in devices {
        let (uuid, name) = (device.uuid().unwrap(), device.name().unwrap());
        let of_it = |gpus: Vec<SmiGpu>| gpus.into_iter().find(|gpu| gpu.uuid == uuid).unwrap();
        let before = of_it(nvidia_smi().unwrap());
        let figures = figures(&device);
        let after = of_it(nvidia_smi().unwrap());
        println!("\n{name} {uuid}\n{:<114} {:>14} {:>14} {:>14}", "", "nvidia-smi", "weir", "nvidia-smi");
        for line in compare(&before, &figures, &after) {
            wrong += usize::from(line.outcome.is_wrong());
            println!("{line}");
        }
        for key in metrics().filter_map(key).filter(|key| !is_printed(key)) {
            println!(
                "{:<13} {key:<100} {:>14} {:>14}",
                "NotPrinted",
                "-",
                figures.get(&key).map_or("-".to_owned(), f64::to_string)
            );
        }
        println!("\n{:>10} µs  call, median of 21", "");
        for Cost { call, is_supported, takes } in costs(&device) {
            let not = if is_supported { "" } else { "  not supported" };
            println!("{:>10.1} µs  {call}{not}", takes.as_secs_f64() * 1e6);
        }
    }
    assert_eq!(wrong, 0, "figures that are not nvidia-smi's");
}
