//! Configurations: what is right runs, and every mistake is told at exactly its token.
//!
//! # Layout
//! - `mutations`: every key and value of every file in `configs/`, made wrong in turn; `yaml` finds the tokens, `rules` says what
//!   is expected of them. Neither knows Weir's reader: a second opinion in a few lines.
//! - `mistakes`: files with many mistakes, and how they look on a terminal.
//! - `agreement`: `validate` and `run` never disagree, over generated graphs.
//! - `sources`: several files, folders, `--set`, variables.
//! - `warnings`: lints, and components that nothing uses.
//! - `printing`: `print-config`, `components`, `graph`, exit codes.
//! - `engine` reads a configuration in this process; `weir` runs the real binary.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail loudly too")]

mod agreement;
mod engine;
mod mistakes;
mod mutations;
mod printing;
mod rules;
mod sources;
mod warnings;
mod weir;
mod yaml;

use std::path::{Path, PathBuf};

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of `configs/`, by name.
fn configs() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("configs")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 4, "{files:?}");
    files
}
