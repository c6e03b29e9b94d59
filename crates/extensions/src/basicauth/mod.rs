//! `basicauth`: senders of other components are known by a name and a password, by the Collector's name and keys.

mod config;

use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use weir_core::{ComponentError, Context, Extension, ExtensionFactory, Factory, Health};
use weir_net::{
    Authenticator, Reloaded,
    auth::basic::{Basic, Users},
};

pub use config::{BasicAuthConfig, Htpasswd};

/// Makes `basicauth` extensions.
#[derive(Debug)]
pub struct BasicAuth;

impl Factory for BasicAuth {
    type Config = BasicAuthConfig;
    const TYPE: &'static str = "basicauth";
    const ALIASES: &'static [&'static str] = &["basic_auth"];
    const SUMMARY: &'static str = "checks senders by a name and a password";
}

impl ExtensionFactory for BasicAuth {
    fn build(config: BasicAuthConfig, context: Context, _health: Health) -> Box<dyn Extension> {
        Box::new(Checking { config, context, users: None })
    }
}

struct Checking {
    config: BasicAuthConfig,
    context: Context,
    users: Option<Arc<Reloaded<Users>>>,
}

#[async_trait]
impl Extension for Checking {
    async fn start(&mut self) -> Result<(), ComponentError> {
        let Htpasswd { file, inline, .. } = &self.config.htpasswd;
        let inline = inline.clone();
        let users = Reloaded::load(file.clone().into_iter().collect(), move |files| {
            let texts = files.iter().map(Vec::as_slice).chain([inline.expose().as_bytes()]);
            Users::of(&texts.collect::<Vec<_>>())
        });
        let users = Arc::new(users.map_err(|error| ComponentError::Unavailable(error.to_string()))?);
        let basic = Basic::new(Arc::clone(&users));
        self.context.offers.offer(&self.context.id, Arc::new(Authenticator::Basic(basic)));
        self.users = Some(users);
        Ok(())
    }

    async fn run(self: Box<Self>, stop: CancellationToken) -> Result<(), ComponentError> {
        let watching = async {
            match &self.users {
                Some(users) => users.watch(self.config.htpasswd.reload_interval.0).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            never = watching => match never {},
            () = stop.cancelled() => Ok(()),
        }
    }
}
