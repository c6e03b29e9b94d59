//! Which devices, interfaces and filesystems are reported.

use regex::bytes::{RegexSet, RegexSetBuilder};

use super::config::MatchType;

/// A list of names or patterns as configurations hold it.
pub(super) type Names<'a> = (&'a [String], MatchType);

/// Lets a name pass that is included and not excluded; an empty list says nothing.
#[derive(Debug)]
pub(super) struct Filter {
    include: Option<Matcher>,
    exclude: Option<Matcher>,
}

#[derive(Debug)]
enum Matcher {
    Strict(Vec<String>),
    Patterns(RegexSet),
}

impl Filter {
    pub(super) fn new(include: Names<'_>, exclude: Names<'_>) -> Result<Self, regex::Error> {
        Ok(Self { include: Matcher::new(include)?, exclude: Matcher::new(exclude)? })
    }

    pub(super) fn passes(&self, name: &[u8]) -> bool {
        self.include.as_ref().is_none_or(|include| include.matches(name))
            && !self.exclude.as_ref().is_some_and(|exclude| exclude.matches(name))
    }
}

impl Matcher {
    fn new((names, match_type): Names<'_>) -> Result<Option<Self>, regex::Error> {
        if names.is_empty() {
            return Ok(None);
        }
        Ok(Some(match match_type {
            MatchType::Strict => Self::Strict(names.to_vec()),
            MatchType::Regexp => Self::Patterns(RegexSetBuilder::new(names).build()?),
        }))
    }

    fn matches(&self, name: &[u8]) -> bool {
        match self {
            Self::Strict(names) => names.iter().any(|known| known.as_bytes() == name),
            Self::Patterns(patterns) => patterns.is_match(name),
        }
    }
}
