//! From keys to a client: certificates are read again when their files change.

use std::{path::PathBuf, time::Duration};

use weir_net::{
    ClientSettings, ClientTls, HttpClient, LoadError, Proxies, Reloaded, SystemRoots, TlsVersion,
};

use crate::prometheus::config::{ProxyConfig, TlsConfig, TlsVersionName};

pub(super) fn client(
    tls: &TlsConfig,
    proxy: ProxyConfig<'_>,
    http2: bool,
    idle: Duration,
    roots: &SystemRoots,
) -> Result<Reloaded<HttpClient>, LoadError> {
    let (tls, roots) = (tls.clone(), roots.clone());
    let (url, except, from_environment) =
        (proxy.url.to_owned(), proxy.no_proxy.to_owned(), proxy.from_environment);
    let files: Vec<PathBuf> =
        [&tls.ca_file, &tls.cert_file, &tls.key_file].into_iter().flatten().cloned().collect();
    Reloaded::load(files, move |contents| {
        let proxies =
            if from_environment { Proxies::from_environment() } else { Proxies::fixed(&url, &except) };
        let settings = ClientSettings { tls: of_keys(&tls, contents), proxies, http2, idle };
        HttpClient::new(settings, &roots)
    })
}

fn of_keys(tls: &TlsConfig, contents: &[Vec<u8>]) -> ClientTls {
    let mut contents = contents.iter();
    let mut part = |file: &Option<PathBuf>, pem: &str| match file {
        Some(_) => contents.next().cloned(),
        None => Some(pem.as_bytes().to_vec()).filter(|pem| !pem.is_empty()),
    };
    let ca = part(&tls.ca_file, &tls.ca);
    let certificate = part(&tls.cert_file, &tls.cert);
    let key = part(&tls.key_file, tls.key.expose());
    let version = |name: Option<TlsVersionName>, default| match name {
        Some(TlsVersionName::Tls13) => TlsVersion::V1_3,
        Some(_) => TlsVersion::V1_2,
        None => default,
    };
    ClientTls {
        ca,
        identity: certificate.zip(key),
        server_name: Some(tls.server_name.clone()).filter(|name| !name.is_empty()),
        verify: !tls.insecure_skip_verify,
        min_version: version(tls.min_version, TlsVersion::V1_2),
        max_version: version(tls.max_version, TlsVersion::V1_3),
    }
}
