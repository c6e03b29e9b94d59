//! The MIG instances of a GPU.

use std::collections::BTreeMap;

use weir_nvml_raw::{Class, Device, Error};

use super::{
    catalogue::Tier,
    gpu::{Due, Part, Reading, Unsupported, goes_on, read_calls},
    plan::Plan,
    profiler::Profiler,
};

/// The MIG instances of a GPU, by GPU instance: its compute instances share what is asked of it. Which there are is found out once in
/// a slow interval.
#[derive(Debug, Default)]
pub(super) struct Instances(BTreeMap<u32, Instance>);

#[derive(Debug)]
struct Instance {
    device: Device,
    unsupported: Unsupported,
    profiler: Profiler,
}

impl Instances {
    /// Finds out which there are, and asks each for what is due.
    ///
    /// # Errors
    /// The GPU is lost, or NVML has to be opened anew.
    pub(super) fn read(
        &mut self,
        gpu: &Device,
        plan: &Plan,
        due: Due,
        into: &mut Vec<Reading>,
    ) -> Result<(), Error> {
        if !plan.asks_instances() {
            return Ok(());
        }
        if due.has(Tier::Slow) {
            self.find(gpu)?;
        }
        for (id, Instance { device, unsupported, profiler }) in &mut self.0 {
            let part = Part::Instance(*id);
            read_calls(device, &plan.instance_calls, unsupported, due, part, into)?;
            if due.has(Tier::Medium) {
                profiler.read(gpu, &plan.instance_profile, part, into)?;
            }
        }
        Ok(())
    }

    fn find(&mut self, gpu: &Device) -> Result<(), Error> {
        let most = if gpu.is_divided().unwrap_or(false) { gpu.max_instances().unwrap_or(0) } else { 0 };
        let mut found = Vec::new();
        for number in 0..most {
            match gpu.instance(number).and_then(|device| Ok((device.gpu_instance()?, device))) {
                Ok((id, device)) => {
                    found.push(id);
                    self.0.entry(id).or_insert_with(|| Instance {
                        device,
                        unsupported: Unsupported::default(),
                        profiler: Profiler::default(),
                    });
                }
                Err(error) if error.class() == Class::NoData => {} // there may be gaps
                Err(error) => goes_on(error)?,
            }
        }
        self.0.retain(|id, _| found.contains(id));
        Ok(())
    }
}
