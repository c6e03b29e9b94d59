//! The functions of NVML that Weir calls, answered from the state.
#![allow(clippy::missing_safety_doc, missing_docs, reason = "the contract of each is NVML's own")]
#![allow(non_snake_case, reason = "NVML's names")]
#![allow(unused_unsafe, reason = "some bodies of the macro write nothing")]

use std::{
    ffi::{c_char, c_int, c_uint, c_ulonglong},
    slice, thread,
    time::Duration,
};

use nvml_wrapper_sys::bindings::{
    nvmlBAR1Memory_t, nvmlDevice_t, nvmlDeviceAttributes_t, nvmlEventData_t, nvmlGpuInstanceInfo_t,
    nvmlMarginTemperature_t, nvmlMemory_t, nvmlMemory_v2_t, nvmlPciInfo_t, nvmlProcessInfo_t,
    nvmlProcessUtilizationSample_t, nvmlTemperature_t, nvmlUtilization_t,
};

use crate::{
    entry::{self, INVALID_ARGUMENT, LOOK, NOT_SUPPORTED, of_gpu, of_node, place},
    state::Gpu,
};

const NOT_FOUND: u32 = 6;
const INSUFFICIENT_SIZE: u32 = 7;
const TIMEOUT: u32 = 10;
const ARGUMENT_VERSION_MISMATCH: u32 = 25;

/// Stands for event sets, of which there is nothing to keep.
const TOKEN: usize = 0xe0;

unsafe fn put<T>(to: *mut T, value: T) {
    // SAFETY: NVML's callers hand over room for one value.
    unsafe { to.write(value) }
}

unsafe fn put_text(to: *mut c_char, room: c_uint, text: &str) -> u32 {
    if text.len() >= room as usize {
        return INSUFFICIENT_SIZE;
    }
    for (at, byte) in text.bytes().chain([0]).enumerate() {
        // SAFETY: within `room`, as checked above.
        unsafe { to.add(at).write(byte as c_char) };
    }
    0
}

unsafe fn put_number<T: TryFrom<u64>>(to: *mut T, gpu: &Gpu, quantity: &str) -> u32 {
    match gpu.numbers.get(quantity).copied().map(T::try_from) {
        // SAFETY: as for `put`.
        Some(Ok(value)) => unsafe { to.write(value) },
        _ => return NOT_SUPPORTED,
    }
    0
}

/// The first code that is none of success.
fn first<const N: usize>(codes: [u32; N]) -> u32 {
    codes.into_iter().find(|code| *code != 0).unwrap_or(0)
}

/// A structure's version and size, as its caller says they are.
unsafe fn of_version(version: *const c_uint, number: u32, size: usize) -> u32 {
    // SAFETY: a structure's first field, which its caller filled in.
    let said = unsafe { version.read() };
    if said == size as u32 | (number << 24) { 0 } else { ARGUMENT_VERSION_MISMATCH }
}

