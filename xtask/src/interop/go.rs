//! Programs that Go compiles: an application with the OpenTelemetry SDK for Go, a Collector, Prometheus's own scraping, an application
//! with its client for Go, and the CloudWatch Agent's plugins.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use super::{FOLDER, Kit};
use crate::workspace::{self, Workspace};

pub(super) const KIT: Kit = Kit {
    name: "interop-go",
    pins: &[
        "go/go.mod",
        "go/go.sum",
        "go/app/main.go",
        "go/collector/main.go",
        "go/scraped/main.go",
        "go/scraper/main.go",
        "go/scraper/notebook.go",
    ],
    make: |workspace, folder| {
        build(workspace, folder, "go", &["./app", "./collector", "./scraped", "./scraper"])
    },
    works: |_, folder| PROGRAMS.iter().all(|(_, program)| folder.join("bin").join(program).is_file()),
    variables: |folder| {
        PROGRAMS.map(|(variable, program)| (variable, folder.join("bin").join(program))).to_vec()
    },
};

/// The programs of one module, by the variables that name them. What they share is compiled once.
const PROGRAMS: [(&str, &str); 4] = [
    ("WEIR_GO_APP", "app"),
    ("WEIR_COLLECTOR", "collector"),
    ("WEIR_GO_SCRAPED", "scraped"),
    ("WEIR_PROMETHEUS_SCRAPER", "scraper"),
];

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
