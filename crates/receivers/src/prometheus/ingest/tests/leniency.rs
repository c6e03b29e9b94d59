//! What the default mode takes though OpenMetrics does not allow it.

use std::path::{Path, PathBuf};

use weir_core::Reason;

use super::*;

/// What is taken whole, why, and a body for each. What is not here and not allowed is refused or fails the scrape.
const TAKEN: &[(&str, &str)] = &[
    // Prometheus's own parser takes these, and so exporters have them.
    ("blanks where there may be none, and several of them", "a\t{ b = \"c\" }  1 \n"),
    ("a comma after the last label", "a{b=\"c\",} 1\n"),
    ("empty lines and comments", "\n#comment\n# NOTE x y\na 1\n"),
    (
        "metadata without a value, twice, or after its samples",
        "# HELP a\n# HELP a x\na 1\n# HELP a y\n# TYPE b gauge\n# TYPE b gauge\n",
    ),
    ("the type `untyped`, which Prometheus's own format has", "# TYPE a untyped\na 1\n"),
    ("names of UTF-8 in quotes", "{\"a.b\",\"c.d\"=\"e\"} 1\n"),
    // Values mean what they say, whatever the type promises.
    ("counters that are negative or no number", "# TYPE a counter\na_total -1\na_total{b=\"c\"} NaN\n"),
    ("an info or state of another value", "# TYPE a info\na_info 2\n# TYPE b stateset\nb{b=\"c\"} 2\n"),
    ("a state without its label", "# TYPE a stateset\na 1\n"),
    // A point is made of what is there: OpenTelemetry asks for less.
    (
        "a histogram without its last bucket, or without sum or count",
        "# TYPE h histogram\nh_count 1\n# TYPE k histogram\nk_bucket{le=\"+Inf\"} 2\nk_sum 3\n# TYPE m histogram\nm_bucket{le=\"+Inf\"} 1\nm_count 2\n",
    ),
    (
        "buckets out of their order, and other spellings of +Inf",
        "# TYPE h histogram\nh_bucket{le=\"+INF\"} 2\nh_bucket{le=\"1\"} 1\n",
    ),
    (
        "a sum beside negative buckets",
        "# TYPE h histogram\nh_bucket{le=\"-1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum 1\n",
    ),
    // Lines are found by what they say, not by where they stand.
    (
        "samples of one metric or family that stand apart",
        "# TYPE s summary\ns_count{a=\"1\"} 1\ns_count{a=\"2\"} 1\ns_sum{a=\"1\"} 1\n",
    ),
    ("a name that belongs to two families", "# TYPE a_created gauge\n# TYPE a counter\na_total 1\n"),
    ("a counter without `_total`, which is how Prometheus's own format has it", "# TYPE a counter\na 1\n"),
    ("samples of one metric of which some have a time and others none", "a 1 1700000001\na 2\n"),
    // They are counted and left behind, so nothing is read of them.
    ("exemplars of any form, at any sample", "# TYPE a gauge\na 1 # whatever\n"),
];

#[test]
fn the_default_mode_takes_what_is_in_its_list() {
    for (leniency, lines) in TAKEN {
        let body = format!("{lines}# EOF\n");
        let scraped = Rig::new().try_scrape(Format::OpenMetrics100, &body).unwrap();
        assert!(scraped.refused.is_empty() && scraped.points() > 0, "{leniency}: {scraped:?}");
        let strict = Settings { strict: true, ..Settings::default() };
        assert!(Rig::with(strict).try_scrape(Format::OpenMetrics100, &body).is_err(), "{leniency}");
    }
}

