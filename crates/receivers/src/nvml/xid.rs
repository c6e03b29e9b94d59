//! XIDs: what a code means.

/// Who is at fault, as a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum XidClass {
    /// The program on the GPU.
    Application,
    /// The GPU, its memory or its links.
    Hardware,
    /// The driver or the firmware.
    Driver,
}

/// What to do, in the words of NVIDIA's catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resolution {
    RestartApp,
    ResetGpu,
    RestartNode,
    ContactSupport,
    None,
}

/// A code.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_field_names, reason = "NVIDIA calls the number a code")]
pub(super) struct Code {
    pub(super) code: u64,
    pub(super) class: XidClass,
    pub(super) resolution: Resolution,
    /// Published as 0 from the start, so that an alarm on it has data.
    pub(super) is_alarmable: bool,
}

const fn code(code: u64, class: XidClass, resolution: Resolution, is_alarmable: bool) -> Code {
    Code { code, class, resolution, is_alarmable }
}

use Resolution::{ContactSupport, None as Nothing, ResetGpu, RestartApp, RestartNode};
use XidClass::{Application, Driver, Hardware};

/// The codes that Weir knows. Classes: what NVIDIA's device plugin takes as an application's (13, 31, 43, 45, 68, 109), and what
/// AWS's node monitoring agent takes as a reason to repair a node, which are the alarmable ones. Resolutions: the buckets of NVIDIA's
/// catalogue (docs.nvidia.com/deploy/xid-errors).
pub(super) const CODES: &[Code] = &[
    code(13, Application, RestartApp, false),
    code(31, Application, RestartApp, false),
    code(43, Application, RestartApp, false),
    code(45, Application, RestartApp, false),
    code(46, Driver, ResetGpu, true),
    code(48, Hardware, ResetGpu, true),
    code(54, Hardware, ContactSupport, true),
    code(62, Driver, ResetGpu, true),
    code(63, Hardware, Nothing, true),
    code(64, Hardware, ResetGpu, true),
    code(68, Application, RestartApp, false),
    code(74, Hardware, ResetGpu, true),
    code(79, Hardware, RestartNode, true),
    code(92, Hardware, Nothing, false),
    code(94, Hardware, RestartApp, false),
    code(95, Hardware, ResetGpu, true),
    code(109, Application, ResetGpu, true),
    code(110, Hardware, RestartNode, true),
    code(119, Driver, ResetGpu, true),
    code(120, Driver, ResetGpu, true),
    code(136, Driver, ResetGpu, true),
    code(140, Hardware, ResetGpu, true),
    code(142, Driver, ResetGpu, true),
    code(143, Driver, ResetGpu, true),
    code(151, Driver, ResetGpu, true),
    code(155, Driver, ResetGpu, true),
    code(156, Driver, ResetGpu, true),
    code(158, Driver, ResetGpu, true),
];

/// What a code means; one that is not known is the driver's.
pub(super) fn meaning(number: u64) -> Code {
    let known = CODES.iter().find(|code| code.code == number).copied();
    known.unwrap_or(code(number, Driver, Nothing, false))
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
            Self::RestartApp => "restart_app",
            Self::ResetGpu => "reset_gpu",
            Self::RestartNode => "restart_node",
            Self::ContactSupport => "contact_support",
            Self::None => "none",
        }
    }
}
