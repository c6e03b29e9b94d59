//! Virtual environments that hold exactly what their requirements name: boto3, the AWS CLI and the OpenTelemetry SDK in one, and
//! ministack, an emulator of CloudWatch, in another.

use std::path::Path;

use anyhow::{Context, Result};

use super::Kit;
use crate::workspace::{self, Workspace};

pub(super) const KIT: Kit = Kit {
    name: "interop-venv",
    pins: &["requirements.txt"],
    make: |workspace, folder| environment(workspace, folder, "tests/interop/requirements.txt"),
    works: |workspace, folder| {
        let python = workspace::capture(workspace.program(folder.join("bin/python")).arg("--version"));
        python.is_ok() && folder.join("bin/aws").is_file()
    },
    variables: |folder| {
        vec![("WEIR_PYTHON", folder.join("bin/python")), ("WEIR_AWS", folder.join("bin/aws"))]
    },
};

pub(super) const MINISTACK: Kit = Kit {
    name: "interop-ministack",
    pins: &["ministack.txt"],
    make: |workspace, folder| environment(workspace, folder, "tests/interop/ministack.txt"),
    works: |workspace, folder| {
        let python = workspace::capture(workspace.program(folder.join("bin/python")).arg("--version"));
        python.is_ok() && folder.join("bin/ministack").is_file()
    },
    variables: |folder| vec![("WEIR_MINISTACK", folder.join("bin/ministack"))],
};

fn environment(workspace: &Workspace, folder: &Path, requirements: &str) -> Result<()> {
    let mut venv = workspace.program("python3");
    workspace::capture(venv.args(["-m", "venv", "--clear"]).arg(folder))?;
    let python = folder.join("bin/python");
    let mut pip = workspace.program(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
    // Wheels alone, and these alone: nothing is compiled, and no version is chosen by the day of the run.
    pip.args(["--no-deps", "--only-binary", ":all:", "--requirement", requirements]);
    workspace::capture(&mut pip)?;
    let mut check = workspace.program(&python);
    workspace::capture(check.args(["-m", "pip", "check", "--disable-pip-version-check"]))
        .context("the requirements name too little")?;
    Ok(())
}
