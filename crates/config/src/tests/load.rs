//! Reading sources: syntax errors, duplicates, bounds, files and folders.

use std::path::PathBuf;

use super::{findings, load, load_with, root, told};
use crate::{Diagnostics, Env, Source};

#[test]
fn a_tab_in_the_indentation_is_named() {
    let message = "tabs cannot indent YAML; use spaces";
    for text in
        ["a:\n\tb: 1\n", "a: 1\n\tb: 1\n", "a:\n  b: 1\n\tc: 2\n", "a:\n  - x\n\t- y\n", "key:\n\tvalue\n"]
    {
        let found = findings(text);
        assert_eq!(found.len(), 1, "{text:?}: {found:?}");
        let line = text.lines().position(|line| line.starts_with('\t')).unwrap() + 1;
        assert_eq!(found[0], format!("{line}:1 \"\\t\": {message}"), "{text:?}");
    }
}

#[test]
fn syntax_errors_are_located() {
    for (text, expected) in [
        ("a: b: c\n", "1:5 \":\": a `:` where no key can stand"),
        ("a: @foo\n", "1:4 \"@foo\": a value without quotes cannot begin with `@`"),
        ("a: *x\n", "1:4 \"*x\": this alias names an anchor that is not defined above it"),
        ("a: {b: 1}}\n", "1:10 \"}\": this bracket closes nothing"),
        ("a: \"x\" y\n", "1:8 \"y\": something stands behind the closing quote"),
        ("a: 1\n---\nb: 2\n", "2:1 \"---\": a second document in one file"),
        ("- a\n", "1:1 \"- a\": expected a map of keys, found a list"),
        ("endpoint:1\n", "1:1 \"endpoint:1\": expected a map of keys, found string `endpoint:1`"),
        ("? [1]\n: 2\n", "1:3 \"[\": a key must be text, and this is a list or a map"),
        (": x\n", "1:1 \":\": a key is missing before this"),
        ("a: !foo x\n", "1:9 \"x\": unknown tag `!foo`"),
        ("a: !!int x\n", "1:10 \"x\": `x` is no `int`, which its tag asks for"),
        ("a: {<<: 1}\n", "1:9 \"1\": `<<` merges a map or a list of maps, and this is an integer"),
    ] {
        assert_eq!(findings(text), [expected], "{text:?}");
    }
}

#[test]
fn a_key_without_a_space_behind_its_colon_is_shown_where_it_stands() {
    let (document, diags) = load("grpc:\n  endpoint:0.0.0.0\n  transport: tcp\n");
    let found: Vec<_> = diags.iter().collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].notes, ["help: a space is missing behind the colon above"]);
    assert_eq!(document.sources().snippet(found[0].secondary[0].0), "endpoint:0.0.0.0");
}

#[test]
fn a_duplicate_key_points_at_both() {
    let (document, diags) = load("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\na: 2\n");
    assert_eq!(told(&document, &diags), ["5:3 \"c\": duplicate key `c`", "6:1 \"a\": duplicate key `a`"]);
    let firsts: Vec<_> =
        diags.iter().map(|found| document.sources().position(found.secondary[0].0)).collect();
    assert_eq!(firsts, [(3, 3), (1, 1)]);
    assert_eq!(document.root().get("a").and_then(|a| a.text().map(str::to_owned)), Some("1".to_owned()));
}

#[test]
fn a_broken_file_does_not_silence_the_others() {
    let (document, diags) = load_with(&["a: [\n", "b: 1\nb: 2\n", "c: 'x\n"], &[]);
    let found = told(&document, &diags);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[1].starts_with("1.yaml:2:1 \"b\": duplicate key"));
    assert!(found[2].starts_with("2.yaml:1:4"));
    assert!(!document.is_complete());
    assert!(document.root().get("b").is_some());
}

#[test]
fn merge_keys_bring_what_the_map_does_not_say() {
    let text = "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  a: 0\n  <<: [*x, *y]\n  d: 5\n";
    let z = root(text).get("z").unwrap().clone();
    let got: Vec<_> = z.entries().iter().map(|e| (e.key.as_str(), e.value.text().unwrap())).collect();
    assert_eq!(got, [("a", "0"), ("d", "5"), ("b", "2"), ("c", "4")]);
}

