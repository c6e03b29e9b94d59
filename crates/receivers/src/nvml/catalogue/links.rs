//! PCIe, and the fabric of NVLinks.

use weir_nvml_raw::{Device, Error};

use super::{Call, FieldRow, Tier, Values, all, call, field, one};
use crate::nvml::metric::{counter, gauge};

macro_rules! pcie {
    ($kind:literal) => {
        counter("hw.errors", "{error}").with(&[
            ("hw.type", "gpu"),
            ("error.type", $kind),
            ("gpu.interface", "pcie"),
        ])
    };
}

macro_rules! bytes {
    ($direction:literal) => {
        counter("hw.gpu.io", "By")
            .with(&[("network.io.direction", $direction), ("gpu.interface", "pcie")])
            .wrapping()
    };
}

macro_rules! unhealthy {
    ($reason:literal) => {
        gauge("gpu.fabric.unhealthy", "1").with(&[("reason", $reason)])
    };
}

/// No point where the GPU has no fabric, nor of what its driver does not say of it.
fn fabric(device: &Device, values: &mut Values) -> Result<(), Error> {
    let fabric = device.fabric()?;
    if fabric.state == 0 {
        return Ok(());
    }
    // NVML_GPU_FABRIC_HEALTH_MASK_…: two bits a question, 1 yes, 2 no; then four bits, 1 for what is right.
    let is = |shift: u32| match fabric.health >> shift & 0x3 {
        1 => Some(1.0),
        2 => Some(0.0),
        _ => None,
    };
    let configured = fabric.health >> 8 & 0xf;
    all(
        values,
        [
            Some(fabric.state.into()),
            (fabric.state == COMPLETED).then(|| fabric.status.into()),
            (fabric.summary > 0).then(|| fabric.summary.into()),
            is(0),
            is(2),
            is(4),
            is(6),
            (configured > 0).then(|| f64::from(configured > 1)),
        ],
    )
}

/// `NVML_GPU_FABRIC_STATE_COMPLETED`.
const COMPLETED: u8 = 3;

pub(super) const CALLS: &[Call] = &[
    call(
        Tier::Slow,
        |device, values| one(values, device.link_generation()?),
        &[gauge("gpu.pcie.link.generation", "1")
            .dcgm("DCGM_FI_DEV_PCIE_LINK_GEN", "1", 1.0)
            .cwagent("nvidia_smi_pcie_link_gen_current", 1.0)],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.link_generation_max()?),
        &[gauge("gpu.pcie.link.generation.max", "1").dcgm("DCGM_FI_DEV_PCIE_MAX_LINK_GEN", "1", 1.0)],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.link_width()?),
        &[gauge("gpu.pcie.link.width", "{lane}")
            .dcgm("DCGM_FI_DEV_PCIE_LINK_WIDTH", "1", 1.0)
            .cwagent("nvidia_smi_pcie_link_width_current", 1.0)],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.link_width_max()?),
        &[gauge("gpu.pcie.link.width.max", "{lane}").dcgm("DCGM_FI_DEV_PCIE_MAX_LINK_WIDTH", "1", 1.0)],
    ),
    call(
        Tier::Slow,
        fabric,
        &[
            gauge("gpu.fabric.state", "1"),
            gauge("gpu.fabric.status", "1"),
            gauge("gpu.fabric.health", "1").dcgm("DCGM_FI_DEV_FABRIC_HEALTH_SUMMARY", "1", 1.0),
            unhealthy!("bandwidth_degraded"),
            unhealthy!("route_recovery"),
            unhealthy!("route_unhealthy"),
            unhealthy!("access_timeout_recovery"),
            unhealthy!("incorrect_configuration"),
        ],
    ),
];

pub(super) const FIELDS: &[FieldRow] = &[
    // "Value can be wrapped", says nvml.h. The driver has 32 bits for them (NVIDIA/open-gpu-kernel-modules,
    // NV2080_CTRL_BUS_GET_PEX_UTIL_COUNTERS_PARAMS): they come round after 4 GiB, so they are asked for as often as anything.
    field!(Fast, 197, bytes!("transmit")),
    field!(Fast, 198, bytes!("receive")),
    field!(Medium, 94, pcie!("pcie_replay").dcgm("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "1", 1.0)),
    field!(Slow, 95, pcie!("pcie_replay_rollover").optional()),
    field!(Slow, 169, pcie!("pcie_recovery").optional()),
    field!(Slow, 173, pcie!("pcie_correctable").dcgm("DCGM_FI_DEV_PCIE_COUNT_CORRECTABLE_ERRORS", "1", 1.0)),
    field!(Slow, 174, pcie!("pcie_nak")),
    field!(Slow, 175, pcie!("pcie_receiver").optional()),
    field!(Slow, 176, pcie!("pcie_bad_tlp")),
    field!(Slow, 177, pcie!("pcie_nak_sent").optional()),
    field!(Slow, 178, pcie!("pcie_bad_dllp").optional()),
    field!(Slow, 179, pcie!("pcie_non_fatal")),
    field!(Slow, 180, pcie!("pcie_fatal")),
    field!(Slow, 181, pcie!("pcie_unsupported_request").optional()),
    field!(Slow, 182, pcie!("pcie_lcrc").optional()),
    field!(Slow, 183, pcie!("pcie_lane").optional()),
];