/// The parser cases of OpenMetrics that must be rejected and that the default mode takes whole, by the leniency above.
const CASES: &[(&str, &[&str])] = &[
    (
        "blanks where there may be none, and several of them",
        &[
            "bad_help_4",
            "bad_invalid_labels_6",
            "bad_type_6",
            "bad_unit_5",
            "bad_value_1",
            "bad_value_2",
            "bad_value_3",
        ],
    ),
    ("a comma after the last label", &["bad_missing_or_extra_commas_2"]),
    ("empty lines and comments", &["bad_blank_line", "bad_histograms_4", "bad_histograms_5", "bad_metadata"]),
    (
        "metadata without a value, twice, or after its samples",
        &[
            "bad_clashing_names_0",
            "bad_clashing_names_1",
            "bad_help_2",
            "bad_help_3",
            "bad_metadata_in_wrong_place_0",
            "bad_metadata_in_wrong_place_1",
            "bad_metadata_in_wrong_place_2",
            "bad_repeated_metadata_0",
            "bad_repeated_metadata_1",
            "bad_repeated_metadata_2",
            "bad_repeated_metadata_3",
            "bad_unit_2",
            "bad_unit_3",
        ],
    ),
    ("the type `untyped`, which Prometheus's own format has", &["bad_type_7"]),
    ("counters that are negative or no number", &["bad_counter_values_0", "bad_counter_values_1"]),
    (
        "an info or state of another value",
        &[
            "bad_info_and_stateset_values_0",
            "bad_info_and_stateset_values_1",
            "bad_stateset_info_values_0",
            "bad_stateset_info_values_1",
            "bad_stateset_info_values_2",
            "bad_stateset_info_values_3",
        ],
    ),
    ("a state without its label", &["bad_missing_or_invalid_labels_for_a_type_7"]),
    (
        "a histogram without its last bucket, or without sum or count, or that counts more than it",
        &["bad_histograms_1", "bad_histograms_11", "bad_histograms_2"],
    ),
    (
        "buckets out of their order, and other spellings of +Inf",
        &["bad_histograms_12", "bad_histograms_13", "bad_histograms_9"],
    ),
    ("a sum beside negative buckets", &["bad_counter_values_8", "bad_counter_values_9", "bad_histograms_3"]),
    (
        "samples of one metric or family that stand apart",
        &["bad_grouping_or_ordering_0", "bad_grouping_or_ordering_2"],
    ),
    ("a name that belongs to two families", &["bad_clashing_names_2"]),
    ("a unit that is not the end of the name, or of an info", &["bad_unit_4", "bad_unit_6", "bad_unit_7"]),
    (
        "exemplars of any form, at any sample",
        &[
            "bad_exemplar_complex_chars",
            "bad_exemplar_timestamp_0",
            "bad_exemplar_timestamp_1",
            "bad_exemplar_timestamp_2",
            "bad_exemplars_0",
            "bad_exemplars_10",
            "bad_exemplars_11",
            "bad_exemplars_2",
            "bad_exemplars_3",
            "bad_exemplars_4",
            "bad_exemplars_5",
            "bad_exemplars_6",
            "bad_exemplars_7",
            "bad_exemplars_8",
            "bad_exemplars_9",
            "bad_exemplars_on_unallowed_metric_types_0",
            "bad_exemplars_on_unallowed_metric_types_1",
            "bad_exemplars_on_unallowed_metric_types_2",
            "bad_exemplars_on_unallowed_samples_2",
            "bad_exemplars_on_unallowed_samples_3",
        ],
    ),
    ("a body of no bytes", &["bad_no_eof"]),
    (
        "samples of gauge histograms, which are refused anyway",
        &[
            "bad_counter_values_10",
            "bad_counter_values_11",
            "bad_counter_values_12",
            "bad_counter_values_13",
            "bad_counter_values_14",
            "bad_exemplars_on_unallowed_samples_1",
            "bad_histograms_14",
            "bad_histograms_6",
            "bad_histograms_7",
            "bad_histograms_8",
            "bad_missing_or_invalid_labels_for_a_type_6",
        ],
    ),
];

fn cases() -> Option<PathBuf> {
    let named = std::env::var_os("OPENMETRICS_CASES").map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let above = root.ancestors().map(|folder| folder.join("shared/conformance/openmetrics"));
    named.into_iter().chain(above).map(|folder| folder.join("parsers")).find(|parsers| parsers.is_dir())
}

#[test]
fn of_the_cases_of_openmetrics_the_default_mode_takes_the_good_ones_and_those_in_its_list() {
    let Some(parsers) = cases() else {
        println!(
            "skipped: of_the_cases_of_openmetrics_the_default_mode_takes_the_good_ones_and_those_in_its_list (the folder of cases is not here)"
        );
        return;
    };
    let mut taken = Vec::new();
    for case in std::fs::read_dir(parsers).unwrap() {
        let case = case.unwrap().path();
        let said: String =
            std::fs::read_to_string(case.join("test.json")).unwrap().split_whitespace().collect();
        let is_good = said.contains("\"shouldParse\":true");
        let body = std::fs::read(case.join("metrics")).unwrap();
        let mut rig = Rig::new();
        let mut scrape = rig.target.begin(seconds(START), Format::OpenMetrics100);
        let scraped = scrape.feed(&body).and_then(|()| scrape.finish());
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let refuses_only = |reasons: &[Reason]| {
            scraped
                .as_ref()
                .is_ok_and(|scraped| scraped.refused.keys().all(|reason| reasons.contains(reason)))
        };
        if is_good {
            // OpenTelemetry has no gauge histograms, no time of zero, and one point of a series at a time; no sample is of the far future.
            let foreign = [
                reasons::GAUGE_HISTOGRAM,
                reasons::BAD_TIMESTAMP,
                reasons::DUPLICATE_SAMPLE,
                reasons::FUTURE_SAMPLE,
            ];
            assert!(refuses_only(&foreign), "{name}: {scraped:?}");
        } else if refuses_only(&[reasons::GAUGE_HISTOGRAM]) {
            taken.push(name);
        }
    }
    taken.sort();
    let mut listed: Vec<&str> = CASES.iter().flat_map(|(_, cases)| *cases).copied().collect();
    listed.sort_unstable();
    assert_eq!(taken, listed);
}
