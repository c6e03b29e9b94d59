//! Where Weir and Prometheus differ on purpose.

/// What is not the same in both, for one reason.
pub(crate) struct Difference {
    /// The reason.
    pub(crate) why: &'static str,
    /// Jobs, and what each of the two has, as `told` writes it down. Nothing else of these jobs may differ.
    pub(crate) jobs: Vec<(&'static str, Vec<String>)>,
}

/// A series, and what each of the two has of it; nothing where it is empty.
fn series(series: &str, weir: &str, prometheus: &str) -> Vec<String> {
    let of = |who: &str, has: &str| (!has.is_empty()).then(|| format!("{who}: {series} {has}"));
    of("weir", weir).into_iter().chain(of("prometheus", prometheus)).collect()
}

/// A gauge without labels, alike.
fn gauge(name: &str, weir: &str, prometheus: &str) -> Vec<String> {
    series(&format!("{name}{{}} Gauge"), weir, prometheus)
}

/// How many samples there were, before and after relabelling.
fn samples(weir: &str, prometheus: &str) -> Vec<String> {
    let names = ["scrape_samples_scraped", "scrape_samples_post_metric_relabeling"];
    names.into_iter().flat_map(|name| gauge(name, weir, prometheus)).collect()
}

/// How many series were new.
fn added(weir: &str, prometheus: &str) -> Vec<String> {
    gauge("scrape_series_added", weir, prometheus)
}

/// The only scrape fails in Prometheus, and Weir has these gauges.
fn fails_there(good: &[&str]) -> Vec<String> {
    let count = format!("0:{}.0", good.len());
    let good = good.iter().flat_map(|name| gauge(name, "0:1.0", "")).collect();
    [good, gauge("up", "0:1.0", "0:0.0"), samples(&count, "0:0.0"), added(&count, "0:0.0")].concat()
}

/// What `metrics relabelled` has of a series: its type is known here.
fn keeps_type(name: &str, label: &str, kind: &str, values: &str) -> Vec<String> {
    let of = |kind: &str| format!("{kind} {values}");
    series(&format!("{name}{{job=\"other\"{label}}}"), &of(kind), &of("Gauge"))
}

pub(crate) fn differences() -> Vec<Difference> {
    let one = |why, job, lines: &[Vec<String>]| Difference { why, jobs: vec![(job, lines.concat())] };
    vec![
        one(
            "Prometheus takes blanks before a name for a part of the name.",
            "blanks before a name",
            &[vec!["prometheus:   a{} Gauge 0:1.0".to_owned()], gauge("a", "0:1.0", "")],
        ),
        one(
            "Prometheus takes labels that no comma parts; the format has one.",
            "labels without a comma",
            &[
                series("a{x=\"1\",y=\"2\"} Gauge", "", "0:1.0"),
                samples("0:1.0", "0:2.0"),
                added("0:1.0", "0:2.0"),
            ],
        ),
        Difference {
            why: "Prometheus fails the scrape; what is meant is clear, and the samples are good.",
            jobs: vec![
                ("blanks in metadata", fails_there(&["good"])),
                ("carriage returns", fails_there(&["a", "good"])),
                ("types of the other format", fails_there(&["good"])),
                ("type text plain; version", fails_there(&["a"])),
            ],
        },
        one(
            "Prometheus takes one of two names; which one was meant nobody knows, so the line is refused.",
            "two names",
            &[gauge("b", "", "0:1.0"), added("0:1.0", "0:2.0")],
        ),
        Difference {
            why: "A scrape that fails brings nothing: every series is stale, and no sample is counted. Prometheus forgets to mark those that it read before the failure, marks one that it never had, and counts how far it came.",
            jobs: vec![
                (
                    "openmetrics without its end",
                    [gauge("good", "0:1.0 1:stale", "0:1.0"), samples("0:1.0 1:0.0", "0:1.0 1:1.0")].concat(),
                ),
                (
                    "too many samples",
                    [
                        series("a{x=\"1\"} Gauge", "0:1.0 1:stale 2:1.0", "0:1.0 2:1.0"),
                        series("a{x=\"2\"} Gauge", "0:2.0 1:stale 2:2.0", "0:2.0 2:2.0"),
                        series("a{x=\"3\"} Gauge", "", "2:stale"),
                        gauge("scrape_body_size_bytes", "0:22.0 1:0.0 2:22.0", "0:22.0 1:44.0 2:22.0"),
                        samples("0:2.0 1:0.0 2:2.0", "0:2.0 1:4.0 2:2.0"),
                        added("0:2.0 1:0.0 2:0.0", "0:2.0 1:1.0 2:0.0"),
                    ]
                    .concat(),
                ),
            ],
        },
        Difference {
            why: "A scrape that fails brings nothing, so no sample is counted; Prometheus counts how far it came.",
            jobs: [
                ("too long a name of a label", ""),
                ("too long a value of a label", ""),
                ("too many labels", " 2:1.0"),
            ]
            .map(|(job, then)| {
                let [weir, prometheus] = ["0", "1"].map(|count| format!("0:1.0 1:{count}.0{then}"));
                (job, gauge("scrape_samples_scraped", &weir, &prometheus))
            })
            .into(),
        },
        one(
            "OpenTelemetry has no kind for them: they are refused, and counted.",
            "gauge histograms",
            &[
                series("g_bucket{le=\"1\"} GaugeHistogram", "", "0:1.0"),
                series("g_bucket{le=\"inf\"} GaugeHistogram", "", "0:2.0"),
                series("g_gcount{} GaugeHistogram", "", "0:2.0"),
                series("g_gsum{} GaugeHistogram", "", "0:3.0"),
            ],
        ),
        one(
            "The type of a family is known though another's came between it and its samples.",
            "metadata",
            &[
                series("b{}", "Counter 0:1.0 1:1.0", "Gauge 0:1.0 1:1.0"),
                series("b{x=\"1\"}", "Counter 0:2.0 1:2.0", "Gauge 0:2.0 1:2.0"),
            ],
        ),
        one(
            "What is called otherwise keeps its type.",
            "metrics relabelled",
            &[
                keeps_type("new_h_bucket", ",le=\"inf\"", "Histogram", "0:3.0 1:3.0"),
                keeps_type("new_h_count", "", "Histogram", "0:3.0 1:3.0"),
                keeps_type("new_h_sum", "", "Histogram", "0:4.0 1:4.0"),
                keeps_type("new_total", "", "Counter", "0:2.0 1:2.0"),
            ],
        ),
        one(
            "Of another type it is another series to OpenTelemetry: the old one is stale, the new one is new.",
            "type that changes",
            &[
                series("a{} Counter", "0:1.0 1:2.0 1:stale 2:3.0", "0:1.0 1:2.0 2:3.0"),
                gauge("b_total", "0:1.0 1:2.0 1:stale 2:3.0", "0:1.0 1:2.0 2:3.0"),
                added("0:2.0 1:2.0 2:0.0", "0:2.0 1:0.0 2:0.0"),
            ],
        ),
        one(
            "A series that has a timestamp from now on is there still.",
            "timestamps",
            &[gauge("b", "@1700000000000:1.0 1:2.0", "@1700000000000:1.0 1:2.0 2:stale")],
        ),
        one(
            "Prometheus's storage refuses what is older than the marker of staleness.",
            "timestamps that are tracked",
            &[
                gauge(
                    "a",
                    "@1700000000000:1.0 1:stale @1700000001000:2.0 3:stale",
                    "@1700000000000:1.0 1:stale",
                ),
                added("0:2.0 1:0.0 2:1.0 3:1.0", "0:2.0 1:0.0 2:0.0 3:1.0"),
            ],
        ),
        Difference {
            why: "What is new is a series of OpenTelemetry, however its line is written, and whether it was taken or not. To Prometheus it is a text that is not in its cache: other lines of a known series, and parts of a histogram, too; and not those that an empty body made stale.",
            jobs: vec![
                (
                    "empty bodies",
                    added("0:5.0 1:0.0 2:0.0 3:0.0 4:5.0 5:0.0", "0:5.0 1:0.0 2:0.0 3:0.0 4:0.0 5:0.0"),
                ),
                ("labels in another order", added("0:2.0 1:0.0 2:0.0", "0:2.0 1:2.0 2:1.0")),
                ("samples twice", added("0:3.0 1:0.0 2:0.0", "0:3.0 1:1.0 2:0.0")),
                (
                    "series that vanish",
                    added("0:10.0 1:0.0 2:1.0 3:0.0 4:7.0", "0:10.0 1:0.0 2:3.0 3:0.0 4:7.0"),
                ),
                ("target info", added("0:1.0 1:0.0", "0:2.0 1:0.0")),
                ("timestamps far ahead", added("0:2.0 1:0.0", "0:1.0 1:1.0")),
            ],
        },
    ]
}
