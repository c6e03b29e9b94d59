//! No input panics, hangs, or takes memory without bound: mutations of a corpus, from a fixed seed.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Diagnostics, Duration, Env, Secret, Source, from_node, load, to_yaml};

const CORPUS: [&str; 6] = [
    "receivers:\n  otlp: {protocols: {grpc: {endpoint: '0.0.0.0:4317'}, http: }}\nservice:\n  pipelines:\n    \
     metrics/x: {receivers: [otlp], exporters: [debug]}\n",
    "a: &x {b: 1, c: [*y, 'q''q', \"d\\n\\u00e9\"]}\nd:\n  <<: [*x, *x]\n  e: !!str 5\nf: |\n  text\n\n  more\ng: >-\n  fold\n",
    "a: ${env:X:-${Y:-d}}\nb: 'x${file:/nope}y$$z${1}'\nc: \"${env:LIST}\"\nd: ${env:${env:NAME}}\n",
    "timeout: 1m30s\nitems:\n- name: a\n  every: 5s\n- name: b\n  token: s\nmode: fast\nlabels: {k: v}\n",
    "\u{feff}# ü\r\nkey: wört # é\r\n- tab\t\r\n\tx: 1\r\n? complex\r\n: value\r\n---\r\n...\r\n%YAML 1.2\r\n",
    "[[{a: [1, 2.5, .inf, 0x1F, ~, true]}]]\n",
];

const WORDS: [&str; 24] = [
    ":", ": ", "- ", "\n", "\n  ", "\t", "{", "}", "[", "]", "'", "\"", "&x ", "*x", "<<: ", "${env:X}",
    "${", "$$", "#", "|", "!!int ", "%", "\u{0}", "日",
];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Config {
    timeout: Duration,
    items: Vec<Item>,
    mode: Mode,
    labels: BTreeMap<String, String>,
    a: Option<Box<Config>>,
    d: Option<Mode>,
}

#[derive(Debug, Deserialize)]
struct Item {
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "every")]
    _every: Duration,
    #[serde(rename = "token", default)]
    _token: Secret,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    #[default]
    Fast,
    Slow {
        #[serde(rename = "by")]
        _by: u8,
    },
}

/// A small generator with a fixed seed (SplitMix64): the same inputs on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// Cuts, repeats, swaps and inserts.
fn mutate(text: &str, random: &mut Random) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(4) {
        let at = random.below(characters.len() + 1);
        match random.below(5) {
            0 => drop(characters.drain(at..(at + random.below(8)).min(characters.len()))),
            1 => {
                let part: Vec<_> = characters.iter().skip(at).take(random.below(12)).copied().collect();
                let target = random.below(characters.len() + 1);
                characters.splice(target..target, part);
            }
            2 => characters.truncate(at.max(1)),
            3 if at < characters.len() => characters[at] = char::from(random.below(128) as u8),
            _ => drop(characters.splice(at..at, WORDS[random.below(WORDS.len())].chars())),
        }
    }
    characters.into_iter().collect()
}

/// Load and read into a type; then, where asked for, render and print too, which take most of the time.
fn run(texts: &[String], set: Option<String>, shown: bool) {
    let env = Env::from_pairs([("X", "5"), ("LIST", "[a, {b: c}]"), ("NAME", "X"), ("WEIRD", "&a [*a")]);
    let sources: Vec<_> =
        texts.iter().map(|text| Source::Text { name: "fuzz".into(), text: text.clone() }).collect();
    let mut diags = Diagnostics::new();
    let document = load(&sources, set.as_slice(), &env, &mut diags);
    let value: Option<Config> = from_node(document.root(), &mut diags);
    assert!(value.is_some() || diags.has_errors(), "no value and no reason: {texts:?}");
    for found in diags.iter() {
        let Some(span) = found.span else { continue };
        let text = document.sources().text(span.source);
        assert!(text.get(span.range()).is_some(), "{found:?} is not in {text:?}");
    }
    if !shown {
        return;
    }
    if diags.has_errors() {
        assert!(diags.render(document.sources(), false).contains("error"));
    }
    let printed = to_yaml(document.root(), false);
    let mut again = Diagnostics::new();
    let source = Source::Text { name: "printed".into(), text: printed.replace('$', "$$") };
    let reread = load(&[source], &[], &Env::default(), &mut again);
    if !document.root().entries().is_empty() {
        assert!(!again.has_errors(), "{texts:?}\n{printed}\n{}", again.render(reread.sources(), false));
    }
}

#[test]
fn fifty_thousand_mutations_are_survived() {
    let mut random = Random(0x5EED);
    for round in 0..50_000 {
        let text = mutate(CORPUS[round % CORPUS.len()], &mut random);
        let mut texts = vec![text];
        if round % 10 == 0 {
            texts.push(mutate(CORPUS[random.below(CORPUS.len())], &mut random));
        }
        let set = (round % 7 == 0).then(|| mutate("items.0.\"a.b\"=[1, ${env:X}]", &mut random));
        run(&texts, set, round % 8 == 0);
    }
}
