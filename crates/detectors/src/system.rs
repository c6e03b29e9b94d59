//! `system`: this machine.

use std::fs;

use async_trait::async_trait;
use weir_core::{Attributes, Detector, Findings};

use crate::{
    SystemSettings,
    known::{Found, Known},
};

pub(crate) const KNOWN: Known =
    &[("host.name", true), ("os.type", true), ("host.arch", false), ("host.id", false)];

/// Where an id of the machine stands (machine-id(5)), and where D-Bus keeps it on machines without systemd.
const MACHINE_IDS: [&str; 2] = ["/etc/machine-id", "/var/lib/dbus/machine-id"];

pub(crate) struct System {
    found: Attributes,
}

impl System {
    pub(crate) fn new(settings: &SystemSettings) -> Self {
        let mut found = Found::new(KNOWN, &settings.resource_attributes);
        let uname = rustix::system::uname();
        found.add("host.name", uname.nodename().to_str().ok());
        found.add("os.type", Some(std::env::consts::OS));
        found.add("host.arch", Some(architecture(std::env::consts::ARCH)));
        if found.wants("host.id") {
            found.add("host.id", MACHINE_IDS.iter().find_map(|path| machine_id(path)));
        }
        Self { found: found.into_attributes() }
    }
}

fn machine_id(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned()).filter(|id| !id.is_empty())
}

/// The names of OpenTelemetry's semantic conventions (`host.arch`).
fn architecture(name: &'static str) -> &'static str {
    match name {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[async_trait]
impl Detector for System {
    fn at_once(&mut self) -> Attributes {
        self.found.clone()
    }

    async fn run(self: Box<Self>, mut findings: Findings) {
        findings.publish(self.found, None);
    }
}
