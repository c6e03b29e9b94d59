//! Everything a person does in this repository, as one command: `cargo xtask`.
//!
//! # Layout
//!
//! - [`COMMANDS`]: the one list that drives dispatch and help.
//! - [`steps`]: runs named, timed steps in order and prints the table of what they took.
//! - [`tally`]: what the output of test binaries says: passed, failed, ignored, skipped.
//! - [`workspace`]: where the repository is, and how a child process is started in it.
//! - `check`, `test`, `interop`, `audit`, `bench`, `fuzz`, `gpu_check`: the commands, one module each.
//!
//! Invariant: it depends on `anyhow` alone. `cargo xtask check` after a fresh clone must not first build a
//! world of its own.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to a person")]

mod audit;
mod bench;
mod check;
mod fuzz;
mod gpu_check;
mod interop;
mod steps;
mod tally;
mod test;
mod workspace;

use std::process::ExitCode;

use crate::steps::Outcome;
use crate::workspace::Workspace;

/// One thing that a person can ask for.
struct Command {
    name: &'static str,
    /// What may follow the name; empty for a command that takes nothing.
    arguments: &'static str,
    summary: &'static str,
    run: fn(&Workspace, &[String]) -> anyhow::Result<Outcome>,
}

/// Every command, in the order in which a person meets them.
const COMMANDS: &[Command] = &[
    Command {
        name: "check",
        arguments: "",
        summary: "formatting, lints and documentation, warnings as errors",
        run: |workspace, _| Ok(steps::run(workspace, check::STEPS)),
    },
    Command {
        name: "test",
        arguments: "",
        summary: "all that CI runs: check, unit and end-to-end tests, one pass of each benchmark, interop",
        run: |workspace, _| Ok(test::run(workspace)),
    },
    Command {
        name: "bench",
        arguments: "[NAME] [-- ARGS]",
        summary: "the benchmarks, or those of one bench target, ARGS going to criterion; `bench scenarios [NAME…]`: of the whole process",
        run: bench::run,
    },
    Command {
        name: "fuzz",
        arguments: "[SEED]",
        summary: "the parsers of foreign bytes: a million mutations each that the tests have not tried",
        run: fuzz::run,
    },
    Command {
        name: "gpu-check",
        arguments: "",
        summary: "this machine's GPUs: each figure beside `nvidia-smi`'s, what is supported, what each call costs; skipped without one",
        run: |workspace, _| gpu_check::run(workspace),
    },
    Command {
        name: "interop",
        arguments: "",
        summary: "install the official clients that the interop tests drive, print where they are",
        run: |workspace, _| interop::run(workspace),
    },
    Command {
        name: "audit",
        arguments: "",
        summary: "licences, banned and duplicate crates, sources, known vulnerabilities (cargo-deny)",
        run: |workspace, _| Ok(steps::run(workspace, audit::STEPS)),
    },
];

/// A command line that names no command: the design's exit code for usage.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        None => {
            print!("{}", help());
            ExitCode::SUCCESS
        }
        Some((word, _)) if matches!(word.as_str(), "help" | "-h" | "--help") => {
            print!("{}", help());
            ExitCode::SUCCESS
        }
        Some((name, rest)) => match COMMANDS.iter().find(|command| command.name == name) {
            Some(command) if !rest.is_empty() && command.arguments.is_empty() => {
                usage(&format!("`{name}` takes no arguments, found `{}`", rest.join(" ")))
            }
            Some(command) => execute(command, rest),
            None => usage(&format!("no command `{name}`")),
        },
    }
}

fn execute(command: &Command, arguments: &[String]) -> ExitCode {
    match Workspace::locate().and_then(|workspace| (command.run)(&workspace, arguments)) {
        Ok(Outcome::Passed) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn usage(problem: &str) -> ExitCode {
    eprint!("error: {problem}\n\n{}", help());
    ExitCode::from(USAGE)
}

fn help() -> String {
    let commands = COMMANDS.iter().map(|Command { name, arguments, summary, .. }| {
        let form = format!("{name} {arguments}");
        format!("  {form:<24}{summary}\n")
    });
    format!("Usage: cargo xtask COMMAND\n\n{}", commands.collect::<String>())
}
