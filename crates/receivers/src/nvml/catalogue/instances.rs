//! What a MIG instance answers for itself, once for all compute instances of one GPU instance, which share it.

use weir_nvml_raw::{ErrorCounter::Volatile, ErrorKind::Uncorrected, MemoryPlace::Sram};

use super::{Call, Tier, all, call, one};
use crate::nvml::metric::{counter, gauge};

pub(in crate::nvml) const INSTANCE_CALLS: &[Call] = &[
    call(
        Tier::Medium,
        |device, values| {
            let memory = device.memory()?;
            let reserved = memory.reserved.map(|bytes| bytes as f64);
            all(
                values,
                [Some(memory.used as f64), Some(memory.total as f64), Some(memory.free as f64), reserved],
            )
        },
        &[
            gauge("gpu.instance.memory.usage", "By"),
            gauge("gpu.instance.memory.limit", "By"),
            gauge("gpu.instance.memory.free", "By").optional(),
            gauge("gpu.instance.memory.reserved", "By").optional(),
        ],
    ),
    call(
        Tier::Slow,
        |device, values| {
            let (used, total) = device.bar1()?;
            all(values, [Some(used as f64), Some(total as f64)])
        },
        &[
            gauge("gpu.instance.bar1.usage", "By").optional(),
            gauge("gpu.instance.bar1.limit", "By").optional(),
        ],
    ),
    call(
        Tier::Slow,
        // The only errors that an instance counts for itself, says nvml.h: uncorrected, not of the DRAM, since the driver was loaded.
        |device, values| one(values, device.memory_errors(Uncorrected, Volatile, Sram)? as f64),
        &[counter("gpu.instance.memory.errors", "{error}").with(&[
            ("error.type", "uncorrected"),
            ("gpu.memory.location", "sram"),
            ("gpu.errors.since", "driver_load"),
        ])],
    ),
];
