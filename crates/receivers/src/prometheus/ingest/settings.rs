//! What a scrape configuration says about the samples of its targets.

use super::Labels;
use crate::prometheus::relabel::Relabel;

/// What is the same for all targets of a job.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `metric_relabel_configs`: applied once to each new series.
    pub relabel: Relabel,
    /// `external_labels`: put on what has none of that name, after relabelling, which does not see them.
    pub external_labels: Labels,
    /// `honor_labels`: where a sample and its target have a label of the same name, that of the sample stays. Otherwise the
    /// sample's becomes `exported_<name>`.
    pub honor_labels: bool,
    /// `honor_timestamps`: timestamps in the body count.
    pub honor_timestamps: bool,
    /// `track_timestamps_staleness`: series with timestamps of their own go stale too.
    pub track_timestamps_staleness: bool,
    /// `scrape_native_histograms`: otherwise they are left out, and their classic form is read.
    pub native_histograms: bool,
    /// `always_scrape_classic_histograms`: the classic form of a native histogram too.
    pub always_classic_histograms: bool,
    /// `metric_name_validation_scheme: legacy`: names beyond ASCII letters, digits, underscore and colon are refused.
    pub legacy_names: bool,
    /// Whatever is not exactly as the format's specification says fails the scrape.
    pub strict: bool,
    /// The limits. A breach fails the scrape.
    pub limits: Limits,
    /// How many bytes the points of a scrape may take, all of which are held until its end. More fail it.
    pub max_in_hand: u64,
    /// How many bytes the lines may have that are known again, one of which may have a mebibyte. What is beyond is read anew.
    pub max_line_bytes: u64,
}

/// Room for six million numbers, or for two million lines: what a page of some hundred megabytes has.
const MAX_BYTES: u64 = 256 << 20;

impl Default for Settings {
    fn default() -> Self {
        Self {
            relabel: Relabel::default(),
            external_labels: Labels::new(),
            honor_labels: false,
            honor_timestamps: true,
            track_timestamps_staleness: false,
            native_histograms: false,
            always_classic_histograms: false,
            legacy_names: false,
            strict: false,
            limits: Limits::default(),
            max_in_hand: MAX_BYTES,
            max_line_bytes: MAX_BYTES,
        }
    }
}

/// Limits on what a scrape brings; zero is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// `sample_limit`: samples after relabelling.
    pub samples: u64,
    /// `label_limit`: labels of a series.
    pub labels: usize,
    /// `label_name_length_limit`, in bytes.
    pub label_name_length: usize,
    /// `label_value_length_limit`, in bytes.
    pub label_value_length: usize,
    /// `native_histogram_bucket_limit`: a histogram with more buckets is made coarser.
    pub native_buckets: usize,
}
