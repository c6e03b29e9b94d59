use super::Statistic;

#[test]
fn percentiles_are_p_and_a_number_up_to_100() {
    for (text, expected) in [
        ("p50", 50.0),
        ("p0", 0.0),
        ("p0.0", 0.0),
        ("p99.9", 99.9),
        ("p100", 100.0),
        ("p99.1234567891", 99.123_456_789_1),
    ] {
        assert_eq!(Statistic::parse(text), Some(Statistic::Percentile(expected)), "{text}");
    }
    for text in [
        "p",
        "p.5",
        "p5.",
        "p101",
        "p100.1",
        "P50",
        "50",
        "p-1",
        "p+1",
        "p1e1",
        "pNaN",
        "pinf",
        "p 5",
        "p99.12345678912",
        "p0000",
        "tm90",
        "",
        "p\u{661}",
    ] {
        assert_eq!(Statistic::parse(text), None, "{text}");
    }
}

#[test]
fn the_other_statistics_are_known_by_name() {
    assert_eq!(Statistic::parse("SampleCount"), Some(Statistic::SampleCount));
    assert_eq!(Statistic::parse("Average"), Some(Statistic::Average));
    assert_eq!(Statistic::parse("average"), None);
    assert_eq!(Statistic::basic("p50"), None);
}
