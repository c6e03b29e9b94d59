use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use weir_config::{Check, Duration};
use weir_core::{Facts, OwnPod};
use weir_detectors::{
    DetectorName, Ec2Settings, EksSettings, EnvSettings, K8sDownwardSettings, PlainSettings, Settings,
    SystemSettings,
};

use super::{action::Action, append::Appended, matching::Matching, rules::Rule};

/// The configuration of `dimensions`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// What to do with the point's attributes, one action after the other (the key of the Collector's `attributes` processor).
    pub actions: Vec<Action>,
    /// What to do with the resource's attributes, before `actions`; the Collector's `resource` processor calls this key `attributes`.
    #[serde(alias = "attributes")]
    pub resource: Vec<Action>,
    /// Only these series; all, where nothing is said.
    pub include: Option<Matching>,
    /// All but these series.
    pub exclude: Option<Matching>,
    /// Attributes to add to points by the names of the CloudWatch Agent's `append_dimensions`; each asks its detector by itself.
    pub append: Vec<Appended>,
    /// What finds out where Weir runs; the resources of series get what is found. Of two that find the same, the first counts.
    pub detectors: Vec<DetectorName>,
    /// Whose series get what is found: those of this host, or all of them, as on an agent that only its own node sends to.
    pub apply_to: ApplyTo,
    /// Whether what is found replaces what a resource says already.
    #[serde(rename = "override")]
    pub replaces: bool,
    /// How long one attempt of a detector may take.
    pub timeout: Duration,
    /// How often to detect again; 0 detects no more once everything is found.
    pub refresh_interval: Duration,
    /// Of the detector `env`.
    pub env: EnvSettings,
    /// Of the detector `system`.
    pub system: SystemSettings,
    /// Of the detector `ec2`.
    pub ec2: Ec2Settings,
    /// Of the detector `ecs`.
    pub ecs: PlainSettings,
    /// Of the detector `eks`.
    pub eks: EksSettings,
    /// Of the detector `k8s_downward`.
    pub k8s_downward: K8sDownwardSettings,
    /// Refused by `check`, with what to write in its place.
    #[schemars(skip)]
    #[serde(skip_serializing)]
    #[doc(hidden)]
    pub fail_on_missing_metadata: IgnoredAny,
    /// The same.
    #[schemars(skip)]
    #[serde(skip_serializing)]
    #[doc(hidden)]
    pub append_dimensions: IgnoredAny,
    /// The same.
    #[schemars(skip)]
    #[serde(skip_serializing)]
    #[doc(hidden)]
    pub retry: IgnoredAny,
}

/// Keys of the Collector that Weir does not take: why, and what to do.
const REFUSED: [(&str, &str, &str); 3] = [
    (
        "append_dimensions",
        "this key is the CloudWatch Agent's; here it is a list of names",
        "write `append: [InstanceId, InstanceType, ImageId, AutoScalingGroupName]`",
    ),
    (
        "fail_on_missing_metadata",
        "Weir starts without metadata, and takes it when it is there",
        "take the key out; `/status` and `weir_detector_ready` show what is missing",
    ),
    (
        "retry",
        "detectors try again for as long as Weir runs: after 1 s, then twice as long each time",
        "take the key out; `timeout` bounds an attempt",
    ),
];

/// Whose series get what detectors find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApplyTo {
    /// What Weir reads of this machine, and what is sent to listeners that only this machine, or this pod, can reach.
    #[default]
    ThisHost,
    /// Everybody's.
    All,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            actions: Vec::new(),
            resource: Vec::new(),
            include: None,
            exclude: None,
            append: Vec::new(),
            detectors: Vec::new(),
            apply_to: ApplyTo::ThisHost,
            replaces: true,                  // the Collector's default
            timeout: Duration::from_secs(5), // the same
            refresh_interval: Duration::ZERO,
            env: EnvSettings::default(),
            system: SystemSettings::default(),
            ec2: Ec2Settings::default(),
            ecs: PlainSettings::default(),
            eks: EksSettings::default(),
            k8s_downward: K8sDownwardSettings::default(),
            fail_on_missing_metadata: IgnoredAny,
            append_dimensions: IgnoredAny,
            retry: IgnoredAny,
        }
    }
}

impl Config {
    /// Every action, in the order in which they are applied.
    fn all_actions(&self) -> impl Iterator<Item = &Action> {
        self.resource.iter().chain(&self.actions)
    }

