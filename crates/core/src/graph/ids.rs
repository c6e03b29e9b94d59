//! Component and pipeline ids: `type` or `type/name`.

/// The longest name after the slash (the Collector's rule, component/identifiable.go).
const MAX_NAME: usize = 1024;
/// The longest type.
const MAX_TYPE: usize = 63;

/// The type of an id.
pub(super) fn type_of(id: &str) -> &str {
    id.split_once('/').map_or(id, |(kind, _)| kind)
}

/// What is wrong with an id; `None` when nothing is.
pub(super) fn fault(id: &str) -> Option<String> {
    let (kind, name) = match id.split_once('/') {
        Some((kind, name)) => (kind, Some(name)),
        None => (id, None),
    };
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if kind.is_empty() || !kind.starts_with(|c: char| c.is_ascii_alphabetic()) || !kind.chars().all(letters) {
        return Some(format!("`{kind}` cannot be a type: it takes letters, digits and `_`, a letter first"));
    }
    if kind.len() > MAX_TYPE {
        return Some(format!("the type is {} characters long, {MAX_TYPE} is the most", kind.len()));
    }
    match name {
        Some("") => Some(format!("nothing follows the slash: write `{kind}` or `{kind}/name`")),
        Some(name) if name.chars().count() > MAX_NAME => {
            Some(format!("the name is longer than {MAX_NAME} characters"))
        }
        Some(name) if name.chars().any(|c| c.is_control() || c.is_whitespace() || c == '/') => {
            Some(format!("`{name}` cannot be a name: it takes no space, slash or control character"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_a_type_and_perhaps_a_name() {
        for good in ["otlp", "otlp/apps", "a_1/x-y.z", "otlp/2"] {
            assert_eq!(fault(good), None, "{good}");
        }
        for bad in ["", "/x", "otlp/", "1otlp", "ot-lp", "otlp/a b", "otlp/a/b", &"x".repeat(64)] {
            assert!(fault(bad).is_some(), "{bad}");
        }
        assert_eq!(type_of("otlp/apps"), "otlp");
    }
}
