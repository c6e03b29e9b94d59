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
/// `\d`, `\w`, `\s` and `\b` are of ASCII there and of Unicode here; in a class `[`, `&&`, `~~` and `--` are themselves there and
/// operators here; `\<` and `\>` are characters there and the ends of words here; a `{` that begins no repetition is itself there and a mistake here; `\Q…\E` quotes there, `\C` is no longer in use.
fn of_re2(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\\' => rest = escape(rest, &mut out),
            '[' => rest = class(rest, &mut out),
            '{' if !is_repetition(rest) => out.push_str(r"\{"),
            c => out.push(c),
        }
    }
    out
}

/// Whether what stands behind a `{` is `2}`, `2,}` or `2,3}`.
fn is_repetition(rest: &str) -> bool {
    let is_number = |text: &str| {
        let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_digits && (text.len() == 1 || !text.starts_with('0'))
    };
    let Some((inside, _)) = rest.split_once('}') else { return false };
    let (least, most) = inside.split_once(',').unwrap_or((inside, ""));
    is_number(least) && (most.is_empty() || is_number(most))
}

/// Writes what stands behind a backslash, and answers what comes after it.
fn escape<'p>(rest: &'p str, out: &mut String) -> &'p str {
    let Some(c) = rest.chars().next() else {
        out.push('\\');
        return rest;
    };
    match c {
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str("[0-9A-Za-z_]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        's' => out.push_str(r"[\t\n\f\r ]"),
        'S' => out.push_str(r"[^\t\n\f\r ]"),
        'b' => out.push_str(r"(?-u:\b)"),
        'B' => out.push_str(r"(?-u:\B)"),
        'Q' => {
            let (text, behind) = rest[1..].split_once(r"\E").unwrap_or((&rest[1..], ""));
            out.push_str(&regex::escape(text));
            return behind;
        }
        _ => return as_it_is(rest, out),
    }
    &rest[1..]
}

/// Writes an escape as it is, with what belongs to it: `\x{1f}`, `\x1f`, `\p{Greek}`, `\pL`.
fn as_it_is<'p>(rest: &'p str, out: &mut String) -> &'p str {
    let characters = |count: usize| rest.chars().take(count).map(char::len_utf8).sum();
    let length = match rest.as_bytes() {
        [b'<' | b'>', ..] => {
            out.push_str(&rest[..1]);
            return &rest[1..];
        }
        [b'x' | b'p' | b'P', b'{', ..] => rest.find('}').map_or(rest.len(), |end| end + 1),
        [b'x', ..] => characters(3),
        [b'p' | b'P', ..] => characters(2),
        _ => characters(1),
    };
    out.push('\\');
    out.push_str(&rest[..length]);
    &rest[length..]
}

/// Writes a class, whose `[` was there, as far as its `]`, and answers what comes after it.
fn class<'p>(rest: &'p str, out: &mut String) -> &'p str {
    let begun = rest.strip_prefix('^');
    out.push_str(if begun.is_some() { "[^" } else { "[" });
    let mut rest = begun.unwrap_or(rest);
    let mut is_first = true;
    while !rest.is_empty() {
        if rest.starts_with(']') && !is_first {
            out.push(']');
            return &rest[1..];
        }
        is_first = false;
        if let Some(length) = rest.starts_with("[:").then(|| rest.find(":]")).flatten() {
            let (group, behind) = rest.split_at(length + 2);
            out.push_str(group);
            rest = behind;
            continue;
        }
        if let Some(length) = group(rest, out) {
            rest = &rest[length..];
            continue;
        }
        rest = one_of_class(rest, out);
        // A `-` before the end is itself, any other between two characters a range.
        let behind = rest.strip_prefix('-').filter(|behind| !behind.is_empty() && !behind.starts_with(']'));
        if let Some(behind) = behind {
            out.push('-');
            rest = one_of_class(behind, out);
        }
    }
    rest
}

/// Writes what stands for many characters of a class, and answers how much of `rest` that is; `None` where it stands for one.
fn group(rest: &str, out: &mut String) -> Option<usize> {
    let behind = rest.strip_prefix('\\')?;
    let of_ascii = match behind.chars().next()? {
        'd' => "0-9",
        'D' => "[^0-9]",
        'w' => "0-9A-Za-z_",
        'W' => "[^0-9A-Za-z_]",
        's' => r"\t\n\f\r ",
        'S' => r"[^\t\n\f\r ]",
        'p' | 'P' => return Some(rest.len() - as_it_is(behind, out).len()),
        _ => return None,
    };
    out.push_str(of_ascii);
    Some(2)
}

/// Writes one character of a class so that it is no operator, and answers what comes after it.
fn one_of_class<'p>(rest: &'p str, out: &mut String) -> &'p str {
    let Some(c) = rest.chars().next() else { return rest };
    let behind = &rest[c.len_utf8()..];
    match c {
        '\\' if !behind.is_empty() => return as_it_is(behind, out),
        '[' | ']' | '&' | '~' | '-' | '^' => out.extend(['\\', c]),
        c => out.push(c),
    }
    behind
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
            (r"\<a\>", "<a>", "a"),
            (r"[\<\>]+", "<>", "a"),
            (r"a\bb|a\b-", "a-", "ab"),
            // Ranges from `+` to `-`, from `-` to `/`, from `!` to `-`; then `-` by itself.
            (r"[+--]+", "+,-", "."),
            (r"[--/]+", "-./", ","),
            (r"[a!--z]+", "a!-z", "."),
            (r"[a-c-]+", "ab-", "d"),
            (r"[-a]+", "-a", "b"),
            (r"[a-c-e]+", "c-e", "d"),
            (r"[\d-z]+", "1-z", "a"),
            (r"[\x41-\x{43}]+", "ABC", "D"),
            (r"[]-a]+", "]_a", "b"),
            (r"[a^]+", "a^", "b"),
            (r"[\]a]+", "]a", "b"),
            (r"[\p{Greek}-]+", "α-", "a"),
            (r"[\pN-a]+", "7-a", "b"),
            // A brace that begins no repetition.
            (r"{", "{", "a"),
            (r"a{", "a{", "a"),
            (r"a{,2}", "a{,2}", "aa"),
            (r"{{name}}", "{{name}}", "name"),
            (r"a{02}", "a{02}", "aa"),
            (r"a{2}b{1,}c{0,1}", "aabb", "ab"),
            (r"\x{41}{2}", "AA", "A"),
            (r"\Qa{2}\E", "a{2}", "aa"),
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
