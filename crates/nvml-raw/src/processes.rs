//! What runs on a GPU.

use nvml_wrapper_sys::bindings::{nvmlProcessInfo_t, nvmlProcessUtilizationSample_t};

use crate::{Device, Error, error::INSUFFICIENT_SIZE, library::call};

/// What NVML says of memory that it does not know.
const NOT_AVAILABLE: u64 = u64::MAX;
const ROOM: usize = 64;
/// Far more than a GPU has contexts for: no answer can take the memory.
const MOST: usize = 4096;

const NO_PROCESS: nvmlProcessInfo_t =
    nvmlProcessInfo_t { pid: 0, usedGpuMemory: 0, gpuInstanceId: 0, computeInstanceId: 0 };
const NO_SAMPLE: nvmlProcessUtilizationSample_t =
    nvmlProcessUtilizationSample_t { pid: 0, timeStamp: 0, smUtil: 0, memUtil: 0, encUtil: 0, decUtil: 0 };

/// A process's share of a GPU since it was last asked for, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessSample {
    /// Whose.
    pub pid: u32,
    /// Of the multiprocessors.
    pub sm: u32,
    /// Of the time in which memory was read or written.
    pub memory: u32,
    /// Of the encoder.
    pub encoder: u32,
    /// Of the decoder.
    pub decoder: u32,
}

/// Room for what a GPU says of its processes, used again each time.
#[derive(Default)]
pub struct Processes {
    running: Vec<nvmlProcessInfo_t>,
    samples: Vec<nvmlProcessUtilizationSample_t>,
    /// The newest sample so far, by the driver's clock.
    newest: u64,
}

impl std::fmt::Debug for Processes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Processes")
    }
}

impl Processes {
    /// The processes that compute on the GPU: each one's id, and the bytes that it holds where the driver knows.
    ///
    /// # Errors
    /// The device's own.
    pub fn running(&mut self, device: &Device) -> Result<impl Iterator<Item = (u32, Option<u64>)>, Error> {
        let (nvml, handle) = (&device.nvml, device.handle());
        fill(&mut self.running, NO_PROCESS, |to, count| {
            call!(nvml, nvmlDeviceGetComputeRunningProcesses_v3(handle, count, to))
        })?;
        Ok(self.running.iter().map(|process| (process.pid, bytes(process))))
    }

    /// What processes used since this was last asked for.
    ///
    /// # Errors
    /// The device's own; not found where there are none.
    pub fn samples(&mut self, device: &Device) -> Result<impl Iterator<Item = ProcessSample>, Error> {
        let (nvml, handle, since) = (&device.nvml, device.handle(), self.newest);
        fill(&mut self.samples, NO_SAMPLE, |to, count| {
            call!(nvml, nvmlDeviceGetProcessUtilization(handle, to, count, since))
        })?;
        self.newest = self.samples.iter().map(|sample| sample.timeStamp).fold(since, u64::max);
        // What is beyond 100 percent is no share of anything.
        let is_sound = |sample: &nvmlProcessUtilizationSample_t| {
            [sample.smUtil, sample.memUtil, sample.encUtil, sample.decUtil]
                .iter()
                .all(|percent| *percent <= 100)
        };
        let sound = self.samples.iter().filter(move |sample| sample.timeStamp > since && is_sound(sample));
        Ok(sound.map(|sample| ProcessSample {
            pid: sample.pid,
            sm: sample.smUtil,
            memory: sample.memUtil,
            encoder: sample.encUtil,
            decoder: sample.decUtil,
        }))
    }
}

impl Device {
    /// How many processes compute on it, and the bytes that they hold where the driver knows: one call of up to 64 processes.
    pub fn processes(&self) -> Result<(u32, Option<u64>), Error> {
        let (mut processes, mut count) = ([NO_PROCESS; ROOM], ROOM as u32);
        let to = processes.as_mut_ptr();
        match call!(self.nvml, nvmlDeviceGetComputeRunningProcesses_v3(self.handle(), &raw mut count, to)) {
            Ok(()) => {}
            Err(Error::Code { code: INSUFFICIENT_SIZE, .. }) => return Ok((count, None)),
            Err(error) => return Err(error),
        }
        let known = processes.iter().take(count as usize).filter_map(bytes).reduce(u64::saturating_add);
        Ok((count, known.or((count == 0).then_some(0))))
    }
}

/// The bytes that a process holds, where the driver knows.
fn bytes(process: &nvmlProcessInfo_t) -> Option<u64> {
    Some(process.usedGpuMemory).filter(|bytes| *bytes != NOT_AVAILABLE)
}

/// Gives `ask` room, and more of it where it says that it needs more.
fn fill<T: Copy>(
    room: &mut Vec<T>,
    none: T,
    mut ask: impl FnMut(*mut T, *mut u32) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut wanted = room.capacity().max(ROOM);
    loop {
        room.clear();
        room.resize(wanted, none);
        let mut count = wanted as u32;
        match ask(room.as_mut_ptr(), &raw mut count) {
            Ok(()) => {
                room.truncate(count as usize);
                return Ok(());
            }
            // A few more than it says: processes come while it is asked.
            Err(Error::Code { code: INSUFFICIENT_SIZE, .. }) if count as usize > wanted && wanted < MOST => {
                wanted = (count as usize + 8).min(MOST);
            }
            Err(error) => return Err(error),
        }
    }
}
