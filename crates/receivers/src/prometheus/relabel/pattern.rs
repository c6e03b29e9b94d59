//! Regular expressions of RE2, by the `regex` crate, which descends from it. Where the two read a text differently it is written
//! anew before it is compiled.

use regex::Regex;

/// What a compiled expression may take, in bytes: a long list of names is fine, `(a{1000}){1000}` is not.
const MAX_COMPILED: usize = 10 << 20;

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is no regular expression: {why}")]
pub struct PatternError {
    /// As it was written.
    pub pattern: String,
    /// What is wrong with it.
    pub why: String,
}

/// Compiles an expression that matches a whole value, newlines included.
pub(super) fn anchored(pattern: &str) -> Result<Regex, PatternError> {
    let compile = |text: &str| regex::RegexBuilder::new(text).size_limit(MAX_COMPILED).build();
    let wrong = |error: regex::Error| {
        let why = error.to_string();
        let last = why.lines().last().unwrap_or_default();
        PatternError { pattern: pattern.to_owned(), why: last.trim_start_matches("error: ").to_owned() }
    };
    let translated = of_re2(pattern);
    // Alone first: what is around it must not close a group that it left open.
    compile(&translated).map_err(wrong)?;
    compile(&format!("^(?s:{translated})$")).map_err(wrong)
}

/// The text that means to `regex` what `pattern` means to RE2.
///
/// `\d`, `\w`, `\s` and `\b` are of ASCII there and of Unicode here; in a class `[`, `&&` and `~~` are themselves there and
/// operators here; `\Q…\E` quotes there, `\C` is no longer in use.
fn of_re2(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some('d') => out.push_str(if in_class { "0-9" } else { "[0-9]" }),
                Some('D') => out.push_str("[^0-9]"),
                Some('w') => out.push_str(if in_class { "0-9A-Za-z_" } else { "[0-9A-Za-z_]" }),
                Some('W') => out.push_str("[^0-9A-Za-z_]"),
                Some('s') => out.push_str(if in_class { r"\t\n\f\r " } else { r"[\t\n\f\r ]" }),
                Some('S') => out.push_str(r"[^\t\n\f\r ]"),
                Some('b') if !in_class => out.push_str(r"(?-u:\b)"),
                Some('B') if !in_class => out.push_str(r"(?-u:\B)"),
                Some('Q') => quoted(&mut rest, &mut out),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            '[' if !in_class => {
                in_class = true;
                out.push('[');
                if rest.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                if rest.next_if_eq(&']').is_some() {
                    out.push_str(r"\]"); // the first one is itself
                }
            }
            '[' if rest.peek() == Some(&':') => {
                out.push('[');
                for c in rest.by_ref() {
                    out.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            '[' | '&' | '~' if in_class => out.extend(['\\', c]),
            ']' => {
                in_class = false;
                out.push(']');
            }
            c => out.push(c),
        }
    }
    out
}

/// Takes what stands behind `\Q` as it is, up to `\E` or the end.
fn quoted(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    while let Some(c) = rest.next() {
        if c == '\\' && rest.next_if_eq(&'E').is_some() {
            return;
        }
        out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, value: &str) -> bool {
        anchored(pattern).unwrap().is_match(value)
    }

    #[test]
    fn an_expression_matches_the_whole_value() {
        assert!(matches("a|ab", "ab"));
        assert!(!matches("a", "ab"));
        assert!(matches("a.*b", "a\nb"));
        assert!(!matches("a", "a\n"));
    }

    #[test]
    fn what_re2_reads_otherwise_is_read_as_re2_does() {
        for (pattern, matching, other) in [
            (r"\d+", "12", "१२"),
            (r"\w", "a", "é"),
            (r"[\d_]+", "1_2", "१"),
            (r"\s", " ", "\u{a0}"),
            (r"[[]", "[", "]"),
            (r"[]a]+", "]a", "b"),
            (r"[a&&b]+", "a&b", "c"),
            (r"[[:alpha:]]+", "abc", "a1"),
            (r"\Qa.b\E.", "a.bc", "aXbc"),
            (r"(?i)AbC", "aBc", "abd"),
            (r"\p{Greek}", "α", "a"),
            (r"[^]]", "a", "]"),
            (r"a\bb|a\b-", "a-", "ab"),
        ] {
            assert!(matches(pattern, matching), "{pattern} {matching}");
            assert!(!matches(pattern, other), "{pattern} {other}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused_in_a_line() {
        for pattern in ["(", "a)", "[", "*", r"\C", "(?!x)", r"(a)\1"] {
            let error = anchored(pattern).unwrap_err();
            assert_eq!(error.pattern, pattern);
            assert!(!error.why.is_empty() && !error.why.contains('\n'), "{error}");
        }
    }
}
