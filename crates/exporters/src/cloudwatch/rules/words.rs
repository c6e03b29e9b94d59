//! The configuration in words, for `validate`: dimension sets are what is billed.

use super::{
    super::config::{Config, DimensionsConfig},
    config::{Merge, RuleConfig},
};

/// What becomes a dimension by the exporter's own keys.
pub fn in_words(config: &Config) -> String {
    dimensions(&config.dimensions, &config.rollups, config)
}

/// What is different for the metrics of a rule.
pub fn rule_in_words(number: usize, rule: &RuleConfig, config: &Config) -> String {
    let mut words = Vec::new();
    if rule.drop {
        words.push("dropped".to_owned());
    } else {
        if let Some(name) = &rule.rename {
            words.push(format!("named {name}"));
        }
        words.extend(place(rule));
        words.extend(measure(rule));
        let of_rule = rule.dimensions.as_ref().unwrap_or(&config.dimensions);
        let sets = rule.rollups.as_ref().unwrap_or(&config.rollups);
        words.push(format!("dimensions {}", dimensions(of_rule, sets, config)));
    }
    format!("  rule {number}, {}: {}", series(rule), words.join("; "))
}

fn dimensions(listed: &DimensionsConfig, sets: &[Vec<String>], config: &Config) -> String {
    let quantile = if config.summary_quantiles { "; of quantiles `quantile`" } else { "" };
    format!("{}{quantile}{}", listed.in_words(), rollups(sets))
}

fn series(rule: &RuleConfig) -> String {
    let metrics = match &rule.metrics[..] {
        [] => "every metric".to_owned(),
        list => list.join(", "),
    };
    let having: Vec<String> = rule.having.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if having.is_empty() { metrics } else { format!("{metrics} where {}", having.join(", ")) }
}

fn place(rule: &RuleConfig) -> Option<String> {
    match (&rule.namespace, &rule.namespace_from) {
        (None, None) => None,
        (Some(namespace), None) => Some(format!("namespace {namespace}")),
        (None, Some(key)) => Some(format!("namespace from {key}")),
        (Some(namespace), Some(key)) => Some(format!("namespace from {key}, else {namespace}")),
    }
}

fn measure(rule: &RuleConfig) -> Vec<String> {
    let mut words = Vec::new();
    words.extend(rule.measured_in.as_ref().map(|unit| format!("measured in {unit}")));
    words.extend(rule.unit.as_ref().map(|unit| format!("in {unit}")));
    words.extend(rule.period.map(|period| format!("every {period}")));
    words.extend(rule.storage_resolution.map(|seconds| format!("stored by {seconds} s")));
    words.extend((rule.merge != Merge::default()).then(|| format!("merged by {}", rule.merge.word())));
    words
}

/// The roll-ups, and the most that they make of one billed metric.
fn rollups(sets: &[Vec<String>]) -> String {
    if sets.is_empty() {
        return String::new();
    }
    let words: Vec<String> = sets.iter().map(|set| format!("[{}]", set.join(", "))).collect();
    format!("; roll-ups {}: up to {} billed metrics for each one", words.join(" "), sets.len() + 1)
}
