//! Weir's figures of a GPU beside what `nvidia-smi` said before and after them.

use std::{collections::BTreeMap, fmt};

use super::smi::{Said, SmiGpu};

/// What is compared with what; the form stands at its head.
const COMPARED: &str = include_str!("compared.txt");

/// How figures begin that `nvidia-smi -q -x` does not print, or not as one number, or as the same number as another figure.
const NOT_PRINTED: &[&str] = &[
    "hw.energy{",
    "hw.gpu.io{",
    "hw.gpu.memory.utilization{",
    "gpu.clock.event.time{",
    "gpu.process.",
    "gpu.power{gpu.power.window=second}", // as `hw.power`
    "gpu.encoder.latency{",
    "gpu.memory.sram.errors{", // as `hw.errors` of the SRAM
    "gpu.memory.errors{",
    "gpu.fabric.", // in words
    "gpu.nvlink.",
    "hw.fan.speed_ratio{gpu.fan=1", // the first one's alone
    "hw.fan.speed_ratio{gpu.fan=2",
    "hw.fan.speed_ratio{gpu.fan=3",
    "gpu.instance.",             // by instance
    "gpu.graphics.utilization{", // GPM
    "gpu.sm.",
    "gpu.pipe.",
    "gpu.memory.bandwidth.",
    "gpu.io.rate{",
    "hw.errors{error.type=nvlink_",
    "hw.errors{error.type=pcie_recovery,",
    "hw.errors{error.type=pcie_receiver,",
    "hw.errors{error.type=pcie_nak_sent,",
    "hw.errors{error.type=pcie_bad_dllp,",
    "hw.errors{error.type=pcie_unsupported_request,",
    "hw.errors{error.type=pcie_lcrc,",
    "hw.errors{error.type=pcie_lane,",
    "hw.errors{error.type=pcie_correctable,",
    "hw.errors{error.type=pcie_nak,",
    "hw.errors{error.type=pcie_bad_tlp,",
    "hw.errors{error.type=pcie_non_fatal,",
    "hw.errors{error.type=pcie_fatal,",
];

/// Places whose errors it prints no more.
const PLACES: &[&str] = &["l1", "l2", "registers", "texture", "cbu"];

/// Whether `nvidia-smi -q -x` prints the figure of this key.
pub(super) fn is_printed(key: &str) -> bool {
    let is_of = |place: &&str| key.contains(&format!("gpu.memory.location={place},"));
    !NOT_PRINTED.iter().any(|start| key.starts_with(start)) && !PLACES.iter().any(is_of)
}

/// A figure that is compared.
#[derive(Clone, Copy)]
pub(super) struct Compared {
    pub(super) metric: &'static str,
    pub(super) path: &'static str,
    within: &'static str,
}

impl Compared {
    /// How far off `value` may be.
    fn tolerance(&self, value: f64) -> f64 {
        let number = |text: &str| text.parse::<f64>().unwrap();
        match (self.within, self.within.strip_suffix("MiB"), self.within.split_once("%+")) {
            ("exact", ..) => 0.0,
            (_, Some(mebibytes), _) => number(mebibytes) * 1_048_576.0,
            (_, _, Some((percent, more))) => value.abs() * number(percent) / 100.0 + number(more),
            (all, None, None) => number(all),
        }
    }
}

/// The lines behind the head.
pub(super) fn compared() -> impl Iterator<Item = Compared> {
    let lines = COMPARED.lines().skip_while(|line| !line.is_empty()).filter(|line| !line.is_empty());
    lines.map(|line| {
        let mut columns = line.split_whitespace();
        let mut column = || columns.next().unwrap();
        Compared { within: column(), metric: column(), path: column() }
    })
}

/// A figure in all three readings.
pub(super) struct Line {
    pub(super) metric: &'static str,
    before: Said,
    weir: Option<f64>,
    after: Said,
    pub(super) outcome: Outcome,
}

/// What came of comparing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Agrees,
    Differs,
    /// Weir has no figure of what `nvidia-smi` prints.
    WeirLacks,
    /// Weir has a figure of what `nvidia-smi` says is not available.
    WeirInvents,
    /// Neither has one.
    NotSupported,
    /// This version of `nvidia-smi` prints nothing of the kind.
    NotPrinted,
}

impl Outcome {
    pub(super) fn is_wrong(self) -> bool {
        matches!(self, Self::Differs | Self::WeirLacks | Self::WeirInvents)
    }
}

/// Compares everything that can be.
pub(super) fn compare(before: &SmiGpu, weir: &BTreeMap<String, f64>, after: &SmiGpu) -> Vec<Line> {
    let line = |one: Compared| {
        let (before, after) = (before.said(one.path), after.said(one.path));
        let weir = weir.get(one.metric).copied();
        let outcome = match (before, weir, after) {
            (Said::Nothing, ..) | (.., Said::Nothing) => Outcome::NotPrinted,
            (Said::Number(before), Some(weir), Said::Number(after)) => {
                let off = one.tolerance(before.abs().max(after.abs()));
                let range = before.min(after) - off..=before.max(after) + off;
                if range.contains(&weir) { Outcome::Agrees } else { Outcome::Differs }
            }
            (Said::Number(_), None, Said::Number(_)) => Outcome::WeirLacks,
            (Said::NotAvailable, Some(_), Said::NotAvailable) => Outcome::WeirInvents,
            (_, None, _) => Outcome::NotSupported,
            // It came or went between the readings.
            (_, Some(_), _) => Outcome::Agrees,
        };
        Line { metric: one.metric, before, weir, after, outcome }
    };
    compared().map(line).collect()
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |said| match said {
            Said::Number(number) => format!("{number}"),
            Said::NotAvailable => "N/A".to_owned(),
            Said::Nothing => "-".to_owned(),
        };
        let weir = self.weir.map_or("-".to_owned(), |weir| format!("{weir}"));
        let (before, after) = (said(self.before), said(self.after));
        write!(
            f,
            "{:<13} {:<100} {before:>14} {weir:>14} {after:>14}",
            format!("{:?}", self.outcome),
            self.metric
        )
    }
}
