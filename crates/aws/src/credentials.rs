//! Credentials: the SDK's chain, asked once for all requests.
//!
//! # The chain
//! Environment (`AWS_ACCESS_KEY_ID`), profile, web identity (IRSA: `AWS_WEB_IDENTITY_TOKEN_FILE`), container (ECS, EKS Pod
//! Identity), instance (IMDSv2), in the SDK's order; the first that has any wins. A profile that the configuration names is
//! the only source. `role_arn` is assumed with what was found.
//!
//! # Refreshing
//! - Before they expire (`MARGIN`) one request refreshes them, while the others go on with those that are still good.
//! - Once they have expired, or the service refused them ([`Credentials::refused`]), all wait for one refresh.
//! - A refresh that fails while the old ones are good is tried again after `AGAIN`, and nobody notices.
//! - Every refresh reads files and variables anew: keys that a tool rotates in a profile are found.
//!
//! The SDK's own cache cannot be told that credentials were refused: an expired session would be used until its time.

use std::time::Duration;

use aws_config::{
    BehaviorVersion, Region, default_provider::credentials::DefaultCredentialsChain,
    profile::ProfileFileCredentialsProvider, provider_config::ProviderConfig, sts::AssumeRoleProvider,
};
use aws_credential_types::{
    Credentials as Keys,
    provider::{self, ProvideCredentials, error::CredentialsError, future},
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use parking_lot::Mutex;
use weir_core::{Clock, Quiet, UnixNanos};

use crate::{
    Settings,
    failure::in_words,
    time::{ClockTime, unix_nanos},
};

/// How long before their end credentials are refreshed: at most this, and at most a tenth of their life.
const MARGIN: Duration = Duration::from_mins(5);
/// How long after a refresh that failed the next one is tried, while the old credentials are good.
const AGAIN: Duration = Duration::from_secs(30);
/// What CloudTrail calls the sessions of an assumed role.
const SESSION_NAME: &str = "weir";

/// Credentials that keep themselves fresh.
#[derive(Debug)]
pub struct Credentials {
    source: Source,
    clock: Clock,
    kept: Mutex<Kept>,
    /// Held by the one who refreshes.
    refreshing: tokio::sync::Mutex<()>,
    failures: Quiet,
}

#[derive(Debug, Default)]
struct Kept {
    credentials: Option<Keys>,
    fetched: UnixNanos,
    /// The service refused them.
    refused: bool,
    /// When a refresh failed, in which words, and how many have been tried: who waited takes part in its outcome.
    failed: Option<(UnixNanos, String)>,
    refreshes: u64,
}

/// How good the kept credentials are.
#[derive(Debug)]
enum Have {
    Good(Keys),
    /// Good, but to be refreshed by whoever is free to.
    Ageing(Keys),
    Nothing,
}

impl Credentials {
    /// Credentials as `settings` has them; none is fetched yet.
    pub(crate) fn new(settings: &Settings, region: &Region, http: SharedHttpClient, clock: &Clock) -> Self {
        Self::of(Source::new(settings, region, http, clock), clock)
    }

    fn of(source: Source, clock: &Clock) -> Self {
        Self {
            source,
            clock: clock.clone(),
            kept: Mutex::default(),
            refreshing: tokio::sync::Mutex::default(),
            failures: Quiet::default(),
        }
    }

    /// The service refused the credentials of a request that was sent at `sent`: expired, or revoked. Those fetched since
    /// are others, and stay.
    pub fn refused(&self, sent: UnixNanos) {
        let mut kept = self.kept.lock();
        kept.refused |= kept.fetched <= sent;
    }

    /// The id of the key in use, which is no secret; `None` before the first request.
    pub fn access_key_id(&self) -> Option<String> {
        self.kept.lock().credentials.as_ref().map(|credentials| credentials.access_key_id().to_owned())
    }

    async fn get(&self) -> provider::Result {
        match self.have() {
            Have::Good(credentials) => Ok(credentials),
            Have::Ageing(old) => match self.refreshing.try_lock() {
                Ok(_mine) => self.refresh().await.or(Ok(old)),
                Err(_) => Ok(old),
            },
            Have::Nothing => {
                let before = self.kept.lock().refreshes;
                let _mine = self.refreshing.lock().await;
                match self.have() {
                    Have::Good(credentials) | Have::Ageing(credentials) => return Ok(credentials),
                    Have::Nothing => {}
                }
                if let Some(words) = self.failed_since(before) {
                    return Err(CredentialsError::provider_error(words));
                }
                self.refresh().await
            }
        }
    }

    /// The words of the last refresh, if it failed, and was not among the first `before`.
    fn failed_since(&self, before: u64) -> Option<String> {
        let kept = self.kept.lock();
        kept.failed.as_ref().filter(|_| kept.refreshes != before).map(|(_, words)| words.clone())
    }

    fn have(&self) -> Have {
        let now = self.clock.now();
        let kept = self.kept.lock();
        let Some(credentials) = kept.credentials.clone().filter(|_| !kept.refused) else {
            return Have::Nothing;
        };
        let Some(expiry) = credentials.expiry().map(unix_nanos) else { return Have::Good(credentials) };
        let left = expiry.since(now);
        if left.is_zero() {
            return Have::Nothing;
        }
        let margin = MARGIN.min(expiry.since(kept.fetched) / 10);
        let may_try = kept.failed.as_ref().is_none_or(|(at, _)| now.since(*at) >= AGAIN);
        if left <= margin && may_try { Have::Ageing(credentials) } else { Have::Good(credentials) }
    }

    /// Asks the source; the caller holds `refreshing`.
    async fn refresh(&self) -> provider::Result {
        let asked = self.clock.now();
        let outcome = self.source.fetch().await;
        let mut kept = self.kept.lock();
        kept.refreshes += 1;
        match outcome {
            Ok(credentials) => {
                kept.credentials = Some(credentials.clone());
                // When it was asked: a request that was sent meanwhile had the old ones.
                kept.fetched = asked;
                kept.refused = false;
                kept.failed = None;
                Ok(credentials)
            }
            Err(error) => {
                let (now, words) = (self.clock.now(), why_none(&error));
                if let Some(suppressed) = self.failures.speak(now) {
                    tracing::warn!(suppressed, "no AWS credentials: {words}");
                }
                kept.failed = Some((now, words.clone()));
                Err(CredentialsError::provider_error(words))
            }
        }
    }
}

/// Why there are no credentials: the words of each source that was asked, and what they do not say of the commonest cause.
fn why_none(error: &CredentialsError) -> String {
    let mut words = in_words(error);
    if words.contains("could not communicate with IMDS") {
        words.push_str("; the instance's metadata is out of reach of a container where its hop limit is 1");
    }
    words
}

impl ProvideCredentials for Credentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.get())
    }
}

