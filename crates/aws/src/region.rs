//! Where the Region comes from. In this order:
//!
//! 1. `region` in the configuration;
//! 2. `AWS_REGION`, which EKS sets for IRSA and Pod Identity, and Lambda and ECS by themselves;
//! 3. `AWS_DEFAULT_REGION`;
//! 4. `region` of the profile: the one that the configuration names, else `AWS_PROFILE`, else `default`;
//! 5. the instance's metadata service. Where that is out of reach, as from a pod behind a hop limit of 1, this step takes a
//!    few seconds and fails: set `AWS_REGION` there.
//!
//! A variable that is empty, as a manifest leaves it for want of a value, is as one that is not set. The SDK's own chain takes it for a
//! Region without a name, which no request ever reaches.
//!
//! Without a Region Weir does not start: guessed, it would create metrics where nobody looks.

use aws_config::{
    Region, imds::region::ImdsRegionProvider, meta::region::RegionProviderChain,
    profile::ProfileFileRegionProvider,
};

use crate::{Error, Settings};

/// The Region of `settings`, or of the first source that knows one.
///
/// # Errors
/// None does.
pub async fn region(settings: &Settings) -> Result<Region, Error> {
    let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.trim().is_empty());
    let named = settings.region.clone().or_else(|| variable("AWS_REGION"));
    if let Some(region) = named.or_else(|| variable("AWS_DEFAULT_REGION")) {
        return Ok(Region::new(region));
    }
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &settings.profile {
        profile = profile.profile_name(name);
    }
    let chain = RegionProviderChain::first_try(profile.build());
    chain.or_else(ImdsRegionProvider::builder().build()).region().await.ok_or_else(|| {
        let profile = settings.profile.clone().or_else(|| std::env::var("AWS_PROFILE").ok());
        Error::NoRegion { profile: format!("the profile `{}`", profile.as_deref().unwrap_or("default")) }
    })
}
