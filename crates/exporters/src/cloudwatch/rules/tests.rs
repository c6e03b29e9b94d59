use std::{sync::Arc, time::Duration};

use weir_config::{Check, Diagnostics, Env, Severity, Source, from_node, load};
use weir_core::{Ack, Descriptor, Number, Scope, Series, Temporality};
use weir_testkit::{Fixture, START, point, seconds};
use weir_window::Period;

use super::{
    super::{
        encode::{Encoded, Encoder, MIXED_UNITS, ROLLUP_INCOMPLETE, UNIT_KEPT},
        pack::Datum,
        window::Window,
        wire::read_datum,
    },
    *,
};

const MINUTE: u64 = START - START % 60;

/// The configuration, and each error and warning behind the text that it stands at.
fn read(yaml: &str) -> (Config, Vec<(Severity, String, String)>) {
    let mut diags = Diagnostics::default();
    let source = Source::Text { name: "test".to_owned(), text: yaml.to_owned() };
    let document = load(&[source], &[], &Env::default(), &mut diags);
    let config: Config = from_node(document.root(), &mut diags).unwrap();
    weir_core::Config::check(&config, &mut Check::new(document.root(), &mut diags));
    let text = |span| document.sources().snippet(span).to_owned();
    let found = diags.iter().map(|d| (d.severity, text(d.span.unwrap()), d.message.clone())).collect();
    (config, found)
}

/// What a valid configuration makes of points.
struct Bench {
    f: Fixture,
    rules: Rules,
    encoder: Encoder,
    window: Window,
    held: Vec<Arc<Series>>,
}

/// A datum as a test looks at it: namespace, name, dimensions, samples with their counts, unit.
type Seen = (String, String, String, Vec<(f64, f64)>, String);

impl Bench {
    fn new(yaml: &str) -> Self {
        let (config, found) = read(yaml);
        assert_eq!(found, [], "{yaml}");
        Self {
            f: Fixture::new(),
            rules: Rules::new(&config),
            encoder: Encoder::default(),
            window: Window::new(Period::MINUTE, Duration::ZERO),
            held: Vec::new(),
        }
    }

    /// Points of a series, one a second.
    fn points(&mut self, series: &Arc<Series>, values: &[f64]) {
        self.held.push(Arc::clone(series));
        let points =
            (MINUTE..).zip(values).map(|(time, value)| point(series, 0, time, Number::Double(*value)));
        let batch = self.f.batch(points);
        self.window.record(&batch, Ack::none(), seconds(START));
    }

    fn gauge(&mut self, name: &str, unit: &str, attributes: &[(&str, &str)], values: &[f64]) {
        let series = self.f.stream(Descriptor::gauge(name, unit), attributes);
        self.points(&series, values);
    }

    fn encode(&mut self) -> Encoded {
        let mut encoded = Encoded::default();
        for closed in self.window.close_all(&self.f.interner) {
            self.encoder.encode(closed, &mut self.rules, &mut encoded);
        }
        encoded
    }

    fn seen(&mut self) -> Vec<Seen> {
        let encoded = self.encode();
        assert_eq!(encoded.dropped, []);
        let datums = encoded.datums.iter();
        datums.flat_map(|(namespace, list)| in_order(namespace, list)).collect()
    }
}

/// What is in the datums, by name and dimensions: the order of datums is no promise.
fn in_order(namespace: &str, datums: &[Datum]) -> Vec<Seen> {
    let mut all: Vec<Seen> = datums.iter().map(|datum| seen(namespace, datum)).collect();
    all.sort_by(|one, other| one.partial_cmp(other).unwrap());
    all
}

