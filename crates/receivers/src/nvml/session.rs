//! NVML, open: a thread a GPU, and one that waits for events.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use tokio::sync::mpsc::UnboundedSender;
use weir_nvml_raw::{
    Class, Device, Error, EventSet, GPU_UNAVAILABLE, MIG_CHANGE, Nvml, RECOVERY_ACTION, XID,
};

use super::{
    config::NvmlConfig,
    gpu::{Due, Gpu, Readings},
    plan::Plan,
    pods::Pods,
};

/// How long the thread of events waits before it looks whether it is still wanted: so long it may hold NVML when that is to be closed.
const EVENT_WAIT: Duration = Duration::from_secs(1);

/// Who a GPU is, wherever it sits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) uuid: String,
    pub(super) index: u32,
    /// The number in `/dev/nvidia<minor>`.
    pub(super) minor: Option<u32>,
    pub(super) name: String,
    pub(super) serial: Option<String>,
    /// The version of its firmware.
    pub(super) vbios: Option<String>,
    pub(super) pci: String,
    pub(super) driver: String,
    pub(super) cuda: u32,
    /// How often anything of it was another after an opening: then its series have other attributes.
    pub(super) generation: u32,
}

/// What threads report. Each says which opening of NVML it is of.
#[derive(Debug)]
pub(super) enum Report {
    /// NVML is open, or is not; and how many GPUs the driver lists in any case.
    Opened(u64, usize, Result<Found, Error>),
    /// A round of the GPU of this place.
    Round(u64, usize, Readings, Result<(), Error>),
    /// An XID of the GPU of this place, and the MIG instance that it happened on.
    Xid(u64, usize, u64, Option<u32>),
    /// Waiting for events fails, or works again.
    Heard(u64, Result<(), Error>),
    /// The MIG instances of the GPU of this place are others now.
    Divided(u64, usize),
    /// The driver says that the GPU of this place is unavailable, or asks for its recovery.
    Alarm(u64, usize),
    /// Whether the kubelet answers, and what it said last.
    Pods(bool, Arc<Pods>),
}

/// Opens NVML on a thread: it can take seconds, or for ever. Each thread has `held` as long as it holds NVML.
///
/// # Errors
/// There is no thread to be had.
pub(super) fn open(
    number: u64,
    config: &NvmlConfig,
    held: &Arc<()>,
    reports: UnboundedSender<Report>,
) -> std::io::Result<()> {
    let (library, listed) = (config.library.clone(), config.driver_folder.join("gpus"));
    let held = Arc::clone(held);
    let open = move || {
        let listed = fs::read_dir(listed).map_or(0, Iterator::count);
        let _ = reports.send(Report::Opened(number, listed, enumerate(&library))); // the receiver may have ended
        drop(held);
    };
    thread::Builder::new().name("nvml-open".to_owned()).spawn(open).map(drop)
}

/// What an opening found.
#[derive(Debug)]
pub(super) struct Found {
    /// Each with whether its XIDs are reported, by place.
    pub(super) gpus: Vec<(Who, Device, Result<(), Error>)>,
    /// The indexes of those that do not answer.
    pub(super) lost: Vec<(u32, Error)>,
    pub(super) events: Option<EventSet>,
}

/// Closes what an opening found, on a thread: that too may take for ever.
pub(super) fn close(found: Found, held: &Arc<()>) {
    let held = Arc::clone(held);
    let close = move || {
        drop(found);
        drop(held);
    };
    // Without a thread to be had, it was closed here.
    let _ = thread::Builder::new().name("nvml-close".to_owned()).spawn(close);
}

fn enumerate(library: &Path) -> Result<Found, Error> {
    let nvml = Nvml::open(library)?;
    let (driver, cuda) = (nvml.driver_version().unwrap_or_default(), nvml.cuda_version().unwrap_or(0));
    let (mut found, mut lost) = (Vec::new(), Vec::new());
    for index in 0..nvml.count()? {
        match nvml.device(index).and_then(|device| Ok((who(&device, index, &driver, cuda)?, device))) {
            Ok(gpu) => found.push(gpu),
            Err(error) if error.class() == Class::Session => return Err(error),
            Err(error) => lost.push((index, error)),
        }
    }
    let devices = found.iter().map(|(_, device)| Device::clone(device)).collect();
    let (events, heard) =
        match EventSet::of(&nvml, devices, XID | MIG_CHANGE | GPU_UNAVAILABLE | RECOVERY_ACTION) {
            Ok((events, registered)) => (Some(events), registered.into_iter().map(reports_xids).collect()),
            Err(error) => (None, vec![Err(error); found.len()]),
        };
    let gpus = found.into_iter().zip(heard).map(|((who, device), heard)| (who, device, heard));
    Ok(Found { gpus: gpus.collect(), lost, events })
}

