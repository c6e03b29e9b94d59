//! Which dimensions a series gets, and how they become what CloudWatch takes.
//!
//! The limits (service model, and crate documentation of `Dimension`): at most 30; names of 1 to 255 and values of 1 to
//! 1024 ASCII characters that are not control characters, at least one of them not blank; no name begins with a colon.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use weir_core::{Identity, Reason, Value};

use super::{config::DimensionsConfig, summary::QUANTILE};

/// The most dimensions of a metric.
pub const MAX_DIMENSIONS: usize = 30;
/// The longest name of a metric, a dimension or a namespace, in characters.
pub const MAX_NAME: usize = 255;
/// The longest value of a dimension, in characters.
pub const MAX_DIMENSION_VALUE: usize = 1024;

/// Characters that CloudWatch does not take became `_`.
pub const REPLACED: Reason = Reason("replaced");
/// A name or a value was cut at its greatest length.
pub const SHORTENED: Reason = Reason("shortened");
/// A dimension was left out because its value, or its name, was blank.
pub const BLANK: Reason = Reason("blank");
/// A dimension was cut off beyond the thirtieth.
pub const DIMENSIONS_CUT: Reason = Reason("dimensions_cut");
/// A dimension's name had another source too, which lost.
pub const COLLISIONS: Reason = Reason("collisions");

/// What had to be made acceptable: how often, and the metric that it was met in first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repairs(BTreeMap<Reason, (u64, String)>);

impl Repairs {
    /// Counts one of a metric.
    pub fn add(&mut self, what: Reason, metric: &str) {
        self.add_all(what, 1, metric);
    }

    /// Counts some.
    pub fn add_all(&mut self, what: Reason, times: u64, metric: &str) {
        if times > 0 {
            self.0.entry(what).or_insert_with(|| (0, metric.to_owned())).0 += times;
        }
    }

    /// Adds those of `other`.
    pub fn join(&mut self, other: Self) {
        other.0.into_iter().for_each(|(what, (times, metric))| self.add_all(what, times, &metric));
    }

    /// What was repaired, how often, and a metric that shows it.
    pub fn iter(&self) -> impl Iterator<Item = (Reason, u64, &str)> {
        self.0.iter().map(|(what, (times, metric))| (*what, *times, metric.as_str()))
    }
}

/// The configured rule, ready to use.
#[derive(Clone, Debug)]
pub struct DimensionRule {
    attributes: Names,
    resource: Names,
    fixed: Vec<(String, String)>,
    /// Whether `quantile` is one whatever else is, and the last to be cut off: without it samples of several quantiles would be
    /// those of one metric.
    has_quantiles: bool,
}

impl DimensionRule {
    /// The rule of a configuration, and whether the quantiles of summaries are sent.
    pub fn new(config: &DimensionsConfig, has_quantiles: bool) -> Self {
        let fixed = config.fixed.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let (attributes, resource) = (Names::new(&config.attributes), Names::new(&config.resource));
        Self { attributes, resource, fixed, has_quantiles }
    }

    /// The dimensions of a series, sorted by name: borrowed, but for what has to be changed.
    ///
    /// Beyond [`MAX_DIMENSIONS`] those stay that were asked for most plainly: the quantile, then static ones, then the resource's,
    /// then the point's, each in the order of their names.
    pub fn of<'a>(&'a self, identity: &'a Identity, repairs: &mut Repairs) -> Vec<Dimension<'a>> {
        let metric = &*identity.descriptor.name;
        let is_quantile = |key: &str| self.has_quantiles && key == QUANTILE;
        let attributes = identity.attributes.iter();
        let attributes = attributes.filter(|kv| self.attributes.has(&kv.key) || is_quantile(&kv.key));
        let resource = identity.resource.attributes.iter().filter(|kv| self.resource.has(&kv.key));
        let fixed = self.fixed.iter().map(|(name, value)| (1, name.as_str(), value.as_str().into()));
        let attributes = attributes.map(|kv| (if is_quantile(&kv.key) { 0 } else { 3 }, kv));
        let described = resource.map(|kv| (2, kv)).chain(attributes);
        let described = described.map(|(rank, kv)| (rank, &*kv.key, text(&kv.value)));
        let mut chosen: Vec<Chosen> = Vec::with_capacity(self.fixed.len() + identity.attributes.len());
        for (rank, name, value) in fixed.chain(described) {
            let name = without_colon(clean(name.into(), MAX_NAME, metric, repairs), metric, repairs);
            let value = clean(value, MAX_DIMENSION_VALUE, metric, repairs);
            if name.trim().is_empty() || value.trim().is_empty() {
                repairs.add(BLANK, metric);
            } else {
                chosen.push(Chosen { name, rank, value });
            }
        }
        let met = chosen.len();
        keep_last(&mut chosen);
        repairs.add_all(COLLISIONS, (met - chosen.len()) as u64, metric);
        cut(&mut chosen, metric, repairs);
        chosen.into_iter().map(|one| (one.name, one.value)).collect()
    }
}

