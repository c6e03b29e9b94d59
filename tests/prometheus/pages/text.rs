//! Prometheus's own text format.

use super::{Job, TEXT_100};

pub(super) fn jobs() -> Vec<Job> {
    let long = "x".repeat(64 * 1024);
    let name = "n".repeat(1000);
    let many: Vec<String> = (0..60).map(|at| format!("l{at}=\"{at}\"")).collect();
    let many = many.join(",");
    let huge = format!("a{{long=\"{long}\"}} 1\n{name}{{{name}=\"1\"}} 2\nmany{{{many}}} 3\n");
    vec![
        Job::text("types", &[TYPES, TYPES, "# TYPE c counter\nc 3\n"]),
        Job::text("escapes", &[ESCAPES]),
        Job::text("values", &[VALUES, VALUES]),
        Job::text("labels", &[LABELS, LABELS]),
        Job::text("huge labels", &[&huge, &huge]),
        Job::text("metadata", &[METADATA, METADATA]).of_version_3(),
        Job::text(
            "type that changes",
            &[
                "# TYPE a gauge\na 1\n# TYPE b_total counter\nb_total 1\n",
                "# TYPE a counter\na 2\n# TYPE b_total gauge\nb_total 2\n",
                "# TYPE a counter\na 3\n# TYPE b_total gauge\nb_total 3\n",
            ],
        )
        .of_version_3(),
        Job::text(
            "series that vanish",
            &[
                &vanishing(
                    "a 1\nb{x=\"1\"} 1\nb{x=\"2\"} 1\n",
                    "h_bucket{le=\"1\"} 1\n",
                    "s{quantile=\"0.5\"} 1\n",
                    2,
                ),
                &vanishing("b{x=\"2\"} 2\n", "", "", 3),
                &vanishing("a 3\n", "h_bucket{le=\"1\"} 3\n", "s{quantile=\"0.5\"} 3\n", 4),
                "a 4\n",
                &vanishing("a 5\n", "h_bucket{le=\"2\"} 4\n", "s{quantile=\"0.9\"} 4\n", 5),
            ],
        ),
        Job::text(
            "labels in another order",
            &[
                "a{x=\"1\",y=\"2\"} 1\nb{x=\"1\"} 1\n",
                "a{y=\"2\",x=\"1\"} 2\nb{ x = \"1\" , } 2\n",
                "a{y=\"2\",x=\"1\",z=\"\"} 3\n",
            ],
        ),
        Job::text(
            "samples twice",
            &[
                "a 1\na 2\nb{x=\"1\"} 3\nb{x=\"1\"} 3\nc 4\n",
                "a 3\nb{x=\"1\"} 4\nb{x=\"1\",y=\"\"} 5\nc 5\n",
                "a 5\na 6\n",
            ],
        ),
        Job::text(
            "timestamps",
            &[
                &format!(
                    "a 1 {T}\nb 1 {T}\nstill 1 {T}\ntwice 1 {T}\ntwice 2 {}\nequal 1 {T}\nequal 2 {T}\nback 1 {T}\n",
                    T + 500
                ),
                &format!("a 2 {}\nb 2\nstill 1 {T}\ntwice 3 {}\nback 2 {}\n", T + 1000, T + 1500, T - 1000),
                &format!("a 3 {}\nb 3 {}\nstill 1 {T}\nback 3 {}\n", T + 2000, T + 2000, T + 1),
                &format!("a 4 {}\n", T + 3000),
            ],
        ).of_version_3(),
        Job::text(
            "timestamps of histograms",
            &[
                &histogram_at(1, T),
                &histogram_at(2, T + 1000),
                &histogram_at(2, T + 1000),
                &format!("{}{}", histogram_at(3, T + 2000), histogram_at(4, T + 3000)),
            ],
        ).of_version_3(),
        Job::text("timestamps far ahead", &["a 1 4102444800000\nb 1\n", "a 2\n"]),
        Job::text("histograms", &[HISTOGRAMS, HISTOGRAMS]),
        Job::text("summaries", &[SUMMARIES, SUMMARIES]),
        Job::of(TEXT_100, "utf-8 names", &[UTF8, UTF8]).of_version_3(),
        Job::text("utf-8 names in the older format", &[UTF8]).of_version_3(),
        Job::text("hundred thousand series", &[&hundred_thousand(1), &hundred_thousand(2)]).of_version_3(),
    ]
}

/// In 2023.
const T: i64 = 1_700_000_000_000;

const TYPES: &str = "\
# HELP c Counts.\n# TYPE c counter\nc{x=\"1\"} 1\nc{x=\"2\"} 2.5\n\
# TYPE t_total counter\nt_total 7\n\
# TYPE g gauge\ng -3\n\
# TYPE u untyped\nu 1\n\
# HELP help_alone What it is.\nhelp_alone 1\n\
no_metadata 1\nno_metadata_total 1\nno_metadata_bucket{le=\"1\"} 1\nno_metadata_created 1\n\
# TYPE c_created gauge\nc_created 5\n";

const ESCAPES: &str = "\
# HELP a Back \\\\ new \\n quote \" other \\x.\n\
a{v=\"back \\\\ quote \\\" line \\n\"} 1\n\
a{v=\"\\\\n\"} 2\na{v=\"\\\\\\\\\"} 3\na{v=\"\\\\\\\"\"} 4\n\
a{v=\"other \\x \\t \\u00e9\"} 5\n\
a{v=\"tab\tin\"} 6\na{v=\"} 7 # {,=\"} 7\n\
a{v=\"é 日本 🎉\"} 8\na{v=\" \"} 9\na{v=\"'\"} 10\n";

