//! Lower and upper case as Go has them: by Unicode's simple mappings, a character for a character. Rust's own are the full ones, in which
//! `ß` becomes `SS`, and the last `Σ` of a word another letter than those before.

/// In lower case.
pub(super) fn lower(text: &str) -> String {
    let simple = |char: char| match char {
        '\u{130}' => 'i',
        other => alone(other.to_lowercase(), other),
    };
    text.chars().map(simple).collect()
}

/// In upper case.
pub(super) fn upper(text: &str) -> String {
    let simple = |char: char| match char {
        // Greek letters with an iota below: their simple mapping is the title case, some places further on.
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => moved(char, 8),
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => moved(char, 9),
        other => alone(other.to_uppercase(), other),
    };
    text.chars().map(simple).collect()
}

/// The one character of a mapping; of a longer one there is no simple mapping, and the character stays.
fn alone(mut mapping: impl Iterator<Item = char>, char: char) -> char {
    match (mapping.next(), mapping.next()) {
        (Some(mapped), None) => mapped,
        _ => char,
    }
}

fn moved(char: char, places: u32) -> char {
    char::from_u32(u32::from(char) + places).unwrap_or(char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_becomes_one_as_in_go() {
        // What Go's strings.ToLower and strings.ToUpper print.
        assert_eq!(lower("ÄÖ İ ΟΔΟΣ ẞ ǅ"), "äö i οδοσ ß ǆ");
        assert_eq!(upper("äß ŉ ﬁ ı ſ ᾳ ᾀ ς ǆ"), "Äß ŉ ﬁ I S ᾼ ᾈ Σ Ǆ");
    }
}
