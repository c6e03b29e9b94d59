//! Since when series count, and when they are stale.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[test]
fn what_is_there_at_the_first_scrape_has_no_start_and_what_comes_later_began_after_the_last() {
    let mut rig = Rig::new();
    assert_eq!(rig.text("# TYPE a counter\na 100\n"), ["a{} counter 100 at 10"]);
    let later = "# TYPE a counter\na 101\na{x=\"1\"} 7\n# TYPE h histogram\nh_count 2\n# TYPE g gauge\ng 1\n";
    let expected = [
        "a{x=1} counter 7 at 20 since 10",
        "a{} counter 101 at 20",
        "g{} gauge 1 at 20",
        "h{} histogram 2 sum none [] [2] at 20 since 10",
    ];
    assert_eq!(rig.text(later), expected);
    // The start stays.
    assert!(rig.text(later).contains(&"a{x=1} counter 7 at 30 since 10".to_owned()));
}

#[test]
fn a_scrape_that_failed_saw_nothing() {
    let mut rig = Rig::new();
    rig.text("# TYPE a counter\na 1\n");
    rig.scrapes += 1;
    assert_eq!(rig.fail(), ["a{} stale at 20"]);
    assert_eq!(rig.fail(), [""; 0]);
    // `b` was not there at 10, and nobody knows about 20.
    let expected = ["a{} counter 2 at 30", "b{} counter 5 at 30 since 10"];
    assert_eq!(rig.text("# TYPE a counter\na 2\n# TYPE b counter\nb 5\n"), expected);
}

#[test]
fn created_is_the_start_wherever_it_stands() {
    let mut rig = Rig::new();
    let body = |created: u64| {
        format!(
            "# TYPE a counter\na_total 1\na_created {0}\na_created{{x=\"1\"}} {0}.5\na_total{{x=\"1\"}} 2\n# TYPE h histogram\nh_count 1\nh_created {0}\n# TYPE s summary\ns_created {0}\ns_count 1\n",
            START + created
        )
    };
    let expected = |at: u64, created: u64| {
        [
            format!("a_total{{x=1}} counter 2 at {at} since {created}"),
            format!("a_total{{}} counter 1 at {at} since {created}"),
            format!("h{{}} histogram 1 sum none [] [1] at {at} since {created}"),
            format!("s{{}} summary 1 sum 0 [] at {at} since {created}"),
        ]
    };
    assert_eq!(rig.openmetrics(&body(3)), expected(10, 3));
    assert_eq!(rig.openmetrics(&body(3)), expected(20, 3));
    assert_eq!(rig.openmetrics(&body(25)), expected(30, 25));
    // One in the future, or none at all, is not heeded.
    assert_eq!(rig.openmetrics(&body(9999)), expected(40, 25));
}

#[test]
fn in_the_text_format_created_is_a_gauge_of_its_own() {
    let body = "# TYPE a_total counter\na_total 1\n# TYPE a_created gauge\na_created 1.5e+09\n";
    let expected = ["a_created{} gauge 1500000000 at 10", "a_total{} counter 1 at 10"];
    assert_eq!(Rig::new().text(body), expected);
}

#[test]
fn what_is_gone_is_stale_once_and_comes_back_as_what_it_was() {
    let mut rig = Rig::new();
    let all = "# TYPE a counter\na 1\n# TYPE s summary\ns_count 1\n# TYPE h histogram\nh_count 1\n";
    rig.text(all);
    assert_eq!(
        rig.text("x 1\n"),
        ["a{} stale at 20", "h{} stale at 20", "s{} stale at 20", "x{} gauge 1 at 20"]
    );
    assert_eq!(rig.text("x 1\n"), ["x{} gauge 1 at 30"]);
    let streams = rig.fixture.interner.stats().streams;
    // Its start is not now: it was there before, and `delta` knows its last value.
    assert!(rig.text(all).contains(&"a{} counter 1 at 40".to_owned()));
    assert_eq!(rig.fixture.interner.stats().streams, streams);
}

#[test]
fn series_with_timestamps_of_their_own_go_stale_only_where_asked_for() {
    let body = format!("a 1 {}\nb 1\n", (START + 5) * 1000);
    let mut rig = Rig::new();
    rig.text(&body);
    assert_eq!(rig.text("c 1\n"), ["b{} stale at 20", "c{} gauge 1 at 20"]);
    let mut rig = Rig::with(Settings { track_timestamps_staleness: true, ..Settings::default() });
    rig.text(&body);
    assert_eq!(rig.text("c 1\n"), ["a{} stale at 20", "b{} stale at 20", "c{} gauge 1 at 20"]);
}

