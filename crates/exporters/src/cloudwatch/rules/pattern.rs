//! Patterns: a name, a glob, or a regular expression between slashes.

use regex::{Captures, Regex};

/// What a pattern looks like, for messages.
pub(super) const SHAPES: &str =
    "a name, a name with `*` for any characters, or a regular expression of the whole name between slashes";

/// A pattern, ready to use.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Regex);

impl Pattern {
    /// The pattern that `text` is; in words what is wrong with it otherwise.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("a pattern cannot be empty".to_owned());
        }
        let inner = match regexp(text) {
            Some(regexp) => regexp.to_owned(),
            None => text.split('*').map(regex::escape).collect::<Vec<_>>().join("(.*)"),
        };
        let regex = Regex::new(&format!("(?s)^(?:{inner})$"));
        regex.map(Self).map_err(|error| match error {
            // The lines before the last draw an arrow below the expression.
            regex::Error::Syntax(words) => {
                let last = words.lines().last().unwrap_or_default().trim_start_matches("error: ");
                format!("`{text}` is not a regular expression: {last}")
            }
            other => format!("`{text}` is not a regular expression: {other}"),
        })
    }

    /// Whether it is for `name`.
    pub(super) fn matches(&self, name: &str) -> bool {
        self.0.is_match(name)
    }

    /// What its stars or groups are in `name`, if it is for it.
    pub(super) fn captures<'a>(&self, name: &'a str) -> Option<Captures<'a>> {
        self.0.captures(name)
    }

    /// How many stars or groups it has.
    pub(super) fn groups(&self) -> usize {
        self.0.captures_len() - 1
    }
}

fn regexp(text: &str) -> Option<&str> {
    text.strip_prefix('/')?.strip_suffix('/')
}

/// Whether every name that `narrow` is for is one that `wide` is for. Not every such pair is seen.
pub(super) fn covers(wide: &str, narrow: &str) -> bool {
    if wide == narrow || wide == "*" {
        return true;
    }
    match (regexp(wide), regexp(narrow)) {
        // A star among the characters of a name is matched by a star only.
        (None, None) => Pattern::new(wide).is_ok_and(|wide| wide.matches(narrow)),
        (Some(_), None) if !narrow.contains('*') => Pattern::new(wide).is_ok_and(|wide| wide.matches(narrow)),
        _ => false,
    }
}

/// A new name made of text and of `$1`, or `${1}`: what the first star or group of a pattern was.
#[derive(Clone, Debug)]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Group(usize),
}

impl Template {
    pub(super) fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('$') {
            let inner = behind.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let digits = behind.len() - behind.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, behind) = inner.unwrap_or_else(|| behind.split_at(digits));
            if let Ok(group) = number.parse() {
                pieces.extend([Piece::Text(before.to_owned()), Piece::Group(group)]);
                rest = behind;
            } else {
                let kept = before.len() + 1;
                pieces.push(Piece::Text(rest[..kept].to_owned()));
                rest = &rest[kept..];
            }
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Self(pieces)
    }

    /// The greatest group that it asks for.
    pub(super) fn greatest_group(&self) -> usize {
        let groups = self.0.iter().map(|piece| if let Piece::Group(group) = piece { *group } else { 0 });
        groups.max().unwrap_or(0)
    }

    /// The new name.
    pub(super) fn expand(&self, captures: Option<&Captures<'_>>) -> String {
        let text = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Group(group) => captures
                .and_then(|captures| captures.get(*group))
                .map_or("", |found| found.as_str())
                .to_owned(),
        };
        self.0.iter().map(text).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_for_whole_names() {
        let cases = [
            ("a.b", "a.b", true),
            ("a.b", "axb", false),
            ("http.*", "http.server", true),
            ("http.*", "xhttp.server", false),
            ("*", "", true),
            ("*", "line\nbreak", true),
            ("/http\\.(server|client)/", "http.client", true),
            ("/http\\.(server|client)/", "http.client.duration", false),
            ("/a|b/", "b", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(Pattern::new(pattern).unwrap().matches(name), expected, "{pattern} {name}");
        }
        assert!(Pattern::new("/(/").unwrap_err().contains("unclosed group"));
        assert!(Pattern::new("").is_err());
    }

    #[test]
    fn a_template_takes_what_stars_and_groups_were() {
        let cases = [
            ("app.*", "app.jobs", "legacy_$1", "legacy_jobs"),
            ("app.*.*", "app.a.b", "$2/${1}0", "b/a0"),
            ("/(\\w+)_total/", "jobs_total", "${1}", "jobs"),
            ("x", "x", "costs $ and $y", "costs $ and $y"),
            ("x", "x", "${open", "${open"),
            ("/a(b)?c/", "ac", "<$1>", "<>"),
        ];
        for (pattern, name, template, expected) in cases {
            let pattern = Pattern::new(pattern).unwrap();
            let captures = pattern.captures(name);
            assert_eq!(Template::new(template).expand(captures.as_ref()), expected, "{template}");
        }
        assert_eq!(Template::new("$3 ${11} $2").greatest_group(), 11);
    }

    #[test]
    fn a_wider_pattern_is_known_as_such() {
        let cases = [
            ("*", "/x/", true),
            ("http.*", "http.server.*", true),
            ("http.*", "http.server", true),
            ("*.duration", "http.*.duration", true),
            ("http.server.*", "http.*", false),
            ("http.*", "h*", false),
            ("/http\\..*/", "http.server", true),
            ("/http\\..*/", "http.*", false),
            ("a*b", "a*", false),
        ];
        for (wide, narrow, expected) in cases {
            assert_eq!(covers(wide, narrow), expected, "{wide} {narrow}");
        }
    }
}
