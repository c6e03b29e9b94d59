//! A GPU's health: a table of rules, of which the gravest that holds is the verdict.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    plan::Signal,
    xid::{self, Resolution, XidClass},
};

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

/// How long an XID counts against a GPU.
const XID_COUNTS_FOR: Duration = Duration::from_secs(3600);
/// Retired pages at which NVIDIA takes a board back ("Dynamic Page Retirement", RMA policy).
const RETIRED_PAGES_LIMIT: f64 = 60.0;

/// What is known of a GPU.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) is_lost: bool,
    /// The latest figures, by row.
    pub(super) latest: &'a [Option<f64>],
    /// XIDs, each with how long ago it was.
    pub(super) xids: &'a [(u64, Duration)],
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

    fn had(&self, is_such: impl Fn(xid::Code) -> bool) -> bool {
        self.xids.iter().any(|(code, ago)| *ago < XID_COUNTS_FOR && is_such(xid::meaning(*code)))
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

/// The rules, each with where NVIDIA says so.
pub(super) const RULES: &[Rule] = &[
    // "GPU Memory Error Management", row remapping: a failure to remap qualifies for a return.
    Rule {
        name: "row_remap_failure",
        verdict: HealthVerdict::Replace,
        holds: |known| known.is_set(Signal::RemapFailure),
    },
    // The same, "SRAM error threshold exceeded" qualifies for a return.
    Rule {
        name: "sram_threshold",
        verdict: HealthVerdict::Replace,
        holds: |known| known.is_set(Signal::SramThreshold),
    },
    // "Dynamic Page Retirement", RMA policy: 60 retired pages or more.
    Rule {
        name: "retired_pages",
        verdict: HealthVerdict::Replace,
        holds: |known| {
            let pages = [Signal::RetiredDouble, Signal::RetiredSingle]
                .map(|signal| known.value(signal).unwrap_or(0.0));
            pages[0] + pages[1] >= RETIRED_PAGES_LIMIT
        },
    },
    // "Xid Errors", resolution bucket CONTACT_SUPPORT.
    Rule {
        name: "xid_contact_support",
        verdict: HealthVerdict::Replace,
        holds: |known| known.had(|code| code.resolution == Resolution::ContactSupport),
    },
    // "GPU Memory Error Management": a pending remapping takes effect at the next reset.
    Rule {
        name: "row_remap_pending",
        verdict: HealthVerdict::ResetRequired,
        holds: |known| known.is_set(Signal::RemapPending),
    },
    // "Dynamic Page Retirement": pending pages are retired at the next load of the driver.
    Rule {
        name: "retired_pages_pending",
        verdict: HealthVerdict::ResetRequired,
        holds: |known| known.is_set(Signal::RetiredPending),
    },
    // nvml.h, NVML_FI_DEV_GET_GPU_RECOVERY_ACTION: 1 reset, 2 reboot, 3 drain, 4 drain and reset.
    Rule {
        name: "recovery_action",
        verdict: HealthVerdict::ResetRequired,
        holds: |known| known.is_set(Signal::RecoveryAction),
    },
    // "Xid Errors", resolution buckets RESET_GPU and RESTART_BM of codes that are not the application's.
    Rule {
        name: "xid_reset",
        verdict: HealthVerdict::ResetRequired,
        holds: |known| {
            let asks = [Resolution::ResetGpu, Resolution::RestartNode];
            known.had(|code| code.class != XidClass::Application && asks.contains(&code.resolution))
        },
    },
    // "Xid Errors", 79: fallen off the bus; the machine has to be restarted to find it again.
    Rule { name: "lost", verdict: HealthVerdict::ResetRequired, holds: |known| known.is_lost },
    // "GPU Memory Error Management": an uncorrected error since the driver was loaded.
    Rule {
        name: "uncorrected_errors",
        verdict: HealthVerdict::Watch,
        holds: |known| known.is_set(Signal::UncorrectedSinceLoad),
    },
    // nvml.h: fewer lanes than GPU and slot have.
    Rule {
        name: "link_width",
        verdict: HealthVerdict::Watch,
        holds: |known| match (known.value(Signal::LinkWidth), known.value(Signal::LinkWidthMax)) {
            (Some(width), Some(most)) => width < most,
            _ => false,
        },
    },
];
