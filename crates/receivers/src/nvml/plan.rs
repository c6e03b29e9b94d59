//! What this configuration asks for: rows of the catalogue that somebody wants, each with its place in tables by row.

use weir_nvml_raw::Field;

use super::{
    catalogue::{CALLS, Call, FIELDS, Tier},
    config::NvmlConfig,
    metric::{Metric, Name, Profile},
};

/// A figure's place in tables: those of calls first, fields behind them.
pub(super) type Row = u16;

/// Figures that the health rules go by, whatever is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    RemapPending,
    RemapFailure,
    SramThreshold,
    RecoveryAction,
    UncorrectedSinceLoad,
    RetiredDouble,
    RetiredSingle,
    RetiredPending,
    LinkWidth,
    LifetimeDram,
    LifetimeSram,
}

impl Signal {
    /// The metric, and the attribute's value that tells it from others of its name.
    fn metric(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::RemapPending => ("gpu.memory.row_remap.pending", &[]),
            Self::RemapFailure => ("gpu.memory.row_remap.failure", &[]),
            Self::SramThreshold => ("gpu.memory.sram.threshold_exceeded", &[]),
            Self::RecoveryAction => ("gpu.recovery_action", &[]),
            Self::UncorrectedSinceLoad => ("hw.errors", &["uncorrected", "dram", "driver_load"]),
            Self::RetiredDouble => ("gpu.memory.retired_pages", &["double_bit"]),
            Self::RetiredSingle => ("gpu.memory.retired_pages", &["single_bit"]),
            Self::RetiredPending => ("gpu.memory.retired_pages.pending", &[]),
            Self::LinkWidth => ("gpu.pcie.link.width", &[]),
            Self::LifetimeDram => ("hw.errors", &["uncorrected", "dram", "manufacture"]),
            Self::LifetimeSram => ("hw.errors", &["uncorrected", "sram", "manufacture"]),
        }
    }

    /// Where it stands in tables by row.
    pub(super) fn row(self) -> usize {
        let (name, values) = self.metric();
        let is_it = |metric: &Metric| {
            metric.under(Profile::Semconv).is_some_and(|found| found.name == name)
                && values.iter().all(|value| metric.attributes.iter().any(|(_, found)| found == value))
        };
        metrics().position(is_it).unwrap_or(usize::MAX)
    }
}

/// Every signal.
pub(super) const SIGNALS: [Signal; 11] = [
    Signal::RemapPending,
    Signal::RemapFailure,
    Signal::SramThreshold,
    Signal::RecoveryAction,
    Signal::UncorrectedSinceLoad,
    Signal::RetiredDouble,
    Signal::RetiredSingle,
    Signal::RetiredPending,
    Signal::LinkWidth,
    Signal::LifetimeDram,
    Signal::LifetimeSram,
];

/// Every metric of the catalogue, in the order of rows.
pub(super) fn metrics() -> impl Iterator<Item = &'static Metric> {
    let of_calls = CALLS.iter().flat_map(|call| call.metrics);
    of_calls.chain(FIELDS.iter().map(|field| &field.metric))
}

/// A call that is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlannedCall {
    pub(super) call: &'static Call,
    /// The row of its first figure.
    pub(super) first: Row,
}

/// The fields of a tier.
#[derive(Clone, Debug, Default)]
pub(super) struct PlannedFields {
    pub(super) rows: Vec<Row>,
    pub(super) ask: Vec<Field>,
}

/// What is asked for, and what it is published as.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) calls: Vec<PlannedCall>,
    /// By tier.
    pub(super) fields: [PlannedFields; 3],
    /// By row: how it is published; `None` where it is not.
    pub(super) published: Vec<Option<Name>>,
    /// Whether instances are asked for too.
    pub(super) instances: bool,
}

impl Plan {
    pub(super) fn new(config: &NvmlConfig) -> Self {
        let published: Vec<_> = metrics().map(|metric| config.published(metric)).collect();
        let judged: Vec<usize> =
            SIGNALS.iter().map(|signal| signal.row()).filter(|_| config.judges()).collect();
        let is_wanted = |row: usize| published.get(row).is_some_and(Option::is_some) || judged.contains(&row);
        let (mut calls, mut row) = (Vec::new(), 0);
        for call in CALLS {
            if (row..row + call.metrics.len()).any(is_wanted) {
                calls.push(PlannedCall { call, first: row as Row });
            }
            row += call.metrics.len();
        }
        let mut fields = [PlannedFields::default(), PlannedFields::default(), PlannedFields::default()];
        for field in FIELDS {
            if is_wanted(row) {
                let of_tier = &mut fields[field.tier as usize];
                of_tier.rows.push(row as Row);
                of_tier.ask.push(Field::new(field.id));
            }
            row += 1;
        }
        Self { calls, fields, published, instances: config.profile == Profile::Semconv }
    }

    /// Whether anything is asked for in `tier`.
    pub(super) fn asks(&self, tier: Tier) -> bool {
        !self.fields[tier as usize].rows.is_empty()
            || self.calls.iter().any(|planned| planned.call.tier == tier)
    }
}
