//! `weir health`: an exec probe for images without `curl`.

use std::{process::ExitCode, time::Duration};

use super::{admin, print};
use crate::{cli::HealthArgs, exit};

/// How long the answer may take. A probe of Kubernetes waits for one second by default, and then says less than we do.
const PATIENCE: Duration = Duration::from_secs(3);
/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 1 << 20;

/// Asks whether Weir is ready, or live.
pub(crate) fn run(args: &HealthArgs) -> ExitCode {
    let path = if args.live { "/live" } else { "/ready" };
    match admin::ask(&args.config, args.endpoint.as_deref(), path, MAX_ANSWER, PATIENCE) {
        Ok((status, body)) => {
            print(&String::from_utf8_lossy(&body));
            if status.is_success() { exit::SUCCESS } else { exit::failure() }
        }
        Err(code) => code,
    }
}
