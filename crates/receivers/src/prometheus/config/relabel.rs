//! A step of `relabel_configs` and `metric_relabel_configs`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::Check;

use crate::prometheus::relabel::Relabel;

/// A step of relabelling.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct RelabelConfig {
    /// Labels whose values are joined: what the step looks at.
    pub source_labels: Vec<String>,
    /// What the values are joined with.
    pub separator: String,
    /// What the joined value must match as a whole (with `labelmap`, `labeldrop` and `labelkeep`: the name of a label); left out,
    /// `(.*)`.
    pub regex: Option<String>,
    /// The label that is written; `$1` is a group of `regex`.
    pub target_label: String,
    /// What is written there; left out, `$1`. `$1` and `${1}` need no second `$`.
    pub replacement: Option<String>,
    /// With `hashmod`: how many classes there are.
    pub modulus: u64,
    /// What is done.
    #[serde(deserialize_with = "action")]
    pub action: RelabelAction,
}

impl Default for RelabelConfig {
    fn default() -> Self {
        Self {
            source_labels: Vec::new(),
            separator: ";".to_owned(),
            regex: None,
            target_label: String::new(),
            replacement: None,
            modulus: 0,
            action: RelabelAction::Replace,
        }
    }
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RelabelAction {
    /// Writes a label where the value matches.
    Replace,
    /// Leaves out what does not match.
    Keep,
    /// Leaves out what matches.
    Drop,
    /// Leaves out what differs from the label `target_label`.
    KeepEqual,
    /// Leaves out what equals the label `target_label`.
    DropEqual,
    /// Writes the class of the value: its MD5 by `modulus`.
    HashMod,
    /// Copies each label whose name matches to the name that is `replacement`.
    LabelMap,
    /// Removes labels whose names match.
    LabelDrop,
    /// Removes labels whose names do not match.
    LabelKeep,
    /// Writes the value in lower case.
    Lowercase,
    /// Writes the value in upper case.
    Uppercase,
}

impl RelabelAction {
    const ALL: [Self; 11] = [
        Self::Replace,
        Self::Keep,
        Self::Drop,
        Self::KeepEqual,
        Self::DropEqual,
        Self::HashMod,
        Self::LabelMap,
        Self::LabelDrop,
        Self::LabelKeep,
        Self::Lowercase,
        Self::Uppercase,
    ];

    /// Its name in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Keep => "keep",
            Self::Drop => "drop",
            Self::KeepEqual => "keepequal",
            Self::DropEqual => "dropequal",
            Self::HashMod => "hashmod",
            Self::LabelMap => "labelmap",
            Self::LabelDrop => "labeldrop",
            Self::LabelKeep => "labelkeep",
            Self::Lowercase => "lowercase",
            Self::Uppercase => "uppercase",
        }
    }
}

/// An action in any case: Prometheus takes `Drop` too.
fn action<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<RelabelAction, D::Error> {
    let text = String::deserialize(deserializer)?;
    let known = RelabelAction::ALL.into_iter().find(|action| action.name().eq_ignore_ascii_case(&text));
    known.ok_or_else(|| {
        let names = RelabelAction::ALL.map(RelabelAction::name).join(", ");
        serde::de::Error::custom(format!("unknown action `{text}`; the actions are {names}"))
    })
}

/// Reports what is wrong with the steps that stand at `key`.
pub(super) fn check_steps(steps: &[RelabelConfig], key: &str, check: &mut Check<'_>) {
    for (at, error) in Relabel::new(steps).err().unwrap_or_default() {
        let at = at.to_string();
        check.error(&[key, &at, error.key()], error.to_string());
    }
}
