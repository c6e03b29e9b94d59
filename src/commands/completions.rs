//! `weir completions`.

use std::process::ExitCode;

use clap::CommandFactory as _;

use super::print;
use crate::{
    cli::{Cli, CompletionsArgs},
    exit,
};

/// Prints the script of a shell.
pub(crate) fn run(args: &CompletionsArgs) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "weir", &mut script);
    print(&String::from_utf8_lossy(&script));
    exit::SUCCESS
}
