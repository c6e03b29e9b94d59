//! `cargo xtask gpu-check`: every figure beside what `nvidia-smi -q -x` says before and after it, what the GPU supports, and what each call
//! costs. With a GPU the last test here does so; the others do the same with a stub, whose state is printed as `nvidia-smi` prints it.

mod compare;
mod smi;

use std::{collections::BTreeMap, path::Path, process::Command, sync::Arc, time::Duration};

use weir_nvml_raw::{Class, Device, Field, Nvml};
use weir_nvml_stub::{Card, Gpu as StubGpu, Node, Stub, smi_xml};

use self::{
    compare::{Outcome, compare, compared, is_printed},
    smi::SmiGpu,
};
use super::super::{
    NvmlConfig,
    catalogue::{Call, FieldRow, TIERS, Tier, Values, calls, fields, metrics},
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

/// A call, by its first metric, or a field: whether the GPU supports it, and the median of what it takes.
struct Cost {
    call: String,
    tier: Tier,
    is_supported: bool,
    takes: Duration,
}

/// What every call costs, but for fields.
fn costs(device: &Device) -> Vec<Cost> {
    let of_call = |call: &Call| Cost {
        call: call.metrics.first().and_then(key).unwrap_or_default(),
        tier: call.tier,
        is_supported: (call.read)(device, &mut Values::default())
            .map_or_else(|error| error.class() != Class::NotSupported, |()| true),
        takes: median(|| _ = (call.read)(device, &mut Values::default())),
    };
    calls().map(of_call).collect()
}

/// What every field of the whole GPU costs where it is asked for alone; a tier's are asked for together.
fn field_costs(device: &Device) -> Vec<Cost> {
    let of_source = |field: &FieldRow, number: u32| {
        let mut ask = [Field::of(device.field_id(number)?, field.of.number()?)];
        let asked = device.fields(&mut ask);
        let is_supported = asked
            .and_then(|()| ask[0].value())
            .map_or_else(|error| error.class() != Class::NotSupported, |_| true);
        let takes = median(|| _ = device.fields(&mut ask));
        let call = format!("field {number}  {}", key(&field.metric).unwrap_or_default());
        Some(Cost { call, tier: field.tier, is_supported, takes })
    };
    fields()
        .flat_map(|field| field.sources.iter().filter_map(move |source| of_source(field, source.id)))
        .collect()
}

/// What a round of a tier costs, of what is asked for by default: without what turned out not to be supported.
fn round(device: &Device, tier: Tier) -> Duration {
    let plan = Arc::new(Plan::new(&NvmlConfig::default()));
    let (mut gpu, mut readings) = (Gpu::new(device.clone(), plan), Readings::default());
    let due = Due(TIERS.map(|of| of == tier));
    gpu.read(due, &mut readings).unwrap();
    median(|| gpu.read(due, &mut readings).unwrap())
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
    for card in
        [Card::T4, Card::A10G, Card::A100, Card::A100Mig, Card::H100, Card::H200, Card::L40S, Card::B200]
    {
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
    figures.insert("hw.fan.speed_ratio{gpu.fan=0}".to_owned(), 0.0);
    assert_eq!(outcome(&before, &figures, &after, "hw.fan.speed_ratio{gpu.fan=0}"), Outcome::WeirInvents);
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
    assert_eq!(costs.len(), calls().count());
    let fields = field_costs(&device);
    let of =
        |number: u32| fields.iter().find(|cost| cost.call.starts_with(&format!("field {number} "))).unwrap();
    assert!(of(83).is_supported && of(142).is_supported, "energy, and remapped rows");
    assert!(
        !of(82).is_supported && !of(197).is_supported,
        "neither a sensor of the memory nor counters of PCIe"
    );
}

/// Compares a GPU with what is printed of it before and after, shows everything as a section of `docs/gpu-check.md`, and says how many
/// figures are wrong.
fn check(nvml: &Nvml, device: &Device, printed: impl Fn() -> Vec<SmiGpu>) -> usize {
    let (uuid, name) = (device.uuid().unwrap(), device.name().unwrap());
    let of_it = || printed().into_iter().find(|gpu| gpu.uuid == uuid).unwrap();
    let (before, figures, after) = (of_it(), figures(device), of_it());
    let lines = compare(&before, &figures, &after);
    let wrong = lines.iter().filter(|line| line.outcome.is_wrong()).count();
    let (driver, vbios) = (nvml.driver_version().unwrap(), device.vbios().unwrap_or_default());
    println!(
        "\n### {name}\n\nDriver {driver}, firmware {vbios}. {} figures compared, {wrong} wrong.",
        lines.len()
    );
    for tier in TIERS {
        let takes = round(device, tier);
        let (micros, percent) = (takes.as_secs_f64() * 1e6, takes.as_secs_f64() * 100.0);
        println!(
            "- A round of the {tier:?} interval of what is there by default: {micros:.0} µs, {percent:.3} % of a second."
        );
    }
    println!("\n```text\n{:<114} {:>14} {:>14} {:>14}", "", "nvidia-smi", "weir", "nvidia-smi");
    lines.iter().for_each(|line| println!("{line}"));
    for key in metrics().filter_map(key).filter(|key| !is_printed(key)) {
        let weir = figures.get(&key).map_or("-".to_owned(), f64::to_string);
        println!("{:<13} {key:<100} {:>14} {weir:>14} {:>14}", "NotPrinted", "-", "-");
    }
    println!("\n{:>10} µs  each call and each field by itself, median of 21", "");
    for Cost { call, tier, is_supported, takes } in costs(device).into_iter().chain(field_costs(device)) {
        let not = if is_supported { "" } else { "  not supported: asked once" };
        println!("{:>10.1} µs  {tier:?}  {call}{not}", takes.as_secs_f64() * 1e6);
    }
    println!("```");
    wrong
}

#[test]
fn of_several_gpus_the_one_that_is_wrong_is_found() {
    let mut stub = Stub::new(Card::H100.node(2)).unwrap();
    let printed = smi_xml(stub.node());
    stub.change(|node| _ = node.gpus[1].set("temperature", 90).set("ecc.aggregate.corrected.dram", 1))
        .unwrap();
    let nvml = Nvml::open(&stub.path()).unwrap();
    let wrong = [0, 1].map(|gpu| check(&nvml, &nvml.device(gpu).unwrap(), || smi::read(&printed).unwrap()));
    assert_eq!(wrong, [0, 2]);
}

/// What the machine has to have for the check: its GPUs, and `nvidia-smi`.
fn machine() -> Result<(Arc<Nvml>, Vec<Device>), String> {
    let nvml = Nvml::open(Path::new("libnvidia-ml.so.1")).map_err(|error| error.to_string())?;
    let count = nvml.count().map_err(|error| error.to_string())?;
    let devices: Vec<Device> = (0..count).filter_map(|index| nvml.device(index).ok()).collect();
    if devices.is_empty() { Err("no GPU answers".to_owned()) } else { nvidia_smi().map(|_| (nvml, devices)) }
}

fn nvidia_smi() -> Result<Vec<SmiGpu>, String> {
    let output = Command::new("nvidia-smi").args(["-q", "-x"]).output();
    let output = output.map_err(|error| format!("cannot run nvidia-smi: {error}"))?;
    smi::read(&String::from_utf8_lossy(&output.stdout)).map_err(|error| format!("nvidia-smi: {error}"))
}

#[test]
fn a_real_gpu_says_what_nvidia_smi_says() {
    match machine() {
        Ok((nvml, devices)) => {
            let wrong: usize =
                devices.iter().map(|device| check(&nvml, device, || nvidia_smi().unwrap())).sum();
            assert_eq!(wrong, 0, "figures that are not nvidia-smi's");
        }
        Err(why) => println!("skipped: gpu-check ({why})"),
    }
}
