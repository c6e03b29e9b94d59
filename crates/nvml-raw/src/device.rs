//! One GPU, or one MIG instance.

use std::sync::Arc;

use nvml_wrapper_sys::bindings::{
    nvmlDevice_t, nvmlMarginTemperature_t, nvmlPciInfo_t, nvmlTemperature_t, nvmlUtilization_t,
};

use crate::{
    Class, Error,
    library::{Nvml, call, text, version},
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

/// A temperature that the GPU stays below.
#[derive(Clone, Copy, Debug)]
pub enum TemperatureLimit {
    /// It switches itself off.
    Shutdown = 0,
    /// It slows down.
    Slowdown = 1,
    /// Its memory's highest.
    MemoryMax = 2,
    /// Its own highest.
    GpuMax = 3,
}

/// What is being encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EncoderStats {
    /// Sessions.
    pub sessions: u32,
    /// Frames a second, the mean of all sessions.
    pub frame_rate: u32,
    /// Microseconds that a frame takes.
    pub latency: u32,
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

    /// The version of its firmware.
    pub fn vbios(&self) -> Result<String, Error> {
        text::<32>(|to, room| call!(self.nvml, nvmlDeviceGetVbiosVersion(self.handle(), to, room)))
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
        /// How many fans it has.
        fans nvmlDeviceGetNumFans;
        /// The number in `/dev/nvidia<minor>`.
        minor nvmlDeviceGetMinorNumber;
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

    /// Degrees Celsius, of the die. Where a driver has the older function no more, by the newer.
    pub fn temperature(&self) -> Result<i32, Error> {
        let mut degrees = 0_u32;
        match call!(self.nvml, nvmlDeviceGetTemperature(self.handle(), 0, &raw mut degrees)) {
            Ok(()) => Ok(degrees.cast_signed()),
            Err(error) if error.class() == Class::NotSupported => {
                let version = version::<nvmlTemperature_t>(1);
                let mut answer = nvmlTemperature_t { version, sensorType: 0, temperature: 0 };
                call!(self.nvml, nvmlDeviceGetTemperatureV(self.handle(), &raw mut answer))?;
                Ok(answer.temperature)
            }
            Err(error) => Err(error),
        }
    }

    /// Degrees between the die's temperature and the nearest at which it slows down.
    pub fn temperature_margin(&self) -> Result<i32, Error> {
        let version = version::<nvmlMarginTemperature_t>(1);
        let mut margin = nvmlMarginTemperature_t { version, marginTemperature: 0 };
        call!(self.nvml, nvmlDeviceGetMarginTemperature(self.handle(), &raw mut margin))?;
        Ok(margin.marginTemperature)
    }

    /// Degrees Celsius. From Ada on limits are fields, and relative to the margin.
    pub fn temperature_limit(&self, limit: TemperatureLimit) -> Result<u32, Error> {
        let mut degrees = 0;
        call!(self.nvml, nvmlDeviceGetTemperatureThreshold(self.handle(), limit as u32, &raw mut degrees))?;
        Ok(degrees)
    }

    /// What is being encoded.
    pub fn encoder_stats(&self) -> Result<EncoderStats, Error> {
        let mut stats = EncoderStats::default();
        call!(
            self.nvml,
            nvmlDeviceGetEncoderStats(
                self.handle(),
                &raw mut stats.sessions,
                &raw mut stats.frame_rate,
                &raw mut stats.latency
            )
        )?;
        Ok(stats)
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

    /// Percent of a fan's highest speed.
    pub fn fan_speed(&self, fan: u32) -> Result<u32, Error> {
        let mut speed = 0;
        call!(self.nvml, nvmlDeviceGetFanSpeed_v2(self.handle(), fan, &raw mut speed))?;
        Ok(speed)
    }
}
