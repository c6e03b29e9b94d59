//! GPU performance monitoring, Hopper and later: what two samples say together.

use std::{mem, ptr};

use nvml_wrapper_sys::bindings::{
    nvmlGpmMetric_t, nvmlGpmMetric_t__bindgen_ty_1, nvmlGpmMetricsGet_t, nvmlGpmSample_t, nvmlGpmSupport_t,
};

use crate::{Device, Error, library::call};

/// A metric of GPM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric(pub u32);

/// Two samples of a GPU or of a MIG instance, of which the older is overwritten next.
#[derive(Debug)]
pub struct Gpm {
    device: Device,
    /// The MIG GPU instance; `None` for the GPU as a whole.
    instance: Option<u32>,
    samples: [usize; 2],
    taken: usize,
}

impl Gpm {
    /// GPM of a GPU, or of one of its MIG GPU instances.
    ///
    /// # Errors
    /// The GPU or its driver has none.
    pub fn of(device: &Device, instance: Option<u32>) -> Result<Self, Error> {
        let mut support = nvmlGpmSupport_t { version: 1, isSupportedDevice: 0 };
        call!(device.nvml, nvmlGpmQueryDeviceSupport(device.handle(), &raw mut support))?;
        if support.isSupportedDevice == 0 {
            return Err(Error::Code { function: "nvmlGpmQueryDeviceSupport", code: 3 });
        }
        let mut gpm = Self { device: device.clone(), instance, samples: [0; 2], taken: 0 };
        for sample in &mut gpm.samples {
            let mut new: nvmlGpmSample_t = ptr::null_mut();
            call!(device.nvml, nvmlGpmSampleAlloc(&raw mut new))?;
            *sample = new as usize;
        }
        Ok(gpm)
    }

    /// Takes a sample, and writes what it and the one before say of each of `metrics`; nothing at the first.
    ///
    /// # Errors
    /// There is no sample, or no comparison.
    pub fn next(&mut self, metrics: &[Metric], values: &mut [Option<f64>]) -> Result<(), Error> {
        let sample = |number: usize| self.samples[number % 2] as nvmlGpmSample_t;
        let newest = sample(self.taken);
        let device = self.device.handle();
        match self.instance {
            None => call!(self.device.nvml, nvmlGpmSampleGet(device, newest)),
            Some(instance) => call!(self.device.nvml, nvmlGpmMigSampleGet(device, instance, newest)),
        }?;
        self.taken += 1;
        if self.taken == 1 {
            return Ok(());
        }
        let none = nvmlGpmMetric_t__bindgen_ty_1 {
            shortName: ptr::null_mut(),
            longName: ptr::null_mut(),
            unit: ptr::null_mut(),
        };
        let mut asked = nvmlGpmMetricsGet_t {
            version: 1,
            numMetrics: 0,
            sample1: self.samples[self.taken % 2] as nvmlGpmSample_t,
            sample2: newest,
            metrics: [nvmlGpmMetric_t { metricId: 0, nvmlReturn: 0, value: 0.0, metricInfo: none }; 210],
        };
        for (to, Metric(id)) in asked.metrics.iter_mut().zip(metrics) {
            to.metricId = *id;
            asked.numMetrics += 1;
        }
        call!(self.device.nvml, nvmlGpmMetricsGet(&raw mut asked))?;
        for ((to, answer), _) in values.iter_mut().zip(&asked.metrics).zip(metrics) {
            *to = (answer.nvmlReturn == 0 && answer.value.is_finite()).then_some(answer.value);
        }
        Ok(())
    }
}

impl Drop for Gpm {
    fn drop(&mut self) {
        for sample in mem::take(&mut self.samples).into_iter().filter(|sample| *sample != 0) {
            let _ = call!(self.device.nvml, nvmlGpmSampleFree(sample as nvmlGpmSample_t)); // there is nobody to tell
        }
    }
}
