//! GPM: what Hopper and later count while they run, as two samples of it say.

use super::ProfileRow;
use crate::nvml::metric::{Metric, gauge};

const PERCENT: f64 = 0.01;
const MIB: f64 = 1_048_576.0;

const fn row(id: u32, metric: Metric) -> ProfileRow {
    ProfileRow { id, metric }
}

/// The time in which a pipe of the multiprocessors was at work.
macro_rules! pipe {
    ($pipe:literal) => {
        gauge("gpu.pipe.utilization", "1").with(&[("gpu.pipe", $pipe)]).scaled(PERCENT)
    };
}

macro_rules! rate {
    ($interface:literal, $direction:literal) => {
        gauge("gpu.io.rate", "By/s")
            .with(&[("network.io.direction", $direction), ("gpu.interface", $interface)])
            .scaled(MIB)
    };
}

/// Of the GPU. DCGM has the same as ratios, and rates in bytes.
pub(in crate::nvml) const PROFILE: &[ProfileRow] = &[
    row(
        1,
        gauge("gpu.graphics.utilization", "1").scaled(PERCENT).dcgm(
            "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
            "1",
            PERCENT,
        ),
    ),
    row(2, gauge("gpu.sm.utilization", "1").scaled(PERCENT).dcgm("DCGM_FI_PROF_SM_ACTIVE", "1", PERCENT)),
    row(3, gauge("gpu.sm.occupancy", "1").scaled(PERCENT).dcgm("DCGM_FI_PROF_SM_OCCUPANCY", "1", PERCENT)),
    row(5, pipe!("tensor").dcgm("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "1", PERCENT)),
    row(
        10,
        gauge("gpu.memory.bandwidth.utilization", "1").scaled(PERCENT).dcgm(
            "DCGM_FI_PROF_DRAM_ACTIVE",
            "1",
            PERCENT,
        ),
    ),
    row(11, pipe!("fp64").dcgm("DCGM_FI_PROF_PIPE_FP64_ACTIVE", "1", PERCENT)),
    row(12, pipe!("fp32").dcgm("DCGM_FI_PROF_PIPE_FP32_ACTIVE", "1", PERCENT)),
    row(13, pipe!("fp16").dcgm("DCGM_FI_PROF_PIPE_FP16_ACTIVE", "1", PERCENT)),
    row(4, pipe!("integer").dcgm("DCGM_FI_PROF_PIPE_INT_ACTIVE", "1", PERCENT)),
    row(6, pipe!("tensor_dfma").optional().dcgm("DCGM_FI_PROF_PIPE_TENSOR_DFMA_ACTIVE", "1", PERCENT)),
    row(7, pipe!("tensor_hmma").optional().dcgm("DCGM_FI_PROF_PIPE_TENSOR_HMMA_ACTIVE", "1", PERCENT)),
    row(9, pipe!("tensor_imma").optional().dcgm("DCGM_FI_PROF_PIPE_TENSOR_IMMA_ACTIVE", "1", PERCENT)),
    row(20, rate!("pcie", "transmit").dcgm("DCGM_FI_PROF_PCIE_TX_BYTES", "By/s", MIB)),
    row(21, rate!("pcie", "receive").dcgm("DCGM_FI_PROF_PCIE_RX_BYTES", "By/s", MIB)),
    row(61, rate!("nvlink", "transmit").dcgm("DCGM_FI_PROF_NVLINK_TX_BYTES", "By/s", MIB)),
    row(60, rate!("nvlink", "receive").dcgm("DCGM_FI_PROF_NVLINK_RX_BYTES", "By/s", MIB)),
];

/// Of a MIG GPU instance, where the GPU as a whole says no utilisation.
pub(in crate::nvml) const INSTANCE_PROFILE: &[ProfileRow] = &[
    row(1, gauge("gpu.instance.graphics.utilization", "1").scaled(PERCENT)),
    row(2, gauge("gpu.instance.sm.utilization", "1").scaled(PERCENT)),
    row(3, gauge("gpu.instance.sm.occupancy", "1").scaled(PERCENT)),
    row(5, gauge("gpu.instance.pipe.utilization", "1").with(&[("gpu.pipe", "tensor")]).scaled(PERCENT)),
    row(10, gauge("gpu.instance.memory.bandwidth.utilization", "1").scaled(PERCENT)),
];
