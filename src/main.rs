//! The command line.
//!
//! # Layout
//! - `cli`: what can be typed; `commands/`: one file a sub-command.
//! - `registry`: every component that this binary has.
//! - `configuration`: from `-c` and `--set` to a checked plan, with every error rendered.
//! - `logging`, `telemetry`: Weir's own log and metrics.
//! - `local`: the CloudWatch in memory of `--local`, and its table; `report`: the ledger's last word.

mod cli;
mod commands;
mod configuration;
mod local;
mod logging;
mod registry;
mod report;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit codes, the same for every command.
mod exit {
    use std::process::ExitCode;

    /// It went well.
    pub(crate) const SUCCESS: ExitCode = ExitCode::SUCCESS;
    /// Usage or configuration is wrong.
    pub(crate) fn usage() -> ExitCode {
        ExitCode::from(2)
    }
    /// A failure at run time, or another negative finding.
    pub(crate) fn failure() -> ExitCode {
        ExitCode::from(1)
    }
    /// Could not reach something, or was not allowed to.
    pub(crate) fn unreachable() -> ExitCode {
        ExitCode::from(4)
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        None => commands::run::run(cli.run),
        Some(Command::Run(args)) => commands::run::run(args),
        Some(Command::Validate(args)) => commands::validate::run(&args),
        Some(Command::Components(args)) => commands::components::run(&args),
        Some(Command::Graph(args)) => commands::graph::run(&args),
        Some(Command::PrintConfig(args)) => commands::print_config::run(&args),
        Some(Command::Health(args)) => commands::health::run(&args),
        Some(Command::Targets(args)) => commands::targets::run(&args),
        Some(Command::Completions(args)) => commands::completions::run(&args),
    }
}
