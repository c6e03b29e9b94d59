//! Tokens by the grant of client credentials (RFC 6749, 4.4): asked for when one is needed, kept until shortly before its end.

use std::{convert::Infallible, sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Request,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use serde::Deserialize;
use tokio::sync::Mutex;
use weir_core::{Clock, UnixNanos};
use weir_net::{HttpClient, LoadError, Reloaded, SystemRoots, read_body};

use super::{AskError, LOOK, headers, settings};
use crate::prometheus::{config::Oauth2, of_form};

/// How long before its end a token is not used any more.
const EARLY: Duration = Duration::from_secs(10);
/// The largest answer of a token server, in bytes.
const MAX_ANSWER: usize = 1 << 20;
/// How long a connection to the token server is kept: tokens last for an hour, mostly.
const IDLE: Duration = Duration::from_secs(90);

/// The tokens of one section.
#[derive(Debug)]
pub(super) struct Tokens {
    config: Oauth2,
    client: Arc<Reloaded<HttpClient>>,
    secret: Arc<Reloaded<String>>,
    now: Mutex<Option<Token>>,
}

#[derive(Debug)]
struct Token {
    header: HeaderValue,
    good_until: Option<UnixNanos>,
}

/// A token server's answer.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    token_type: String,
    /// In seconds: a number, or as some servers have it, the same as text.
    #[serde(default)]
    expires_in: serde_json::Value,
}

impl Granted {
    /// `None` where the server names no end, or 0.
    fn expires_in(&self) -> Result<Option<Duration>, String> {
        let seconds = match &self.expires_in {
            serde_json::Value::Null => Some(0.0),
            serde_json::Value::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        };
        let lasts = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let lasts = lasts.ok_or_else(|| {
            format!("its answer's `expires_in` is {}, no number of seconds", self.expires_in)
        })?;
        Ok((!lasts.is_zero()).then_some(lasts))
    }
}

impl Tokens {
    pub(super) fn new(config: &Oauth2, roots: &SystemRoots) -> Result<Self, LoadError> {
        let client = settings::client(&config.tls_config, config.proxy(), true, IDLE, roots)?;
        let (secret, file) = (config.client_secret.clone(), config.client_secret_file.clone());
        let secret = Reloaded::load(file.iter().cloned().collect(), move |contents| {
            headers::value_of(&secret, file.as_ref(), &mut contents.iter())
        })?;
        Ok(Self {
            config: config.clone(),
            client: Arc::new(client),
            secret: Arc::new(secret),
            now: Mutex::default(),
        })
    }

    pub(super) async fn watch(&self) -> Infallible {
        tokio::select! {
            never = self.client.watch(LOOK) => never,
            never = self.secret.watch(LOOK) => never,
        }
    }

    /// The header that shows a good token.
    pub(super) async fn header(&self, clock: &Clock) -> Result<HeaderValue, AskError> {
        // Whoever comes while one is asked for waits for that one.
        let mut now = self.now.lock().await;
        if let Some(token) = now.as_ref()
            && token.good_until.is_none_or(|end| clock.now() < end)
        {
            return Ok(token.header.clone());
        }
        let failed = |why: String| AskError::Token { url: self.config.token_url.clone(), why };
        let token = self.ask(clock).await.map_err(failed)?;
        let header = token.header.clone();
        *now = Some(token);
        Ok(header)
    }

    async fn ask(&self, clock: &Clock) -> Result<Token, String> {
        let Oauth2 { client_id, scopes, token_url, endpoint_params, .. } = &self.config;
        let mut form = vec![("grant_type", "client_credentials".to_owned())];
        if !scopes.is_empty() {
            form.push(("scope", scopes.join(" ")));
        }
        form.extend(endpoint_params.iter().map(|(name, value)| (name.as_str(), value.clone())));
        let form: Vec<String> =
            form.iter().map(|(name, value)| format!("{}={}", of_form(name), of_form(value))).collect();
        // RFC 6749, 2.3.1: both parts are encoded as in a form first.
        let shown = format!("{}:{}", of_form(client_id), of_form(&self.secret.get()));
        let request = Request::post(token_url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(AUTHORIZATION, format!("Basic {}", BASE64_STANDARD.encode(shown)))
            .body(Full::new(Bytes::from(form.join("&"))))
            .map_err(|error| error.to_string())?;
        let answer = self.client.get().send(request).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        if !status.is_success() {
            return Err(format!("it answered {status}"));
        }
        let body = read_body(answer.into_body(), MAX_ANSWER).await.map_err(|error| error.to_string())?;
        let granted: Granted =
            serde_json::from_slice(&body).map_err(|_| "its answer holds no `access_token`".to_owned())?;
        let kind = if granted.token_type.is_empty() || granted.token_type.eq_ignore_ascii_case("bearer") {
            "Bearer"
        } else {
            &granted.token_type
        };
        let header = headers::secret(&format!("{kind} {}", granted.access_token), "the token");
        Ok(Token {
            header: header.map_err(|error| error.to_string())?,
            good_until: granted.expires_in()?.map(|lasts| clock.now().plus(lasts.saturating_sub(EARLY))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_a_token_lasts_is_a_number_or_the_same_as_text() {
        for (written, seconds) in [
            ("3600", Some(3600)),
            ("\"3600\"", Some(3600)),
            ("3600.0", Some(3600)),
            ("0", None),
            ("null", None),
        ] {
            let granted = format!("{{\"access_token\": \"t\", \"expires_in\": {written}}}");
            let granted: Granted = serde_json::from_str(&granted).unwrap();
            assert_eq!(granted.expires_in(), Ok(seconds.map(Duration::from_secs)), "{written}");
        }
        let granted: Granted = serde_json::from_str("{\"access_token\": \"t\"}").unwrap();
        assert_eq!(granted.expires_in(), Ok(None));
    }

    #[test]
    fn an_end_that_cannot_be_read_is_not_taken_for_none() {
        for written in ["\"soon\"", "-1", "true", "\"NaN\"", "1e300"] {
            let granted = format!("{{\"access_token\": \"t\", \"expires_in\": {written}}}");
            let granted: Granted = serde_json::from_str(&granted).unwrap();
            let refused =
                format!("its answer's `expires_in` is {}, no number of seconds", granted.expires_in);
            assert_eq!(granted.expires_in(), Err(refused));
        }
    }
}
