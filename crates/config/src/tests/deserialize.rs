//! From nodes to types: what is read, and that every mistake is found at its token.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use serde::Deserialize;

use super::{load, load_env, root, told};
use crate::{ByteSize, Duration, Env, Secret, from_node, present, to_yaml};

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Exporter {
    #[serde(alias = "url")]
    endpoint: Option<String>,
    timeout: Duration,
    limit: ByteSize,
    queue: Queue,
    retries: u8,
    ratio: f64,
    enabled: bool,
    verbosity: Verbosity,
    auth: Option<Auth>,
    labels: BTreeMap<String, String>,
    rules: Vec<Rule>,
    percentiles: Vec<f32>,
    token: Secret,
    workers: Option<NonZeroU16>,
    #[serde(deserialize_with = "present")]
    grpc: Option<Queue>,
    offset: i64,
    pair: (u8, String),
    by_number: BTreeMap<u16, bool>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Queue {
    size: u32,
    storage: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Rule {
    name: String,
    action: Action,
    every: Duration,
    #[serde(default)]
    note: Option<String>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Verbosity {
    #[default]
    Basic,
    Normal,
    Detailed,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Insert,
    Update,
    Delete,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Auth {
    None,
    Basic { user: String, password: Secret },
    Bearer(Secret),
    Between(u8, u8),
}

/// What reading the text as `T` gives and finds.
fn read<T: serde::de::DeserializeOwned>(text: &str) -> (Option<T>, Vec<String>) {
    let (document, mut diags) = load(text);
    let value = from_node(document.root(), &mut diags);
    (value, told(&document, &diags))
}

fn exporter(text: &str) -> Exporter {
    let (value, found) = read(text);
    assert!(found.is_empty(), "{found:?}");
    value.unwrap()
}

/// Everything wrong with the text as an [`Exporter`].
fn wrong(text: &str) -> Vec<String> {
    read::<Exporter>(text).1
}

#[test]
fn every_kind_of_value_is_read() {
    let text = "
endpoint: 0x10
timeout: 1m30s
limit: 64MiB
queue: {size: 5, storage: disk}
retries: 0x10
ratio: 2
enabled: true
verbosity: detailed
auth: {basic: {user: 123, password: true}}
labels: {a: 1.10, b: no, c: 'x'}
rules:
  - {name: r, action: insert, every: 0}
percentiles: [50, 99.9]
token: 0123
workers: 4
grpc:
offset: -5
pair: [1, x]
by_number: {1: true, 0x2: false}
";
    let expected = Exporter {
        endpoint: Some("0x10".into()),
        timeout: Duration::from_secs(90),
        limit: ByteSize::from_mib(64),
        queue: Queue { size: 5, storage: Some("disk".into()) },
        retries: 16,
        ratio: 2.0,
        enabled: true,
        verbosity: Verbosity::Detailed,
        auth: Some(Auth::Basic { user: "123".into(), password: Secret::new("true") }),
        labels: [("a", "1.10"), ("b", "no"), ("c", "x")].map(|(k, v)| (k.into(), v.into())).into(),
        rules: vec![Rule { name: "r".into(), action: Action::Insert, every: Duration::ZERO, note: None }],
        percentiles: vec![50.0, 99.9],
        token: Secret::new("0123"),
        workers: NonZeroU16::new(4),
        grpc: Some(Queue::default()),
        offset: -5,
        pair: (1, "x".into()),
        by_number: [(1, true), (2, false)].into(),
    };
    assert_eq!(exporter(text), expected);
}

#[test]
fn empty_is_default() {
    let empty = "endpoint:\ntimeout:\nlimit:\nqueue:\nretries: ~\nratio:\nenabled: null\nverbosity:\nauth:\nlabels:\n\
                 rules:\npercentiles:\ntoken:\nworkers:\noffset:\npair:\n";
    assert_eq!(exporter(empty), Exporter::default());
    assert_eq!(exporter("queue: {size: }\n"), Exporter::default());
    assert_eq!(exporter(""), Exporter::default());
    assert_eq!(exporter("url: x\n").endpoint.as_deref(), Some("x"));
    assert_eq!(exporter("url: ${env:EMPTY}\n").endpoint, None);
    assert_eq!(exporter("auth: none\n").auth, Some(Auth::None));
    assert_eq!(exporter("auth: {none: }\n").auth, Some(Auth::None));
    assert_eq!(exporter("auth: {bearer: x}\n").auth, Some(Auth::Bearer(Secret::new("x"))));
    assert_eq!(exporter("auth: {between: [1, 2]}\n").auth, Some(Auth::Between(1, 2)));
}

#[test]
fn values_keep_the_text_that_a_variable_held() {
    let env = Env::from_pairs([
        ("ACCOUNT", "012345678901"),
        ("VERSION", "1.10"),
        ("JSON", "{\"a\": [1]}"),
        ("N", "7"),
    ]);
    let text =
        "labels: {a: \"${env:ACCOUNT}\"}\nendpoint: ${env:JSON}\ntoken: ${env:VERSION}\nretries: ${env:N}\n";
    let (document, mut diags) = load_env(&[text], &[], &env);
    let read: Exporter = from_node(document.root(), &mut diags).unwrap();
    assert!(diags.is_empty(), "{diags:?}");
    assert_eq!(read.labels["a"], "012345678901");
    assert_eq!(read.endpoint.as_deref(), Some("{\"a\": [1]}"));
    assert_eq!(read.token.expose(), "1.10");
    assert_eq!(read.retries, 7);
}

#[test]
fn a_wrong_value_is_told_at_its_token() {
    for (text, expected) in [
        ("retries: abc", "1:10 \"abc\": expected an integer, found string `abc`"),
        ("retries: '8'", "1:10 \"'8'\": expected an integer, found string `8`"),
        ("retries: 08", "1:10 \"08\": expected an integer, found string `08`"),
        ("retries: 1.5", "1:10 \"1.5\": expected an integer, found number `1.5`"),
        ("retries: 5.0", "1:10 \"5.0\": expected an integer, found number `5.0`"),
        ("retries: 256", "1:10 \"256\": `256` is out of range"),
        ("retries: -1", "1:10 \"-1\": `-1` is out of range"),
        (
            "retries: 99999999999999999999",
            "1:10 \"99999999999999999999\": `99999999999999999999` is out of range",
        ),
        ("retries: [1]", "1:10 \"[1]\": expected an integer, found a list"),
        ("workers: 0", "1:10 \"0\": expected a nonzero u16, found integer `0`"),
        ("ratio: x", "1:8 \"x\": expected a number, found string `x`"),
        ("enabled: yes", "1:10 \"yes\": expected a boolean, found string `yes`"),
        ("enabled: 'true'", "1:10 \"'true'\": expected a boolean, found string `true`"),
        ("enabled: 1", "1:10 \"1\": expected a boolean, found integer `1`"),
        ("endpoint: {a: b}", "1:11 \"{a: b}\": expected a string, found a map"),
        ("endpoint: [a]", "1:11 \"[a]\": expected a string, found a list"),
        (
            "timeout: 10",
            "1:10 \"10\": duration `10` has no unit; write `10s` for seconds or `10ms` for milliseconds",
        ),
        ("timeout: [1s]", "1:10 \"[1s]\": expected a duration such as `30s`, found a list"),
        ("limit: -1", "1:8 \"-1\": `-1` is no size; write for example `64MiB`, `10MB` or a number of bytes"),
        ("queue: x", "1:8 \"x\": expected a map, found string `x`"),
        ("queue: [x]", "1:8 \"[x]\": expected a map, found a list"),
        ("queue:\n  size:5", "2:3 \"size:5\": expected a map, found string `size:5`"),
        ("labels: x", "1:9 \"x\": expected a map, found string `x`"),
        ("labels: {a: }", "1:10 \"a\": expected a string, found nothing"),
        ("labels: {a: [1]}", "1:13 \"[1]\": expected a string, found a list"),
        ("rules: x", "1:8 \"x\": expected a list, found string `x`"),
        ("rules: {name: x}", "1:8 \"{name: x}\": expected a list, found a map"),
        ("percentiles: [50, p99]", "1:19 \"p99\": expected a number, found string `p99`"),
        ("verbosity: detaild", "1:12 \"detaild\": unknown value `detaild`"),
        ("verbosity: [a]", "1:12 \"[a]\": expected `basic`, `normal` or `detailed`, found a list"),
        ("verbosity: {basic: 1}", "1:20 \"1\": `basic` takes no value"),
        ("auth: {basc: x}", "1:8 \"basc\": unknown value `basc`"),
        (
            "auth: {basic: {user: x, password: y}, bearer: z}",
            "1:7 \"{basic: {user: x, password: y}, bearer: z}\": \
          expected one key, `none`, `basic`, `bearer` or `between`, found a map",
        ),
        ("auth: basic", "1:7 \"basic\": `basic` needs a value"),
        ("auth: {basic: {user: u, password: p, x: y}}", "1:38 \"x\": unknown key `x`"),
        ("auth: {basic: {user: u}}", "1:8 \"basic\": missing key `password`"),
        ("auth: {between: [1, 2, 3]}", "1:17 \"[1, 2, 3]\": expected a list of 2, found 3"),
        ("pair: [1]", "1:7 \"[1]\": expected a list of 2, found 1"),
        ("by_number: {x: true}", "1:13 \"x\": expected u16, found string `x`"),
        ("by_number: {70000: true}", "1:13 \"70000\": expected u16, found integer `70000`"),
        ("queue: {sizes: 5}", "1:9 \"sizes\": unknown key `sizes`"),
        ("{endpoint: a, url: b}", "1:15 \"url\": `url` is given, and so is another name of `endpoint`"),
        ("rules: [{name: a, action: insert, every: }]", "1:35 \"every\": key `every` has no value"),
        ("rules: [{action: insert, every: 0}]", "1:10 \"action\": missing key `name`"),
    ] {
        let found = wrong(&format!("{text}\n"));
        assert_eq!(found, [expected], "{text}");
    }
}

#[test]
fn the_way_out_is_shown() {
    for (text, help) in [
        ("retries: '8'", "a number in quotes is text; remove the quotes"),
        ("retries: 08", "digits behind a zero are text; remove the leading zeros"),
        ("retries: 256", "the value must be from 0 to 255"),
        ("enabled: yes", "write `true`, without quotes"),
        ("enabled: 'false'", "write `false`, without quotes"),
        ("rules: x", "a list of one is `[x]`"),
        ("queue:\n  size:5", "a space is missing behind the colon: `size: 5`"),
        ("verbosity: detaild", "did you mean `detailed`?"),
        ("verbosity: q", "expected `basic`, `normal` or `detailed`"),
        ("verbosity: {basic: 1}", "write `basic` alone"),
        ("auth: basic", "write `basic: …`"),
        ("tiemout: 5s", "did you mean `timeout`?"),
        ("queue: {colour: 1}", "the keys here are `size`, `storage`"),
    ] {
        let (document, mut diags) = load(&format!("{text}\n"));
        let _ = from_node::<Exporter>(document.root(), &mut diags);
        let notes: Vec<_> = diags.iter().flat_map(|found| found.notes.clone()).collect();
        assert_eq!(notes, [format!("help: {help}")], "{text}");
    }
}

#[test]
fn all_mistakes_come_at_once() {
    let text = "
endpont: x
timeout: 10
queue:
  size: big
  strage: y
retries: 300
rules:
  - name: a
    action: insrt
    every: 5
  - action: delete
    extra: 1
  - name: c
verbosity: loud
labels: [a]
";
    assert_eq!(
        wrong(text),
        [
            "2:1 \"endpont\": unknown key `endpont`",
            "3:10 \"10\": duration `10` has no unit; write `10s` for seconds or `10ms` for milliseconds",
            "5:9 \"big\": expected an integer, found string `big`",
            "6:3 \"strage\": unknown key `strage`",
            "7:10 \"300\": `300` is out of range",
            "10:13 \"insrt\": unknown value `insrt`",
            "11:12 \"5\": duration `5` has no unit; write `5s` for seconds or `5ms` for milliseconds",
            "12:5 \"action\": missing key `name`",
            "12:5 \"action\": missing key `every`",
            "13:5 \"extra\": unknown key `extra`",
            "14:5 \"name\": missing key `action`",
            "14:5 \"name\": missing key `every`",
            "15:12 \"loud\": unknown value `loud`",
            "16:9 \"[a]\": expected a map, found a list",
        ]
    );
}

#[test]
fn a_value_comes_with_defaults_unless_something_required_is_missing() {
    let (value, found) = read::<Exporter>("retries: x\nendpont: y\nlimit: 5\n");
    assert_eq!(found.len(), 2);
    assert_eq!(value, Some(Exporter { limit: ByteSize::new(5), ..Exporter::default() }));

    let (value, found) = read::<Rule>("name: x\n");
    assert_eq!(found.len(), 2);
    assert_eq!(value, None);

    let (value, found) = read::<Rule>("name: x\naction: [1]\nevery: 1s\n");
    assert_eq!(found, ["2:9 \"[1]\": expected `insert`, `update` or `delete`, found a list"]);
    assert_eq!(value, None, "a required value is wrong");
}

#[test]
fn the_items_of_a_pair_keep_their_places() {
    let (value, found) = read::<(u8, String, u8)>("");
    assert_eq!((value, found), (None, vec!["1:1 \"\": expected a list of 3, found nothing".to_owned()]));
    assert_eq!(
        wrong("pair: [x, [y]]\n"),
        ["1:8 \"x\": expected an integer, found string `x`", "1:11 \"[y]\": expected a string, found a list",]
    );
}

#[test]
fn a_scalar_by_itself_is_read() {
    assert_eq!(from_node::<u16>(root("a: 5\n").get("a").unwrap(), &mut crate::Diagnostics::new()), Some(5));
    let (value, found) = read::<u16>("a: 5\n");
    assert_eq!((value, found), (None, vec!["1:1 \"a: 5\": expected an integer, found a map".to_owned()]));
    let (value, found) = read::<String>("");
    assert_eq!((value, found), (None, vec!["1:1 \"\": expected a string, found nothing".to_owned()]));
}

#[test]
fn what_loading_has_reported_is_not_reported_again() {
    let (document, mut diags) =
        load("rules: [{name: '${env:NOPE}', action: insert, every: 1s}]\nretries: ${env:NOPE}\n");
    let value: Option<Exporter> = from_node(document.root(), &mut diags);
    assert_eq!(value, None);
    assert_eq!(
        told(&document, &diags),
        [
            "1:17 \"${env:NOPE}\": environment variable `NOPE` is not set",
            "2:10 \"${env:NOPE}\": environment variable `NOPE` is not set",
        ]
    );
}

#[test]
fn a_mistake_behind_an_alias_is_told_once() {
    #[derive(Deserialize)]
    struct Both {
        #[serde(rename = "x")]
        _x: Queue,
        #[serde(rename = "queue")]
        _queue: Queue,
        #[serde(rename = "grpc")]
        _grpc: Queue,
    }
    let text = "x: &q {size: big}\nqueue: *q\ngrpc: *q\n";
    assert_eq!(read::<Both>(text).1, ["1:14 \"big\": expected an integer, found string `big`"]);
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "RangeKeys")]
struct Range {
    _width: u32,
}

#[derive(Deserialize)]
struct RangeKeys {
    low: u32,
    high: u32,
}

impl TryFrom<RangeKeys> for Range {
    type Error = String;

    fn try_from(keys: RangeKeys) -> Result<Self, String> {
        let width = keys.high.checked_sub(keys.low).ok_or("low is above high")?;
        Ok(Self { _width: width })
    }
}

#[test]
fn a_check_over_several_keys_is_told_at_their_map_and_not_about_stand_ins() {
    #[derive(Deserialize)]
    struct Ranges {
        #[serde(rename = "ranges")]
        _ranges: Vec<Range>,
    }
    let text = "ranges:\n  - {low: 5, high: 1}\n  - {low: 5}\n  - {low: x, high: 1}\n  - {low: 1, high: 2}\n";
    assert_eq!(
        read::<Ranges>(text).1,
        [
            "2:5 \"{low: 5, high: 1}\": low is above high",
            "3:6 \"low\": missing key `high`",
            "4:11 \"x\": expected an integer, found string `x`",
        ]
    );
}

#[test]
fn a_wrong_secret_is_not_quoted() {
    #[derive(Deserialize)]
    struct Keys {
        #[serde(rename = "api_key")]
        _api_key: u32,
        #[serde(rename = "access_token")]
        _access_token: Duration,
        #[serde(rename = "secret_kind")]
        _kind: Verbosity,
        #[serde(rename = "plain")]
        _plain: Secret,
        #[serde(rename = "other")]
        _other: u8,
    }
    let text = "{api_key: hunter2, access_token: hunter3, secret_kind: hunter4, plain: hunter5, other: x}\n";
    let (document, mut diags) = load(text);
    assert!(from_node::<Keys>(document.root(), &mut diags).is_none());
    assert_eq!(diags.iter().count(), 4);
    let rendered = diags.render(document.sources(), false);
    assert!(!rendered.contains("hunter"), "{rendered}");
    assert!(rendered.contains("other: x"), "{rendered}");
}

#[test]
fn a_value_read_into_a_secret_is_redacted_when_printed() {
    let (document, mut diags) = load("labels: {a: x}\nauth: {bearer: hunter2}\nendpoint: y\n");
    let _: Option<Exporter> = from_node(document.root(), &mut diags);
    let text = to_yaml(document.root(), true);
    assert!(!text.contains("hunter2"), "{text}");
    assert!(!format!("{document:?}").contains("hunter2"));
    assert!(text.contains("endpoint: y"), "{text}");
}

#[test]
fn a_secret_that_was_read_from_a_copy_is_redacted_too() {
    let (document, mut diags) = load("auth: {bearer: hunter2}\n");
    let copy = document.root().clone();
    let _: Option<Exporter> = from_node(&copy, &mut diags);
    assert!(!to_yaml(document.root(), true).contains("hunter2"));
}

#[test]
fn a_huge_value_makes_no_huge_message() {
    let (document, mut diags) = load(&format!("timeout: {0}\nrules: {0}\n", "x".repeat(100_000)));
    let _: Option<Exporter> = from_node(document.root(), &mut diags);
    assert_eq!(diags.iter().count(), 2);
    for found in diags.iter() {
        assert!(found.message.len() < 1000 && found.notes.iter().all(|note| note.len() < 1000));
    }
}

#[test]
fn ten_thousand_mistakes_end() {
    let text = format!("percentiles: [{}]\n", "x,".repeat(10_000));
    let found = wrong(&text);
    assert!(found.len() >= 400, "{}", found.len());
}
