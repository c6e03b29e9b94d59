//! Several sources, and `--set`.

use super::{load_with, told};
use crate::to_yaml;

/// The merged configuration as YAML; nothing may be found wrong.
fn merged(texts: &[&str], sets: &[&str]) -> String {
    let (document, diags) = load_with(texts, sets);
    assert!(diags.is_empty(), "{}", diags.render(document.sources(), false));
    to_yaml(document.root(), false)
}

fn wrong(texts: &[&str], sets: &[&str]) -> Vec<String> {
    let (document, diags) = load_with(texts, sets);
    told(&document, &diags)
}

#[test]
fn later_wins_maps_merge_lists_are_replaced() {
    let first = "a: 1\nm: {x: 1, y: [1, 2], z: {p: 1}}\n";
    let later = "m: {y: [3], z: {q: 2}, w: 4}\nb: 2\n";
    assert_eq!(
        merged(&[first, later], &[]),
        "a: 1\nm:\n  x: 1\n  y:\n  - 3\n  z:\n    p: 1\n    q: 2\n  w: 4\nb: 2\n"
    );
}

#[test]
fn an_empty_section_keeps_the_earlier_map_and_warns() {
    let (document, diags) = load_with(&["m: {x: 1}\ne: {}\ns: 5\n", "m:\ne:\ns:\n"], &[]);
    assert_eq!(
        told(&document, &diags),
        ["1.yaml:1:1 \"m\": warning: an empty value does not clear the map that an earlier source gives"]
    );
    assert_eq!(document.sources().snippet(diags.iter().next().unwrap().secondary[0].0), "m");
    assert_eq!(to_yaml(document.root(), false), "m:\n  x: 1\ne:\ns:\n");
}

#[test]
fn an_empty_file_changes_nothing() {
    assert_eq!(merged(&["a: 1\n", "", "# nothing\n"], &[]), "a: 1\n");
}

#[test]
fn a_value_that_is_overridden_needs_no_variable() {
    assert_eq!(merged(&["a: ${env:NOT_SET}\n", "a: 1\n"], &[]), "a: 1\n");
    assert_eq!(merged(&["a: ${env:NOT_SET}\n"], &["a=2"]), "a: 2\n");
}

#[test]
fn set_comes_last_and_makes_the_way() {
    assert_eq!(
        merged(&["a: {b: 1}\nn:\n"], &["a.b=2", "a.c.d=[x, 'y']", "n.k=true", "new.key=1.10"]),
        "a:\n  b: 2\n  c:\n    d:\n    - x\n    - y\nn:\n  k: true\nnew:\n  key: 1.10\n"
    );
}

#[test]
fn set_reaches_into_lists() {
    assert_eq!(merged(&["a: [{b: 1}, 2]\n"], &["a.0.b=5", "a.1=6"]), "a:\n- b: 5\n- 6\n");
}

#[test]
fn set_takes_quoted_keys_and_ids_with_slashes() {
    assert_eq!(
        merged(&["m: {}\n"], &["m.\"a.b=c\".d=1", "exporters.debug/2.verbosity=basic"]),
        "m:\n  a.b=c:\n    d: 1\nexporters:\n  debug/2:\n    verbosity: basic\n"
    );
}

#[test]
fn set_merges_maps_and_expands_variables() {
    assert_eq!(merged(&["a: {b: 1}\n"], &["a={c: '${env:PORT}x'}"]), "a:\n  b: 1\n  c: 8080x\n");
    assert_eq!(merged(&["a: 1\n"], &["a=${env:PORT}"]), "a: 8080\n");
    assert_eq!(merged(&["a: 1\n"], &["a="]), "a:\n");
    assert_eq!(merged(&["a: 1\n"], &["a=x=y"]), "a: x=y\n");
}

#[test]
fn set_says_what_is_wrong_with_it() {
    for (set, expected) in [
        ("a.b", "--set:1:1 \"a.b\": `=` and a value are missing"),
        ("", "--set:1:1 \"\": a key is missing in the path"),
        ("a..b=1", "--set:1:3 \"\": a key is missing in the path"),
        ("=1", "--set:1:1 \"\": a key is missing in the path"),
        ("\"a=1", "--set:1:1 \"\\\"a=1\": a quote is opened and never closed"),
        ("\"a\"b=1", "--set:1:4 \"b\": behind a quoted key comes `.` or `=`"),
        ("s.x=1", "--set:1:3 \"x\": `x` cannot be set inside a string"),
        ("l.2=1", "--set:1:3 \"2\": `2` is no item of this list of 2"),
        ("l.x=1", "--set:1:3 \"x\": `x` is no item of this list of 2"),
        ("a=[1", "--set:1:5 \"\": expected `,` or `]`"),
        ("a=${env:NOT_SET}", "--set:1:3 \"${env:NOT_SET}\": environment variable `NOT_SET` is not set"),
    ] {
        assert_eq!(wrong(&["s: text\nl: [1, 2]\n"], &[set]), [expected], "{set}");
    }
}

#[test]
fn a_set_value_points_into_its_own_text() {
    let (document, _) = load_with(&["a: {b: 1}\n"], &["a.b=xyz"]);
    let node = document.root().at(&["a", "b"]).unwrap();
    assert_eq!(document.sources().name(node.span.source), "--set");
    assert_eq!(document.sources().snippet(node.span), "xyz");
    assert_eq!(document.sources().snippet(node.named_by()), "b");
}
