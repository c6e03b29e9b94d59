//! From `-c` and `--set` to a checked plan, with every error rendered at once.

use std::{io::IsTerminal, process::ExitCode};

use weir_config::{Diagnostics, Document, Env, Node, Severity, Source, load};
use weir_core::{ComponentKind, Plan, plan};

use crate::{cli::ConfigArgs, commands::say, exit, registry};

/// The configuration of `weir run --local`.
pub(crate) const LOCAL: &str = include_str!("../configs/local.yaml");

/// Where to read from: the files that were named, or the built-in configuration.
pub(crate) fn sources(args: &ConfigArgs, built_in: bool) -> Vec<Source> {
    if args.config.is_empty() && built_in {
        return vec![Source::Text { name: "configs/local.yaml".to_owned(), text: LOCAL.to_owned() }];
    }
    args.config.iter().cloned().map(Source::File).collect()
}

/// Reads and checks; errors and warnings are written to standard error. The same for every command, so that `validate` and `run`
/// cannot disagree.
pub(crate) fn checked(sources: &[Source], sets: &[String]) -> Result<(Document, Plan), ExitCode> {
    if sources.is_empty() {
        say("no configuration: name one with -c FILE, or try `weir run --local`\n");
        return Err(exit::usage());
    }
    let mut diags = Diagnostics::new();
    let document = load(sources, sets, &Env::process(), &mut diags);
    // A tree with holes in it would only bring follow-up errors about what could not be read.
    let plan =
        if document.is_complete() { plan(document.root(), &registry::all(), &mut diags) } else { None };
    if !diags.is_empty() {
        say(&diags.render(document.sources(), std::io::stderr().is_terminal()));
        let count = |severity, one: &str, many: &str| match diags.count(severity) {
            0 => None,
            1 => Some(format!("1 {one}")),
            n => Some(format!("{n} {many}")),
        };
        let found =
            [count(Severity::Error, "error", "errors"), count(Severity::Warning, "warning", "warnings")];
        say(&format!("\n{}\n", found.into_iter().flatten().collect::<Vec<_>>().join(", ")));
    }
    match plan {
        Some(plan) if !diags.has_errors() => Ok((document, plan)),
        _ => Err(exit::usage()),
    }
}

/// `--set` values that point every CloudWatch exporter of a configuration at `endpoint`.
pub(crate) fn redirect(sources: &[Source], sets: &[String], endpoint: &str) -> Vec<String> {
    // What is wrong with the configuration is reported when it is read for good.
    let document = load(sources, sets, &Env::process(), &mut Diagnostics::new());
    let registry = registry::all();
    let cloudwatch = |id: &str| {
        let name = id.split('/').next().unwrap_or(id);
        registry.iter().any(|component| {
            component.kind == ComponentKind::Exporter
                && component.type_name == "cloudwatch"
                && component.is_called(name)
        })
    };
    let exporters = document.root().get("exporters").map(Node::entries).unwrap_or_default();
    let ids = exporters.iter().map(|entry| entry.key.as_str()).filter(|id| cloudwatch(id));
    ids.map(|id| format!("exporters.\"{id}\".endpoint={endpoint}")).collect()
}
