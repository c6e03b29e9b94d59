//! The environment that `${…}` reads.

use std::collections::BTreeMap;

use crate::nearest;

/// The environment variables, taken once: a load sees one state of them, and tests give their own.
#[derive(Clone, Default)]
pub struct Env {
    /// `None` for a value that is not UTF-8.
    variables: BTreeMap<String, Option<String>>,
}

/// Names only: values may be secrets.
impl std::fmt::Debug for Env {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.variables.keys()).finish()
    }
}

/// What a variable holds.
pub(crate) enum Variable<'a> {
    Set(&'a str),
    NotUtf8,
    Unset,
}

impl Env {
    /// The variables of this process.
    pub fn process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok())))
            .collect();
        Self { variables }
    }

    /// The given variables and no others.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let variables = pairs.into_iter().map(|(name, value)| (name.into(), Some(value.into()))).collect();
        Self { variables }
    }

    pub(crate) fn get(&self, name: &str) -> Variable<'_> {
        match self.variables.get(name) {
            Some(Some(value)) => Variable::Set(value),
            Some(None) => Variable::NotUtf8,
            None => Variable::Unset,
        }
    }

    /// The variable that is set and was probably meant: a near spelling, or else one that begins alike.
    pub(crate) fn nearest(&self, name: &str) -> Option<&str> {
        let names = || self.variables.keys().map(String::as_str);
        let begins_alike = |set: &&str| {
            let shorter = set.len().min(name.len());
            shorter >= MIN_COMMON_START && (set.starts_with(name) || name.starts_with(set))
        };
        nearest(name, names()).or_else(|| names().find(begins_alike))
    }
}

/// How many characters two names share at their start before one is offered for the other.
const MIN_COMMON_START: usize = 4;
