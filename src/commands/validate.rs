//! `weir validate`.

use std::process::ExitCode;

use super::print;
use crate::{cli::ConfigArgs, configuration, exit};

/// Checks a configuration as `run` does, and starts nothing.
pub(crate) fn run(args: &ConfigArgs) -> ExitCode {
    match configuration::checked(&configuration::sources(args, false), &args.set) {
        Err(code) => code,
        Ok((_, plan)) => {
            let (pipelines, components) = (plan.pipelines.len(), plan.components.len());
            print(&format!("valid: {pipelines} pipelines, {components} components\n"));
            exit::SUCCESS
        }
    }
}
