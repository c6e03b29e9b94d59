//! The AWS client: Region, credentials, and no retries of its own.
//!
//! Region: `region`, then `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile, the instance's metadata. Credentials: the SDK's
//! chain (environment, profile, web identity, container, instance), `role_arn` assumed with them. An endpoint on a loopback
//! address is no AWS: without `profile` or `role_arn` it gets made-up credentials, so that a real key is never sent there
//! and none is needed; with `profile` it may be a tunnel to the real one, and gets real ones.

use std::time::Duration;

use aws_config::{
    BehaviorVersion, Region, default_provider::region::DefaultRegionChain,
    stalled_stream_protection::StalledStreamProtectionConfig, sts::AssumeRoleProvider,
};
use aws_sdk_cloudwatch::config::{Credentials, retry::RetryConfig, timeout::TimeoutConfig};
use weir_core::ComponentError;

use super::config::Config;

/// The Region of a local endpoint that was given none.
const LOCAL_REGION: &str = "us-east-1";
/// The longest wait for a connection; `timeout` holds for the whole attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A client and where it sends to.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) sdk: aws_sdk_cloudwatch::Client,
    pub(super) region: String,
}

impl Client {
    /// Looks the Region up and prepares the chain of credentials; these are fetched with the first request.
    ///
    /// # Errors
    /// There is no Region.
    pub(super) async fn new(config: &Config) -> Result<Self, ComponentError> {
        let is_stand_in = config.is_local() && config.profile.is_none() && config.role_arn.is_none();
        let region = match &config.region {
            Some(region) => Some(Region::new(region.clone())),
            None if is_stand_in => Some(Region::from_static(LOCAL_REGION)),
            None => look_up_region(config).await,
        };
        let Some(region) = region else {
            return Err(ComponentError::Unavailable(
                "no AWS Region: set `region`, AWS_REGION, or a Region in the profile".to_owned(),
            ));
        };
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT.min(config.timeout.0))
            .operation_timeout(config.timeout.0)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(region.clone())
            .retry_config(RetryConfig::disabled())
            // `timeout` is the one limit.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .timeout_config(timeouts);
        if let Some(profile) = &config.profile {
            loader = loader.profile_name(profile);
        }
        if is_stand_in {
            loader = loader.credentials_provider(Credentials::new("local", "local", None, None, "weir"));
        }
        let mut shared = loader.load().await;
        if let Some(role) = &config.role_arn {
            let assumed = AssumeRoleProvider::builder(role).session_name("weir").configure(&shared);
            let provider = assumed.region(region.clone()).build().await;
            let provider = aws_sdk_cloudwatch::config::SharedCredentialsProvider::new(provider);
            shared = shared.into_builder().credentials_provider(provider).build();
        }
        let mut sdk = aws_sdk_cloudwatch::config::Builder::from(&shared);
        if let Some(endpoint) = &config.endpoint {
            // For CloudWatch alone: the role is still assumed at STS.
            sdk = sdk.endpoint_url(endpoint);
        }
        let sdk = aws_sdk_cloudwatch::Client::from_conf(sdk.build());
        Ok(Self { sdk, region: region.to_string() })
    }
}

async fn look_up_region(config: &Config) -> Option<Region> {
    let mut chain = DefaultRegionChain::builder();
    if let Some(profile) = &config.profile {
        chain = chain.profile_name(profile);
    }
    chain.build().region().await
}
