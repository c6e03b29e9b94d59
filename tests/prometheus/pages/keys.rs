//! Keys of `scrape_configs`.

use serde_json::json;

use super::{ADDRESS, Job, TEXT_100};

pub(super) fn jobs() -> Vec<Job> {
    vec![
        Job::text("conflicts", &[CONFLICTS, CONFLICTS]).keys(json!({ "relabel_configs": [zone()] })),
        Job::text("honoured labels", &[CONFLICTS, CONFLICTS])
            .keys(json!({ "honor_labels": true, "relabel_configs": [zone()] })).of_version_3(),
        Job::text("timestamps that do not count", &["a 1 1700000000000\nb 1\n", "a 2 1700000000000\n", "a 3 5\n"])
            .keys(json!({ "honor_timestamps": false })),
        Job::text("timestamps that are tracked", &["a 1 1700000000000\nb 1\n", "b 2\n", "a 2 1700000001000\n", "c 1\n"])
            .keys(json!({ "track_timestamps_staleness": true })).of_version_3(),
        Job::text("too many samples", &[FEW, MANY, FEW]).keys(json!({ "sample_limit": 3, "extra_scrape_metrics": true })).of_version_3(),
        Job::text("samples that are left out do not count", &[MANY]).keys(json!({
            "sample_limit": 3,
            "metric_relabel_configs": [{ "source_labels": ["x"], "regex": "[3-9]", "action": "drop" }],
        })),
        Job::text("too many labels", &["a 1\n", "b{x=\"1\",y=\"2\"} 1\na 1\n", "a{x=\"1\"} 2\n"]).keys(json!({ "label_limit": 4 })),
        Job::text("too long a name of a label", &["a{instances=\"1\"} 1\n", "b{instances9=\"1\"} 1\na 1\n"])
            .keys(json!({ "label_name_length_limit": 9 })),
        Job::text("too long a value of a label", &["a{x=\"1\"} 1\n", "b{x=\"0123456789012345678901234567890123456789\"} 1\na 1\n"])
            .keys(json!({ "label_value_length_limit": 39 })),
        Job::text("too large a body", &["a 1\n", &MANY.repeat(10), "a 2\n"])
            .keys(json!({ "body_size_limit": "100B", "extra_scrape_metrics": true })).of_version_3(),
        // Neither is asked.
        Job::text("too many targets", &["a 1\n", "a 2\n"]).unasked().keys(json!({
            "target_limit": 1,
            "static_configs": [{ "targets": [ADDRESS, "other:80"] }],
        })),
        Job::text("more about each scrape", &["a 1\n", "a 2\n"]).keys(json!({ "extra_scrape_metrics": true })).of_version_3(),
        Job::of(TEXT_100, "names of the past", &["a{x=\"1\"} 1\n"])
            .keys(json!({ "metric_name_validation_scheme": "legacy" })).of_version_3(),
        Job::text("labels of targets", &["a{zone=\"mine\"} 1\nup_to 1\n"]).keys(json!({
            "relabel_configs": [
                zone(),
                { "target_label": "__tmp_x", "replacement": "y" },
                { "source_labels": ["__address__", "__metrics_path__", "__scheme__"], "separator": "|", "target_label": "whole" },
                { "source_labels": ["__tmp_x"], "target_label": "größe", "regex": "(.+)" },
                { "source_labels": ["__scrape_interval__", "__scrape_timeout__"], "target_label": "times" },
                { "source_labels": ["whole"], "regex": "([^/]*)/(weir|prometheus)/(.*)", "replacement": "$1/$3", "target_label": "whole" },
            ],
        })).of_version_3(),
        Job::text("metrics relabelled", &[RELABELLED, RELABELLED]).keys(json!({
            "metric_relabel_configs": [
                { "source_labels": ["__name__"], "regex": "secret_.*", "action": "drop" },
                { "source_labels": ["__name__"], "regex": "old_(.*)", "replacement": "new_$1", "target_label": "__name__" },
                { "regex": "pod_.*", "action": "labeldrop" },
                { "source_labels": ["__name__", "le"], "regex": "h_bucket;(0\\.1|5\\.0)", "action": "drop" },
                { "source_labels": ["code"], "regex": "(.).*", "replacement": "${1}xx", "target_label": "class" },
                { "source_labels": ["job"], "target_label": "job", "replacement": "other" },
                { "source_labels": ["code"], "regex": "500", "target_label": "instance", "replacement": "" },
            ],
        })).of_version_3(),
    ]
}

/// A label that targets have.
fn zone() -> serde_json::Value {
    json!({ "target_label": "zone", "replacement": "a" })
}

const CONFLICTS: &str = "\
a{job=\"mine\",instance=\"here\"} 1\nb{job=\"mine\",exported_job=\"before\"} 2\nc{job=\"\",instance=\"\"} 3\n\
d{zone=\"z\"} 4\ne{zone=\"z\",exported_zone=\"y\",exported_exported_zone=\"x\"} 5\nf{exported_zone=\"y\"} 6\n\
# TYPE h histogram\nh_bucket{job=\"mine\",le=\"+Inf\"} 1\nh_sum{job=\"mine\"} 1\nh_count{job=\"mine\"} 1\n";

const FEW: &str = "a{x=\"1\"} 1\na{x=\"2\"} 2\n";
const MANY: &str = "a{x=\"1\"} 1\na{x=\"2\"} 2\na{x=\"3\"} 3\na{x=\"4\"} 4\n";

const RELABELLED: &str = "\
# TYPE secret_total counter\nsecret_total 1\n# TYPE old_total counter\nold_total 2\n# TYPE old_x gauge\nold_x{code=\"404\"} 3\n\
a{pod_name=\"x\",pod_id=\"y\",code=\"500\"} 4\n\
# TYPE h histogram\nh_bucket{le=\"0.1\"} 1\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"5\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4\nh_count 3\n\
# TYPE old_h histogram\nold_h_bucket{le=\"+Inf\"} 3\nold_h_sum 4\nold_h_count 3\n";
