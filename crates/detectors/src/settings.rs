//! The keys of each detector: the Collector's `resource_detection`, where it has the same detector.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::{Check, Duration};

use crate::{
    k8s_downward,
    known::{self, Switches},
    system,
};

/// The settings of all detectors.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How often to look again; zero looks no more once everything is found.
    pub refresh_interval: Duration,
    /// Of `env`.
    pub env: EnvSettings,
    /// Of `system`.
    pub system: SystemSettings,
    /// Of `k8s_downward`.
    pub k8s_downward: K8sDownwardSettings,
}

impl Settings {
    /// Reports what the types cannot say; paths begin at the processor's keys.
    pub fn check(&self, check: &mut Check<'_>) {
        known::check(check, "system", system::KNOWN, &self.system.resource_attributes);
        known::check(check, "k8s_downward", k8s_downward::KNOWN, &self.k8s_downward.resource_attributes);
        for (attribute, variable) in &self.env.variables {
            if variable.is_empty() {
                check.error(&["env", "variables", attribute], "the name of a variable cannot be empty");
            }
        }
        if !self.k8s_downward.path.is_absolute() {
            let found = self.k8s_downward.path.display();
            check.error_with(
                &["k8s_downward", "path"],
                format!("`{found}` is not an absolute path"),
                "name the folder where the downward-API volume is mounted, such as /etc/podinfo",
            );
        }
    }
}

/// A detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DetectorName {
    /// `OTEL_RESOURCE_ATTRIBUTES`, and variables by their names.
    Env,
    /// This machine: its name, its architecture, its id.
    System,
    /// What the downward API gives a pod.
    K8sDownward,
}

/// Settings of `env`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct EnvSettings {
    /// Attributes beside those of `OTEL_RESOURCE_ATTRIBUTES`, each with the environment variable that holds its value.
    pub variables: BTreeMap<String, String>,
}

/// Settings of `system`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct SystemSettings {
    /// Where `host.name` comes from: the kernel (`os`). Asking DNS would make the name depend on the network.
    pub hostname_sources: Vec<HostnameSource>,
    /// Attributes to switch on (`host.arch`, `host.id`) or off (`host.name`, `os.type`).
    pub resource_attributes: Switches,
}

impl Default for SystemSettings {
    fn default() -> Self {
        Self { hostname_sources: vec![HostnameSource::Os], resource_attributes: Switches::new() }
    }
}

/// Where a host's name comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HostnameSource {
    /// The kernel.
    Os,
}

/// Settings of `k8s_downward`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct K8sDownwardSettings {
    /// Where the downward-API volume is mounted: files `name`, `namespace`, `uid`, `labels`, `annotations`, each if it is there.
    pub path: PathBuf,
    /// Labels of the pod to add, as `k8s.pod.label.NAME`.
    pub labels: Vec<String>,
    /// Annotations of the pod to add, as `k8s.pod.annotation.NAME`.
    pub annotations: Vec<String>,
    /// Attributes to switch off or on.
    pub resource_attributes: Switches,
}

impl Default for K8sDownwardSettings {
    fn default() -> Self {
        Self {
            path: PathBuf::from("/etc/podinfo"), // where the examples of the Kubernetes documentation mount it
            labels: Vec::new(),
            annotations: Vec::new(),
            resource_attributes: Switches::new(),
        }
    }
}
