//! A metric, and what it is called under each naming.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whose names, units and scales metrics have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// OpenTelemetry's `hw.*`, and `gpu.*` for what it has no names for.
    #[default]
    Semconv,
    /// DCGM exporter's, such as `DCGM_FI_DEV_GPU_UTIL`.
    Dcgm,
    /// The CloudWatch Agent's, such as `nvidia_smi_utilization_gpu`.
    Cwagent,
    /// The three that a script around `nvidia-smi -q` published, and what took their place on newer GPUs.
    GpuHealth,
}

/// What a metric's points are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// How it is now.
    Gauge,
    /// A cumulative sum that only grows; where it falls, the GPU or the driver was reset.
    Counter,
}

/// What a metric is called, and in which unit.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_field_names, reason = "a name has a name")]
pub(super) struct Name {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    /// From NVML's unit to this one.
    pub(super) scale: f64,
    pub(super) shape: Shape,
}

/// A figure of a GPU.
#[derive(Clone, Copy, Debug)]
pub(super) struct Metric {
    /// What tells it from others of its name.
    pub(super) attributes: &'static [(&'static str, &'static str)],
    names: [Option<Name>; 4],
    /// Whether it is published only where it is listed.
    is_optional: bool,
    /// Whether the driver counts it in 32 bits.
    pub(super) wraps: bool,
}

const NO_ATTRIBUTES: &[(&str, &str)] = &[];

/// A gauge in NVML's own unit.
pub(super) const fn gauge(name: &'static str, unit: &'static str) -> Metric {
    Metric::new(Name { name, unit, scale: 1.0, shape: Shape::Gauge })
}

/// A counter in NVML's own unit.
pub(super) const fn counter(name: &'static str, unit: &'static str) -> Metric {
    Metric::new(Name { name, unit, scale: 1.0, shape: Shape::Counter })
}

/// A gauge that DCGM exporter alone has, in its own way of counting.
pub(super) const fn gauge_of_dcgm(name: &'static str, unit: &'static str) -> Metric {
    let dcgm = Some(Name { name, unit, scale: 1.0, shape: Shape::Gauge });
    Metric { attributes: NO_ATTRIBUTES, names: [None, dcgm, None, None], is_optional: true, wraps: false }
}

impl Metric {
    const fn new(name: Name) -> Self {
        Self {
            attributes: NO_ATTRIBUTES,
            names: [Some(name), None, None, None],
            is_optional: false,
            wraps: false,
        }
    }

    /// Gives its points these attributes.
    pub(super) const fn with(mut self, attributes: &'static [(&'static str, &'static str)]) -> Self {
        self.attributes = attributes;
        self
    }

    /// NVML's figure times `scale` is the metric's.
    pub(super) const fn scaled(mut self, scale: f64) -> Self {
        if let Some(name) = &mut self.names[0] {
            name.scale = scale;
        }
        self
    }

    /// Publishes it under OpenTelemetry's name only where it is listed: what few ask for, or many series.
    pub(super) const fn optional(mut self) -> Self {
        self.is_optional = true;
        self
    }

    /// The driver counts it in 32 bits, so that it begins at 0 again.
    pub(super) const fn wrapping(mut self) -> Self {
        self.wraps = true;
        self
    }

    const fn called(mut self, profile: Profile, name: Name) -> Self {
        self.names[profile as usize] = Some(name);
        self
    }

    const fn shape(&self) -> Shape {
        match &self.names[0] {
            Some(name) => name.shape,
            None => Shape::Gauge,
        }
    }

    /// DCGM exporter's name for it.
    pub(super) const fn dcgm(self, name: &'static str, unit: &'static str, scale: f64) -> Self {
        let shape = self.shape();
        self.called(Profile::Dcgm, Name { name, unit, scale, shape })
    }

    /// The CloudWatch Agent's, whose metrics are all gauges without a unit.
    pub(super) const fn cwagent(self, name: &'static str, scale: f64) -> Self {
        self.called(Profile::Cwagent, Name { name, unit: "1", scale, shape: Shape::Gauge })
    }

    /// The script's: the raw figure, in CloudWatch's unit Count.
    pub(super) const fn health(self, name: &'static str) -> Self {
        self.called(Profile::GpuHealth, Name { name, unit: "Count", scale: 1.0, shape: Shape::Gauge })
    }

    /// What it is called under `profile`; `None` where that does not have it.
    pub(super) fn under(&self, profile: Profile) -> Option<Name> {
        self.names[profile as usize]
    }

    /// OpenTelemetry's name for it, or DCGM exporter's where that alone has it.
    pub(super) fn name(&self) -> Option<Name> {
        self.under(Profile::Semconv).or(self.under(Profile::Dcgm))
    }

    /// Whether `profile` publishes it where nothing is listed.
    pub(super) fn is_default(&self, profile: Profile) -> bool {
        match profile {
            Profile::Semconv => !self.is_optional,
            Profile::Dcgm => self.under(profile).is_some_and(|name| DCGM_DEFAULTS.contains(&name.name)),
            Profile::Cwagent | Profile::GpuHealth => true,
        }
    }
}

/// What DCGM exporter publishes by itself: `etc/default-counters.csv` of version 4.
const DCGM_DEFAULTS: &[&str] = &[
    "DCGM_FI_DEV_SM_CLOCK",
    "DCGM_FI_DEV_MEM_CLOCK",
    "DCGM_FI_DEV_MEMORY_TEMP",
    "DCGM_FI_DEV_GPU_TEMP",
    "DCGM_FI_DEV_POWER_USAGE",
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
    "DCGM_FI_DEV_PCIE_REPLAY_COUNTER",
    "DCGM_FI_DEV_GPU_UTIL",
    "DCGM_FI_DEV_MEM_COPY_UTIL",
    "DCGM_FI_DEV_ENC_UTIL",
    "DCGM_FI_DEV_DEC_UTIL",
    "DCGM_FI_DEV_FB_FREE",
    "DCGM_FI_DEV_FB_USED",
    "DCGM_FI_DEV_FB_RESERVED",
    "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS",
    "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS",
    "DCGM_FI_DEV_ROW_REMAP_FAILURE",
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
    "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE",
    "DCGM_FI_PROF_DRAM_ACTIVE",
    "DCGM_FI_PROF_PCIE_TX_BYTES",
    "DCGM_FI_PROF_PCIE_RX_BYTES",
];
