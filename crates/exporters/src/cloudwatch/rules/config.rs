//! The keys of a rule, and what can be wrong with them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::Check;
use weir_window::Period;

use super::{
    super::{
        config::{Config, DimensionsConfig, wrong_namespace},
        units,
    },
    pattern::{Pattern, SHAPES, Template, covers},
};

/// What is different for some metrics. The first rule that is for a series decides; what it leaves out is as the exporter's own
/// keys say.
///
/// A pattern is a name, a name with `*` for any characters, or a regular expression of the whole name between slashes.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct RuleConfig {
    /// Patterns of the metrics that it is for; left out, every metric.
    pub metrics: Vec<String>,
    /// Patterns of attributes that a series must have too: of the point, else of the resource; `otel.scope.name` is the scope's name.
    #[serde(rename = "where")]
    pub having: BTreeMap<String, String>,
    /// Send nothing of them.
    pub drop: bool,
    /// The name to send them under; `$1` is what the first `*`, or group, of the pattern was.
    pub rename: Option<String>,
    /// The namespace to send them to.
    pub namespace: Option<String>,
    /// The attribute, of the point or else of the resource, that names the namespace; where it is missing, `namespace` does.
    pub namespace_from: Option<String>,
    /// The unit that the values are in, whatever the sender says.
    pub measured_in: Option<String>,
    /// The unit to send them in. Values are converted from theirs, and where none is known taken to be in it.
    pub unit: Option<String>,
    /// How long their points are gathered into one datum.
    pub period: Option<weir_config::Duration>,
    /// Seconds of CloudWatch's resolution, 1 or 60.
    pub storage_resolution: Option<u32>,
    /// What becomes a dimension, in place of the exporter's `dimensions`.
    pub dimensions: Option<DimensionsConfig>,
    /// Sets of these dimensions that are metrics of their own besides, as in the exporter's `rollups`.
    pub rollups: Option<Vec<Vec<String>>>,
    /// What one datum says where several series become one; histograms are always joined.
    pub merge: Merge,
}

/// How series that become one datum are joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Merge {
    /// Every point of every series is a sample.
    #[default]
    Distribution,
    /// One sample: the sum, over the series, of the last value of a gauge or of all increments of a delta.
    Sum,
    /// One sample: the value that is newest of all; increments of a delta are summed all the same.
    Last,
}

impl Merge {
    /// The word in configurations.
    pub fn word(self) -> &'static str {
        match self {
            Self::Distribution => "distribution",
            Self::Sum => "sum",
            Self::Last => "last",
        }
    }
}

impl RuleConfig {
    /// Reports what is wrong with it by itself; `own` are the exporter's keys.
    pub(in super::super) fn check(&self, own: &Config, check: &mut Check<'_>) {
        let patterns = self.check_patterns(check);
        self.check_rename(&patterns, check);
        if let Some(wrong) = self.namespace.as_deref().and_then(wrong_namespace) {
            let found = self.namespace.as_deref().unwrap_or_default();
            check.error(&["namespace"], format!("namespace `{found}` {wrong}"));
        }
        if self.namespace_from.as_ref().is_some_and(String::is_empty) {
            check.error(&["namespace_from"], "an attribute's name cannot be empty");
        }
        self.check_units(check);
        check_times(self.period, self.storage_resolution, check);
        if let (Some(dimensions), Some(mut check)) = (&self.dimensions, check.within(&["dimensions"])) {
            dimensions.check(&mut check);
        }
        let may_give = |name: &str| own.may_give(Some(self), name);
        match &self.rollups {
            Some(rollups) => check_rollups(rollups, may_give, check),
            None if self.dimensions.is_some() => {
                for missing in own.rollups.iter().flatten().filter(|name| !may_give(name)) {
                    let message =
                        format!("these dimensions do not give `{missing}` of the exporter's roll-ups");
                    check.warn_with(
                        &["dimensions"],
                        message,
                        "write the rule's own `rollups`, or `rollups: []`",
                    );
                }
            }
            None => {}
        }
        if self.drop {
            self.check_dropped(check);
        }
    }

    fn check_patterns(&self, check: &mut Check<'_>) -> Vec<Pattern> {
        let mut patterns = Vec::new();
        for (at, text) in self.metrics.iter().enumerate() {
            match Pattern::new(text) {
                Ok(pattern) => patterns.push(pattern),
                Err(message) => check.error_with(&["metrics", &at.to_string()], message, SHAPES),
            }
        }
        for (attribute, text) in &self.having {
            if let Err(message) = Pattern::new(text) {
                check.error_with(&["where", attribute], message, SHAPES);
            }
        }
        patterns
    }

