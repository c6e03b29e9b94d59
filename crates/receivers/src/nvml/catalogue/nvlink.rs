//! NVLinks, together and each by itself.

use std::convert::identity;

use super::{FieldRow, field};
use crate::nvml::metric::{counter, gauge};

macro_rules! bytes {
    ($direction:literal) => {
        counter("hw.gpu.io", "By").with(&[("network.io.direction", $direction), ("gpu.interface", "nvlink")])
    };
}

/// Of all links together.
macro_rules! errors {
    ($kind:literal) => {
        counter("hw.errors", "{error}").with(&[
            ("hw.type", "gpu"),
            ("error.type", $kind),
            ("gpu.interface", "nvlink"),
        ])
    };
}

/// Of each link.
macro_rules! link_errors {
    ($kind:literal) => {
        counter("gpu.nvlink.link.errors", "{error}").with(&[("error.type", $kind)]).optional()
    };
}

macro_rules! recoveries {
    ($name:literal, $outcome:literal) => {
        counter($name, "{recovery}").with(&[("outcome", $outcome)]).optional()
    };
}

macro_rules! bit_errors {
    ($name:literal, $kind:literal) => {
        gauge($name, "1").with(&[("error.type", $kind)]).optional()
    };
}

/// Of the fifth NVLink: the sum over all links, which DCGM has too.
macro_rules! total {
    ($id:literal, $metric:expr, $dcgm:literal) => {
        total!($id => identity, $metric, $dcgm)
    };
    ($id:literal => $convert:expr, $metric:expr, $dcgm:literal) => {
        field!(Slow, Links, [$id => $convert], $metric.dcgm($dcgm, "1", 1.0))
    };
}

/// From KiB.
fn kib(value: f64) -> f64 {
    value * 1024.0
}

/// From megabytes.
fn megabytes(value: f64) -> f64 {
    value * 1e6
}

/// Bit error rates come as a mantissa (bits 8 to 11) and the negative of a power of ten (bits 0 to 7): `NVML_NVLINK_BER_…`.
fn bit_error_rate(value: f64) -> f64 {
    let bits = value as u32;
    f64::from(bits >> 8 & 0xf) * 10_f64.powi(-((bits & 0xff) as i32))
}

