//! `cargo xtask test`: all that must hold before a change lands. CI runs this and nothing else.
//!
//! One build profile (dev) throughout: the AWS SDK alone takes minutes in another.

use std::time::Duration;

use anyhow::Result;

use crate::steps::{self, Outcome, Session, Step};
use crate::workspace::{self, Workspace};
use crate::{bench, check, interop};

/// In this order: what is quick to fail comes first, and the clients are there before the tests that use them.
const STEPS: &[Step] = &[
    check::FORMAT,
    check::LINTS,
    check::DOCS,
    interop::INSTALL,
    Step { name: "build", budget: Duration::from_mins(10), run: build },
    Step { name: "tests", budget: Duration::from_mins(10), run: tests },
    bench::SMOKE,
];

/// Runs every step. The last line is always `N passed, N failed`, summed over all test binaries.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let (outcome, tally) = steps::run_with_tally(workspace, STEPS);
    println!("{} passed, {} failed", tally.passed, tally.failed);
    outcome
}

/// Apart from running them, so that the table tells compiling from testing.
fn build(session: &mut Session<'_>) -> Result<()> {
    workspace::run(&mut session.workspace.cargo(&["test", "--workspace", "--no-run", "--quiet"]))
}

fn tests(session: &mut Session<'_>) -> Result<()> {
    let arguments = ["test", "--workspace", "--no-fail-fast", "--", "--show-output"];
    let mut command = session.workspace.cargo(&arguments);
    session.run_tests(&mut command)
}
