//! The table of targets: what `/targets` and `weir targets` show, and what the metrics count.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use weir_core::{TargetRow, TargetState, Targets, UnixNanos};

use super::{identity::Spec, ingest::Labels};

/// A target's number, given out once.
pub(super) type Id = u64;

/// What came of a scrape.
#[derive(Clone, Debug)]
pub(super) struct Last {
    pub(super) at: UnixNanos,
    pub(super) duration: Duration,
    pub(super) samples: u64,
    /// One word, and the whole of it.
    pub(super) failure: Option<(&'static str, String)>,
}

/// Every target of a receiver.
#[derive(Debug, Default)]
pub(super) struct Table(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    targets: HashMap<Id, Row>,
    /// By job: those that relabelling left out, as many as are to be shown, and how many there are.
    dropped: HashMap<Arc<str>, (Vec<Labels>, u64)>,
    outcomes: BTreeMap<&'static str, u64>,
}

#[derive(Debug)]
struct Row {
    job: Arc<str>,
    spec: Arc<Spec>,
    last: Option<Last>,
}

impl Row {
    fn state(&self) -> TargetState {
        match &self.last {
            None => TargetState::Unknown,
            Some(Last { failure: None, .. }) => TargetState::Up,
            Some(_) => TargetState::Down,
        }
    }
}

impl Table {
    pub(super) fn add(&self, id: Id, job: &Arc<str>, spec: &Arc<Spec>) {
        let row = Row { job: Arc::clone(job), spec: Arc::clone(spec), last: None };
        self.0.lock().targets.insert(id, row);
    }

    pub(super) fn remove(&self, id: Id) {
        self.0.lock().targets.remove(&id);
    }

    /// What relabelling leaves out of a job: `shown` of `all`.
    pub(super) fn set_dropped(&self, job: &Arc<str>, shown: Vec<Labels>, all: u64) {
        self.0.lock().dropped.insert(Arc::clone(job), (shown, all));
    }

    pub(super) fn scraped(&self, id: Id, last: Last) {
        let mut inner = self.0.lock();
        let outcome = last.failure.as_ref().map_or("ok", |(word, _)| word);
        *inner.outcomes.entry(outcome).or_default() += 1;
        if let Some(row) = inner.targets.get_mut(&id) {
            row.last = Some(last);
        }
    }

    /// A scrape that did not come about, for a reason that is not the target's.
    pub(super) fn skipped(&self, outcome: &'static str) {
        *self.0.lock().outcomes.entry(outcome).or_default() += 1;
    }
}

impl Targets for Table {
    fn rows(&self) -> Vec<TargetRow> {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let inner = self.0.lock();
        let of_target = |row: &Row| {
            let last = row.last.as_ref();
            let failure = last.and_then(|last| last.failure.as_ref());
            TargetRow {
                job: row.job.to_string(),
                url: row.spec.url.clone(),
                labels: row.spec.shown().map(owned).collect(),
                state: row.state(),
                last_scrape: last.map(|last| last.at.0 as f64 / 1e9),
                duration: last.map(|last| last.duration.as_secs_f64()),
                samples: last.map(|last| last.samples),
                reason: failure.map(|(word, _)| *word),
                error: failure.map(|(_, words)| words.clone()),
            }
        };
        let mut rows: Vec<TargetRow> = inner.targets.values().map(of_target).collect();
        for (job, (shown, _)) in &inner.dropped {
            rows.extend(shown.iter().map(|labels| TargetRow {
                job: job.to_string(),
                url: labels.get(super::discovery::ADDRESS).to_owned(),
                labels: labels.iter().map(owned).collect(),
                state: TargetState::Dropped,
                last_scrape: None,
                duration: None,
                samples: None,
                reason: None,
                error: None,
            }));
        }
        rows.sort_by(|one, other| (&one.job, &one.url).cmp(&(&other.job, &other.url)));
        rows
    }

    fn states(&self) -> BTreeMap<TargetState, u64> {
        let inner = self.0.lock();
        let mut states: BTreeMap<TargetState, u64> = BTreeMap::new();
        for row in inner.targets.values() {
            *states.entry(row.state()).or_default() += 1;
        }
        let dropped = inner.dropped.values().map(|(_, all)| all).sum();
        if dropped > 0 {
            states.insert(TargetState::Dropped, dropped);
        }
        states
    }

    fn outcomes(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().outcomes.clone()
    }
}
