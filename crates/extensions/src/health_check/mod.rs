//! `health_check`: the admin listener's health routes on a port of their own, by the Collector's name and at its address.
//!
//! `/` and `/ready` say whether Weir can accept, `/live` whether every node makes progress, `/status` more.

mod config;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use weir_core::{ComponentError, Context, Extension, ExtensionFactory, Factory, Health};
use weir_net::{Endpoint, Listener};

pub use config::HealthCheckConfig;

use crate::admin;

/// Makes `health_check` extensions.
#[derive(Debug)]
pub struct HealthCheck;

impl Factory for HealthCheck {
    type Config = HealthCheckConfig;
    const TYPE: &'static str = "health_check";
    const ALIASES: &'static [&'static str] = &["healthcheck"];
    const SUMMARY: &'static str = "Answers health probes: /live, /ready and /status";
}

impl ExtensionFactory for HealthCheck {
    fn build(config: HealthCheckConfig, context: Context, health: Health) -> Box<dyn Extension> {
        Box::new(Server { config, context, health, listener: None })
    }
}

struct Server {
    config: HealthCheckConfig,
    context: Context,
    health: Health,
    listener: Option<Listener>,
}

#[async_trait]
impl Extension for Server {
    async fn start(&mut self) -> Result<(), ComponentError> {
        let endpoint = &self.config.endpoint;
        let unavailable = |what: String| ComponentError::Unavailable(what);
        let endpoint = Endpoint::tcp(endpoint)
            .ok_or_else(|| unavailable(format!("`{endpoint}` is not an address to listen on")))?;
        let listener = Listener::bind(endpoint).await.map_err(|error| unavailable(error.to_string()))?;
        self.context.status.listening(listener.local_addr());
        self.listener = Some(listener);
        Ok(())
    }

    async fn run(self: Box<Self>, stop: CancellationToken) -> Result<(), ComponentError> {
        match self.listener {
            Some(listener) => admin::serve(listener, self.health, None, stop).await,
            None => stop.cancelled().await,
        }
        Ok(())
    }
}
