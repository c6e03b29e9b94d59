//! A GPU's memory, and the window through which the host sees it.

use super::{Call, Tier, all, call};
use crate::nvml::metric::{gauge, gauge_of_dcgm};

const MIB: f64 = 1.0 / 1_048_576.0;

pub(super) const CALLS: &[Call] = &[
    call(
        Tier::Fast,
        |device, values| {
            let memory = device.memory()?;
            all(
                values,
                [
                    Some(memory.used as f64),
                    Some(memory.free as f64),
                    memory.reserved.map(|bytes| bytes as f64),
                    Some(memory.total as f64),
                    (memory.total > 0).then(|| memory.used as f64 / memory.total as f64),
                    memory
                        .reserved
                        .and_then(|reserved| memory.total.checked_sub(reserved))
                        .filter(|usable| *usable > 0)
                        .map(|usable| memory.used as f64 / usable as f64),
                ],
            )
        },
        &[
            gauge("hw.gpu.memory.usage", "By")
                .dcgm("DCGM_FI_DEV_FB_USED", "MiBy", MIB)
                .cwagent("nvidia_smi_memory_used", MIB),
            gauge("gpu.memory.free", "By")
                .dcgm("DCGM_FI_DEV_FB_FREE", "MiBy", MIB)
                .cwagent("nvidia_smi_memory_free", MIB),
            gauge("gpu.memory.reserved", "By").dcgm("DCGM_FI_DEV_FB_RESERVED", "MiBy", MIB),
            gauge("hw.gpu.memory.limit", "By")
                .dcgm("DCGM_FI_DEV_FB_TOTAL", "MiBy", MIB)
                .cwagent("nvidia_smi_memory_total", MIB),
            gauge("hw.gpu.memory.utilization", "1"),
            // dcgm_fields.h: "Used / (Total - Reserved)", from 0 to 1.
            gauge_of_dcgm("DCGM_FI_DEV_FB_USED_PERCENT", "1"),
        ],
    ),
    call(
        Tier::Slow,
        |device, values| {
            let (used, total) = device.bar1()?;
            all(values, [Some(used as f64), Some(total as f64)])
        },
        &[
            gauge("gpu.bar1.usage", "By").dcgm("DCGM_FI_DEV_BAR1_USED", "MiBy", MIB),
            gauge("gpu.bar1.limit", "By").dcgm("DCGM_FI_DEV_BAR1_TOTAL", "MiBy", MIB),
        ],
    ),
];
