//! What an OpenMetrics body may not be, rule by rule, and what it may.

use super::check;

/// A rule of OpenMetrics 1.0, and bodies that break it. `# EOF` is added where a body does not say how it ends.
const REFUSED: &[(&str, &[&str])] = &[
    ("lines are separated by one line feed", &["m 1\n\nn 2\n", "\nm 1\n"]),
    (
        "metadata begins with a hash at the start of its line",
        &[" # HELP m text\n", "#HELP m text\n", "# NOTE m x\n", "# m\n"],
    ),
    (
        "metadata has a name and a value",
        &[
            "# HELP\n",
            "# HELP \n",
            "# HELP m\n",
            "# HELP m\t\n",
            "# TYPE\n",
            "# TYPE \n",
            "# TYPE m\n",
            "# TYPE m\t\n",
            "# UNIT\n",
            "# UNIT \n",
            "# UNIT m\n",
            "# UNIT m\t\n",
        ],
    ),
    (
        "metadata comes once",
        &[
            "# HELP m x\n# HELP m y\n",
            "# HELP m \n# HELP m \n",
            "# TYPE m gauge\n# TYPE m gauge\n",
            "# TYPE m gauge\n# TYPE m counter\n",
            "# UNIT m_s s\n# UNIT m_s s\n",
        ],
    ),
    (
        "metadata comes before samples",
        &[
            "# HELP m x\nm 1\n# TYPE m gauge\n",
            "# TYPE m gauge\nm 1\n# HELP m x\n",
            "# TYPE m_s gauge\nm_s 1\n# UNIT m_s s\n",
        ],
    ),
    (
        "a type is one of eight",
        &[
            "# TYPE m thing\n",
            "# TYPE m thing \n",
            "# TYPE m gauge \n",
            "# TYPE m Gauge\n",
            "# TYPE m untyped\n",
        ],
    ),
    (
        "a unit is the end of the name",
        &["# UNIT m seconds\n", "# UNIT m_seconds seconds \n", "# UNIT mseconds seconds\n"],
    ),
    (
        "info and state sets have no unit",
        &["# TYPE m_u info\n# UNIT m_u u\n", "# TYPE m_u stateset\n# UNIT m_u u\n"],
    ),
    (
        "the body ends with # EOF and nothing after it",
        &["", "m 1\n!", "m 1\n# EOF\nmore!", "m 1\n# EOF\n\n!", "m 1\n# EOFmore!", "# EOF \n!"],
    ),
    (
        "a name is of one family only",
        &[
            "# TYPE m_created gauge\n# TYPE m counter\n",
            "# TYPE m counter\n# TYPE m_total gauge\n",
            "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\n# TYPE h_sum gauge\n",
            "# TYPE m gauge\nm 1\n# TYPE n gauge\nn 1\n# TYPE m gauge\n",
            "m 1\nn 1\nm{x=\"1\"} 1\n",
        ],
    ),
    (
        "a sample is of its family by its name",
        &["# TYPE m counter\nm 1\n", "# TYPE m info\nm 1\n", "# TYPE m stateset\nm 1\n"],
    ),
    (
        "metric names are of few characters",
        &["1m 1\n", "m.n 1\n", "m-n 1\n", "{} 1\n", "{\"m\"} 1\n", "ä 1\n"],
    ),
    (
        "label names are of fewer",
        &["m{1=\"x\"} 1\n", "m{a:b=\"x\"} 1\n", "m{\"a\"=\"x\"} 1\n", "m{1=\" # \"} 1\n"],
    ),
    ("a label comes once", &["m{a=\"1\",a=\"1\"} 1\n", "m{a=\" # \",a=\" # \"} 1\n"]),
    (
        "a label has a value in double quotes",
        &[
            "m{a} 1\n",
            "m{a=} 1\n",
            "m{a=1} 1\n",
            "m{a='1'} 1\n",
            "m{a=\"1} 1\n",
            "m{a=\"} 1\n",
            "m{a\"\"} 1\n",
            "m{a\"v\"} 1\n",
            "m{a=\" # \",b=}1\n",
        ],
    ),
    (
        "labels are separated by one comma",
        &[
            "m{a=\"1\"b=\"2\"} 1\n",
            "m{a=\"1\",,b=\"2\"} 1\n",
            "m{a=\"1\",} 1\n",
            "m{,} 1\n",
            "m{a=\"1\"b} 1\n",
            "m{ a=\"1\"} 1\n",
            "m{a=\" # \"b}1\n",
        ],
    ),
    (
        "one space comes before a value",
        &["m  1\n", "m{a=\"1\"}1\n", "m{a=\" # \"}1\n", "m\t1\n", "m {a=\"1\"} 1\n", " m 1\n"],
    ),
    ("a sample has a value", &["m\n", "m \n", "m{}\n", "m x\n"]),
    ("nothing comes after a value but a time", &["m 1 \n", "m 1\t\n", "m 1 2 \n", "m 1 2 3\n"]),
    (
        "numbers are decimal",
        &[
            "m 1_000\n",
            "m 0x10\n",
            "m 0X10\n",
            "m 0x1p-3\n",
            "m 0x1P-3\n",
            "m 0b1\n",
            "m 0B1\n",
            "m 0o7\n",
            "m 0O7\n",
            "m +NaN\n",
            "m 1e\n",
        ],
    ),
    (
        "times are finite decimal numbers",
        &[
            "m 1 x\n",
            "m 1 1x\n",
            "m 1 1_0\n",
            "m 1 1.2.3\n",
            "m 1 NaN\n",
            "m 1 Inf\n",
            "m 1 +Inf\n",
            "m 1 -Inf\n",
            "m 1 0x1p-3\n",
            "m 1  1\n",
        ],
    ),
    (
        "times of one metric do not fall",
        &[
            "# TYPE m gauge\nm 0 2\nm 0 1\n",
            "# TYPE m gauge\nm 0 -1\nm 0 -1.5\n",
            "# TYPE m gauge\nm 0 1.5\nm 0 1\n",
        ],
    ),
    (
        "either all samples of a metric have times or none",
        &["# TYPE m gauge\nm 0 0\nm 0\n", "# TYPE m gauge\nm 0\nm 0 0\n"],
    ),
    ("without a time a sample comes once", &["# TYPE m gauge\nm 1\nm 2\n", "m{a=\"1\"} 1\nm{a=\"1\"} 1\n"]),
    (
        "samples of one metric stand together",
        &[
            "# TYPE h histogram\nh_bucket{a=\"1\",le=\"1\"} 0\nh_bucket{a=\"2\",le=\"+Inf\"} 0\nh_bucket{a=\"1\",le=\"+Inf\"} 0\n",
            "# TYPE s summary\ns_sum{a=\"1\"} 0\ns_sum{a=\"2\"} 0\ns_count{a=\"1\"} 0\n",
            "# TYPE g gauge\ng{a=\"1\"} 0\ng{a=\"2\"} 0\ng{a=\"1\"} 0\n",
        ],
    ),
    (
        "a counter is a count",
        &[
            "# TYPE c counter\nc_total NaN\n",
            "# TYPE c counter\nc_total -1\n",
            "# TYPE c counter\nc_total -Inf\n",
        ],
    ),
    (
        "sums and counts of histograms and summaries are counts",
        &[
            "# TYPE s summary\ns_sum NaN\n",
            "# TYPE s summary\ns_sum -1\n",
            "# TYPE s summary\ns_count NaN\n",
            "# TYPE s summary\ns_count -1\n",
            "# TYPE h histogram\nh_bucket{le=\"+Inf\"} NaN\n",
            "# TYPE h histogram\nh_bucket{le=\"+Inf\"} -1\n",
            "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_count 1\nh_sum -1\n",
            "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_count NaN\nh_sum 1\n",
        ],
    ),
    (
        "quantiles are within 0 and 1, and not negative",
        &[
            "# TYPE s summary\ns 0\n",
            "# TYPE s summary\ns{quantile=\"-1\"} 0\n",
            "# TYPE s summary\ns{quantile=\"1.01\"} 0\n",
            "# TYPE s summary\ns{quantile=\"NaN\"} 0\n",
            "# TYPE s summary\ns{quantile=\"x\"} 0\n",
            "# TYPE s summary\ns{quantile=\"0.5\"} -1\n",
        ],
    ),
    (
        "an info is 1 and a state 0 or 1",
        &[
            "# TYPE i info\ni_info{a=\"b\"} 2\n",
            "# TYPE i info\ni_info 0\n",
            "# TYPE s stateset\ns{s=\"on\"} 2\n",
            "# TYPE s stateset\ns{s=\"on\"} 0.5\n",
            "# TYPE s stateset\ns 0\n",
        ],
    ),
    (
        "buckets have bounds",
        &[
            "# TYPE h histogram\nh_bucket 0\n",
            "# TYPE h gaugehistogram\nh_bucket 0\n",
            "# TYPE h histogram\nh_bucket{le=\"NaN\"} 0\n",
        ],
    ),
    (
        "the last bucket is +Inf, in this spelling",
        &[
            "# TYPE h histogram\nh_sum 1\n",
            "# TYPE h histogram\nh_count 1\nh_sum 1\n",
            "# TYPE h histogram\nh_bucket{le=\"1\"} 0\n",
            "# TYPE h histogram\nh_bucket{le=\"+INF\"} 0\n",
            "# TYPE h gaugehistogram\nh_gsum 1\n",
        ],
    ),
    (
        "buckets are in order and do not fall",
        &[
            "# TYPE h histogram\nh_bucket{le=\"2\"} 0\nh_bucket{le=\"1\"} 0\nh_bucket{le=\"+Inf\"} 0\n",
            "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"2\"} 1\nh_bucket{le=\"+Inf\"} 0\n",
        ],
    ),
    (
        "sum and count come together, and the count is the last bucket",
        &[
            "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 0\nh_sum 0\n",
            "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 0\nh_count 0\n",
            "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 0\nh_count 1\nh_sum 0\n",
            "# TYPE h histogram\nh_count 1\nh_sum 0\nh_bucket{le=\"+Inf\"} 0\n",
            "# TYPE h gaugehistogram\nh_bucket{le=\"+Inf\"} 0\nh_gcount 0\n",
            "# TYPE h gaugehistogram\nh_bucket{le=\"+Inf\"} 0\nh_gsum 0\n",
        ],
    ),
    (
        "a sum that may fall is none",
        &[
            "# TYPE h histogram\nh_bucket{le=\"-1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum 1\n",
            "# TYPE h gaugehistogram\nh_bucket{le=\"+Inf\"} 1\nh_gcount 1\nh_gsum -1\n",
            "# TYPE h gaugehistogram\nh_bucket{le=\"+Inf\"} 1\nh_gcount 1\nh_gsum NaN\n",
        ],
    ),
    (
        "gauge histograms count too",
        &[
            "# TYPE h gaugehistogram\nh_bucket{le=\"+Inf\"} NaN\n",
            "# TYPE h gaugehistogram\nh_bucket{le=\"+Inf\"} -1\n",
            "# TYPE h gaugehistogram\nh_bucket{le=\"+Inf\"} 1\nh_gcount -1\nh_gsum 1\n",
        ],
    ),
    (
        "exemplars are of counters and buckets",
        &[
            "# TYPE g gauge\ng 1 # {a=\"b\"} 1\n",
            "# TYPE i info\ni_info 1 # {a=\"b\"} 1\n",
            "# TYPE s stateset\ns{s=\"x\"} 1 # {a=\"b\"} 1\n",
            "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_count 1\nh_sum 1 # {a=\"b\"} 1\n",
            "# TYPE c counter\nc_created 1 # {a=\"b\"} 1\n",
            "# TYPE g_bucket gauge\ng_bucket 1 # {a=\"b\"} 1\n",
            "# TYPE s summary\ns_count 1 # {a=\"b\"} 1\n",
        ],
    ),
    (
        "an exemplar has labels, a value, and perhaps a time",
        &[
            "# TYPE c counter\nc_total 1 #\n",
            "# TYPE c counter\nc_total 1# {} 1\n",
            "# TYPE c counter\nc_total 1 #{} 1\n",
            "# TYPE c counter\nc_total 1 # {}1\n",
            "# TYPE c counter\nc_total 1 # {} 1 \n",
            "# TYPE c counter\nc_total 1 # {} 1 1 \n",
            "# TYPE c counter\nc_total 1 # {} 0x1p-3\n",
            "# TYPE c counter\nc_total 1 # {} 1 0x1p-3\n",
            "# TYPE c counter\nc_total 1 1 # {a=\"b\"}  \n",
            "# TYPE c counter\nc_total 1 1 # a=\"b\"} 1\n",
            "# TYPE c counter\nc_total 1 1 #a=\" # \"} 1\n",
            "# TYPE c counter\nc_total 1 1 a=\" # \"} 1\n",
            "# TYPE c counter\nc_total 1 # {a=\"b\"} 1 NaN\n",
            "# TYPE c counter\nc_total 1 # {a=\"b\"} 1 Inf\n",
            "# TYPE c counter\nc_total 1 # {a=\"b\"} 1 -Inf\n",
        ],
    ),
];

