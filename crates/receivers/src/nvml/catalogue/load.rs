//! How busy a GPU is, and with what.

use super::{Call, Tier, all, call, one};
use crate::nvml::metric::{Metric, gauge};

const fn engine(task: &'static [(&'static str, &'static str)]) -> Metric {
    gauge("hw.gpu.utilization", "1").with(task).scaled(0.01)
}

pub(super) const CALLS: &[Call] = &[
    call(
        Tier::Fast,
        |device, values| {
            let (gpu, memory) = device.utilization()?;
            all(values, [Some(gpu.into()), Some(memory.into())])
        },
        &[
            engine(&[("hw.gpu.task", "general")])
                .dcgm("DCGM_FI_DEV_GPU_UTIL", "%", 1.0)
                .cwagent("nvidia_smi_utilization_gpu", 1.0),
            gauge("gpu.memory.io.utilization", "1")
                .scaled(0.01)
                .dcgm("DCGM_FI_DEV_MEM_COPY_UTIL", "%", 1.0)
                .cwagent("nvidia_smi_utilization_memory", 1.0),
        ],
    ),
    call(
        Tier::Medium,
        |device, values| one(values, device.encoder()?),
        &[engine(&[("hw.gpu.task", "encoder")])
            .dcgm("DCGM_FI_DEV_ENC_UTIL", "%", 1.0)
            .cwagent("nvidia_smi_utilization_encoder", 1.0)],
    ),
    call(
        Tier::Medium,
        |device, values| one(values, device.decoder()?),
        &[engine(&[("hw.gpu.task", "decoder")])
            .dcgm("DCGM_FI_DEV_DEC_UTIL", "%", 1.0)
            .cwagent("nvidia_smi_utilization_decoder", 1.0)],
    ),
    call(Tier::Medium, |device, values| one(values, device.jpeg()?), &[engine(&[("hw.gpu.task", "jpeg")])]),
    call(
        Tier::Medium,
        |device, values| one(values, device.optical_flow()?),
        &[engine(&[("hw.gpu.task", "optical_flow")])],
    ),
    call(
        Tier::Medium,
        |device, values| {
            let stats = device.encoder_stats()?;
            all(values, [stats.sessions, stats.frame_rate, stats.latency].map(|figure| Some(figure.into())))
        },
        &[
            gauge("gpu.encoder.sessions", "{session}")
                .optional()
                .cwagent("nvidia_smi_encoder_stats_session_count", 1.0),
            gauge("gpu.encoder.frame_rate", "{frame}/s")
                .optional()
                .cwagent("nvidia_smi_encoder_stats_average_fps", 1.0),
            gauge("gpu.encoder.latency", "s")
                .scaled(1e-6)
                .optional()
                .cwagent("nvidia_smi_encoder_stats_average_latency", 1.0),
        ],
    ),
    call(
        Tier::Medium,
        |device, values| {
            let (count, bytes) = device.processes()?;
            all(values, [Some(count.into()), bytes.map(|bytes| bytes as f64)])
        },
        &[gauge("gpu.process.count", "{process}"), gauge("gpu.process.memory.usage", "By")],
    ),
];
