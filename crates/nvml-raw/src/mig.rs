//! MIG: instances of a GPU.

use std::{ptr, sync::Arc};

use nvml_wrapper_sys::bindings::{nvmlDeviceAttributes_t, nvmlGpuInstanceInfo_t, nvmlGpuInstancePlacement_t};

use crate::{Device, Error, library::call};

impl Device {
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

    /// How many of the GPU's slices a MIG instance's GPU instance has.
    pub fn slices(&self) -> Result<u32, Error> {
        let mut attributes = nvmlDeviceAttributes_t {
            multiprocessorCount: 0,
            sharedCopyEngineCount: 0,
            sharedDecoderCount: 0,
            sharedEncoderCount: 0,
            sharedJpegCount: 0,
            sharedOfaCount: 0,
            gpuInstanceSliceCount: 0,
            computeInstanceSliceCount: 0,
            memorySizeMB: 0,
        };
        call!(self.nvml, nvmlDeviceGetAttributes_v2(self.handle(), &raw mut attributes))?;
        Ok(attributes.gpuInstanceSliceCount)
    }

    /// Where the GPU instance of this number begins on this GPU, in slices of memory. The driver tells root alone.
    pub fn placement(&self, instance: u32) -> Result<u32, Error> {
        let mut found = ptr::null_mut();
        call!(self.nvml, nvmlDeviceGetGpuInstanceById(self.handle(), instance, &raw mut found))?;
        let placement = nvmlGpuInstancePlacement_t { start: 0, size: 0 };
        let mut info = nvmlGpuInstanceInfo_t { device: ptr::null_mut(), id: 0, profileId: 0, placement };
        call!(self.nvml, nvmlGpuInstanceGetInfo(found, &raw mut info))?;
        Ok(info.placement.start)
    }
}
