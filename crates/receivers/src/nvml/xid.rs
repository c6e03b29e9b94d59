//! XIDs: what a code means.

use super::health::HealthVerdict;

/// Who is at fault, as a rule. NVIDIA's catalogue has no such word: this grouping is Weir's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum XidClass {
    /// The program on the GPU.
    Application,
    /// The GPU, its memory or its links.
    Hardware,
    /// The driver or the firmware.
    Driver,
}

/// What to do at once, in the words of NVIDIA's catalogue ("Resolution Bucket, Immediate Action").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resolution {
    Ignore,
    RestartApp,
    ResetGpu,
    RestartVm,
    /// The machine: the GPU can no longer be reached over PCIe.
    RestartBm,
    CheckMechanicals,
    UpdateSwfw,
    CheckUvm,
    ContactSupport,
    /// With another XID: follow that one; alone: restart the fabric manager.
    WorkflowXid45,
    /// Alone: reset the GPU; with 63 or 64: drain the node first.
    WorkflowXid48,
    /// Reset the GPU; if it comes again, the links.
    WorkflowNvlinkErr,
    /// Told from registers that are in the kernel's log alone.
    WorkflowNvlink5Err,
    /// It says which recovery action the driver asks for now.
    Xid154,
    /// The catalogue names none, or does not have the code.
    Unknown,
}

/// A code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meaning {
    pub(super) class: XidClass,
    pub(super) resolution: Resolution,
}

/// Codes that mean alike.
struct Row {
    codes: &'static [u64],
    meaning: Meaning,
}

const fn row(codes: &'static [u64], class: XidClass, resolution: Resolution) -> Row {
    Row { codes, meaning: Meaning { class, resolution } }
}

use Resolution::{
    CheckMechanicals, CheckUvm, ContactSupport, Ignore, ResetGpu, RestartApp, RestartBm, RestartVm, Unknown,
    UpdateSwfw, WorkflowNvlink5Err, WorkflowNvlinkErr, WorkflowXid45, WorkflowXid48, Xid154,
};
use XidClass::{Application, Driver, Hardware};

/// The codes that NVIDIA's catalogue has in use, with its immediate action: docs.nvidia.com/deploy/xid-errors, "Analyzing Xid Errors with
/// the Xid Catalog", as of October 2025. That is for Ampere and later; what a code means is the same on earlier GPUs.
///
/// Classes: an application's are those that NVIDIA's device plugin takes for such (13, 31, 43, 45, 68, 109: its
/// `internal/rm/health.go`), and those of which the catalogue says that the program is to be looked at (`CHECK_APP/CUDA`, and 137).
/// Of memory, links, bus and power are the hardware's.
const CODES: &[Row] = &[
    row(&[13, 31, 68], Application, RestartApp),
    row(&[11, 25, 32, 69, 80], Application, RestartApp),
    row(&[43, 37, 137], Application, Ignore),
    row(&[45], Application, WorkflowXid45),
    row(&[109], Application, ResetGpu),
    row(&[48], Hardware, WorkflowXid48),
    row(&[54], Hardware, CheckMechanicals),
    row(&[64, 95, 136, 140, 155, 156], Hardware, ResetGpu),
    row(&[74], Hardware, WorkflowNvlinkErr),
    row(&[79], Hardware, RestartBm),
    row(&[94], Hardware, RestartApp),
    row(&[63, 92, 93, 121, 157, 160, 161], Hardware, Ignore),
    row(&[144, 145, 146, 147, 148, 149, 150], Hardware, WorkflowNvlink5Err),
    row(&[171, 172], Hardware, Unknown), // say of a 48 where it was
    row(&[164, 165, 167, 168], Hardware, Unknown), // power smoothing wears out, PCIe, memory that is left out
    row(&[46, 62, 110, 119, 120, 143, 158], Driver, ResetGpu),
    row(&[142], Driver, ContactSupport),
    row(&[151], Driver, RestartVm),
    row(&[154], Driver, Xid154),
    row(&[159], Driver, CheckUvm),
    row(&[78], Driver, UpdateSwfw),
    row(&[38, 44, 66, 67, 106, 107, 141, 152, 153], Driver, Ignore),
    row(&[8, 60], Driver, RestartApp),
    row(&[162, 163, 166, 169, 170], Driver, Unknown),
    // Engines: copy, video, JPEG, optical flow.
    row(&[39, 40, 41, 70, 71, 72, 75, 76, 77, 85], Driver, RestartApp),
    row(&[126, 127, 128, 129, 130, 131, 132, 133, 134, 135], Driver, RestartApp),
    row(&[82, 83, 84, 86, 88, 89, 96, 97, 98], Driver, RestartApp),
    row(&[99, 100, 101, 102, 103, 104, 105, 139], Driver, RestartApp),
];

/// Published as 0 from the start, so that an alarm on it has data: what AWS's node monitoring agent takes as a reason to repair a node
/// (`WellKnownXidCodes` in aws/eks-node-monitoring-agent, as of August 2026).
pub(super) const ALARMABLE: [u64; 21] =
    [46, 48, 54, 62, 63, 64, 74, 79, 95, 109, 110, 119, 120, 136, 140, 142, 143, 151, 155, 156, 158];

/// What a code means; one that is not known is the driver's.
pub(super) fn meaning(code: u64) -> Meaning {
    let known = CODES.iter().find(|row| row.codes.contains(&code));
    known.map_or(Meaning { class: Driver, resolution: Unknown }, |row| row.meaning)
}

impl Meaning {
    /// What the code says of the GPU's health. What is the application's says nothing of the GPU.
    pub(super) fn verdict(self) -> HealthVerdict {
        match (self.class, self.resolution) {
            (Application, _) => HealthVerdict::Ok,
            (_, ContactSupport | CheckMechanicals) => HealthVerdict::Replace,
            (_, ResetGpu | RestartVm | RestartBm | WorkflowXid48 | WorkflowNvlinkErr) => {
                HealthVerdict::ResetRequired
            }
            (Hardware, _) => HealthVerdict::Watch,
            (Driver, _) => HealthVerdict::Ok,
        }
    }
}

impl XidClass {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Hardware => "hardware",
            Self::Driver => "driver",
        }
    }
}

impl Resolution {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::RestartApp => "restart_app",
            Self::ResetGpu => "reset_gpu",
            Self::RestartVm => "restart_vm",
            Self::RestartBm => "restart_bm",
            Self::CheckMechanicals => "check_mechanicals",
            Self::UpdateSwfw => "update_swfw",
            Self::CheckUvm => "check_uvm",
            Self::ContactSupport => "contact_support",
            Self::WorkflowXid45 => "workflow_xid_45",
            Self::WorkflowXid48 => "workflow_xid_48",
            Self::WorkflowNvlinkErr => "workflow_nvlink_err",
            Self::WorkflowNvlink5Err => "workflow_nvlink5_err",
            Self::Xid154 => "xid_154",
            Self::Unknown => "unknown",
        }
    }
}
