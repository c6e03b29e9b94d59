//! Which devices, interfaces and filesystems are reported.

use std::borrow::Cow;

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
            MatchType::Regexp | MatchType::Glob => {
                let patterns = names.iter().map(|name| expression(name, match_type));
                Self::Patterns(RegexSetBuilder::new(patterns).build()?)
            }
        }))
    }

    fn matches(&self, name: &[u8]) -> bool {
        match self {
            Self::Strict(names) => names.iter().any(|known| known.as_bytes() == name),
            Self::Patterns(patterns) => patterns.is_match(name),
        }
    }
}

/// A pattern as a regular expression.
pub(super) fn expression(pattern: &str, match_type: MatchType) -> Cow<'_, str> {
    if match_type != MatchType::Glob {
        return Cow::Borrowed(pattern);
    }
    // Names are bytes: a dot is any of them, a newline too.
    let mut expression = "(?s-u)\\A".to_owned();
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            '[' => {
                expression.push('[');
                if letters.next_if_eq(&'!').is_some() {
                    expression.push('^');
                }
                for letter in letters.by_ref() {
                    match letter {
                        '[' | '\\' | '&' | '~' | '^' => expression.extend(['\\', letter]),
                        _ => expression.push(letter),
                    }
                    if letter == ']' {
                        break;
                    }
                }
            }
            letter => expression.push_str(&regex::escape(letter.encode_utf8(&mut [0; 4]))),
        }
    }
    expression.push_str("\\z");
    Cow::Owned(expression)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_names() {
        let cases: [(&str, &[&str], &[&str]); 7] = [
            ("sd?", &["sda", "sdb"], &["sd", "sda1", "xsda"]),
            ("nvme*n1", &["nvme0n1", "nvme10n1", "nvmen1"], &["nvme0n1p1"]),
            ("sd[a-c]", &["sda", "sdc"], &["sdd", "sd-"]),
            ("sd[!a-c]*", &["sdd", "sdz9"], &["sda", "sd"]),
            ("a.b+(c)", &["a.b+(c)"], &["aXb+(c)", "a.bb(c)"]),
            ("/var/lib/*", &["/var/lib/docker/x", "/var/lib/"], &["/var/lib"]),
            ("é*", &["é", "éa"], &["e"]),
        ];
        for (glob, passing, others) in cases {
            let names = [glob.to_owned()];
            let filter = Filter::new((&names, MatchType::Glob), (&[], MatchType::Strict)).unwrap();
            assert!(passing.iter().all(|name| filter.passes(name.as_bytes())), "{glob}");
            assert!(!others.iter().any(|name| filter.passes(name.as_bytes())), "{glob}");
        }
        let open = ["sd[a".to_owned()];
        assert!(Filter::new((&open, MatchType::Glob), (&[], MatchType::Strict)).is_err());
    }
}
