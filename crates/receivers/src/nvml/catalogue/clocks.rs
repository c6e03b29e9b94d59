//! Clocks, why they are not higher, and for how long they were not.

use weir_nvml_raw::{Clock, ClockKind};

use super::{Call, FieldRow, Tier, all, call, field, one};
use crate::nvml::metric::{Metric, counter, gauge};

const fn clock(which: &'static [(&'static str, &'static str)]) -> Metric {
    gauge("gpu.clock.frequency", "MHz").with(which)
}

const fn highest(which: &'static [(&'static str, &'static str)]) -> Metric {
    gauge("gpu.clock.frequency.max", "MHz").with(which)
}

/// The bits of clock event reasons, in the order of the metrics below: those that mean less speed, then those that somebody chose.
const REASONS: [u64; 9] = [0x4, 0x8, 0x10, 0x20, 0x40, 0x80, 0x1, 0x2, 0x100];

macro_rules! reason {
    ($reason:literal) => {
        gauge("gpu.clock.event", "1").with(&[("reason", $reason)])
    };
}

/// Nanoseconds.
macro_rules! throttled {
    ($reason:literal) => {
        counter("gpu.clock.event.time", "s").with(&[("reason", $reason)]).scaled(1e-9)
    };
}

pub(super) const CALLS: &[Call] = &[
    call(
        Tier::Fast,
        |device, values| one(values, device.clock(Clock::Sm, ClockKind::Current)?),
        &[clock(&[("gpu.clock", "sm")])
            .dcgm("DCGM_FI_DEV_SM_CLOCK", "MHz", 1.0)
            .cwagent("nvidia_smi_clocks_current_sm", 1.0)],
    ),
    call(
        Tier::Fast,
        |device, values| one(values, device.clock(Clock::Memory, ClockKind::Current)?),
        &[clock(&[("gpu.clock", "memory")])
            .dcgm("DCGM_FI_DEV_MEM_CLOCK", "MHz", 1.0)
            .cwagent("nvidia_smi_clocks_current_memory", 1.0)],
    ),
    call(
        Tier::Fast,
        |device, values| {
            let reasons = device.clock_event_reasons()?;
            let is_set = |bit: u64| Some(f64::from(reasons & bit != 0));
            all(values, REASONS.map(is_set))
        },
        &[
            reason!("sw_power_cap"),
            reason!("hw_slowdown"),
            reason!("sync_boost"),
            reason!("sw_thermal_slowdown"),
            reason!("hw_thermal_slowdown"),
            reason!("hw_power_brake_slowdown"),
            reason!("gpu_idle"),
            reason!("application_clocks_setting").optional(),
            reason!("display_clock_setting").optional(),
        ],
    ),
    call(
        Tier::Medium,
        |device, values| one(values, device.clock(Clock::Graphics, ClockKind::Current)?),
        &[clock(&[("gpu.clock", "graphics")]).cwagent("nvidia_smi_clocks_current_graphics", 1.0)],
    ),
    call(
        Tier::Medium,
        |device, values| one(values, device.clock(Clock::Video, ClockKind::Current)?),
        &[clock(&[("gpu.clock", "video")])
            .dcgm("DCGM_FI_DEV_VIDEO_CLOCK", "MHz", 1.0)
            .cwagent("nvidia_smi_clocks_current_video", 1.0)],
    ),
    call(
        Tier::Medium,
        |device, values| one(values, device.performance_state()?),
        &[gauge("gpu.performance.state", "1").dcgm("DCGM_FI_DEV_PSTATE", "1", 1.0)],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.clock(Clock::Sm, ClockKind::Max)?),
        &[highest(&[("gpu.clock", "sm")]).dcgm("DCGM_FI_DEV_MAX_SM_CLOCK", "MHz", 1.0)],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.clock(Clock::Memory, ClockKind::Max)?),
        &[highest(&[("gpu.clock", "memory")]).dcgm("DCGM_FI_DEV_MAX_MEM_CLOCK", "MHz", 1.0)],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.clock(Clock::Graphics, ClockKind::Max)?),
        &[highest(&[("gpu.clock", "graphics")]).optional()],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.clock(Clock::Video, ClockKind::Max)?),
        &[highest(&[("gpu.clock", "video")]).optional().dcgm("DCGM_FI_DEV_MAX_VIDEO_CLOCK", "MHz", 1.0)],
    ),
    call(
        Tier::Slow,
        |device, values| one(values, device.persistence_mode()?),
        &[gauge("gpu.persistence_mode", "1").dcgm("DCGM_FI_DEV_PERSISTENCE_MODE", "1", 1.0)],
    ),
];

pub(super) const FIELDS: &[FieldRow] = &[
    field!(Fast, 74, throttled!("power").dcgm("DCGM_FI_DEV_POWER_VIOLATION", "ns", 1.0)),
    field!(Fast, 75, throttled!("thermal").dcgm("DCGM_FI_DEV_THERMAL_VIOLATION", "ns", 1.0)),
    field!(Fast, 76, throttled!("sync_boost").dcgm("DCGM_FI_DEV_SYNC_BOOST_VIOLATION", "ns", 1.0)),
    field!(Fast, 77, throttled!("board_limit").dcgm("DCGM_FI_DEV_BOARD_LIMIT_VIOLATION", "ns", 1.0)),
    field!(Fast, 78, throttled!("low_utilization").dcgm("DCGM_FI_DEV_LOW_UTIL_VIOLATION", "ns", 1.0)),
    field!(Fast, 79, throttled!("reliability").dcgm("DCGM_FI_DEV_RELIABILITY_VIOLATION", "ns", 1.0)),
    field!(
        Fast,
        251,
        throttled!("sw_thermal_slowdown").dcgm(
            "DCGM_FI_DEV_CLOCKS_EVENT_REASON_SW_THERM_SLOWDOWN_NS",
            "ns",
            1.0
        )
    ),
    field!(
        Fast,
        252,
        throttled!("hw_thermal_slowdown").dcgm(
            "DCGM_FI_DEV_CLOCKS_EVENT_REASON_HW_THERM_SLOWDOWN_NS",
            "ns",
            1.0
        )
    ),
    field!(
        Fast,
        253,
        throttled!("hw_power_brake_slowdown").dcgm(
            "DCGM_FI_DEV_CLOCKS_EVENT_REASON_HW_POWER_BRAKE_SLOWDOWN_NS",
            "ns",
            1.0,
        )
    ),
];
