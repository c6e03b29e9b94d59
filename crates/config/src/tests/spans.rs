//! Every node and key points at exactly its token.

use super::{load, root};
use crate::{Node, SourceMap, Value};

/// The tokens under the spans, keys and values in order.
fn tokens(text: &str) -> Vec<String> {
    fn walk(node: &Node, sources: &SourceMap, out: &mut Vec<String>) {
        match &node.value {
            Value::Map(entries) => {
                for entry in entries {
                    out.push(sources.snippet(entry.key_span).to_owned());
                    walk(&entry.value, sources, out);
                }
            }
            Value::Seq(items) => items.iter().for_each(|item| walk(item, sources, out)),
            _ => out.push(sources.snippet(node.span).to_owned()),
        }
    }
    let (document, diags) = load(text);
    assert!(diags.is_empty(), "{}", diags.render(document.sources(), false));
    let mut out = Vec::new();
    walk(document.root(), document.sources(), &mut out);
    out
}

#[test]
fn plain_scalars_end_before_blanks_and_comments() {
    assert_eq!(tokens("a: 1 # c\nb:   x y   \nc: z#no\n"), ["a", "1", "b", "x y", "c", "z#no"]);
}

#[test]
fn quoted_scalars_have_their_quotes_and_no_comment() {
    let text = "a: 'it''s' # c\nb: \"q\\\"q\" # d\n'c d': ['x', \"y\" , z ]\n";
    assert_eq!(tokens(text), ["a", "'it''s'", "b", "\"q\\\"q\"", "'c d'", "'x'", "\"y\"", "z"]);
}

#[test]
fn scalars_over_several_lines_end_with_their_last_character() {
    let text = "a: |\n  one\n  two\n\nb: plain\n  goes on\nc: \"dq\n  too\" # no\nd: 1\n";
    assert_eq!(tokens(text), ["a", "one\n  two", "b", "plain\n  goes on", "c", "\"dq\n  too\"", "d", "1"]);
}

#[test]
fn anchors_and_tags_are_not_part_of_a_value() {
    let text = "a: &x 1\nb: !!str 2\nc: &y !!str 'z'\n";
    assert_eq!(tokens(text), ["a", "1", "b", "2", "c", "'z'"]);
}

#[test]
fn an_alias_is_the_token_of_its_scalar() {
    assert_eq!(tokens("a: &x 1\nb: *x\n"), ["a", "1", "b", "*x"]);
}

#[test]
fn an_empty_value_points_at_its_key() {
    assert_eq!(tokens("a:\nb: &x\nc: {d: , e}\n"), ["a", "a", "b", "b", "c", "d", "d", "e", "e"]);
}

#[test]
fn carriage_returns_belong_to_nothing() {
    assert_eq!(tokens("a: 1\r\nb:\r\n  c: \"x\"\r\n  d: y z\r\n"), ["a", "1", "b", "c", "\"x\"", "d", "y z"]);
}

#[test]
fn collections_reach_from_their_first_to_their_last_character() {
    let text = "a: [1, 2] # c\nb: &m # note\n  k: v # c\nc:\n- x\n- y: z\nd: {e: f}\ng:\n  - 1\n";
    let (document, diags) = load(text);
    assert!(diags.is_empty());
    let snippet = |path: &[&str]| document.sources().snippet(document.root().at(path).unwrap().span);
    assert_eq!(snippet(&["a"]), "[1, 2]");
    assert_eq!(snippet(&["b"]), "k: v");
    assert_eq!(snippet(&["c"]), "- x\n- y: z");
    assert_eq!(snippet(&["c", "1"]), "y: z");
    assert_eq!(snippet(&["d"]), "{e: f}");
    assert_eq!(snippet(&["g"]), "- 1");
    assert_eq!(snippet(&[]), text.trim_end());
}

#[test]
fn columns_count_characters_from_one() {
    let (document, _) = load("\u{feff}é: ü\nwörter: {ß: 日本, x: y}\n");
    let position = |path: &[&str]| document.sources().position(document.root().at(path).unwrap().span);
    assert_eq!(position(&["é"]), (1, 5));
    assert_eq!(position(&["wörter", "ß"]), (2, 13));
    assert_eq!(position(&["wörter", "x"]), (2, 20));
}

#[test]
fn what_holds_a_node_names_it() {
    let (document, _) = load("a:\n  b: 1\nc:\n  - d: 2\n");
    let named = |path: &[&str]| document.sources().snippet(document.root().at(path).unwrap().named_by());
    assert_eq!(named(&["a"]), "a");
    assert_eq!(named(&["a", "b"]), "b");
    assert_eq!(named(&["c", "0"]), "d", "an item has no key, so its own first token names it");
}

#[test]
fn values_are_found_by_path() {
    let root = root("a:\n  b: [x, {c: 1.10}]\n  d: 0x10\n");
    assert_eq!(root.at(&["a", "b", "0"]).and_then(Node::as_str), Some("x"));
    assert_eq!(root.at(&["a", "b", "1", "c"]).and_then(Node::text), Some("1.10"));
    assert_eq!(root.at(&["a", "d"]).map(|node| &node.value), Some(&Value::Int(16)));
    assert_eq!(root.at(&["a", "b", "2"]), None);
    assert_eq!(root.at(&["a", "x", "y"]), None);
}
