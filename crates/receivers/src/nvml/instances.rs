//! The MIG instances of a GPU.

use std::collections::BTreeMap;

use weir_nvml_raw::{Class, Device, Error};

use super::{
    catalogue::Tier,
    gpu::{Due, Part, Reading, Unsupported, goes_on, read_calls},
    plan::Plan,
    pods::Mig,
    profiler::Profiler,
};

/// The MIG instances of a GPU, by GPU instance: its compute instances share what is asked of it. Which there are is found out once in
/// a slow interval.
#[derive(Debug, Default)]
pub(super) struct Instances {
    by_id: BTreeMap<u32, Instance>,
    /// The MIG devices that were told last; that there are none is told once too.
    told: Option<Vec<Mig>>,
}

#[derive(Debug)]
struct Instance {
    device: Device,
    unsupported: Unsupported,
    profiler: Profiler,
}

impl Instances {
    /// Finds out which there are, and asks each for what is due. Answers the MIG devices where they are not what they were.
    ///
    /// # Errors
    /// The GPU is lost, or NVML has to be opened anew.
    pub(super) fn read(
        &mut self,
        gpu: &Device,
        plan: &Plan,
        due: Due,
        into: &mut Vec<Reading>,
    ) -> Result<Option<Vec<Mig>>, Error> {
        if !plan.asks_instances() && !plan.migs {
            return Ok(None);
        }
        // Where NVML was opened anew, the next slow round may be far.
        let is_first = due.has(Tier::Medium) && plan.migs && self.told.is_none();
        let news = if due.has(Tier::Slow) || is_first { self.find(gpu, plan.migs)? } else { None };
        for (id, Instance { device, unsupported, profiler }) in &mut self.by_id {
            let part = Part::Instance(*id);
            read_calls(device, &plan.instance_calls, unsupported, due, part, into)?;
            if due.has(Tier::Medium) {
                profiler.read(gpu, &plan.instance_profile, part, into)?;
            }
        }
        Ok(news)
    }

    fn find(&mut self, gpu: &Device, tells_migs: bool) -> Result<Option<Vec<Mig>>, Error> {
        let most = match gpu.is_divided().and_then(|is| if is { gpu.max_instances() } else { Ok(0) }) {
            Ok(most) => most,
            Err(error) if error.class() == Class::NotSupported => 0,
            // It may be divided as before.
            Err(error) => return goes_on(error).map(|()| None),
        };
        let (mut found, mut migs, mut is_sure) = (Vec::new(), Vec::new(), true);
        for number in 0..most {
            match gpu.instance(number).and_then(|device| Ok((device.gpu_instance()?, device))) {
                Ok((id, device)) => {
                    found.push(id);
                    if tells_migs {
                        match mig(gpu, &device, id, most) {
                            Ok(mig) => migs.push(mig),
                            Err(error) => {
                                goes_on(error)?;
                                is_sure = false;
                            }
                        }
                    }
                    self.by_id.entry(id).or_insert_with(|| Instance {
                        device,
                        unsupported: Unsupported::default(),
                        profiler: Profiler::default(),
                    });
                }
                Err(error) if error.class() == Class::NoData => {} // there may be gaps
                Err(error) => {
                    goes_on(error)?;
                    is_sure = false;
                }
            }
        }
        if !is_sure {
            return Ok(None);
        }
        self.by_id.retain(|id, _| found.contains(id));
        let is_news = tells_migs && self.told.as_ref() != Some(&migs);
        Ok(is_news.then(|| self.told.insert(migs).clone()))
    }
}

/// `most` is how many slices a GPU has: so many instances of one slice fit.
fn mig(gpu: &Device, device: &Device, instance: u32, most: u32) -> Result<Mig, Error> {
    let share = device.slices().ok().filter(|slices| (1..=most).contains(slices));
    Ok(Mig {
        uuid: device.uuid()?,
        instance,
        start: gpu.placement(instance).ok(),
        share: share.map(|slices| f64::from(slices) / f64::from(most)),
    })
}
