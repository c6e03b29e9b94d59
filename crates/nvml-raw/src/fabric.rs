//! The fabric of NVLinks that GPUs of several boards share, Hopper and later.

use nvml_wrapper_sys::bindings::{nvmlGpuFabricInfo_v2_t, nvmlGpuFabricInfo_v3_t};

use crate::{
    Class, Device, Error,
    library::{call, version},
};

/// How a GPU stands in its fabric, in NVML's numbers (`NVML_GPU_FABRIC_…`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fabric {
    /// 0 has none, 1 not started, 2 in progress, 3 completed.
    pub state: u8,
    /// The return code of the registration, once it is completed.
    pub status: u32,
    /// Two bits each: bandwidth degraded, route in recovery, route unhealthy, access timeout in recovery; then four for what is
    /// configured wrongly.
    pub health: u32,
    /// 1 healthy, 2 unhealthy, 3 limited capacity; 0 where this driver or GPU does not say.
    pub summary: u8,
}

impl Device {
    /// How it stands in its fabric.
    pub fn fabric(&self) -> Result<Fabric, Error> {
        let mut info = nvmlGpuFabricInfo_v3_t {
            version: version::<nvmlGpuFabricInfo_v3_t>(3),
            clusterUuid: [0; 16],
            status: 0,
            cliqueId: 0,
            state: 0,
            healthMask: 0,
            healthSummary: 0,
        };
        let mut answer = call!(self.nvml, nvmlDeviceGetGpuFabricInfoV(self.handle(), &raw mut info));
        // Drivers that do not know the third version know the second, which is the same without its last byte.
        if answer.as_ref().is_err_and(|error| error.class() == Class::NotSupported) {
            info.version = version::<nvmlGpuFabricInfo_v2_t>(2);
            answer = call!(self.nvml, nvmlDeviceGetGpuFabricInfoV(self.handle(), &raw mut info));
        }
        answer?;
        let (state, status) = (info.state, info.status);
        Ok(Fabric { state, status, health: info.healthMask, summary: info.healthSummary })
    }
}
