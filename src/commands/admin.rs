//! Asking the admin listener of a running Weir: what `weir health` and `weir targets` have in common.

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use bytes::Bytes;
use hyper::StatusCode;
use tokio::runtime;
use weir_core::{MetricsLevel, Service};
use weir_net::{GetError, get};

use super::say;
use crate::{cli::ConfigArgs, configuration, exit};

/// The answer to `path` of at most `max` bytes: of the Weir at `endpoint`, or else of the one that the configuration describes.
/// What goes wrong is said, and has its exit code.
pub(super) fn ask(
    config: &ConfigArgs,
    endpoint: Option<&str>,
    path: &str,
    max: usize,
    patience: Duration,
) -> Result<(StatusCode, Bytes), ExitCode> {
    let address = match endpoint {
        Some(endpoint) => endpoint.to_owned(),
        None => configured(config)?.to_string(),
    };
    let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        say(&format!("cannot start the runtime: {error}\n"));
        exit::failure()
    })?;
    runtime.block_on(get(&address, path, max, patience)).map_err(|error| match error {
        GetError::Request(_) => {
            say(&format!("`{address}` is no address: {error}\n"));
            exit::usage()
        }
        error => {
            say(&format!("{error}\n"));
            exit::unreachable()
        }
    })
}

/// Where the admin listener of the configuration is.
fn configured(args: &ConfigArgs) -> Result<SocketAddr, ExitCode> {
    let sources = configuration::sources(args, true);
    let (_, plan) = configuration::checked(&sources, &args.set)?;
    admin_address(&plan.service).map_err(|why| {
        say(&format!("{why}: say where it listens with --endpoint HOST:PORT\n"));
        exit::usage()
    })
}

/// The address to connect to, for a listener on any address the loopback one.
fn admin_address(service: &Service) -> Result<SocketAddr, &'static str> {
    let metrics = &service.telemetry.metrics;
    let mut address = metrics.address;
    if metrics.level == MetricsLevel::None {
        return Err("the admin listener is switched off");
    }
    if address.port() == 0 {
        return Err("the admin listener takes a free port");
    }
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    Ok(address)
}
