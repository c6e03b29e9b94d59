//! Power, energy, temperatures and fans, and their limits.

use std::convert::identity;

use weir_nvml_raw::{Class, Device, Error, TemperatureLimit};

use super::{Call, FieldRow, Tier, Values, call, field, one};
use crate::nvml::metric::{Metric, counter, gauge};

const WATTS: f64 = 0.001; // NVML says milliwatts

macro_rules! power {
    ($window:literal) => {
        gauge("gpu.power", "W").with(&[("gpu.power.window", $window)]).scaled(WATTS).optional()
    };
}

macro_rules! power_limit {
    ($limit:literal) => {
        gauge("gpu.power.limit", "W").with(&[("gpu.limit", $limit)]).scaled(WATTS).optional()
    };
}

/// Degrees at which something happens.
macro_rules! limit {
    ($limit:literal) => {
        gauge("gpu.temperature.limit", "Cel").with(&[("gpu.limit", $limit)]).optional()
    };
}

/// The same from Ada on: the margin at which it happens, below zero beyond the point where the GPU slows down.
macro_rules! margin_limit {
    ($limit:literal) => {
        gauge("gpu.temperature.margin.limit", "Cel").with(&[("gpu.limit", $limit)]).optional()
    };
}

macro_rules! fan {
    ($number:literal) => {
        gauge("hw.fan.speed_ratio", "1").with(&[("gpu.fan", $number)]).scaled(0.01)
    };
}

/// As many as have a row below, which is as many as boards have; the first where an older driver does not say how many there are.
fn fans(device: &Device, values: &mut Values) -> Result<(), Error> {
    let fans = match device.fans() {
        Err(Error::Missing(_)) => 1,
        fans => fans?,
    };
    for (fan, value) in (0..fans).zip(&mut values[..4]) {
        *value = match device.fan_speed(fan) {
            Err(error) if fan > 0 && !matches!(error.class(), Class::Lost | Class::Session) => None,
            speed => Some(speed?.into()),
        };
    }
    Ok(())
}

const fn temperature(sensor: &'static [(&'static str, &'static str)]) -> Metric {
    gauge("hw.temperature", "Cel").with(sensor)
}

pub(super) const CALLS: &[Call] = &[
    call(
        Tier::Fast,
        |device, values| one(values, device.temperature()?),
        &[temperature(&[("hw.type", "gpu"), ("gpu.sensor", "die")])
            .dcgm("DCGM_FI_DEV_GPU_TEMP", "Cel", 1.0)
            .cwagent("nvidia_smi_temperature_gpu", 1.0)],
    ),
    call(
        Tier::Fast,
        |device, values| one(values, device.power()?),
        &[gauge("hw.power", "W")
            .with(&[("hw.type", "gpu")])
            .scaled(WATTS)
            .dcgm("DCGM_FI_DEV_POWER_USAGE", "W", WATTS)
            .cwagent("nvidia_smi_power_draw", WATTS)],
    ),
    call(
        Tier::Medium,
        |device, values| one(values, device.temperature_margin()?),
        &[gauge("gpu.temperature.margin", "Cel").dcgm("DCGM_FI_DEV_GPU_TEMP_LIMIT", "Cel", 1.0)],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.power_limit()?),
        &[gauge("hw.power.limit", "W").with(&[("hw.type", "gpu")]).scaled(WATTS).dcgm(
            "DCGM_FI_DEV_ENFORCED_POWER_LIMIT",
            "W",
            WATTS,
        )],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.temperature_limit(TemperatureLimit::Shutdown)?),
        &[limit!("shutdown").dcgm("DCGM_FI_DEV_SHUTDOWN_TEMP", "Cel", 1.0)],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.temperature_limit(TemperatureLimit::Slowdown)?),
        &[limit!("slowdown").dcgm("DCGM_FI_DEV_SLOWDOWN_TEMP", "Cel", 1.0)],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.temperature_limit(TemperatureLimit::MemoryMax)?),
        &[limit!("memory_max").dcgm("DCGM_FI_DEV_MEM_MAX_OP_TEMP", "Cel", 1.0)],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.temperature_limit(TemperatureLimit::GpuMax)?),
        &[limit!("gpu_max").dcgm("DCGM_FI_DEV_GPU_MAX_OP_TEMP", "Cel", 1.0)],
    ),
    call(
        Tier::Slow,
        fans,
        &[
            fan!("0").dcgm("DCGM_FI_DEV_FAN_SPEED", "%", 1.0).cwagent("nvidia_smi_fan_speed", 1.0),
            fan!("1"),
            fan!("2"),
            fan!("3"),
        ],
    ),
];

pub(super) const FIELDS: &[FieldRow] = &[
    field!(
        Fast,
        83,
        counter("hw.energy", "J").with(&[("hw.type", "gpu")]).scaled(0.001).dcgm(
            "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
            "mJ",
            1.0,
        )
    ),
    field!(
        Fast,
        82,
        temperature(&[("hw.type", "gpu"), ("gpu.sensor", "memory")]).dcgm(
            "DCGM_FI_DEV_MEMORY_TEMP",
            "Cel",
            1.0
        )
    ),
    field!(Fast, 186, power!("instant").dcgm("DCGM_FI_DEV_POWER_USAGE_INSTANT", "W", WATTS)),
    field!(Fast, 185, power!("second")),
    // Of the module: a Grace CPU and its GPU.
    field!(
        Fast,
        Module,
        [186 => identity],
        gauge("gpu.module.power", "W").scaled(WATTS).optional()
    ),
    field!(Slow, 187, power_limit!("min").dcgm("DCGM_FI_DEV_POWER_MGMT_LIMIT_MIN", "W", WATTS)),
    field!(Slow, 188, power_limit!("max").dcgm("DCGM_FI_DEV_POWER_MGMT_LIMIT_MAX", "W", WATTS)),
    field!(Slow, 189, power_limit!("default").dcgm("DCGM_FI_DEV_POWER_MGMT_LIMIT_DEF", "W", WATTS)),
    field!(Slow, 192, power_limit!("requested").dcgm("DCGM_FI_DEV_POWER_MGMT_LIMIT", "W", WATTS)),
    field!(Slow, 193, margin_limit!("shutdown")),
    field!(Slow, 194, margin_limit!("slowdown")),
    field!(Slow, 195, margin_limit!("memory_max")),
    field!(Slow, 196, margin_limit!("gpu_max")),
];