/// The fields from 201 on are those of the fifth NVLink (Blackwell), which has none of the counters of before.
pub(super) const FIELDS: &[FieldRow] = &[
    field!(Medium, Links, [138 => kib, 202 => identity], bytes!("transmit")),
    field!(Medium, Links, [139 => kib, 204 => identity], bytes!("receive")),
    field!(
        Slow,
        38,
        errors!("nvlink_crc_flit").dcgm("DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL", "1", 1.0)
    ),
    field!(
        Slow,
        45,
        errors!("nvlink_crc_data").dcgm("DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL", "1", 1.0)
    ),
    field!(Slow, 52, errors!("nvlink_replay").dcgm("DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL", "1", 1.0)),
    field!(
        Slow,
        59,
        errors!("nvlink_recovery").dcgm("DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL", "1", 1.0)
    ),
    field!(
        Slow,
        160,
        errors!("nvlink_ecc_data").dcgm("DCGM_FI_DEV_NVLINK_ECC_DATA_ERROR_COUNT_TOTAL", "1", 1.0)
    ),
    total!(206, errors!("nvlink_malformed_packet"), "DCGM_FI_DEV_NVLINK_COUNT_RX_MALFORMED_PACKET_ERRORS"),
    total!(207, errors!("nvlink_buffer_overrun"), "DCGM_FI_DEV_NVLINK_COUNT_RX_BUFFER_OVERRUN_ERRORS"),
    total!(208, errors!("nvlink_receive"), "DCGM_FI_DEV_NVLINK_COUNT_RX_ERRORS"),
    total!(209, errors!("nvlink_receive_remote"), "DCGM_FI_DEV_NVLINK_COUNT_RX_REMOTE_ERRORS"),
    total!(210, errors!("nvlink_receive_general"), "DCGM_FI_DEV_NVLINK_COUNT_RX_GENERAL_ERRORS"),
    total!(211, errors!("nvlink_integrity"), "DCGM_FI_DEV_NVLINK_COUNT_LOCAL_LINK_INTEGRITY_ERRORS"),
    total!(212, errors!("nvlink_transmit_discard"), "DCGM_FI_DEV_NVLINK_COUNT_TX_DISCARDS"),
    total!(219, errors!("nvlink_effective"), "DCGM_FI_DEV_NVLINK_COUNT_EFFECTIVE_ERRORS"),
    total!(221, errors!("nvlink_symbol"), "DCGM_FI_DEV_NVLINK_COUNT_RX_SYMBOL_ERRORS"),
    total!(
        213,
        recoveries!("gpu.nvlink.recoveries", "success"),
        "DCGM_FI_DEV_NVLINK_COUNT_LINK_RECOVERY_SUCCESSFUL_EVENTS"
    ),
    total!(
        214,
        recoveries!("gpu.nvlink.recoveries", "failure"),
        "DCGM_FI_DEV_NVLINK_COUNT_LINK_RECOVERY_FAILED_EVENTS"
    ),
    total!(220 => bit_error_rate, bit_errors!("gpu.nvlink.bit_error_rate", "effective"), "DCGM_FI_DEV_NVLINK_COUNT_EFFECTIVE_BER_FLOAT"),
    total!(222 => bit_error_rate, bit_errors!("gpu.nvlink.bit_error_rate", "symbol"), "DCGM_FI_DEV_NVLINK_COUNT_SYMBOL_BER_FLOAT"),
    field!(
        Medium,
        EachLink,
        [138 => kib, 202 => identity],
        counter("gpu.nvlink.link.io", "By").with(&[("network.io.direction", "transmit")]).optional()
    ),
    field!(
        Medium,
        EachLink,
        [139 => kib, 204 => identity],
        counter("gpu.nvlink.link.io", "By").with(&[("network.io.direction", "receive")]).optional()
    ),
    field!(Slow, EachLink, [165 => identity], gauge("gpu.nvlink.link.state", "1").optional()),
    field!(Slow, EachLink, [164 => megabytes], gauge("gpu.nvlink.link.speed", "By/s").optional()),
    field!(Slow, EachLink, [161 => identity], link_errors!("replay")),
    field!(Slow, EachLink, [162 => identity], link_errors!("recovery")),
    field!(Slow, EachLink, [163 => identity], link_errors!("crc")),
    field!(Slow, EachLink, [206 => identity], link_errors!("malformed_packet")),
    field!(Slow, EachLink, [207 => identity], link_errors!("buffer_overrun")),
    field!(Slow, EachLink, [208 => identity], link_errors!("receive")),
    field!(Slow, EachLink, [209 => identity], link_errors!("receive_remote")),
    field!(Slow, EachLink, [210 => identity], link_errors!("receive_general")),
    field!(Slow, EachLink, [211 => identity], link_errors!("integrity")),
    field!(Slow, EachLink, [212 => identity], link_errors!("transmit_discard")),
    field!(Slow, EachLink, [219 => identity], link_errors!("effective")),
    field!(Slow, EachLink, [221 => identity], link_errors!("symbol")),
    field!(Slow, EachLink, [213 => identity], recoveries!("gpu.nvlink.link.recoveries", "success")),
    field!(Slow, EachLink, [214 => identity], recoveries!("gpu.nvlink.link.recoveries", "failure")),
    field!(Slow, EachLink, [220 => bit_error_rate], bit_errors!("gpu.nvlink.link.bit_error_rate", "effective")),
    field!(Slow, EachLink, [222 => bit_error_rate], bit_errors!("gpu.nvlink.link.bit_error_rate", "symbol")),
];