fn seen(namespace: &str, datum: &Datum) -> Seen {
    let metric = read_datum(&datum.bytes).unwrap();
    let pair = |d: &aws_sdk_cloudwatch::types::Dimension| {
        format!("{}={}", d.name().unwrap_or_default(), d.value().unwrap_or_default())
    };
    let dimensions: Vec<String> = metric.dimensions().iter().map(pair).collect();
    let counts = metric.counts().iter().copied().chain(std::iter::repeat(1.0));
    let samples = metric.value.into_iter().chain(metric.values().iter().copied()).zip(counts).collect();
    let unit = metric.unit.as_ref().map_or("None", |unit| unit.as_str());
    let name = metric.metric_name().unwrap_or_default();
    (namespace.to_owned(), name.to_owned(), dimensions.join(","), samples, unit.to_owned())
}

fn row(namespace: &str, name: &str, dimensions: &str, samples: &[(f64, f64)], unit: &str) -> Seen {
    (namespace.to_owned(), name.to_owned(), dimensions.to_owned(), samples.to_vec(), unit.to_owned())
}

fn repairs(encoded: &Encoded) -> Vec<(Reason, u64)> {
    encoded.repairs.iter().map(|(what, times, _)| (what, times)).collect()
}

#[test]
fn the_first_rule_that_is_for_a_series_decides_and_leaves_the_rest_to_the_exporters_keys() {
    let mut b = Bench::new(
        "namespace: Own\nrules:\n- {metrics: [http.server.*], rename: 'web_$1', unit: Milliseconds}\n\
         - {metrics: ['/http\\..*/'], namespace: Http}\n",
    );
    b.gauge("http.server.duration", "s", &[("route", "/")], &[0.25]);
    b.gauge("http.client.duration", "s", &[], &[0.25]);
    b.gauge("other", "s", &[], &[0.25]);
    let expected = [
        row("Http", "http.client.duration", "", &[(0.25, 1.0)], "Seconds"),
        row("Own", "other", "", &[(0.25, 1.0)], "Seconds"),
        row("Own", "web_duration", "route=/", &[(250.0, 1.0)], "Milliseconds"),
    ];
    assert_eq!(b.seen(), expected);
}

#[test]
fn a_rule_may_ask_for_attributes_of_point_resource_and_scope() {
    let mut b = Bench::new(
        "dimensions: {attributes: []}\nrules:\n- {metrics: [m], where: {team: 'pay*', otel.scope.name: io.shop}, rename: both}\n\
         - {where: {team: '*'}, rename: team, metrics: [m]}\n",
    );
    let scope = Scope { name: "io.shop".into(), ..Scope::default() };
    for (resource, attributes, scope) in [
        (&[("team", "payments")][..], &[][..], scope.clone()),
        (&[("team", "payments")], &[("team", "search")], scope),
        (&[], &[("team", "payments")], Scope::default()),
        (&[], &[], Scope::default()),
    ] {
        let identity = b.f.identity(Descriptor::gauge("m", "1"), resource, attributes);
        let identity = Identity { scope: b.f.interner.scope(scope), ..identity };
        let series = b.f.stream_of(identity);
        b.points(&series, &[1.0]);
    }
    let names: Vec<(String, usize)> =
        b.seen().into_iter().map(|seen| (seen.1, seen.3[0].1 as usize)).collect();
    // The point's attribute hides the resource's.
    assert_eq!(names, [("both".to_owned(), 1), ("m".to_owned(), 1), ("team".to_owned(), 2)]);
}

#[test]
fn an_attribute_names_the_namespace_and_what_cannot_be_one_falls_back() {
    let mut b = Bench::new(
        "namespace_from: tenant\nnamespace: Own\ndimensions: {attributes: []}\n\
         rules: [{metrics: [a], namespace: Fixed}, {metrics: [b], namespace_from: team, namespace: Teams}]\n",
    );
    b.gauge("a", "1", &[("tenant", "T")], &[1.0]);
    b.gauge("b", "1", &[("tenant", "T"), ("team", "X")], &[1.0]);
    b.gauge("b", "1", &[("tenant", "T")], &[1.0]);
    for tenant in ["Köln", "AWS/EC2", " ", ":x"] {
        b.gauge("c", "1", &[("tenant", tenant)], &[1.0]);
    }
    let encoded = b.encode();
    let found: Vec<(&str, usize)> = encoded.datums.iter().map(|(to, list)| (&**to, list.len())).collect();
    assert_eq!(found, [("Fixed", 1), ("K_ln", 1), ("Own", 1), ("Teams", 1), ("X", 1), ("_x", 1)]);
    assert_eq!(repairs(&encoded), [(NAMESPACE, 2), (Reason("replaced"), 2)]);
    assert_eq!(encoded.datums["Own"][0].points, 2);
}

