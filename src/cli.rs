//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

const AFTER_HELP: &str = "\
Examples:
  weir run --local                   see this machine's metrics arrive in a CloudWatch in memory
  weir run -c weir.yaml              run a configuration
  weir validate -c weir.yaml         check it, every error at once
  weir components delta              the keys of a component
  weir run --once -c weir.yaml       collect once, send, and end
  weir health -c weir.yaml           whether the Weir of this configuration is ready, for a probe

Exit codes: 0 success, 1 a failure at run time, 2 wrong usage or configuration, 4 could not reach or not allowed";

/// A metrics engine in the OpenTelemetry Collector's shape, made for Amazon CloudWatch
#[derive(Debug, Parser)]
#[command(name = "weir", version, after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a configuration until it is told to stop (the default command)
    Run(RunArgs),
    /// Check a configuration: every error and warning at once, nothing is started
    Validate(ConfigArgs),
    /// List the components, or show one with its keys, types and defaults
    Components(ComponentsArgs),
    /// Draw the pipelines of a configuration
    Graph(GraphArgs),
    /// Print the configuration as it is after merging and substitution, without secrets
    PrintConfig(PrintConfigArgs),
    /// Ask the running Weir of a configuration whether it is ready: 0 yes, 1 no, 4 it does not answer
    Health(HealthArgs),
    /// Show whom the running Weir of a configuration scrapes, and why a scrape failed: 1 where one did
    Targets(TargetsArgs),
    /// Print the script that completes this command line in a shell
    Completions(CompletionsArgs),
}

/// Where the configuration comes from.
#[derive(Debug, Default, Args)]
pub(crate) struct ConfigArgs {
    /// A file, or a folder of *.yaml files; later ones are merged over earlier ones
    #[arg(short, long = "config", value_name = "FILE")]
    pub(crate) config: Vec<PathBuf>,
    /// Set one value over all files, such as exporters.cloudwatch.period=10s
    #[arg(long, value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Send to a CloudWatch in memory instead, and show what arrives; without -c, run a built-in configuration
    #[arg(long)]
    pub(crate) local: bool,
    /// Collect once from every receiver that collects, send what came of it, and end
    #[arg(long, conflicts_with = "local")]
    pub(crate) once: bool,
    /// How the log is written: text for people, json for machines
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
    /// Let time run this many times as fast (for tests)
    #[arg(long, hide = true, value_parser = clock_rate)]
    pub(crate) clock_rate: Option<f64>,
}

#[derive(Debug, Args)]
pub(crate) struct PrintConfigArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Show secrets too
    #[arg(long)]
    pub(crate) unredacted: bool,
    /// Show defaults too, and behind each value where it came from
    #[arg(long)]
    pub(crate) origins: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GraphArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Text, or a language that draws
    #[arg(long, value_enum, default_value_t = GraphFormat::Text)]
    pub(crate) format: GraphFormat,
}

/// How a graph is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    Text,
    Mermaid,
    Dot,
}

#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Where the admin listener or health_check listens; else it is read from the configuration
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["config", "set"])]
    pub(crate) endpoint: Option<String>,
    /// Ask for liveness in place of readiness
    #[arg(long)]
    pub(crate) live: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TargetsArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Where the admin listener is; else it is read from the configuration
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["config", "set"])]
    pub(crate) endpoint: Option<String>,
    /// Show the targets of this job alone
    #[arg(long)]
    pub(crate) job: Option<String>,
    /// Show those alone whose last scrape failed
    #[arg(long)]
    pub(crate) down: bool,
    /// Write JSON, with the labels of each target
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// For which shell
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ComponentsArgs {
    /// A component's type or alias
    pub(crate) name: Option<String>,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

fn clock_rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.001..=1e6).contains(&rate) => Ok(rate),
        _ => Err("expected a number from 0.001 to 1000000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn run_is_the_command_when_none_is_named() {
        let cli = Cli::try_parse_from(["weir", "-c", "a.yaml", "--local"]).unwrap();
        assert!(cli.command.is_none() && cli.run.local);
        assert_eq!(cli.run.config.config, [PathBuf::from("a.yaml")]);
    }
}
