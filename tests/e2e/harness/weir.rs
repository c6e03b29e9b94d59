//! A running engine: where it listens, what it says of itself, and its last word.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use super::{Ended, Ledger, Program, Sender, admin};

/// `weir run` with a configuration, ready.
pub(crate) struct Weir {
    pub(crate) program: Program,
    admin: SocketAddr,
    otlp: Option<SocketAddr>,
}

/// Writes a configuration to a file of its own.
pub(crate) fn config_file(text: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("e2e-{number}.yaml"));
    fs::write(&path, text).unwrap();
    path
}

impl Weir {
    /// Starts it and waits until it says that it is ready, and until `/ready` agrees. The admin listener and the `otlp`
    /// receiver, if there is one, should take port 0.
    pub(crate) async fn start(config: &str, arguments: &[&str]) -> Self {
        let path = config_file(config);
        let mut all = vec!["run", "--log-format", "json", "-c", path.to_str().unwrap()];
        all.extend(["--set", "service.telemetry.metrics.address=127.0.0.1:0"]);
        all.extend(arguments);
        Self::ready(Program::start(all)).await
    }

    /// As [`Weir::start`], with these variables in its environment.
    pub(crate) async fn start_with(config: &str, arguments: &[&str], environment: &[(&str, String)]) -> Self {
        let path = config_file(config);
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        command.args(["run", "--log-format", "json", "-c", path.to_str().unwrap()]);
        command.args(["--set", "service.telemetry.metrics.address=127.0.0.1:0"]).args(arguments);
        command.env_clear().envs(environment.iter().map(|(name, value)| (*name, value.as_str())));
        Self::ready(Program::spawn(command)).await
    }

    /// Waits until a started program is ready.
    pub(crate) async fn ready(program: Program) -> Self {
        let (mut admin, mut otlp) = (None, None);
        let ready = |line: &str| {
            admin = admin.or_else(|| address(line, "admin listener on http://"));
            otlp = otlp.or_else(|| address(line, "otlp listening on "));
            line.contains("everything is ready").then_some(())
        };
        program.stderr.wait_for("a ready Weir", ready).await;
        let weir = Self { program, admin: admin.unwrap(), otlp };
        assert_eq!(weir.get("/ready"), (200, "ok\n".to_owned()));
        weir
    }

    /// A connection to the `otlp` receiver.
    pub(crate) async fn sender(&self) -> Sender {
        Sender::connect(self.otlp_address()).await
    }

    pub(crate) fn otlp_address(&self) -> SocketAddr {
        self.otlp.unwrap()
    }

    /// Where the admin listener is.
    pub(crate) fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// The status and body of a page of the admin listener.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        admin::get(self.admin, path)
    }

    /// Sums up the samples of one of Weir's own metrics whose labels hold all of `labels`.
    pub(crate) fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        admin::samples(&self.get("/metrics").1, name)
            .into_iter()
            .filter(|(found, _)| labels.iter().all(|label| found.contains(label)))
            .map(|(_, value)| value)
            .sum()
    }

    /// Every sample of one of Weir's own metrics, by its labels.
    pub(crate) fn metrics(&self, name: &str) -> Vec<(String, f64)> {
        admin::samples(&self.get("/metrics").1, name)
    }

    /// Points dropped for a reason so far.
    pub(crate) fn dropped(&self, reason: &str) -> u64 {
        self.metric("weir_dropped_points", &[&format!("reason=\"{reason}\"")]) as u64
    }

    /// Memory in RAM, in bytes, as the kernel counts it.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.program.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
    }

    /// Tells it to end, and reads its exit code and its ledger, which must add up.
    pub(crate) async fn stop(self, signal: &str) -> (Ended, Ledger) {
        self.program.signal(signal);
        let ended = self.program.ended().await;
        let ledger = Ledger::parse(&ended.stderr);
        ledger.assert_adds_up();
        (ended, ledger)
    }

    /// Ends it by SIGTERM; it must drain and exit with 0.
    pub(crate) async fn drain(self) -> Ledger {
        let (ended, ledger) = self.stop("TERM").await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ledger
    }
}

/// The socket address that follows `words` in a line.
pub(crate) fn address(line: &str, words: &str) -> Option<SocketAddr> {
    let rest = line.split_once(words)?.1;
    rest.split(|c: char| !c.is_ascii_digit() && !".:[]".contains(c)).next()?.parse().ok()
}
