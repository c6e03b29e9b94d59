//! `${…}`.

use super::{load_env, load_with, root, told};
use crate::{Env, Node, Value};

/// What a value becomes.
fn value(scalar: &str) -> Node {
    let root = root(&format!("a: {scalar}\n"));
    root.get("a").unwrap().clone()
}

fn text(scalar: &str) -> String {
    let node = value(scalar);
    node.as_str().unwrap_or_else(|| panic!("{node:?}")).to_owned()
}

#[test]
fn every_form_is_replaced() {
    for (scalar, expected) in [
        ("x-${env:HOST}-y", "x-db-y"),
        ("${HOST}.local", "db.local"),
        ("${env:NOT_SET:-d}.e", "d.e"),
        ("${NOT_SET:-d:e}.e", "d:e.e"),
        ("${env:HOST:-unused}.e", "db.e"),
        ("'${env:HOST}'", "db"),
        ("\"${env:HOST}:${env:PORT}\"", "db:8080"),
        ("x${env:EMPTY}y", "xy"),
        ("x${env:EMPTY:-d}y", "xy"),
        ("x${env:NOT_SET:-}y", "xy"),
    ] {
        assert_eq!(text(scalar), expected, "{scalar}");
    }
}

#[test]
fn a_dollar_that_is_no_variable_stays() {
    for (scalar, expected) in [
        ("$1", "$1"),
        ("${1}", "${1}"),
        ("a${1}b$2", "a${1}b$2"),
        ("$name", "$name"),
        ("x$", "x$"),
        ("^(.*);$", "^(.*);$"),
        ("$$", "$"),
        ("$$$$", "$$"),
        ("$${env:HOST}", "${env:HOST}"),
        ("$$$HOST", "$$HOST"),
        ("$${1}", "${1}"),
        ("a$$b$", "a$b$"),
        ("x$${HOST}${HOST}", "x${HOST}db"),
    ] {
        assert_eq!(text(scalar), expected, "{scalar}");
    }
}

#[test]
fn a_whole_scalar_is_typed_and_text_is_text() {
    assert_eq!(value("${env:PORT}").value, Value::Int(8080));
    assert_eq!(value("'${env:PORT}'").value, Value::Str("8080".into()));
    assert_eq!(value("0${env:PORT}").value, Value::Str("08080".into()));
    assert_eq!(value("${env:NOT_SET:-true}").value, Value::Bool(true));
    assert_eq!(value("${env:NOT_SET:-1.5}").value, Value::Float(1.5));
    assert!(value("${env:EMPTY}").is_null());
    assert!(value("${env:NOT_SET:-}").is_null());
    assert_eq!(value("'${env:EMPTY}'").value, Value::Str(String::new()));
    assert_eq!(value("${env:NOT_SET:-{}}").value, Value::Map(vec![]));
    assert_eq!(value("${env:NOT_SET:-'5'}").value, Value::Str("5".into()));
}

#[test]
fn tokens_nest() {
    let env = Env::from_pairs([("NAME", "HOST"), ("HOST", "db"), ("N", "T")]);
    let (document, diags) = load_env(
        &[
            "a: ${env:${env:NAME}}\nb: ${env:HOS${N}}\nc: ${env:NOT_SET:-${env:HOST}:1}\nd: ${HOST:-${NOT_SET}}\n",
        ],
        &[],
        &env,
    );
    assert!(diags.is_empty(), "{}", diags.render(document.sources(), false));
    for (key, expected) in [("a", "db"), ("b", "db"), ("c", "db:1"), ("d", "db")] {
        assert_eq!(document.root().get(key).and_then(Node::as_str), Some(expected), "{key}");
    }
}

#[test]
fn what_a_variable_holds_is_taken_as_it_is() {
    for held in
        ["pa$$word", "${HOST}", "$1", "a #b", "#c", "@d", "a: b: c", "%e", "*f", "'g", "\\h", " i ", "0123"]
    {
        let env = Env::from_pairs([("SECRET", held)]);
        let (document, diags) = load_env(&["a: ${env:SECRET}\nb: x${env:SECRET}\n"], &[], &env);
        assert!(diags.is_empty(), "{held}");
        assert_eq!(document.root().get("a").and_then(Node::as_str), Some(held));
        assert_eq!(document.root().get("b").and_then(Node::as_str), Some(format!("x{held}").as_str()));
    }
}

