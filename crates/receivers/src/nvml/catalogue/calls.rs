//! Calls, in the order in which they are made.

use weir_nvml_raw::{
    Clock, ClockKind, Device, Error,
    ErrorCounter::{self, Aggregate, Volatile},
    ErrorKind::{self, Corrected, Uncorrected},
    MemoryPlace::{self, Dram, Sram},
    Retired,
};

use super::{Call, Tier, Values};
use crate::nvml::metric::{Metric, counter, gauge};

const MIB: f64 = 1.0 / 1_048_576.0;

const fn call(
    tier: Tier,
    read: fn(&Device, &mut Values) -> Result<(), Error>,
    metrics: &'static [Metric],
) -> Call {
    Call { tier, read, metrics }
}

#[expect(clippy::unnecessary_wraps, reason = "as every call answers")]
fn one(values: &mut Values, value: impl Into<f64>) -> Result<(), Error> {
    values[0] = Some(value.into());
    Ok(())
}

fn ecc(
    device: &Device,
    values: &mut Values,
    which: (ErrorKind, ErrorCounter, MemoryPlace),
) -> Result<(), Error> {
    one(values, device.memory_errors(which.0, which.1, which.2)? as f64)
}

/// The bits of clock event reasons that mean less speed, in the order of the metrics below.
const REASONS: [u64; 7] = [0x4, 0x8, 0x10, 0x20, 0x40, 0x80, 0x1];

macro_rules! reason {
    ($reason:literal) => {
        gauge("gpu.clock.event", "1").with(&[("reason", $reason)])
    };
}

macro_rules! errors {
    ($kind:literal, $place:literal, $since:literal) => {
        counter("hw.errors", "{error}").with(&[
            ("hw.type", "gpu"),
            ("error.type", $kind),
            ("gpu.memory.location", $place),
            ("gpu.errors.since", $since),
        ])
    };
}