/// Where credentials come from.
#[derive(Debug)]
enum Source {
    /// Made up, for a stand-in on this machine.
    StandIn,
    Chain(Box<Chain>),
    #[cfg(test)]
    Test(tests::Script),
}

/// The SDK's chain, and the role that is assumed with it.
#[derive(Debug)]
struct Chain {
    profile: Option<String>,
    role: Option<(String, Option<String>)>,
    region: Region,
    http: SharedHttpClient,
    clock: Clock,
}

impl Source {
    fn new(settings: &Settings, region: &Region, http: SharedHttpClient, clock: &Clock) -> Self {
        if settings.stand_in {
            return Self::StandIn;
        }
        Self::Chain(Box::new(Chain {
            profile: settings.profile.clone(),
            role: settings.role_arn.clone().map(|role| (role, settings.external_id.clone())),
            region: region.clone(),
            http,
            clock: clock.clone(),
        }))
    }

    async fn fetch(&self) -> provider::Result {
        match self {
            Self::StandIn => Ok(Keys::new("local", "local", None, None, "weir")),
            Self::Chain(chain) => chain.fetch().await,
            #[cfg(test)]
            Self::Test(script) => script.fetch().await,
        }
    }
}

impl Chain {
    async fn fetch(&self) -> provider::Result {
        let Some((role, external_id)) = &self.role else { return self.base().await };
        let base = self.base().await?;
        // Loaded, so that STS is found where the environment and the profile say.
        let mut sts = aws_config::defaults(BehaviorVersion::latest())
            .region(self.region.clone())
            .http_client(self.http.clone())
            .time_source(ClockTime(self.clock.clone()))
            .credentials_provider(base.clone());
        if let Some(profile) = &self.profile {
            sts = sts.profile_name(profile);
        }
        let sts = sts.load().await;
        let mut role = AssumeRoleProvider::builder(role).session_name(SESSION_NAME).configure(&sts);
        if let Some(external_id) = external_id {
            role = role.external_id(external_id);
        }
        role.build_from_provider(base).await.provide_credentials().await
    }

    /// What the chain has. Made anew each time, so that files and variables are read again.
    async fn base(&self) -> provider::Result {
        let config = ProviderConfig::without_region()
            .with_region(Some(self.region.clone()))
            .with_http_client(self.http.clone())
            .with_time_source(ClockTime(self.clock.clone()));
        match &self.profile {
            Some(profile) => {
                let provider =
                    ProfileFileCredentialsProvider::builder().configure(&config).profile_name(profile);
                provider.build().provide_credentials().await
            }
            None => {
                let chain = DefaultCredentialsChain::builder().region(self.region.clone()).configure(config);
                chain.build().await.provide_credentials().await
            }
        }
    }
}

#[cfg(test)]
mod tests;
