//! Prometheus's documented semantics, as a table: each action, each default.

use super::*;
use crate::prometheus::config::RelabelAction as Action;

fn labels(labels: &[(&str, &str)]) -> Labels {
    labels.iter().copied().collect()
}

fn step(action: Action) -> RelabelConfig {
    RelabelConfig { action, ..RelabelConfig::default() }
}

fn sources(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[allow(clippy::unnecessary_wraps, reason = "as a key that is written")]
fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// What `steps` make of `before`; `None` where it is left out.
fn made(steps: &[RelabelConfig], before: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
    let mut labels = labels(before);
    let is_kept = Relabel::new(steps).unwrap().apply(&mut labels);
    is_kept.then(|| labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

#[track_caller]
fn check<const STEPS: usize>(
    steps: [RelabelConfig; STEPS],
    before: &[(&str, &str)],
    after: Option<&[(&str, &str)]>,
) {
    let owned = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(made(&steps, before), after.map(owned), "{steps:?}");
}

#[test]
fn replace_writes_groups_of_what_matches_and_leaves_the_rest() {
    let replace = RelabelConfig {
        source_labels: sources(&["a", "b"]),
        regex: text("f(.*);(.*)r"),
        target_label: "c".to_owned(),
        replacement: text("b${1}_${2}m"),
        ..step(Action::Replace)
    };
    check(
        [replace.clone()],
        &[("a", "foo"), ("b", "bar")],
        Some(&[("a", "foo"), ("b", "bar"), ("c", "boo_bam")]),
    );
    check([replace], &[("a", "xoo"), ("b", "bar")], Some(&[("a", "xoo"), ("b", "bar")]));
}

#[test]
fn replace_by_default_copies_the_joined_value_and_an_empty_one_removes_the_label() {
    let copy = RelabelConfig {
        source_labels: sources(&["a", "b"]),
        target_label: "c".to_owned(),
        ..step(Action::Replace)
    };
    check([copy.clone()], &[("a", "1"), ("b", "2")], Some(&[("a", "1"), ("b", "2"), ("c", "1;2")]));
    let only = RelabelConfig { source_labels: sources(&["none"]), ..copy.clone() };
    check([only], &[("a", "1"), ("c", "old")], Some(&[("a", "1")]));
    let joined = RelabelConfig { separator: String::new(), ..copy };
    check([joined], &[("a", "1"), ("b", "2")], Some(&[("a", "1"), ("b", "2"), ("c", "12")]));
}

#[test]
fn replace_without_sources_writes_a_constant() {
    let constant =
        RelabelConfig { target_label: "c".to_owned(), replacement: text("x"), ..step(Action::Replace) };
    check([constant], &[("a", "1")], Some(&[("a", "1"), ("c", "x")]));
}

#[test]
fn the_target_of_replace_may_be_made_of_groups() {
    let by_group = RelabelConfig {
        source_labels: sources(&["a"]),
        regex: text("some-([^-]+)-([^,]+)"),
        target_label: "${1}".to_owned(),
        replacement: text("${2}"),
        ..step(Action::Replace)
    };
    check(
        [by_group.clone()],
        &[("a", "some-name-value")],
        Some(&[("a", "some-name-value"), ("name", "value")]),
    );
    // A target that becomes empty is none; a group that is not there is empty.
    let none = RelabelConfig { target_label: "${3}".to_owned(), ..by_group.clone() };
    check([none], &[("a", "some-name-value")], Some(&[("a", "some-name-value")]));
    let longest = RelabelConfig { target_label: "$1x".to_owned(), ..by_group };
    check([longest], &[("a", "some-name-value")], Some(&[("a", "some-name-value")]));
}

#[test]
fn references_are_read_as_go_reads_them() {
    for (replacement, value) in [
        ("$1", "one"),
        ("${1}", "one"),
        ("$1_x", ""),
        ("${1}_x", "one_x"),
        ("$$1", "$1"),
        ("$", "$"),
        ("a$", "a$"),
        ("${", "${"),
        ("${}", "${}"),
        ("${1", "${1"),
        ("${a-b}", "${a-b}"),
        ("$named", "one"),
        ("${named}!", "one!"),
        ("$other", ""),
        ("$0", "one"),
        ("$01", ""),
    ] {
        let step = RelabelConfig {
            source_labels: sources(&["a"]),
            regex: text("(?P<named>.*)"),
            target_label: "b".to_owned(),
            replacement: text(replacement),
            ..step(Action::Replace)
        };
        let mut labels = labels(&[("a", "one")]);
        assert!(Relabel::new(&[step]).unwrap().apply(&mut labels));
        assert_eq!(labels.get("b"), value, "{replacement}");
    }
}

#[test]
fn keep_and_drop_decide_by_the_whole_value() {
    let keep = RelabelConfig { source_labels: sources(&["a"]), regex: text("f|b.*"), ..step(Action::Keep) };
    check([keep.clone()], &[("a", "bar")], Some(&[("a", "bar")]));
    check([keep.clone()], &[("a", "foo")], None);
    let drop = RelabelConfig { action: Action::Drop, ..keep };
    check([drop.clone()], &[("a", "bar")], None);
    check([drop], &[("a", "foo")], Some(&[("a", "foo")]));
}

#[test]
fn keepequal_and_dropequal_compare_with_a_label() {
    let keep = RelabelConfig {
        source_labels: sources(&["port"]),
        target_label: "want".to_owned(),
        ..step(Action::KeepEqual)
    };
    let (same, other) = ([("port", "80"), ("want", "80")], [("port", "80"), ("want", "81")]);
    check([keep.clone()], &same, Some(&same));
    check([keep.clone()], &other, None);
    let drop = RelabelConfig { action: Action::DropEqual, ..keep };
    check([drop.clone()], &same, None);
    check([drop], &other, Some(&other));
}

#[test]
fn hashmod_is_the_md5_of_the_value_to_the_bit() {
    // The second half of each digest (of `md5sum`), big endian, by the modulus.
    for (value, modulus, class) in [
        ("", u64::MAX, 0xe980_0998_ecf8_427e_u64), // d41d8cd98f00b204e9800998ecf8427e
        ("foo", u64::MAX, 0xedef_654f_ccc4_a4d8),  // acbd18db4cc2f85cedef654fccc4a4d8
        ("abc", 1000, 0xd696_3f7d_28e1_7f72 % 1000), // 900150983cd24fb0d6963f7d28e17f72
        ("a", 8, 0x31c3_99e2_6977_2661 % 8),       // 0cc175b9c0f1b6a831c399e269772661
    ] {
        let step = RelabelConfig {
            source_labels: sources(&["a"]),
            target_label: "shard".to_owned(),
            modulus,
            ..step(Action::HashMod)
        };
        let mut labels = labels(&[("a", value)]);
        assert!(Relabel::new(&[step]).unwrap().apply(&mut labels));
        assert_eq!(labels.get("shard"), class.to_string(), "{value}");
    }
}

#[test]
fn labelmap_copies_labels_to_the_names_that_it_makes() {
    let map = RelabelConfig { regex: text("__meta_(.+)"), ..step(Action::LabelMap) };
    check(
        [map.clone()],
        &[("__meta_zone", "a"), ("x", "1")],
        Some(&[("__meta_zone", "a"), ("x", "1"), ("zone", "a")]),
    );
    let renamed = RelabelConfig { regex: text("(b.*)"), replacement: text("bar_${1}"), ..map };
    check(
        [renamed],
        &[("a", "foo"), ("b1", "bar"), ("b2", "baz")],
        Some(&[("a", "foo"), ("b1", "bar"), ("b2", "baz"), ("bar_b1", "bar"), ("bar_b2", "baz")]),
    );
}

#[test]
fn labeldrop_and_labelkeep_decide_by_names() {
    let before = [("a", "1"), ("b1", "2"), ("b2", "3")];
    let drop = RelabelConfig { regex: text("b.*"), ..step(Action::LabelDrop) };
    check([drop.clone()], &before, Some(&[("a", "1")]));
    check([RelabelConfig { action: Action::LabelKeep, ..drop }], &before, Some(&[("b1", "2"), ("b2", "3")]));
}

#[test]
fn lowercase_and_uppercase_change_the_joined_value() {
    let lower = RelabelConfig {
        source_labels: sources(&["a"]),
        target_label: "b".to_owned(),
        ..step(Action::Lowercase)
    };
    check([lower.clone()], &[("a", "bAr123Foo")], Some(&[("a", "bAr123Foo"), ("b", "bar123foo")]));
    let upper = RelabelConfig { action: Action::Uppercase, ..lower };
    check([upper], &[("a", "bAr123Foo")], Some(&[("a", "bAr123Foo"), ("b", "BAR123FOO")]));
}

#[test]
fn steps_follow_one_another_until_one_leaves_out() {
    let first = RelabelConfig {
        source_labels: sources(&["a"]),
        target_label: "b".to_owned(),
        replacement: text("$1-1"),
        ..step(Action::Replace)
    };
    let second = RelabelConfig { source_labels: sources(&["b"]), regex: text("x-1"), ..step(Action::Drop) };
    check([first.clone(), second.clone()], &[("a", "x")], None);
    check([first, second], &[("a", "y")], Some(&[("a", "y"), ("b", "y-1")]));
}

#[test]
fn steps_that_cannot_be_are_refused_by_number_and_key() {
    let refused = |config: RelabelConfig| {
        let wrong = Relabel::new(&[step(Action::Keep), config]).unwrap_err();
        assert_eq!(wrong.len(), 1);
        (wrong[0].0, wrong[0].1.key())
    };
    assert_eq!(refused(step(Action::Replace)), (1, "target_label"));
    assert_eq!(refused(step(Action::Lowercase)), (1, "target_label"));
    let hashmod = RelabelConfig { target_label: "a".to_owned(), ..step(Action::HashMod) };
    assert_eq!(refused(hashmod), (1, "modulus"));
    let bad = RelabelConfig { regex: text("("), ..step(Action::Keep) };
    assert_eq!(refused(bad), (1, "regex"));
    let too_much = RelabelConfig { source_labels: sources(&["a"]), ..step(Action::LabelDrop) };
    assert_eq!(refused(too_much), (1, "source_labels"));
    for action in [Action::LabelDrop, Action::LabelKeep, Action::KeepEqual, Action::DropEqual] {
        let target_label = if action.name().starts_with("label") { "" } else { "a" }.to_owned();
        let plain = RelabelConfig { target_label, ..step(action) };
        assert!(Relabel::new(std::slice::from_ref(&plain)).is_ok());
        assert_eq!(refused(RelabelConfig { modulus: 2, ..plain.clone() }), (1, "modulus"));
        assert_eq!(refused(RelabelConfig { separator: String::new(), ..plain }), (1, "separator"));
    }
    let equal = RelabelConfig { regex: text("a"), target_label: "a".to_owned(), ..step(Action::KeepEqual) };
    assert_eq!(refused(equal), (1, "regex"));
}
