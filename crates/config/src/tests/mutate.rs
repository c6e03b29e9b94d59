//! A right configuration, with each key and each value made wrong in turn: the error is at exactly that token.

use serde::Deserialize;

use super::{load, told};
use crate::{Diagnostics, Document, Duration, Entry, Node, Span, Value, from_node};

const RIGHT: &str = "\
# é: what stands before counts in characters
address: '0.0.0.0:4317' # quoted
timeout: 1m30s
limits:
  size: 0x10
  \"ratio\": 0.5
  on: true
rules:
- name: a
  mode: fast
- {name: b, mode: 'slow', tags: [x, y]}
";

#[derive(Deserialize)]
struct Config {
    #[serde(rename = "address")]
    _address: String,
    #[serde(rename = "timeout")]
    _timeout: Duration,
    #[serde(rename = "limits")]
    _limits: Limits,
    #[serde(rename = "rules")]
    _rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Limits {
    #[serde(rename = "size")]
    _size: u8,
    #[serde(rename = "ratio")]
    _ratio: f32,
    #[serde(rename = "on")]
    _on: bool,
}

#[derive(Deserialize)]
struct Rule {
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "mode")]
    _mode: Mode,
    #[serde(rename = "tags", default)]
    _tags: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Fast,
    Slow,
}

fn read(text: &str) -> (Document, Diagnostics) {
    let (document, mut diags) = load(text);
    let _: Option<Config> = from_node(document.root(), &mut diags);
    (document, diags)
}

fn replaced(span: Span, by: &str) -> String {
    let mut text = RIGHT.to_owned();
    text.replace_range(span.range(), by);
    text
}

/// Every entry of the tree with the key that holds it, depth first.
fn entries(node: &Node) -> Vec<&Entry> {
    let children: Vec<&Node> = match &node.value {
        Value::Map(entries) => entries.iter().map(|entry| &entry.value).collect(),
        Value::Seq(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    node.entries().iter().chain(children.into_iter().flat_map(entries)).collect()
}

fn right() -> Document {
    let (document, diags) = read(RIGHT);
    assert!(diags.is_empty(), "{}", diags.render(document.sources(), false));
    assert_eq!(entries(document.root()).len(), 12);
    document
}

/// The errors, each as (token, place, message).
fn errors(text: &str) -> Vec<(String, (usize, usize), String)> {
    let (document, diags) = read(text);
    let told = told(&document, &diags);
    diags
        .iter()
        .map(|found| {
            let span = found.span.unwrap_or_else(|| panic!("{told:?}"));
            let sources = document.sources();
            (sources.snippet(span).to_owned(), sources.position(span), found.message.clone())
        })
        .collect()
}

#[test]
fn a_misspelt_key_is_the_token_of_the_error() {
    let right = right();
    for entry in entries(right.root()) {
        let wrong = format!("{}z", entry.key);
        let found = errors(&replaced(entry.key_span, &wrong));
        let place = right.sources().position(entry.key_span);
        let unknown = (wrong.clone(), place, format!("unknown key `{wrong}`"));
        assert!(found.contains(&unknown), "{wrong}: {found:?}");
        let others: Vec<_> = found.into_iter().filter(|error| *error != unknown).collect();
        let is_required = entry.key != "tags";
        assert_eq!(others.len(), usize::from(is_required), "{others:?}");
        assert!(others.iter().all(|(_, _, message)| *message == format!("missing key `{}`", entry.key)));
    }
}

#[test]
fn a_value_of_the_wrong_type_is_the_token_of_the_error() {
    let right = right();
    for entry in entries(right.root()) {
        let is_map = matches!(entry.value.value, Value::Map(_) | Value::Seq(_));
        if is_map && right.sources().snippet(entry.value.span).contains('\n') {
            continue; // A block cannot be replaced in place; its own values are.
        }
        let wrong = if is_map { "{x: [1]}" } else { "[[w]]" };
        let found = errors(&replaced(entry.value.span, wrong));
        assert_eq!(found.len(), 1, "{}: {found:?}", entry.key);
        assert_eq!(found[0].0, wrong, "{}", entry.key);
        assert_eq!(found[0].1, right.sources().position(entry.value.span));
        assert!(found[0].2.starts_with("expected "), "{found:?}");
    }
}

#[test]
fn a_value_that_is_removed_is_told_at_its_key() {
    let right = right();
    for entry in entries(right.root()).into_iter().filter(|entry| entry.value.text().is_some()) {
        let found = errors(&replaced(entry.value.span, ""));
        let place = right.sources().position(entry.key_span);
        let token = right.sources().snippet(entry.key_span).to_owned();
        assert_eq!(found, [(token, place, format!("key `{}` has no value", entry.key))]);
    }
}

#[test]
fn a_key_that_is_given_twice_is_told_at_the_second() {
    let right = right();
    for entry in entries(right.root()).into_iter().filter(|entry| entry.value.text().is_some()) {
        // Blocks repeat the line, flow maps the entry.
        let is_flow = right.sources().position(entry.key_span).0 == 11;
        let (_, column) = right.sources().position(entry.key_span);
        let between = if is_flow { ", ".to_owned() } else { format!("\n{}", " ".repeat(column - 1)) };
        let value = right.sources().snippet(entry.value.span);
        let twice = format!("{value}{between}{}: {value}", entry.key);
        let found = errors(&replaced(entry.value.span, &twice));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            (found[0].0.as_str(), &found[0].2),
            (entry.key.as_str(), &format!("duplicate key `{}`", entry.key))
        );
    }
}
