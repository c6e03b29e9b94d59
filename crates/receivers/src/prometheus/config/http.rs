//! How targets, `http_sd` and token servers are reached: Prometheus's HTTP client keys.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::{Check, Secret};

/// A user's name and password.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct BasicAuth {
    /// The user's name.
    pub username: String,
    /// A file that holds the name, read again when it changes.
    pub username_file: Option<PathBuf>,
    /// The password.
    pub password: Secret,
    /// A file that holds the password, read again when it changes.
    pub password_file: Option<PathBuf>,
}

/// A token.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Authorization {
    /// What stands before the token.
    #[serde(rename = "type")]
    pub scheme: String,
    /// The token.
    pub credentials: Secret,
    /// A file that holds the token, read again when it changes.
    pub credentials_file: Option<PathBuf>,
}

impl Default for Authorization {
    fn default() -> Self {
        Self { scheme: "Bearer".to_owned(), credentials: Secret::default(), credentials_file: None }
    }
}

/// A token of a token server, by the grant of client credentials (RFC 6749, 4.4).
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Oauth2 {
    /// How the client shows who it is.
    pub grant_type: GrantType,
    /// The client's name.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: Secret,
    /// A file that holds the secret, read again when it changes.
    pub client_secret_file: Option<PathBuf>,
    /// What the token is asked for.
    pub scopes: Vec<String>,
    /// Where tokens are given out.
    pub token_url: String,
    /// More parameters of the request.
    pub endpoint_params: BTreeMap<String, String>,
    /// TLS to the token server.
    pub tls_config: TlsConfig,
    /// The proxy on the way to the token server.
    pub proxy_url: String,
    /// Hosts that are reached without it, separated by commas.
    pub no_proxy: String,
    /// Whether proxies are those of the environment (HTTPS_PROXY and so on).
    pub proxy_from_environment: bool,
}

/// How a client shows to a token server who it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum GrantType {
    /// By its secret.
    #[default]
    #[serde(rename = "client_credentials")]
    ClientCredentials,
}

/// TLS to a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct TlsConfig {
    /// CAs that a server's certificate may come from, in PEM; left out, the system's.
    pub ca: String,
    /// The same in a file, read again when it changes.
    pub ca_file: Option<PathBuf>,
    /// The certificate that is shown to servers, in PEM.
    pub cert: String,
    /// The same in a file, read again when it changes.
    pub cert_file: Option<PathBuf>,
    /// The certificate's private key, in PEM.
    pub key: Secret,
    /// The same in a file, read again when it changes.
    pub key_file: Option<PathBuf>,
    /// The name that a certificate must be for; left out, the host that is asked.
    pub server_name: String,
    /// Whether any certificate is taken.
    pub insecure_skip_verify: bool,
    /// The oldest version that is spoken; left out, TLS12.
    pub min_version: Option<TlsVersionName>,
    /// The newest version that is spoken; left out, TLS13.
    pub max_version: Option<TlsVersionName>,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
pub enum TlsVersionName {
    /// 1.0, which is not spoken.
    #[serde(rename = "TLS10")]
    Tls10,
    /// 1.1, which is not spoken.
    #[serde(rename = "TLS11")]
    Tls11,
    /// 1.2
    #[serde(rename = "TLS12")]
    Tls12,
    /// 1.3
    #[serde(rename = "TLS13")]
    Tls13,
}

/// Values of a header that is sent.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct HeaderValues {
    /// Values.
    pub values: Vec<String>,
    /// Values that are never shown.
    pub secrets: Vec<Secret>,
    /// Files that hold a value each, read again when they change.
    pub files: Vec<PathBuf>,
}

/// What a section says of its HTTP client, whichever section it is.
#[derive(Clone, Debug)]
pub(in crate::prometheus) struct HttpConfig<'a> {
    pub(in crate::prometheus) basic_auth: Option<&'a BasicAuth>,
    pub(in crate::prometheus) authorization: Option<&'a Authorization>,
    pub(in crate::prometheus) oauth2: Option<&'a Oauth2>,
    pub(in crate::prometheus) tls_config: &'a TlsConfig,
    pub(in crate::prometheus) proxy: ProxyConfig<'a>,
    pub(in crate::prometheus) headers: &'a BTreeMap<String, HeaderValues>,
    pub(in crate::prometheus) follow_redirects: bool,
    pub(in crate::prometheus) enable_http2: bool,
}

/// What a section says of proxies.
#[derive(Clone, Copy, Debug)]
pub(in crate::prometheus) struct ProxyConfig<'a> {
    pub(in crate::prometheus) url: &'a str,
    pub(in crate::prometheus) no_proxy: &'a str,
    pub(in crate::prometheus) from_environment: bool,
}

