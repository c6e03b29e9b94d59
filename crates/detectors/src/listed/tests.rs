use proptest::prelude::*;

use super::*;

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn resource_attributes_are_pairs_between_commas_percent_decoded() {
    let cases: [(&str, &[(&str, &str)]); 8] = [
        ("", &[]),
        ("a=1", &[("a", "1")]),
        (" a = 1 , b=2 ,", &[("a", "1"), ("b", "2")]),
        ("a=x=y", &[("a", "x=y")]),
        ("a=", &[("a", "")]),
        ("a=1%2C2%3d3,b%20c=%25", &[("a", "1,2=3"), ("b c", "%")]),
        ("a=b+c", &[("a", "b+c")]),
        ("a=gr%C3%BCn", &[("a", "grün")]),
    ];
    for (text, expected) in cases {
        assert_eq!(resource_attributes(text), Ok(pairs(expected)), "{text}");
    }
}

#[test]
fn one_part_that_cannot_be_read_refuses_the_whole_and_is_named() {
    let cases = [
        ("a=1,b", ListError::NoPair("b".into())),
        ("a=1, =2", ListError::NoKey("=2".into())),
        ("a=100%", ListError::BadPercent("100%".into())),
        ("a=%zz", ListError::BadPercent("%zz".into())),
        ("a=%2", ListError::BadPercent("%2".into())),
        ("a=%ff", ListError::NotUtf8("%ff".into())),
    ];
    for (text, expected) in cases {
        assert_eq!(resource_attributes(text), Err(expected), "{text}");
    }
}

#[test]
fn a_file_of_labels_is_a_quoted_value_a_line() {
    // As the kubelet writes it.
    let text = "app=\"shop\"\nbuild=\"two\\nlines \\\"quoted\\\" \\\\ \\t \\x07 \\u00e9 \\U0001f600\"\n";
    let expected = pairs(&[("app", "shop"), ("build", "two\nlines \"quoted\" \\ \t \u{7} é 😀")]);
    assert_eq!(go_quoted_pairs(text), Ok(expected));
    assert_eq!(go_quoted_pairs(""), Ok(Vec::new()));
    let cases = [
        ("app", ListError::NoPair("app".into())),
        ("=\"x\"", ListError::NoKey("=\"x\"".into())),
        ("app=shop", ListError::NotQuoted("app".into())),
        ("app=\"", ListError::NotQuoted("app".into())),
        ("app=\"a\"b\"", ListError::NotQuoted("app".into())),
        ("app=\"\\q\"", ListError::BadEscape("app".into(), "q".into())),
        ("app=\"\\u12\"", ListError::BadEscape("app".into(), "u".into())),
        ("app=\"\\ud800\"", ListError::BadEscape("app".into(), "u".into())),
        ("app=\"\\xff\"", ListError::NotUtf8("\\xff".into())),
    ];
    for (text, expected) in cases {
        assert_eq!(go_quoted_pairs(text), Err(expected), "{text}");
    }
}

/// Every byte that is not a letter or a digit as %XX.
fn percent_encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect::<Vec<_>>().concat()
}

/// As Go's `strconv.Quote`, for what a test makes.
fn quoted(text: &str) -> String {
    let one = |character: char| match character {
        '"' | '\\' => format!("\\{character}"),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    text.chars().map(one).collect::<Vec<_>>().concat()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_encoded_is_read_back(list in prop::collection::vec((".{1,8}", ".{0,12}"), 0..5)) {
        let expected: Vec<(String, String)> = list.clone();
        let text: Vec<String> =
            list.iter().map(|(key, value)| format!("{}={}", percent_encoded(key), percent_encoded(value))).collect();
        prop_assert_eq!(resource_attributes(&text.join(",")), Ok(expected));
    }

    #[test]
    fn what_go_quoted_is_read_back(list in prop::collection::vec(("[a-z./-]{1,8}", any::<String>()), 0..5)) {
        let lines: Vec<String> =
            list.iter().map(|(key, value)| format!("{key}=\"{}\"\n", quoted(value))).collect();
        prop_assert_eq!(go_quoted_pairs(&lines.concat()), Ok(list));
    }

    /// Whatever bytes stand there: an answer, never a panic; and what is read holds nothing that was not written.
    #[test]
    fn any_text_is_read_or_refused(text in "[a-c=,%\"\\\\xuU0-9 \n\r\u{e9}]{0,40}") {
        for pairs in [resource_attributes(&text), go_quoted_pairs(&text)].into_iter().flatten() {
            let length: usize = pairs.iter().map(|(key, value)| key.len() + value.len()).sum();
            prop_assert!(length <= text.len());
            prop_assert!(pairs.iter().all(|(key, _)| !key.is_empty()));
        }
    }
}
