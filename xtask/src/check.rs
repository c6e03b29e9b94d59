//! `cargo xtask check`: what can be said about the code without running it.

use std::time::Duration;

use anyhow::Result;

use crate::steps::{Session, Step};
use crate::workspace;

/// Formatting.
pub(crate) const FORMAT: Step = Step { name: "fmt", budget: Duration::from_secs(5), run: format };
/// Lints of rustc and clippy, over every target.
pub(crate) const LINTS: Step = Step { name: "clippy", budget: Duration::from_mins(5), run: lints };
/// Documentation: broken links and missing texts.
pub(crate) const DOCS: Step = Step { name: "docs", budget: Duration::from_mins(2), run: docs };

/// The steps of `cargo xtask check`.
pub(crate) const STEPS: &[Step] = &[FORMAT, LINTS, DOCS];

fn format(session: &mut Session<'_>) -> Result<()> {
    workspace::run(&mut session.workspace.cargo(&["fmt", "--all", "--check"]))
}

fn lints(session: &mut Session<'_>) -> Result<()> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    workspace::run(&mut session.workspace.cargo(&arguments))
}

fn docs(session: &mut Session<'_>) -> Result<()> {
    let mut command = session.workspace.cargo(&["doc", "--workspace", "--no-deps"]);
    workspace::run(command.env("RUSTDOCFLAGS", "-D warnings"))
}