/// The [`ProxyConfig`] of a section. The keys are the same in each, and a type of their own would have to be flattened into it,
/// which loses where they stand.
macro_rules! proxy_of {
    ($section:expr) => {
        $crate::prometheus::config::http::ProxyConfig {
            url: &$section.proxy_url,
            no_proxy: &$section.no_proxy,
            from_environment: $section.proxy_from_environment,
        }
    };
}

/// The [`HttpConfig`] of a section, alike.
macro_rules! http_of {
    ($section:expr) => {
        $crate::prometheus::config::http::HttpConfig {
            basic_auth: $section.basic_auth.as_ref(),
            authorization: $section.authorization.as_ref(),
            oauth2: $section.oauth2.as_ref(),
            tls_config: &$section.tls_config,
            proxy: $crate::prometheus::config::http::proxy_of!($section),
            headers: &$section.http_headers,
            follow_redirects: $section.follow_redirects,
            enable_http2: $section.enable_http2,
        }
    };
}

pub(super) use {http_of, proxy_of};

impl Oauth2 {
    pub(in crate::prometheus) fn proxy(&self) -> ProxyConfig<'_> {
        proxy_of!(self)
    }

    fn check(&self, check: &mut Check<'_>) {
        if self.client_id.is_empty() {
            check.error_with(&["client_id"], "`oauth2` needs a `client_id`", "write the client's name");
        }
        if !is_http(&self.token_url) {
            let found = &self.token_url;
            check.error_with(
                &["token_url"],
                format!("`{found}` is no URL of a token server"),
                "write one that begins with `https://`",
            );
        }
        no_password(&self.token_url, "token_url", check);
        at_most_one(
            check,
            ("client_secret", !self.client_secret.is_empty()),
            ("client_secret_file", self.client_secret_file.is_some()),
        );
        of_secret_manager(check, "client_secret_ref", "client_secret_file");
        for key in [
            "client_certificate_key",
            "client_certificate_key_file",
            "client_certificate_key_id",
            "client_certificate_key_ref",
            "signature_algorithm",
            "iss",
            "audience",
            "claims",
        ] {
            let why = "it belongs to the grant by a signed JWT, and only client secrets are used";
            check.not_taken(&[key], why, "use `client_secret` or `client_secret_file`");
        }
        check.not_taken(
            &["proxy_connect_header"],
            "proxies are sent no headers of their own",
            "put user and password into `proxy_url`",
        );
        self.proxy().check(check);
        if let Some(mut check) = check.within(&["tls_config"]) {
            self.tls_config.check(&mut check);
        }
    }
}

impl ProxyConfig<'_> {
    fn check(self, check: &mut Check<'_>) {
        if self.from_environment && !(self.url.is_empty() && self.no_proxy.is_empty()) {
            let message = "`proxy_from_environment` leaves no room for `proxy_url` and `no_proxy`";
            check.error_with(&["proxy_from_environment"], message, "write one or the other");
        }
        if !self.no_proxy.is_empty() && self.url.is_empty() && !self.from_environment {
            check.error(&["no_proxy"], "`no_proxy` without `proxy_url` has nothing to except from");
        }
        let is_spoken = is_http(self.url) && self.url.starts_with("http://");
        if !self.url.is_empty() && !is_spoken {
            check.error_with(
                &["proxy_url"],
                "the proxy is none that can be used",
                "write one that begins with `http://`; neither TLS nor SOCKS is spoken to proxies",
            );
        }
    }
}

