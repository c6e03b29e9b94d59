//! The keys of each detector: the Collector's `resource_detection`, where it has the same detector.

use std::{collections::BTreeMap, path::PathBuf};

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::{Check, Duration};

use crate::{
    ec2, ecs, eks, k8s_downward,
    known::{self, Switch, Switches},
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
    /// Of `ec2`.
    pub ec2: Ec2Settings,
    /// Of `ecs`.
    pub ecs: PlainSettings,
    /// Of `eks`.
    pub eks: EksSettings,
    /// Of `k8s_downward`.
    pub k8s_downward: K8sDownwardSettings,
}

impl Settings {
    /// Makes sure that one of `asked` looks for `attribute`, which somebody asks for by its name.
    pub fn require(&mut self, asked: &[DetectorName], attribute: &str) {
        if let Some(tag) = attribute.strip_prefix(ec2::TAG) {
            if asked.contains(&DetectorName::Ec2) && !self.ec2.required_tags.iter().any(|one| one == tag) {
                self.ec2.required_tags.push(tag.to_owned());
            }
            return;
        }
        // One that finds it by itself is enough: another, asked too, might find something else under that name.
        let finds = |settings: &mut Self, name| {
            settings.switches(name).is_some_and(|(known, switches)| known::is_on(known, switches, attribute))
        };
        if asked.iter().any(|name| finds(self, *name)) {
            return;
        }
        for name in asked {
            if let Some((known, switches)) = self.switches(*name)
                && known.iter().any(|(of, _)| *of == attribute)
            {
                switches.entry(attribute.to_owned()).or_insert(Switch { enabled: true });
                return;
            }
        }
    }

    /// What a detector knows, and its switches.
    fn switches(&mut self, name: DetectorName) -> Option<(known::Known, &mut Switches)> {
        match name {
            DetectorName::Env => None,
            DetectorName::System => Some((system::KNOWN, &mut self.system.resource_attributes)),
            DetectorName::Ec2 => Some((ec2::KNOWN, &mut self.ec2.resource_attributes)),
            DetectorName::Ecs => Some((ecs::KNOWN, &mut self.ecs.resource_attributes)),
            DetectorName::Eks => Some((eks::KNOWN, &mut self.eks.resource_attributes)),
            DetectorName::K8sDownward => {
                Some((k8s_downward::KNOWN, &mut self.k8s_downward.resource_attributes))
            }
        }
    }

    /// Reports what the types cannot say; paths begin at the processor's keys.
    pub fn check(&self, check: &mut Check<'_>) {
        known::check(check, "system", system::KNOWN, &self.system.resource_attributes);
        known::check(check, "ec2", ec2::KNOWN, &self.ec2.resource_attributes);
        known::check(check, "ecs", ecs::KNOWN, &self.ecs.resource_attributes);
        known::check(check, "eks", eks::KNOWN, &self.eks.resource_attributes);
        for (at, pattern) in self.ec2.tags.iter().enumerate() {
            if let Err(error) = Regex::new(pattern) {
                let why = error.to_string();
                let why = why.lines().last().unwrap_or_default();
                check.error(&["ec2", "tags", &at.to_string()], format!("not a regular expression: {why}"));
            }
        }
        for (key, instead) in [
            ("max_attempts", "take it out"),
            ("max_backoff", "take it out; `timeout` bounds an attempt"),
            (
                "fail_on_missing_metadata",
                "take it out; `/status` and `weir_detector_ready` show what is missing",
            ),
        ] {
            let why = "Weir starts without metadata, and asks again for as long as it runs";
            check.not_taken(&["ec2", key], why, instead);
        }
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
    /// The EC2 instance: its identity document and its tags.
    Ec2,
    /// The ECS task.
    Ecs,
    /// The EKS cluster and the node.
    Eks,
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

impl K8sDownwardSettings {
    /// Those attributes of this very pod, switched on, that others have of their own.
    pub fn own_pod(&self) -> Vec<&'static str> {
        let names = ["k8s.pod.name", "k8s.namespace.name", "k8s.pod.uid", "k8s.pod.ip"];
        let is_on = |name: &&str| known::is_on(k8s_downward::KNOWN, &self.resource_attributes, name);
        names.into_iter().filter(is_on).collect()
    }
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

/// Settings of `ec2`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Ec2Settings {
    /// Regular expressions for the names of the instance's tags to add, as `ec2.tag.NAME`.
    pub tags: Vec<String>,
    /// `true`: tags from the instance's metadata alone; `false`: from the EC2 API alone. Else the metadata goes first.
    pub tags_from_imds: Option<bool>,
    /// Attributes to switch off or on.
    pub resource_attributes: Switches,
    /// Tags that somebody asks for by their names: they are looked for until they are there.
    #[schemars(skip)]
    #[serde(skip)]
    pub required_tags: Vec<String>,
}

impl Ec2Settings {
    pub(crate) fn wants_tags(&self) -> bool {
        !self.tags.is_empty() || !self.required_tags.is_empty()
    }

    /// Whether a tag is to be added. What `check` has let pass is an expression.
    pub(crate) fn is_wanted(&self, tag: &str) -> bool {
        self.required_tags.iter().any(|required| required == tag)
            || self.tags.iter().any(|pattern| Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(tag)))
    }
}

/// Settings of a detector that has none but switches.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PlainSettings {
    /// Attributes to switch off or on.
    pub resource_attributes: Switches,
}

/// Settings of `eks`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct EksSettings {
    /// The environment variable that holds the node's name, by the downward API; `NODE_NAME` and `K8S_NODE_NAME` count too.
    pub node_from_env_var: String,
    /// Attributes to switch on (`k8s.cluster.name`) or off.
    pub resource_attributes: Switches,
}

impl Default for EksSettings {
    fn default() -> Self {
        Self { node_from_env_var: "K8S_NODE_NAME".to_owned(), resource_attributes: Switches::new() }
    }
}
