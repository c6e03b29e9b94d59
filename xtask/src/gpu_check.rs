//! `cargo xtask gpu-check`: Weir's figures of this machine's GPUs beside those of `nvidia-smi -q -x`.
//!
//! The comparison is a test of the receiver, which needs what only the receiver sees, and says `skipped: gpu-check (why)` on a machine
//! without GPUs. Here it runs alone, and all that it prints is shown.

use anyhow::{Result, bail};

use crate::steps::Outcome;
use crate::tally::Tally;
use crate::workspace::{self, Workspace};

const TEST: &str = "nvml::tests::check::a_real_gpu_says_what_nvidia_smi_says";

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let arguments = ["test", "--package", "weir-receivers", "--lib", "--", "--exact", TEST, "--nocapture"];
    let mut tally = Tally::default();
    workspace::run_observed(&mut workspace.cargo(&arguments), |line| {
        tally.observe(line);
        println!("{line}");
    })?;
    if tally.passed != 1 {
        bail!("there is no test {TEST}"); // cargo is content with that
    }
    Ok(Outcome::Passed)
}
