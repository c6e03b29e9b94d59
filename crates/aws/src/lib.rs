//! How Weir reaches AWS: the only user of `aws-config`.
//!
//! # Layout
//! - [`load()`]: from [`Settings`] to what clients of a service need: Region, credentials, HTTP client;
//! - [`region`]: where the Region comes from, in which order;
//! - [`credentials`]: the SDK's chain, refreshed once for all who ask;
//! - [`http`]: the one HTTP client, with proxy and certificates, for the SDK and for requests of our own;
//! - [`proxy`]: which hosts are reached through a proxy;
//! - [`imds`], [`ecs`], [`ec2`]: what an instance and a task say of themselves; [`failure`]: why they did not;
//! - `roots`: which certificate authorities are believed; `time`: the context's clock in the SDK's terms.
//!
//! # Invariants
//! - Metadata and credentials endpoints are never reached through a proxy.
//! - Nothing here retries `PutMetricData`: that is the exporter's.
//! - No secret is in an error, a log or a `Debug`.

pub mod credentials;
pub mod ec2;
pub mod ecs;
pub mod failure;
pub mod http;
pub mod imds;
pub mod load;
pub mod proxy;
pub mod region;
mod roots;
mod time;

use std::path::PathBuf;

pub use credentials::Credentials;
pub use http::{Http, HttpError, never_connected};
pub use load::{Aws, Settings, load};

/// Why AWS cannot be reached at all: found at the start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No source knows the Region.
    #[error(
        "no AWS Region: `region` is not set, neither are AWS_REGION and AWS_DEFAULT_REGION, {profile} has none, and the \
         instance's metadata service did not tell; set `region`"
    )]
    NoRegion {
        /// The profile that was asked, in words.
        profile: String,
    },
    /// The proxy is not a URL.
    #[error("the proxy given by {source_name} is not a URL such as http://proxy.example.com:3128: {why}")]
    Proxy {
        /// Which key or variable gives it. Not the URL itself: it may hold a password.
        source_name: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A file of certificates cannot be used.
    #[error("the certificates in {path}, given by {source_name}, cannot be used: {why}")]
    Certificates {
        /// The file.
        path: PathBuf,
        /// Which key or variable names it.
        source_name: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// This system has no certificates.
    #[error(
        "this system has no certificates of authorities, so that no TLS server can be believed: install them (ca-certificates), \
         or name a file of them by `tls.ca_file` or AWS_CA_BUNDLE"
    )]
    NoRoots,
}
