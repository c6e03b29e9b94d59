//! One GPU, asked on a thread of its own: calls can take milliseconds, and with a driver that is stuck they never return.

use std::sync::Arc;

use weir_nvml_raw::{Class, Device, Error};

use super::{
    catalogue::{TIERS, Tier, Values},
    fields::Asked,
    instances::Instances,
    plan::{Plan, PlannedCall, Row},
    pods::{Mig, OfContainer, Processes},
    profiler::Profiler,
};

/// A figure that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) row: Row,
    pub(super) part: Part,
    pub(super) value: f64,
}

/// What a figure is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// The GPU.
    Whole,
    /// An NVLink of it, by number.
    Link(u32),
    /// A MIG GPU instance of it, by id.
    Instance(u32),
}

impl Part {
    /// The attribute that tells it from the others.
    pub(super) fn numbered(self) -> Option<(&'static str, u64)> {
        match self {
            Self::Whole => None,
            Self::Link(number) => Some(("gpu.nvlink.link", number.into())),
            Self::Instance(id) => Some(("gpu.instance.id", id.into())),
        }
    }
}

/// Which tiers are due.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Due(pub(super) [bool; 3]);

impl Due {
    pub(super) fn has(self, tier: Tier) -> bool {
        self.0[tier as usize]
    }
}

/// What one round gave. Goes back and forth, so that its room is used again.
#[derive(Debug, Default)]
pub(super) struct Readings {
    pub(super) figures: Vec<Reading>,
    /// Which MIG devices there are, where that is news.
    pub(super) migs: Option<Vec<Mig>>,
    pub(super) processes: Vec<OfContainer>,
    /// Whether those say all that was used of the GPU.
    pub(super) tells_use: bool,
}

/// A GPU that is open.
#[derive(Debug)]
pub(super) struct Gpu {
    device: Device,
    plan: Arc<Plan>,
    unsupported: Unsupported,
    /// By tier; `None` until the GPU was asked which links it has.
    fields: Option<[Asked; 3]>,
    profiler: Profiler,
    instances: Instances,
    /// Where processes are told by container.
    processes: Option<Processes>,
}

impl Gpu {
    pub(super) fn new(device: Device, plan: Arc<Plan>) -> Self {
        let processes = plan.processes.as_ref().map(|planned| Processes::new(&planned.root));
        Self {
            device,
            plan,
            unsupported: Unsupported::default(),
            fields: None,
            profiler: Profiler::default(),
            instances: Instances::default(),
            processes,
        }
    }

    /// Asks for everything that is due.
    ///
    /// # Errors
    /// The GPU is lost, or NVML has to be opened anew; what was read before is in `into`.
    pub(super) fn read(&mut self, due: Due, into: &mut Readings) -> Result<(), Error> {
        let (device, plan) = (&self.device, &*self.plan);
        let Readings { figures, migs, processes, tells_use } = into;
        figures.clear();
        processes.clear();
        *tells_use = false;
        device.answers()?;
        read_calls(device, &plan.calls, &mut self.unsupported, due, Part::Whole, figures)?;
        let fields = match &mut self.fields {
            Some(fields) => fields,
            None => self.fields.insert(Asked::of(device, plan)?),
        };
        for tier in TIERS {
            if due.has(tier) {
                fields[tier as usize].read(device, figures)?;
            }
        }
        if due.has(Tier::Medium) {
            self.profiler.read(device, &plan.profile, Part::Whole, figures)?;
            self.read_processes(figures, processes)?;
            *tells_use = self.processes.as_ref().is_some_and(Processes::tells_use);
        }
        *migs = self.instances.read(&self.device, &self.plan, due, figures)?;
        Ok(())
    }

    /// Processes by container, and from the same answer what the catalogue has of all of them.
    fn read_processes(
        &mut self,
        figures: &mut Vec<Reading>,
        into: &mut Vec<OfContainer>,
    ) -> Result<(), Error> {
        let (Some(planned), Some(processes)) = (&self.plan.processes, &mut self.processes) else {
            return Ok(());
        };
        match processes.read(&self.device, into) {
            Ok((count, bytes)) => {
                let values = [Some(f64::from(count)), bytes.map(|bytes| bytes as f64)];
                let values = values.into_iter().zip(planned.first..);
                figures.extend(
                    values.filter_map(|(value, row)| Some(Reading { row, part: Part::Whole, value: value? })),
                );
                Ok(())
            }
            Err(error) => goes_on(error),
        }
    }
}

/// By planned call: whether it is not supported. Found out once, and anew when NVML is opened anew.
pub(super) type Unsupported = Vec<bool>;

/// Makes the calls that are due.
pub(super) fn read_calls(
    device: &Device,
    calls: &[PlannedCall],
    unsupported: &mut Unsupported,
    due: Due,
    part: Part,
    into: &mut Vec<Reading>,
) -> Result<(), Error> {
    unsupported.resize(calls.len(), false);
    for (planned, unsupported) in calls.iter().zip(unsupported) {
        if *unsupported || !due.has(planned.call.tier) {
            continue;
        }
        let mut values = Values::default();
        match (planned.call.read)(device, &mut values) {
            Ok(()) => {
                let figures = values.iter().zip(planned.first..);
                let figures =
                    figures.filter_map(|(value, row)| Some(Reading { row, part, value: (*value)? }));
                into.extend(figures);
            }
            Err(error) if error.class() == Class::NotSupported => *unsupported = true,
            Err(error) => goes_on(error)?,
        }
    }
    Ok(())
}

/// An error that leaves the GPU: its figure has no point this time.
pub(super) fn goes_on(error: Error) -> Result<(), Error> {
    match error.class() {
        Class::Lost | Class::Session => Err(error),
        // Not known which figure this is of, and whether the GPU is well: `answers` says so in the next round.
        Class::NotSupported | Class::NoData | Class::NotAllowed | Class::Other => Ok(()),
    }
}