#[test]
fn a_sample_of_the_far_future_is_left_and_fails_nothing_in_strict_mode_neither() {
    let ahead = |seconds: u64| format!("a 1 {}\nb 1\n", (START + 10 + seconds) * 1000);
    for strict in [false, true] {
        let mut rig = Rig::with(Settings { strict, ..Settings::default() });
        let scraped = rig.try_scrape(Format::Text004, &ahead(601)).unwrap();
        let refused: Vec<_> = scraped.refused.iter().map(|(reason, count)| (reason.0, *count)).collect();
        assert_eq!((scraped.points(), scraped.samples), (1, 2));
        assert_eq!(refused, [("future_sample", 1)]);
    }
    assert_eq!(Rig::new().text(&ahead(600)), ["a{} gauge 1 at 610", "b{} gauge 1 at 10"]);
}

#[test]
fn samples_are_counted_as_prometheus_counts_them() {
    let mut rig = Rig::new();
    let body = "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\na 1\n";
    let counts = |scraped: Scraped| (scraped.samples, scraped.samples_kept, scraped.series_added);
    assert_eq!(counts(rig.try_scrape(Format::Text004, body).unwrap()), (5, 5, 5));
    assert_eq!(counts(rig.try_scrape(Format::Text004, body).unwrap()), (5, 5, 0));
    assert_eq!(counts(rig.try_scrape(Format::Text004, "a 1\n").unwrap()), (1, 1, 0));
    assert_eq!(counts(rig.try_scrape(Format::Text004, body).unwrap()), (5, 5, 4));
}

#[test]
fn what_is_reported_about_a_target_outlives_its_failures_and_ends_with_it() {
    let mut rig = Rig::new();
    rig.text("a 1\n");
    let now = rig.now();
    let up = rig.target.report(now, &[("up", "", 1.0), ("scrape_duration_seconds", "s", 0.25)]);
    let expected = ["scrape_duration_seconds{} s gauge 0.25 at 10", "up{} gauge 1 at 10"];
    assert_eq!((rig.describe(&up), up.made), (expected.map(str::to_owned).to_vec(), 2));
    assert_eq!(rig.text("b 1\n"), ["a{} stale at 20", "b{} gauge 1 at 20"]);
    assert_eq!(rig.fail(), ["b{} stale at 20"]);
    let now = rig.now();
    let Rig { target, fixture, scrapes } = rig;
    let ended = target.end(now);
    let rig = Rig { fixture, scrapes, ..Rig::new() };
    assert_eq!(rig.describe(&ended), ["scrape_duration_seconds{} s stale at 20", "up{} stale at 20"]);
}

#[test]
fn a_sample_whose_own_timestamp_stands_still_is_sent_once() {
    let at = |seconds: u64| (START + seconds) * 1000;
    let body = |time: u64| {
        let time = at(time);
        format!("# TYPE g gauge\ng 5 {time}\n# TYPE h histogram\nh_count 2 {time}\nh_sum 3 {time}\n")
    };
    for strict in [false, true] {
        let mut rig = Rig::with(Settings { strict, ..Settings::default() });
        let sent = |time: u64| {
            [format!("g{{}} gauge 5 at {time}"), format!("h{{}} histogram 2 sum 3 [] [2] at {time}")]
        };
        assert_eq!(rig.text(&body(3)), sent(3));
        let again = rig.try_scrape(Format::Text004, &body(3)).unwrap();
        assert_eq!((again.points(), again.refused), (0, [(reasons::REPEATED_SAMPLE, 2)].into()));
        // Nothing of a scrape that failed was sent.
        rig.try_scrape(Format::OpenMetrics100, &body(4)).unwrap_err();
        assert_eq!(rig.text(&body(4)), sent(4));
    }
}

#[test]
fn series_whose_lines_stand_apart_from_their_metadata_go_on_for_ever() {
    let mut rig = Rig::new();
    let body = "# TYPE a counter\n# TYPE h histogram\n# TYPE z gauge\nz 1\na 100\nh_bucket{le=\"+Inf\"} 3\nh_count 3\n";
    // Each ten seconds, for four times as long as anything is remembered unseen.
    for _ in 0..4 * 3600 / INTERVAL {
        let points = rig.text(body);
        let now = rig.scrapes * INTERVAL;
        assert!(points.contains(&format!("a{{}} counter 100 at {now}")), "no start: {points:?}");
        assert!(
            points.iter().any(|point| point.starts_with("h{}") && !point.contains("since")),
            "{points:?}"
        );
    }
}