#[test]
fn a_variable_may_hold_yaml_and_keeps_its_text() {
    let env = Env::from_pairs([("LIST", "[a, {b: 1}]"), ("NUMBER", "1.10"), ("QUOTED", "\"0x10\"")]);
    let (document, diags) = load_env(&["l: ${env:LIST}\nn: ${env:NUMBER}\nq: ${env:QUOTED}\n"], &[], &env);
    assert!(diags.is_empty());
    let root = document.root();
    assert_eq!(root.at(&["l", "1", "b"]).map(|node| &node.value), Some(&Value::Int(1)));
    assert_eq!(root.get("l").and_then(Node::text), Some("[a, {b: 1}]"));
    assert_eq!(root.get("n").and_then(Node::text), Some("1.10"));
    assert_eq!(root.get("q").and_then(Node::as_str), Some("0x10"));
    for path in [&["l"][..], &["l", "0"], &["l", "1", "b"]] {
        assert_eq!(document.sources().snippet(root.at(path).unwrap().span), "${env:LIST}");
    }
}

#[test]
fn an_unset_variable_is_located_and_shows_the_way_out() {
    let text = "a: \"x ${env:NOT_SET} $${env:B} ${env:B}\"\nb:\n  - ${PROT}\nc: |\n  one\n  ${env:C}\n";
    let (document, diags) = load_with(&[text], &[]);
    assert_eq!(
        told(&document, &diags),
        [
            "1:7 \"${env:NOT_SET}\": environment variable `NOT_SET` is not set",
            "1:32 \"${env:B}\": environment variable `B` is not set",
            "3:5 \"${PROT}\": environment variable `PROT` is not set",
            "6:3 \"${env:C}\": environment variable `C` is not set",
        ]
    );
    let notes: Vec<_> = diags.iter().map(|found| found.notes.clone()).collect();
    assert_eq!(notes[0], ["help: if it may be unset, give a default: `${env:NOT_SET:-}` is an empty one"]);
    assert_eq!(notes[2][0], "help: `PORT` is set");
}

#[test]
fn wrong_tokens_are_located() {
    let many = "${env:HOST}".repeat(101);
    for (scalar, expected) in [
        ("${foo:bar}", "1:4 \"${foo:bar}\": unknown source `foo:` in `${…}`"),
        ("${evn:HOST}", "1:4 \"${evn:HOST}\": unknown source `evn:` in `${…}`"),
        ("x ${env:HOST", "1:6 \"${env:HOST\": `${` is never closed"),
        ("${}", "1:4 \"${}\": `` cannot be the name of an environment variable"),
        ("${env:a-b}", "1:4 \"${env:a-b}\": `a-b` cannot be the name of an environment variable"),
        (
            "${file:/no/such/file}",
            "1:4 \"${file:/no/such/file}\": cannot read `/no/such/file`: No such file or directory (os error 2)",
        ),
        (&many, &format!("1:4 {many:?}: more than 100 `${{…}}` in one value")),
    ] {
        let (document, diags) = load_with(&[&format!("a: {scalar}\n")], &[]);
        assert_eq!(told(&document, &diags), [expected], "{scalar}");
    }
    let (_, diags) = load_with(&["a: ${evn:HOST}\n"], &[]);
    assert_eq!(diags.iter().next().unwrap().notes[0], "help: did you mean `env:`?");
}

#[test]
fn a_hundred_expansions_are_allowed() {
    assert_eq!(text(&"${env:HOST}".repeat(100)), "db".repeat(100));
}

#[test]
fn keys_are_not_replaced_and_warn() {
    let (document, diags) = load_with(&["\"${env:HOST}\": 1\n"], &[]);
    assert_eq!(
        told(&document, &diags),
        ["1:1 \"\\\"${env:HOST}\\\"\": warning: a `${…}` in a key is not replaced"]
    );
    assert!(document.root().get("${env:HOST}").is_some());
}

#[test]
fn a_file_gives_its_content_without_the_last_newline() {
    let path = std::env::temp_dir().join(format!("weir-config-{}-file", std::process::id()));
    let token = format!("${{file:{}}}", path.display());
    for (content, whole, inside) in [
        ("s3cret$$\n", Value::Str("s3cret$$".into()), "xs3cret$$"),
        ("15\r\n", Value::Int(15), "x15"),
        ("two\nlines\n", Value::Str("two\nlines".into()), "xtwo\nlines"),
    ] {
        std::fs::write(&path, content).unwrap();
        assert_eq!(value(&token).value, whole);
        assert_eq!(text(&format!("x{token}")), inside);
    }
    std::fs::remove_file(path).unwrap();
}

#[test]
fn all_values_together_are_bounded() {
    let env = Env::from_pairs([("BIG", "x".repeat(1 << 20))]);
    let lines: Vec<_> = (0..40).map(|index| format!("k{index}: ${{env:BIG}}\n")).collect();
    let (_, diags) = load_env(&[&lines.concat()], &[], &env);
    assert_eq!(diags.iter().filter(|found| found.message.contains("more than 16 MiB")).count(), 24);
}