const TAKEN: &[(&str, &[&str])] = &[
    ("bodies may be empty but for their end", &["# EOF\n!", "# EOF!"]),
    (
        "metadata is optional, and in any order",
        &[
            "m 1\n",
            "# HELP m text\n# TYPE m gauge\nm 1\n",
            "# TYPE m_s gauge\n# UNIT m_s s\n# HELP m_s x\nm_s 1\n",
            "# HELP m \n# UNIT m \n",
        ],
    ),
    ("help is any text", &["# HELP m a\\nb\\\\ \\x \"c\" \u{0}\n# TYPE m counter\nm_total 1\n"]),
    ("labels may be none, or empty", &["m{} 1\n", "m{a=\"b\"} 1\nm{a=\"\"} 2\n"]),
    ("values of labels are any text", &["m{a=\"} {b} # \\\" \\\\ \\n \\z\"} 1\n", "m{a=\"☃\"} 1\n"]),
    (
        "numbers have many forms",
        &[
            "m 0001\n",
            "m 0001.2e-1\n",
            "m 9223372036854775808\n",
            "m +Inf\n",
            "m{a=\"1\"} -Inf\nm{a=\"2\"} NaN\nm{a=\"3\"} 1.\n",
        ],
    ),
    (
        "times have many forms",
        &[
            "m{a=\"1\"} 1 000\nm{a=\"2\"} 1 0.0\nm{a=\"3\"} 1 12345678901234567890.12345678901\nm{a=\"4\"} 1 1.5e3\nm{a=\"5\"} 1 -2\n",
        ],
    ),
    (
        "times of one metric may stay or rise",
        &[
            "# TYPE g gauge\ng 1 0\ng 2 0\ng 3 0.5\n",
            "# TYPE i info\ni_info{a=\"1\"} 1 1\ni_info{a=\"2\"} 1 0\n",
        ],
    ),
    (
        "counters have totals and times of creation",
        &["# TYPE c_seconds counter\n# UNIT c_seconds seconds\nc_seconds_total 1\nc_seconds_created 123.4\n"],
    ),
    (
        "histograms",
        &[
            "# TYPE h histogram\nh_bucket{le=\"0\"} 0\nh_bucket{le=\"1e-04\"} 0\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 3\nh_count 3\nh_sum 2\n",
            "# TYPE h histogram\nh_bucket{le=\"-1.0\"} 0\nh_bucket{le=\"+Inf\"} 3\n",
            "# TYPE h gaugehistogram\nh_bucket{le=\"-1.0\"} 1\nh_bucket{le=\"+Inf\"} 3\nh_gcount 3\nh_gsum -5\n",
        ],
    ),
    (
        "summaries",
        &["# TYPE s summary\ns_count 1\ns_sum 2\ns{quantile=\"0.5\"} 0.7\ns{quantile=\"1\"} NaN\n"],
    ),
    (
        "info and state sets",
        &["# TYPE i info\ni_info{v=\"1\"} 1\n# TYPE s stateset\ns{s=\"on\"} 1.0\ns{s=\"off\"} 0\n"],
    ),
    (
        "exemplars",
        &[
            "# TYPE c counter\nc_total 0 12 # {a=\"b\"} 0.5\n",
            "# TYPE c counter\nc_total{} 0 # {} 0.5 7\n",
            "# TYPE h histogram\nh_bucket{le=\"1.0\",x=\" # \"} 0 # {a=\"b # c\"} 0.5\nh_bucket{le=\"+Inf\",x=\" # \"} 3 # {a=\"d\"} 4 123\n",
        ],
    ),
];

