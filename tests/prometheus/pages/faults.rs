//! Targets that fail, and pages that are none.

use serde_json::json;

use super::{Job, OPENMETRICS, TEXT, text_page};
use crate::server::{Answer, Pages};

pub(super) fn jobs() -> Vec<Job> {
    let page = |round: u32| {
        let histogram = "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n";
        text_page(&format!("# TYPE a counter\na {round}\n{histogram}b{{x=\"1\"}} {round}\n"))
    };
    let away = |name: &str, fault: Answer| {
        Job::new(name, Pages::Fixed(vec![page(1), page(2), fault.clone(), fault, page(3), page(4)]))
    };
    let mut jobs = vec![
        away("more about scrapes that fail", Answer::status(503))
            .keys(json!({ "extra_scrape_metrics": true }))
            .of_version_3(),
        away("target that is away", Answer::status(503)),
        away("target that answers something else", Answer::status(204)),
        away("bodies that break off", page(9).cut()),
        away("bodies that are no gzip", page(9).encoded("gzip")),
        away("empty bodies", text_page("")),
        away("bodies of nothing", text_page("\n")),
        away("web pages", Answer::page("text/html", "<html></html>")).of_version_3(),
        away("bodies of no type", Answer::page("", "a 1\n")).of_version_3(),
        Job::of("", "bodies of no type, with a fallback", &["a 1\n"])
            .keys(json!({ "fallback_scrape_protocol": "PrometheusText0.0.4" }))
            .of_version_3(),
        Job::of("text/html", "web pages, with a fallback", &["a 1\n# EOF\n"])
            .keys(json!({ "fallback_scrape_protocol": "OpenMetricsText1.0.0" }))
            .of_version_3(),
    ];
    let types = [
        "text/plain",
        "TEXT/PLAIN; VERSION=0.0.4",
        "text/plain; version=2",
        "application/openmetrics-text",
        "text/plain;charset=\"utf-8\"",
        "application/json",
        "text/plain; version",
    ];
    jobs.extend(
        types
            .map(|of| Job::of(of, &format!("type {of}").replace('/', " "), &["a 1\n# EOF\n"]).of_version_3()),
    );
    jobs.extend(BAD.iter().enumerate().map(|(at, line)| {
        // What comes before a bad line Prometheus does not mark as stale.
        let bad = format!("{line}\ngood 1\n");
        Job::of(TEXT, &format!("bad line {at}"), &["good 1\n", &bad]).strict()
    }));
    jobs.extend(TAKEN_BY_ONE.iter().map(|(name, line)| {
        let job = Job::text(name, &[&format!("{line}\ngood 1\n")]);
        // Before it these failed.
        if ["two names", "blanks before a name"].contains(name) { job.of_version_3() } else { job }
    }));
    jobs.extend([
        Job::of(OPENMETRICS, "openmetrics without its end", &["good 1\n# EOF\n", "good 1\n"]),
        Job::of(OPENMETRICS, "empty openmetrics", &["good 1\n# EOF\n", ""]).of_version_3(),
    ]);
    jobs.extend(BAD_OPENMETRICS.iter().enumerate().map(|(at, body)| {
        Job::of(OPENMETRICS, &format!("bad openmetrics {at}"), &["good 1\n# EOF\n", body]).strict()
    }));
    jobs
}

/// Lines for which Prometheus fails the scrape.
const BAD: &[&str] = &[
    "a",
    "a 1 2 3",
    "a b",
    "a{ 1",
    "a} 1",
    "a{x} 1",
    "a{x=} 1",
    "a{x=1} 1",
    "a{x=\"1} 1",
    "a{x=\"1\"",
    "a{,} 1",
    "a{x=\"1\",,} 1",
    "a{1x=\"1\"} 1",
    "1a 1",
    "a-b 1",
    "{} 1",
    "{x=\"1\"} 1",
    "a 1e400",
    "a 0x1p-2",
    "a 0x10",
    "a 1_000",
    "a 1e",
    "a --1",
    "a 1 1.5",
    "a 1 x",
    "a 1 99999999999999999999",
    "# TYPE a other",
    "# TYPE a",
    "a{x=\"1\"}1",
    "a 1 # {} 1",
    "é 1",
    "a{é=\"1\"} 1",
    "{\"a\",\"b\"} 1",
    "a{\"b\"} 1",
];

/// Bodies for which it does.
const BAD_OPENMETRICS: &[&str] = &[
    "# EOF\ngood 2\n",
    "\n# EOF\n",
    "# TYPE good other\ngood 1\n# EOF\n",
    "# TYPE good gauge\n# UNIT good seconds\ngood 1\n# EOF\n",
    "good 1 NaN\n# EOF\n",
    "good 1 # {x=\"1\" 1\n# EOF\n",
    "good{x=\"1\"}1\n# EOF\n",
    "good  1\n# EOF\n",
    "# comment\ngood 1\n# EOF\n",
    "# EOX\n",
];

/// Lines that one of the two takes.
const TAKEN_BY_ONE: &[(&str, &str)] = &[
    ("labels without a comma", "a{x=\"1\" y=\"2\"} 1"),
    ("types of the other format", "# TYPE a info"),
    ("carriage returns", "a 1\r"),
    ("two names", "a{__name__=\"b\"} 1"),
    ("blanks before a name", "  a 1"),
    ("blanks in metadata", "#  TYPE  a  gauge"),
    ("metadata of nothing", "# HELP a"),
];
