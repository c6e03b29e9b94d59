//! Programs that Debian and Ubuntu pack, unpacked beside the others: nothing is installed on the machine.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use super::{FOLDER, Kit};
use crate::workspace::{self, Workspace};

pub(super) const KIT: Kit = Kit {
    name: "interop-debian",
    pins: &["debian.txt"],
    make,
    works: |_, folder| PROGRAMS.iter().all(|(_, program)| folder.join(program).is_file()),
    variables: |folder| PROGRAMS.map(|(variable, program)| (variable, folder.join(program))).to_vec(),
};

const PROGRAMS: [(&str, &str); 2] =
    [("WEIR_NODE_EXPORTER", "usr/bin/prometheus-node-exporter"), ("WEIR_PROMETHEUS", "usr/bin/prometheus")];

/// Takes the release's own version: a pinned one would be gone from the mirrors with the next update of security.
fn make(workspace: &Workspace, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).context("cannot make the folder of Debian's programs")?;
    let packages = fs::read_to_string(workspace.root().join(FOLDER).join("debian.txt"))?;
    let mut apt = workspace.program("apt-get");
    apt.current_dir(folder).args(["--quiet", "download"]).args(packages.split_ascii_whitespace());
    workspace::capture(&mut apt)?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            workspace::capture(workspace.program("dpkg-deb").arg("--extract").arg(&path).arg(folder))?;
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
