//! A step of `relabel_configs` and `metric_relabel_configs`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::{Check, Value};

use crate::prometheus::relabel::{Relabel, StepError};

/// What values are joined with by default.
pub(in crate::prometheus) const SEPARATOR: &str = ";";

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
    pub action: RelabelAction,
}

impl Default for RelabelConfig {
    fn default() -> Self {
        Self {
            source_labels: Vec::new(),
            separator: SEPARATOR.to_owned(),
            regex: None,
            target_label: String::new(),
            replacement: None,
            modulus: 0,
            action: RelabelAction::Replace,
        }
    }
}

/// What a step does. The names with capitals are those of the Prometheus operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RelabelAction {
    /// Writes a label where the value matches.
    #[serde(alias = "Replace")]
    Replace,
    /// Leaves out what does not match.
    #[serde(alias = "Keep")]
    Keep,
    /// Leaves out what matches.
    #[serde(alias = "Drop")]
    Drop,
    /// Leaves out what differs from the label `target_label`.
    #[serde(alias = "KeepEqual")]
    KeepEqual,
    /// Leaves out what equals the label `target_label`.
    #[serde(alias = "DropEqual")]
    DropEqual,
    /// Writes the class of the value: its MD5 by `modulus`.
    #[serde(alias = "HashMod")]
    HashMod,
    /// Copies each label whose name matches to the name that is `replacement`.
    #[serde(alias = "LabelMap")]
    LabelMap,
    /// Removes labels whose names match.
    #[serde(alias = "LabelDrop")]
    LabelDrop,
    /// Removes labels whose names do not match.
    #[serde(alias = "LabelKeep")]
    LabelKeep,
    /// Writes the value in lower case.
    #[serde(alias = "Lowercase")]
    Lowercase,
    /// Writes the value in upper case.
    #[serde(alias = "Uppercase")]
    Uppercase,
}

impl RelabelAction {
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

/// Reports what is wrong with the steps that stand at `key`.
pub(super) fn check_steps(steps: &[RelabelConfig], key: &str, check: &mut Check<'_>) {
    for (at, error) in Relabel::new(steps).err().unwrap_or_default() {
        let at = at.to_string();
        // What is missing is told at the action that needs it, or not at all where the action itself could not be read.
        let place = if matches!(error, StepError::Missing { .. }) { "action" } else { error.key() };
        let action = check.node().at(&[key, &at, "action"]);
        if place == "action" && action.is_some_and(|action| matches!(action.value, Value::Map(_))) {
            continue;
        }
        check.error(&[key, &at, place], error.to_string());
    }
}
