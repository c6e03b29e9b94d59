//! Every limit of `PutMetricData` that concerns what a request holds, in one table: the request that crosses it, which the far
//! end refuses whole, and what the exporter sends in its place, of which nothing is refused.
//!
//! Not here: what `CloudWatch` answers to how much and how often is sent (throttling, `classify`), and entities, of which none
//! are sent.

use ciborium::{Value, cbor};
use weir_cloudwatch_local::{Datum, Reading, Resolution};
use weir_core::NumberPoint;

use super::{
    super::{
        dimensions::{BLANK, COLLISIONS, DIMENSIONS_CUT, REPLACED, SHORTENED},
        encode::UNNAMED,
        rules::NAMESPACE,
        window::{OUT_OF_RANGE, TOO_NEW},
    },
    raw::{datum, put, request, second, time},
    *,
};

const DAY: u64 = 86_400;

/// One limit.
struct Row {
    limit: &'static str,
    /// The request that crosses it, at a time in seconds, sent by another client.
    crossing: fn(u64) -> Value,
    /// What the far end says to that.
    answer: (u16, &'static str),
    config: fn(&mut Config),
    /// What would cross it, were it sent as it came.
    points: fn(&River) -> Points,
    /// Requests and datums that the exporter sends.
    sends: (u64, u64),
    dropped: Option<Reason>,
    repaired: &'static [Reason],
    /// Whether what arrived is right.
    arrived: fn(&[Datum]) -> bool,
}

/// A limit, the request that crosses it, and the answer to that.
fn row(limit: &'static str, crossing: fn(u64) -> Value, answer: (u16, &'static str)) -> Row {
    Row {
        limit,
        crossing,
        answer,
        config: |_| {},
        points: |_| Points::default(),
        sends: (1, 1),
        dropped: None,
        repaired: &[],
        arrived: |_| true,
    }
}

impl Row {
    fn config(self, config: fn(&mut Config)) -> Self {
        Self { config, ..self }
    }

    fn points(self, points: fn(&River) -> Points) -> Self {
        Self { points, ..self }
    }

    fn sends(self, requests: u64, datums: u64) -> Self {
        Self { sends: (requests, datums), ..self }
    }

    /// One point is dropped, and no datum sent.
    fn drops(self, reason: Reason) -> Self {
        Self { dropped: Some(reason), sends: (0, 0), ..self }
    }

    fn repairs(self, repaired: &'static [Reason]) -> Self {
        Self { repaired, ..self }
    }

    fn arrived(self, arrived: fn(&[Datum]) -> bool) -> Self {
        Self { arrived, ..self }
    }
}

/// Points, and the series that must live until they are sent.
#[derive(Default)]
struct Points(Vec<Arc<Series>>, Vec<NumberPoint>);

impl Points {
    /// And a gauge of this name and these attributes, with these values at these times.
    fn and(mut self, r: &River, name: &str, attributes: &[(&str, &str)], values: &[(u64, f64)]) -> Self {
        let series = r.f.stream(Descriptor::gauge(name, "Cel"), attributes);
        self.1.extend(values.iter().map(|(at, value)| point(&series, 0, *at, Number::Double(*value))));
        self.0.push(series);
        self
    }
}

/// A gauge with one value, now.
fn gauge(r: &River, name: &str, attributes: &[(&str, &str)], value: f64) -> Points {
    Points::default().and(r, name, attributes, &[(r.now(), value)])
}

/// A gauge with one attribute.
fn attribute(r: &River, name: &str, value: &str) -> Points {
    gauge(r, "m", &[(name, value)], 1.0)
}

/// The request of a good datum and of one with this member.
fn with(member: &str, value: impl Into<Value>) -> Value {
    second(&Value::Map(vec![(member.into(), value.into())]))
}

/// The same with these values in place of the one.
fn with_values(values: Vec<f64>) -> Value {
    second(&cbor!({"Value" => null, "Values" => values}).unwrap())
}

