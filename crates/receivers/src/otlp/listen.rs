//! Binding an endpoint.

use std::{io, net::SocketAddr};

use tokio::net::{TcpListener, lookup_host};
use weir_core::ComponentError;

use super::config::split_endpoint;

/// Binds `endpoint`, which is host:port. Of a name's addresses the first that can be had is taken, IPv4 before IPv6, as the
/// Collector does; without a host, every interface.
///
/// # Errors
/// None can be had; the error names the endpoint.
pub(super) async fn bind(endpoint: &str) -> Result<TcpListener, ComponentError> {
    let failed =
        |error: io::Error| ComponentError::Unavailable(format!("could not listen on {endpoint}: {error}"));
    let mut last = io::Error::new(io::ErrorKind::InvalidInput, "not host:port");
    for address in addresses(endpoint).await.map_err(failed)? {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

async fn addresses(endpoint: &str) -> io::Result<Vec<SocketAddr>> {
    let Some((host, port)) = split_endpoint(endpoint) else { return Ok(Vec::new()) };
    if host.is_empty() {
        // The first takes IPv4 too, where the host has IPv6.
        return Ok(vec![([0; 16], port).into(), ([0; 4], port).into()]);
    }
    let mut found: Vec<_> = lookup_host((host, port)).await?.collect();
    found.sort_by_key(SocketAddr::is_ipv6);
    Ok(found)
}
