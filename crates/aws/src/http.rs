//! The one HTTP client to AWS: for the SDK, and for requests of our own (metadata, signed calls of small APIs).

use std::{sync::Arc, time::Duration};

use aws_smithy_http_client::{Builder, Connector, tls};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, HttpConnectorSettings, SharedHttpClient},
    orchestrator::HttpRequest,
};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};

use crate::{Error, Settings, failure::in_words, proxy::Proxy, roots};

/// How long an idle connection is kept: shorter than servers keep theirs, so that a request seldom meets a connection that
/// is being closed, which would look like an answer that was lost.
const IDLE: Duration = Duration::from_secs(20);
/// The longest wait for a connection of our own requests.
const CONNECT: Duration = Duration::from_secs(2);
/// The largest answer to a request of our own.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// Clients that share proxy and certificates.
#[derive(Clone, Debug)]
pub struct Http {
    sdk: SharedHttpClient,
    own: Arc<Connector>,
}

/// Why a request of our own has no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No connection, or one that broke.
    #[error("{0}")]
    Connection(String),
    /// The time is over.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The request is not one that can be sent.
    #[error("not a request: {0}")]
    Request(String),
    /// An answer that breaks off, or is larger than 1 MiB.
    #[error("the answer cannot be read: {0}")]
    Answer(String),
}

impl Http {
    /// A client with the proxy and the certificates of `settings` and of the environment.
    ///
    /// # Errors
    /// The proxy is no URL, or there are no certificates.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let proxy = Proxy::find(settings.proxy.as_deref(), |name| std::env::var(name).ok());
        let proxy = proxy.map(|proxy| proxy.config()).transpose()?;
        let tls = roots::context(settings.ca_file.as_deref(), settings.stand_in)?;
        let connector = move |settings: HttpConnectorSettings| {
            let mut builder = Connector::builder().connector_settings(settings).pool_idle_timeout(IDLE);
            builder.set_proxy_config(proxy.clone());
            builder
                .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
                .tls_context(tls.clone())
                .build()
        };
        let own = connector(HttpConnectorSettings::builder().connect_timeout(CONNECT).build());
        // It keeps one connector, with its connections, for each set of timeouts.
        let sdk = Builder::new().build_with_connector_fn(move |settings, _| {
            connector(settings.cloned().unwrap_or_else(|| HttpConnectorSettings::builder().build()))
        });
        Ok(Self { sdk, own: Arc::new(own) })
    }

    /// For the SDK.
    pub fn sdk(&self) -> SharedHttpClient {
        self.sdk.clone()
    }

    /// Sends a request of our own and reads the whole answer, whatever its status, within `limit`.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn send(
        &self,
        request: http::Request<String>,
        limit: Duration,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let request = HttpRequest::try_from(request.map(SdkBody::from))
            .map_err(|error| HttpError::Request(error.to_string()))?;
        let exchange = async {
            let response = self.own.call(request).await;
            let response = response.map_err(|error| HttpError::Connection(in_words(&error)))?;
            let broken = |error: &dyn std::fmt::Display| HttpError::Answer(error.to_string());
            let (parts, body) = response.try_into_http1x().map_err(|error| broken(&error))?.into_parts();
            let body =
                Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|error| broken(&error))?;
            Ok(http::Response::from_parts(parts, body.to_bytes()))
        };
        tokio::time::timeout(limit, exchange).await.unwrap_or(Err(HttpError::Timeout(limit)))
    }
}

/// Whether an error says that there was no connection, so that nothing was sent.
pub fn never_connected(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .filter_map(|error| error.downcast_ref::<hyper_util::client::legacy::Error>())
        .any(hyper_util::client::legacy::Error::is_connect)
}