fn dimension(name: &str, value: &str) -> Value {
    second(&cbor!({"Dimensions" => [{"Name" => name, "Value" => value}]}).unwrap())
}

fn namespace(name: &str) -> Value {
    cbor!({"Namespace" => name, "MetricData" => [datum(&cbor!({}).unwrap())]}).unwrap()
}

/// A whole number and a third takes nine bytes in any encoding.
const THIRD: f64 = 1.0 / 3.0;

fn up_to(count: u32) -> Vec<f64> {
    (1..=count).map(f64::from).collect()
}

/// The name and value of the only dimension of the only datum.
fn only(datums: &[Datum]) -> (&str, &str) {
    match datums {
        [datum] => match &datum.metric.dimensions[..] {
            [one] => (&one.name, &one.value),
            _ => panic!("one dimension: {datum:?}"),
        },
        _ => panic!("one datum: {datums:?}"),
    }
}

fn namespaces_from_attribute(config: &mut Config) {
    config.namespace_from = Some("ns".to_owned());
    config.namespace = "Own".to_owned();
    config.dimensions.attributes = Vec::new();
}

/// 1.2 of the limits: how much a request and a datum hold.
fn sizes() -> Vec<Row> {
    vec![
        row(
            "1000 datums in a request",
            |_| request(vec![datum(&cbor!({}).unwrap()); 1001]),
            (400, "MetricData must not have a size greater than 1000"),
        )
        .points(|r| {
            let name = |i: u32| format!("m{i}");
            (0..1001).fold(Points::default(), |all, i| all.and(r, &name(i), &[], &[(r.now(), 1.0)]))
        })
        .sends(2, 1001),
        row("1 MB in a request", |_| request(vec![full(); 800]), (413, ""))
            // 800 of some 1.4 kB.
            .points(|r| {
                let samples: Vec<_> = up_to(150).into_iter().map(|v| (r.now(), v + THIRD)).collect();
                (0..800).fold(Points::default(), |all, i| all.and(r, &format!("m{i}"), &[], &samples))
            })
            .sends(2, 800),
        row("a request has a datum", |_| request(vec![]), (400, "MetricData is required"))
            .points(|r| gauge(r, "m", &[], f64::NAN))
            .drops(Reason::NOT_FINITE),
        row(
            "150 values in a datum",
            |_| with_values(up_to(151)),
            (400, "must not have a size greater than 150"),
        )
        .points(|r| {
            let samples: Vec<_> = up_to(1000).into_iter().map(|v| (r.now(), v)).collect();
            Points::default().and(r, "m", &[], &samples)
        })
        // 1 + 2 + … + 1000.
        .arrived(|datums| match &datums[0].reading {
            Reading::Distribution { values, statistics: Some(exact) } => {
                values.len() <= 150 && (exact.sample_count, exact.sum) == (1000.0, 500_500.0)
            }
            _ => false,
        }),
        row(
            "as many counts as values",
            |_| second(&cbor!({"Value" => null, "Values" => [1.0, 2.0], "Counts" => [1.0]}).unwrap()),
            (400, "Counts must be of the same size"),
        )
        .points(|r| {
            let samples = [3.0, 1.0, 3.0].map(|v| (r.now(), v));
            Points::default().and(r, "m", &[], &samples)
        })
        .arrived(|datums| match &datums[0].reading {
            Reading::Distribution { values, .. } => {
                values.iter().map(|one| (one.value, one.count)).eq([(1.0, 1.0), (3.0, 2.0)])
            }
            _ => false,
        }),
        row("30 dimensions", |_| thirty_one(), (400, "Dimensions must not have a size greater than 30"))
            .points(|r| {
                let names: Vec<String> = (1..=33).map(|n| format!("d{n:02}")).collect();
                let all: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
                gauge(r, "m", &all, 1.0)
            })
            .repairs(&[DIMENSIONS_CUT, DIMENSIONS_CUT, DIMENSIONS_CUT])
            .arrived(|datums| datums[0].metric.dimensions.len() == 30),
        row("each dimension once", |_| twice(), (400, "same dimension name twice"))
            .points(|r| gauge(r, "m", &[("ä", "1"), ("ö", "2")], 1.0))
            .repairs(&[COLLISIONS, REPLACED, REPLACED])
            .arrived(|datums| only(datums).0 == "_"),
    ]
}

