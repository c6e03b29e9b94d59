//! Errors of memory, repairs, the fabric.

use std::ffi::{c_uint, c_ulonglong};

use nvml_wrapper_sys::bindings::{
    nvmlDevice_t, nvmlEccSramErrorStatus_t, nvmlGpuFabricInfo_v2_t, nvmlGpuFabricInfo_v3_t,
    nvmlRepairStatus_t, nvmlRowRemapperHistogramValues_t,
};

use super::{INSUFFICIENT_SIZE, first, of_version, put, put_number};
use crate::{entry::of_gpu, state::Gpu};

functions! {
    of_gpu nvmlDeviceGetMemoryErrorCounter(device, kind: c_uint, counter: c_uint, place: c_uint, to: *mut c_ulonglong) |gpu| {
        let kind = if kind == 0 { "corrected" } else { "uncorrected" };
        let counter = if counter == 0 { "volatile" } else { "aggregate" };
        let place = match place { 2 => "dram", 7 => "sram", _ => "" };
        put_number(to, gpu, &format!("ecc.{counter}.{kind}.{place}"))
    };
    of_gpu nvmlDeviceGetRetiredPages_v2(device, cause: c_uint, count: *mut c_uint, addresses: *mut c_ulonglong, _times: *mut c_ulonglong) |gpu| {
        let (room, code) = (*count, put_number(count, gpu, if cause == 0 { "retired.single" } else { "retired.double" }));
        match code {
            0 if *count > 0 && (addresses.is_null() || room < *count) => INSUFFICIENT_SIZE,
            code => code,
        }
    };
    of_gpu nvmlDeviceGetRowRemapperHistogram(device, to: *mut nvmlRowRemapperHistogramValues_t) |gpu| {
        let [high, partial, low, none] =
            ["high", "partial", "low", "none"].map(|spare| optional(gpu, &format!("remap.histogram.{spare}")) as c_uint);
        put(to, nvmlRowRemapperHistogramValues_t { max: 0, high, partial, low, none });
        put_number(&raw mut (*to).max, gpu, "remap.histogram")
    };
    of_gpu nvmlDeviceGetSramEccErrorStatus(device, to: *mut nvmlEccSramErrorStatus_t) |gpu| {
        let version = of_version(&raw const (*to).version, 1, size_of::<nvmlEccSramErrorStatus_t>());
        (*to).aggregateUncParity = optional(gpu, "sram.parity");
        (*to).aggregateCor = optional(gpu, "sram.corrected");
        (*to).volatileUncParity = optional(gpu, "sram.volatile.parity");
        (*to).volatileUncSecDed = optional(gpu, "sram.volatile.uncorrected");
        (*to).volatileCor = optional(gpu, "sram.volatile.corrected");
        (*to).aggregateUncBucketL2 = optional(gpu, "sram.source.l2");
        (*to).aggregateUncBucketSm = optional(gpu, "sram.source.sm");
        (*to).aggregateUncBucketPcie = optional(gpu, "sram.source.pcie");
        (*to).aggregateUncBucketMcu = optional(gpu, "sram.source.mcu");
        (*to).aggregateUncBucketOther = optional(gpu, "sram.source.other");
        first([
            put_number(&raw mut (*to).aggregateUncSecDed, gpu, "sram.uncorrected"),
            put_number(&raw mut (*to).bThresholdExceeded, gpu, "sram.threshold"),
            version,
        ])
    };
    of_gpu nvmlDeviceGetRepairStatus(device, to: *mut nvmlRepairStatus_t) |gpu|
        first([
            put_number(&raw mut (*to).bChannelRepairPending, gpu, "repair.channel"),
            put_number(&raw mut (*to).bTpcRepairPending, gpu, "repair.tpc"),
            of_version(&raw const (*to).version, 1, size_of::<nvmlRepairStatus_t>()),
        ]);
    of_gpu nvmlDeviceGetGpuFabricInfoV(device, to: *mut nvmlGpuFabricInfo_v3_t) |gpu| {
        // A driver of before has the second version alone; its state has no summary.
        let code = if gpu.numbers.contains_key("fabric.summary") {
            (*to).healthSummary = optional(gpu, "fabric.summary") as u8;
            of_version(&raw const (*to).version, 3, size_of::<nvmlGpuFabricInfo_v3_t>())
        } else {
            of_version(&raw const (*to).version, 2, size_of::<nvmlGpuFabricInfo_v2_t>())
        };
        first([
            put_number(&raw mut (*to).state, gpu, "fabric.state"),
            put_number(&raw mut (*to).status, gpu, "fabric.status"),
            put_number(&raw mut (*to).healthMask, gpu, "fabric.health"),
            code,
        ])
    };
}

/// A number that a state need not say: 0 then.
fn optional(gpu: &Gpu, quantity: &str) -> u64 {
    gpu.numbers.get(quantity).copied().unwrap_or(0)
}
