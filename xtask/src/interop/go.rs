//! Programs that Go compiles: an application with the OpenTelemetry SDK for Go, and a Collector.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use super::{FOLDER, Kit};
use crate::workspace::{self, Workspace};

pub(super) const KIT: Kit = Kit {
    name: "interop-go",
    pins: &["go/go.mod", "go/go.sum", "go/app/main.go", "go/collector/main.go"],
    make,
    works: |_, folder| ["app", "collector"].iter().all(|program| folder.join("bin").join(program).is_file()),
    variables: |folder| {
        let program = |name| folder.join("bin").join(name);
        vec![("WEIR_GO_APP", program("app")), ("WEIR_COLLECTOR", program("collector"))]
    },
};

fn make(workspace: &Workspace, folder: &Path) -> Result<()> {
    let programs = folder.join("bin");
    fs::create_dir_all(&programs).context("cannot make the folder of the Go programs")?;
    let mut go = workspace.program("go");
    go.current_dir(workspace.root().join(FOLDER).join("go"));
    // Modules and objects stay here, and can be removed as any file can; Go's own default makes modules read-only.
    go.env("GOMODCACHE", folder.join("modules")).env("GOCACHE", folder.join("objects"));
    // The Go that is there: no other is fetched.
    go.env("GOTOOLCHAIN", "local").env("CGO_ENABLED", "0").env("GOFLAGS", "-modcacherw");
    go.args(["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-p", "2", "-o"]).arg(&programs);
    workspace::capture(go.args(["./app", "./collector"]))?;
    // What is left is larger than all the rest of `target/interop-go`, and was needed for the build alone.
    for made in ["modules", "objects"] {
        fs::remove_dir_all(folder.join(made)).with_context(|| format!("cannot remove {made}"))?;
    }
    Ok(())
}