    /// The environment variables that actions name.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.all_actions().filter_map(|action| action.from_env.as_deref())
    }

    /// The detectors to ask, each once: those that are listed come first, then those that `append` needs.
    pub(super) fn asked(&self) -> Vec<DetectorName> {
        let mut asked: Vec<DetectorName> = Vec::new();
        for name in self.detectors.iter().copied().chain(self.append.iter().map(|one| one.detector())) {
            if !asked.contains(&name) {
                asked.push(name);
            }
        }
        asked
    }

    /// What detectors need to know.
    pub(super) fn settings(&self) -> Settings {
        let mut settings = Settings {
            timeout: self.timeout,
            refresh_interval: self.refresh_interval,
            env: self.env.clone(),
            system: self.system.clone(),
            ec2: self.ec2.clone(),
            ecs: self.ecs.clone(),
            eks: self.eks.clone(),
            k8s_downward: self.k8s_downward.clone(),
        };
        for one in &self.append {
            settings.require(&[one.detector()], one.attribute());
        }
        let asked = self.asked();
        for attribute in self.all_actions().filter_map(|action| action.from_metadata.as_deref()) {
            settings.require(&asked, attribute);
        }
        settings
    }

    /// The actions on points: `append` goes first, so that the others see what it adds.
    pub(super) fn point_actions(&self) -> Vec<Action> {
        self.append.iter().map(|one| one.action()).chain(self.actions.iter().cloned()).collect()
    }
}

impl weir_core::Config for Config {
    fn check(&self, check: &mut Check<'_>) {
        for (key, why, help) in REFUSED {
            if check.node().get(key).is_some_and(|node| node.as_bool() != Some(false)) {
                check.error_with(&[key], why, help);
            }
        }
        // The path of an alias is what stands in the file.
        let resource = if check.node().get("resource").is_some() { "resource" } else { "attributes" };
        for (list, actions) in [("actions", &self.actions), (resource, &self.resource)] {
            for (at, action) in actions.iter().enumerate() {
                self.check_action(list, &at.to_string(), action, check);
            }
        }
        for (key, matching) in [("include", &self.include), ("exclude", &self.exclude)] {
            if let Some(matching) = matching {
                matching.check(key, check);
            }
        }
        let mut seen = BTreeSet::new();
        for (at, name) in self.detectors.iter().enumerate() {
            if !seen.insert(format!("{name:?}")) {
                check.error(&["detectors", &at.to_string()], "this detector is listed twice");
            }
        }
        if self.timeout.is_zero() {
            check.error(&["timeout"], "an attempt that may take no time finds nothing");
        }
        self.settings().check(check);
    }

    fn facts(&self) -> Facts {
        let enriches = !self.asked().is_empty();
        Facts {
            enriches_this_host: enriches && self.apply_to == ApplyTo::ThisHost,
            writes_own_pod: self.writes_own_pod(),
            ..Facts::default()
        }
    }
}

impl Config {
    /// The node's name is the same for all pods of the node; these are not.
    fn writes_own_pod(&self) -> Option<OwnPod> {
        let at = self.detectors.iter().position(|name| *name == DetectorName::K8sDownward)?;
        let names = self.k8s_downward.own_pod();
        let switches: Vec<String> = names.iter().map(|name| format!("{name}: {{enabled: false}}")).collect();
        let without = format!("k8s_downward: {{resource_attributes: {{{}}}}}", switches.join(", "));
        let path = vec!["detectors".to_owned(), at.to_string()];
        (!names.is_empty()).then_some(OwnPod { path, without })
    }

    fn check_action(&self, list: &str, at: &str, action: &Action, check: &mut Check<'_>) {
        let written = |check: &Check<'_>, key: &str| check.node().at(&[list, at, key]).is_some();
        if let Err(problem) = Rule::new(action, &|_| None) {
            // Where a value is missed that is written but empty, or could not be read, the place to look at is there.
            let unread = action.keys().into_iter().find(|(key, read)| !read && written(check, key));
            let shows = problem.path.first().map_or("", String::as_str);
            let (mut path, mut message) = (vec![list, at], problem.message);
            match unread.filter(|_| shows == "action") {
                Some((key, _)) => path.push(key),
                None => path.extend(problem.path.iter().map(String::as_str)),
            }
            if shows == "key" && !written(check, "key") {
                message = format!("{} takes a `key`", action.action.noun());
            }
            check.error(&path, message);
        }
        if action.from_metadata.is_some() && self.asked().is_empty() {
            check.error_with(
                &[list, at, "from_metadata"],
                "no detector is listed that could find it",
                "list one: `detectors: [ec2]`",
            );
        }
    }
}
