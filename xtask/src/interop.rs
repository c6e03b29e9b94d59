//! The official clients that the interop tests drive: a Python virtual environment with boto3, the AWS CLI and
//! the OpenTelemetry SDK, pinned in `tests/interop/requirements.txt`.
//!
//! The tests find them by [`PYTHON`] and [`AWS`] and say `skipped: …` without. A machine that cannot have them
//! (no Python, no registry) skips these tests by name; it fails nothing.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::steps::{Outcome, Session, Step};
use crate::workspace::{self, Workspace};

/// Names the Python that has the clients.
pub(crate) const PYTHON: &str = "WEIR_PYTHON";
/// Names the AWS CLI.
pub(crate) const AWS: &str = "WEIR_AWS";

const REQUIREMENTS: &str = "tests/interop/requirements.txt";

/// Makes the environment before the tests that use it.
pub(crate) const INSTALL: Step = Step { name: "interop", budget: Duration::from_mins(2), run: install };

fn install(session: &mut Session<'_>) -> Result<()> {
    let wanted = requirements(session.workspace)?;
    match Clients::installed(session.workspace, &wanted) {
        Ok(clients) => {
            println!("interop clients in {}", clients.folder.display());
            session.environment.extend([(PYTHON, clients.python().into()), (AWS, clients.aws().into())]);
        }
        Err(why) => {
            println!("interop clients could not be installed: {why:#}");
            session.tally.skip(&format!("interop clients ({why:#})"));
        }
    }
    Ok(())
}

/// Installs the clients and prints the variables that make a bare `cargo test` find them.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let clients = Clients::installed(workspace, &requirements(workspace)?)?;
    println!("export {PYTHON}='{}'", clients.python().display());
    println!("export {AWS}='{}'", clients.aws().display());
    Ok(Outcome::Passed)
}

/// The pins, as text. They are part of the repository: without them it is broken, which is no reason to skip.
fn requirements(workspace: &Workspace) -> Result<String> {
    fs::read_to_string(workspace.root().join(REQUIREMENTS))
        .with_context(|| format!("cannot read {REQUIREMENTS}"))
}

/// A virtual environment that holds exactly what the requirements name.
struct Clients {
    folder: PathBuf,
}

impl Clients {
    /// The environment with the wanted pins; made, or made anew, only where it differs from them.
    fn installed(workspace: &Workspace, wanted: &str) -> Result<Self> {
        let clients = Self { folder: workspace.target().join("interop-venv") };
        if !clients.holds(workspace, wanted) {
            clients.make(workspace)?;
            // Written last: an installation that was cut short is never taken for a whole one.
            fs::write(clients.stamp(), wanted).context("cannot write the stamp of the interop clients")?;
        }
        Ok(clients)
    }

    /// Whether the stamp says so and the interpreter still runs: one that an upgrade removed leaves links to nothing.
    fn holds(&self, workspace: &Workspace, wanted: &str) -> bool {
        fs::read_to_string(self.stamp()).is_ok_and(|found| found == wanted)
            && self.aws().is_file()
            && workspace::capture(workspace.program(self.python()).arg("--version")).is_ok()
    }

    fn make(&self, workspace: &Workspace) -> Result<()> {
        let mut venv = workspace.program("python3");
        workspace::capture(venv.args(["-m", "venv", "--clear"]).arg(&self.folder))?;
        let mut pip = workspace.program(self.python());
        pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
        // Wheels alone, and these alone: nothing is compiled, and no version is chosen by the day of the run.
        pip.args(["--no-deps", "--only-binary", ":all:", "--requirement", REQUIREMENTS]);
        workspace::capture(&mut pip)?;
        let mut check = workspace.program(self.python());
        workspace::capture(check.args(["-m", "pip", "check", "--disable-pip-version-check"]))
            .context("the requirements name too little")?;
        Ok(())
    }

    fn stamp(&self) -> PathBuf {
        self.folder.join("requirements.txt")
    }

    fn python(&self) -> PathBuf {
        self.folder.join("bin/python")
    }

    fn aws(&self) -> PathBuf {
        self.folder.join("bin/aws")
    }
}
