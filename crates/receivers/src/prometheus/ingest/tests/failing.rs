//! What is refused, and what fails a scrape.

use super::*;

#[test]
fn a_bad_line_costs_itself_only_and_is_told() {
    let body = "# TYPE a gauge\na 1\na{x=1} 2\n# TYPE b meh\nb 3\nc x\n";
    let mut rig = Rig::new();
    let scraped = rig.try_scrape(Format::Text004, body).unwrap();
    assert_eq!(rig.describe(&scraped), ["a{} gauge 1 at 10", "b{} gauge 3 at 10"]);
    assert_eq!(scraped.refused, [(reasons::BAD_LINE, 3)].into());
    let expected = "line 3: expected `\"` at byte 4: a{x=1} 2";
    assert_eq!(scraped.example.as_deref(), Some(expected));
}

#[test]
fn in_strict_mode_a_bad_line_fails_the_scrape() {
    let strict = || Rig::with(Settings { strict: true, ..Settings::default() });
    let failure = strict().try_scrape(Format::Text004, "a 1\na{x=1} 2\n").unwrap_err();
    assert_eq!(
        (failure.to_string().as_str(), failure.word()),
        ("line 2: expected `\"` at byte 4", "malformed")
    );
    let failure = strict().try_scrape(Format::OpenMetrics100, "a 1\n\n# EOF\n").unwrap_err();
    assert_eq!(failure.to_string(), "line 2: a blank line");
    let failure = strict().try_scrape(Format::Text004, "# TYPE h histogram\nh_sum 1\n").unwrap_err();
    assert_eq!(failure.word(), "bad_histogram");
    assert!(strict().try_scrape(Format::OpenMetrics100, "# TYPE a gauge\na 1\n# EOF\n").is_ok());
}

#[test]
fn openmetrics_without_its_end_fails_and_leaves_nothing_behind() {
    let mut rig = Rig::new();
    let failure = rig.try_scrape(Format::OpenMetrics100, "# TYPE a counter\na_total 5\n").unwrap_err();
    assert_eq!(failure.to_string(), "line 2: the body ends before its end");
    // The next scrape is the first: what it brings has no start.
    assert_eq!(rig.openmetrics("# TYPE a counter\na_total 6\n"), ["a_total{} counter 6 at 20"]);
}

#[test]
fn what_comes_after_the_end_is_refused() {
    let mut rig = Rig::new();
    let scraped = rig.try_scrape(Format::OpenMetrics100, "a 1\n# EOF\nb 1\n\n").unwrap();
    assert_eq!(
        (rig.describe(&scraped), scraped.refused[&reasons::BAD_LINE]),
        (vec!["a{} gauge 1 at 10".to_owned()], 1)
    );
}

#[test]
fn a_page_that_is_no_exposition_fails_and_an_empty_one_does_not() {
    let page = "<!DOCTYPE html>\n<html><body>It works!</body></html>\n";
    let failure = Rig::new().try_scrape(Format::Text004, page).unwrap_err();
    assert!(matches!(failure, Failure::Malformed { number: 1, .. }), "{failure}");
    assert_eq!(Rig::new().text(""), [""; 0]);
    assert_eq!(Rig::new().text("# just a comment\n\n"), [""; 0]);
}

#[test]
fn limits_fail_the_scrape() {
    let with = |limits: Limits| Rig::with(Settings { limits, ..Settings::default() });
    let of = |limits: Limits, body: &str| {
        with(limits).try_scrape(Format::Text004, body).map(|scraped| scraped.points())
    };
    let two = "a{x=\"1\"} 1\na{x=\"22\"} 1\n";
    assert_eq!(of(Limits { samples: 1, ..Limits::default() }, two), Err(Failure::Samples(1)));
    assert_eq!(of(Limits { samples: 2, ..Limits::default() }, two), Ok(2));
    // The name, job and instance are labels too.
    let series = "a".to_owned();
    assert_eq!(
        of(Limits { labels: 3, ..Limits::default() }, two),
        Err(Failure::Labels { found: 4, limit: 3, series: series.clone() })
    );
    assert_eq!(of(Limits { labels: 4, ..Limits::default() }, two), Ok(2));
    let limits = Limits { label_value_length: 13, ..Limits::default() };
    assert_eq!(of(limits, two), Ok(2));
    let long = "a{x=\"12345678901234\"} 1\n";
    assert_eq!(of(limits, long), Err(Failure::LabelValue { found: 14, limit: 13, series: series.clone() }));
    let limits = Limits { label_name_length: 8, ..Limits::default() };
    assert_eq!(of(limits, two), Ok(2));
    assert_eq!(of(limits, "a{abcdefghi=\"1\"} 1\n"), Err(Failure::LabelName { found: 9, limit: 8, series }));
}

