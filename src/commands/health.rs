//! `weir health`: an exec probe for images without `curl`.

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use tokio::runtime;
use weir_core::{MetricsLevel, Service};
use weir_net::{GetError, get};

use super::{print, say};
use crate::{cli::HealthArgs, configuration, exit};

/// How long the answer may take. A probe of Kubernetes waits for one second by default, and then says less than we do.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks whether Weir is ready, or live.
pub(crate) fn run(args: &HealthArgs) -> ExitCode {
    let address = match &args.endpoint {
        Some(endpoint) => endpoint.clone(),
        None => match configured(args) {
            Ok(address) => address.to_string(),
            Err(code) => return code,
        },
    };
    let path = if args.live { "/live" } else { "/ready" };
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            say(&format!("cannot start the runtime: {error}\n"));
            return exit::failure();
        }
    };
    match runtime.block_on(get(&address, path, PATIENCE)) {
        Ok((status, body)) => {
            print(&String::from_utf8_lossy(&body));
            if status.is_success() { exit::SUCCESS } else { exit::failure() }
        }
        Err(error @ GetError::Request(_)) => {
            say(&format!("`{address}` is no address: {error}\n"));
            exit::usage()
        }
        Err(error) => {
            say(&format!("{error}\n"));
            exit::unreachable()
        }
    }
}

/// Where the admin listener of the configuration is.
fn configured(args: &HealthArgs) -> Result<SocketAddr, ExitCode> {
    let sources = configuration::sources(&args.config, true);
    let (_, plan) = configuration::checked(&sources, &args.config.set)?;
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