#[test]
fn a_quoted_merge_key_is_a_key() {
    assert!(root("z: {'<<': 1}\n").at(&["z", "<<"]).is_some());
}

#[test]
fn an_alias_inside_its_own_anchor_is_an_error() {
    assert_eq!(
        findings("a: &a [*a]\n"),
        ["1:8 \"*a\": this alias stands for a value that holds the alias itself"]
    );
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..10 {
        let alias = format!("*a{}", level - 1);
        let line = format!("a{level}: &a{level} [{}]\n", [alias.as_str(); 10].join(","));
        text.push_str(&line);
    }
    let found = findings(&text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("more than 100000 values"), "{found:?}");
}

#[test]
fn deep_nesting_is_refused() {
    for text in [
        format!("a: {}{}\n", "[".repeat(200), "]".repeat(200)),
        format!("a: {}\n", "[".repeat(100_000)),
        format!("a: {}1{}\n", "{b: ".repeat(100), "}".repeat(100)),
        (0..100).fold(String::new(), |text, depth| text + &" ".repeat(depth) + "k:\n"),
        format!("a:\n{}x\n", "- ".repeat(5000)),
        // Each part is allowed, the whole is not.
        format!("a: &a {0}x{1}\nb: &b {0}*a{1}\n", "[".repeat(40), "]".repeat(40)),
    ] {
        let found = findings(&text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("nested more than 64 deep"), "{found:?}");
    }
}

#[test]
fn an_empty_configuration_is_null() {
    for text in ["", "\n", "# nothing\n", "---\n", "~\n"] {
        assert!(root(text).is_null(), "{text:?}");
    }
    let (document, diags) = load_with(&[], &[]);
    assert!(document.root().is_null() && diags.is_empty());
}

#[test]
fn a_key_is_the_text_that_was_written() {
    let keys: Vec<_> =
        root("1: a\n0x10: b\ntrue: c\n~: d\n").entries().iter().map(|e| e.key.clone()).collect();
    assert_eq!(keys, ["1", "0x10", "true", "~"]);
}

/// A folder of its own for a test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &[u8])]) -> Self {
        let path = std::env::temp_dir().join(format!("weir-config-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        for (file, content) in files {
            std::fs::write(path.join(file), content).unwrap();
        }
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn load_path(path: PathBuf) -> (crate::Document, Diagnostics) {
    let mut diags = Diagnostics::new();
    let document = crate::load(&[Source::File(path)], &[], &Env::default(), &mut diags);
    (document, diags)
}

#[test]
fn a_folder_is_its_yaml_files_by_name() {
    let files: &[(&str, &[u8])] = &[
        ("20-b.yaml", b"a: second\nb: 1\n"),
        ("10-a.yml", b"a: first\nc: 1\n"),
        ("30.txt", b"a: not read\n"),
        ("yaml", b"a: not read\n"),
    ];
    let folder = Folder::new("folder", files);
    std::fs::create_dir_all(folder.0.join("40.yaml")).unwrap();
    let (document, diags) = load_path(folder.0.clone());
    assert!(diags.is_empty(), "{diags:?}");
    let got: Vec<_> =
        document.root().entries().iter().map(|e| (e.key.as_str(), e.value.text().unwrap())).collect();
    assert_eq!(got, [("a", "second"), ("c", "1"), ("b", "1")]);
}

#[test]
fn what_cannot_be_read_is_said() {
    let folder = Folder::new("unreadable", &[("latin.yaml", b"# \xe9t\xe9\na: 1\n")]);
    let (document, diags) = load_path(folder.0.join("absent.yaml"));
    assert!(diags.iter().next().unwrap().message.contains("absent.yaml"));
    assert!(!document.is_complete());

    let (document, diags) = load_path(folder.0.join("latin.yaml"));
    let found = diags.iter().next().unwrap();
    assert_eq!(found.message, "this is not UTF-8");
    assert_eq!(document.sources().position(found.span.unwrap()), (1, 3));

    let empty = Folder::new("empty", &[]);
    let (_, diags) = load_path(empty.0.clone());
    assert!(diags.iter().next().unwrap().message.contains("holds no `*.yaml`"));
}

#[test]
fn a_file_without_end_is_not_read_to_it() {
    let (_, diags) = load_path(PathBuf::from("/dev/zero"));
    assert!(diags.iter().next().unwrap().message.contains("larger than 4 MiB"), "{diags:?}");
}
