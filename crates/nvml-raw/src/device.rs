//! One GPU, or one MIG instance.

use std::{mem, ptr, sync::Arc};

use nvml_wrapper_sys::bindings::{
    nvmlBAR1Memory_t, nvmlDevice_t, nvmlEccSramErrorStatus_t, nvmlMemory_t, nvmlMemory_v2_t, nvmlPciInfo_t,
    nvmlProcessInfo_t, nvmlRowRemapperHistogramValues_t, nvmlUtilization_t,
};

use crate::{
    Error,
    library::{Nvml, call, text},
};

/// A GPU, or a MIG instance of one. Its handle is good for as long as NVML is open: a GPU that is gone answers with errors.
#[derive(Clone, Debug)]
pub struct Device {
    pub(crate) nvml: Arc<Nvml>,
    /// The handle's address, which is only ever given back to NVML.
    handle: usize,
}

/// Which clock.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// Graphics.
    Graphics = 0,
    /// Streaming multiprocessors.
    Sm = 1,
    /// Memory.
    Memory = 2,
    /// Video engines.
    Video = 3,
}

/// Which of a clock's frequencies.
#[derive(Clone, Copy, Debug)]
pub enum ClockKind {
    /// As it is now.
    Current,
    /// The highest.
    Max,
}

/// Whether an error could be corrected.
#[derive(Clone, Copy, Debug)]
pub enum ErrorKind {
    /// It was.
    Corrected = 0,
    /// It was not.
    Uncorrected = 1,
}

/// Since when errors are counted.
#[derive(Clone, Copy, Debug)]
pub enum ErrorCounter {
    /// Since the driver was loaded.
    Volatile = 0,
    /// Since the board was made.
    Aggregate = 1,
}

/// Where errors are counted.
#[derive(Clone, Copy, Debug)]
pub enum MemoryPlace {
    /// The second-level cache.
    L2 = 1,
    /// The device's memory.
    Dram = 2,
    /// Register files.
    Registers = 3,
    /// All on-chip memory, Turing and later.
    Sram = 7,
}

/// Why a page was retired.
#[derive(Clone, Copy, Debug)]
pub enum Retired {
    /// Several single-bit errors.
    SingleBit = 0,
    /// A double-bit error.
    DoubleBit = 1,
}

/// Bytes of the device's memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryInfo {
    /// All of it.
    pub total: u64,
    /// In use by programs.
    pub used: u64,
    /// Not in use.
    pub free: u64,
    /// Kept by the driver; older drivers count it as used.
    pub reserved: Option<u64>,
}

/// On-chip memory, Ampere and later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SramStatus {
    /// Uncorrected errors over the lifetime.
    pub uncorrected: u64,
    /// So many that NVIDIA takes the board back.
    pub threshold_exceeded: bool,
}

/// Functions that answer one number.
macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident $symbol:ident;)*) => {
        $($(#[$doc])* pub fn $name(&self) -> Result<u32, Error> {
            let mut value = 0;
            call!(self.nvml, $symbol(self.handle(), &raw mut value))?;
            Ok(value)
        })*
    };
}