/// A body of one series whose timestamps rise, without an end.
fn rising(line: impl Fn(u64) -> String, most: u64) -> (u64, Failure) {
    let settings = Settings { max_in_hand: 1 << 20, native_histograms: true, ..Settings::default() };
    let mut rig = Rig::with(settings);
    let mut body = rig.target.begin(rig.fixture.clock.now(), Format::Text004);
    let mut fed = 0;
    loop {
        let piece: String = (fed..fed + 100).map(&line).collect();
        fed += 100;
        match body.feed(piece.as_bytes()) {
            Ok(()) => assert!(fed < most, "{fed} lines"),
            Err(failure) => return (fed, failure),
        }
    }
}

#[test]
fn a_body_of_rising_timestamps_without_an_end_fails_when_its_points_take_too_much() {
    // 40 bytes a number: a mebibyte holds 26,214.
    let (fed, failure) = rising(|at| format!("a 1 {}\n", 1000 + at), 27_000);
    assert!(fed > 26_000, "{fed} lines");
    let words = "its points take more than 1048576 bytes, all of which are held until its end";
    assert_eq!((failure.to_string().as_str(), failure.word()), (words, "too_many_points"));
    let histogram = |at| {
        let time = 1000 + at;
        let type_of = if at == 0 { "# TYPE h histogram\n" } else { "" };
        format!(
            "{type_of}h_bucket{{le=\"1\"}} 1 {time}\nh_bucket{{le=\"+Inf\"}} 1 {time}\nh_count 1 {time}\n"
        )
    };
    // Beside its bounds and counts, a point has more than a hundred bytes.
    assert_eq!(rising(histogram, 10_500).1, Failure::InHand(1 << 20));
}

#[test]
fn lines_beyond_the_bytes_that_are_remembered_are_read_anew_and_mean_the_same() {
    let mut rig = Rig::with(Settings { max_line_bytes: 10_000, ..Settings::default() });
    let long = "x".repeat(900);
    for scrape in 1..4 {
        let page: String = (0..20)
            .flat_map(|n| [format!("a{{n=\"{n}\",long=\"{long}\"}}"), format!(" {scrape}\n")])
            .collect();
        let scraped = rig.try_scrape(Format::Text004, &page).unwrap();
        assert_eq!((scraped.points(), scraped.refused.len()), (20, 0));
        assert_eq!(scraped.series_added, if scrape == 1 { 20 } else { 0 });
        // Each takes some 960 bytes.
        assert_eq!(rig.target.lines.entries().len(), 10);
    }
}

#[test]
fn names_of_families_are_bounded_in_bytes() {
    let mut rig = Rig::new();
    let long = "x".repeat((1 << 20) - 64);
    let mut body = rig.target.begin(seconds(START), Format::Text004);
    for n in 0..18 {
        body.feed(format!("# TYPE f{n}_{long} gauge\n").as_bytes()).unwrap();
    }
    body.feed(b"a 1\n").unwrap();
    let scraped = body.finish().unwrap();
    // Seventeen of these names are more than 16 MiB.
    assert_eq!((scraped.points(), scraped.refused[&reasons::TOO_MANY_FAMILIES]), (1, 1));
    // The next scrape begins anew.
    assert_eq!(rig.text("# TYPE a counter\na 2\n"), ["a{} counter 2 at 10 since 0", "a{} stale at 10"]);
}

