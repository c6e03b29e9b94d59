//! `cargo xtask fuzz`: the parsers of foreign bytes on mutations that nobody has tried.
//!
//! It is the tests of mutations that `cargo xtask test` runs, oracles and all, drawn from another seed: stable Rust and nothing to
//! install. What it finds comes again with the seed that it prints.

use std::hash::{BuildHasher as _, RandomState};

use anyhow::{Context as _, Result, bail};

use crate::steps::Outcome;
use crate::workspace::{self, Workspace};

/// What reads OTLP, Prometheus's formats and the kernel's files.
const TESTS: &[&str] = &[
    "test",
    "--package",
    "weir-receivers",
    "--package",
    "weir-exposition",
    "--no-fail-fast",
    "--",
    "mutat",
    "broken",
];

/// From the seed that is given, or one by chance.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<Outcome> {
    let seed = match arguments {
        [] => RandomState::new().hash_one(()),
        [seed] => seed.parse().with_context(|| format!("a seed is a number, found `{seed}`"))?,
        more => bail!("one seed, found `{}`", more.join(" ")),
    };
    println!("seed {seed}");
    workspace::run(workspace.cargo(TESTS).env("WEIR_SEED", seed.to_string()))?;
    Ok(Outcome::Passed)
}