fn full() -> Value {
    let values: Vec<f64> = up_to(150).iter().map(|value| value + THIRD).collect();
    datum(&cbor!({"Value" => null, "Values" => values, "Counts" => values}).unwrap())
}

fn thirty_one() -> Value {
    let one = |n: u32| cbor!({"Name" => format!("d{n}"), "Value" => "v"}).unwrap();
    with("Dimensions", (1..=31).map(one).collect::<Vec<_>>())
}

fn twice() -> Value {
    let one = cbor!({"Name" => "d", "Value" => "v"}).unwrap();
    with("Dimensions", vec![one.clone(), one])
}

/// 1.2 of the limits: what names are made of.
fn names() -> Vec<Row> {
    let printable = "contains non-ASCII characters";
    vec![
        row("a namespace is not empty", |_| namespace(""), (400, "Namespace is required"))
            .config(namespaces_from_attribute)
            .points(|r| attribute(r, "ns", ""))
            .repairs(&[NAMESPACE])
            .arrived(|datums| datums[0].metric.namespace == "Own"),
        row("a namespace has 255 characters", |_| namespace(&"n".repeat(256)), (400, "shorter than 256"))
            .config(namespaces_from_attribute)
            .points(|r| attribute(r, "ns", &"n".repeat(256)))
            .repairs(&[SHORTENED])
            .arrived(|datums| datums[0].metric.namespace == "n".repeat(255)),
        row("a namespace is printable", |_| namespace("größe\n"), (400, printable))
            .config(namespaces_from_attribute)
            .points(|r| attribute(r, "ns", "größe\n"))
            .repairs(&[REPLACED])
            .arrived(|datums| datums[0].metric.namespace == "gr__e_"),
        row("a namespace begins with no colon", |_| namespace(":a"), (400, "must not start with a colon"))
            .config(namespaces_from_attribute)
            .points(|r| attribute(r, "ns", ":a"))
            .repairs(&[REPLACED])
            .arrived(|datums| datums[0].metric.namespace == "_a"),
        row("AWS/ is reserved", |_| namespace("AWS/EC2"), (400, "for parameter Namespace is invalid"))
            .config(namespaces_from_attribute)
            .points(|r| attribute(r, "ns", "AWS/EC2"))
            .repairs(&[NAMESPACE])
            .arrived(|datums| datums[0].metric.namespace == "Own"),
        row(
            "a metric has a name",
            |_| with("MetricName", ""),
            (400, "MetricData.member.2.MetricName is required"),
        )
        .points(|r| gauge(r, "", &[], 1.0))
        .drops(UNNAMED),
        row(
            "a metric's name has 255 characters",
            |_| with("MetricName", "n".repeat(256)),
            (400, "shorter than 256"),
        )
        .points(|r| gauge(r, &"n".repeat(256), &[], 1.0))
        .repairs(&[SHORTENED])
        .arrived(|datums| datums[0].metric.name == "n".repeat(255)),
        row("a dimension has a name", |_| dimension("", "v"), (400, "member.1.Name is required"))
            .points(|r| attribute(r, "", "v"))
            .repairs(&[BLANK])
            .arrived(|datums| datums[0].metric.dimensions.is_empty()),
        row("a dimension has a value", |_| dimension("d", ""), (400, "member.1.Value is required"))
            .points(|r| attribute(r, "d", ""))
            .repairs(&[BLANK])
            .arrived(|datums| datums[0].metric.dimensions.is_empty()),
        row("a dimension's name is not blank", |_| dimension("  ", "v"), (400, "non-whitespace"))
            .points(|r| attribute(r, "  ", "v"))
            .repairs(&[BLANK])
            .arrived(|datums| datums[0].metric.dimensions.is_empty()),
        row("a dimension's value is not blank", |_| dimension("d", "  "), (400, "non-whitespace"))
            .points(|r| attribute(r, "d", "  "))
            .repairs(&[BLANK])
            .arrived(|datums| datums[0].metric.dimensions.is_empty()),
        row(
            "a dimension's name has 255 characters",
            |_| dimension(&"n".repeat(256), "v"),
            (400, "shorter than 256"),
        )
        .points(|r| attribute(r, &"n".repeat(256), "v"))
        .repairs(&[SHORTENED])
        .arrived(|datums| only(datums) == (&"n".repeat(255), "v")),
        row(
            "a dimension's value has 1024 characters",
            |_| dimension("d", &"v".repeat(1025)),
            (400, "shorter than 1025"),
        )
        .points(|r| attribute(r, "d", &"v".repeat(1025)))
        .repairs(&[SHORTENED])
        .arrived(|datums| only(datums) == ("d", &"v".repeat(1024))),
        row("a dimension's name is printable", |_| dimension("naïve", "v"), (400, printable))
            .points(|r| attribute(r, "naïve", "v"))
            .repairs(&[REPLACED])
            .arrived(|datums| only(datums) == ("na_ve", "v")),
        row("a dimension's value is printable", |_| dimension("d", "a\tb"), (400, printable))
            .points(|r| attribute(r, "d", "a\tb"))
            .repairs(&[REPLACED])
            .arrived(|datums| only(datums) == ("d", "a_b")),
        row(
            "a dimension's name begins with no colon",
            |_| dimension(":d", "v"),
            (400, "must not start with a colon"),
        )
        .points(|r| attribute(r, ":d", "v"))
        .repairs(&[REPLACED])
        .arrived(|datums| only(datums) == ("_d", "v")),
        row("a unit is one of 27", |_| with("Unit", "Cel"), (400, "must be a value in the set"))
            .points(|r| gauge(r, "m", &[], 1.0))
            .arrived(|datums| datums[0].unit.as_str() == "None"),
    ]
}

