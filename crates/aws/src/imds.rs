//! The instance metadata service, version 2: a token first, then what is asked for.
//!
//! A request of our own, and not the SDK's client: what a person has to do depends on how it fails, and the SDK only says that
//! it did. A hop limit of 1 is the case that everybody meets in a container: the connection is there, and the answer with the
//! token never arrives.

use std::time::Duration;

use serde::Deserialize;
use tokio::net::TcpStream;

use crate::{
    Http, Settings,
    failure::{DENIED, Failure, HOP_LIMIT, MALFORMED, SWITCHED_OFF, TIMEOUT, UNAVAILABLE, UNREACHABLE},
    http::HttpError,
};

/// The addresses of the service; those of the SDKs.
const IPV4: &str = "http://169.254.169.254";
const IPV6: &str = "http://[fd00:ec2::254]";
/// How long a token is good, in seconds. One is taken for each look.
const TOKEN_SECONDS: &str = "60";
/// How long a connection takes at most that tells a hop limit from a service that is not there.
const PROBE: Duration = Duration::from_secs(1);

/// The service, as the environment names it.
#[derive(Clone, Debug)]
pub struct Imds {
    http: Http,
    endpoint: String,
    limit: Duration,
}

/// A token, and where it is good.
#[derive(Debug)]
pub struct Session<'a> {
    imds: &'a Imds,
    token: String,
}

/// What an instance is: its identity document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Identity {
    /// The account.
    pub account_id: String,
    /// The Region.
    pub region: String,
    /// The Availability Zone.
    pub availability_zone: String,
    /// The instance.
    pub instance_id: String,
    /// Its type.
    pub instance_type: String,
    /// Its image.
    pub image_id: String,
}

impl Imds {
    /// The service at `AWS_EC2_METADATA_SERVICE_ENDPOINT`, or at its fixed address. An attempt takes `limit` at most.
    ///
    /// # Errors
    /// `AWS_EC2_METADATA_DISABLED` switches it off, or there can be no HTTP client.
    pub fn new(environment: &dyn Fn(&str) -> Option<String>, limit: Duration) -> Result<Self, Failure> {
        if environment("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            let words = "the instance metadata service is switched off by AWS_EC2_METADATA_DISABLED";
            return Err(Failure::new(SWITCHED_OFF, words));
        }
        let mode = environment("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE").unwrap_or_default();
        let fixed = if mode.eq_ignore_ascii_case("ipv6") { IPV6 } else { IPV4 };
        let endpoint = environment("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or_else(|| fixed.to_owned());
        Ok(Self { http: plain()?, endpoint: endpoint.trim_end_matches('/').to_owned(), limit })
    }

    /// Takes a token.
    ///
    /// # Errors
    /// There is no token to be had; a hop limit is told from a service that is not there.
    pub async fn session(&self) -> Result<Session<'_>, Failure> {
        let request = http::Request::put(format!("{}/latest/api/token", self.endpoint))
            .header("x-aws-ec2-metadata-token-ttl-seconds", TOKEN_SECONDS);
        let token = match self.send(request).await {
            Err(Failure { reason: TIMEOUT, .. }) if self.connects().await => Err(Failure::new(
                HOP_LIMIT,
                format!(
                    "connected to the instance metadata service at {}, and the token never came: the instance's hop limit is 1, \
                     which ends before a container. Set it to 2 (`aws ec2 modify-instance-metadata-options \
                     --http-put-response-hop-limit 2 --instance-id …`), or run with hostNetwork",
                    self.endpoint
                ),
            )),
            Err(failure) => Err(failure),
            Ok(Some(token)) => Ok(token),
            Ok(None) => Err(Failure::new(UNAVAILABLE, format!("{} gives no tokens: 404", self.endpoint))),
        };
        Ok(Session { imds: self, token: token? })
    }