/// A body as a case says it: `!` at its end means that nothing is added.
fn whole(body: &str) -> String {
    body.strip_suffix('!').map_or_else(|| format!("{body}# EOF\n"), str::to_owned)
}

#[test]
fn what_breaks_a_rule_of_openmetrics_is_refused() {
    for (rule, bodies) in REFUSED {
        for body in *bodies {
            // The body of nothing ends without its end.
            let body = if body.is_empty() { String::new() } else { whole(body) };
            assert!(check(&body).is_err(), "{rule}: {body:?}");
        }
    }
}

#[test]
fn what_openmetrics_allows_is_taken() {
    for (rule, bodies) in TAKEN {
        for body in *bodies {
            let body = whole(body);
            assert_eq!(check(&body), Ok(()), "{rule}: {body:?}");
        }
    }
}

#[test]
fn the_labels_of_an_exemplar_have_at_most_128_characters() {
    let with = |length: usize| {
        format!("# TYPE c counter\nc_total 1 # {{a=\"{}\"}} 1\n# EOF\n", "☃".repeat(length - 1))
    };
    assert_eq!(check(&with(128)), Ok(()));
    let refused = check(&with(129)).unwrap_err();
    assert_eq!(refused.to_string(), "labels of 129 characters in an exemplar, more than 128");
}