/// The name and the value of a dimension.
pub type Dimension<'a> = (Cow<'a, str>, Cow<'a, str>);

struct Chosen<'a> {
    name: Cow<'a, str>,
    /// The less, the more plainly it was asked for.
    rank: u8,
    value: Cow<'a, str>,
}

fn text(value: &Value) -> Cow<'_, str> {
    value.as_str().map_or_else(|| value.to_string().into(), Cow::Borrowed)
}

/// Sorts by name; of several under one name the last stays.
fn keep_last(chosen: &mut Vec<Chosen<'_>>) {
    chosen.sort_by(|one, other| one.name.cmp(&other.name));
    chosen.dedup_by(|later, earlier| {
        let same = later.name == earlier.name;
        if same {
            std::mem::swap(later, earlier);
        }
        same
    });
}

fn cut(chosen: &mut Vec<Chosen<'_>>, metric: &str, repairs: &mut Repairs) {
    let excess = chosen.len().saturating_sub(MAX_DIMENSIONS);
    if excess > 0 {
        repairs.add_all(DIMENSIONS_CUT, excess as u64, metric);
        // They are in the order of their names.
        chosen.sort_by_key(|one| one.rank);
        chosen.truncate(MAX_DIMENSIONS);
        keep_last(chosen);
    }
}

/// A metric's name as CloudWatch takes it: control characters replaced, cut at 255 characters. Blank ones stay blank.
pub fn metric_name<'a>(name: &'a str, repairs: &mut Repairs) -> Cow<'a, str> {
    if name.len() <= MAX_NAME && is_printable(name) {
        return name.into();
    }
    let is_longer = name.chars().nth(MAX_NAME).is_some();
    let has_control = name.chars().any(char::is_control);
    repairs.add_all(SHORTENED, u64::from(is_longer), name);
    repairs.add_all(REPLACED, u64::from(has_control), name);
    name.chars().take(MAX_NAME).map(|c| if c.is_control() { '_' } else { c }).collect()
}

/// A namespace as CloudWatch takes it, but for what no change of characters can mend.
pub fn namespace(text: String, metric: &str, repairs: &mut Repairs) -> String {
    without_colon(clean(text.into(), MAX_NAME, metric, repairs), metric, repairs).into_owned()
}

/// Printable ASCII of at most this length.
fn clean<'a>(text: Cow<'a, str>, longest: usize, metric: &str, repairs: &mut Repairs) -> Cow<'a, str> {
    let is_printed = is_printable(&text);
    if text.len() <= longest && is_printed {
        return text;
    }
    repairs.add_all(SHORTENED, u64::from(text.chars().nth(longest).is_some()), metric);
    repairs.add_all(REPLACED, u64::from(!is_printed), metric);
    text.chars().take(longest).map(|c| if (' '..='~').contains(&c) { c } else { '_' }).collect()
}

/// Whether all of it is ASCII, without control characters. To the end in any case, so that the compiler takes many bytes at a time.
fn is_printable(text: &str) -> bool {
    text.bytes().fold(true, |all, byte| all & (b' '..=b'~').contains(&byte))
}

/// Names must not begin with a colon.
fn without_colon<'a>(name: Cow<'a, str>, metric: &str, repairs: &mut Repairs) -> Cow<'a, str> {
    match name.strip_prefix(':') {
        Some(rest) => {
            repairs.add(REPLACED, metric);
            format!("_{rest}").into()
        }
        None => name,
    }
}

/// A list of names, some with `*` for any characters.
#[derive(Clone, Debug)]
struct Names {
    /// One of them is `*` alone, as it is unless something else is said.
    every: bool,
    exact: BTreeSet<String>,
    patterns: Vec<String>,
}

impl Names {
    fn new(list: &[String]) -> Self {
        let (patterns, exact): (Vec<_>, Vec<_>) = list.iter().cloned().partition(|name| name.contains('*'));
        let every = patterns.iter().any(|pattern| pattern == "*");
        Self { every, exact: exact.into_iter().collect(), patterns }
    }

    fn has(&self, name: &str) -> bool {
        self.every || self.exact.contains(name) || self.patterns.iter().any(|pattern| matches(pattern, name))
    }
}

/// Whether `name` is what `pattern` says: the first part at its beginning, the last at its end, the others between, in order.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(first) else { return false };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*') {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests;
