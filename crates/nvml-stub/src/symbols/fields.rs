//! Fields, of the GPU and of its parts.

use std::{ffi::c_int, slice};

use nvml_wrapper_sys::bindings::{nvmlDevice_t, nvmlFieldValue_t};

use crate::{
    entry::{NOT_SUPPORTED, of_gpu},
    state::Gpu,
};

/// Types of values in `nvml.h`.
const UNSIGNED_LONG_LONG: u32 = 3;
const SIGNED_INT: u32 = 5;

functions! {
    of_gpu nvmlDeviceGetFieldValues(device, count: c_int, values: *mut nvmlFieldValue_t) |gpu| {
        for value in slice::from_raw_parts_mut(values, count as usize) {
            let found = found(gpu, value.fieldId, value.scopeId);
            value.nvmlReturn = if found.is_some() { 0 } else { NOT_SUPPORTED };
            value.valueType = if (193..=196).contains(&value.fieldId) { SIGNED_INT } else { UNSIGNED_LONG_LONG };
            value.value.ullVal = found.unwrap_or(0);
        }
        0
    };
}

/// What the scope is, depends on the field: a link, or all of them, or the module's power in place of the GPU's.
fn found(gpu: &Gpu, id: u32, scope: u32) -> Option<u64> {
    let is_whole = match id {
        138..=141 | 201..=222 => scope == u32::MAX,
        161..=168 => false,
        185..=192 => scope == 0,
        _ => true,
    };
    let of = if is_whole { Some(&gpu.fields) } else { gpu.scoped.get(&scope) };
    of?.get(&id).copied()
}