/// Functions that answer a utilisation and the period that it is of.
macro_rules! utilizations {
    ($($(#[$doc:meta])* $name:ident $symbol:ident;)*) => {
        $($(#[$doc])* pub fn $name(&self) -> Result<u32, Error> {
            let (mut percent, mut period) = (0, 0);
            call!(self.nvml, $symbol(self.handle(), &raw mut percent, &raw mut period))?;
            Ok(percent)
        })*
    };
}

impl Device {
    pub(crate) fn new(nvml: Arc<Nvml>, handle: nvmlDevice_t) -> Self {
        Self { nvml, handle: handle as usize }
    }

    pub(crate) fn handle(&self) -> nvmlDevice_t {
        self.handle as nvmlDevice_t
    }

    /// Whether an event's handle is this GPU's.
    pub(crate) fn has_handle(&self, handle: nvmlDevice_t) -> bool {
        self.handle == handle as usize
    }

    /// Whether the GPU answers at all: the cheapest question that each answers, without keeping what it says.
    pub fn answers(&self) -> Result<(), Error> {
        let mut buffer = [0; 96];
        call!(self.nvml, nvmlDeviceGetUUID(self.handle(), buffer.as_mut_ptr(), buffer.len() as u32))
    }

    /// Such as `GPU-…`: the GPU's own name, wherever it sits.
    pub fn uuid(&self) -> Result<String, Error> {
        text::<96>(|to, room| call!(self.nvml, nvmlDeviceGetUUID(self.handle(), to, room)))
    }

    /// The model.
    pub fn name(&self) -> Result<String, Error> {
        text::<96>(|to, room| call!(self.nvml, nvmlDeviceGetName(self.handle(), to, room)))
    }

    /// The board's number.
    pub fn serial(&self) -> Result<String, Error> {
        text::<30>(|to, room| call!(self.nvml, nvmlDeviceGetSerial(self.handle(), to, room)))
    }

    /// Where it sits on the bus, such as `00000000:10:1C.0`.
    pub fn pci_bus_id(&self) -> Result<String, Error> {
        let mut info = nvmlPciInfo_t {
            busIdLegacy: [0; 16],
            domain: 0,
            bus: 0,
            device: 0,
            pciDeviceId: 0,
            pciSubSystemId: 0,
            busId: [0; 32],
        };
        call!(self.nvml, nvmlDeviceGetPciInfo_v3(self.handle(), &raw mut info))?;
        let bytes = info.busId.iter().map(|byte| byte.cast_unsigned()).take_while(|byte| *byte != 0);
        Ok(bytes.map(char::from).collect())
    }

    numbers! {
        /// Milliwatts.
        power nvmlDeviceGetPowerUsage;
        /// Milliwatts, the lowest of all limits.
        power_limit nvmlDeviceGetEnforcedPowerLimit;
        /// 0 is the fastest, 15 the slowest, 32 unknown.
        performance_state nvmlDeviceGetPerformanceState;
        /// 1 where the driver stays initialised without programs.
        persistence_mode nvmlDeviceGetPersistenceMode;
        /// The generation of PCIe in use.
        link_generation nvmlDeviceGetCurrPcieLinkGeneration;
        /// The highest that GPU and slot can.
        link_generation_max nvmlDeviceGetMaxPcieLinkGeneration;
        /// Lanes in use.
        link_width nvmlDeviceGetCurrPcieLinkWidth;
        /// Lanes that GPU and slot have.
        link_width_max nvmlDeviceGetMaxPcieLinkWidth;
        /// 1 where pages are retired at the next restart of the driver.
        retired_pending nvmlDeviceGetRetiredPagesPendingStatus;
        /// How many MIG instances there may be; not how many there are.
        max_instances nvmlDeviceGetMaxMigDeviceCount;
        /// The GPU instance that a MIG instance is of.
        gpu_instance nvmlDeviceGetGpuInstanceId;
        /// The compute instance that a MIG instance is.
        compute_instance nvmlDeviceGetComputeInstanceId;
    }

    utilizations! {
        /// Percent.
        encoder nvmlDeviceGetEncoderUtilization;
        /// Percent.
        decoder nvmlDeviceGetDecoderUtilization;
        /// Percent.
        jpeg nvmlDeviceGetJpgUtilization;
        /// Percent, of the optical flow accelerator.
        optical_flow nvmlDeviceGetOfaUtilization;
    }

    /// Percent of time in which a kernel ran, and in which memory was read or written.
    pub fn utilization(&self) -> Result<(u32, u32), Error> {
        let mut rates = nvmlUtilization_t { gpu: 0, memory: 0 };
        call!(self.nvml, nvmlDeviceGetUtilizationRates(self.handle(), &raw mut rates))?;
        Ok((rates.gpu, rates.memory))
    }

    /// The device's memory.
    pub fn memory(&self) -> Result<MemoryInfo, Error> {
        let version = mem::size_of::<nvmlMemory_v2_t>() as u32 | (2 << 24);
        let mut info = nvmlMemory_v2_t { version, total: 0, reserved: 0, free: 0, used: 0 };
        match call!(self.nvml, nvmlDeviceGetMemoryInfo_v2(self.handle(), &raw mut info)) {
            Ok(()) => Ok(MemoryInfo {
                total: info.total,
                used: info.used,
                free: info.free,
                reserved: Some(info.reserved),
            }),
            Err(error) if error.class() == crate::Class::NotSupported => self.memory_v1(),
            Err(error) => Err(error),
        }
    }

    fn memory_v1(&self) -> Result<MemoryInfo, Error> {
        let mut info = nvmlMemory_t { total: 0, free: 0, used: 0 };
        call!(self.nvml, nvmlDeviceGetMemoryInfo(self.handle(), &raw mut info))?;
        Ok(MemoryInfo { total: info.total, used: info.used, free: info.free, reserved: None })
    }

    /// Bytes of the window to the host: used, and all.
    pub fn bar1(&self) -> Result<(u64, u64), Error> {
        let mut info = nvmlBAR1Memory_t { bar1Total: 0, bar1Free: 0, bar1Used: 0 };
        call!(self.nvml, nvmlDeviceGetBAR1MemoryInfo(self.handle(), &raw mut info))?;
        Ok((info.bar1Used, info.bar1Total))
    }

    /// Degrees Celsius, of the die.
    pub fn temperature(&self) -> Result<u32, Error> {
        let mut degrees = 0;
        call!(self.nvml, nvmlDeviceGetTemperature(self.handle(), 0, &raw mut degrees))?;
        Ok(degrees)
    }

    /// Megahertz.
    pub fn clock(&self, clock: Clock, kind: ClockKind) -> Result<u32, Error> {
        let mut frequency = 0;
        match kind {
            ClockKind::Current => {
                call!(self.nvml, nvmlDeviceGetClockInfo(self.handle(), clock as u32, &raw mut frequency))
            }
            ClockKind::Max => {
                call!(self.nvml, nvmlDeviceGetMaxClockInfo(self.handle(), clock as u32, &raw mut frequency))
            }
        }?;
        Ok(frequency)
    }

    /// Why clocks are not higher, a bit a reason; the function has another name before R535.
    pub fn clock_event_reasons(&self) -> Result<u64, Error> {
        let mut reasons = 0;
        match call!(self.nvml, nvmlDeviceGetCurrentClocksEventReasons(self.handle(), &raw mut reasons)) {
            Err(Error::Missing(_)) => {
                call!(self.nvml, nvmlDeviceGetCurrentClocksThrottleReasons(self.handle(), &raw mut reasons))
            }
            answer => answer,
        }?;
        Ok(reasons)
    }

    /// Memory errors.
    pub fn memory_errors(
        &self,
        kind: ErrorKind,
        counter: ErrorCounter,
        place: MemoryPlace,
    ) -> Result<u64, Error> {
        let (kind, counter, place, mut count) = (kind as u32, counter as u32, place as u32, 0);
        call!(
            self.nvml,
            nvmlDeviceGetMemoryErrorCounter(self.handle(), kind, counter, place, &raw mut count)
        )?;
        Ok(count)
    }

    /// How many pages were retired. Ampere and later retire none: not supported.
    pub fn retired_pages(&self, cause: Retired) -> Result<u32, Error> {
        let (mut count, none, no_times) = (0, ptr::null_mut(), ptr::null_mut());
        let asked = call!(
            self.nvml,
            nvmlDeviceGetRetiredPages_v2(self.handle(), cause as u32, &raw mut count, none, no_times)
        );
        match asked {
            // Room for none was given, so where there are some this is the answer.
            Ok(()) | Err(Error::Code { code: 7, .. }) => Ok(count),
            Err(error) => Err(error),
        }
    }

    /// Banks of memory by how many spare rows they have left: all, most, some, few, none.
    pub fn remap_histogram(&self) -> Result<[u32; 5], Error> {
        let mut banks = nvmlRowRemapperHistogramValues_t { max: 0, high: 0, partial: 0, low: 0, none: 0 };
        call!(self.nvml, nvmlDeviceGetRowRemapperHistogram(self.handle(), &raw mut banks))?;
        Ok([banks.max, banks.high, banks.partial, banks.low, banks.none])
    }

    /// On-chip memory.
    pub fn sram_status(&self) -> Result<SramStatus, Error> {
        let mut status = nvmlEccSramErrorStatus_t {
            version: mem::size_of::<nvmlEccSramErrorStatus_t>() as u32 | (1 << 24),
            aggregateUncParity: 0,
            aggregateUncSecDed: 0,
            aggregateCor: 0,
            volatileUncParity: 0,
            volatileUncSecDed: 0,
            volatileCor: 0,
            aggregateUncBucketL2: 0,
            aggregateUncBucketSm: 0,
            aggregateUncBucketPcie: 0,
            aggregateUncBucketMcu: 0,
            aggregateUncBucketOther: 0,
            bThresholdExceeded: 0,
        };
        call!(self.nvml, nvmlDeviceGetSramEccErrorStatus(self.handle(), &raw mut status))?;
        Ok(SramStatus {
            uncorrected: status.aggregateUncParity.saturating_add(status.aggregateUncSecDed),
            threshold_exceeded: status.bThresholdExceeded != 0,
        })
    }

    /// Percent of a fan's highest speed.
    pub fn fan_speed(&self, fan: u32) -> Result<u32, Error> {
        let mut speed = 0;
        call!(self.nvml, nvmlDeviceGetFanSpeed_v2(self.handle(), fan, &raw mut speed))?;
        Ok(speed)
    }

    /// How many processes compute on it, and the bytes that they hold where the driver knows: one call of up to 64 processes.
    pub fn processes(&self) -> Result<(u32, Option<u64>), Error> {
        const ROOM: usize = 64;
        const NOT_AVAILABLE: u64 = u64::MAX;
        let none = nvmlProcessInfo_t { pid: 0, usedGpuMemory: 0, gpuInstanceId: 0, computeInstanceId: 0 };
        let (mut processes, mut count) = ([none; ROOM], ROOM as u32);
        let to = processes.as_mut_ptr();
        match call!(self.nvml, nvmlDeviceGetComputeRunningProcesses_v3(self.handle(), &raw mut count, to)) {
            Ok(()) => {}
            Err(Error::Code { code: 7, .. }) => return Ok((count, None)),
            Err(error) => return Err(error),
        }
        let known = processes.iter().take(count as usize).map(|process| process.usedGpuMemory);
        let bytes = known.filter(|bytes| *bytes != NOT_AVAILABLE).fold(0_u64, u64::saturating_add);
        Ok((count, Some(bytes)))
    }

    /// Whether it is divided into MIG instances.
    pub fn is_divided(&self) -> Result<bool, Error> {
        let (mut current, mut pending) = (0, 0);
        call!(self.nvml, nvmlDeviceGetMigMode(self.handle(), &raw mut current, &raw mut pending))?;
        Ok(current == 1)
    }

    /// The MIG instance `number`; not found where there is none, and instances need not be without gaps.
    pub fn instance(&self, number: u32) -> Result<Self, Error> {
        let mut handle = ptr::null_mut();
        call!(self.nvml, nvmlDeviceGetMigDeviceHandleByIndex(self.handle(), number, &raw mut handle))?;
        Ok(Self::new(Arc::clone(&self.nvml), handle))
    }
}
