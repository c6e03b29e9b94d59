//! What this configuration asks for: rows of the catalogue that somebody wants, each with its place in tables by row.

use std::path::PathBuf;

use super::{
    catalogue::{
        Call, FieldRow, INSTANCE_CALLS, INSTANCE_PROFILE, PROFILE, ProfileRow, Tier, calls, fields, metrics,
    },
    config::NvmlConfig,
    metric::Name,
    table::{LINK_STATE, NVLINK, PROCESSES, SIGNALS, USAGE, row_of},
};

/// A figure's place in tables: that of its metric in `catalogue::metrics`.
pub(super) type Row = u16;

/// A call that is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlannedCall {
    pub(super) call: &'static Call,
    /// The row of its first figure.
    pub(super) first: Row,
}

/// A field that is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlannedField {
    pub(super) row: Row,
    pub(super) field: &'static FieldRow,
}

/// What samples of GPM are asked for.
#[derive(Debug, Default)]
pub(super) struct PlannedProfile {
    pub(super) rows: Vec<Row>,
    pub(super) ask: Vec<weir_nvml_raw::Metric>,
}

/// What is asked for, and what it is published as.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) calls: Vec<PlannedCall>,
    /// By tier.
    pub(super) fields: [Vec<PlannedField>; 3],
    pub(super) profile: PlannedProfile,
    /// The same of MIG instances.
    pub(super) instance_calls: Vec<PlannedCall>,
    pub(super) instance_profile: PlannedProfile,
    /// By row: how it is published; `None` where it is not.
    pub(super) published: Vec<Option<Name>>,
    /// Whether it is found out which MIG devices there are.
    pub(super) migs: bool,
    pub(super) processes: Option<PlannedProcesses>,
}

/// Processes, told by container.
#[derive(Clone, Debug)]
pub(super) struct PlannedProcesses {
    /// The node's root.
    pub(super) root: PathBuf,
    /// The row of their number; that of their memory follows. The call that has both otherwise is not made.
    pub(super) first: Row,
}

impl Plan {
    pub(super) fn new(config: &NvmlConfig) -> Self {
        let published: Vec<_> = metrics().map(|metric| config.published(metric)).collect();
        let judged = SIGNALS.iter().map(|(_, named)| *named).chain([LINK_STATE]).filter(|_| config.judges());
        let counted_on = USAGE.into_iter().filter(|_| config.tells_usage());
        let summed_up = NVLINK.into_iter().filter(|_| config.tells_nvlink());
        let needed: Vec<usize> = judged.chain(counted_on).chain(summed_up).map(row_of).collect();
        let is_wanted = |row: usize| published.get(row).is_some_and(Option::is_some) || needed.contains(&row);
        let processes = config.tells_processes().then(|| PlannedProcesses {
            root: config.pods.root_path.clone(),
            first: row_of(PROCESSES) as Row,
        });
        let mut rows = Rows { next: 0, is_wanted: &is_wanted };
        // In the order of `metrics`.
        let mut calls = rows.calls(calls());
        calls.retain(|call| processes.as_ref().is_none_or(|processes| processes.first != call.first));
        let fields = rows.fields();
        let profile = rows.profile(PROFILE);
        let instance_calls = rows.calls(INSTANCE_CALLS.iter());
        let instance_profile = rows.profile(INSTANCE_PROFILE);
        let migs = config.has_pods();
        Self { calls, fields, profile, instance_calls, instance_profile, published, migs, processes }
    }

    /// Whether anything is asked for in `tier`.
    pub(super) fn asks(&self, tier: Tier) -> bool {
        let asks = |calls: &[PlannedCall]| calls.iter().any(|planned| planned.call.tier == tier);
        let samples = !self.profile.rows.is_empty() || !self.instance_profile.rows.is_empty();
        asks(&self.calls)
            || asks(&self.instance_calls)
            || !self.fields[tier as usize].is_empty()
            || (tier == Tier::Medium && (samples || self.processes.is_some()))
    }

    /// Whether anything is asked of MIG instances.
    pub(super) fn asks_instances(&self) -> bool {
        !self.instance_calls.is_empty() || !self.instance_profile.rows.is_empty()
    }
}

/// Gives out rows in order, and leaves out what nobody wants.
struct Rows<'a> {
    next: usize,
    is_wanted: &'a dyn Fn(usize) -> bool,
}

impl Rows<'_> {
    /// The next `count` rows: their first, if any of them is wanted.
    fn take(&mut self, count: usize) -> Option<Row> {
        let rows = self.next..self.next + count;
        self.next = rows.end;
        let first = rows.start as Row;
        rows.into_iter().any(self.is_wanted).then_some(first)
    }

    fn calls(&mut self, calls: impl Iterator<Item = &'static Call>) -> Vec<PlannedCall> {
        calls.filter_map(|call| Some(PlannedCall { call, first: self.take(call.metrics.len())? })).collect()
    }

    fn fields(&mut self) -> [Vec<PlannedField>; 3] {
        let mut planned = [Vec::new(), Vec::new(), Vec::new()];
        for field in fields() {
            if let Some(row) = self.take(1) {
                planned[field.tier as usize].push(PlannedField { row, field });
            }
        }
        planned
    }

    fn profile(&mut self, profile: &'static [ProfileRow]) -> PlannedProfile {
        let mut planned = PlannedProfile::default();
        for sampled in profile {
            if let Some(row) = self.take(1) {
                planned.rows.push(row);
                planned.ask.push(weir_nvml_raw::Metric(sampled.id));
            }
        }
        planned
    }
}
