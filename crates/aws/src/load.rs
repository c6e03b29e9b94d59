//! From settings to what the client of a service needs.

use std::{path::PathBuf, sync::Arc, time::Duration};

use aws_config::{
    BehaviorVersion, SdkConfig, identity::IdentityCache,
    stalled_stream_protection::StalledStreamProtectionConfig, timeout::TimeoutConfig,
};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use weir_core::Clock;

use crate::{Credentials, Error, Http, region::region, time::ClockTime};

/// The longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How AWS is reached. Everything may be left out.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The Region; else see [`region`](crate::region).
    pub region: Option<String>,
    /// A profile of the shared files. Where it is named, credentials come from it and from nowhere else.
    pub profile: Option<String>,
    /// A role that is assumed with the credentials that were found.
    pub role_arn: Option<String>,
    /// What the role's trust policy may ask for.
    pub external_id: Option<String>,
    /// FIPS endpoints; else `AWS_USE_FIPS_ENDPOINT` or the profile.
    pub use_fips: Option<bool>,
    /// Dual-stack endpoints; else `AWS_USE_DUALSTACK_ENDPOINT` or the profile.
    pub use_dual_stack: Option<bool>,
    /// The proxy; else see [`proxy`](crate::proxy). Empty for none.
    pub proxy: Option<String>,
    /// Certificates of the authorities that are believed; else `AWS_CA_BUNDLE`, else the system's.
    pub ca_file: Option<PathBuf>,
    /// How long one attempt may take; half a minute where nothing is said.
    pub timeout: Option<Duration>,
    /// No AWS at all, but a stand-in on this machine: made-up credentials, so that a real key is never sent there.
    pub stand_in: bool,
}

/// What clients of services are made of.
#[derive(Clone, Debug)]
pub struct Aws {
    /// For the SDK's clients. It retries nothing, and caches no credentials: [`Credentials`] does.
    pub sdk: SdkConfig,
    /// The Region.
    pub region: String,
    /// The credentials.
    pub credentials: Arc<Credentials>,
    /// The HTTP client.
    pub http: Http,
}

/// Finds the Region and prepares the rest. Credentials are fetched with the first request: their absence is a failure of
/// requests, not of the start.
///
/// # Errors
/// There is no Region, or proxy or certificates cannot be used.
pub async fn load(settings: &Settings, clock: &Clock) -> Result<Aws, Error> {
    let http = Http::new(settings)?;
    let region = region(settings).await?;
    let credentials = Arc::new(Credentials::new(settings, &region, http.sdk(), clock));
    let provider: Arc<dyn ProvideCredentials> = Arc::<Credentials>::clone(&credentials);
    let timeout = settings.timeout.unwrap_or(Duration::from_secs(30));
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .operation_timeout(timeout)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(region.clone())
        .retry_config(aws_config::retry::RetryConfig::disabled())
        // The timeout is the one limit.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(timeouts)
        .http_client(http.sdk())
        .time_source(ClockTime(clock.clone()))
        .identity_cache(IdentityCache::no_cache())
        .credentials_provider(SharedCredentialsProvider::from(provider));
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(use_fips) = settings.use_fips {
        loader = loader.use_fips(use_fips);
    }
    if let Some(use_dual_stack) = settings.use_dual_stack {
        loader = loader.use_dual_stack(use_dual_stack);
    }
    let sdk = loader.load().await;
    Ok(Aws { sdk, region: region.to_string(), credentials, http })
}
