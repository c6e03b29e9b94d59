//! Weir's own log, on standard error.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{cli::LogFormat, local::Screen};

/// Begins to log by way of `screen`. `RUST_LOG` wins over the configured level.
pub(crate) fn start(format: LogFormat, level: &str, screen: Screen) {
    let writer = move || screen.clone();
    // Libraries below warning level speak of themselves, not of Weir.
    let default = || {
        EnvFilter::new(
            crates()
                .map(|name| format!("{name}={level}"))
                .fold("warn".to_owned(), |all, one| all + "," + &one),
        )
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| default());
    let registry = tracing_subscriber::registry().with(filter);
    let started = match format {
        LogFormat::Text => registry
            .with(fmt::layer().with_writer(writer).with_ansi(stderr().is_terminal()).with_target(false))
            .try_init(),
        LogFormat::Json => {
            registry.with(fmt::layer().json().flatten_event(true).with_writer(writer)).try_init()
        }
    };
    // Only a second call could fail, and then there is a log already.
    drop(started);
}

/// The crates whose log is Weir's.
fn crates() -> impl Iterator<Item = &'static str> {
    [
        "weir",
        "weir_core",
        "weir_receivers",
        "weir_processors",
        "weir_exporters",
        "weir_extensions",
        "weir_net",
    ]
    .into_iter()
}