/// 1.2 of the limits: values, times and resolutions.
fn numbers() -> Vec<Row> {
    let invalid = "MetricData.member.2.Value is invalid";
    vec![
        row("a value is a number", |_| with("Value", f64::NAN), (400, invalid))
            .points(|r| gauge(r, "m", &[], f64::NAN))
            .drops(Reason::NOT_FINITE),
        row("a value is finite", |_| with("Value", f64::NEG_INFINITY), (400, invalid))
            .points(|r| gauge(r, "m", &[], f64::NEG_INFINITY))
            .drops(Reason::NOT_FINITE),
        row("a value is at most 2^360", |_| with("Value", 2_f64.powi(361)), (400, invalid))
            .points(|r| gauge(r, "m", &[], 2_f64.powi(361)))
            .drops(OUT_OF_RANGE),
        row("a value is at least -2^360", |_| with("Value", -(2_f64.powi(361))), (400, invalid))
            .points(|r| gauge(r, "m", &[], -(2_f64.powi(361))))
            .drops(OUT_OF_RANGE),
        row("a value is zero or at least 2^-360", |_| with("Value", 2_f64.powi(-361)), (400, invalid))
            .points(|r| gauge(r, "m", &[], 2_f64.powi(-361)))
            .arrived(|datums| datums[0].reading == Reading::Value(0.0)),
        row("no more than two weeks back", |now| with("Timestamp", time(now - 15 * DAY)), (400, "Timestamp"))
            .points(|r| Points::default().and(r, "m", &[], &[(r.now() - 15 * DAY, 1.0)]))
            .drops(TOO_OLD),
        row(
            "no more than two hours ahead",
            |now| with("Timestamp", time(now + 4 * 3600)),
            (400, "Timestamp"),
        )
        .points(|r| Points::default().and(r, "m", &[], &[(r.now() + 4 * 3600, 1.0)]))
        .drops(TOO_NEW),
        row("a resolution of 1 or 60 seconds", |_| with("StorageResolution", 10), (400, "StorageResolution"))
            .config(|config| config.period = weir_config::Duration(Duration::from_secs(10)))
            .points(|r| gauge(r, "m", &[], 1.0))
            .arrived(|datums| datums[0].resolution == Resolution::Second),
    ]
}

