//! How targets, `http_sd` and token servers are asked: the HTTP client of a section, with what it shows of itself.
//!
//! # Layout
//! - [`Asker`]: sends a `GET` with the section's headers and follows redirects; `headers`: what it shows; `oauth2`: tokens;
//! - `settings`: from keys to the client of [`weir_net`].

mod headers;
mod oauth2;
mod settings;

use std::{convert::Infallible, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    HeaderMap, Request, Response, StatusCode, Uri,
    body::Incoming,
    header::{AUTHORIZATION, LOCATION},
};
use weir_core::Clock;
use weir_net::{ClientError, HttpClient, LoadError, Reloaded, SystemRoots, client::same_server};

use super::config::HttpConfig;
use oauth2::Tokens;

/// How often files with secrets and certificates are looked at.
const LOOK: Duration = Duration::from_secs(5);
/// How many redirects are followed; the next one is one too many (Go's number, and so Prometheus's).
const MAX_REDIRECTS: usize = 10;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AskError {
    /// None came.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The answers led on and on.
    #[error("more than {MAX_REDIRECTS} redirects; the last one leads to `{0}`")]
    TooManyRedirects(String),
    /// An answer leads nowhere.
    #[error("redirected to `{0}`, which is no URL of HTTP")]
    Redirect(String),
    /// The token server gave no token.
    #[error("no token from `{url}`: {why}")]
    Token { url: String, why: String },
}

impl AskError {
    /// One word, for the label of a metric.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Client(error) => error.word(),
            Self::TooManyRedirects(_) | Self::Redirect(_) => "redirect",
            Self::Token { .. } => "token",
        }
    }
}

/// Asks servers in the way that a section says.
#[derive(Debug)]
pub(super) struct Asker {
    client: Arc<Reloaded<HttpClient>>,
    headers: Arc<Reloaded<HeaderMap>>,
    tokens: Option<Tokens>,
    follow_redirects: bool,
}

impl Asker {
    /// Connections are kept for `idle` after a request.
    ///
    /// # Errors
    /// A file cannot be read, or does not hold what it should.
    pub(super) fn new(
        config: &HttpConfig<'_>,
        idle: Duration,
        roots: &SystemRoots,
    ) -> Result<Self, LoadError> {
        let client = settings::client(config.tls_config, config.proxy, config.enable_http2, idle, roots)?;
        let tokens = config.oauth2.map(|oauth2| Tokens::new(oauth2, roots)).transpose()?;
        Ok(Self {
            client: Arc::new(client),
            headers: Arc::new(headers::load(config)?),
            tokens,
            follow_redirects: config.follow_redirects,
        })
    }

    /// Keeps looking whether files have changed.
    pub(super) async fn watch(&self) -> Infallible {
        let tokens = async {
            match &self.tokens {
                Some(tokens) => tokens.watch().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            never = self.client.watch(LOOK) => never,
            never = self.headers.watch(LOOK) => never,
            never = tokens => never,
        }
    }

    /// Asks for `uri`, and for where that leads.
    ///
    /// What the section shows of itself is shown to the server that was asked for alone: whom a redirect leads to is that
    /// server's choice.
    ///
    /// # Errors
    /// See [`AskError`]. A status that is no success is an answer.
    pub(super) async fn get(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        clock: &Clock,
    ) -> Result<Response<Incoming>, AskError> {
        let client = self.client.get();
        let mut own = HeaderMap::clone(&self.headers.get());
        if let Some(tokens) = &self.tokens {
            own.insert(AUTHORIZATION, tokens.header(clock).await?);
        }
        let mut at = uri.clone();
        for _ in 0..=MAX_REDIRECTS {
            let mut request = Request::new(Full::default());
            *request.uri_mut() = at.clone();
            request.headers_mut().clone_from(headers);
            if same_server(uri, &at) {
                request.headers_mut().extend(own.clone());
            }
            let answer = client.send(request).await?;
            let leads_on = matches!(
                answer.status(),
                StatusCode::MOVED_PERMANENTLY
                    | StatusCode::FOUND
                    | StatusCode::SEE_OTHER
                    | StatusCode::TEMPORARY_REDIRECT
                    | StatusCode::PERMANENT_REDIRECT
            );
            let location = answer.headers().get(LOCATION).filter(|_| leads_on && self.follow_redirects);
            let Some(location) = location else { return Ok(answer) };
            let location = String::from_utf8_lossy(location.as_bytes()).into_owned();
            at = resolved(&at, &location).ok_or(AskError::Redirect(location))?;
        }
        Err(AskError::TooManyRedirects(at.to_string()))
    }
}

/// Where `location` leads to from `base` (RFC 3986, 5.2, without the dots that servers do not send).
fn resolved(base: &Uri, location: &str) -> Option<Uri> {
    let (scheme, authority) = (base.scheme_str()?, base.authority()?.as_str());
    let location = location.split('#').next().unwrap_or_default();
    let whole = if location.contains("://") {
        location.to_owned()
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else if location.starts_with('?') {
        format!("{scheme}://{authority}{}{location}", base.path())
    } else {
        let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    };
    let uri: Uri = whole.parse().ok()?;
    matches!(uri.scheme_str(), Some("http" | "https")).then_some(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_leads_on_from_where_it_was_told() {
        let base: Uri = "http://a.example:8080/one/two?x=1".parse().unwrap();
        for (location, leads_to) in [
            ("http://b.example/", Some("http://b.example/")),
            ("//b.example/x", Some("http://b.example/x")),
            ("/metrics", Some("http://a.example:8080/metrics")),
            ("three", Some("http://a.example:8080/one/three")),
            ("?y=2", Some("http://a.example:8080/one/two?y=2")),
            ("/x#part", Some("http://a.example:8080/x")),
            ("ftp://b.example/", None),
            ("http://", None),
        ] {
            let found = resolved(&base, location).map(|uri| uri.to_string());
            assert_eq!(found.as_deref(), leads_to, "{location}");
        }
    }
}
