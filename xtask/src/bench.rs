//! `cargo xtask bench`: the benchmarks. Numbers are for people to compare, so nothing here judges them.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::steps::{Outcome, Session, Step};
use crate::workspace::{self, Workspace};

/// Compiles every benchmark in the dev profile and runs each once: a benchmark that rots is found the same day.
pub(crate) const SMOKE: Step = Step { name: "bench smoke", budget: Duration::from_mins(3), run: smoke };

/// The word for the benchmarks of the whole process, which are no bench targets.
const SCENARIOS: &str = "scenarios";

fn smoke(session: &mut Session<'_>) -> Result<()> {
    let mut command = session.workspace.cargo(&["test", "--workspace", "--bench", "*", "--", "--test"]);
    session.run_tests(&mut command)
}

/// Runs all bench targets, or the one named first, what follows `--` going to criterion; or scenarios of the whole process.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<Outcome> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (target, rest) = match words.as_slice() {
        [SCENARIOS, rest @ ..] => return scenarios(workspace, rest),
        [] => ("*", &[][..]),
        ["--", rest @ ..] => ("*", rest),
        [name] => (*name, &[][..]),
        [name, "--", rest @ ..] => (*name, rest),
        [_, other, ..] => bail!("one bench target at a time, then `--`: found `{other}`"),
    };
    let mut command = workspace.cargo(&["bench", "--workspace", "--bench", target, "--"]);
    workspace::run(command.args(rest))?;
    Ok(Outcome::Passed)
}

/// Builds the program and the load generator as they ship, and runs the scenarios whose names begin like the words.
fn scenarios(workspace: &Workspace, names: &[&str]) -> Result<Outcome> {
    let built = ["build", "--release", "--package", "weir", "--package", "weir-bench"];
    workspace::run(&mut workspace.cargo(&built))?;
    let release = workspace.target().join("release");
    let mut command = workspace.program(release.join("weir-bench"));
    command.args(["scenarios", "--binary"]).arg(release.join("weir"));
    workspace::run(command.args(names))?;
    Ok(Outcome::Passed)
}