/// The calls.
pub(in crate::nvml) const CALLS: &[Call] = &[
    call(
        Tier::Fast,
        |device, values| {
            let (gpu, memory) = device.utilization()?;
            (values[0], values[1]) = (Some(gpu.into()), Some(memory.into()));
            Ok(())
        },
        &[
            gauge("hw.gpu.utilization", "1")
                .with(&[("hw.gpu.task", "general")])
                .scaled(0.01)
                .dcgm("DCGM_FI_DEV_GPU_UTIL", "%", 1.0)
                .cwagent("nvidia_smi_utilization_gpu", "%", 1.0),
            gauge("gpu.memory.io.utilization", "1")
                .scaled(0.01)
                .dcgm("DCGM_FI_DEV_MEM_COPY_UTIL", "%", 1.0)
                .cwagent("nvidia_smi_utilization_memory", "%", 1.0),
        ],
    ),
    call(
        Tier::Fast,
        |device, values| {
            let memory = device.memory()?;
            values[0] = Some(memory.used as f64);
            values[1] = Some(memory.free as f64);
            values[2] = memory.reserved.map(|bytes| bytes as f64);
            values[3] = Some(memory.total as f64);
            values[4] = (memory.total > 0).then(|| memory.used as f64 / memory.total as f64);
            Ok(())
        },
        &[
            gauge("hw.gpu.memory.usage", "By").dcgm("DCGM_FI_DEV_FB_USED", "MiBy", MIB).cwagent(
                "nvidia_smi_memory_used",
                "MiBy",
                MIB,
            ),
            gauge("gpu.memory.free", "By").dcgm("DCGM_FI_DEV_FB_FREE", "MiBy", MIB).cwagent(
                "nvidia_smi_memory_free",
                "MiBy",
                MIB,
            ),
            gauge("gpu.memory.reserved", "By").dcgm("DCGM_FI_DEV_FB_RESERVED", "MiBy", MIB),
            gauge("hw.gpu.memory.limit", "By").cwagent("nvidia_smi_memory_total", "MiBy", MIB),
            gauge("hw.gpu.memory.utilization", "1"),
        ],
    ),
    call(
        Tier::Fast,
        |device, values| one(values, device.temperature()?),
        &[gauge("hw.temperature", "Cel")
            .with(&[("hw.type", "gpu"), ("gpu.sensor", "die")])
            .dcgm("DCGM_FI_DEV_GPU_TEMP", "Cel", 1.0)
            .cwagent("nvidia_smi_temperature_gpu", "1", 1.0)],
    ),
    call(
        Tier::Fast,
        |device, values| one(values, device.power()?),
        &[gauge("hw.power", "W")
            .with(&[("hw.type", "gpu")])
            .scaled(0.001)
            .dcgm("DCGM_FI_DEV_POWER_USAGE", "W", 0.001)
            .cwagent("nvidia_smi_power_draw", "1", 0.001)],
    ),
    call(
        Tier::Fast,
        |device, values| one(values, device.clock(Clock::Sm, ClockKind::Current)?),
        &[gauge("gpu.clock.frequency", "MHz")
            .with(&[("gpu.clock", "sm")])
            .dcgm("DCGM_FI_DEV_SM_CLOCK", "MHz", 1.0)
            .cwagent("nvidia_smi_clocks_current_sm", "1", 1.0)],
    ),
    call(
        Tier::Fast,
        |device, values| one(values, device.clock(Clock::Memory, ClockKind::Current)?),
        &[gauge("gpu.clock.frequency", "MHz")
            .with(&[("gpu.clock", "memory")])
            .dcgm("DCGM_FI_DEV_MEM_CLOCK", "MHz", 1.0)
            .cwagent("nvidia_smi_clocks_current_memory", "1", 1.0)],
    ),
    call(
        Tier::Fast,
        |device, values| {
            let reasons = device.clock_event_reasons()?;
            values
                .iter_mut()
                .zip(REASONS)
                .for_each(|(value, bit)| *value = Some(f64::from(reasons & bit != 0)));
            Ok(())
        },
        &[
            reason!("sw_power_cap"),
            reason!("hw_slowdown"),
            reason!("sync_boost"),
            reason!("sw_thermal_slowdown"),
            reason!("hw_thermal_slowdown"),
            reason!("hw_power_brake_slowdown"),
            reason!("gpu_idle"),
        ],
    ),
    call(
        Tier::Medium,
        |device, values| one(values, device.clock(Clock::Graphics, ClockKind::Current)?),
        &[gauge("gpu.clock.frequency", "MHz").with(&[("gpu.clock", "graphics")]).cwagent(
            "nvidia_smi_clocks_current_graphics",
            "1",
            1.0,
        )],
    ),
    call(
        Tier::Medium,
        |device, values| one(values, device.clock(Clock::Video, ClockKind::Current)?),
        &[gauge("gpu.clock.frequency", "MHz").with(&[("gpu.clock", "video")]).cwagent(
            "nvidia_smi_clocks_current_video",
            "1",
            1.0,
        )],
    ),
    call(
        Tier::Medium,
        |device, values| one(values, device.performance_state()?),
        &[gauge("gpu.performance.state", "1")],
    ),
    call(
        Tier::Medium,
        |device, values| one(values, device.encoder()?),
        &[gauge("hw.gpu.utilization", "1")
            .with(&[("hw.gpu.task", "encoder")])
            .scaled(0.01)
            .dcgm("DCGM_FI_DEV_ENC_UTIL", "%", 1.0)
            .cwagent("nvidia_smi_utilization_encoder", "%", 1.0)],
    ),
    call(
        Tier::Medium,
        |device, values| one(values, device.decoder()?),
        &[gauge("hw.gpu.utilization", "1")
            .with(&[("hw.gpu.task", "decoder")])
            .scaled(0.01)
            .dcgm("DCGM_FI_DEV_DEC_UTIL", "%", 1.0)
            .cwagent("nvidia_smi_utilization_decoder", "%", 1.0)],
    ),
    call(
        Tier::Medium,
        |device, values| one(values, device.jpeg()?),
        &[gauge("hw.gpu.utilization", "1").with(&[("hw.gpu.task", "jpeg")]).scaled(0.01)],
    ),
    call(
        Tier::Medium,
        |device, values| one(values, device.optical_flow()?),
        &[gauge("hw.gpu.utilization", "1").with(&[("hw.gpu.task", "optical_flow")]).scaled(0.01)],
    ),
    call(
        Tier::Medium,
        |device, values| {
            let (count, bytes) = device.processes()?;
            (values[0], values[1]) = (Some(count.into()), bytes.map(|bytes| bytes as f64));
            Ok(())
        },
        &[gauge("gpu.process.count", "{process}"), gauge("gpu.process.memory.usage", "By")],
    ),
    call(
        Tier::Slow,
        |device, values| ecc(device, values, (Uncorrected, Aggregate, Dram)),
        &[errors!("uncorrected", "dram", "manufacture")
            .dcgm("DCGM_FI_DEV_ECC_DBE_AGG_DEV", "1", 1.0)
            .health("GPU_Aggregate_Uncorrectable_Errors")],
    ),
    call(
        Tier::Slow,
        |device, values| ecc(device, values, (Corrected, Aggregate, Dram)),
        &[errors!("corrected", "dram", "manufacture")
            .dcgm("DCGM_FI_DEV_ECC_SBE_AGG_DEV", "1", 1.0)
            .health("GPU_Aggregate_Correctable_Errors")],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.retired_pages(Retired::DoubleBit)?),
        &[counter("gpu.memory.retired_pages", "{page}")
            .with(&[("cause", "double_bit")])
            .dcgm("DCGM_FI_DEV_RETIRED_DBE", "1", 1.0)
            .health("GPU_Retired_Double_Bit_ECC")],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.retired_pages(Retired::SingleBit)?),
        &[counter("gpu.memory.retired_pages", "{page}").with(&[("cause", "single_bit")]).dcgm(
            "DCGM_FI_DEV_RETIRED_SBE",
            "1",
            1.0,
        )],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.retired_pending()?),
        &[gauge("gpu.memory.retired_pages.pending", "1").dcgm("DCGM_FI_DEV_RETIRED_PENDING", "1", 1.0)],
    ),
    call(
        Tier::Slow,
        |device, values| ecc(device, values, (Uncorrected, Aggregate, Sram)),
        &[errors!("uncorrected", "sram", "manufacture")],
    ),
    call(
        Tier::Slow,
        |device, values| ecc(device, values, (Corrected, Aggregate, Sram)),
        &[errors!("corrected", "sram", "manufacture")],
    ),
    call(
        Tier::Slow,
        |device, values| ecc(device, values, (Uncorrected, Volatile, Dram)),
        &[errors!("uncorrected", "dram", "driver_load").dcgm("DCGM_FI_DEV_ECC_DBE_VOL_DEV", "1", 1.0)],
    ),
    call(
        Tier::Slow,
        |device, values| ecc(device, values, (Corrected, Volatile, Dram)),
        &[errors!("corrected", "dram", "driver_load").dcgm("DCGM_FI_DEV_ECC_SBE_VOL_DEV", "1", 1.0)],
    ),
    call(
        Tier::Slow,
        |device, values| ecc(device, values, (Uncorrected, Volatile, Sram)),
        &[errors!("uncorrected", "sram", "driver_load")],
    ),
    call(
        Tier::Slow,
        |device, values| ecc(device, values, (Corrected, Volatile, Sram)),
        &[errors!("corrected", "sram", "driver_load")],
    ),
    call(
        Tier::Slow,
        |device, values| {
            let status = device.sram_status()?;
            values[0] = Some(f64::from(status.threshold_exceeded));
            Ok(())
        },
        &[gauge("gpu.memory.sram.threshold_exceeded", "1")],
    ),
    call(
        Tier::Slow,
        |device, values| {
            let banks = device.remap_histogram()?;
            values.iter_mut().zip(banks).for_each(|(value, banks)| *value = Some(banks.into()));
            Ok(())
        },
        &[
            gauge("gpu.memory.remap.banks", "{bank}").with(&[("spare_rows", "all")]),
            gauge("gpu.memory.remap.banks", "{bank}").with(&[("spare_rows", "most")]),
            gauge("gpu.memory.remap.banks", "{bank}").with(&[("spare_rows", "some")]),
            gauge("gpu.memory.remap.banks", "{bank}").with(&[("spare_rows", "few")]),
            gauge("gpu.memory.remap.banks", "{bank}").with(&[("spare_rows", "none")]),
        ],
    ),
    call(
        Tier::Slow,
        |device, values| {
            let (used, total) = device.bar1()?;
            (values[0], values[1]) = (Some(used as f64), Some(total as f64));
            Ok(())
        },
        &[gauge("gpu.bar1.usage", "By"), gauge("gpu.bar1.limit", "By")],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.power_limit()?),
        &[gauge("hw.power.limit", "W").with(&[("hw.type", "gpu")]).scaled(0.001).dcgm(
            "DCGM_FI_DEV_POWER_MGMT_LIMIT",
            "W",
            0.001,
        )],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.link_generation()?),
        &[gauge("gpu.pcie.link.generation", "1").cwagent("nvidia_smi_pcie_link_gen_current", "1", 1.0)],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.link_generation_max()?),
        &[gauge("gpu.pcie.link.generation.max", "1")],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.link_width()?),
        &[gauge("gpu.pcie.link.width", "{lane}").cwagent("nvidia_smi_pcie_link_width_current", "1", 1.0)],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.link_width_max()?),
        &[gauge("gpu.pcie.link.width.max", "{lane}")],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.persistence_mode()?),
        &[gauge("gpu.persistence_mode", "1")],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.fan_speed(0)?),
        &[gauge("hw.fan.speed_ratio", "1").scaled(0.01).cwagent("nvidia_smi_fan_speed", "%", 1.0)],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.clock(Clock::Sm, ClockKind::Max)?),
        &[gauge("gpu.clock.frequency.max", "MHz").with(&[("gpu.clock", "sm")])],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.clock(Clock::Memory, ClockKind::Max)?),
        &[gauge("gpu.clock.frequency.max", "MHz").with(&[("gpu.clock", "memory")])],
    ),
];
