//! Weir's own metrics: the OpenTelemetry SDK with a Prometheus reader.

use std::sync::Arc;

use anyhow::Context as _;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Encoder, Registry, TextEncoder};
use weir_core::Process;
use weir_extensions::admin::MetricsText;

/// Keeps the instruments registered for as long as it is held.
pub(crate) struct Telemetry {
    _provider: SdkMeterProvider,
    /// Renders what `/metrics` shows.
    pub(crate) text: MetricsText,
}

/// Registers the process's instruments. Names get no unit and type suffixes, as the Collector's own have none.
pub(crate) fn start(process: &Process) -> anyhow::Result<Telemetry> {
    let registry = Registry::new();
    let reader = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .without_units()
        .without_counter_suffixes()
        .scope_info_enabled(false)
        .without_target_info()
        .build()
        .context("cannot make the reader of Weir's own metrics")?;
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
    weir_core::telemetry::register(&provider.meter("weir"), process);
    let text = Arc::new(move || {
        let mut text = Vec::new();
        match TextEncoder::new().encode(&registry.gather(), &mut text) {
            Ok(()) => String::from_utf8_lossy(&text).into_owned(),
            Err(error) => format!("# {error}\n"),
        }
    });
    Ok(Telemetry { _provider: provider, text })
}
