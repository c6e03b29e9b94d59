//! Where figures stand in tables by row, of those that are looked for by name.

use super::{
    catalogue::metrics,
    metric::{Metric, Profile},
    pods::is_use,
};

/// A metric, and the values of attributes that tell it from others of its name.
pub(super) type Named = (&'static str, &'static [&'static str]);

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
    ChannelRepair,
    TpcRepair,
    FabricState,
    FabricStatus,
    FabricBandwidth,
    FabricRouteRecovery,
    FabricRoute,
    FabricTimeout,
    FabricConfiguration,
}

/// Every signal, in their order.
pub(super) const SIGNALS: [(Signal, Named); 20] = [
    (Signal::RemapPending, ("gpu.memory.row_remap.pending", &[])),
    (Signal::RemapFailure, ("gpu.memory.row_remap.failure", &[])),
    (Signal::SramThreshold, ("gpu.memory.sram.threshold_exceeded", &[])),
    (Signal::RecoveryAction, ("gpu.recovery_action", &[])),
    (Signal::UncorrectedSinceLoad, ("hw.errors", &["uncorrected", "dram", "driver_load"])),
    (Signal::RetiredDouble, ("gpu.memory.retired_pages", &["double_bit"])),
    (Signal::RetiredSingle, ("gpu.memory.retired_pages", &["single_bit"])),
    (Signal::RetiredPending, ("gpu.memory.retired_pages.pending", &[])),
    (Signal::LinkWidth, ("gpu.pcie.link.width", &[])),
    (Signal::LifetimeDram, ("hw.errors", &["uncorrected", "dram", "manufacture"])),
    (Signal::LifetimeSram, ("hw.errors", &["uncorrected", "sram", "manufacture"])),
    (Signal::ChannelRepair, ("gpu.repair.pending", &["memory_channel"])),
    (Signal::TpcRepair, ("gpu.repair.pending", &["tpc"])),
    (Signal::FabricState, ("gpu.fabric.state", &[])),
    (Signal::FabricStatus, ("gpu.fabric.status", &[])),
    (Signal::FabricBandwidth, ("gpu.fabric.unhealthy", &["bandwidth_degraded"])),
    (Signal::FabricRouteRecovery, ("gpu.fabric.unhealthy", &["route_recovery"])),
    (Signal::FabricRoute, ("gpu.fabric.unhealthy", &["route_unhealthy"])),
    (Signal::FabricTimeout, ("gpu.fabric.unhealthy", &["access_timeout_recovery"])),
    (Signal::FabricConfiguration, ("gpu.fabric.unhealthy", &["incorrect_configuration"])),
];

/// What containers' use of a GPU is counted by: how much of the time it works, its memory in use, its energy, and how much of the time
/// an instance works.
pub(super) const USAGE: [Named; 4] = [
    ("hw.gpu.utilization", &["general"]),
    ("hw.gpu.memory.usage", &[]),
    ("hw.energy", &[]),
    ("gpu.instance.graphics.utilization", &[]),
];
/// How many processes there are; how much memory they have follows.
pub(super) const PROCESSES: Named = ("gpu.process.count", &[]);
/// How each NVLink is.
pub(super) const LINK_STATE: Named = ("gpu.nvlink.link.state", &[]);
/// Bytes over all NVLinks, both ways.
pub(super) const NVLINK: [Named; 2] =
    [("hw.gpu.io", &["transmit", "nvlink"]), ("hw.gpu.io", &["receive", "nvlink"])];

/// Where a metric stands in tables by row.
pub(super) fn row_of((name, values): Named) -> usize {
    let is_it = |metric: &Metric| {
        metric.under(Profile::Semconv).is_some_and(|found| found.name == name)
            && values.iter().all(|value| metric.attributes.iter().any(|(_, found)| found == value))
    };
    metrics().position(is_it).unwrap_or(usize::MAX)
}

/// What is the same in every round.
#[derive(Debug)]
pub(super) struct Table {
    /// By row.
    pub(super) metrics: Vec<&'static Metric>,
    /// By row: whether it says what a program does with the GPU.
    pub(super) uses: Vec<bool>,
    /// Rows of the signals.
    pub(super) signals: [usize; SIGNALS.len()],
    /// Rows that the use of GPUs is counted by.
    pub(super) usage: [usize; USAGE.len()],
    pub(super) nvlink: [usize; NVLINK.len()],
    pub(super) link_state: usize,
}

impl Table {
    pub(super) fn new() -> Self {
        Self {
            metrics: metrics().collect(),
            uses: metrics().map(|metric| metric.name().is_some_and(|name| is_use(name.name))).collect(),
            signals: SIGNALS.map(|(_, named)| row_of(named)),
            usage: USAGE.map(row_of),
            nvlink: NVLINK.map(row_of),
            link_state: row_of(LINK_STATE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_looked_for_by_name_is_in_the_catalogue_and_each_signal_at_its_own_place() {
        for (at, (signal, _)) in SIGNALS.iter().enumerate() {
            assert_eq!(*signal as usize, at, "{signal:?}");
        }
        let signals = SIGNALS.iter().map(|(_, named)| *named);
        for named in signals.chain(USAGE).chain(NVLINK).chain([PROCESSES, LINK_STATE]) {
            assert!(row_of(named) < metrics().count(), "{named:?}");
        }
    }
}
