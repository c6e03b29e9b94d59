//! The tables that are printed: rows of medians.

use std::time::Duration;

use weir_bench::{
    percentile,
    scenario::{Figures, Scenario},
    scrape,
};

pub(crate) const MIB: f64 = 1_048_576.0;

/// The head of scenarios of OTLP.
pub(crate) const OTLP: &str = "\
| scenario | CPU s/Mpoint (least to most) | goal | first sight + known + flush | a new series + a datum, µs | p50 / p99 ms | \
peak MiB | bytes a series, loaded / at the flush | samples a datum | generator CPU s/Mpoint | Mpoint/s |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |";

/// The head of scenarios of scrapes.
pub(crate) const SCRAPES: &str = "\
| scenario | CPU s/Msample of known series (least to most) | goal | at first sight | flush, of all samples | idle MiB | with series | \
peak above that, first / later scrapes | bytes a series | late p50 / p99 / most ms | targets' CPU s/Msample |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |";

/// A row of the table, of medians.
pub(crate) fn of_otlp(scenario: &Scenario, runs: &[Figures]) -> String {
    let of = |pick: &dyn Fn(&Figures) -> f64| median(runs.iter().map(pick).collect());
    let a_million = |time: Duration, run: &Figures| time.as_secs_f64() * 1e6 / run.report.taken.points as f64;
    let of_each = |time: Duration, count: usize| time.as_secs_f64() * 1e6 / count.max(1) as f64;
    let series = scenario.series();
    let grown = |bytes: u64, run: &Figures| bytes.saturating_sub(run.idle) as f64 / series as f64;
    format!(
        "| {} | {} | {} | {:.3} + {:.3} + {:.3} | {:.1} + {:.1} | {:.1} / {:.1} | {:.0} | {:.0} / {:.0} | {:.1} | {:.3} | {:.2} |",
        scenario.name,
        spread(runs.iter().map(Figures::cpu_a_million).collect()),
        goal(scenario.goal),
        of(&|run| a_million(run.first_sight, run)),
        of(&|run| a_million(run.known(), run)),
        of(&|run| a_million(run.flush, run)),
        of(&|run| of_each(run.first_sight, series)),
        of(&|run| of_each(run.flush, run.datums as usize)),
        of(&|run| percentile(&run.report.latencies, 50.0).as_secs_f64() * 1e3),
        of(&|run| percentile(&run.report.latencies, 99.0).as_secs_f64() * 1e3),
        of(&|run| run.peak as f64 / MIB),
        of(&|run| grown(run.loaded, run)),
        of(&|run| grown(run.peak, run)),
        of(&|run| run.report.taken.points as f64 / (run.datums.max(1)) as f64),
        of(&|run| a_million(run.report.cpu, run)),
        of(&|run| run.report.taken.points as f64 / 1e6 / run.report.wall.as_secs_f64()),
    )
}

/// A row of the table, of medians.
pub(crate) fn of_scrapes(scenario: &scrape::Scenario, runs: &[scrape::Figures]) -> String {
    let of = |pick: &dyn Fn(&scrape::Figures) -> f64| median(runs.iter().map(pick).collect());
    let above = |peak: u64, run: &scrape::Figures| (peak as f64 - run.settled as f64) / MIB;
    let late = |run: &scrape::Figures, p| percentile(&run.lateness, p).as_secs_f64() * 1e3;
    let held = |run: &scrape::Figures| run.settled.saturating_sub(run.idle) as f64 / scenario.series() as f64;
    format!(
        "| {} | {} | {} | {:.3} | {:.3} | {:.1} | {:.1} | {:.1} / {:.1} | {:.0} | {:.1} / {:.1} / {:.1} | {:.3} |",
        scenario.name,
        spread(runs.iter().map(|run| run.known.a_million()).collect()),
        goal(scenario.goal),
        of(&|run| run.first.a_million()),
        of(&|run| run.flush.a_million()),
        of(&|run| run.idle as f64 / MIB),
        of(&|run| run.settled as f64 / MIB),
        of(&|run| above(run.first_peak, run)),
        of(&|run| above(run.peak, run)),
        of(&held),
        of(&|run| late(run, 50.0)),
        of(&|run| late(run, 99.0)),
        of(&|run| late(run, 100.0)),
        of(&|run| run.targets.a_million()),
    )
}

/// The median, and from where to where the values go.
fn spread(values: Vec<f64>) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    format!("{:.3} ({least:.3} to {most:.3})", median(values))
}

fn goal(goal: Option<f64>) -> String {
    goal.map_or_else(|| "-".to_owned(), |goal| format!("{goal:.2}"))
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
