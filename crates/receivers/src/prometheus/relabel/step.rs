//! One step of relabelling.

use md5::{Digest, Md5};
use regex::Regex;

use super::{
    case,
    pattern::{PatternError, anchored},
    template::Template,
};
use crate::prometheus::{
    config::{RelabelAction, RelabelConfig, SEPARATOR},
    ingest::Labels,
};

/// The expression that a step has by default, which matches everything.
const EVERYTHING: &str = "(.*)";
/// What it replaces with by default.
const FIRST_GROUP: &str = "$1";

/// Why a step cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// Its expression is none.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// A key is missing that its action needs.
    #[error("the action `{action}` needs `{key}`")]
    Missing {
        /// Its action.
        action: &'static str,
        /// What is missing.
        key: &'static str,
    },
    /// A key is given that its action has no use for.
    #[error("the action `{action}` has no use for `{key}`")]
    Unused {
        /// Its action.
        action: &'static str,
        /// What is too much.
        key: &'static str,
    },
}

impl StepError {
    /// The key that it is about.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Pattern(_) => "regex",
            Self::Missing { key, .. } | Self::Unused { key, .. } => key,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    source: Vec<String>,
    separator: String,
    change: Change,
}

#[derive(Clone, Debug)]
enum Change {
    /// `replace` as it is by default: the joined value becomes the label.
    Copy {
        target: String,
    },
    Replace {
        regex: Regex,
        target: Template,
        replacement: Template,
    },
    Keep(Regex),
    Drop(Regex),
    KeepEqual(String),
    DropEqual(String),
    HashMod {
        modulus: u64,
        target: String,
    },
    LabelMap {
        regex: Regex,
        name: Template,
    },
    LabelDrop(Regex),
    LabelKeep(Regex),
    Lowercase(String),
    Uppercase(String),
}

impl Step {
    pub(super) fn new(config: &RelabelConfig) -> Result<Self, StepError> {
        use RelabelAction as Action;
        check_keys(config)?;
        let pattern = config.regex.as_deref().unwrap_or(EVERYTHING);
        let replacement = config.replacement.as_deref().unwrap_or(FIRST_GROUP);
        let regex = anchored(pattern)?;
        let target = config.target_label.clone();
        let change = match config.action {
            Action::Replace
                if pattern == EVERYTHING && replacement == FIRST_GROUP && !target.contains('$') =>
            {
                Change::Copy { target }
            }
            Action::Replace => {
                let target = Template::new(&target, &regex);
                Change::Replace { replacement: Template::new(replacement, &regex), target, regex }
            }
            Action::Keep => Change::Keep(regex),
            Action::Drop => Change::Drop(regex),
            Action::KeepEqual => Change::KeepEqual(target),
            Action::DropEqual => Change::DropEqual(target),
            Action::HashMod => Change::HashMod { modulus: config.modulus, target },
            Action::LabelMap => Change::LabelMap { name: Template::new(replacement, &regex), regex },
            Action::LabelDrop => Change::LabelDrop(regex),
            Action::LabelKeep => Change::LabelKeep(regex),
            Action::Lowercase => Change::Lowercase(target),
            Action::Uppercase => Change::Uppercase(target),
        };
        Ok(Self { source: config.source_labels.clone(), separator: config.separator.clone(), change })
    }

    /// Changes `labels`; answers whether they are kept.
    pub(super) fn apply(&self, labels: &mut Labels) -> bool {
        match &self.change {
            Change::Keep(regex) => return regex.is_match(&self.value(labels)),
            Change::Drop(regex) => return !regex.is_match(&self.value(labels)),
            Change::KeepEqual(target) => return labels.get(target) == self.value(labels),
            Change::DropEqual(target) => return labels.get(target) != self.value(labels),
            Change::Copy { target } => {
                let value = self.value(labels);
                labels.set(target, &value);
            }
            Change::Replace { regex, target, replacement } => {
                let value = self.value(labels);
                let Some(found) = regex.captures(&value) else { return true };
                let target = target.expand(&found);
                if !target.is_empty() {
                    labels.set(&target, &replacement.expand(&found));
                }
            }
            Change::HashMod { modulus, target } => {
                let hash = Md5::digest(self.value(labels));
                // The last eight bytes of the digest, big endian, as in Prometheus.
                let number = hash.iter().skip(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
                labels.set(target, &(number % modulus).to_string());
            }
            Change::LabelMap { regex, name } => {
                let renamed = |(label, value): (&str, &str)| {
                    Some((name.expand(&regex.captures(label)?), value.to_owned()))
                };
                let renamed: Vec<_> = labels.iter().filter_map(renamed).collect();
                for (label, value) in renamed.iter().filter(|(label, _)| !label.is_empty()) {
                    labels.set(label, value);
                }
            }
            Change::LabelDrop(regex) => labels.retain(|label, _| !regex.is_match(label)),
            Change::LabelKeep(regex) => labels.retain(|label, _| regex.is_match(label)),
            Change::Lowercase(target) => {
                let value = case::lower(&self.value(labels));
                labels.set(target, &value);
            }
            Change::Uppercase(target) => {
                let value = case::upper(&self.value(labels));
                labels.set(target, &value);
            }
        }
        true
    }

    /// The values of its source labels, joined.
    fn value(&self, labels: &Labels) -> String {
        let mut value = String::new();
        for (at, label) in self.source.iter().enumerate() {
            if at > 0 {
                value.push_str(&self.separator);
            }
            value.push_str(labels.get(label));
        }
        value
    }
}

/// What Prometheus refuses, it refuses because the step would do nothing, or not what it says.
fn check_keys(config: &RelabelConfig) -> Result<(), StepError> {
    use RelabelAction as Action;
    let action = config.action.name();
    let needs_target = matches!(
        config.action,
        Action::Replace
            | Action::HashMod
            | Action::Lowercase
            | Action::Uppercase
            | Action::KeepEqual
            | Action::DropEqual
    );
    if needs_target && config.target_label.is_empty() {
        return Err(StepError::Missing { action, key: "target_label" });
    }
    if config.action == Action::HashMod && config.modulus == 0 {
        return Err(StepError::Missing { action, key: "modulus" });
    }
    // A default that is written is no mistake.
    let has_regex = config.regex.as_deref().is_some_and(|regex| regex != EVERYTHING);
    let has_replacement = config.replacement.as_deref().is_some_and(|text| text != FIRST_GROUP);
    let has_source = !config.source_labels.is_empty();
    let has_separator = config.separator != SEPARATOR;
    let has_modulus = config.modulus != 0;
    let unused: &[(&'static str, bool)] = match config.action {
        Action::KeepEqual | Action::DropEqual => &[
            ("regex", has_regex),
            ("modulus", has_modulus),
            ("separator", has_separator),
            ("replacement", has_replacement),
        ],
        Action::LabelDrop | Action::LabelKeep => &[
            ("source_labels", has_source),
            ("target_label", !config.target_label.is_empty()),
            ("modulus", has_modulus),
            ("separator", has_separator),
            ("replacement", has_replacement),
        ],
        Action::Lowercase | Action::Uppercase => &[("replacement", has_replacement)],
        _ => &[],
    };
    match unused.iter().find(|(_, is_there)| *is_there) {
        Some((key, _)) => Err(StepError::Unused { action, key }),
        None => Ok(()),
    }
}
