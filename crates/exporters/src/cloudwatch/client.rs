//! The client of CloudWatch: as `weir-aws` reaches AWS, at the endpoint of the configuration.
//!
//! An endpoint on a loopback address is no AWS: without `profile` or `role_arn` it gets made-up credentials, so that a real
//! key is never sent there and none is needed; with one of them it may be a tunnel to the real one, and gets real ones.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use aws_sdk_cloudwatch::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{BeforeTransmitInterceptorContextMut, BeforeTransmitInterceptorContextRef},
    },
    error::BoxError,
};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use weir_aws::{Aws, Credentials, Settings};
use weir_core::{Clock, ComponentError};

use super::{
    body::Body,
    classify::{Failure, classify},
    config::Config,
};

/// The Region of a local endpoint that was given none.
const LOCAL_REGION: &str = "us-east-1";

/// A client and where it sends to.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) sdk: aws_sdk_cloudwatch::Client,
    pub(super) credentials: Arc<Credentials>,
    pub(super) region: String,
    clock: Clock,
}

impl Client {
    /// Looks the Region up and prepares the chain of credentials; these are fetched with the first request.
    ///
    /// # Errors
    /// There is no Region, or proxy or certificates cannot be used.
    pub(super) async fn new(config: &Config, clock: &Clock) -> Result<Self, ComponentError> {
        let stand_in = config.is_stand_in();
        let settings = Settings {
            region: config.region.clone().or_else(|| stand_in.then(|| LOCAL_REGION.to_owned())),
            profile: config.profile.clone(),
            role_arn: config.role_arn.clone(),
            external_id: config.external_id.clone(),
            use_fips: config.use_fips,
            use_dual_stack: config.use_dual_stack,
            proxy: config.proxy.as_ref().map(|proxy| proxy.expose().to_owned()),
            ca_file: config.tls.ca_file.clone(),
            timeout: Some(config.timeout.0),
            stand_in,
        };
        let Aws { sdk, region, credentials, .. } = weir_aws::load(&settings, clock)
            .await
            .map_err(|error| ComponentError::Unavailable(error.to_string()))?;
        let mut builder = aws_sdk_cloudwatch::config::Builder::from(&sdk);
        if let Some(endpoint) = &config.endpoint {
            // For CloudWatch alone: the role is still assumed at STS. What an environment chooses among AWS's own endpoints is not for
            // this one: together the SDK takes them for a mistake, and no request would ever be sent.
            builder = builder.endpoint_url(endpoint).use_fips(false).use_dual_stack(false);
        }
        let sdk = aws_sdk_cloudwatch::Client::from_conf(builder.build());
        Ok(Self { sdk, credentials, region, clock: clock.clone() })
    }

    /// One attempt.
    pub(super) async fn put(&self, namespace: &str, body: &Body) -> Result<(), Failure> {
        let prepared =
            Prepared { body: body.bytes().clone(), is_gzip: body.is_gzip(), is_sent: Arc::default() };
        let is_sent = Arc::clone(&prepared.is_sent);
        let call = self.sdk.put_metric_data().namespace(namespace).customize().interceptor(prepared);
        call.send().await.map(drop).map_err(|error| {
            let failure = classify(&error, self.clock.now());
            let fate_unknown = failure.fate_unknown && is_sent.load(Relaxed);
            Failure { fate_unknown, ..failure }
        })
    }
}

/// Puts the body that was written long ago in place of the SDK's, which is empty: endpoint, signature, transport, time
/// limits and errors stay the SDK's.
#[derive(Debug)]
struct Prepared {
    body: Bytes,
    is_gzip: bool,
    /// Whether the request got as far as the transport.
    is_sent: Arc<AtomicBool>,
}

impl Intercept for Prepared {
    fn name(&self) -> &'static str {
        "Prepared"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let headers = request.headers_mut();
        headers.insert("content-length", self.body.len().to_string());
        if self.is_gzip {
            headers.insert("content-encoding", "gzip");
        }
        *request.body_mut() = SdkBody::from(self.body.clone());
        Ok(())
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.is_sent.store(true, Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
