//! OpenMetrics.

use super::Job;

pub(super) fn jobs() -> Vec<Job> {
    vec![
        Job::openmetrics("openmetrics", &[TYPES, TYPES]),
        Job::openmetrics(
            "gauge histograms",
            &[
                "# TYPE g gaugehistogram\ng_bucket{le=\"1\"} 1\ng_bucket{le=\"+Inf\"} 2\ng_gsum 3\ng_gcount 2\n# TYPE a gauge\na 1\n",
            ],
        )
        .of_version_3(),
        Job::openmetrics(
            "openmetrics timestamps",
            &[
                "a 1 1700000000\nb 1 1700000000.25\nc 1 1.7e9\nd 1\nf 1 1699999999.999\n",
                "a 2 1700000001\nb 2 1700000000.5\nc 2 1.7e9\nd 2\nf 2 1699999999.998\n",
                "a 3 1700000001.001 # {trace=\"1\"} 1 1600000000\n",
            ],
        )
        .of_version_3(),
        Job::openmetrics("exemplars", &[EXEMPLARS, EXEMPLARS]),
        Job::openmetrics(
            "since when",
            &[
                &created(1, "1600000000.123", "1600000000"),
                &created(2, "1600000000.123", "1600000000"),
                &created(1, "1650000000.5", "1650000000"),
            ],
        )
        .states_start()
        .of_version_3(),
        Job::openmetrics(
            "target info",
            &[
                "# TYPE target info\ntarget_info{version=\"1\",service=\"x\"} 1\n# TYPE a gauge\na 1\n",
                "# TYPE a gauge\na 2\n# TYPE target info\ntarget_info{version=\"1\",service=\"x\"} 1\n",
            ],
        ),
        Job::openmetrics("utf-8 names in openmetrics", &[UTF8, UTF8]).of_version_3(),
        Job::openmetrics(
            "scopes",
            &[
                "# TYPE a gauge\na{otel_scope_name=\"lib\",otel_scope_version=\"1.2\",otel_scope_x=\"y\",z=\"1\"} 1\na{otel_scope_name=\"other\"} 2\n",
            ],
        ),
    ]
}

const TYPES: &str = "\
# HELP c Counts \\\"quoted\\\" and \\\\.\n# TYPE c counter\nc_total{x=\"1\"} 1\nc_total{x=\"2\"} 2.5\n\
# TYPE s_seconds counter\n# UNIT s_seconds seconds\ns_seconds_total 7\n\
# TYPE g_bytes gauge\n# UNIT g_bytes bytes\ng_bytes -3\n\
# TYPE u unknown\nu 1\nno_metadata 1\n\
# TYPE i info\ni_info{version=\"1\"} 1\n\
# TYPE st stateset\nst{st=\"on\"} 1\nst{st=\"off\"} 0\n\
# TYPE h histogram\nh_bucket{le=\"0.1\"} 1\nh_bucket{le=\"1.0\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4\nh_count 3\n\
# TYPE y summary\ny{quantile=\"0.5\"} NaN\ny_sum 3\ny_count 4\n";

const EXEMPLARS: &str = "\
# TYPE c counter\nc_total 1 # {trace_id=\"1\"} 0.5\nc_total{x=\"a # {\"} 2 # {} 1 1600000000\n\
# TYPE h histogram\nh_bucket{le=\"1\"} 1 # {trace_id=\"1\",x=\"quoted \\\" \\\\ \\n\"} 0.5 1600000000.5\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n";

const UTF8: &str = "\
# HELP \"a.b\" Dotted.\n# TYPE \"a.b\" counter\n{\"a.b_total\"} 1\n{\"a.b_total\",\"c.d\"=\"e\"} 2\n\
# TYPE \"größe_seconds\" gauge\n# UNIT \"größe_seconds\" seconds\n{\"größe_seconds\",x=\"1\"} 3\nplain{\"quoted label\"=\"x\"} 4\n";

/// A counter, a histogram and a summary that say since when they count.
fn created(value: u32, counter: &str, others: &str) -> String {
    format!(
        "# TYPE c counter\nc_total{{x=\"1\"}} {value}\nc_created{{x=\"1\"}} {counter}\nc_total{{x=\"2\"}} {value}\n\
         # TYPE h histogram\nh_bucket{{le=\"1\"}} {value}\nh_bucket{{le=\"+Inf\"}} {value}\nh_sum 1\nh_count {value}\nh_created {others}\n\
         # TYPE s summary\ns{{quantile=\"0.5\"}} 1\ns_sum 1\ns_count {value}\ns_created {others}\n"
    )
}
