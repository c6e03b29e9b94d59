//! `serde_yaml` reads the same documents: where both accept one, they agree on every value.

use proptest::prelude::*;
use serde_yaml::Value as Oracle;

use super::load;
use crate::{Node, Value, to_yaml};

fn agrees(node: &Node, oracle: &Oracle) -> bool {
    match (&node.value, oracle) {
        (Value::Null, Oracle::Null) => true,
        (Value::Bool(a), Oracle::Bool(b)) => a == b,
        (Value::Int(a), Oracle::Number(b)) => b.as_i64() == Some(*a),
        (Value::Float(a), Oracle::Number(b)) => match (b.as_u64(), b.as_f64()) {
            (Some(integer), _) => node.integer() == Some(i128::from(integer)),
            (None, Some(float)) => a.to_bits() == float.to_bits() || (a.is_nan() && float.is_nan()),
            (None, None) => false,
        },
        (Value::Str(a), Oracle::String(b)) => a == b,
        (Value::Seq(a), Oracle::Sequence(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| agrees(a, b))
        }
        (Value::Map(a), Oracle::Mapping(b)) => {
            // Keys are text here, whatever they look like.
            let key = |oracle: &Oracle| match oracle {
                Oracle::String(text) => Some(text.clone()),
                _ => None,
            };
            a.len() == b.len()
                && a.iter().zip(b).all(|(entry, (name, value))| {
                    key(name).is_none_or(|name| name == entry.key) && agrees(&entry.value, value)
                })
        }
        _ => false,
    }
}

fn check(text: &str) -> Result<(), TestCaseError> {
    let (document, diags) = load(&format!("root:\n{text}"));
    let oracle: Oracle = match serde_yaml::from_str(&format!("root:\n{text}")) {
        Ok(oracle) => oracle,
        Err(_) => return Ok(()),
    };
    prop_assert!(!diags.has_errors(), "{text}\n{}", diags.render(document.sources(), false));
    prop_assert!(agrees(document.root(), &oracle), "{text}\n{:?}\n{oracle:?}", document.root());
    // What is printed means the same to the oracle. (Beyond u64 its own numbers lose digits.)
    let printed = to_yaml(document.root(), false);
    let reread: Oracle =
        serde_yaml::from_str(&printed).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert!(agrees(document.root(), &reread), "{printed}\n{reread:?}");
    Ok(())
}

/// Plain scalars around everything that has a type.
fn plain() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-z0-9_/.-]{0,8}",
        "[+-]?[0-9]{1,22}",
        "[+-]?0[xob][0-9a-f]{1,8}",
        "[+-]?[0-9]{0,3}\\.[0-9]{0,3}",
        "[+-]?[0-9]{1,3}(\\.[0-9]{1,3})?[eE][+-]?[0-9]{1,3}",
        "[+-]?\\.(inf|Inf|INF|nan|NaN|NAN|x)",
        "~|null|Null|NULL|nULL|true|True|TRUE|false|False|FALSE|yes|no|on|off|y|n|NaN|inf|infinity|nan",
        "[0-9]{1,3}(s|ms|:[0-9]{2}|_[0-9]{3}|-[0-9]{2}-[0-9]{2})",
    ]
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => plain(),
        1 => "[ -~é]{0,12}".prop_map(|text| format!("'{}'", text.replace('\'', "''"))),
        1 => "[ !#-\\[\\]-~é]{0,12}".prop_map(|text| format!("\"{text}\"")),
        1 => Just("\"tab\\t nl\\n q\\\" u\\u00e9 x\\x41\"".to_owned()),
    ]
    // `${` is ours, not YAML's.
    .prop_map(|text| text.replace('$', "s"))
}

#[derive(Clone, Debug)]
enum Tree {
    Scalar(String),
    Literal(Vec<String>),
    Flow(Vec<String>),
    Seq(Vec<Tree>),
    Map(Vec<Tree>),
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        5 => scalar().prop_map(Tree::Scalar),
        1 => prop::collection::vec("[a-z #:]{1,8}", 1..4).prop_map(Tree::Literal),
        1 => prop::collection::vec(plain(), 0..4).prop_map(Tree::Flow),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..5).prop_map(Tree::Seq),
            prop::collection::vec(inner, 1..5).prop_map(Tree::Map),
        ]
    })
}

/// Block YAML, with comments and blank lines between.
fn written(tree: &Tree, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let child = |tree: &Tree| match tree {
        Tree::Scalar(text) => format!(" {text} # c\n"),
        Tree::Literal(lines) => format!(" |\n{pad}  x{}\n", lines.join(&format!("\n{pad}  x"))),
        Tree::Flow(items) => format!(" [{}]\n", items.join(", ")),
        nested => format!("\n\n{}", written(nested, indent + 2)),
    };
    match tree {
        Tree::Seq(items) => {
            items.iter().map(|item| format!("{pad}-{}", child(item))).collect::<Vec<_>>().concat()
        }
        Tree::Map(values) => {
            let entries =
                values.iter().enumerate().map(|(index, value)| format!("{pad}k{index}:{}", child(value)));
            entries.collect::<Vec<_>>().concat()
        }
        leaf => format!("{pad}-{}", child(leaf)),
    }
}

#[test]
fn scalars_agree() {
    for text in [
        "~",
        "null",
        "NULL",
        "true",
        "FALSE",
        "yes",
        "0",
        "-0",
        "+1",
        "0x1F",
        "-0x1f",
        "0o17",
        "0b11",
        "0123",
        "-012",
        "1.",
        ".5",
        "-.5e3",
        "1e3",
        "1e999",
        ".inf",
        "-.INF",
        "+.Inf",
        ".nan",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "0x",
        "1_000",
        "1:30",
        "2001-01-01",
        "++1",
        "+-1",
        "0x-1",
        "00.5",
        "infinity",
        "e5",
        "5e",
        "'5'",
        "\"true\"",
        "-",
        "",
    ] {
        check(&format!("  k: {text}\n")).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn plain_scalars_agree(text in plain()) {
        check(&format!("  k: {text}\n"))?;
    }

    #[test]
    fn documents_agree(tree in tree()) {
        check(&written(&tree, 2))?;
    }

    #[test]
    fn lines_of_noise_agree(lines in prop::collection::vec("[ ]{0,3}[a-c'\"-]{0,3}[:,#\\[\\]{}&*|> -]{0,3}[a-c0-9]{0,3}", 1..5)) {
        // The libraries differ about a block scalar that ends with the file and has no newline.
        let text = lines.join("\n") + "\n";
        let (document, diags) = load(&text);
        if let (false, Ok(oracle)) = (diags.has_errors(), serde_yaml::from_str::<Oracle>(&text)) {
            prop_assert!(document.root().is_null() || agrees(document.root(), &oracle), "{text}\n{:?}\n{oracle:?}", document.root());
        }
    }
}
