//! A GPU's memory: how much of it is in use, and what is wrong with it.

use std::ptr;

use nvml_wrapper_sys::bindings::{
    nvmlBAR1Memory_t, nvmlEccSramErrorStatus_t, nvmlMemory_t, nvmlMemory_v2_t, nvmlRepairStatus_t,
    nvmlRowRemapperHistogramValues_t,
};

use crate::{
    Class, Device, Error,
    error::INSUFFICIENT_SIZE,
    library::{call, version},
};

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
    /// The device's memory.
    Dram = 2,
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

/// Errors of on-chip memory, Ampere and later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SramStatus {
    /// Since the board was made.
    pub aggregate: SramErrors,
    /// Since the driver was loaded.
    pub volatile: SramErrors,
    /// The uncorrected ones since the board was made, by where: second-level cache, multiprocessors, PCIe, microcontrollers, elsewhere.
    pub sources: [u64; 5],
    /// So many that NVIDIA takes the board back.
    pub threshold_exceeded: bool,
}

/// Errors of on-chip memory, by what found them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SramErrors {
    /// They could be corrected.
    pub corrected: u64,
    /// Found by parity: they could not.
    pub parity: u64,
    /// Two bits at once, found by the code that corrects one (SEC-DED).
    pub double_bit: u64,
}

/// Repairs that wait for the next reset, Ampere and later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RepairStatus {
    /// A channel of the memory.
    pub channel: bool,
    /// A texture processing cluster.
    pub tpc: bool,
}

impl Device {
    /// The device's memory.
    pub fn memory(&self) -> Result<MemoryInfo, Error> {
        let version = version::<nvmlMemory_v2_t>(2);
        let mut info = nvmlMemory_v2_t { version, total: 0, reserved: 0, free: 0, used: 0 };
        match call!(self.nvml, nvmlDeviceGetMemoryInfo_v2(self.handle(), &raw mut info)) {
            Ok(()) => Ok(MemoryInfo {
                total: info.total,
                used: info.used,
                free: info.free,
                reserved: Some(info.reserved),
            }),
            Err(error) if error.class() == Class::NotSupported => self.memory_v1(),
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
            Ok(()) | Err(Error::Code { code: INSUFFICIENT_SIZE, .. }) => Ok(count),
            Err(error) => Err(error),
        }
    }

    /// Banks of memory by how many spare rows they have left: all, most, some, few, none.
    pub fn remap_histogram(&self) -> Result<[u32; 5], Error> {
        let mut banks = nvmlRowRemapperHistogramValues_t { max: 0, high: 0, partial: 0, low: 0, none: 0 };
        call!(self.nvml, nvmlDeviceGetRowRemapperHistogram(self.handle(), &raw mut banks))?;
        Ok([banks.max, banks.high, banks.partial, banks.low, banks.none])
    }

    /// Errors of on-chip memory. Some drivers let only root ask.
    pub fn sram_status(&self) -> Result<SramStatus, Error> {
        let mut status = nvmlEccSramErrorStatus_t {
            version: version::<nvmlEccSramErrorStatus_t>(1),
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
            aggregate: SramErrors {
                corrected: status.aggregateCor,
                parity: status.aggregateUncParity,
                double_bit: status.aggregateUncSecDed,
            },
            volatile: SramErrors {
                corrected: status.volatileCor,
                parity: status.volatileUncParity,
                double_bit: status.volatileUncSecDed,
            },
            sources: [
                status.aggregateUncBucketL2,
                status.aggregateUncBucketSm,
                status.aggregateUncBucketPcie,
                status.aggregateUncBucketMcu,
                status.aggregateUncBucketOther,
            ],
            threshold_exceeded: status.bThresholdExceeded != 0,
        })
    }

    /// Repairs that wait for the next reset.
    pub fn repair_status(&self) -> Result<RepairStatus, Error> {
        let version = version::<nvmlRepairStatus_t>(1);
        let mut status = nvmlRepairStatus_t { version, bChannelRepairPending: 0, bTpcRepairPending: 0 };
        call!(self.nvml, nvmlDeviceGetRepairStatus(self.handle(), &raw mut status))?;
        Ok(RepairStatus { channel: status.bChannelRepairPending != 0, tpc: status.bTpcRepairPending != 0 })
    }
}
