//! A GPU's health: a table of rules, of which the gravest that holds is the verdict.

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{table::Signal, xid};

/// What is to be done about a GPU, in the order of gravity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthVerdict {
    /// Nothing.
    #[default]
    Ok,
    /// Look at it more often.
    Watch,
    /// Drain it and reset it, or restart the machine.
    ResetRequired,
    /// Give it back.
    Replace,
}

/// How long an XID, and an error that came while Weir looked on, count against a GPU.
const EVENT_COUNTS_FOR: Duration = Duration::from_secs(3600);
/// Retired pages at which NVIDIA's diagnostics fail a board: `DCGM_LIMIT_MAX_RETIRED_PAGES` of NVIDIA/DCGM, "to match the field diag".
const RETIRED_PAGES_LIMIT: f64 = 63.0;
/// `NVML_GPU_FABRIC_STATE_COMPLETED`.
const FABRIC_COMPLETED: f64 = 3.0;

/// What is known of a GPU.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) is_lost: bool,
    /// The latest figures, by row.
    pub(super) latest: &'a [Option<f64>],
    /// XIDs, each with how long ago it was.
    pub(super) xids: &'a [(u64, Duration)],
    /// What XIDs mean, where the configuration says so.
    pub(super) xid_verdicts: &'a BTreeMap<u64, HealthVerdict>,
    /// How long ago an uncorrected error was counted that was not there before.
    pub(super) since_new_error: Option<Duration>,
    /// An NVLink is down that was seen up or asleep.
    pub(super) is_link_down: bool,
    /// PCIe lanes that it should have.
    pub(super) lanes: Option<f64>,
    /// Rows of signals, in the order of `SIGNALS`.
    pub(super) rows: &'a [usize],
}

impl Known<'_> {
    fn value(&self, signal: Signal) -> Option<f64> {
        let row = self.rows.get(signal as usize)?;
        *self.latest.get(*row)?
    }

    fn is_set(&self, signal: Signal) -> bool {
        self.value(signal).is_some_and(|value| value > 0.0)
    }

    fn had_xid(&self, verdict: HealthVerdict) -> bool {
        let of = |code: &u64| {
            self.xid_verdicts.get(code).copied().unwrap_or_else(|| xid::meaning(*code).verdict())
        };
        self.xids.iter().any(|(code, ago)| *ago < EVENT_COUNTS_FOR && of(code) == verdict)
    }
}