#[test]
fn units_are_set_where_none_is_known_converted_where_one_is_and_kept_where_they_do_not_fit() {
    let mut b = Bench::new(
        "rules:\n- {metrics: [mem], measured_in: MiBy, unit: Gigabytes}\n- {metrics: ['*'], unit: Bytes}\n",
    );
    b.gauge("mem", "", &[], &[1000.0]);
    b.gauge("plain", "", &[], &[5.0]);
    b.gauge("kibi", "KiBy", &[], &[5.0]);
    b.gauge("time", "ms", &[], &[5.0]);
    let encoded = b.encode();
    let found = in_order("Weir", &encoded.datums["Weir"]);
    let expected = [
        row("Weir", "kibi", "", &[(5120.0, 1.0)], "Bytes"),
        row("Weir", "mem", "", &[(1.048_576, 1.0)], "Gigabytes"),
        row("Weir", "plain", "", &[(5.0, 1.0)], "Bytes"),
        row("Weir", "time", "", &[(5.0, 1.0)], "Milliseconds"),
    ];
    assert_eq!(found, expected);
    assert_eq!(repairs(&encoded), [(UNIT_KEPT, 1)]);
}

#[test]
fn one_metric_in_two_units_is_sent_in_both_and_counted() {
    let mut b = Bench::new("{}");
    b.gauge("t", "s", &[], &[1.0]);
    b.gauge("t", "ms", &[], &[1.0]);
    b.gauge("t", "s", &[("a", "b")], &[1.0]);
    let encoded = b.encode();
    assert_eq!((encoded.datums["Weir"].len(), repairs(&encoded)), (3, vec![(MIXED_UNITS, 1)]));
}

#[test]
fn one_unit_in_two_scales_is_one_metric_and_adds_up() {
    for (merge, expected) in [
        // A datum for each scale, and CloudWatch joins them.
        ("distribution", &[1024.0, 1.5][..]),
        ("sum", &[1025.5]),
        // Of two as new as each other the one that was met later.
        ("last", &[1024.0]),
    ] {
        let mut b = Bench::new(&format!(
            "rules: [{{dimensions: {{attributes: []}}, unit: Kilobytes, merge: {merge}}}]"
        ));
        b.gauge("g", "By", &[("pod", "1")], &[1500.0]);
        b.gauge("g", "KiBy", &[("pod", "2")], &[1000.0]);
        let encoded = b.encode();
        let mut found: Vec<f64> = encoded.datums["Weir"]
            .iter()
            .filter_map(|datum| read_datum(&datum.bytes).unwrap().value)
            .collect();
        found.sort_by(|one, other| other.total_cmp(one));
        assert_eq!((found, repairs(&encoded)), (expected.to_vec(), vec![]), "{merge}");
    }
}

