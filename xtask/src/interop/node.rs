//! The modules of the OpenTelemetry SDK and of the Prometheus client for JavaScript, as their lock file names them.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use super::{FOLDER, Kit};
use crate::workspace::{self, Workspace};

/// What npm reads.
const PINS: [&str; 2] = ["package.json", "package-lock.json"];

pub(super) const KIT: Kit = Kit {
    name: "interop-node",
    pins: &["js/package.json", "js/package-lock.json"],
    make,
    works: |workspace, folder| {
        let node = workspace::capture(workspace.program("node").arg("--version"));
        let modules = folder.join("node_modules");
        node.is_ok()
            && ["@opentelemetry/sdk-metrics", "prom-client"].iter().all(|name| modules.join(name).is_dir())
    },
    variables: |folder| vec![("WEIR_NODE_MODULES", folder.join("node_modules"))],
};

fn make(workspace: &Workspace, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).context("cannot make the folder of the JavaScript modules")?;
    for pin in PINS {
        let from = workspace.root().join(FOLDER).join("js").join(pin);
        fs::copy(&from, folder.join(pin)).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    let mut npm = workspace.program("npm");
    // No script of a package is run.
    npm.current_dir(folder).args([
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel",
        "error",
    ]);
    workspace::capture(&mut npm)?;
    Ok(())
}
