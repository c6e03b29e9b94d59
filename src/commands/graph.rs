//! `weir graph`.

use std::{fmt::Write as _, process::ExitCode};

use weir_core::{Plan, Stage};

use super::print;
use crate::{cli::ConfigArgs, configuration, exit};

/// Draws the pipelines as text.
pub(crate) fn run(args: &ConfigArgs) -> ExitCode {
    match configuration::checked(&configuration::sources(args, false), &args.set) {
        Err(code) => code,
        Ok((_, plan)) => {
            print(&drawn(&plan));
            exit::SUCCESS
        }
    }
}

/// A pipeline a block: its receivers, its processors in their order, its exporters.
fn drawn(plan: &Plan) -> String {
    let mut text = String::new();
    for pipeline in &plan.pipelines {
        let _ = writeln!(text, "{}", pipeline.id);
        let _ = writeln!(text, "  from  {}", names(plan, &pipeline.receivers, ", "));
        if !pipeline.processors.is_empty() {
            let _ = writeln!(text, "  then  {}", names(plan, &pipeline.processors, " -> "));
        }
        let _ = writeln!(text, "  to    {}", names(plan, &pipeline.exporters, ", "));
    }
    text
}

fn names(plan: &Plan, stages: &[Stage], between: &str) -> String {
    let name = |stage: &Stage| {
        let component = &plan.components[stage.component];
        match component.enabled {
            true => component.id.clone(),
            false => format!("{} (switched off)", component.id),
        }
    };
    stages.iter().map(name).collect::<Vec<_>>().join(between)
}
