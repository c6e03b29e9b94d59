//! `weir-bench`: what `cargo xtask bench scenarios` runs. `sink`, `floor` and `targets` are the peers that it starts of itself.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line")]

mod tables;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, Subcommand};
use weir_bench::{Error, floor, pages::Shape, pods, scenario, scrape, sink::Sink, start, targets};

use tables::{MIB, median};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "Measures the whole process of Weir under load")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs scenarios and prints tables of medians.
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
    /// Serves pages to scrapes.
    Targets {
        /// Counters of a page.
        counters: usize,
        /// Gauges of a page.
        gauges: usize,
        /// Histograms of a page.
        histograms: usize,
        /// Whether pages are compressed.
        #[arg(long)]
        gzip: bool,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Scenarios { binary, runs, names } => scenarios(&binary, runs.max(1), &names).await,
        Command::Sink => Sink::serve().await,
        Command::Floor => floor::serve().await,
        Command::Targets { counters, gauges, histograms, gzip } => {
            targets::serve(Shape { counters, gauges, histograms }, gzip).await
        }
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn scenarios(binary: &Path, runs: usize, names: &[String]) -> Result<(), Error> {
    let wanted = |name: &str| names.is_empty() || names.iter().any(|begin| name.starts_with(begin.as_str()));
    let folder = std::env::temp_dir();
    if wanted("start") {
        measure_start(runs, binary, &folder).await?;
    }
    if wanted("pods") {
        measure_pods(runs, binary, &folder).await?;
    }
    let mut failed = 0;
    let of_otlp: Vec<_> = scenario::ALL.iter().filter(|scenario| wanted(scenario.name)).collect();
    if !of_otlp.is_empty() {
        println!("{}", tables::OTLP);
    }
    for scenario in of_otlp {
        let measured = several(runs, || scenario.run(binary, &folder)).await;
        print(scenario.name, measured.map(|runs| tables::of_otlp(scenario, &runs)), &mut failed);
    }
    let of_scrapes: Vec<_> = scrape::ALL.iter().filter(|scenario| wanted(scenario.name)).collect();
    if !of_scrapes.is_empty() {
        println!("\n{}", tables::SCRAPES);
    }
    for scenario in of_scrapes {
        let measured = several(runs, || scenario.run(binary, &folder)).await;
        print(scenario.name, measured.map(|runs| tables::of_scrapes(scenario, &runs)), &mut failed);
    }
    match failed {
        0 => Ok(()),
        _ => Err(Error::Process(format!("{failed} scenarios failed"))),
    }
}

async fn measure_start(runs: usize, binary: &Path, folder: &Path) -> Result<(), Error> {
    let idle = several(runs, || start::idle(binary, folder)).await?;
    let first = several(runs, || start::first_point(binary, folder)).await?;
    let idle = median(idle.into_iter().map(|bytes| bytes as f64).collect());
    let first = median(first.iter().map(Duration::as_secs_f64).collect());
    println!("idle: {:.1} MiB in RAM; first point at an exporter after {:.1} ms\n", idle / MIB, first * 1e3);
    Ok(())
}

async fn measure_pods(runs: usize, binary: &Path, folder: &Path) -> Result<(), Error> {
    let node = pods::Node::write(folder)?;
    for (name, pods) in pods::CASES {
        let figures = several(runs, || node.run(binary, folder, pods)).await?;
        let series = figures[0].series;
        let peak = median(figures.iter().map(|run| run.peak as f64).collect());
        println!("110 pods {name}: {:.1} MiB in RAM at most, {series} metrics", peak / MIB);
    }
    println!();
    Ok(())
}

/// Measures the same so many times.
async fn several<T, F>(runs: usize, mut measure: impl FnMut() -> F) -> Result<Vec<T>, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut figures = Vec::with_capacity(runs);
    for _ in 0..runs {
        figures.push(measure().await?);
    }
    Ok(figures)
}

/// Prints a row, or that there is none and why.
fn print(name: &str, row: Result<String, Error>, failed: &mut usize) {
    match row {
        Ok(row) => println!("{row}"),
        Err(error) => {
            println!("| {name} | failed |");
            eprintln!("{name}: {error}");
            *failed += 1;
        }
    }
}
