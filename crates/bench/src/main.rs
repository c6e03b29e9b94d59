//! `weir-bench`: what `cargo xtask bench scenarios` runs. `sink` and `floor` are the peers that it starts of itself.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line")]

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, Subcommand};
use weir_bench::{
    Error, floor,
    scenario::{self, Figures, Scenario},
    sink::Sink,
    start,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MIB: f64 = 1_048_576.0;
const HEAD: &str = "\
| scenario | CPU s/Mpoint (least to most) | goal | first sight + known + flush | a new series + a datum, µs | p50 / p99 ms | \
peak MiB | bytes a series, loaded / at the flush | samples a datum | generator CPU s/Mpoint | Mpoint/s |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |";

#[derive(Parser)]
#[command(about = "Measures the whole process of Weir under load")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs scenarios and prints a table of medians.
    Scenarios {
        /// The program to measure.
        #[arg(long)]
        binary: PathBuf,
        /// How often each is run.
        #[arg(long, default_value_t = 3)]
        runs: usize,
        /// Only those whose names begin like this.
        names: Vec<String>,
    },
    /// Serves a CloudWatch that counts.
    Sink,
    /// Serves an OTLP receiver that forgets.
    Floor,
}

#[tokio::main]
async fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Scenarios { binary, runs, names } => scenarios(binary, runs.max(1), &names).await,
        Command::Sink => Sink::serve().await,
        Command::Floor => floor::serve().await,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn scenarios(binary: PathBuf, runs: usize, names: &[String]) -> Result<(), Error> {
    let wanted = |name: &str| names.is_empty() || names.iter().any(|begin| name.starts_with(begin.as_str()));
    let folder = std::env::temp_dir();
    if wanted("start") {
        measure_start(runs, &binary, &folder).await?;
    }
    println!("{HEAD}");
    let mut failed = 0;
    for scenario in scenario::ALL.iter().filter(|scenario| wanted(scenario.name)) {
        match measure(scenario, runs, &binary, &folder).await {
            Ok(figures) => println!("{}", row(scenario, &figures)),
            Err(error) => {
                println!("| {} | failed |", scenario.name);
                eprintln!("{}: {error}", scenario.name);
                failed += 1;
            }
        }
    }
    match failed {
        0 => Ok(()),
        _ => Err(Error::Process(format!("{failed} scenarios failed"))),
    }
}

async fn measure_start(runs: usize, binary: &Path, folder: &Path) -> Result<(), Error> {
    let (mut idle, mut first) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        idle.push(start::idle(binary, folder).await?);
        first.push(start::first_point(binary, folder).await?);
    }
    let (idle, first) = (median(idle, |bytes| *bytes as f64), median(first, Duration::as_secs_f64));
    println!("idle: {:.1} MiB in RAM; first point at an exporter after {:.1} ms\n", idle / MIB, first * 1e3);
    Ok(())
}

async fn measure(
    scenario: &Scenario,
    runs: usize,
    binary: &Path,
    folder: &Path,
) -> Result<Vec<Figures>, Error> {
    let mut figures = Vec::with_capacity(runs);
    for _ in 0..runs {
        figures.push(scenario.run(binary, folder).await?);
    }
    Ok(figures)
}

/// A row of the table, of medians.
fn row(scenario: &Scenario, runs: &[Figures]) -> String {
    let of = |pick: &dyn Fn(&Figures) -> f64| median(runs.iter().collect(), |run| pick(run));
    let a_million = |time: Duration, run: &Figures| time.as_secs_f64() * 1e6 / run.report.taken.points as f64;
    let cpu: Vec<f64> = runs.iter().map(Figures::cpu_a_million).collect();
    let least = cpu.iter().copied().fold(f64::INFINITY, f64::min);
    let most = cpu.iter().copied().fold(0.0, f64::max);
    let of_each = |time: Duration, count: usize| time.as_secs_f64() * 1e6 / count.max(1) as f64;
    let series = scenario.series();
    let grown = |bytes: u64, run: &Figures| bytes.saturating_sub(run.idle) as f64 / series as f64;
    format!(
        "| {} | {:.3} ({least:.3} to {most:.3}) | {} | {:.3} + {:.3} + {:.3} | {:.1} + {:.1} | {:.1} / {:.1} | {:.0} | {:.0} / {:.0} | {:.1} | {:.3} | {:.2} |",
        scenario.name,
        of(&Figures::cpu_a_million),
        scenario.goal.map_or_else(|| "-".to_owned(), |goal| format!("{goal:.2}")),
        of(&|run| a_million(run.first_sight, run)),
        of(&|run| a_million(run.known(), run)),
        of(&|run| a_million(run.flush, run)),
        of(&|run| of_each(run.first_sight, series)),
        of(&|run| of_each(run.flush, run.datums as usize)),
        of(&|run| run.report.percentile(50.0).as_secs_f64() * 1e3),
        of(&|run| run.report.percentile(99.0).as_secs_f64() * 1e3),
        of(&|run| run.peak as f64 / MIB),
        of(&|run| grown(run.loaded, run)),
        of(&|run| grown(run.peak, run)),
        of(&|run| run.report.taken.points as f64 / (run.datums.max(1)) as f64),
        of(&|run| a_million(run.report.cpu, run)),
        of(&|run| run.report.taken.points as f64 / 1e6 / run.report.wall.as_secs_f64()),
    )
}

fn median<T>(items: Vec<T>, value: impl Fn(&T) -> f64) -> f64 {
    let mut values: Vec<f64> = items.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