/// A rule.
#[derive(Debug)]
pub(super) struct Rule {
    /// Its name in configurations and in the attribute `rule`.
    pub(super) name: &'static str,
    pub(super) verdict: HealthVerdict,
    pub(super) holds: fn(&Known<'_>) -> bool,
}

/// The rules, each with where NVIDIA says so: documents of docs.nvidia.com/deploy, as of November 2026.
pub(super) const RULES: &[Rule] = &[
    // "NVIDIA GPU Memory Error Management" (a100-gpu-mem-error-mgmt), RMA Policy, DRAM: met where the row-remapping failure flag is set.
    Rule {
        name: "row_remap_failure",
        verdict: HealthVerdict::Replace,
        holds: |known| known.is_set(Signal::RemapFailure),
    },
    // The same, RMA Policy, L2 memory: met where the flag "SRAM Threshold Exceeded" is set.
    Rule {
        name: "sram_threshold",
        verdict: HealthVerdict::Replace,
        holds: |known| known.is_set(Signal::SramThreshold),
    },
    // NVIDIA/DCGM, dcgm_gpu_hardware_limits: health and diagnostics fail at so many pages of both causes together.
    Rule {
        name: "retired_pages",
        verdict: HealthVerdict::Replace,
        holds: |known| {
            let pages = [Signal::RetiredDouble, Signal::RetiredSingle]
                .map(|signal| known.value(signal).unwrap_or(0.0));
            pages[0] + pages[1] >= RETIRED_PAGES_LIMIT
        },
    },
    // "Xid Errors" (xid-errors), catalogue, immediate action CONTACT_SUPPORT or CHECK_MECHANICALS.
    Rule {
        name: "xid_replace",
        verdict: HealthVerdict::Replace,
        holds: |known| known.had_xid(HealthVerdict::Replace),
    },
    // "NVIDIA GPU Memory Error Management", Row Remapping: a GPU reset is required for it to take effect. Programs go on meanwhile.
    Rule {
        name: "row_remap_pending",
        verdict: HealthVerdict::ResetRequired,
        holds: |known| known.is_set(Signal::RemapPending),
    },
    // "Dynamic Page Retirement" (dynamic-page-retirement): pages are set aside when the GPU is next initialised.
    Rule {
        name: "retired_pages_pending",
        verdict: HealthVerdict::ResetRequired,
        holds: |known| known.is_set(Signal::RetiredPending),
    },
    // "NVIDIA GPU Memory Error Management", Error Recovery and Response Flags, and NVML's nvmlDeviceGpuRecoveryAction_t: 1 reset,
    // 2 reboot, 3 drain peers, 4 drain and reset, 5 recover the IMEX domain, 6 reset the bus, 7 reboot the system.
    Rule {
        name: "recovery_action",
        verdict: HealthVerdict::ResetRequired,
        holds: |known| known.is_set(Signal::RecoveryAction),
    },
    // NVML's nvmlDeviceGetRepairStatus. NVIDIA/open-gpu-kernel-modules says of a channel, as Xid 160: "Perform … to activate repair" (a reset,
    // or a reboot), and of a TPC Xid 156, which is RESET_GPU in the catalogue.
    Rule {
        name: "repair_pending",
        verdict: HealthVerdict::ResetRequired,
        holds: |known| known.is_set(Signal::ChannelRepair) || known.is_set(Signal::TpcRepair),
    },
    // "Xid Errors", catalogue, immediate action RESET_GPU, RESTART_BM or RESTART_VM, and the workflows of 48 and 74, which begin so.
    Rule {
        name: "xid_reset",
        verdict: HealthVerdict::ResetRequired,
        holds: |known| known.had_xid(HealthVerdict::ResetRequired),
    },
    // "Health Validation" (docs.nvidia.com/health-validation), NVLink checks, nvlink_active: none may be inactive; drain, then reset. A board
    // whose links lead nowhere has them inactive all its life, so those count that were seen up. NVML says 0 of a link that is, 2 of one asleep.
    Rule { name: "nvlink_down", verdict: HealthVerdict::ResetRequired, holds: |known| known.is_link_down },
    // NVML's NVML_ERROR_GPU_IS_LOST: fallen off the bus, or otherwise inaccessible. "Xid Errors", 79: RESTART_BM.
    Rule { name: "lost", verdict: HealthVerdict::ResetRequired, holds: |known| known.is_lost },
    // "Xid Errors", 48, which is what such an error is: alone, RESET_GPU.
    Rule {
        name: "new_uncorrected_errors",
        verdict: HealthVerdict::ResetRequired,
        holds: |known| known.since_new_error.is_some_and(|ago| ago < EVENT_COUNTS_FOR),
    },
    // "NVIDIA GPU Memory Error Management", User Visible Statistics: counted since the driver was loaded, when the GPU was last reset.
    Rule {
        name: "uncorrected_errors",
        verdict: HealthVerdict::Watch,
        holds: |known| known.is_set(Signal::UncorrectedSinceLoad),
    },
    // "Xid Errors", catalogue: of memory, links, bus or power, of which the immediate action is none, or not to be told from NVML.
    Rule {
        name: "xid_watch",
        verdict: HealthVerdict::Watch,
        holds: |known| known.had_xid(HealthVerdict::Watch),
    },
    // NVIDIA/DCGM, DcgmHealthWatch::MonitorFabricFields: its health watch of NVLink fails or warns of each of these, and says "Ensure that the
    // FabricManager is running without errors": the remedy is the fabric's, not this GPU's.
    Rule {
        name: "fabric",
        verdict: HealthVerdict::Watch,
        holds: |known| {
            let is_registered =
                known.value(Signal::FabricState).is_none_or(|state| state >= FABRIC_COMPLETED);
            let is_unhealthy = [
                Signal::FabricStatus,
                Signal::FabricBandwidth,
                Signal::FabricRouteRecovery,
                Signal::FabricRoute,
                Signal::FabricTimeout,
                Signal::FabricConfiguration,
            ];
            !is_registered || is_unhealthy.into_iter().any(|signal| known.is_set(signal))
        },
    },
    // NVML's nvmlDeviceGetCurrPcieLinkWidth. NVIDIA names no threshold, and what it says the most would be is none: a T4 in g4dn and an
    // A10G in g5 have 8 lanes of 16 all their lives.
    Rule {
        name: "link_width",
        verdict: HealthVerdict::Watch,
        holds: |known| match (known.value(Signal::LinkWidth), known.lanes) {
            (Some(width), Some(lanes)) => width < lanes,
            _ => false,
        },
    },
];
