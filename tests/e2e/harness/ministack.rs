//! An emulator of CloudWatch that is not ours: ministack, which is written in Python.

use std::process::Command;

use super::{Program, within};

/// A running emulator on a loopback port of its own.
pub(crate) struct Ministack {
    port: u16,
    _program: Program,
}

impl Ministack {
    /// Starts it and waits until it listens.
    pub(crate) async fn start(program: &str) -> Self {
        // It takes no port 0. Whoever takes this one in between makes the test fail, and not pass.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = env!("CARGO_TARGET_TMPDIR");
        let mut command = Command::new(program);
        command.env_clear().current_dir(folder).envs([("HOME", folder), ("TMPDIR", folder)]);
        command.envs([("BIND_HOST", "127.0.0.1"), ("GATEWAY_PORT", &port.to_string())]);
        command.envs([("SERVICES", "cloudwatch"), ("SFTP_ENABLED", "0"), ("PYTHONDONTWRITEBYTECODE", "1")]);
        let program = Program::spawn(command);
        let running = |line: &str| line.contains("Running on http").then_some(());
        within("ministack", program.stderr.wait_for("a running ministack", running)).await;
        Self { port, _program: program }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}
