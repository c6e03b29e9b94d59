//! Which hosts are reached through a proxy. The SDK reads no variable by itself.
//!
//! The proxy is the configuration's `proxy`, else `HTTPS_PROXY`, else `ALL_PROXY`, in capitals or small letters. It is for
//! https only, which is what AWS speaks. Plain http, which metadata and credentials endpoints speak, never goes through a
//! proxy: credentials would be readable on the way, and a proxy would answer with its own host's identity.
//!
//! `NO_PROXY` names hosts that are reached directly: domains, which stand for what is below them too, addresses and
//! networks (`10.0.0.0/8`), or `*`. To these are always added: [`ALWAYS_DIRECT`], and `KUBERNETES_SERVICE_HOST`.

use aws_smithy_http_client::proxy::ProxyConfig;

use crate::Error;

/// Hosts that no proxy stands before: EC2's metadata, ECS's and EKS's credentials, and what is inside of a cluster.
pub const ALWAYS_DIRECT: &[&str] = &[
    "localhost",
    "127.0.0.0/8",
    "::1",
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "fd00:ec2::/32",
    ".svc",
    ".cluster.local",
];

/// A proxy, and what is not reached through it. Not `Debug`: the URL may hold a password.
#[derive(Clone)]
pub(crate) struct Proxy {
    url: String,
    source_name: &'static str,
    direct: String,
}

impl Proxy {
    /// The proxy of `configured` or of the environment, if there is one. `configured` may be empty, for none.
    pub(crate) fn find(configured: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| Some((*name, variable(name).filter(|value| !value.is_empty())?)))
        };
        let (source_name, url) = match configured {
            Some("") => return None,
            Some(url) => ("`proxy`", url.to_owned()),
            None => first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])?,
        };
        let mut direct: Vec<String> = ALWAYS_DIRECT.iter().map(|host| (*host).to_owned()).collect();
        direct.extend(variable("KUBERNETES_SERVICE_HOST"));
        direct.extend(first(&["NO_PROXY", "no_proxy"]).map(|(_, hosts)| hosts));
        Some(Self { url, source_name, direct: direct.join(",") })
    }

    /// For the HTTP client.
    pub(crate) fn config(&self) -> Result<ProxyConfig, Error> {
        // `proxy:3128` is common, and curl takes it.
        let url = if self.url.contains("://") { self.url.clone() } else { format!("http://{}", self.url) };
        let config = ProxyConfig::https(url);
        let refused = |why: String| Error::Proxy { source_name: self.source_name, why };
        config.map(|config| config.no_proxy(&self.direct)).map_err(|error| refused(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(configured: Option<&str>, variables: &[(&str, &str)]) -> Option<Proxy> {
        let get = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        Proxy::find(configured, get)
    }

    fn url(configured: Option<&str>, variables: &[(&str, &str)]) -> Option<String> {
        find(configured, variables).map(|proxy| proxy.url)
    }

    #[test]
    fn the_configuration_comes_before_the_environment_and_an_empty_one_means_none() {
        let environment =
            [("HTTPS_PROXY", "http://a:1"), ("https_proxy", "http://b:1"), ("ALL_PROXY", "http://c:1")];
        assert_eq!(url(Some("http://own:1"), &environment), Some("http://own:1".to_owned()));
        assert_eq!(url(None, &environment), Some("http://a:1".to_owned()));
        assert_eq!(url(None, &environment[1..]), Some("http://b:1".to_owned()));
        assert_eq!(url(None, &environment[2..]), Some("http://c:1".to_owned()));
        assert_eq!(url(None, &[("HTTPS_PROXY", ""), ("HTTP_PROXY", "http://plain:1")]), None);
        assert_eq!(url(Some(""), &environment), None);
    }

    #[test]
    fn metadata_endpoints_and_the_cluster_are_direct_whatever_no_proxy_says() {
        let variables = [("NO_PROXY", "example.com"), ("KUBERNETES_SERVICE_HOST", "10.100.0.1")];
        let direct = find(Some("p:1"), &variables).unwrap().direct;
        let hosts: Vec<&str> = direct.split(',').collect();
        for host in ["169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::/32", ".svc"] {
            assert!(hosts.contains(&host), "{host} in {direct}");
        }
        assert!(hosts.ends_with(&["10.100.0.1", "example.com"]), "{direct}");
    }

    #[test]
    fn a_proxy_without_a_scheme_is_plain_http_and_what_is_no_url_is_refused_without_its_password() {
        assert!(find(Some("proxy.example.com:3128"), &[]).unwrap().config().is_ok());
        let error = find(Some("ftp://user:secret@host"), &[]).unwrap().config().unwrap_err().to_string();
        assert!(error.contains("`proxy`") && error.contains("ftp") && !error.contains("secret"), "{error}");
    }
}
