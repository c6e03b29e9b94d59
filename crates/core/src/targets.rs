//! Targets: what a receiver that asks others knows of each of them. The rows of `/targets`.

use std::collections::BTreeMap;

use serde::Serialize;

/// What a receiver knows of whom it asks.
pub trait Targets: Send + Sync {
    /// A row a target. Made anew for each call.
    fn rows(&self) -> Vec<TargetRow>;

    /// How many targets there are in each state.
    fn states(&self) -> BTreeMap<TargetState, u64>;

    /// How many rounds ended in which way: `ok`, or why one failed.
    fn outcomes(&self) -> BTreeMap<&'static str, u64>;
}

/// How a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetState {
    /// Its last scrape succeeded.
    Up,
    /// Its last scrape failed.
    Down,
    /// It was not scraped yet.
    Unknown,
    /// It is left out by relabelling, and never scraped.
    Dropped,
}

impl TargetState {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Unknown => "unknown",
            Self::Dropped => "dropped",
        }
    }
}

/// A target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetRow {
    /// The job that it belongs to.
    pub job: String,
    /// Where it is asked; of a dropped one its address.
    pub url: String,
    /// Its labels; of a dropped one those that it was discovered with.
    pub labels: BTreeMap<String, String>,
    /// How it is.
    pub state: TargetState,
    /// When it was last asked, in seconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_scrape: Option<f64>,
    /// How long that took, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// How many samples it gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<u64>,
    /// One word why that failed, as in `weir_scrapes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Why that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The targets of one receiver.
#[derive(Clone, Debug, Serialize)]
pub struct ComponentTargets {
    /// The receiver, such as `receiver prometheus`.
    pub component: String,
    /// Its targets.
    pub targets: Vec<TargetRow>,
}
