//! Errors of memory, what was done about them, and what the driver asks for.

use weir_nvml_raw::{
    Device, Error,
    ErrorCounter::{self, Aggregate, Volatile},
    ErrorKind::{self, Corrected, Uncorrected},
    MemoryPlace::{self, Dram, Sram},
    Retired, SramErrors,
};

use super::{Call, FieldRow, Tier, Values, all, call, field, one};
use crate::nvml::metric::{counter, gauge};

fn ecc(
    device: &Device,
    values: &mut Values,
    which: (ErrorKind, ErrorCounter, MemoryPlace),
) -> Result<(), Error> {
    one(values, device.memory_errors(which.0, which.1, which.2)? as f64)
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

/// Over all places: under a name of its own, since a sum over the places would have them twice.
macro_rules! all_places {
    ($kind:literal, $since:literal) => {
        counter("gpu.memory.errors", "{error}")
            .with(&[("error.type", $kind), ("gpu.errors.since", $since)])
            .optional()
    };
}

/// A field of one place. The convergence barrier unit (`cbu`) corrects nothing.
macro_rules! place {
    ($id:literal, $kind:literal, $place:literal, $since:literal, $dcgm:literal) => {
        field!(Slow, $id, errors!($kind, $place, $since).optional().dcgm($dcgm, "1", 1.0))
    };
}

macro_rules! sram {
    ($kind:literal, $since:literal) => {
        counter("gpu.memory.sram.errors", "{error}")
            .with(&[("error.type", $kind), ("gpu.errors.since", $since)])
            .optional()
    };
}

macro_rules! source {
    ($source:literal) => {
        counter("gpu.memory.sram.uncorrected", "{error}").with(&[("gpu.memory.source", $source)]).optional()
    };
}

macro_rules! banks {
    ($spare:literal) => {
        gauge("gpu.memory.remap.banks", "{bank}").with(&[("spare_rows", $spare)])
    };
}

macro_rules! repair {
    ($part:literal) => {
        gauge("gpu.repair.pending", "1").with(&[("gpu.part", $part)])
    };
}

fn sram_status(device: &Device, values: &mut Values) -> Result<(), Error> {
    let status = device.sram_status()?;
    let figures = |of: SramErrors| [of.corrected, of.parity, of.double_bit];
    let errors = [status.aggregate, status.volatile].map(figures).into_iter().flatten().chain(status.sources);
    let (threshold, others) = values.split_at_mut(1);
    threshold[0] = Some(f64::from(status.threshold_exceeded));
    others.iter_mut().zip(errors).for_each(|(value, errors)| *value = Some(errors as f64));
    Ok(())
}

pub(super) const CALLS: &[Call] = &[
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
        &[errors!("uncorrected", "sram", "manufacture").dcgm("DCGM_FI_DEV_ECC_DBE_AGG_SRM", "1", 1.0)],
    ),
    call(
        Tier::Slow,
        |device, values| ecc(device, values, (Corrected, Aggregate, Sram)),
        &[errors!("corrected", "sram", "manufacture").dcgm("DCGM_FI_DEV_ECC_SBE_AGG_SRM", "1", 1.0)],
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
        &[errors!("uncorrected", "sram", "driver_load").dcgm("DCGM_FI_DEV_ECC_DBE_VOL_SRM", "1", 1.0)],
    ),
    call(
        Tier::Slow,
        |device, values| ecc(device, values, (Corrected, Volatile, Sram)),
        &[errors!("corrected", "sram", "driver_load").dcgm("DCGM_FI_DEV_ECC_SBE_VOL_SRM", "1", 1.0)],
    ),
    call(
        Tier::Slow,
        sram_status,
        &[
            gauge("gpu.memory.sram.threshold_exceeded", "1").dcgm("DCGM_FI_DEV_THRESHOLD_SRM", "1", 1.0),
            sram!("corrected", "manufacture"),
            sram!("uncorrected_parity", "manufacture"),
            sram!("uncorrected_double_bit", "manufacture"),
            sram!("corrected", "driver_load"),
            sram!("uncorrected_parity", "driver_load"),
            sram!("uncorrected_double_bit", "driver_load"),
            source!("l2"),
            source!("multiprocessor"),
            source!("pcie"),
            source!("microcontroller"),
            source!("other"),
        ],
    ),
    call(
        Tier::Slow,
        |device, values| {
            let banks = device.remap_histogram()?;
            all(values, banks.map(|banks| Some(banks.into())))
        },
        &[
            banks!("all").dcgm("DCGM_FI_DEV_BANKS_REMAP_ROWS_AVAIL_MAX", "1", 1.0),
            banks!("most").dcgm("DCGM_FI_DEV_BANKS_REMAP_ROWS_AVAIL_HIGH", "1", 1.0),
            banks!("some").dcgm("DCGM_FI_DEV_BANKS_REMAP_ROWS_AVAIL_PARTIAL", "1", 1.0),
            banks!("few").dcgm("DCGM_FI_DEV_BANKS_REMAP_ROWS_AVAIL_LOW", "1", 1.0),
            banks!("none").dcgm("DCGM_FI_DEV_BANKS_REMAP_ROWS_AVAIL_NONE", "1", 1.0),
        ],
    ),
    call(
        Tier::Slow,
        |device, values| {
            let status = device.repair_status()?;
            all(values, [status.channel, status.tpc].map(|is_pending| Some(f64::from(is_pending))))
        },
        &[repair!("memory_channel"), repair!("tpc")],
    ),
];

