//! `weir print-config`.

use std::process::ExitCode;

use weir_config::to_yaml;

use super::print;
use crate::{cli::PrintConfigArgs, configuration, exit};

/// Prints the configuration after merging and substitution.
pub(crate) fn run(args: &PrintConfigArgs) -> ExitCode {
    match configuration::checked(&configuration::sources(&args.config, false), &args.config.set) {
        Err(code) => code,
        Ok((document, _)) => {
            print(&to_yaml(document.root(), !args.unredacted));
            exit::SUCCESS
        }
    }
}
