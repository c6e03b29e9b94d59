//! Every figure of the catalogue: a GPU's state in, and what is published of it under each profile.

use std::collections::BTreeSet;

use weir_core::{Kind, NumberPoint};
use weir_nvml_stub::{Card, Gpu, Node, Process, Stub};

use super::{
    super::{
        Profile,
        sink::{LAST_XID, NVLINK_TOTAL, OWN},
    },
    Watched,
};

/// States and what is expected of them; the form stands at its head.
const ROWS: &str = include_str!("rows.txt");

/// The lines behind the head.
fn rows() -> impl Iterator<Item = &'static str> {
    ROWS.lines().skip_while(|line| !line.is_empty()).filter(|line| !line.is_empty())
}

/// A GPU that has everything, in the state of all rows; but for one, its links are gone.
fn gpu() -> Gpu {
    let mut gpu = Card::H100.gpu(0);
    gpu.fields.insert(91, 1);
    let states = rows().filter(|line| !line.starts_with(' ')).flat_map(str::split_whitespace);
    for (quantity, value) in states.map(|state| state.split_once('=').unwrap()) {
        match (quantity, quantity.strip_prefix('#')) {
            ("processes", _) => {
                let of = |memory: &str| Process { pid: 1, memory: memory.parse().unwrap(), sm: 5 };
                gpu.processes = value.split(',').map(of).collect();
            }
            // Degrees may be below zero, as signed int.
            (_, Some(id)) if value.starts_with('-') => {
                let degrees: i32 = value.parse().unwrap();
                gpu.fields.insert(id.parse().unwrap(), degrees.cast_unsigned().into());
            }
            (_, Some(id)) => match id.split_once('@') {
                None => _ = gpu.fields.insert(id.parse().unwrap(), value.parse().unwrap()),
                Some((id, scope)) => {
                    let of_scope = gpu.scoped.entry(scope.parse().unwrap()).or_default();
                    of_scope.insert(id.parse().unwrap(), value.parse().unwrap());
                }
            },
            (quantity, None) if quantity.starts_with("gpm.") => {
                gpu.gpm.insert(quantity["gpm.".len()..].parse().unwrap(), value.parse().unwrap());
            }
            (_, None) => _ = gpu.set(quantity, value.parse().unwrap()),
        }
    }
    gpu
}

/// What the rows have under a profile.
fn expected(profile: &str) -> BTreeSet<String> {
    let of_profile = rows().filter_map(|line| line.strip_prefix("    ")?.split_once(' '));
    of_profile.filter(|(of, _)| *of == profile).map(|(_, line)| line.trim().to_owned()).collect()
}

/// The points of the second round, as the rows have them: GPM compares it with the first.
async fn published(profile: Profile) -> BTreeSet<String> {
    let node = Node { gpus: vec![gpu()], ..Card::H100.node(0) };
    let mut watched = Watched::over(Stub::new(node).unwrap(), |config| {
        config.profile = profile;
        config.metrics = vec!["all".to_owned()];
    });
    watched.batch().await;
    watched.fixture.clock.advance(std::time::Duration::from_secs(60));
    let batch = watched.batch().await;
    let line = |point: &NumberPoint| {
        let series = watched.fixture.series(point.series);
        let metric = series.descriptor();
        let attributes: Vec<_> =
            series.attributes().iter().map(|one| format!("{}={}", one.key, one.value)).collect();
        let attributes = match profile {
            Profile::Semconv => format!("{{{}}}", attributes.join(",")),
            _ => String::new(),
        };
        let kind = if metric.kind == Kind::Sum && metric.monotonic { "counter" } else { "gauge" };
        let value = format!("{:.6}", point.value().as_f64());
        let value = value.trim_end_matches('0').trim_end_matches('.');
        (!OWN.contains(&&*metric.name) && ![LAST_XID, NVLINK_TOTAL].contains(&&*metric.name))
            .then(|| format!("{}{attributes} = {value} {} {kind}", metric.name, metric.unit))
    };
    let lines = batch.numbers.iter().filter_map(line).collect();
    watched.ends().await;
    lines
}

#[tokio::test]
async fn every_figure_of_a_gpu_is_published_with_its_value_unit_kind_and_attributes() {
    for (profile, name) in [
        (Profile::Semconv, "semconv"),
        (Profile::Dcgm, "dcgm"),
        (Profile::Cwagent, "cwagent"),
        (Profile::GpuHealth, "gpu_health"),
    ] {
        let expected = expected(name);
        let found = published(profile).await;
        let missing: Vec<_> = expected.difference(&found).collect();
        let unexpected: Vec<_> = found.difference(&expected).collect();
        let both = (missing.is_empty(), unexpected.is_empty());
        assert_eq!(
            both,
            (true, true),
            "{profile:?} lacks {missing:#?} and has {unexpected:#?} without a row"
        );
    }
}

#[tokio::test]
async fn each_reason_for_lower_clocks_is_its_own_bit() {
    // nvml.h, nvmlClocksEventReasons.
    let reasons: [(u64, &str); 9] = [
        (0x1, "gpu_idle"),
        (0x2, "application_clocks_setting"),
        (0x4, "sw_power_cap"),
        (0x8, "hw_slowdown"),
        (0x10, "sync_boost"),
        (0x20, "sw_thermal_slowdown"),
        (0x40, "hw_thermal_slowdown"),
        (0x80, "hw_power_brake_slowdown"),
        (0x100, "display_clock_setting"),
    ];
    let mut watched = Watched::over(Stub::new(Card::H100.node(1)).unwrap(), |config| {
        config.metrics = vec!["gpu.clock.event".to_owned()];
    });
    watched.batch().await;
    for (bit, reason) in reasons {
        watched.stub.change(|node| _ = node.gpus[0].set("event.reasons", bit)).unwrap();
        let round = watched.minute_later().await;
        let set: Vec<&String> = round
            .iter()
            .filter(|(name, value)| name.starts_with("0 gpu.clock.event{") && value.as_f64() > 0.0)
            .map(|(name, _)| name)
            .collect();
        assert_eq!(set, [&format!("0 gpu.clock.event{{reason={reason}}}")]);
    }
    watched.ends().await;
}