/// 1.3 of the limits: what CloudWatch makes of a request.
fn semantics() -> Vec<Row> {
    vec![
        row("one bad datum refuses all", |_| with("Value", f64::NAN), (400, "MetricData.member.2.Value"))
            .points(|r| {
                let name = |i: u32| format!("m{i}");
                let good =
                    (0..999).fold(Points::default(), |all, i| all.and(r, &name(i), &[], &[(r.now(), 1.0)]));
                good.and(r, "bad", &[], &[(r.now(), f64::NAN)])
            })
            .drops(Reason::NOT_FINITE)
            .sends(1, 999),
        row(
            "either Value or Values",
            |_| second(&cbor!({"Values" => [1.0]}).unwrap()),
            (400, "Value and MetricData.member.2.Values are mutually exclusive"),
        )
        .points(|r| {
            let two = [(r.now(), 1.0), (r.now(), 2.0)];
            gauge(r, "a", &[], 1.0).and(r, "b", &[], &two)
        })
        .sends(1, 2)
        .arrived(|datums| {
            let [one, several] = datums else { return false };
            one.reading == Reading::Value(1.0)
                && matches!(several.reading, Reading::Distribution { statistics: None, .. })
        }),
        row("a datum has a value", |_| with("Value", Value::Null), (400, "must be specified"))
            .points(|r| gauge(r, "m", &[], 0.0))
            .arrived(|datums| datums[0].reading == Reading::Value(0.0)),
    ]
}

/// The crossing request, whole or in part, is not stored; the points are, without a refusal, or are counted.
async fn check(row: Row) {
    let river = River::with(Fixture::new(), 0, row.config).await;
    let (status, answer) = put(river.server.addr(), &(row.crossing)(river.now())).await;
    assert_eq!(status, row.answer.0, "{}: {answer}", row.limit);
    assert!(answer.contains(row.answer.1), "{}: {answer}", row.limit);
    let refused = river.server.counters();
    assert_eq!((refused.datums, refused.failed_total()), (0, 1), "{}", row.limit);

    let Points(series, points) = (row.points)(&river);
    let (taken, context) = (points.len() as u64, river.context.clone());
    for part in points.chunks(8192) {
        river.send(river.f.batch(part.iter().copied())).await;
    }
    let (account, counters, server) = river.drain().await;
    drop(series);
    let lost: BTreeMap<Reason, u64> = row.dropped.into_iter().map(|reason| (reason, 1)).collect();
    assert_eq!((account.taken, &account.dropped), (taken, &lost), "{}", row.limit);
    assert_eq!(account.passed, taken - lost.len() as u64, "{}", row.limit);
    assert_eq!(counters.failed_total(), 1, "{}: nothing of ours was refused: {counters:?}", row.limit);
    assert_eq!((counters.put_accepted, counters.datums), row.sends, "{}", row.limit);
    let mut repaired = BTreeMap::new();
    row.repaired.iter().for_each(|what| *repaired.entry(*what).or_default() += 1);
    assert_eq!(context.ledger.repairs(), repaired, "{}", row.limit);
    let arrived = server.store().journal();
    assert!(arrived.is_empty() || (row.arrived)(&arrived), "{}: {arrived:?}", row.limit);
}

#[tokio::test]
async fn what_crosses_a_limit_is_refused_whole_and_we_send_what_does_not() {
    let rows = sizes().into_iter().chain(names()).chain(numbers()).chain(semantics());
    let mut checked = 0;
    for row in rows {
        check(row).await;
        checked += 1;
    }
    assert_eq!(checked, 35);
}