/// How often a function was called.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlStubCalls(name: *const u8, length: usize) -> u64 {
    // SAFETY: `Stub::calls` hands over a string.
    let name = unsafe { slice::from_raw_parts(name, length) };
    entry::calls(&String::from_utf8_lossy(name))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlInit_v2() -> u32 {
    entry::open("nvmlInit_v2")
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlShutdown() -> u32 {
    entry::close("nvmlShutdown")
}

/// Functions of the node, and of a GPU; each body yields the return code.
macro_rules! functions {
    ($($of:ident $symbol:ident($($device:ident)? $(, $argument:ident: $type:ty)* $(,)?) |$state:ident| $body:expr;)*) => {
        $(functions!(@ $of $symbol($($device)? $(, $argument: $type)*) |$state| $body);)*
    };
    (@ of_node $symbol:ident($(, $argument:ident: $type:ty)*) |$state:ident| $body:expr) => {
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol($($argument: $type),*) -> u32 {
            // SAFETY: the pointers are what NVML's documentation of the function asks for.
            of_node(stringify!($symbol), |$state| unsafe { $body })
        }
    };
    (@ of_gpu $symbol:ident($device:ident $(, $argument:ident: $type:ty)*) |$state:ident| $body:expr) => {
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol($device: nvmlDevice_t $(, $argument: $type)*) -> u32 {
            // SAFETY: the pointers are what NVML's documentation of the function asks for.
            of_gpu(stringify!($symbol), $device, |$state| unsafe { $body })
        }
    };
}

mod fields;
mod gpm;
mod health;

/// Functions that answer one number, each with its quantity.
macro_rules! numbers {
    ($($symbol:ident $quantity:literal;)*) => {
        functions! { $(of_gpu $symbol(device, to: *mut c_uint) |gpu| put_number(to, gpu, $quantity);)* }
    };
}

numbers! {
    nvmlDeviceGetPowerUsage "power";
    nvmlDeviceGetEnforcedPowerLimit "power.limit";
    nvmlDeviceGetPerformanceState "performance.state";
    nvmlDeviceGetPersistenceMode "persistence";
    nvmlDeviceGetCurrPcieLinkGeneration "link.generation";
    nvmlDeviceGetMaxPcieLinkGeneration "link.generation.max";
    nvmlDeviceGetCurrPcieLinkWidth "link.width";
    nvmlDeviceGetMaxPcieLinkWidth "link.width.max";
    nvmlDeviceGetRetiredPagesPendingStatus "retired.pending";
    nvmlDeviceGetGpuInstanceId "instance";
    nvmlDeviceGetComputeInstanceId "compute.instance";
}

functions! {
    of_node nvmlSystemGetDriverVersion(, to: *mut c_char, room: c_uint) |node| put_text(to, room, &node.driver);
    of_node nvmlSystemGetCudaDriverVersion_v2(, to: *mut c_int) |node| { put(to, node.cuda as c_int); 0 };
    of_node nvmlDeviceGetCount_v2(, to: *mut c_uint) |node| { put(to, node.gpus.len() as c_uint); 0 };
    of_node nvmlDeviceGetHandleByIndex_v2(, index: c_uint, to: *mut nvmlDevice_t) |node| match node.gpus.get(index as usize) {
        None => INVALID_ARGUMENT,
        Some(gpu) => match gpu.faults.get("nvmlDeviceGetHandleByIndex_v2").or_else(|| gpu.faults.get("*")) {
            Some(code) => *code,
            None => { put(to, entry::handle(index as usize, None)); 0 }
        },
    };
    of_gpu nvmlDeviceGetUUID(device, to: *mut c_char, room: c_uint) |gpu| put_text(to, room, &gpu.uuid);
    of_gpu nvmlDeviceGetName(device, to: *mut c_char, room: c_uint) |gpu| put_text(to, room, &gpu.name);
    of_gpu nvmlDeviceGetSerial(device, to: *mut c_char, room: c_uint) |gpu| put_text(to, room, &gpu.serial);
    of_gpu nvmlDeviceGetVbiosVersion(device, to: *mut c_char, room: c_uint) |gpu| put_text(to, room, &gpu.vbios);
    of_gpu nvmlDeviceGetPciInfo_v3(device, to: *mut nvmlPciInfo_t) |gpu| {
        (*to).busId = [0; 32];
        put_text((*to).busId.as_mut_ptr(), 32, &gpu.pci)
    };
    of_gpu nvmlDeviceGetUtilizationRates(device, to: *mut nvmlUtilization_t) |gpu|
        put_number(&raw mut (*to).gpu, gpu, "utilization") | put_number(&raw mut (*to).memory, gpu, "memory.utilization");
    of_gpu nvmlDeviceGetMemoryInfo(device, to: *mut nvmlMemory_t) |gpu| {
        (*to).total = total_memory(gpu);
        put_number(&raw mut (*to).free, gpu, "memory.free") | put_number(&raw mut (*to).used, gpu, "memory.used")
    };
    of_gpu nvmlDeviceGetMemoryInfo_v2(device, to: *mut nvmlMemory_v2_t) |gpu| {
        (*to).total = total_memory(gpu);
        put_number(&raw mut (*to).free, gpu, "memory.free")
            | put_number(&raw mut (*to).used, gpu, "memory.used")
            | put_number(&raw mut (*to).reserved, gpu, "memory.reserved")
    };
    of_gpu nvmlDeviceGetBAR1MemoryInfo(device, to: *mut nvmlBAR1Memory_t) |gpu| {
        let code = put_number(&raw mut (*to).bar1Total, gpu, "bar1.total") | put_number(&raw mut (*to).bar1Used, gpu, "bar1.used");
        (*to).bar1Free = (*to).bar1Total.wrapping_sub((*to).bar1Used);
        code
    };
    of_gpu nvmlDeviceGetTemperatureV(device, to: *mut nvmlTemperature_t) |gpu|
        first([
            put_number(&raw mut (*to).temperature, gpu, "temperature"),
            of_version(&raw const (*to).version, 1, size_of::<nvmlTemperature_t>()),
        ]);
    of_gpu nvmlDeviceGetMarginTemperature(device, to: *mut nvmlMarginTemperature_t) |gpu|
        first([
            put_number(&raw mut (*to).marginTemperature, gpu, "temperature.margin"),
            of_version(&raw const (*to).version, 1, size_of::<nvmlMarginTemperature_t>()),
        ]);
    of_gpu nvmlDeviceGetTemperatureThreshold(device, limit: c_uint, to: *mut c_uint) |gpu|
        put_number(to, gpu, &format!("temperature.limit.{limit}"));
    of_gpu nvmlDeviceGetTemperature(device, _sensor: c_uint, to: *mut c_uint) |gpu| put_number(to, gpu, "temperature");
    of_gpu nvmlDeviceGetClockInfo(device, clock: c_uint, to: *mut c_uint) |gpu| put_number(to, gpu, &clock_name("clock", clock));
    of_gpu nvmlDeviceGetMaxClockInfo(device, clock: c_uint, to: *mut c_uint) |gpu|
        put_number(to, gpu, &clock_name("clock.max", clock));
    of_gpu nvmlDeviceGetCurrentClocksThrottleReasons(device, to: *mut c_ulonglong) |gpu| put_number(to, gpu, "event.reasons");
    of_gpu nvmlDeviceGetCurrentClocksEventReasons(device, to: *mut c_ulonglong) |gpu| put_number(to, gpu, "event.reasons");
    of_gpu nvmlDeviceGetEncoderUtilization(device, to: *mut c_uint, _period: *mut c_uint) |gpu| put_number(to, gpu, "encoder");
    of_gpu nvmlDeviceGetDecoderUtilization(device, to: *mut c_uint, _period: *mut c_uint) |gpu| put_number(to, gpu, "decoder");
    of_gpu nvmlDeviceGetJpgUtilization(device, to: *mut c_uint, _period: *mut c_uint) |gpu| put_number(to, gpu, "jpeg");
    of_gpu nvmlDeviceGetOfaUtilization(device, to: *mut c_uint, _period: *mut c_uint) |gpu| put_number(to, gpu, "ofa");
    of_gpu nvmlDeviceGetEncoderStats(device, sessions: *mut c_uint, rate: *mut c_uint, latency: *mut c_uint) |gpu|
        put_number(sessions, gpu, "encoder.sessions")
            | put_number(rate, gpu, "encoder.frame_rate")
            | put_number(latency, gpu, "encoder.latency");
    of_gpu nvmlDeviceGetNumFans(device, to: *mut c_uint) |gpu| {
        let fans = gpu.numbers.keys().filter(|quantity| quantity.starts_with("fan.")).count();
        put(to, fans as c_uint);
        if fans > 0 { 0 } else { NOT_SUPPORTED }
    };
    of_gpu nvmlDeviceGetFanSpeed_v2(device, fan: c_uint, to: *mut c_uint) |gpu| put_number(to, gpu, &format!("fan.{fan}"));
    of_gpu nvmlDeviceGetComputeRunningProcesses_v3(device, count: *mut c_uint, to: *mut nvmlProcessInfo_t) |gpu| {
        let room = *count as usize;
        *count = gpu.processes.len() as c_uint;
        if room < gpu.processes.len() {
            return INSUFFICIENT_SIZE;
        }
        for (at, process) in gpu.processes.iter().enumerate() {
            let none = c_uint::MAX;
            to.add(at).write(nvmlProcessInfo_t {
                pid: process.pid, usedGpuMemory: process.memory, gpuInstanceId: none, computeInstanceId: none,
            });
        }
        0
    };
    of_gpu nvmlDeviceGetProcessUtilization(device, to: *mut nvmlProcessUtilizationSample_t, count: *mut c_uint, since: c_ulonglong) |gpu| {
        if gpu.numbers.contains_key("mig.mode") {
            return NOT_SUPPORTED;
        }
        // A process that did nothing since has no sample.
        let busy = || gpu.processes.iter().filter(|process| process.sm > 0);
        let room = *count as usize;
        *count = busy().count() as c_uint;
        match *count as usize {
            0 => return NOT_FOUND,
            samples if samples > room => return INSUFFICIENT_SIZE,
            _ => {}
        }
        for (at, process) in busy().enumerate() {
            to.add(at).write(nvmlProcessUtilizationSample_t {
                pid: process.pid, timeStamp: since + 1, smUtil: process.sm, memUtil: 0, encUtil: 0, decUtil: 0,
            });
        }
        0
    };
    of_gpu nvmlDeviceGetMinorNumber(device, to: *mut c_uint) |gpu| put_number(to, gpu, "minor");
    of_gpu nvmlDeviceGetAttributes_v2(device, to: *mut nvmlDeviceAttributes_t) |gpu|
        put_number(&raw mut (*to).gpuInstanceSliceCount, gpu, "slices");
    of_gpu nvmlDeviceGetGpuInstanceById(device, id: c_uint, to: *mut nvmlDevice_t) |gpu| {
        let is_it = |instance: &Gpu| instance.numbers.get("instance") == Some(&u64::from(id));
        let Some(at) = gpu.instances.iter().position(is_it) else { return NOT_FOUND };
        put(to, entry::handle(place(device).0, Some(at)));
        0
    };
    of_gpu nvmlGpuInstanceGetInfo(device, to: *mut nvmlGpuInstanceInfo_t) |gpu|
        put_number(&raw mut (*to).placement.start, gpu, "placement");
    of_gpu nvmlDeviceGetMigMode(device, current: *mut c_uint, pending: *mut c_uint) |gpu|
        put_number(current, gpu, "mig.mode") | put_number(pending, gpu, "mig.mode");
    of_gpu nvmlDeviceGetMaxMigDeviceCount(device, to: *mut c_uint) |gpu| { put(to, if gpu.numbers.contains_key("mig.mode") { 7 } else { 0 }); 0 };
    of_gpu nvmlDeviceGetMigDeviceHandleByIndex(device, index: c_uint, to: *mut nvmlDevice_t) |gpu| {
        if index as usize >= gpu.instances.len() {
            return NOT_FOUND;
        }
        put(to, entry::handle(place(device).0, Some(index as usize)));
        0
    };
    of_node nvmlEventSetCreate(, to: *mut usize) |_node| { entry::new_event_set(); put(to, TOKEN); 0 };
    of_node nvmlEventSetFree(, _set: usize) |_node| 0;
    of_gpu nvmlDeviceGetSupportedEventTypes(device, to: *mut c_ulonglong) |_gpu| { put(to, 0xff9f); 0 };
    of_gpu nvmlDeviceRegisterEvents(device, types: c_ulonglong, _set: usize) |gpu| {
        if gpu.numbers.get("events.refused").is_some_and(|refused| types & refused != 0) {
            return INVALID_ARGUMENT;
        }
        entry::register(place(device).0, types);
        0
    };
}

fn total_memory(gpu: &Gpu) -> u64 {
    ["memory.free", "memory.used", "memory.reserved"].iter().filter_map(|part| gpu.numbers.get(*part)).sum()
}

fn clock_name(which: &str, clock: c_uint) -> String {
    let clock = match clock {
        0 => "graphics",
        1 => "sm",
        2 => "memory",
        _ => "video",
    };
    format!("{which}.{clock}")
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlEventSetWait_v2(
    _set: usize,
    data: *mut nvmlEventData_t,
    timeout: c_uint,
) -> u32 {
    let mut left = Duration::from_millis(timeout.into());
    loop {
        let code = of_node("nvmlEventSetWait_v2", |_| match entry::next_event() {
            None => TIMEOUT,
            Some((index, kind, code, instance)) => {
                let none = c_uint::MAX;
                let event = nvmlEventData_t {
                    device: entry::handle(index, None),
                    eventType: kind,
                    eventData: code,
                    gpuInstanceId: instance.unwrap_or(none),
                    computeInstanceId: none,
                };
                // SAFETY: the caller hands over room for one event.
                unsafe { put(data, event) };
                0
            }
        });
        if code != TIMEOUT || left.is_zero() {
            return code;
        }
        thread::sleep(LOOK);
        left = left.saturating_sub(LOOK);
    }
}
