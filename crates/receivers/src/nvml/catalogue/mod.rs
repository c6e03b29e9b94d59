//! Everything that is asked of a GPU: calls with what each answers, and fields, of which those that are due go into one call.

mod calls;
mod fields;

pub(super) use calls::CALLS;
pub(super) use fields::FIELDS;

use weir_nvml_raw::{Device, Error};

use super::metric::Metric;

/// How often something is asked for: by what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    /// A second.
    Fast,
    /// Ten seconds.
    Medium,
    /// A minute.
    Slow,
}

/// What a call answers: at most as many figures as any of them has.
pub(super) type Values = [Option<f64>; 10];

/// A call, and the metrics of its answers, in order.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) tier: Tier,
    pub(super) read: fn(&Device, &mut Values) -> Result<(), Error>,
    pub(super) metrics: &'static [Metric],
}

/// A field, by NVML's number (`NVML_FI_DEV_…`).
#[derive(Debug)]
pub(super) struct FieldRow {
    pub(super) tier: Tier,
    pub(super) id: u32,
    pub(super) metric: Metric,
}
