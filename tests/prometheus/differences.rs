//! Where Weir and Prometheus differ on purpose.

/// What is not the same in both, for one reason.
pub(crate) struct Difference {
    /// The reason.
    pub(crate) why: &'static str,
    /// Jobs, and what each of the two has, as `told` writes it down. Nothing else of these jobs may differ.
    pub(crate) jobs: &'static [(&'static str, &'static [&'static str])],
}

pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        why: "Prometheus takes blanks before a name for a part of the name.",
        jobs: &[("blanks before a name", &["prometheus:   a{} Gauge 0:1.0", "weir: a{} Gauge 0:1.0"])],
    },
    Difference {
        why: "Prometheus takes labels that no comma parts; the format has one.",
        jobs: &[(
            "labels without a comma",
            &[
                "prometheus: a{x=\"1\",y=\"2\"} Gauge 0:1.0",
                "weir: scrape_samples_post_metric_relabeling{} Gauge 0:1.0",
                "prometheus: scrape_samples_post_metric_relabeling{} Gauge 0:2.0",
                "weir: scrape_samples_scraped{} Gauge 0:1.0",
                "prometheus: scrape_samples_scraped{} Gauge 0:2.0",
                "weir: scrape_series_added{} Gauge 0:1.0",
                "prometheus: scrape_series_added{} Gauge 0:2.0",
            ],
        )],
    },
    Difference {
        why: "Prometheus fails the scrape; what is meant is clear, and the samples are good.",
        jobs: &[
            (
                "blanks in metadata",
                &[
                    "weir: good{} Gauge 0:1.0",
                    "weir: scrape_samples_post_metric_relabeling{} Gauge 0:1.0",
                    "prometheus: scrape_samples_post_metric_relabeling{} Gauge 0:0.0",
                    "weir: scrape_samples_scraped{} Gauge 0:1.0",
                    "prometheus: scrape_samples_scraped{} Gauge 0:0.0",
                    "weir: scrape_series_added{} Gauge 0:1.0",
                    "prometheus: scrape_series_added{} Gauge 0:0.0",
                    "weir: up{} Gauge 0:1.0",
                    "prometheus: up{} Gauge 0:0.0",
                ],
            ),
            (
                "carriage returns",
                &[
                    "weir: a{} Gauge 0:1.0",
                    "weir: good{} Gauge 0:1.0",
                    "weir: scrape_samples_post_metric_relabeling{} Gauge 0:2.0",
                    "prometheus: scrape_samples_post_metric_relabeling{} Gauge 0:0.0",
                    "weir: scrape_samples_scraped{} Gauge 0:2.0",
                    "prometheus: scrape_samples_scraped{} Gauge 0:0.0",
                    "weir: scrape_series_added{} Gauge 0:2.0",
                    "prometheus: scrape_series_added{} Gauge 0:0.0",
                    "weir: up{} Gauge 0:1.0",
                    "prometheus: up{} Gauge 0:0.0",
                ],
            ),
            (
                "types of the other format",
                &[
                    "weir: good{} Gauge 0:1.0",
                    "weir: scrape_samples_post_metric_relabeling{} Gauge 0:1.0",
                    "prometheus: scrape_samples_post_metric_relabeling{} Gauge 0:0.0",
                    "weir: scrape_samples_scraped{} Gauge 0:1.0",
                    "prometheus: scrape_samples_scraped{} Gauge 0:0.0",
                    "weir: scrape_series_added{} Gauge 0:1.0",
                    "prometheus: scrape_series_added{} Gauge 0:0.0",
                    "weir: up{} Gauge 0:1.0",
                    "prometheus: up{} Gauge 0:0.0",
                ],
            ),
            (
                "type text plain; version",
                &[
                    "weir: a{} Gauge 0:1.0",
                    "weir: scrape_samples_post_metric_relabeling{} Gauge 0:1.0",
                    "prometheus: scrape_samples_post_metric_relabeling{} Gauge 0:0.0",
                    "weir: scrape_samples_scraped{} Gauge 0:1.0",
                    "prometheus: scrape_samples_scraped{} Gauge 0:0.0",
                    "weir: scrape_series_added{} Gauge 0:1.0",
                    "prometheus: scrape_series_added{} Gauge 0:0.0",
                    "weir: up{} Gauge 0:1.0",
                    "prometheus: up{} Gauge 0:0.0",
                ],
            ),
        ],
    },
    Difference {
        why: "Prometheus takes one of two names; which one was meant nobody knows, so the line is refused.",
        jobs: &[(
            "two names",
            &[
                "prometheus: b{} Gauge 0:1.0",
                "weir: scrape_series_added{} Gauge 0:1.0",
                "prometheus: scrape_series_added{} Gauge 0:2.0",
            ],
        )],
    },
    Difference {
        why: "A scrape that fails brings nothing: every series is stale, and no sample is counted. Prometheus forgets to mark those that it read before the failure, marks one that it never had, and counts how far it came.",
        jobs: &[
            (
                "openmetrics without its end",
                &[
                    "weir: good{} Gauge 0:1.0 1:stale",
                    "prometheus: good{} Gauge 0:1.0",
                    "weir: scrape_samples_post_metric_relabeling{} Gauge 0:1.0 1:0.0",
                    "prometheus: scrape_samples_post_metric_relabeling{} Gauge 0:1.0 1:1.0",
                    "weir: scrape_samples_scraped{} Gauge 0:1.0 1:0.0",
                    "prometheus: scrape_samples_scraped{} Gauge 0:1.0 1:1.0",
                ],
            ),
            (
                "too many samples",
                &[
                    "weir: a{x=\"1\"} Gauge 0:1.0 1:stale 2:1.0",
                    "prometheus: a{x=\"1\"} Gauge 0:1.0 2:1.0",
                    "weir: a{x=\"2\"} Gauge 0:2.0 1:stale 2:2.0",
                    "prometheus: a{x=\"2\"} Gauge 0:2.0 2:2.0",
                    "prometheus: a{x=\"3\"} Gauge 2:stale",
                    "weir: scrape_body_size_bytes{} Gauge 0:22.0 1:0.0 2:22.0",
                    "prometheus: scrape_body_size_bytes{} Gauge 0:22.0 1:44.0 2:22.0",
                    "weir: scrape_samples_post_metric_relabeling{} Gauge 0:2.0 1:0.0 2:2.0",
                    "prometheus: scrape_samples_post_metric_relabeling{} Gauge 0:2.0 1:4.0 2:2.0",
                    "weir: scrape_samples_scraped{} Gauge 0:2.0 1:0.0 2:2.0",
                    "prometheus: scrape_samples_scraped{} Gauge 0:2.0 1:4.0 2:2.0",
                    "weir: scrape_series_added{} Gauge 0:2.0 1:0.0 2:0.0",
                    "prometheus: scrape_series_added{} Gauge 0:2.0 1:1.0 2:0.0",
                ],
            ),
        ],
    },
    Difference {
        why: "A scrape that fails brings nothing, so no sample is counted; Prometheus counts how far it came.",
        jobs: &[
            (
                "too long a name of a label",
                &[
                    "weir: scrape_samples_scraped{} Gauge 0:1.0 1:0.0",
                    "prometheus: scrape_samples_scraped{} Gauge 0:1.0 1:1.0",
                ],
            ),
            (
                "too long a value of a label",
                &[
                    "weir: scrape_samples_scraped{} Gauge 0:1.0 1:0.0",
                    "prometheus: scrape_samples_scraped{} Gauge 0:1.0 1:1.0",
                ],
            ),
            (
                "too many labels",
                &[
                    "weir: scrape_samples_scraped{} Gauge 0:1.0 1:0.0 2:1.0",
                    "prometheus: scrape_samples_scraped{} Gauge 0:1.0 1:1.0 2:1.0",
                ],
            ),
        ],
    },
    Difference {
        why: "OpenTelemetry has no kind for them: they are refused, and counted.",
        jobs: &[(
            "gauge histograms",
            &[
                "prometheus: g_bucket{le=\"1\"} GaugeHistogram 0:1.0",
                "prometheus: g_bucket{le=\"inf\"} GaugeHistogram 0:2.0",
                "prometheus: g_gcount{} GaugeHistogram 0:2.0",
                "prometheus: g_gsum{} GaugeHistogram 0:3.0",
            ],
        )],
    },
    Difference {
        why: "The unit of a family follows its metrics in protobuf, and those go on as they come.",
        jobs: &[
            (
                "go both",
                &[
                    "weir: queue_bytes{} Gauge 0:10.0 1:10.0 2:10.0",
                    "prometheus: queue_bytes{} Gauge in By 0:10.0 1:10.0 2:10.0",
                ],
            ),
            (
                "go native",
                &[
                    "weir: queue_bytes{} Gauge 0:10.0 1:10.0 2:10.0",
                    "prometheus: queue_bytes{} Gauge in By 0:10.0 1:10.0 2:10.0",
                ],
            ),
            (
                "go protobuf",
                &[
                    "weir: queue_bytes{} Gauge 0:10.0 1:10.0 2:10.0",
                    "prometheus: queue_bytes{} Gauge in By 0:10.0 1:10.0 2:10.0",
                ],
            ),
        ],
    },
    Difference {
        why: "The type of a family is known though another's came between it and its samples.",
        jobs: &[(
            "metadata",
            &[
                "weir: b{} Counter 0:1.0 1:1.0",
                "prometheus: b{} Gauge 0:1.0 1:1.0",
                "weir: b{x=\"1\"} Counter 0:2.0 1:2.0",
                "prometheus: b{x=\"1\"} Gauge 0:2.0 1:2.0",
            ],
        )],
    },
    Difference {
        why: "What is called otherwise keeps its type.",
        jobs: &[(
            "metrics relabelled",
            &[
                "weir: new_h_bucket{job=\"other\",le=\"inf\"} Histogram 0:3.0 1:3.0",
                "prometheus: new_h_bucket{job=\"other\",le=\"inf\"} Gauge 0:3.0 1:3.0",
                "weir: new_h_count{job=\"other\"} Histogram 0:3.0 1:3.0",
                "prometheus: new_h_count{job=\"other\"} Gauge 0:3.0 1:3.0",
                "weir: new_h_sum{job=\"other\"} Histogram 0:4.0 1:4.0",
                "prometheus: new_h_sum{job=\"other\"} Gauge 0:4.0 1:4.0",
                "weir: new_total{job=\"other\"} Counter 0:2.0 1:2.0",
                "prometheus: new_total{job=\"other\"} Gauge 0:2.0 1:2.0",
            ],
        )],
    },
    Difference {
        why: "Of another type it is another series to OpenTelemetry: the old one is stale, the new one is new.",
        jobs: &[(
            "type that changes",
            &[
                "weir: a{} Counter 0:1.0 1:2.0 1:stale 2:3.0",
                "prometheus: a{} Counter 0:1.0 1:2.0 2:3.0",
                "weir: b_total{} Gauge 0:1.0 1:2.0 1:stale 2:3.0",
                "prometheus: b_total{} Gauge 0:1.0 1:2.0 2:3.0",
                "weir: scrape_series_added{} Gauge 0:2.0 1:2.0 2:0.0",
                "prometheus: scrape_series_added{} Gauge 0:2.0 1:0.0 2:0.0",
            ],
        )],
    },
    Difference {
        why: "A series that has a timestamp from now on is there still.",
        jobs: &[(
            "timestamps",
            &[
                "weir: b{} Gauge @1700000000000:1.0 1:2.0",
                "prometheus: b{} Gauge @1700000000000:1.0 1:2.0 2:stale",
            ],
        )],
    },
    Difference {
        why: "Prometheus's storage refuses what is older than the marker of staleness.",
        jobs: &[(
            "timestamps that are tracked",
            &[
                "weir: a{} Gauge @1700000000000:1.0 1:stale @1700000001000:2.0 3:stale",
                "prometheus: a{} Gauge @1700000000000:1.0 1:stale",
                "weir: scrape_series_added{} Gauge 0:2.0 1:0.0 2:1.0 3:1.0",
                "prometheus: scrape_series_added{} Gauge 0:2.0 1:0.0 2:0.0 3:1.0",
            ],
        )],
    },
    Difference {
        why: "What is new is a series of OpenTelemetry, however its line is written, and whether it was taken or not. To Prometheus it is a text that is not in its cache: other lines of a known series, and parts of a histogram, too; and not those that an empty body made stale.",
        jobs: &[
            (
                "empty bodies",
                &[
                    "weir: scrape_series_added{} Gauge 0:5.0 1:0.0 2:0.0 3:0.0 4:5.0 5:0.0",
                    "prometheus: scrape_series_added{} Gauge 0:5.0 1:0.0 2:0.0 3:0.0 4:0.0 5:0.0",
                ],
            ),
            (
                "labels in another order",
                &[
                    "weir: scrape_series_added{} Gauge 0:2.0 1:0.0 2:0.0",
                    "prometheus: scrape_series_added{} Gauge 0:2.0 1:2.0 2:1.0",
                ],
            ),
            (
                "samples twice",
                &[
                    "weir: scrape_series_added{} Gauge 0:3.0 1:0.0 2:0.0",
                    "prometheus: scrape_series_added{} Gauge 0:3.0 1:1.0 2:0.0",
                ],
            ),
            (
                "series that vanish",
                &[
                    "weir: scrape_series_added{} Gauge 0:10.0 1:0.0 2:1.0 3:0.0 4:7.0",
                    "prometheus: scrape_series_added{} Gauge 0:10.0 1:0.0 2:3.0 3:0.0 4:7.0",
                ],
            ),
            (
                "target info",
                &[
                    "weir: scrape_series_added{} Gauge 0:1.0 1:0.0",
                    "prometheus: scrape_series_added{} Gauge 0:2.0 1:0.0",
                ],
            ),
            (
                "timestamps far ahead",
                &[
                    "weir: scrape_series_added{} Gauge 0:2.0 1:0.0",
                    "prometheus: scrape_series_added{} Gauge 0:1.0 1:1.0",
                ],
            ),
        ],
    },
];
