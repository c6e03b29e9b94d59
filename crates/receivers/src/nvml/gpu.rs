//! One GPU, asked on a thread of its own: calls can take milliseconds, and with a driver that is stuck they never return.

use std::sync::Arc;

use weir_nvml_raw::{Class, Device, Error};

use super::{
    catalogue::{Tier, Values},
    plan::{Plan, PlannedFields, Row},
};

/// A figure that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) row: Row,
    pub(super) value: f64,
}

/// Memory of a MIG instance.
#[derive(Clone, Copy, Debug)]
pub(super) struct InstanceReading {
    pub(super) instance: u32,
    pub(super) used: u64,
    pub(super) total: u64,
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
    pub(super) instances: Vec<InstanceReading>,
}

/// A GPU that is open.
#[derive(Debug)]
pub(super) struct Gpu {
    device: Device,
    plan: Arc<Plan>,
    fields: [PlannedFields; 3],
    /// By planned call: whether it is not supported. Found out once, and anew when NVML is opened anew.
    unsupported: Vec<bool>,
    is_divided: bool,
}

impl Gpu {
    pub(super) fn new(device: Device, plan: Arc<Plan>) -> Self {
        let (fields, unsupported) = (plan.fields.clone(), vec![false; plan.calls.len()]);
        Self { device, plan, fields, unsupported, is_divided: false }
    }

    /// Asks for everything that is due.
    ///
    /// # Errors
    /// The GPU is lost, or NVML has to be opened anew; what was read before is in `into`.
    pub(super) fn read(&mut self, due: Due, into: &mut Readings) -> Result<(), Error> {
        into.figures.clear();
        into.instances.clear();
        self.device.answers()?;
        let planned = self.plan.calls.iter().zip(&mut self.unsupported);
        for (planned, unsupported) in planned.filter(|(planned, _)| due.has(planned.call.tier)) {
            if *unsupported {
                continue;
            }
            let mut values = Values::default();
            match (planned.call.read)(&self.device, &mut values) {
                Ok(()) => {
                    let figures = values.iter().zip(planned.first..);
                    let figures =
                        figures.filter_map(|(value, row)| value.map(|value| Reading { row, value }));
                    into.figures.extend(figures);
                }
                Err(error) if error.class() == Class::NotSupported => *unsupported = true,
                Err(error) => goes_on(error)?,
            }
        }
        for tier in [Tier::Fast, Tier::Medium, Tier::Slow] {
            if due.has(tier) && !self.fields[tier as usize].rows.is_empty() {
                self.read_fields(tier, into)?;
            }
        }
        if self.plan.instances && due.has(Tier::Slow) {
            self.is_divided = self.device.is_divided().unwrap_or(false);
        }
        if self.is_divided && due.has(Tier::Medium) {
            self.read_instances(into)?;
        }
        Ok(())
    }

    /// All fields of a tier, in one call.
    fn read_fields(&mut self, tier: Tier, into: &mut Readings) -> Result<(), Error> {
        let PlannedFields { rows, ask } = &mut self.fields[tier as usize];
        if let Err(error) = self.device.fields(ask) {
            return goes_on(error);
        }
        let answers = rows.iter().zip(ask.iter().map(weir_nvml_raw::Field::value));
        into.figures
            .extend(answers.filter_map(|(row, value)| Some(Reading { row: *row, value: value.ok()? })));
        Ok(())
    }

    fn read_instances(&self, into: &mut Readings) -> Result<(), Error> {
        let most = self.device.max_instances().unwrap_or(0);
        for number in 0..most {
            let instance = match self.device.instance(number) {
                Ok(instance) => instance,
                Err(error) if error.class() == Class::NoData => continue, // there may be gaps
                Err(error) => return goes_on(error),
            };
            if let (Ok(instance), Ok(memory)) = (instance.gpu_instance(), instance.memory()) {
                let (used, total) = (memory.used, memory.total);
                // Compute instances of one GPU instance share its memory: once is enough.
                if into.instances.iter().all(|reading| reading.instance != instance) {
                    into.instances.push(InstanceReading { instance, used, total });
                }
            }
        }
        Ok(())
    }
}

/// An error that leaves the GPU: its figure has no point this time.
fn goes_on(error: Error) -> Result<(), Error> {
    match error.class() {
        Class::Lost | Class::Session => Err(error),
        // Not known which figure this is of, and whether the GPU is well: `answers` says so in the next round.
        Class::NotSupported | Class::NoData | Class::NotAllowed | Class::Other => Ok(()),
    }
}
