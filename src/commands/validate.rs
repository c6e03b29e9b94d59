//! `weir validate`.

use std::process::ExitCode;

use weir_core::Plan;

use super::print;
use crate::{cli::ConfigArgs, configuration, exit};

/// Checks a configuration as `run` does, and starts nothing.
pub(crate) fn run(args: &ConfigArgs) -> ExitCode {
    match configuration::checked(&configuration::sources(args, false), &args.set) {
        Err(code) => code,
        Ok((_, plan)) => {
            let pipelines = counted(plan.pipelines.len(), "pipeline");
            let components = counted(plan.components.len(), "component");
            print(&format!("valid: {pipelines}, {components}\n{}", dimensions(&plan)));
            exit::SUCCESS
        }
    }
}

/// What becomes a dimension in each exporter that has such a thing: every set of them is a metric on the bill.
fn dimensions(plan: &Plan) -> String {
    let exporters = plan.components.iter().filter(|component| component.enabled);
    let lines = exporters.filter_map(|exporter| {
        let (own, rules) = exporter.parsed.facts.dimensions.split_first()?;
        let own = format!("dimensions of `{}`: {own}", exporter.id);
        Some(std::iter::once(&own).chain(rules).flat_map(|line| [line.as_str(), "\n"]).collect::<String>())
    });
    lines.collect()
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
