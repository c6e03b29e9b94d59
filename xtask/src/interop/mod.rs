//! The peers that tests drive, in kits: what Python, Node, Go and Debian have. Every version is pinned in `tests/interop/`, but for
//! those of Debian, which are its release's; everything lies under `target/`.
//!
//! The tests find a kit by its variables and say `skipped: …` without. A machine that cannot have one (no Go, no
//! registry) skips its tests by name; it fails nothing.

mod debian;
mod go;
mod node;
mod python;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};

use crate::steps::{Outcome, Session, Step};
use crate::workspace::Workspace;

/// Where the pins and the applications lie.
const FOLDER: &str = "tests/interop";

/// What one language's peers need.
struct Kit {
    /// Its folder under `target/`.
    name: &'static str,
    /// Files of `tests/interop/` that decide what is made: the kit is made anew when one of them has changed.
    pins: &'static [&'static str],
    /// Makes it, in a folder that may hold an older one.
    make: fn(&Workspace, &Path) -> Result<()>,
    /// Whether what was made still runs: an interpreter that an upgrade removed leaves links to nothing.
    works: fn(&Workspace, &Path) -> bool,
    /// What the tests find it by.
    variables: fn(&Path) -> Vec<(&'static str, PathBuf)>,
}

const KITS: &[Kit] = &[python::KIT, python::MINISTACK, node::KIT, go::KIT, go::AGENT, debian::KIT];

/// Makes the kits before the tests that use them.
pub(crate) const INSTALL: Step = Step { name: "interop", budget: Duration::from_mins(5), run: install };

fn install(session: &mut Session<'_>) -> Result<()> {
    for kit in KITS {
        let pins = kit.pins(session.workspace)?;
        match kit.install(session.workspace, &pins) {
            Ok(variables) => {
                println!("{}: ready", kit.name);
                let variables = variables.into_iter().map(|(name, path)| (name, path.into()));
                session.environment.extend(variables);
            }
            Err(why) => {
                println!("{} could not be installed: {why:#}", kit.name);
                session.tally.skip(&format!("{} ({why:#})", kit.name));
            }
        }
    }
    Ok(())
}

/// Makes the kits and prints the variables that make a bare `cargo test` find them.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let mut outcome = Outcome::Passed;
    for kit in KITS {
        match kit.install(workspace, &kit.pins(workspace)?) {
            Ok(variables) => {
                for (name, path) in variables {
                    println!("export {name}='{}'", path.display());
                }
            }
            Err(why) => {
                eprintln!("{} could not be installed: {why:#}", kit.name);
                outcome = Outcome::Failed;
            }
        }
    }
    Ok(outcome)
}

impl Kit {
    /// The pins, as text. They are part of the repository: without them it is broken, which is no reason to skip.
    fn pins(&self, workspace: &Workspace) -> Result<String> {
        let mut text = String::new();
        for pin in self.pins {
            let path = workspace.root().join(FOLDER).join(pin);
            text += &fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        }
        Ok(text)
    }

    /// What the tests find it by; made, or made anew, only where it differs from its pins.
    fn install(&self, workspace: &Workspace, pins: &str) -> Result<Vec<(&'static str, PathBuf)>> {
        let folder = workspace.target().join(self.name);
        let stamp = folder.join("made-from");
        let holds = fs::read_to_string(&stamp).is_ok_and(|found| found == pins);
        if !holds || !(self.works)(workspace, &folder) {
            (self.make)(workspace, &folder)?;
            // Written last: an installation that was cut short is never taken for a whole one.
            fs::write(&stamp, pins).context("cannot write the stamp of an interop kit")?;
        }
        Ok((self.variables)(&folder))
    }
}