const VALUES: &str = "\
a NaN\nb +Inf\nc -Inf\nd Inf\ne inf\nf nan\ng +inf\nh Infinity\ni -infinity\n\
j 1e3\nk 1E-3\nl .5\nm 5.\nn +5\no -0\np 0\nq 1.7976931348623157e308\nr 5e-324\ns 1e-400\n\
t 0.1\nu 123456789012345678\nv 9007199254740993\nw 0000012\nx 1.0000000000000002\n\
y 2.2250738585072011e-308\nz 179769313486231580793728971405301e276\n";

const LABELS: &str = "\
a{empty=\"\"} 1\nb{} 2\nc{x=\"1\",} 3\nd{x=\"1\",empty=\"\",y=\"2\"} 4\n\
e { x = \"1\" , y=\"2\" } 5\nf{_x=\"1\",__y=\"2\",X9=\"3\"} 6\n:g:h{x=\"1\"} 7\n\
i{le=\"1\",quantile=\"0.5\"} 8\nj{name=\"x\",job_name=\"y\"} 9\n\
k\t{x=\"1\"}\t10\nl  11  \n";

const METADATA: &str = "\
# a comment\n#another\n\n# HELP a A.\n# TYPE a gauge\na 1\n# HELP a Again.\na{x=\"1\"} 2\n\
# TYPE b counter\n# TYPE c gauge\nc 1\nb 1\nb{x=\"1\"} 2\n\
d 1\n# TYPE d counter\n\
# TYPE f summary\nf_count 1\nf_sum 2\nf{quantile=\"0.5\"} 3\n# TYPE f_other gauge\nf_other 1\n";

const HISTOGRAMS: &str = "\
# TYPE good histogram\ngood_bucket{le=\"0.1\"} 1\ngood_bucket{le=\"1\"} 2\ngood_bucket{le=\"+Inf\"} 3\ngood_sum 4\ngood_count 3\n\
good_bucket{x=\"1\",le=\"1e0\"} 2\ngood_bucket{x=\"1\",le=\"+Inf\"} 3\ngood_sum{x=\"1\"} -4\ngood_count{x=\"1\"} 3\n\
# TYPE negative histogram\nnegative_bucket{le=\"-1.0\"} 0\nnegative_bucket{le=\"0\"} 1\nnegative_bucket{le=\"+Inf\"} 1\nnegative_sum NaN\nnegative_count 1\n\
# TYPE unordered histogram\nunordered_count 3\nunordered_bucket{le=\"+Inf\"} 3\nunordered_bucket{le=\"1\"} 2\nunordered_sum 1\nunordered_bucket{le=\"0.5\"} 1\n\
# TYPE no_sum histogram\nno_sum_bucket{le=\"1\"} 1\nno_sum_bucket{le=\"+Inf\"} 1\nno_sum_count 1\n";

const SUMMARIES: &str = "\
# TYPE good summary\ngood{quantile=\"0.5\"} 1\ngood{quantile=\"0.99\"} 2\ngood_sum 3\ngood_count 4\n\
# TYPE none summary\nnone{quantile=\"0\"} NaN\nnone{quantile=\"1\"} NaN\nnone_sum 0\nnone_count 0\n\
# TYPE no_quantiles summary\nno_quantiles_sum{x=\"1\"} 1\nno_quantiles_count{x=\"1\"} 1\n";

const UTF8: &str = "\
# HELP \"a.b\" Dotted.\n# TYPE \"a.b\" counter\n{\"a.b\"} 1\n{\"a.b\",\"c.d\"=\"e\"} 2\n\
# TYPE \"größe 日本\" gauge\n{\"größe 日本\",x=\"1\"} 3\n\
plain{\"quoted label\"=\"x\",bare=\"y\"} 4\n{x=\"1\",\"name last\"} 5\n{\"plain_quoted\"} 6\n\
{\"with \\\"quotes\\\" and \\\\\"} 7\n{\"1starts.with-digit\"} 8\n\
# TYPE \"h.x\" histogram\n{\"h.x_bucket\",le=\"+Inf\"} 1\n{\"h.x_count\"} 1\n{\"h.x_sum\"} 1\n";

/// A histogram and a summary that lose something.
fn vanishing(others: &str, bucket: &str, quantile: &str, count: u32) -> String {
    format!(
        "{others}# TYPE h histogram\n{bucket}h_bucket{{le=\"+Inf\"}} {count}\nh_sum 1\nh_count {count}\n\
         # TYPE s summary\n{quantile}s_sum 1\ns_count {count}\n"
    )
}

fn histogram_at(count: u32, time: i64) -> String {
    format!(
        "# TYPE h histogram\nh_bucket{{le=\"1\"}} 1 {time}\nh_bucket{{le=\"+Inf\"}} {count} {time}\nh_sum {count} {time}\nh_count {count} {time}\n"
    )
}

fn hundred_thousand(round: usize) -> String {
    let mut page = "# TYPE requests_total counter\n".to_owned();
    for at in 0..100_000 {
        let (path, pod, value) = (at % 317, at / 317, at * round);
        page.push_str(&format!("requests_total{{path=\"/{path}\",pod=\"{pod}\"}} {value}\n"));
    }
    page
}
