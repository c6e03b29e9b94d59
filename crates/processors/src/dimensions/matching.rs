//! `include` and `exclude`: which series the actions are for, as the Collector's `attributes` processor has it for metrics.

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::Check;
use weir_core::Series;

use super::literal::Literal;

/// Which series are meant: those that meet every condition that is given.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Matching {
    /// Whether names and values are to be equal, or are regular expressions.
    pub match_type: MatchType,
    /// The metric's name is one of these.
    #[serde(default)]
    pub metric_names: Vec<String>,
    /// The resource has all of these.
    #[serde(default)]
    pub resources: Vec<Wanted>,
}

/// How names and values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MatchType {
    /// They are equal.
    Strict,
    /// A regular expression finds something in them.
    Regexp,
}

/// An attribute of a resource.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Wanted {
    /// Its name, always as it is.
    pub key: String,
    /// Its value; any, where none is given.
    #[serde(default)]
    pub value: Option<Literal>,
}

impl Matching {
    /// Reports what the types cannot say; `key` is `include` or `exclude`.
    pub(super) fn check(&self, key: &str, check: &mut Check<'_>) {
        if self.metric_names.is_empty() && self.resources.is_empty() {
            check.error(
                &[key],
                format!("`{key}` says of nothing what is meant: give `metric_names` or `resources`"),
            );
        }
        if self.match_type == MatchType::Strict {
            return;
        }
        for (at, pattern) in self.metric_names.iter().enumerate() {
            if let Err(error) = Regex::new(pattern) {
                check.error(&[key, "metric_names", &at.to_string()], bad_pattern(&error));
            }
        }
        for (at, wanted) in self.resources.iter().enumerate() {
            let pattern = wanted.value.as_ref().map(|value| value.0.to_string());
            if let Some(Err(error)) = pattern.map(|pattern| Regex::new(&pattern)) {
                check.error(&[key, "resources", &at.to_string(), "value"], bad_pattern(&error));
            }
        }
    }
}

/// What is wrong with a regular expression, in a line.
pub(super) fn bad_pattern(error: &regex::Error) -> String {
    let text = error.to_string();
    let why = text.lines().last().unwrap_or_default().trim();
    format!("not a regular expression: {}", why.strip_prefix("error: ").unwrap_or(why))
}

/// The conditions, ready.
pub(super) struct Filter {
    include: Option<Conditions>,
    exclude: Option<Conditions>,
}

struct Conditions {
    names: Vec<Pattern>,
    resources: Vec<(String, Option<Pattern>)>,
}

enum Pattern {
    Equal(String),
    Found(Regex),
}

impl Filter {
    pub(super) fn new(include: Option<&Matching>, exclude: Option<&Matching>) -> Self {
        Self { include: include.map(Conditions::new), exclude: exclude.map(Conditions::new) }
    }

    /// Whether the actions are for this series.
    pub(super) fn takes(&self, series: &Series) -> bool {
        self.include.as_ref().is_none_or(|include| include.meets(series))
            && !self.exclude.as_ref().is_some_and(|exclude| exclude.meets(series))
    }
}

impl Conditions {
    fn new(matching: &Matching) -> Self {
        // What `check` has let pass is a pattern.
        let pattern = |text: String| match matching.match_type {
            MatchType::Strict => Some(Pattern::Equal(text)),
            MatchType::Regexp => Regex::new(&text).ok().map(Pattern::Found),
        };
        let wanted = |wanted: &Wanted| {
            let value = wanted.value.as_ref().and_then(|value| pattern(value.0.to_string()));
            (wanted.key.clone(), value)
        };
        Self {
            names: matching.metric_names.iter().cloned().filter_map(pattern).collect(),
            resources: matching.resources.iter().map(wanted).collect(),
        }
    }

    fn meets(&self, series: &Series) -> bool {
        let name = &series.descriptor().name;
        let attributes = &series.resource().attributes;
        (self.names.is_empty() || self.names.iter().any(|pattern| pattern.fits(name)))
            && self.resources.iter().all(|(key, value)| {
                let found = attributes.get(key);
                found.is_some_and(|found| value.as_ref().is_none_or(|value| value.fits(&found.to_string())))
            })
    }
}

impl Pattern {
    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Equal(wanted) => wanted == text,
            Self::Found(pattern) => pattern.is_match(text),
        }
    }
}
