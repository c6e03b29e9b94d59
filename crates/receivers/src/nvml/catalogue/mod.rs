//! Everything that is asked of a GPU: calls with what each answers, and fields, of which those that are due go into one call.
//!
//! A file a group. What stands in which order decides nothing: a metric's place in tables is its place in [`metrics`].

mod clocks;
mod errors;
mod instances;
mod links;
mod load;
mod memory;
mod nvlink;
mod power;
mod profiling;

pub(super) use instances::INSTANCE_CALLS;
pub(super) use profiling::{INSTANCE_PROFILE, PROFILE};

use weir_nvml_raw::{ALL_LINKS, Device, Error};

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

/// All of them; what is kept by tier is in this order.
pub(super) const TIERS: [Tier; 3] = [Tier::Fast, Tier::Medium, Tier::Slow];

/// What a call answers: at most as many figures as any of them has.
pub(super) type Values = [Option<f64>; 12];

/// A call, and the metrics of its answers, in order.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) tier: Tier,
    pub(super) read: fn(&Device, &mut Values) -> Result<(), Error>,
    pub(super) metrics: &'static [Metric],
}

/// A figure that is a field.
#[derive(Debug)]
pub(super) struct FieldRow {
    pub(super) tier: Tier,
    /// The fields that it may come from, of which the first that the GPU has counts.
    pub(super) sources: &'static [Field],
    pub(super) of: Scope,
    pub(super) metric: Metric,
}

/// A field of NVML (`NVML_FI_DEV_…`), by its number in `nvml.h` before driver 580.82.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) id: u32,
    /// From what the driver says to the metric's own unit.
    pub(super) convert: fn(f64) -> f64,
}

/// What a field is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The GPU.
    Gpu,
    /// The module that the GPU is on.
    Module,
    /// All its NVLinks together.
    Links,
    /// Each NVLink by itself.
    EachLink,
}

impl Scope {
    /// NVML's number for it; `None` where it is each link's own.
    pub(super) fn number(self) -> Option<u32> {
        match self {
            Self::Gpu => Some(0),
            Self::Module => Some(1),
            Self::Links => Some(ALL_LINKS),
            Self::EachLink => None,
        }
    }
}

/// A figure of two samples of GPM, by NVML's number (`NVML_GPM_METRIC_…`).
#[derive(Debug)]
pub(super) struct ProfileRow {
    pub(super) id: u32,
    pub(super) metric: Metric,
}

/// The calls, in the order in which they are made.
pub(super) fn calls() -> impl Iterator<Item = &'static Call> {
    [load::CALLS, memory::CALLS, power::CALLS, clocks::CALLS, errors::CALLS, links::CALLS]
        .into_iter()
        .flatten()
}

/// The fields.
pub(super) fn fields() -> impl Iterator<Item = &'static FieldRow> {
    [power::FIELDS, clocks::FIELDS, errors::FIELDS, links::FIELDS, nvlink::FIELDS].into_iter().flatten()
}

/// Every metric, in the order of tables: of calls, of fields, of GPM, and the same of instances.
pub(super) fn metrics() -> impl Iterator<Item = &'static Metric> {
    let of_calls = calls().flat_map(|call| call.metrics);
    let of_fields = fields().map(|field| &field.metric);
    let of_profile = PROFILE.iter().map(|row| &row.metric);
    let of_instances = INSTANCE_CALLS.iter().flat_map(|call| call.metrics);
    let of_their_profile = INSTANCE_PROFILE.iter().map(|row| &row.metric);
    of_calls.chain(of_fields).chain(of_profile).chain(of_instances).chain(of_their_profile)
}

const fn call(
    tier: Tier,
    read: fn(&Device, &mut Values) -> Result<(), Error>,
    metrics: &'static [Metric],
) -> Call {
    Call { tier, read, metrics }
}

/// A field of the GPU in the metric's own unit.
macro_rules! field {
    ($tier:ident, $id:literal, $metric:expr) => {
        field!($tier, Gpu, [$id => std::convert::identity], $metric)
    };
    ($tier:ident, $of:ident, [$($id:literal => $convert:expr),+], $metric:expr) => {
        $crate::nvml::catalogue::FieldRow {
            tier: $crate::nvml::catalogue::Tier::$tier,
            sources: &[$($crate::nvml::catalogue::Field { id: $id, convert: $convert }),+],
            of: $crate::nvml::catalogue::Scope::$of,
            metric: $metric,
        }
    };
}
use field;

#[expect(clippy::unnecessary_wraps, reason = "as every call answers")]
fn one(values: &mut Values, value: impl Into<f64>) -> Result<(), Error> {
    values[0] = Some(value.into());
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "as every call answers")]
fn all<const N: usize>(values: &mut Values, answers: [Option<f64>; N]) -> Result<(), Error> {
    values.iter_mut().zip(answers).for_each(|(value, answer)| *value = answer);
    Ok(())
}