    /// Whether somebody takes connections there.
    async fn connects(&self) -> bool {
        let Ok(uri) = self.endpoint.parse::<http::Uri>() else { return false };
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let connecting = TcpStream::connect((host, uri.port_u16().unwrap_or(80)));
        tokio::time::timeout(PROBE, connecting).await.is_ok_and(|connected| connected.is_ok())
    }

    /// The text of an answer; nothing where there is no such thing.
    async fn send(&self, request: http::request::Builder) -> Result<Option<String>, Failure> {
        let request = request
            .body(String::new())
            .map_err(|error| Failure::new(MALFORMED, format!("{} is no endpoint: {error}", self.endpoint)))?;
        answer(&self.http, request, self.limit, "the instance metadata service").await
    }
}

impl Session<'_> {
    /// The text at `path`, such as `meta-data/hostname`; nothing where there is no such thing.
    ///
    /// # Errors
    /// There is no answer, or one that says no.
    pub async fn get(&self, path: &str) -> Result<Option<String>, Failure> {
        let request = http::Request::get(format!("{}/latest/{path}", self.imds.endpoint))
            .header("x-aws-ec2-metadata-token", &self.token);
        self.imds.send(request).await
    }

    /// The identity document.
    ///
    /// # Errors
    /// It is not to be had, or is not what it must be.
    pub async fn identity(&self) -> Result<Identity, Failure> {
        let text = self.get("dynamic/instance-identity/document").await?;
        let text = text.ok_or_else(|| Failure::new(UNAVAILABLE, "the instance has no identity document"))?;
        serde_json::from_str(&text).map_err(|error| {
            Failure::new(MALFORMED, format!("the identity document cannot be read: {error}"))
        })
    }

    /// The instance's tags; nothing where the instance does not show them to itself.
    ///
    /// # Errors
    /// There is no answer, or one that says no.
    pub async fn tags(&self) -> Result<Option<Vec<(String, String)>>, Failure> {
        let Some(names) = self.get("meta-data/tags/instance").await? else { return Ok(None) };
        let mut tags = Vec::new();
        for name in names.lines().filter(|name| !name.is_empty()) {
            if let Some(value) = self.get(&format!("meta-data/tags/instance/{name}")).await? {
                tags.push((name.to_owned(), value));
            }
        }
        Ok(Some(tags))
    }
}

/// A client for addresses of this machine, which speak plain http.
pub(crate) fn plain() -> Result<Http, Failure> {
    // As for a stand-in: no certificates are needed, and their absence is no failure.
    let settings = Settings { stand_in: true, proxy: Some(String::new()), ..Settings::default() };
    Http::new(&settings).map_err(|error| Failure::new(UNAVAILABLE, error.to_string()))
}

/// The text of an answer; nothing where it says 404.
pub(crate) async fn answer(
    http: &Http,
    request: http::Request<String>,
    limit: Duration,
    who: &str,
) -> Result<Option<String>, Failure> {
    let place = request.uri().to_string();
    let response = http.send(request, limit).await.map_err(|error| match error {
        HttpError::Timeout(_) => Failure::new(TIMEOUT, format!("{who} at {place}: {error}")),
        HttpError::Connection(_) => {
            Failure::new(UNREACHABLE, format!("{who} at {place} is not there: {error}"))
        }
        HttpError::Request(_) | HttpError::Answer(_) => {
            Failure::new(MALFORMED, format!("{who} at {place}: {error}"))
        }
    })?;
    let status = response.status();
    match status.as_u16() {
        200 => String::from_utf8(response.into_body().to_vec()).map(Some).map_err(|_| {
            Failure::new(MALFORMED, format!("{who} at {place} answers with bytes that are not UTF-8"))
        }),
        404 => Ok(None),
        401 | 403 => Err(Failure::new(DENIED, format!("{who} at {place} answers {status}"))),
        _ => Err(Failure::new(UNAVAILABLE, format!("{who} at {place} answers {status}"))),
    }
}