#[test]
fn what_is_not_seen_for_long_is_let_go_and_what_is_seen_stays() {
    let mut rig = Rig::new();
    let body = "# TYPE a counter\na 1\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_count 1\n";
    rig.text(body);
    assert_eq!(rig.fixture.interner.stats().streams, 2);
    // Two hours of scrapes: retention is fifteen minutes here.
    for _ in 0..720 {
        rig.text("# TYPE b counter\nb 1\n");
    }
    rig.fixture.interner.sweep();
    assert_eq!(rig.fixture.interner.stats().streams, 1);
    let found = rig.text(body);
    assert!(
        found.contains(&"h{} histogram 1 sum none [1.0] [1, 0] at 7220".to_owned()),
        "it was there before, and nobody knows how much of it is old: {found:?}"
    );
}

#[test]
fn a_counter_that_the_cap_kept_out_is_not_new_when_there_is_room() {
    let mut rig = Rig::new();
    rig.fixture.interner = std::sync::Arc::new(weir_core::Interner::new(2));
    rig.fixture.doors =
        weir_core::Doors::new(std::sync::Arc::clone(&rig.fixture.interner), rig.fixture.clock.clone());
    rig.target = Target::new(rig.fixture.doors.open("prometheus"), Identity::default(), Arc::default());
    let body = "# TYPE a counter\na 1\n# TYPE b counter\nb 1\n";
    rig.text(body);
    let scraped = rig.try_scrape(Format::Text004, &format!("{body}# TYPE c counter\nc 5000\n")).unwrap();
    assert_eq!(scraped.refused, [(weir_core::Reason::SERIES_CAP, 1)].into());
    // `a` and `b` go; after a while there is room.
    for _ in 0..720 {
        rig.text("# TYPE c counter\n");
        rig.fixture.interner.sweep();
    }
    assert_eq!(
        rig.text("# TYPE c counter\nc 5001\n# TYPE d counter\nd 7\n"),
        ["c{} counter 5001 at 7230".to_owned(), "d{} counter 7 at 7230 since 7220".to_owned(),]
    );
}

#[test]
fn after_a_long_absence_of_the_target_nothing_is_known_of_what_was_before() {
    let mut rig = Rig::new();
    rig.text("# TYPE a counter\na 1\n");
    for _ in 0..720 {
        rig.scrapes += 1;
        rig.fail();
    }
    assert_eq!(rig.text("# TYPE a counter\na 500\n"), ["a{} counter 500 at 7220"]);
}

/// A page of series, of which `c` and `d` have a timestamp of their own.
fn page_of(names: &BTreeSet<char>, time: u64) -> String {
    let line = |name: &char| match name {
        'c' | 'd' => format!("{name} 1 {time}\n"),
        _ => format!("{name} 1\n"),
    };
    names.iter().map(line).collect()
}

proptest! {
    /// A round brings some of four series, or fails: before anything comes, or when its end is missing.
    #[test]
    fn stale_is_what_was_in_the_last_good_scrape_and_is_not_in_this_one(
        rounds in proptest::collection::vec((0_u8..16, 0_u8..4), 1..12),
    ) {
        let (mut rig, mut live) = (Rig::new(), BTreeSet::new());
        for (bits, fate) in rounds {
            let names: BTreeSet<char> = ('a'..='d').filter(|name| bits >> (*name as u8 - b'a') & 1 == 1).collect();
            let (time, before) = (START + rig.scrapes, std::mem::take(&mut live));
            let (points, missed) = match fate {
                0 => (rig.fail(), before),
                1 => {
                    let page = page_of(&names, time) + "# TYPE e gauge\n";
                    rig.try_scrape(Format::OpenMetrics100, &page).unwrap_err();
                    (rig.fail(), before)
                }
                _ => {
                    live = names.iter().copied().filter(|name| *name < 'c').collect();
                    (rig.text(&page_of(&names, time * 1000)), &before - &names)
                }
            };
            let stale = points.iter().filter(|point| point.contains("stale"));
            prop_assert_eq!(stale.filter_map(|point| point.chars().next()).collect::<BTreeSet<char>>(), missed);
        }
    }
}
