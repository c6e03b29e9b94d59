//! Waiting for events.

use std::{ptr, sync::Arc, time::Duration};

use nvml_wrapper_sys::bindings::{nvmlEventData_t, nvmlEventSet_t};

use crate::{
    Device, Error,
    library::{Nvml, call},
};

/// The bit of an event that is an XID.
pub const XID: u64 = 8;
/// The bit of an event that is another division into MIG instances (`nvmlEventMigConfigChange`).
pub const MIG_CHANGE: u64 = 0x100;
/// The bit of an event that is a GPU that is no longer available (`nvmlEventTypeGpuUnavailableError`, R565 and later).
pub const GPU_UNAVAILABLE: u64 = 0x4000;
/// The bit of an event that is another recovery action that the driver asks for (`nvmlEventTypeGpuRecoveryAction`, R565 and later).
pub const RECOVERY_ACTION: u64 = 0x8000;
const TIMEOUT: u32 = 10;

/// Something happened on a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The GPU's place in the slice that [`EventSet::of`] was given.
    pub device: usize,
    /// What: a bit, such as [`XID`].
    pub kind: u64,
    /// The XID's code; 999 where it is not known.
    pub data: u64,
    /// The MIG GPU instance, where it is known.
    pub instance: Option<u32>,
}

/// The events of some GPUs.
#[derive(Debug)]
pub struct EventSet {
    nvml: Arc<Nvml>,
    devices: Vec<Device>,
    set: usize,
}

/// A set, and by device the kinds of events that it reports.
pub type Registered = (EventSet, Vec<Result<u64, Error>>);

impl EventSet {
    /// Events of `kinds` of all `devices` that report such; the second part is by device which of them it reports, or why none.
    ///
    /// # Errors
    /// There can be no set.
    pub fn of(nvml: &Arc<Nvml>, devices: Vec<Device>, kinds: u64) -> Result<Registered, Error> {
        let mut set: nvmlEventSet_t = ptr::null_mut();
        call!(nvml, nvmlEventSetCreate(&raw mut set))?;
        let set = Self { nvml: Arc::clone(nvml), devices, set: set as usize };
        let register = |device: &Device| {
            let mut supported = 0;
            call!(nvml, nvmlDeviceGetSupportedEventTypes(device.handle(), &raw mut supported))?;
            let kinds = kinds & supported;
            let register = |kinds| match kinds {
                0 => Ok(0),
                _ => call!(nvml, nvmlDeviceRegisterEvents(device.handle(), kinds, set.set as nvmlEventSet_t))
                    .map(|()| kinds),
            };
            // One kind that is refused must not cost the others.
            register(kinds).or_else(|error| {
                let least = kinds & (XID | MIG_CHANGE);
                if least == kinds { Err(error) } else { register(least) }
            })
        };
        let registered = set.devices.iter().map(register).collect();
        Ok((set, registered))
    }

    /// The next event; `None` if there is none within `timeout`.
    ///
    /// # Errors
    /// Waiting failed; it may go on failing.
    pub fn wait(&self, timeout: Duration) -> Result<Option<Event>, Error> {
        let mut data = nvmlEventData_t {
            device: ptr::null_mut(),
            eventType: 0,
            eventData: 0,
            gpuInstanceId: u32::MAX,
            computeInstanceId: u32::MAX,
        };
        let milliseconds = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
        match call!(self.nvml, nvmlEventSetWait_v2(self.set as nvmlEventSet_t, &raw mut data, milliseconds)) {
            Ok(()) => {}
            Err(Error::Code { code: TIMEOUT, .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
        let device = self.devices.iter().position(|device| device.has_handle(data.device));
        Ok(device.map(|device| Event {
            device,
            kind: data.eventType,
            data: data.eventData,
            instance: Some(data.gpuInstanceId).filter(|instance| *instance != u32::MAX),
        }))
    }
}

impl Drop for EventSet {
    fn drop(&mut self) {
        let _ = call!(self.nvml, nvmlEventSetFree(self.set as nvmlEventSet_t)); // there is nobody to tell
    }
}
