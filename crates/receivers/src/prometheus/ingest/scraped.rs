//! What came of a scrape.

use std::collections::BTreeMap;

use weir_core::{Batch, NodeLedger, Reason};
use weir_exposition::Fault;

use super::reasons::RELABELLED;

/// Samples and points of a scrape.
#[derive(Debug, Default)]
pub struct Scraped {
    /// The points, in batches of at most [`MAX_POINTS`](weir_core::MAX_POINTS), without acks.
    pub batches: Vec<Batch>,
    /// Samples in the body: `scrape_samples_scraped`.
    pub samples: u64,
    /// Samples that relabelling kept: `scrape_samples_post_metric_relabeling`.
    pub samples_kept: u64,
    /// Series that the last scrape did not have: `scrape_series_added`.
    pub series_added: u64,
    /// Exemplars that were left behind.
    pub exemplars: u64,
    /// Of the points in `batches`, those that the receiver made: markers of staleness, and what it reports about the target.
    pub made: u64,
    /// What was not taken, and why.
    pub refused: BTreeMap<Reason, u64>,
    /// One line of the body that was refused, for the log.
    pub example: Option<String>,
}

impl Scraped {
    /// How many points there are to send.
    pub fn points(&self) -> u64 {
        self.batches.iter().map(Batch::points).sum()
    }

    /// Enters everything but the sending into the receiver's ledger: the points, and one for each sample or line that was refused or
    /// left out.
    pub fn enter(&self, ledger: &NodeLedger) {
        let refused: u64 = self.refused.values().sum();
        let left_out = self.samples - self.samples_kept;
        ledger.take(self.points() - self.made + refused + left_out);
        ledger.drop_points(RELABELLED, left_out);
        ledger.make(self.made);
        self.refused.iter().for_each(|(reason, samples)| ledger.refuse(*reason, *samples));
        ledger.leave_exemplars(self.exemplars);
    }
}

/// Why a scrape failed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The body is not of the format: in strict mode anything, otherwise its end or all of it.
    #[error("{unit} {number}: {fault}")]
    Malformed {
        /// What is counted: `line`; in the protobuf format `metric`, and `byte` of what is no message.
        unit: &'static str,
        /// Which, from 1.
        number: u64,
        /// What is wrong.
        fault: Fault,
    },
    /// Strict mode: a sample that cannot be taken.
    #[error("{unit} {number}: {reason}: {what}")]
    Refused {
        /// What is counted: `line`, or `metric` in the protobuf format.
        unit: &'static str,
        /// Which, from 1.
        number: u64,
        /// Why.
        reason: Reason,
        /// Of what.
        what: String,
    },
    /// More samples than `sample_limit`.
    #[error("more than {0} samples after relabelling (sample_limit)")]
    Samples(u64),
    /// More points than a scrape may hold until its end, in bytes.
    #[error("its points take more than {0} bytes, all of which are held until its end")]
    InHand(u64),
    /// A series with more labels than `label_limit`.
    #[error("{found} labels, more than {limit} (label_limit): {series}")]
    Labels {
        /// How many.
        found: usize,
        /// The limit.
        limit: usize,
        /// The metric's name.
        series: String,
    },
    /// A label name longer than `label_name_length_limit`.
    #[error("a label name of {found} bytes, more than {limit} (label_name_length_limit): {series}")]
    LabelName {
        /// Its length.
        found: usize,
        /// The limit.
        limit: usize,
        /// The metric's name.
        series: String,
    },
    /// A label value longer than `label_value_length_limit`.
    #[error("a label value of {found} bytes, more than {limit} (label_value_length_limit): {series}")]
    LabelValue {
        /// Its length.
        found: usize,
        /// The limit.
        limit: usize,
        /// The metric's name.
        series: String,
    },
}

impl Failure {
    /// One word for the label of a self-metric.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "malformed",
            Self::Refused { reason, .. } => reason.0,
            Self::Samples(_) => "sample_limit",
            Self::InHand(_) => "too_many_points",
            Self::Labels { .. } => "label_limit",
            Self::LabelName { .. } => "label_name_length_limit",
            Self::LabelValue { .. } => "label_value_length_limit",
        }
    }
}