impl HttpConfig<'_> {
    pub(super) fn check(&self, check: &mut Check<'_>) {
        let ways = [
            ("basic_auth", self.basic_auth.is_some()),
            ("authorization", self.authorization.is_some()),
            ("oauth2", self.oauth2.is_some()),
        ];
        let mut used = ways.iter().filter(|(_, is_used)| *is_used).map(|(key, _)| *key);
        if let (Some(first), Some(second)) = (used.next(), used.next()) {
            check.error_with(
                &[second],
                format!("`{second}` and `{first}` are both there: a request can show one"),
                "keep one of them",
            );
        }
        if let (Some(basic), Some(mut check)) = (self.basic_auth, check.within(&["basic_auth"])) {
            at_most_one(
                &mut check,
                ("username", !basic.username.is_empty()),
                ("username_file", basic.username_file.is_some()),
            );
            at_most_one(
                &mut check,
                ("password", !basic.password.is_empty()),
                ("password_file", basic.password_file.is_some()),
            );
            of_secret_manager(&mut check, "username_ref", "username_file");
            of_secret_manager(&mut check, "password_ref", "password_file");
        }
        if let (Some(token), Some(mut check)) = (self.authorization, check.within(&["authorization"])) {
            at_most_one(
                &mut check,
                ("credentials", !token.credentials.is_empty()),
                ("credentials_file", token.credentials_file.is_some()),
            );
            if token.scheme.trim().eq_ignore_ascii_case("basic") {
                check.error_with(&["type"], "`Basic` is not a token's", "use `basic_auth`");
            }
            of_secret_manager(&mut check, "credentials_ref", "credentials_file");
        }
        if let (Some(oauth2), Some(mut check)) = (self.oauth2, check.within(&["oauth2"])) {
            oauth2.check(&mut check);
        }
        if let Some(mut check) = check.within(&["tls_config"]) {
            self.tls_config.check(&mut check);
        }
        self.proxy.check(check);
        self.check_headers(check);
        check.not_taken(
            &["proxy_connect_header"],
            "proxies are sent no headers of their own",
            "put user and password into `proxy_url`",
        );
        for (old, instead) in [
            ("bearer_token", "use `authorization: {credentials: …}`"),
            ("bearer_token_file", "use `authorization: {credentials_file: …}`"),
        ] {
            check.not_taken(&[old], "it is out of use", instead);
        }
    }

    fn check_headers(&self, check: &mut Check<'_>) {
        for (name, values) in self.headers {
            let is_reserved = RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name));
            if is_reserved {
                let message = format!("the header `{name}` is set by the receiver itself");
                check.error_with(&["http_headers", name], message, "use the key that it follows from");
            } else if hyper::header::HeaderName::try_from(name.as_str()).is_err() {
                check.error(&["http_headers", name], format!("`{name}` is no name of a header"));
            }
            let is_bad = |value: &str| hyper::header::HeaderValue::try_from(value).is_err();
            let secrets = values.secrets.iter().map(Secret::expose);
            if values.values.iter().map(String::as_str).chain(secrets).any(is_bad) {
                check.error(&["http_headers", name], "a value holds what a header cannot");
            }
        }
    }
}

/// Headers that follow from other keys, or from the request itself (Prometheus's list).
const RESERVED: [&str; 19] = [
    "Authorization",
    "Host",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "User-Agent",
    "Connection",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Www-Authenticate",
    "Accept-Encoding",
    "X-Prometheus-Remote-Write-Version",
    "X-Prometheus-Remote-Read-Version",
    "X-Prometheus-Scrape-Timeout-Seconds",
    "Accept",
    "Transfer-Encoding",
    "TE",
    "Upgrade",
];

impl TlsConfig {
    fn check(&self, check: &mut Check<'_>) {
        at_most_one(check, ("ca", !self.ca.is_empty()), ("ca_file", self.ca_file.is_some()));
        at_most_one(check, ("cert", !self.cert.is_empty()), ("cert_file", self.cert_file.is_some()));
        at_most_one(check, ("key", !self.key.is_empty()), ("key_file", self.key_file.is_some()));
        let has_cert = !self.cert.is_empty() || self.cert_file.is_some();
        let has_key = !self.key.is_empty() || self.key_file.is_some();
        if has_cert != has_key {
            let missing = if has_cert { "key_file" } else { "cert_file" };
            check.error_with(
                &[missing],
                "a certificate and its key belong together, and one of them is missing",
                format!("write `{missing}` too"),
            );
        }
        for (key, version) in [("min_version", self.min_version), ("max_version", self.max_version)] {
            if version.is_some_and(|version| version < TlsVersionName::Tls12) {
                check.error_with(
                    &[key],
                    "TLS before 1.2 is not spoken: it is broken",
                    "write `TLS12` or `TLS13`",
                );
            }
        }
        if let (Some(min), Some(max)) = (self.min_version, self.max_version)
            && min > max
        {
            check.error(&["min_version"], "`min_version` is newer than `max_version`");
        }
        of_secret_manager(check, "ca_ref", "ca_file");
        of_secret_manager(check, "cert_ref", "cert_file");
        of_secret_manager(check, "key_ref", "key_file");
    }
}

/// Reports two keys that say the same.
fn at_most_one(check: &mut Check<'_>, value: (&str, bool), file: (&str, bool)) {
    if let ((value, true), (file, true)) = (value, file) {
        let message = format!("`{value}` and `{file}` are both there");
        check.error_with(&[file], message, "keep one of them");
    }
}

fn of_secret_manager(check: &mut Check<'_>, key: &str, file: &str) {
    check.not_taken(&[key], "there is no secret manager here", &format!("use `{file}`"));
}

/// Reports a URL with a user in it: it would stand in logs, and is not sent.
pub(super) fn no_password(url: &str, key: &str, check: &mut Check<'_>) {
    let has_user = url
        .parse::<hyper::Uri>()
        .is_ok_and(|url| url.authority().is_some_and(|authority| authority.as_str().contains('@')));
    if has_user {
        check.error_with(&[key], "user and password in a URL are not sent", "write them into `basic_auth`");
    }
}

/// Whether it is a URL of HTTP that has a host.
pub(super) fn is_http(url: &str) -> bool {
    let Ok(url) = url.parse::<hyper::Uri>() else { return false };
    matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some_and(|host| !host.is_empty())
}