#[test]
fn buckets_and_quantiles_beyond_a_bound_are_refused_and_the_rest_is_a_point() {
    let mut rig = Rig::new();
    let buckets: Vec<String> = (0..5000).map(|n| format!("h_bucket{{le=\"{n}\"}} {n}\n")).collect();
    let buckets = buckets.concat();
    let page = format!("# TYPE h histogram\n{buckets}h_bucket{{le=\"+Inf\"}} 5000\nh_count 5000\nh_sum 1\n");
    for _ in 0..2 {
        let scraped = rig.try_scrape(Format::Text004, &page).unwrap();
        let point = &scraped.batches[0].histograms[0];
        assert_eq!((point.count, scraped.batches[0].bounds(point.bounds).len()), (5000, 4096));
        // Those from 4096 on, and the one without a bound, whose count is the histogram's.
        assert_eq!(scraped.refused, [(reasons::TOO_MANY_BUCKETS, 905)].into());
    }
    // Hours later the histogram has other bounds: the old ones make room.
    rig.scrapes += 10_000;
    rig.text(&page);
    rig.scrapes += 10_000;
    let page = "# TYPE h histogram\nh_bucket{le=\"0.5\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum 1\n";
    let points = rig.text(page);
    assert!(points.iter().any(|point| point.starts_with("h{} histogram 2 sum 1 [0.5] [1, 1]")), "{points:?}");
}

#[test]
fn a_sample_of_a_hundred_thousand_labels_is_refused_at_once() {
    let labels: Vec<String> = (0..100_000).map(|n| format!("l{n}=\"\"")).collect();
    let mut rig = Rig::new();
    let scraped = rig.try_scrape(Format::Text004, &format!("a{{{}}} 1\nb 1\n", labels.join(","))).unwrap();
    assert_eq!(scraped.refused, [(reasons::BAD_LINE, 1)].into());
    assert!(scraped.example.is_some_and(|example| example.contains("more than 1000 labels")));
    let page = format!("a{{{}}} 1\n", labels[..1000].join(","));
    assert_eq!(rig.text(&page).last().unwrap(), "b{} stale at 20");
    assert_eq!(rig.text(&page), ["a{} gauge 1 at 30"]);
}

#[test]
fn a_limit_on_samples_counts_known_lines_too() {
    let mut rig =
        Rig::with(Settings { limits: Limits { samples: 2, ..Limits::default() }, ..Settings::default() });
    assert_eq!(rig.text("a 1\nb 1\n").len(), 2);
    assert_eq!(rig.try_scrape(Format::Text004, "a 1\nb 1\na 2\n").unwrap_err(), Failure::Samples(2));
}

#[test]
fn over_the_cap_on_series_new_ones_are_refused_and_known_ones_go_on() {
    let fixture = Fixture::new();
    let interner = Arc::new(weir_core::Interner::new(2));
    let doors = weir_core::Doors::new(interner, fixture.clock.clone());
    let identity = Identity::default();
    let mut target = Target::new(doors.open("prometheus"), identity, Arc::new(Settings::default()));
    for _ in 0..2 {
        let mut body = target.begin(seconds(START), Format::Text004);
        body.feed(b"a 1\nb 1\nc 1\nd 1\n").unwrap();
        let scraped = body.finish().unwrap();
        assert_eq!((scraped.points(), scraped.refused[&weir_core::Reason::SERIES_CAP]), (2, 2));
    }
}

#[test]
fn what_a_scrape_brings_and_refuses_balances() {
    let mut rig = Rig::new();
    rig.text("gone 1\n");
    let body = "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_count 1\nh_sum 1\na 1\na 2\nb x\n# TYPE k histogram\nk_sum 1\n";
    let scraped = rig.try_scrape(Format::Text004, body).unwrap();
    let ledger = weir_core::NodeLedger::default();
    scraped.enter(&ledger);
    ledger.pass(scraped.points());
    let account = ledger.read();
    assert!(account.balances(), "{account:?}");
    // Two points and a marker; a duplicate, a bad line, and a histogram without a count.
    assert_eq!((account.taken, account.made, account.passed, account.refused_total()), (5, 1, 3, 3));
}

#[test]
fn a_body_of_no_bytes_is_an_empty_scrape_but_in_strict_mode() {
    let mut rig = Rig::new();
    rig.text("a 1\n");
    let scraped = rig.try_scrape(Format::OpenMetrics100, "").unwrap();
    assert_eq!(rig.describe(&scraped), ["a{} stale at 20"]);
    let mut strict = Rig::with(Settings { strict: true, ..Settings::default() });
    assert!(strict.try_scrape(Format::OpenMetrics100, "").is_err());
}
