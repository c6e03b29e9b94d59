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
    /// The server that was asked led to another one, which wants to know who asks.
    #[error(
        "redirected to `{to}`, which is another server and is shown no credentials: it answered {status}; scrape that URL itself"
    )]
    Withheld {
        /// Where it led.
        to: String,
        /// What was answered there.
        status: StatusCode,
    },
    /// The token server gave no token.
    #[error("no token from `{url}`: {why}")]
    Token { url: String, why: String },
}

impl AskError {
    /// One word, for the label of a metric.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Client(error) => error.word(),
            Self::TooManyRedirects(_) | Self::Redirect(_) | Self::Withheld { .. } => "redirect",
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
            let Some(location) = location else {
                let is_refused = matches!(answer.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
                if is_refused && !own.is_empty() && !same_server(uri, &at) {
                    let (to, status) = (shown(&at.to_string()), answer.status());
                    return Err(AskError::Withheld { to, status });
                }
                return Ok(answer);
            };
            let location = String::from_utf8_lossy(location.as_bytes()).into_owned();
            at = resolved(&at, &location).ok_or_else(|| AskError::Redirect(shown(&location)))?;
        }
        Err(AskError::TooManyRedirects(shown(&at.to_string())))
    }
}

/// A location as it may stand in a log: signed ones have their signature in the query, and some a password before the host.
fn shown(location: &str) -> String {
    let path = location.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = path.split_once("//").map_or((None, path), |(scheme, rest)| (Some(scheme), rest));
    let Some(scheme) = scheme else { return path.to_owned() };
    let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}//{host}{path}")
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
    fn what_is_shown_of_a_location_has_no_query_and_no_password() {
        for (location, shown) in [
            ("https://a.example/x?signature=s3cret#y", "https://a.example/x"),
            ("https://user:word@a.example:8443?x=1", "https://a.example:8443"),
            ("//user@a.example/x@y", "//a.example/x@y"),
            ("/x?y", "/x"),
            ("ftp://user:word@a.example", "ftp://a.example"),
        ] {
            assert_eq!(super::shown(location), shown, "{location}");
        }
    }

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
