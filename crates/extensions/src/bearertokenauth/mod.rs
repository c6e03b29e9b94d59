//! `bearertokenauth`: senders of other components are known by a token, by the Collector's name and keys.

mod config;

use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use weir_core::{ComponentError, Context, Extension, ExtensionFactory, Factory, Health};
use weir_net::{
    Authenticator, Reloaded,
    auth::bearer::{Bearer, Tokens},
};

pub use config::BearerTokenAuthConfig;

/// Makes `bearertokenauth` extensions.
#[derive(Debug)]
pub struct BearerTokenAuth;

impl Factory for BearerTokenAuth {
    type Config = BearerTokenAuthConfig;
    const TYPE: &'static str = "bearertokenauth";
    const ALIASES: &'static [&'static str] = &["bearer_token_auth"];
    const SUMMARY: &'static str = "checks senders by a bearer token";
}

impl ExtensionFactory for BearerTokenAuth {
    fn build(config: BearerTokenAuthConfig, context: Context, _health: Health) -> Box<dyn Extension> {
        Box::new(Checking { config, context, tokens: None })
    }
}

struct Checking {
    config: BearerTokenAuthConfig,
    context: Context,
    tokens: Option<Arc<Reloaded<Tokens>>>,
}

#[async_trait]
impl Extension for Checking {
    async fn start(&mut self) -> Result<(), ComponentError> {
        let config = &self.config;
        let cannot = |error: &dyn std::fmt::Display| ComponentError::Unavailable(error.to_string());
        let header = config.header.parse().map_err(|error| cannot(&error))?;
        let (configured, files) = (config.tokens(), config.filename.clone().into_iter().collect());
        let tokens = Reloaded::load(files, move |files| Tokens::of(&configured, files));
        let tokens = Arc::new(tokens.map_err(|error| cannot(&error))?);
        let bearer = Bearer::new(header, &config.scheme, Arc::clone(&tokens));
        self.context.offers.offer(&self.context.id, Arc::new(Authenticator::Bearer(bearer)));
        self.tokens = Some(tokens);
        Ok(())
    }

    async fn run(self: Box<Self>, stop: CancellationToken) -> Result<(), ComponentError> {
        let watching = async {
            match &self.tokens {
                Some(tokens) => tokens.watch(self.config.reload_interval.0).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            never = watching => match never {},
            () = stop.cancelled() => Ok(()),
        }
    }
}