    fn check_rename(&self, patterns: &[Pattern], check: &mut Check<'_>) {
        let Some(text) = &self.rename else { return };
        let asked = Template::new(text).greatest_group();
        let given = patterns.iter().map(Pattern::groups).min().unwrap_or(0);
        if text.trim().is_empty() {
            check.error(&["rename"], "a metric's name cannot be blank");
        } else if asked > given && patterns.len() == self.metrics.len() {
            let message = format!("`{text}` asks for ${asked}, the metrics' patterns give {given}");
            check.error_with(
                &["rename"],
                message,
                "each `*`, and each group of a regular expression, gives one",
            );
        } else if asked == 0 && (self.metrics.is_empty() || patterns.iter().any(|p| p.groups() > 0)) {
            let message = format!("every metric that this rule is for becomes `{text}`");
            check.warn_with(&["rename"], message, "`$1` stands for what the first `*` was");
        }
    }

    fn check_units(&self, check: &mut Check<'_>) {
        if let Some(found) = self.measured_in.as_deref().filter(|text| units::unit(text).is_none()) {
            let message = format!("`{found}` is no unit that CloudWatch has something for");
            check.error_with(
                &["measured_in"],
                message,
                "write UCUM, such as ms, MiBy, By/s, or a unit of CloudWatch's",
            );
        }
        if let Some(found) = self.unit.as_deref().filter(|text| units::target(text).is_none()) {
            let message = format!("`{found}` is no unit of CloudWatch's");
            check.error_with(&["unit"], message, format!("one of {}", units::names()));
        }
    }

    fn check_dropped(&self, check: &mut Check<'_>) {
        let others = [
            ("rename", self.rename.is_some()),
            ("namespace", self.namespace.is_some()),
            ("namespace_from", self.namespace_from.is_some()),
            ("measured_in", self.measured_in.is_some()),
            ("unit", self.unit.is_some()),
            ("period", self.period.is_some()),
            ("storage_resolution", self.storage_resolution.is_some()),
            ("dimensions", self.dimensions.is_some()),
            ("rollups", self.rollups.is_some()),
            ("merge", self.merge != Merge::default()),
        ];
        for (key, _) in others.into_iter().filter(|(_, is_set)| *is_set) {
            check.warn(&[key], format!("`{key}` is without effect in a rule that drops"));
        }
    }

    /// Whether every series that `other` is for is one that this is for, as far as that is seen.
    fn covers(&self, other: &Self) -> bool {
        let has = |(attribute, wide): (&String, &String)| {
            other.having.get(attribute).is_some_and(|narrow| covers(wide, narrow))
        };
        let every = &["*".to_owned()][..];
        let or_every = |list: &'_ [String]| if list.is_empty() { every.to_vec() } else { list.to_vec() };
        let (wide, narrow) = (or_every(&self.metrics), or_every(&other.metrics));
        self.having.iter().all(has)
            && narrow.iter().all(|narrow| wide.iter().any(|wide| covers(wide, narrow)))
    }
}

/// Warns of rules that no series reaches, since an earlier one is for all that they are for.
pub(in super::super) fn check_reach(rules: &[RuleConfig], check: &mut Check<'_>) {
    for (at, rule) in rules.iter().enumerate() {
        if let Some(earlier) = rules[..at].iter().position(|earlier| earlier.covers(rule)) {
            let message = format!("this rule never decides: rule {} is for all that it is for", earlier + 1);
            let at = at.to_string();
            let path: &[&str] =
                if rule.metrics.is_empty() { &["rules", &at] } else { &["rules", &at, "metrics"] };
            check.warn_with(
                path,
                message,
                "the first rule that is for a series decides: put the narrower one first",
            );
        }
    }
}

/// Checks `period` and `storage_resolution`, of the exporter or of a rule.
pub(in super::super) fn check_times(
    period: Option<weir_config::Duration>,
    resolution: Option<u32>,
    check: &mut Check<'_>,
) {
    if let Some(Err(error)) = period.map(|period| Period::new(period.0)) {
        check.error(&["period"], error.to_string());
    }
    if let Some(found) = resolution.filter(|found| !matches!(found, 1 | 60)) {
        check.error(&["storage_resolution"], format!("storage_resolution {found} is neither 1 nor 60"));
    }
}

/// Checks `rollups`, of the exporter or of a rule.
pub(in super::super) fn check_rollups(
    rollups: &[Vec<String>],
    may_give: impl Fn(&str) -> bool,
    check: &mut Check<'_>,
) {
    for (at, set) in rollups.iter().enumerate() {
        let at_text = at.to_string();
        for (member, name) in set.iter().enumerate() {
            let path = ["rollups", &at_text, &member.to_string()].map(str::to_owned);
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            if !may_give(name) {
                let message = format!("`{name}` is not among the dimensions, so no series has this roll-up");
                check.error_with(&path, message, "a roll-up keeps some of the dimensions: list it there too");
            } else if set[..member].contains(name) {
                check.error(&path, format!("`{name}` is twice in one roll-up"));
            }
        }
        let sorted = |set: &[String]| set.iter().cloned().collect::<std::collections::BTreeSet<_>>();
        if rollups[..at].iter().any(|earlier| sorted(earlier) == sorted(set)) {
            check.warn(&["rollups", &at_text], "this roll-up is listed twice, and made once");
        }
    }
}
