//! From types of families to kinds of points.

use super::*;

#[test]
fn types_of_the_text_format_become_kinds() {
    let body = "\
# HELP requests_total How many.
# TYPE requests_total counter
requests_total{code=\"200\"} 1027
requests_total{code=\"400\"}    3
# TYPE temp gauge
temp -2.5
# TYPE loose untyped
loose 1
nothing_said 2
# TYPE rpc_seconds summary
rpc_seconds{quantile=\"0.5\"} 4.5
rpc_seconds{quantile=\"0.99\"} NaN
rpc_seconds_sum 17
rpc_seconds_count 4
# TYPE size histogram
size_bucket{le=\"1\"} 2
size_bucket{le=\"5\"} 2
size_bucket{le=\"+Inf\"} 5
size_sum 40.5
size_count 5
";
    let expected = [
        "loose{} gauge 1 at 10",
        "nothing_said{} gauge 2 at 10",
        "requests_total{code=200} counter 1027 at 10",
        "requests_total{code=400} counter 3 at 10",
        "rpc_seconds{} summary 4 sum 17 [0.5, 4.5, 0.99, NaN] at 10",
        "size{} histogram 5 sum 40.5 [1.0, 5.0] [2, 0, 3] at 10",
        "temp{} gauge -2.5 at 10",
    ];
    assert_eq!(Rig::new().text(body), expected);
}

#[test]
fn types_of_openmetrics_become_kinds_and_units_ucum() {
    let body = "\
# TYPE jobs counter
# UNIT jobs seconds
jobs_total{q=\"a\"} 5 # {trace_id=\"x\"} 1
# TYPE load unknown
load 0.5
# TYPE build info
build_info{version=\"1.2\"} 1
# TYPE mode stateset
mode{mode=\"on\"} 1
mode{mode=\"off\"} 0
# TYPE wait gaugehistogram
wait_bucket{le=\"+Inf\"} 3
wait_gcount 3
wait_gsum 4
";
    let mut rig = Rig::new();
    let scraped = rig.try_scrape(Format::OpenMetrics100, &format!("{body}# EOF\n")).unwrap();
    let expected = [
        "build_info{version=1.2} sum 1 at 10",
        "jobs_total{q=a} s counter 5 at 10",
        "load{} gauge 0.5 at 10",
        "mode{mode=off} sum 0 at 10",
        "mode{mode=on} sum 1 at 10",
    ];
    assert_eq!(rig.describe(&scraped), expected);
    assert_eq!(scraped.refused, [(reasons::GAUGE_HISTOGRAM, 3)].into());
    assert_eq!((scraped.exemplars, scraped.samples), (1, 8));
}

#[test]
fn a_histogram_is_one_point_whatever_the_order_of_its_lines() {
    let mut rig = Rig::new();
    let body = "\
# TYPE h histogram
h_count{a=\"1\"} 5
h_bucket{le=\"+Inf\",a=\"1\"} 5
h_bucket{le=\"2\",a=\"2\"} 1
h_bucket{a=\"1\",le=\"10\"} 4
h_bucket{a=\"1\",le=\"2\"} 1
h_sum{a=\"1\"} 30
h_count{a=\"2\"} 1
";
    let both = |at: u64| {
        [
            format!("h{{a=1}} histogram 5 sum 30 [2.0, 10.0] [1, 3, 1] at {at}"),
            format!("h{{a=2}} histogram 1 sum none [2.0] [1, 0] at {at}"),
        ]
    };
    assert_eq!(rig.text(body), both(10));
    assert_eq!(rig.text(body), both(20));
}

#[test]
fn what_makes_no_histogram_or_summary_is_refused_and_the_rest_is_taken() {
    let cases = [
        ("h_sum 1\n", reasons::BAD_HISTOGRAM),
        ("h_bucket{le=\"1\"} 1\n", reasons::BAD_HISTOGRAM),
        ("h_bucket{le=\"1\"} 2\nh_bucket{le=\"2\"} 1\nh_count 3\n", reasons::BAD_HISTOGRAM),
        ("h_bucket{le=\"1\"} NaN\nh_count 3\n", reasons::BAD_HISTOGRAM),
        ("h_bucket{le=\"+Inf\"} 4\nh_count 3\n", reasons::BAD_HISTOGRAM),
        ("h_bucket{le=\"x\"} 4\n", reasons::BAD_HISTOGRAM),
        ("h_bucket 4\n", reasons::BAD_HISTOGRAM),
        ("h_count -1\n", reasons::BAD_HISTOGRAM),
        ("s_sum 1\ns{quantile=\"0.5\"} 1\n", reasons::BAD_SUMMARY),
        ("s{quantile=\"1.5\"} 1\n", reasons::BAD_SUMMARY),
        ("s 1\n", reasons::BAD_SUMMARY),
    ];
    for (lines, reason) in cases {
        let family = if lines.starts_with('h') { "# TYPE h histogram\n" } else { "# TYPE s summary\n" };
        let body = format!("{family}{lines}# TYPE good gauge\ngood 1\n");
        let mut rig = Rig::new();
        for at in [10, 20] {
            let scraped = rig.try_scrape(Format::Text004, &body).unwrap();
            assert_eq!(rig.describe(&scraped), [format!("good{{}} gauge 1 at {at}")], "{lines}");
            assert_eq!(scraped.refused, [(reason, 1)].into(), "{lines}");
        }
    }
}

#[test]
fn without_a_count_the_last_bucket_is_the_count_and_without_buckets_there_is_one() {
    let body = "\
# TYPE a histogram
a_bucket{le=\"-1\"} 0
a_bucket{le=\"+Inf\"} 3
# TYPE b histogram
b_count 7
b_sum 2
# TYPE c summary
c_count 7
";
    let expected = [
        "a{} histogram 3 sum none [-1.0] [0, 3] at 10",
        "b{} histogram 7 sum 2 [] [7] at 10",
        "c{} summary 7 sum 0 [] at 10",
    ];
    assert_eq!(Rig::new().text(body), expected);
}

#[test]
fn a_family_that_was_declared_earlier_still_counts_for_its_samples() {
    let body = "# TYPE a counter\n# TYPE h histogram\na 1\nh_count 2\n";
    let mut rig = Rig::new();
    for at in [10, 20] {
        let expected =
            [format!("a{{}} counter 1 at {at}"), format!("h{{}} histogram 2 sum none [] [2] at {at}")];
        assert_eq!(rig.text(body), expected);
    }
}

#[test]
fn a_type_that_changes_makes_another_series() {
    let mut rig = Rig::new();
    assert_eq!(rig.text("# TYPE a counter\na 1\n"), ["a{} counter 1 at 10"]);
    assert_eq!(rig.text("# TYPE a gauge\na 1\n"), ["a{} gauge 1 at 20", "a{} stale at 20"]);
    assert_eq!(rig.text("# HELP a x\na 1\n"), ["a{} gauge 1 at 30"]);
    // A type that only begins like the one before.
    assert_eq!(rig.text("# TYPE a gaugehistogram\nb 1\n"), ["a{} stale at 40", "b{} gauge 1 at 40"]);
}

#[test]
fn timestamps_count_where_they_are_honoured() {
    let at = (START + 3) * 1000;
    let body = format!("a 1 {at}\nb{{}} 2\n");
    assert_eq!(Rig::new().text(&body), ["a{} gauge 1 at 3", "b{} gauge 2 at 10"]);
    let settings = Settings { honor_timestamps: false, ..Settings::default() };
    assert_eq!(Rig::with(settings).text(&body), ["a{} gauge 1 at 10", "b{} gauge 2 at 10"]);
    let mut rig = Rig::new();
    let scraped = rig.try_scrape(Format::Text004, "a 1 -5\nb 1 0\nc 1\n").unwrap();
    assert_eq!(scraped.refused, [(reasons::BAD_TIMESTAMP, 2)].into());
    assert_eq!(rig.describe(&scraped), ["c{} gauge 1 at 10"]);
}

#[test]
fn a_sample_twice_counts_once_unless_its_time_goes_on() {
    let mut rig = Rig::new();
    let times: Vec<u64> = (1..4).map(|second| START + second).collect();
    let body = format!(
        "a 1\na 2\nb 1 {0}\nb 2 {1}\nb 3 {1}\nb 4 {0}\n# TYPE s summary\ns_count 1 {0}\ns_count 2 {2}\ns_sum 9 {2}\ns_count 3 {2}\n# EOF\n",
        times[0], times[1], times[2]
    );
    let scraped = rig.try_scrape(Format::OpenMetrics100, &body).unwrap();
    let expected = [
        "a{} gauge 1 at 10",
        "b{} gauge 1 at 1",
        "b{} gauge 2 at 2",
        "s{} summary 1 sum 0 [] at 1",
        "s{} summary 2 sum 9 [] at 3",
    ];
    assert_eq!(rig.describe(&scraped), expected);
    assert_eq!(scraped.refused, [(reasons::DUPLICATE_SAMPLE, 4)].into());
}
