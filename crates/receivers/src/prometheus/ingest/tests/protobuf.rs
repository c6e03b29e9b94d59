//! The protobuf format, and native histograms.

use prost::Message as _;
use weir_exposition::protobuf::{
    MAX_HELD,
    messages::{
        Bucket, BucketSpan, Counter, Exemplar, Gauge, Histogram, LabelPair, Metric, MetricFamily, Quantile,
        Summary, Timestamp, Untyped,
    },
};

use super::*;

const COUNTER: i32 = 0;
const GAUGE: i32 = 1;
const SUMMARY: i32 = 2;
const UNTYPED: i32 = 3;
const HISTOGRAM: i32 = 4;
const GAUGE_HISTOGRAM: i32 = 5;

fn family(name: &str, r#type: i32, metric: Metric) -> MetricFamily {
    let label = vec![LabelPair { name: "x".to_owned(), value: "y".to_owned() }];
    let metric = vec![Metric { label, ..metric }];
    MetricFamily { name: name.to_owned(), r#type, metric, unit: String::new(), help: "what it is".to_owned() }
}

fn of_histogram(name: &str, histogram: Histogram) -> MetricFamily {
    family(name, HISTOGRAM, Metric { histogram: Some(histogram), ..Metric::default() })
}

impl Rig {
    fn protobuf(&mut self, families: &[MetricFamily]) -> (Vec<String>, Scraped) {
        self.scrapes += 1;
        let now = self.now();
        let body: Vec<u8> = families.iter().flat_map(MetricFamily::encode_length_delimited_to_vec).collect();
        let mut scrape = self.target.begin(now, Format::Protobuf);
        for piece in body.chunks(7) {
            scrape.feed(piece).unwrap();
        }
        let scraped = scrape.finish().unwrap();
        (self.describe(&scraped), scraped)
    }
}

fn native() -> Histogram {
    Histogram {
        sample_count: 12,
        sample_sum: 18.5,
        schema: Some(0),
        zero_threshold: 0.001,
        zero_count: 2,
        // Buckets 0 to 1 and 4: (0.5, 1], (1, 2], and (8, 16].
        positive_span: vec![BucketSpan { offset: 0, length: 2 }, BucketSpan { offset: 2, length: 1 }],
        positive_delta: vec![3, -1, 1],
        negative_span: vec![BucketSpan { offset: 1, length: 1 }],
        negative_delta: vec![2],
        ..Histogram::default()
    }
}

fn with_native() -> Rig {
    Rig::with(Settings { native_histograms: true, ..Settings::default() })
}

#[test]
fn families_of_protobuf_become_what_those_of_text_do() {
    let created = Some(Timestamp { seconds: (START + 3) as i64, nanos: 0 });
    let exemplar = Some(Exemplar::default());
    let quantile = vec![Quantile { quantile: 0.5, value: 1.5 }];
    let classic = Histogram {
        sample_count: 4,
        sample_sum: 5.5,
        bucket: vec![Bucket {
            cumulative_count: 1,
            upper_bound: 0.5,
            exemplar: exemplar.clone(),
            ..Bucket::default()
        }],
        created_timestamp: created,
        ..Histogram::default()
    };
    let families = [
        family(
            "a_total",
            COUNTER,
            Metric {
                counter: Some(Counter { value: 7.0, exemplar, created_timestamp: created }),
                ..Metric::default()
            },
        ),
        family(
            "g",
            GAUGE,
            Metric {
                gauge: Some(Gauge { value: -1.0 }),
                timestamp_ms: Some((START as i64 + 5) * 1000),
                ..Metric::default()
            },
        ),
        family(
            "s",
            SUMMARY,
            Metric {
                summary: Some(Summary {
                    sample_count: 3,
                    sample_sum: 4.0,
                    quantile,
                    created_timestamp: None,
                }),
                ..Metric::default()
            },
        ),
        family("u", UNTYPED, Metric { untyped: Some(Untyped { value: 2.0 }), ..Metric::default() }),
        of_histogram("h", classic),
    ];
    let mut rig = Rig::new();
    for at in [10, 20] {
        let (found, scraped) = rig.protobuf(&families);
        let mut expected = vec![
            format!("a_total{{x=y}} counter 7 at {at} since 3"),
            "g{x=y} gauge -1 at 5".to_owned(),
            format!("h{{x=y}} histogram 4 sum 5.5 [0.5] [1, 3] at {at} since 3"),
            format!("s{{x=y}} summary 3 sum 4 [0.5, 1.5] at {at}"),
            format!("u{{x=y}} gauge 2 at {at}"),
        ];
        if at == 20 {
            // Its own timestamp stands still.
            expected.remove(1);
        }
        assert_eq!(found, expected);
        // As many samples as Prometheus has series for them.
        let repeated = u64::from(at == 20);
        assert_eq!((scraped.samples, scraped.exemplars), (10, 2));
        assert_eq!(scraped.refused.values().sum::<u64>(), repeated, "{:?}", scraped.refused);
        assert_eq!(scraped.series_added, if at == 10 { 10 } else { 0 });
    }
}

#[test]
fn native_histograms_are_exponential() {
    let mut rig = with_native();
    for at in [10, 20] {
        let (found, scraped) = rig.protobuf(&[of_histogram("h", native())]);
        // Prometheus's bucket 0 is the one that ends at 1, OpenTelemetry's the one that begins there.
        let expected = format!(
            "h{{x=y}} exponential 12 sum 18.5 scale 0 zero 2 (0.001) from -1 [3, 2, 0, 0, 3] from 0 [2] at {at}"
        );
        assert_eq!(found, [expected]);
        assert_eq!((scraped.samples, scraped.points()), (1, 1));
    }
    let (found, _) = rig.protobuf(&[]);
    assert_eq!(found, ["h{x=y} stale at 30"]);
}

#[test]
fn without_native_histograms_their_classic_form_is_read_and_both_where_asked_for() {
    let both = Histogram {
        bucket: vec![Bucket { cumulative_count: 9, upper_bound: 2.0, ..Bucket::default() }],
        ..native()
    };
    let families = [of_histogram("h", both)];
    let classic = "h{x=y} histogram 12 sum 18.5 [2.0] [9, 3] at 10";
    assert_eq!(Rig::new().protobuf(&families).0, [classic]);
    let settings =
        Settings { native_histograms: true, always_classic_histograms: true, ..Settings::default() };
    let (found, _) = Rig::with(settings).protobuf(&families);
    assert!(found.len() == 2 && found[1] == classic, "{found:?}");
}

#[test]
fn a_native_histogram_with_too_many_buckets_is_made_coarser() {
    let settings = Settings {
        native_histograms: true,
        limits: Limits { native_buckets: 3, ..Limits::default() },
        ..Settings::default()
    };
    let (found, _) = Rig::with(settings).protobuf(&[of_histogram("h", native())]);
    // Of 0.5 to 1, 1 to 2 and 8 to 16 become 0.25 to 1, 1 to 4 and 4 to 16; then those up to 1 and up to 16; with the negative one: three.
    assert_eq!(
        found,
        ["h{x=y} exponential 12 sum 18.5 scale -2 zero 2 (0.001) from -1 [3, 5] from 0 [2] at 10"]
    );
    // As far apart as doubles can be: written out at this resolution it would be half a million buckets.
    let apart = |from: i32, gap: i32| Histogram {
        sample_count: 4,
        schema: Some(8),
        positive_span: vec![BucketSpan { offset: from, length: 1 }, BucketSpan { offset: gap, length: 1 }],
        positive_delta: vec![2, 0],
        ..Histogram::default()
    };
    let (found, scraped) = with_native().protobuf(&[of_histogram("h", apart(-262_000, 524_000))]);
    assert!(found.len() == 1 && scraped.batches[0].bytes() < 40_000, "{found:?}");
    let (_, scraped) = with_native().protobuf(&[of_histogram("h", apart(i32::MIN, i32::MAX))]);
    assert_eq!(scraped.refused, [(reasons::BAD_HISTOGRAM, 1)].into());
}

#[test]
fn what_is_no_native_histogram_is_refused() {
    let span = |offset, length| vec![BucketSpan { offset, length }];
    let cases = [
        (Histogram { sample_count_float: 1.5, ..native() }, reasons::FLOAT_HISTOGRAM),
        (Histogram { schema: Some(9), ..native() }, reasons::BAD_HISTOGRAM),
        (Histogram { schema: Some(-53), ..native() }, reasons::BAD_HISTOGRAM),
        (Histogram { positive_delta: vec![3, -4, 1], ..native() }, reasons::BAD_HISTOGRAM),
        (Histogram { positive_span: span(0, 2), ..native() }, reasons::BAD_HISTOGRAM),
        (Histogram { positive_span: span(0, u32::MAX), ..native() }, reasons::BAD_HISTOGRAM),
        (Histogram { negative_delta: vec![200], ..native() }, reasons::BAD_HISTOGRAM),
        (Histogram { positive_span: [span(5, 2), span(-9, 1)].concat(), ..native() }, reasons::BAD_HISTOGRAM),
    ];
    for (histogram, reason) in cases {
        let mut rig = with_native();
        for _ in 0..2 {
            let (found, scraped) = rig.protobuf(&[of_histogram("h", histogram.clone())]);
            assert_eq!((found.len(), &scraped.refused), (0, &[(reason, 1)].into()), "{histogram:?}");
        }
    }
    let gauge = MetricFamily { r#type: GAUGE_HISTOGRAM, ..of_histogram("h", native()) };
    assert_eq!(with_native().protobuf(&[gauge]).1.refused, [(reasons::GAUGE_HISTOGRAM, 1)].into());
}

#[test]
fn a_metric_that_is_none_costs_itself_only_and_a_body_cut_short_all() {
    let good = family("g", GAUGE, Metric { gauge: Some(Gauge { value: 1.0 }), ..Metric::default() });
    let without_value = family("a", COUNTER, Metric::default());
    let mut rig = Rig::new();
    let (found, scraped) = rig.protobuf(&[without_value, good.clone()]);
    assert_eq!((found.len(), &scraped.refused), (1, &[(reasons::BAD_LINE, 1)].into()));
    let body = good.encode_length_delimited_to_vec();
    let mut scrape = rig.target.begin(seconds(START + 20), Format::Protobuf);
    scrape.feed(&body[..body.len() - 1]).unwrap();
    assert_eq!(scrape.finish().unwrap_err().word(), "malformed");
}

#[test]
fn what_is_no_protobuf_is_told_by_its_place_in_the_body() {
    let good = family("g", GAUGE, Metric { gauge: Some(Gauge { value: 1.0 }), ..Metric::default() });
    let good = good.encode_length_delimited_to_vec();
    let told = |bytes: &[u8]| {
        let failure = Rig::new().target.begin(seconds(START), Format::Protobuf).feed(bytes).unwrap_err();
        (failure.word(), failure.to_string())
    };
    let endless = ("malformed", "byte 1: not a message: a number without an end".to_owned());
    assert_eq!(told(&[0xff; 20]), endless);
    // A family of one byte, which begins a group.
    let message = format!("byte {}: not a message: wire type 3", good.len() + 2);
    assert_eq!(told(&[&good[..], &[1, 0x0b]].concat()), ("malformed", message));
}

#[test]
fn the_unit_of_a_family_is_that_of_its_metrics_though_it_comes_behind_them() {
    let mut rig = Rig::new();
    let gauge = family("g_bytes", GAUGE, Metric { gauge: Some(Gauge { value: 1.0 }), ..Metric::default() });
    let with = |family: MetricFamily, unit: &str| MetricFamily { unit: unit.to_owned(), ..family };
    for _ in 0..2 {
        let families =
            [with(gauge.clone(), "bytes"), with(of_histogram("h_seconds", Histogram::default()), "seconds")];
        let (_, scraped) = rig.protobuf(&families);
        let [batch] = &*scraped.batches else { panic!("one batch") };
        let unit = |id| rig.fixture.series(id).descriptor().unit.to_string();
        assert_eq!(
            (unit(batch.numbers[0].series), unit(batch.histograms[0].series)),
            ("By".to_owned(), "s".to_owned())
        );
    }
}

#[test]
fn a_family_that_becomes_too_large_to_be_held_or_is_not_any_more_keeps_its_series() {
    let small = family("g_bytes", GAUGE, Metric { gauge: Some(Gauge { value: 1.0 }), ..Metric::default() });
    let small = MetricFamily { unit: "bytes".to_owned(), ..small };
    let large = MetricFamily { help: "h".repeat(MAX_HELD), ..small.clone() };
    for (families, unit) in [([&small, &large, &small], "By"), ([&large, &small, &large], "")] {
        let mut rig = Rig::new();
        let mut first = None;
        for family in families {
            let (_, scraped) = rig.protobuf(std::slice::from_ref(family));
            let found = scraped.batches[0].numbers[0].series;
            assert_eq!(*first.get_or_insert(found), found);
            assert_eq!(&*rig.fixture.series(found).descriptor().unit, unit);
        }
    }
    // What is stated in the place of another one counts.
    let mut rig = Rig::new();
    for (stated, unit) in [("bytes", "By"), ("seconds", "s")] {
        let (_, scraped) = rig.protobuf(&[MetricFamily { unit: stated.to_owned(), ..small.clone() }]);
        let found = scraped.batches[0].numbers[0].series;
        assert_eq!(&*rig.fixture.series(found).descriptor().unit, unit);
    }
}

#[test]
fn a_native_bucket_beyond_32_bits_is_refused() {
    let far = |offsets: &[i32]| Histogram {
        sample_count: offsets.len() as u64,
        schema: Some(8),
        positive_span: offsets.iter().map(|offset| BucketSpan { offset: *offset, length: 1 }).collect(),
        positive_delta: offsets.iter().enumerate().map(|(at, _)| i64::from(at == 0)).collect(),
        ..Histogram::default()
    };
    for (offsets, is_taken) in
        [(&[i32::MAX, 1][..], false), (&[i32::MIN][..], false), (&[i32::MIN + 1][..], true)]
    {
        let (points, scraped) = with_native().protobuf(&[of_histogram("h", far(offsets))]);
        assert_eq!(points.len(), usize::from(is_taken), "{offsets:?}: {points:?}");
        assert_eq!(scraped.refused.contains_key(&reasons::BAD_HISTOGRAM), !is_taken, "{offsets:?}");
    }
}

#[test]
fn a_metric_of_more_labels_than_are_compared_is_refused() {
    let label = |n: usize| LabelPair { name: format!("l{n}"), value: "x".to_owned() };
    let mut gauge = family("g", GAUGE, Metric { gauge: Some(Gauge { value: 1.0 }), ..Metric::default() });
    gauge.metric[0].label = (0..1001).map(label).collect();
    let other = family("other", GAUGE, Metric { gauge: Some(Gauge { value: 1.0 }), ..Metric::default() });
    let (points, scraped) = Rig::new().protobuf(&[gauge.clone(), other.clone()]);
    assert_eq!((points.len(), scraped.refused.get(&reasons::BAD_LINE)), (1, Some(&1)));
    gauge.metric[0].label.pop();
    assert_eq!(Rig::new().protobuf(&[gauge, other]).0.len(), 2);
}