pub(super) const FIELDS: &[FieldRow] = &[
    field!(
        Slow,
        142,
        counter("gpu.memory.remapped_rows", "{row}")
            .with(&[("cause", "corrected")])
            .dcgm("DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", "1", 1.0)
            .health("GPU_Remapped_Rows_Correctable")
    ),
    field!(
        Slow,
        143,
        counter("gpu.memory.remapped_rows", "{row}")
            .with(&[("cause", "uncorrected")])
            .dcgm("DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", "1", 1.0)
            .health("GPU_Remapped_Rows_Uncorrectable")
    ),
    field!(
        Slow,
        144,
        gauge("gpu.memory.row_remap.pending", "1")
            .dcgm("DCGM_FI_DEV_ROW_REMAP_PENDING", "1", 1.0)
            .health("GPU_Row_Remap_Pending")
    ),
    field!(
        Slow,
        145,
        gauge("gpu.memory.row_remap.failure", "1")
            .dcgm("DCGM_FI_DEV_ROW_REMAP_FAILURE", "1", 1.0)
            .health("GPU_Row_Remap_Failure")
    ),
    field!(
        Slow,
        230,
        gauge("gpu.recovery_action", "1").dcgm("DCGM_FI_DEV_GET_GPU_RECOVERY_ACTION", "1", 1.0)
    ),
    field!(Slow, 3, all_places!("corrected", "driver_load").dcgm("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", "1", 1.0)),
    field!(
        Slow,
        4,
        all_places!("uncorrected", "driver_load").dcgm("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "1", 1.0)
    ),
    field!(Slow, 5, all_places!("corrected", "manufacture").dcgm("DCGM_FI_DEV_ECC_SBE_AGG_TOTAL", "1", 1.0)),
    field!(
        Slow,
        6,
        all_places!("uncorrected", "manufacture").dcgm("DCGM_FI_DEV_ECC_DBE_AGG_TOTAL", "1", 1.0)
    ),
    // By place on Volta and before; later GPUs have on-chip memory as one.
    place!(7, "corrected", "l1", "driver_load", "DCGM_FI_DEV_ECC_SBE_VOL_L1"),
    place!(8, "uncorrected", "l1", "driver_load", "DCGM_FI_DEV_ECC_DBE_VOL_L1"),
    place!(9, "corrected", "l2", "driver_load", "DCGM_FI_DEV_ECC_SBE_VOL_L2"),
    place!(10, "uncorrected", "l2", "driver_load", "DCGM_FI_DEV_ECC_DBE_VOL_L2"),
    place!(13, "corrected", "registers", "driver_load", "DCGM_FI_DEV_ECC_SBE_VOL_REG"),
    place!(14, "uncorrected", "registers", "driver_load", "DCGM_FI_DEV_ECC_DBE_VOL_REG"),
    place!(15, "corrected", "texture", "driver_load", "DCGM_FI_DEV_ECC_SBE_VOL_TEX"),
    place!(16, "uncorrected", "texture", "driver_load", "DCGM_FI_DEV_ECC_DBE_VOL_TEX"),
    place!(17, "uncorrected", "cbu", "driver_load", "DCGM_FI_DEV_ECC_DBE_VOL_CBU"),
    place!(18, "corrected", "l1", "manufacture", "DCGM_FI_DEV_ECC_SBE_AGG_L1"),
    place!(19, "uncorrected", "l1", "manufacture", "DCGM_FI_DEV_ECC_DBE_AGG_L1"),
    place!(20, "corrected", "l2", "manufacture", "DCGM_FI_DEV_ECC_SBE_AGG_L2"),
    place!(21, "uncorrected", "l2", "manufacture", "DCGM_FI_DEV_ECC_DBE_AGG_L2"),
    place!(24, "corrected", "registers", "manufacture", "DCGM_FI_DEV_ECC_SBE_AGG_REG"),
    place!(25, "uncorrected", "registers", "manufacture", "DCGM_FI_DEV_ECC_DBE_AGG_REG"),
    place!(26, "corrected", "texture", "manufacture", "DCGM_FI_DEV_ECC_SBE_AGG_TEX"),
    place!(27, "uncorrected", "texture", "manufacture", "DCGM_FI_DEV_ECC_DBE_AGG_TEX"),
    place!(28, "uncorrected", "cbu", "manufacture", "DCGM_FI_DEV_ECC_DBE_AGG_CBU"),
];
