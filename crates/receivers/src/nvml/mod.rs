//! The receiver `nvml`: NVIDIA GPUs, asked through the driver's own library.
//!
//! What a GPU does not support has no point: not supported is not zero. A GPU that is lost stays visible, as `gpu.up` 0 under its
//! own name. `docs/components/nvml.md` has the configuration, `docs/gpu-health.md` the replacement of a script around `nvidia-smi`.
//!
//! # Layout
//! - `receiver`: the loop. `fleet`: all GPUs, NVML's comings and goings. `known`: one GPU, also when it is gone.
//! - `session`: NVML, open, and its threads: one a GPU, one for events. `gpu`: what a GPU's thread does.
//! - `catalogue`: every figure, with the call or field that it comes from and its tier. `metric`: what a figure is called under each
//!   profile. `plan`: the part of the catalogue that a configuration asks for. `table`: where in it that stands which is looked for by name.
//!   `fields`, `profiler`, `instances`: what a GPU's thread keeps of it that is more than a call.
//! - `count`: counters, told by who had the GPU. `pods`: which containers have which GPUs, and what that says of figures.
//! - `xid`: what codes mean. `xids`: how many there were, and where. `health`: the rules of the verdict. `sink`: from a figure to a point.
//!
//! # Why threads
//! A call can take milliseconds, and with a driver that is stuck it never returns. It cannot be cancelled. So each GPU has a thread of
//! its own; one that does not come back in time is left to itself, its GPU is said to be down, and the others go on.

mod catalogue;
mod config;
mod count;
mod fields;
mod fleet;
mod gpu;
mod health;
mod instances;
mod known;
mod metric;
mod plan;
mod pods;
mod profiler;
mod receiver;
mod session;
mod sink;
mod table;
mod xid;
mod xids;

#[cfg(test)]
mod tests;

pub use config::{Intervals, NvmlConfig, PodsConfig};
pub use health::HealthVerdict;
pub use metric::Profile;

use weir_core::{Context, Factory, Receiver, ReceiverFactory};

/// Makes `nvml` receivers.
#[derive(Debug)]
pub struct Nvml;

impl Factory for Nvml {
    type Config = NvmlConfig;
    const TYPE: &'static str = "nvml";
    const SUMMARY: &'static str = "Reads NVIDIA GPUs: load, memory, energy, errors, health";
}

impl ReceiverFactory for Nvml {
    fn build(config: NvmlConfig, context: Context) -> Box<dyn Receiver> {
        Box::new(receiver::NvmlReceiver::new(config, context))
    }
}