fn reports_xids(registered: Result<u64, Error>) -> Result<(), Error> {
    let no_xids = Error::Code { function: "nvmlDeviceGetSupportedEventTypes", code: 3 };
    if registered? & XID == 0 { Err(no_xids) } else { Ok(()) }
}

fn who(device: &Device, index: u32, driver: &str, cuda: u32) -> Result<Who, Error> {
    Ok(Who {
        uuid: device.uuid()?,
        index,
        minor: device.minor().ok(),
        name: device.name()?,
        serial: device.serial().ok(),
        vbios: device.vbios().ok(),
        pci: device.pci_bus_id()?,
        driver: driver.to_owned(),
        cuda,
        generation: 0,
    })
}

/// A task for a GPU's thread.
type Task = (Due, Readings);

/// The threads of one opening. Dropping it ends each as soon as its call returns; NVML is shut down with the last.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) number: u64,
    /// By place: where the GPU's thread takes its tasks.
    tasks: Vec<SyncSender<Task>>,
    is_over: Arc<AtomicBool>,
}

impl Session {
    /// # Errors
    /// There is no thread to be had.
    pub(super) fn start(
        number: u64,
        devices: Vec<Device>,
        events: Option<EventSet>,
        plan: &Arc<Plan>,
        held: &Arc<()>,
        reports: &UnboundedSender<Report>,
    ) -> std::io::Result<Self> {
        let mut session = Self { number, tasks: Vec::new(), is_over: Arc::default() };
        for (place, device) in devices.into_iter().enumerate() {
            let gpu = Gpu::new(device, Arc::clone(plan));
            let (tasks, todo) = sync_channel::<Task>(1);
            let (reports, held) = (reports.clone(), Arc::clone(held));
            let work = move || {
                let (_held, mut gpu) = (held, gpu); // the GPU goes first
                for (due, mut readings) in todo {
                    let outcome = gpu.read(due, &mut readings);
                    if reports.send(Report::Round(number, place, readings, outcome)).is_err() {
                        return;
                    }
                }
            };
            thread::Builder::new().name(format!("nvml-gpu-{place}")).spawn(work)?;
            session.tasks.push(tasks);
        }
        let Some(events) = events else { return Ok(session) };
        let (reports, is_over, held) = (reports.clone(), Arc::clone(&session.is_over), Arc::clone(held));
        let wait = move || {
            let (_held, events) = (held, events); // the events go first
            wait_for_events(number, &events, &reports, &is_over);
        };
        thread::Builder::new().name("nvml-events".to_owned()).spawn(wait)?;
        Ok(session)
    }

    /// Gives the GPU of `place` a task; its readings come back where it did not take it.
    pub(super) fn ask(&self, place: usize, due: Due, readings: Readings) -> Result<(), Readings> {
        let Some(tasks) = self.tasks.get(place) else { return Err(readings) };
        tasks.try_send((due, readings)).map_err(|error| match error {
            std::sync::mpsc::TrySendError::Full((_, readings))
            | std::sync::mpsc::TrySendError::Disconnected((_, readings)) => readings,
        })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.is_over.store(true, Relaxed);
    }
}

/// Several XIDs before one wait are reported as the last of them: so this thread is always in one.
fn wait_for_events(number: u64, events: &EventSet, reports: &UnboundedSender<Report>, is_over: &AtomicBool) {
    let mut hears = true;
    while !is_over.load(Relaxed) {
        let waited = events.wait(EVENT_WAIT);
        if waited.is_ok() != hears {
            hears = !hears;
            let heard = waited.as_ref().map(drop).map_err(Error::clone);
            let _ = reports.send(Report::Heard(number, heard)); // the receiver may have ended
        }
        match waited {
            Ok(Some(event)) => {
                let report = match event.kind {
                    XID => Report::Xid(number, event.device, event.data, event.instance),
                    MIG_CHANGE => Report::Divided(number, event.device),
                    GPU_UNAVAILABLE | RECOVERY_ACTION => Report::Alarm(number, event.device),
                    _ => continue,
                };
                if reports.send(report).is_err() {
                    return;
                }
            }
            Ok(None) => {}
            // The GPU's own thread finds out too, and NVML is opened anew with an event thread of its own.
            Err(error) if error.class() == Class::Session => return,
            Err(_) => thread::sleep(EVENT_WAIT),
        }
    }
}
