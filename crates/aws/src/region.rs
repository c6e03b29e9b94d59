//! Where the Region comes from. In this order:
//!
//! 1. `region` in the configuration;
//! 2. `AWS_REGION`, which EKS sets for IRSA and Pod Identity, and Lambda and ECS by themselves;
//! 3. `AWS_DEFAULT_REGION`;
//! 4. `region` of the profile: the one that the configuration names, else `AWS_PROFILE`, else `default`;
//! 5. the instance's metadata service. Where that is out of reach, as from a pod behind a hop limit of 1, this step takes a
//!    few seconds and fails: set `AWS_REGION` there.
//!
//! Without a Region Weir does not start: guessed, it would create metrics where nobody looks.

use aws_config::{Region, default_provider::region::DefaultRegionChain};

use crate::{Error, Settings};

/// The Region of `settings`, or of the first source that knows one.
///
/// # Errors
/// None does.
pub async fn region(settings: &Settings) -> Result<Region, Error> {
    if let Some(region) = &settings.region {
        return Ok(Region::new(region.clone()));
    }
    let mut chain = DefaultRegionChain::builder();
    if let Some(profile) = &settings.profile {
        chain = chain.profile_name(profile);
    }
    chain.build().region().await.ok_or_else(|| {
        let profile = settings.profile.clone().or_else(|| std::env::var("AWS_PROFILE").ok());
        Error::NoRegion { profile: format!("the profile `{}`", profile.as_deref().unwrap_or("default")) }
    })
}
