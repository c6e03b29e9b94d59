//! Findings by path, and findings in general.

use super::{load, told};
use crate::{Check, Diagnostics, Severity, Source, Span, from_node, nearest};

#[test]
fn a_check_points_at_the_value_or_at_the_nearest_key_above() {
    let (document, mut diags) = load("a:\n  b: 5\n  c: [x, y]\n  d:\n");
    let mut check = Check::new(document.root(), &mut diags);
    check.error(&["a", "b"], "value");
    check.error(&["a", "c", "1"], "item");
    check.error(&["a", "c", "7"], "no such item");
    check.error(&["a", "d"], "empty");
    check.error(&["a", "x", "y"], "absent");
    check.warn_with(&["z"], "absent at the root", "try this");
    check.within(&["a"]).unwrap().error_with(&["b"], "again", "and that");
    assert!(check.within(&["z"]).is_none());
    assert_eq!(
        told(&document, &diags),
        [
            "1:1 \"a\": absent",
            "1:1 \"a\": warning: absent at the root",
            "2:6 \"5\": value",
            "3:3 \"c\": no such item",
            "3:10 \"y\": item",
            "4:3 \"d\": empty",
        ],
        "a second error about one token is left out"
    );
}

#[test]
fn a_check_is_silent_about_what_has_the_wrong_type() {
    #[derive(serde::Deserialize)]
    struct Batch {
        #[serde(default)]
        size: u32,
    }
    let (document, mut diags) = load("size: big\n");
    let batch: Batch = from_node(document.root(), &mut diags).unwrap();
    if batch.size == 0 {
        Check::new(document.root(), &mut diags).error(&["size"], "must be positive");
    }
    assert_eq!(told(&document, &diags), ["1:7 \"big\": expected an integer, found string `big`"]);
}

#[test]
fn findings_are_sorted_and_told_once() {
    let (document, _) = load("a: 1\nb: 2\n");
    let span = |key: &str| document.root().get(key).unwrap().span;
    let mut diags = Diagnostics::new();
    assert!(!diags.has_errors());
    diags.error(span("b"), "second");
    diags.warning(span("a"), "odd");
    diags.error(span("a"), "first");
    diags.error(span("b"), "second").help("later, so not shown");
    diags.error(None, "nowhere");
    let order: Vec<_> = diags.iter().map(|found| found.message.as_str()).collect();
    assert_eq!(order, ["nowhere", "first", "odd", "second"]);
    assert!(diags.has_errors());
    assert_eq!((diags.count(Severity::Error), diags.count(Severity::Warning)), (3, 1));
    assert!(diags.iter().last().unwrap().notes.is_empty());
}

#[test]
fn near_names_are_found() {
    let known = ["endpoint", "timeout", "max_size", "to"];
    for (word, expected) in [
        ("endpont", Some("endpoint")),
        ("Endpoint", Some("endpoint")),
        ("maxSize", Some("max_size")),
        ("max-size", Some("max_size")),
        ("tiemout", Some("timeout")),
        ("ot", Some("to")),
        ("region", None),
        ("x", None),
        ("", None),
    ] {
        assert_eq!(nearest(word, known), expected, "{word}");
    }
}

#[test]
fn rendering_survives_any_span() {
    let (document, _) = load("é: 1\n");
    let source = document.root().span.source;
    let mut other = crate::SourceMap::default();
    other.add("one", "x");
    let foreign = (0..3).map(|_| other.add("more", "y")).last().unwrap();
    let mut diags = Diagnostics::new();
    for (start, end) in [(0, 0), (1, 1), (0, 1), (1, 2), (5, 999), (999, 1000), (7, 3)] {
        let range = start..end;
        diags.error(Span::new(source, range.clone()), format!("{range:?}")).label("here");
    }
    diags.error(Span::new(foreign, 3..5), "foreign").also(Span::new(source, 0..99), "more");
    let text = diags.render(document.sources(), false);
    assert_eq!(text.matches("error: ").count(), 8, "{text}");
}

#[test]
fn an_empty_source_has_a_place_too() {
    let (document, mut diags) = load("");
    diags.error(document.root().span, "the configuration is empty");
    let text = diags.render(document.sources(), false);
    assert!(text.starts_with("error: the configuration is empty\n --> 0.yaml:1:1\n"), "{text}");
}

#[test]
fn of_thousands_the_first_are_shown() {
    let (document, mut diags) = load("a: 1\n");
    for number in 0..1000 {
        diags.error(document.root().span, format!("number {number}"));
    }
    let text = diags.render(document.sources(), false);
    assert_eq!(text.matches("error: ").count(), 200);
    assert!(text.ends_with("\n\nand 800 more, not shown\n"), "{}", &text[text.len() - 60..]);
}

#[test]
fn colour_is_asked_for() {
    let (document, diags) = load("a: @\n");
    assert!(!diags.render(document.sources(), false).contains('\u{1b}'));
    assert!(diags.render(document.sources(), true).contains("\u{1b}["));
}

#[test]
fn a_message_cannot_move_the_terminal() {
    let mut diags = Diagnostics::new();
    let source = Source::Text { name: "x\u{1b}[2J".into(), text: "a: \u{1b}[31m\u{7}\n".into() };
    let document = crate::load(&[source], &[], &crate::Env::default(), &mut diags);
    diags.error(document.root().get("a").unwrap().span, "bad \u{1b}[31m").help("also \u{1b}]0;x\u{7}");
    let text = diags.render(document.sources(), false);
    assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
}

#[test]
fn a_key_of_the_collectors_is_refused_with_a_reason_in_place_of_the_unknown_key() {
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Known {
        known: u32,
    }
    let (document, mut diags) = load("known: 1\nother: 2\n");
    let known: Known = from_node(document.root(), &mut diags).unwrap();
    assert_eq!((known.known, diags.count(Severity::Error)), (1, 1));
    let mut check = Check::new(document.root(), &mut diags);
    check.not_taken(&["other"], "there is no such thing", "take it out");
    check.not_taken(&["absent"], "it is not written", "nothing");
    let found: Vec<_> = diags.iter().map(|found| (found.message.as_str(), found.notes.clone())).collect();
    assert_eq!(
        found,
        [("`other` is not taken: there is no such thing", vec!["help: take it out".to_owned()])]
    );
}
