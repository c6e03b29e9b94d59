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
    http::uri::Scheme,
};
use weir_core::Clock;
use weir_net::{ClientError, HttpClient, LoadError, Reloaded, SystemRoots};

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
    /// An answer leads nowhere. Where it leads is not shown: in what is no URL nobody knows what is a secret.
    #[error("redirected to what is no URL of HTTP")]
    Redirect,
    /// The server that was asked led to where credentials are not shown, and there they are asked for.
    #[error(
        "redirected to `{to}`, where no credentials are shown: it answered {status}{}",
        if *.loses_tls { "" } else { "; scrape that URL itself" }
    )]
    Withheld {
        /// Where it led.
        to: String,
        /// What was answered there.
        status: StatusCode,
        /// From TLS to none: to show credentials there is no advice.
        loses_tls: bool,
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
            Self::TooManyRedirects(_) | Self::Redirect | Self::Withheld { .. } => "redirect",
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
    /// What the section shows of itself is shown to the host that was asked for and no other: whom a redirect leads to is that
    /// host's choice.
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
        let (mut at, mut has_left) = (uri.clone(), false);
        for _ in 0..=MAX_REDIRECTS {
            let mut request = Request::new(Full::default());
            *request.uri_mut() = at.clone();
            request.headers_mut().clone_from(headers);
            has_left |= !may_know(uri, &at);
            if !has_left {
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
                if is_refused && !own.is_empty() && has_left {
                    let (to, status, loses_tls) = (shown(&at), answer.status(), loses_tls(uri, &at));
                    return Err(AskError::Withheld { to, status, loses_tls });
                }
                return Ok(answer);
            };
            let location = String::from_utf8_lossy(location.as_bytes());
            at = resolved(&at, &location).ok_or(AskError::Redirect)?;
        }
        Err(AskError::TooManyRedirects(shown(&at)))
    }
}

/// Whether who is shown credentials at `first` may be shown them at `next`, to which a redirect leads: the same host or one below it, by
/// any port, as Go has it (net/http, `shouldCopyHeaderOnRedirect`) and with it Prometheus. Unlike there, not without TLS where
/// there was TLS.
fn may_know(first: &Uri, next: &Uri) -> bool {
    let host = |uri: &Uri| uri.host().unwrap_or_default().to_ascii_lowercase();
    let (first_host, next_host) = (host(first), host(next));
    let is_below = next_host.strip_suffix(&first_host).is_some_and(|front| front.ends_with('.'));
    (next_host == first_host || is_below) && !loses_tls(first, next)
}

fn loses_tls(first: &Uri, next: &Uri) -> bool {
    first.scheme() == Some(&Scheme::HTTPS) && next.scheme() != Some(&Scheme::HTTPS)
}

/// A location as it may stand in a log: signed ones have their signature in the query, and some a password before the host.
fn shown(location: &Uri) -> String {
    let host = location.host().unwrap_or_default();
    let port = location.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}{}", location.scheme_str().unwrap_or_default(), location.path())
}

/// Where `location` leads to from `base` (RFC 3986, 5.2, without the dots that servers do not send).
fn resolved(base: &Uri, location: &str) -> Option<Uri> {
    let (scheme, authority) = (base.scheme_str()?, base.authority()?.as_str());
    let location = location.split('#').next().unwrap_or_default();
    // A path or a query may have a URL in it.
    let is_absolute = location.split_once("://").is_some_and(|(scheme, _)| !scheme.contains(['/', '?']));
    let whole = if is_absolute {
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
            ("https://user:word@a.example:8443?x=1", "https://a.example:8443/"),
            ("http://user@[::1]:80/x@y", "http://[::1]:80/x@y"),
        ] {
            assert_eq!(super::shown(&location.parse().unwrap()), shown, "{location}");
        }
    }

    #[test]
    fn credentials_go_along_to_the_same_host_and_those_below_it() {
        for (first, next, may_know) in [
            ("http://a.example/", "https://a.example/x", true),
            ("http://a.example:8080/", "https://A.example:8443/", true),
            ("http://a.example/", "http://b.a.example/", true),
            ("https://a.example/", "http://a.example/", false),
            ("http://b.a.example/", "http://a.example/", false),
            ("http://a.example/", "http://ba.example/", false),
            ("http://a.example/", "http://a.example.org/", false),
            ("http://127.0.0.1/", "http://localhost/", false),
            ("http://[::1]/", "http://[::1]:81/", true),
        ] {
            let found = super::may_know(&first.parse().unwrap(), &next.parse().unwrap());
            assert_eq!(found, may_know, "{first} to {next}");
        }
    }

    #[test]
    fn nobody_is_advised_to_show_credentials_without_tls() {
        let first: Uri = "https://a.example/".parse().unwrap();
        for (to, advice) in [("https://b.example/", "; scrape that URL itself"), ("http://a.example/", "")] {
            let loses_tls = loses_tls(&first, &to.parse().unwrap());
            let (to, status) = (to.to_owned(), StatusCode::FORBIDDEN);
            let expected = format!(
                "redirected to `{to}`, where no credentials are shown: it answered 403 Forbidden{advice}"
            );
            assert_eq!(AskError::Withheld { to, status, loses_tls }.to_string(), expected);
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
            ("/login?next=http://x/", Some("http://a.example:8080/login?next=http://x/")),
            ("?next=http://x/", Some("http://a.example:8080/one/two?next=http://x/")),
            ("/x#part", Some("http://a.example:8080/x")),
            ("ftp://b.example/", None),
            ("http://", None),
        ] {
            let found = resolved(&base, location).map(|uri| uri.to_string());
            assert_eq!(found.as_deref(), leads_to, "{location}");
        }
    }
}
