//! Which dimensions a series gets, and how they become what CloudWatch takes.
//!
//! The limits (service model, and crate documentation of `Dimension`): at most 30; names of 1 to 255 and values of 1 to
//! 1024 ASCII characters that are not control characters, at least one of them not blank; no name begins with a colon.

use std::collections::{BTreeMap, BTreeSet};

use weir_core::Identity;

use super::config::DimensionsConfig;

/// The most dimensions of a metric.
pub const MAX_DIMENSIONS: usize = 30;
/// The longest name of a metric or a dimension, in characters.
const MAX_NAME: usize = 255;
/// The longest value of a dimension, in characters.
const MAX_VALUE: usize = 1024;

/// How often something had to be made acceptable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repairs {
    /// Names and values that were changed: characters replaced by `_`, or cut at their greatest length.
    pub cleaned: u64,
    /// Dimensions left out because their value, or their name, was blank.
    pub blank: u64,
    /// Dimensions cut off beyond the thirtieth.
    pub dimensions_cut: u64,
    /// Dimensions whose name had another source too, which lost.
    pub collisions: u64,
}

impl Repairs {
    /// Whether nothing had to be done.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The configured rule, ready to use.
#[derive(Clone, Debug)]
pub struct DimensionRule {
    attributes: Names,
    resource: Names,
    fixed: Vec<(String, String)>,
}

impl DimensionRule {
    /// The rule of a configuration.
    pub fn new(config: &DimensionsConfig) -> Self {
        let fixed = config.fixed.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Self { attributes: Names::new(&config.attributes), resource: Names::new(&config.resource), fixed }
    }

    /// The dimensions of a series, sorted by name.
    ///
    /// Beyond [`MAX_DIMENSIONS`] those stay that were asked for most plainly: static ones first, then the resource's,
    /// then the point's, each in the order of their names.
    pub fn of(&self, identity: &Identity, repairs: &mut Repairs) -> Vec<(String, String)> {
        let attributes = identity.attributes.iter().filter(|kv| self.attributes.has(&kv.key));
        let resource = identity.resource.attributes.iter().filter(|kv| self.resource.has(&kv.key));
        let mut chosen: BTreeMap<String, (u8, String)> = BTreeMap::new();
        let fixed = self.fixed.iter().map(|(name, value)| (0, name.clone(), value.clone()));
        let described = resource.map(|kv| (1, kv)).chain(attributes.map(|kv| (2, kv)));
        let described = described.map(|(rank, kv)| (rank, kv.key.to_string(), kv.value.to_string()));
        for (rank, name, value) in fixed.chain(described) {
            let name = clean(name, MAX_NAME, true, repairs);
            let value = clean(value, MAX_VALUE, false, repairs);
            if name.trim().is_empty() || value.trim().is_empty() {
                repairs.blank += 1;
            } else if chosen.insert(name, (rank, value)).is_some() {
                repairs.collisions += 1;
            }
        }
        cut(&mut chosen, repairs);
        chosen.into_iter().map(|(name, (_, value))| (name, value)).collect()
    }
}

fn cut(chosen: &mut BTreeMap<String, (u8, String)>, repairs: &mut Repairs) {
    let Some(excess) = chosen.len().checked_sub(MAX_DIMENSIONS).filter(|excess| *excess > 0) else { return };
    repairs.dimensions_cut += excess as u64;
    let mut by_rank: Vec<(u8, String)> =
        chosen.iter().map(|(name, (rank, _))| (*rank, name.clone())).collect();
    by_rank.sort();
    for (_, name) in by_rank.drain(MAX_DIMENSIONS..) {
        chosen.remove(&name);
    }
}

/// A metric's name as CloudWatch takes it: control characters replaced, cut at 255 characters. Blank ones stay blank.
pub fn metric_name(name: &str, repairs: &mut Repairs) -> String {
    let kept: String = name.chars().take(MAX_NAME).map(|c| if c.is_control() { '_' } else { c }).collect();
    repairs.cleaned += u64::from(kept != name);
    kept
}

fn clean(text: String, longest: usize, is_name: bool, repairs: &mut Repairs) -> String {
    let allowed = |byte: u8| (b' '..=b'~').contains(&byte);
    let colon = is_name && text.starts_with(':');
    if text.len() <= longest && text.bytes().all(allowed) && !colon {
        return text;
    }
    repairs.cleaned += 1;
    let allowed = |c: char| (' '..='~').contains(&c);
    let mut kept: String = text.chars().take(longest).map(|c| if allowed(c) { c } else { '_' }).collect();
    if colon {
        kept.replace_range(..1, "_");
    }
    kept
}

/// A list of names, some with `*` for any characters.
#[derive(Clone, Debug)]
struct Names {
    exact: BTreeSet<String>,
    patterns: Vec<String>,
}

impl Names {
    fn new(list: &[String]) -> Self {
        let (patterns, exact): (Vec<_>, Vec<_>) = list.iter().cloned().partition(|name| name.contains('*'));
        Self { exact: exact.into_iter().collect(), patterns }
    }

    fn has(&self, name: &str) -> bool {
        self.exact.contains(name) || self.patterns.iter().any(|pattern| matches(pattern, name))
    }
}

/// Whether `name` is what `pattern` says: the first part at its beginning, the last at its end, the others between, in order.
fn matches(pattern: &str, name: &str) -> bool {
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
