//! Programs that Go compiles: an application with the OpenTelemetry SDK for Go, a Collector, and the CloudWatch Agent's plugins.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use super::{FOLDER, Kit};
use crate::workspace::{self, Workspace};

pub(super) const KIT: Kit = Kit {
    name: "interop-go",
    pins: &["go/go.mod", "go/go.sum", "go/app/main.go", "go/collector/main.go"],
    make: |workspace, folder| build(workspace, folder, "go", &["./app", "./collector"]),
    works: |_, folder| ["app", "collector"].iter().all(|program| folder.join("bin").join(program).is_file()),
    variables: |folder| {
        let program = |name| folder.join("bin").join(name);
        vec![("WEIR_GO_APP", program("app")), ("WEIR_COLLECTOR", program("collector"))]
    },
};

/// A module of its own: it wants other versions of what the Collector uses too.
pub(super) const AGENT: Kit = Kit {
    name: "interop-agent",
    pins: &["agent/go.mod", "agent/go.sum", "agent/main.go"],
    make: |workspace, folder| build(workspace, folder, "agent", &["."]),
    works: |_, folder| folder.join("bin/agent").is_file(),
    variables: |folder| vec![("WEIR_CLOUDWATCH_AGENT", folder.join("bin/agent"))],
};

/// Builds `packages` of the module in this folder of `tests/interop/`.
fn build(workspace: &Workspace, folder: &Path, module: &str, packages: &[&str]) -> Result<()> {
    let programs = folder.join("bin");
    fs::create_dir_all(&programs).context("cannot make the folder of the Go programs")?;
    let mut go = workspace.program("go");
    go.current_dir(workspace.root().join(FOLDER).join(module));
    // Modules and objects stay here, and can be removed as any file can; Go's own default makes modules read-only.
    go.env("GOMODCACHE", folder.join("modules")).env("GOCACHE", folder.join("objects"));
    // The Go that is there: no other is fetched.
    go.env("GOTOOLCHAIN", "local").env("CGO_ENABLED", "0").env("GOFLAGS", "-modcacherw");
    go.args(["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-p", "2", "-o"]).arg(&programs);
    workspace::capture(go.args(packages))?;
    // What is left is larger than all the rest of the folder, and was needed for the build alone.
    for made in ["modules", "objects"] {
        fs::remove_dir_all(folder.join(made)).with_context(|| format!("cannot remove {made}"))?;
    }
    Ok(())
}
