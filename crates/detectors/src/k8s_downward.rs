//! `k8s_downward`: what the downward API gives a pod, in environment variables and in a volume. Needs no rights.

use std::{collections::HashMap, fs::File, io::Read, path::Path, time::Duration};

use async_trait::async_trait;
use weir_core::{Attributes, Detector, Findings, KeyValue, Value};

use crate::{
    Environment, K8sDownwardSettings, MALFORMED,
    known::{Found, Known},
    listed,
};

pub(crate) const KNOWN: Known = &[
    ("k8s.pod.name", true),
    ("k8s.namespace.name", true),
    ("k8s.pod.uid", true),
    ("k8s.node.name", true),
    ("k8s.pod.ip", false), // changes with every pod, and says nothing that the name does not
];

/// The names that manifests give variables with these fields, and the file of a volume where there may be one.
const FIELDS: [(&str, [&str; 3], Option<&str>); 5] = [
    ("k8s.pod.name", ["POD_NAME", "K8S_POD_NAME", "MY_POD_NAME"], Some("name")),
    ("k8s.namespace.name", ["POD_NAMESPACE", "K8S_NAMESPACE", "MY_POD_NAMESPACE"], Some("namespace")),
    ("k8s.pod.uid", ["POD_UID", "K8S_POD_UID", "MY_POD_UID"], Some("uid")),
    ("k8s.node.name", ["NODE_NAME", "K8S_NODE_NAME", "MY_NODE_NAME"], None),
    ("k8s.pod.ip", ["POD_IP", "K8S_POD_IP", "MY_POD_IP"], None),
];

/// How often the volume is read again. The kubelet brings it up to date about once a minute.
const READ_EVERY: Duration = Duration::from_secs(10);

/// All labels and annotations of a pod take 256 KiB at most (Kubernetes' own bound); a value takes up to four times as much in quotes.
const MAX_BYTES: u64 = 1 << 20;

pub(crate) struct K8sDownward {
    settings: K8sDownwardSettings,
    every: Duration,
    /// The fields that variables give: they do not change.
    variables: HashMap<&'static str, String>,
}

impl K8sDownward {
    pub(crate) fn new(settings: K8sDownwardSettings, every: Duration, environment: &Environment) -> Self {
        let of = |variables: [&str; 3]| variables.into_iter().find_map(|variable| environment(variable));
        let variables = FIELDS.iter().filter_map(|(field, variables, _)| Some((*field, of(*variables)?)));
        let variables = variables.collect();
        Self { settings, every: if every.is_zero() { READ_EVERY } else { every }, variables }
    }

    /// What variables and volume say now, and what cannot be read.
    fn read(&self) -> (Attributes, Option<String>) {
        let mut found = Found::new(KNOWN, &self.settings.resource_attributes);
        for (field, _, file) in FIELDS {
            let variable = self.variables.get(field).cloned();
            found.add(field, variable.or_else(|| Some(read(&self.settings.path, file?)?.trim().to_owned())));
        }
        let mut all = found.into_attributes().to_vec();
        let mut problem = None;
        for (file, names, prefix) in [
            ("labels", &self.settings.labels, "k8s.pod.label"),
            ("annotations", &self.settings.annotations, "k8s.pod.annotation"),
        ] {
            if names.is_empty() {
                continue;
            }
            match listed::go_quoted_pairs(&read(&self.settings.path, file).unwrap_or_default()) {
                Ok(pairs) => {
                    let wanted = pairs.into_iter().filter(|(key, _)| names.contains(key));
                    all.extend(
                        wanted
                            .map(|(key, value)| KeyValue::new(format!("{prefix}.{key}"), Value::str(value))),
                    );
                }
                Err(error) => {
                    let path = self.settings.path.join(file);
                    problem = Some(format!("{} is left out: {error}", path.display()));
                }
            }
        }
        (Attributes::new(all), problem)
    }
}

/// A file of the volume, if it is there. The volume is in memory: reading it does not block.
fn read(folder: &Path, file: &str) -> Option<String> {
    let mut text = String::new();
    File::open(folder.join(file)).ok()?.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

#[async_trait]
impl Detector for K8sDownward {
    fn at_once(&mut self) -> Attributes {
        self.read().0
    }

    async fn run(self: Box<Self>, mut findings: Findings) {
        loop {
            let (found, problem) = self.read();
            let nothing = format!(
                "neither variables such as POD_NAME are set, nor is there a volume at {}",
                self.settings.path.display()
            );
            let missing = if found.is_empty() { Some(nothing) } else { problem.clone() };
            findings.publish(found, missing.as_deref());
            if let Some(problem) = problem {
                findings.fail(MALFORMED, &problem);
            }
            findings.clock().sleep(self.every).await;
        }
    }
}
