//! Named, timed steps, run in order up to the first that fails, and the table of what they took.

use std::ffi::OsString;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::tally::{Line, Tally};
use crate::workspace::{self, Workspace};

/// One step of a command.
pub(crate) struct Step {
    /// What the table calls it.
    pub(crate) name: &'static str,
    /// What it may take from a clean clone on two cores. Going over is shown, and fails nothing: a slow
    /// machine is no defect, a step that has grown is a thing to know.
    pub(crate) budget: Duration,
    /// The work itself.
    pub(crate) run: fn(&mut Session<'_>) -> Result<()>,
}

/// What the steps of one command share.
pub(crate) struct Session<'a> {
    /// The repository.
    pub(crate) workspace: &'a Workspace,
    /// What the test binaries have said so far.
    pub(crate) tally: Tally,
    /// Variables that earlier steps set for the tests of later ones.
    pub(crate) environment: Vec<(&'static str, OsString)>,
}

impl Session<'_> {
    /// Runs a command that speaks libtest's language: counts its results, shows what a person should see.
    pub(crate) fn run_tests(&mut self, command: &mut Command) -> Result<()> {
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        workspace::run_observed(command, |line| {
            if self.tally.observe(line) == Line::Show {
                println!("{line}");
            }
        })
    }
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Every step did what it should.
    Passed,
    /// A step found something wrong.
    Failed,
}

/// What a step took, and how it ended.
struct Taken {
    name: &'static str,
    budget: Duration,
    time: Duration,
    outcome: Outcome,
}

/// Runs the steps and prints their table.
pub(crate) fn run(workspace: &Workspace, steps: &[Step]) -> Outcome {
    run_with_tally(workspace, steps).0
}

/// Runs the steps, prints their table and what was skipped, and gives back the tests' numbers.
pub(crate) fn run_with_tally(workspace: &Workspace, steps: &[Step]) -> (Outcome, Tally) {
    let mut session = Session { workspace, tally: Tally::default(), environment: Vec::new() };
    let mut taken = Vec::with_capacity(steps.len());
    for step in steps {
        println!("\n── {} ──", step.name);
        let (result, time) = timed(|| (step.run)(&mut session));
        let outcome = match result {
            Ok(()) => Outcome::Passed,
            Err(error) => {
                eprintln!("error: {}: {error:#}", step.name);
                Outcome::Failed
            }
        };
        taken.push(Taken { name: step.name, budget: step.budget, time, outcome });
        if outcome == Outcome::Failed {
            break;
        }
    }
    let not_run: Vec<&str> = steps[taken.len()..].iter().map(|step| step.name).collect();
    print_table(&taken, &not_run);
    for what in &session.tally.skipped {
        println!("skipped: {what}");
    }
    if session.tally.ignored > 0 {
        println!("skipped: {} ignored tests (marked #[ignore])", session.tally.ignored);
    }
    let outcome = taken.last().map_or(Outcome::Passed, |last| last.outcome);
    (outcome, session.tally)
}

#[allow(clippy::disallowed_methods, reason = "wall time for a person: no point of Weir is measured by it")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

fn print_table(taken: &[Taken], not_run: &[&str]) {
    println!("\n{:<12}{:>10}{:>10}", "step", "time", "budget");
    for Taken { name, budget, time, outcome } in taken {
        let note = match outcome {
            Outcome::Failed => "FAILED",
            Outcome::Passed if time > budget => "ok, over budget",
            Outcome::Passed => "ok",
        };
        println!("{name:<12}{:>10}{:>10}  {note}", seconds(*time), seconds(*budget));
    }
    for name in not_run {
        println!("{name:<12}{:>10}{:>10}  not run", "-", "-");
    }
    let (time, budget) = taken.iter().fold((Duration::ZERO, Duration::ZERO), |(time, budget), step| {
        (time + step.time, budget + step.budget)
    });
    println!("{:<12}{:>10}{:>10}\n", "total", seconds(time), seconds(budget));
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
