//! Fields: those of one tier are asked for in one call.

use super::{FieldRow, Tier};
use crate::nvml::metric::{Metric, counter, gauge};

const fn field(tier: Tier, id: u32, metric: Metric) -> FieldRow {
    FieldRow { tier, id, metric }
}

/// Nanoseconds.
macro_rules! throttled {
    ($reason:literal) => {
        counter("gpu.clock.event.time", "s").with(&[("reason", $reason)]).scaled(1e-9)
    };
}

macro_rules! pcie {
    ($kind:literal) => {
        counter("hw.errors", "{error}").with(&[
            ("hw.type", "gpu"),
            ("error.type", $kind),
            ("gpu.interface", "pcie"),
        ])
    };
}

macro_rules! nvlink {
    ($kind:literal) => {
        counter("hw.errors", "{error}").with(&[
            ("hw.type", "gpu"),
            ("error.type", $kind),
            ("gpu.interface", "nvlink"),
        ])
    };
}

macro_rules! io {
    ($interface:literal, $direction:literal) => {
        counter("hw.gpu.io", "By")
            .with(&[("network.io.direction", $direction), ("gpu.interface", $interface)])
    };
}

/// The fields. Ids above 250 mean another thing before driver 580.82 than since: none is asked for.
pub(in crate::nvml) const FIELDS: &[FieldRow] = &[
    field(
        Tier::Fast,
        83,
        counter("hw.energy", "J").with(&[("hw.type", "gpu")]).scaled(0.001).dcgm(
            "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
            "mJ",
            1.0,
        ),
    ),
    field(
        Tier::Fast,
        82,
        gauge("hw.temperature", "Cel").with(&[("hw.type", "gpu"), ("gpu.sensor", "memory")]).dcgm(
            "DCGM_FI_DEV_MEMORY_TEMP",
            "Cel",
            1.0,
        ),
    ),
    field(Tier::Fast, 74, throttled!("power").dcgm("DCGM_FI_DEV_POWER_VIOLATION", "ns", 1.0)),
    field(Tier::Fast, 75, throttled!("thermal").dcgm("DCGM_FI_DEV_THERMAL_VIOLATION", "ns", 1.0)),
    field(Tier::Fast, 76, throttled!("sync_boost").dcgm("DCGM_FI_DEV_SYNC_BOOST_VIOLATION", "ns", 1.0)),
    field(Tier::Fast, 77, throttled!("board_limit").dcgm("DCGM_FI_DEV_BOARD_LIMIT_VIOLATION", "ns", 1.0)),
    field(Tier::Fast, 78, throttled!("low_utilization").dcgm("DCGM_FI_DEV_LOW_UTIL_VIOLATION", "ns", 1.0)),
    field(Tier::Fast, 79, throttled!("reliability").dcgm("DCGM_FI_DEV_RELIABILITY_VIOLATION", "ns", 1.0)),
    field(Tier::Medium, 197, io!("pcie", "transmit")),
    field(Tier::Medium, 198, io!("pcie", "receive")),
    field(Tier::Medium, 138, io!("nvlink", "transmit").scaled(1024.0)), // KiB
    field(Tier::Medium, 139, io!("nvlink", "receive").scaled(1024.0)),
    field(Tier::Medium, 94, pcie!("pcie_replay").dcgm("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "1", 1.0)),
    field(Tier::Slow, 173, pcie!("pcie_correctable")),
    field(Tier::Slow, 174, pcie!("pcie_nak")),
    field(Tier::Slow, 176, pcie!("pcie_bad_tlp")),
    field(Tier::Slow, 179, pcie!("pcie_non_fatal")),
    field(Tier::Slow, 180, pcie!("pcie_fatal")),
    field(
        Tier::Slow,
        38,
        nvlink!("nvlink_crc_flit").dcgm("DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL", "1", 1.0),
    ),
    field(
        Tier::Slow,
        45,
        nvlink!("nvlink_crc_data").dcgm("DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL", "1", 1.0),
    ),
    field(
        Tier::Slow,
        52,
        nvlink!("nvlink_replay").dcgm("DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL", "1", 1.0),
    ),
    field(
        Tier::Slow,
        59,
        nvlink!("nvlink_recovery").dcgm("DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL", "1", 1.0),
    ),
    field(
        Tier::Slow,
        142,
        counter("gpu.memory.remapped_rows", "{row}")
            .with(&[("cause", "corrected")])
            .dcgm("DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", "1", 1.0)
            .health("GPU_Remapped_Rows_Correctable"),
    ),
    field(
        Tier::Slow,
        143,
        counter("gpu.memory.remapped_rows", "{row}")
            .with(&[("cause", "uncorrected")])
            .dcgm("DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", "1", 1.0)
            .health("GPU_Remapped_Rows_Uncorrectable"),
    ),
    field(Tier::Slow, 144, gauge("gpu.memory.row_remap.pending", "1").health("GPU_Row_Remap_Pending")),
    field(
        Tier::Slow,
        145,
        gauge("gpu.memory.row_remap.failure", "1")
            .dcgm("DCGM_FI_DEV_ROW_REMAP_FAILURE", "1", 1.0)
            .health("GPU_Row_Remap_Failure"),
    ),
    field(Tier::Slow, 230, gauge("gpu.recovery_action", "1")),
];
