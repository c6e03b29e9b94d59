//! GPM: a sample remembers whose it is and when it was taken, and two of one GPU, the older first, say what its state says.

use std::ffi::c_uint;

use nvml_wrapper_sys::bindings::{nvmlDevice_t, nvmlGpmMetricsGet_t, nvmlGpmSupport_t};

use super::{ARGUMENT_VERSION_MISMATCH, put};
use crate::{
    entry::{self, INVALID_ARGUMENT, NOT_SUPPORTED, of_gpu, of_node, place},
    state::{Gpu, Node},
};

/// Of both structures (`NVML_GPM_SUPPORT_VERSION`, `NVML_GPM_METRICS_GET_VERSION`): the number alone.
const VERSION: c_uint = 1;

functions! {
    of_gpu nvmlGpmQueryDeviceSupport(device, to: *mut nvmlGpmSupport_t) |gpu| {
        if (*to).version != VERSION {
            return ARGUMENT_VERSION_MISMATCH;
        }
        (*to).isSupportedDevice = c_uint::from(!gpu.gpm.is_empty());
        0
    };
    of_node nvmlGpmSampleAlloc(, to: *mut usize) |_node| { put(to, entry::new_sample()); 0 };
    of_node nvmlGpmSampleFree(, _sample: usize) |_node| 0;
    of_gpu nvmlGpmSampleGet(device, sample: usize) |gpu| {
        if gpu.gpm.is_empty() {
            return NOT_SUPPORTED;
        }
        entry::take_sample(sample, place(device));
        0
    };
    of_gpu nvmlGpmMigSampleGet(device, instance: c_uint, sample: usize) |gpu| {
        let is_it = |of: &Gpu| of.numbers.get("instance") == Some(&instance.into()) && !of.gpm.is_empty();
        match gpu.instances.iter().position(is_it) {
            None => INVALID_ARGUMENT,
            Some(number) => { entry::take_sample(sample, (place(device).0, Some(number))); 0 }
        }
    };
    of_node nvmlGpmMetricsGet(, to: *mut nvmlGpmMetricsGet_t) |node| {
        if (*to).version != VERSION {
            return ARGUMENT_VERSION_MISMATCH;
        }
        let samples = [(*to).sample1, (*to).sample2].map(|sample| entry::sample(sample as usize));
        let [Some((first, older)), Some((second, newer))] = samples else { return INVALID_ARGUMENT };
        let is_pair = older == newer && first < second;
        let (true, Some(gpu)) = (is_pair, of_sample(node, newer)) else { return INVALID_ARGUMENT };
        let asked = (*to).numMetrics as usize;
        for metric in (&mut (*to).metrics)[..asked].iter_mut() {
            let found = gpu.gpm.get(&metric.metricId).copied();
            metric.nvmlReturn = if found.is_some() { 0 } else { NOT_SUPPORTED };
            metric.value = found.unwrap_or(f64::NAN);
        }
        0
    };
}

fn of_sample(node: &Node, (index, instance): (usize, Option<usize>)) -> Option<&Gpu> {
    let gpu = node.gpus.get(index)?;
    instance.map_or(Some(gpu), |number| gpu.instances.get(number))
}