#[test]
fn namespaces_that_no_series_names_any_more_are_forgotten() {
    let mut b = Bench::new("namespace_from: team");
    for team in ["a", "b"] {
        b.gauge("m", "", &[("team", team)], &[1.0]);
    }
    b.encode();
    b.rules.forget_gone(&b.f.interner);
    assert_eq!(b.rules.namespaces.len(), 2);
    b.held.remove(0);
    for _ in 0..4 {
        b.f.interner.sweep();
        b.rules.forget_gone(&b.f.interner);
    }
    assert_eq!(b.rules.namespaces.iter().map(|name| &**name).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn a_roll_up_joins_all_samples_and_a_metric_that_is_its_own_roll_up_counts_once() {
    let mut b = Bench::new("rollups: [[route], []]");
    b.gauge("t", "", &[("route", "/a"), ("pod", "1")], &[1.0, 2.0]);
    b.gauge("t", "", &[("route", "/a"), ("pod", "2")], &[2.0]);
    b.gauge("t", "", &[("route", "/b"), ("pod", "2")], &[4.0]);
    b.gauge("t", "", &[], &[8.0]);
    let encoded = b.encode();
    let found = in_order("", &encoded.datums["Weir"]);
    let expected = [
        row("", "t", "", &[(1.0, 1.0), (2.0, 2.0), (4.0, 1.0), (8.0, 1.0)], "None"),
        row("", "t", "pod=1,route=/a", &[(1.0, 1.0), (2.0, 1.0)], "None"),
        row("", "t", "pod=2,route=/a", &[(2.0, 1.0)], "None"),
        row("", "t", "pod=2,route=/b", &[(4.0, 1.0)], "None"),
        row("", "t", "route=/a", &[(1.0, 1.0), (2.0, 2.0)], "None"),
        row("", "t", "route=/b", &[(4.0, 1.0)], "None"),
    ];
    assert_eq!(found, expected);
    // Four points of routes, in two roll-ups each; five points came in.
    assert_eq!((encoded.made, repairs(&encoded)), (8, vec![(ROLLUP_INCOMPLETE, 1)]));
    let points: u64 = encoded.datums["Weir"].iter().map(|datum| datum.points).sum();
    assert_eq!(points, 5 + 8);
}

#[test]
fn series_that_become_one_are_joined_as_the_rule_says() {
    let delta = |name| Descriptor::sum(name, "1", Temporality::Delta, true);
    for (merge, gauges, deltas) in [
        (
            "distribution",
            &[(1.0, 1.0), (2.0, 1.0), (5.0, 2.0)][..],
            &[(1.0, 1.0), (2.0, 1.0), (5.0, 2.0)][..],
        ),
        // The last value of each gauge; all increments of each counter.
        ("sum", &[(7.0, 1.0)], &[(13.0, 1.0)]),
        ("last", &[(5.0, 1.0)], &[(13.0, 1.0)]),
    ] {
        let mut b = Bench::new(&format!("rules: [{{dimensions: {{attributes: []}}, merge: {merge}}}]"));
        for (pod, values) in [("1", &[1.0, 5.0, 5.0][..]), ("2", &[2.0][..])] {
            b.gauge("g", "", &[("pod", pod)], values);
            let series = b.f.stream(delta("d"), &[("pod", pod)]);
            b.points(&series, values);
        }
        let expected = [row("Weir", "d", "", deltas, "None"), row("Weir", "g", "", gauges, "None")];
        assert_eq!(b.seen(), expected, "{merge}");
    }
}

#[test]
fn what_was_decided_is_kept_by_series() {
    let mut b = Bench::new("rules: [{metrics: [drop.*], drop: true}, {metrics: [fast], period: 10s}]");
    let of = |b: &Bench, name: &str| b.f.stream(Descriptor::gauge(name, ""), &[]);
    let (gone, fast, plain) = (of(&b, "drop.me"), of(&b, "fast"), of(&b, "plain"));
    assert!(!b.rules.is_plain());
    assert_eq!(b.rules.periods().iter().map(|p| p.length().as_secs()).collect::<Vec<_>>(), [10, 60]);
    let points = [&gone, &fast, &plain, &gone].map(|series| point(series, 0, START, Number::Int(1)));
    let batch = b.f.batch(points);
    assert_eq!(b.rules.decide_all(&batch, &b.f.interner), 2);
    let windows = [&gone, &fast, &plain].map(|series| b.rules.window_of(series.id()));
    assert_eq!(windows, [None, Some(0), Some(1)]);
    let resolutions = [&fast, &plain].map(|series| b.rules.of(series).0.resolution);
    assert_eq!(resolutions, [1, 60]);
}

#[test]
fn mistakes_and_doubts_are_told_where_they_stand() {
    let cases = [
        ("rules: [{metrics: ['/(/']}]", "'/(/'", "is not a regular expression: unclosed group", true),
        ("rules: [{metrics: ['']}]", "''", "a pattern cannot be empty", true),
        ("rules: [{where: {a: '/[/'}}]", "'/[/'", "unclosed character class", true),
        (
            "rules: [{metrics: [a.*], rename: '$2'}]",
            "'$2'",
            "asks for $2, the metrics' patterns give 1",
            true,
        ),
        ("rules: [{metrics: [a], rename: ' '}]", "' '", "cannot be blank", true),
        (
            "rules: [{metrics: [a.*], rename: b}]",
            "b",
            "every metric that this rule is for becomes `b`",
            false,
        ),
        ("rules: [{namespace: AWS/X}]", "AWS/X", "begins with AWS/", true),
        ("rules: [{namespace_from: ''}]", "''", "cannot be empty", true),
        ("rules: [{unit: parsecs}]", "parsecs", "is no unit of CloudWatch's", true),
        ("rules: [{unit: MiBy}]", "MiBy", "is no unit of CloudWatch's", true),
        ("rules: [{measured_in: Cel}]", "Cel", "is no unit that CloudWatch has something for", true),
        ("rules: [{period: 7s}]", "7s", "period 7s is not", true),
        ("rules: [{storage_resolution: 5}]", "5", "is neither 1 nor 60", true),
        ("rules: [{dimensions: {static: {':a': b}}}]", "b", "CloudWatch does not take the dimension", true),
        (
            "rules: [{dimensions: {attributes: [a]}, rollups: [[b]]}]",
            "b",
            "`b` is not among the dimensions",
            true,
        ),
        (
            "{dimensions: {attributes: [a]}, rollups: [[quantile]]}",
            "quantile",
            "`quantile` is not among the dimensions",
            true,
        ),
        ("{dimensions: {attributes: [a]}, rollups: [[a, a]]}", "a", "is twice in one roll-up", true),
        ("rollups: [[a, b], [b, a]]", "[b, a]", "this roll-up is listed twice", false),
        ("rules: [{drop: true, unit: Bytes}]", "Bytes", "is without effect in a rule that drops", false),
        ("rules: [{metrics: [a.*]}, {metrics: [a.b]}]", "[a.b]", "rule 1 is for all that it is for", false),
        (
            "rules: [{unit: Count}, {where: {a: b}}]",
            "{where: {a: b}}",
            "this rule never decides: rule 1",
            false,
        ),
        (
            "{rollups: [[a]], rules: [{dimensions: {attributes: [b]}}]}",
            "{attributes: [b]}",
            "do not give `a` of the exporter's roll-ups",
            false,
        ),
    ];
    for (yaml, token, words, is_error) in cases {
        let (_, found) = read(yaml);
        let [(severity, at, message)] = &found[..] else { panic!("one finding in {yaml}: {found:?}") };
        assert_eq!((at.as_str(), *severity == Severity::Error), (token, is_error), "{yaml}: {message}");
        assert!(message.contains(words), "{yaml}: {message}");
    }
    for fine in [
        "rules: [{metrics: [a.b]}, {metrics: [a.*]}]",
        "rules: [{metrics: [a], where: {x: y}}, {metrics: [a]}]",
        "rules: [{metrics: [a, b]}, {metrics: [b, c]}]",
        "{summary_quantiles: true, dimensions: {attributes: [a]}, rollups: [[quantile]], rules: [{dimensions: {attributes: [b]}}]}",
    ] {
        assert_eq!(read(fine).1, [], "{fine}");
    }
}
