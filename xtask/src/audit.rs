//! `cargo xtask audit`: what the dependencies bring in: licences, second stacks, sources, known vulnerabilities.
//!
//! The rules are in `deny.toml`. Apart from `test`, because the tool takes minutes to build.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use crate::steps::{Session, Step};
use crate::workspace;

/// The version that is installed: its checks, and so its verdicts, change from one to the next.
const CARGO_DENY: &str = "0.20.2";

/// The steps of `cargo xtask audit`.
pub(crate) const STEPS: &[Step] = &[
    Step { name: "cargo-deny", budget: Duration::from_mins(10), run: install },
    Step { name: "rules", budget: Duration::from_secs(30), run: rules },
    Step { name: "advisories", budget: Duration::from_mins(1), run: advisories },
    Step { name: "duplicates", budget: Duration::from_secs(10), run: duplicates },
];

fn install(session: &mut Session<'_>) -> Result<()> {
    let installed = workspace::capture(session.workspace.program(tool(session)).arg("--version"));
    if installed.is_ok_and(|version| version.trim() == format!("cargo-deny {CARGO_DENY}")) {
        return Ok(());
    }
    let arguments = ["install", "--quiet", "--locked", "cargo-deny", "--version", CARGO_DENY, "--root"];
    workspace::run(session.workspace.cargo(&arguments).arg(tools(session)))
}

fn rules(session: &mut Session<'_>) -> Result<()> {
    let mut deny = session.workspace.program(tool(session));
    workspace::run(deny.args(["--all-features", "check", "licenses", "bans", "sources"]))
}

/// The database of advisories is a git repository, which not every machine can reach.
fn advisories(session: &mut Session<'_>) -> Result<()> {
    let mut fetch = session.workspace.program(tool(session));
    if let Err(error) = workspace::capture(fetch.args(["fetch", "db"])) {
        println!("{error:#}");
        session.tally.skip("advisories (their database cannot be fetched)");
        return Ok(());
    }
    let mut deny = session.workspace.program(tool(session));
    workspace::run(deny.args(["--all-features", "check", "--disable-fetch", "advisories"]))
}

fn duplicates(session: &mut Session<'_>) -> Result<()> {
    workspace::run(&mut session.workspace.cargo(&["tree", "--workspace", "--duplicates", "--depth", "1"]))
}

fn tools(session: &Session<'_>) -> PathBuf {
    session.workspace.target().join("tools")
}

fn tool(session: &Session<'_>) -> PathBuf {
    tools(session).join("bin/cargo-deny")
}
