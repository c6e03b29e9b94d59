//! Slow knowledge (R8): what detectors find out of the host, the pod or the cloud, some time after the start.
//!
//! A processor asks for detectors when it is built, and reads what they found whenever the version has changed. The graph runs
//! them beside the nodes: they never hold up the start, and one that fails or panics ends nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::{clock::Clock, health::Health, ledger::Reason, status::Status, value::Attributes};

/// Failures of a detector that are logged, until something is found: their words may hold what others say.
const MAX_SAID: usize = 16;

/// Finds something out, in its own time.
#[async_trait]
pub trait Detector: Send {
    /// What can be told without waiting: the environment, a small file of this machine.
    fn at_once(&mut self) -> Attributes {
        Attributes::default()
    }

    /// Goes on from there until there is nothing left to find out, or for ever where it may change.
    async fn run(self: Box<Self>, findings: Findings);
}

/// The process's metadata: detectors publish, processors read.
#[derive(Clone, Debug, Default)]
pub struct Metadata(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Grows with every change.
    version: AtomicU64,
    rows: Mutex<Vec<Row>>,
}

/// A detector that somebody asked for.
struct Row {
    name: Arc<str>,
    /// Its name and settings: who asks for the same is given the same.
    key: String,
    found: Attributes,
    is_ready: bool,
    failures: BTreeMap<Reason, u64>,
    /// Until it is started.
    waiting: Option<Box<dyn Detector>>,
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("key", &self.key).field("found", &self.found).finish_non_exhaustive()
    }
}

/// What one detector finds out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source(usize);

/// How a detector does, for self-telemetry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectorState {
    /// Its name, such as `ec2`.
    pub name: Arc<str>,
    /// Whether it has found everything that it looks for.
    pub is_ready: bool,
    /// Its failed attempts, by reason.
    pub failures: BTreeMap<Reason, u64>,
}

impl Metadata {
    /// Asks for the detector `name` with these settings, made by `make` unless somebody has asked for the same before.
    pub fn ask(&self, name: &str, settings: &str, make: impl FnOnce() -> Box<dyn Detector>) -> Source {
        let key = format!("{name} {settings}");
        let mut rows = self.0.rows.lock();
        if let Some(at) = rows.iter().position(|row| row.key == key) {
            return Source(at);
        }
        let mut detector = make();
        let found = detector.at_once();
        // Of one name with other settings: a number tells them apart.
        let same = rows.iter().filter(|row| row.key.split(' ').next() == Some(name)).count();
        let name = if same == 0 { Arc::from(name) } else { Arc::from(format!("{name}#{}", same + 1)) };
        let is_ready = !found.is_empty();
        rows.push(Row { name, key, found, is_ready, failures: BTreeMap::new(), waiting: Some(detector) });
        self.0.version.fetch_add(1, Relaxed);
        Source(rows.len() - 1)
    }

    /// Grows with every change: who caches what follows from the findings compares it.
    pub fn version(&self) -> u64 {
        self.0.version.load(Relaxed)
    }

    /// What the detectors behind `sources` have found; of several values of one name the first source's counts.
    pub fn found(&self, sources: &[Source]) -> Attributes {
        let rows = self.0.rows.lock();
        // The last of several values under one key stays in a set of attributes.
        let of_last_first = sources.iter().rev().filter_map(|source| rows.get(source.0));
        Attributes::new(of_last_first.flat_map(|row| row.found.iter().cloned()).collect())
    }

    /// How each detector does.
    pub fn detectors(&self) -> Vec<DetectorState> {
        let state = |row: &Row| DetectorState {
            name: Arc::clone(&row.name),
            is_ready: row.is_ready,
            failures: row.failures.clone(),
        };
        self.0.rows.lock().iter().map(state).collect()
    }

    /// The detectors that wait to be started, each with the place for its findings and its row in `/status`.
    pub fn take_waiting(&self, clock: &Clock, health: &Health) -> Vec<(Box<dyn Detector>, Findings)> {
        let mut rows = self.0.rows.lock();
        let waiting = rows.iter_mut().enumerate().filter_map(|(at, row)| {
            let detector = row.waiting.take()?;
            let status = Status::new(clock.clone());
            health.add_status(format!("detector {}", row.name), status.clone());
            match row.is_ready {
                true => status.succeeded(),
                false => status.pending("nothing is found yet"),
            }
            let (metadata, name) = (self.clone(), Arc::clone(&row.name));
            Some((
                detector,
                Findings { metadata, at, name, clock: clock.clone(), status, said: BTreeSet::new() },
            ))
        });
        waiting.collect()
    }

    fn change(&self, at: usize, change: impl FnOnce(&mut Row)) {
        if let Some(row) = self.0.rows.lock().get_mut(at) {
            change(row);
        }
    }
}

/// Where a detector puts what it finds.
#[derive(Debug)]
pub struct Findings {
    metadata: Metadata,
    at: usize,
    name: Arc<str>,
    clock: Clock,
    status: Status,
    /// The failures that were logged since something was found: a cause is one line, and two may take turns.
    said: BTreeSet<String>,
}

impl Findings {
    /// The name of the detector.
    pub fn detector(&self) -> &Arc<str> {
        &self.name
    }

    /// Its row in `/status`.
    pub(crate) fn status(&self) -> &Status {
        &self.status
    }

    /// The time.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// This is what it knows now, in place of what it knew; `missing` says what it still looks for.
    pub fn publish(&mut self, found: Attributes, missing: Option<&str>) {
        let mut changed = false;
        self.metadata.change(self.at, |row| {
            changed = row.found != found;
            row.is_ready = missing.is_none();
            row.found = found;
        });
        match missing {
            None => self.status.succeeded(),
            Some(missing) => self.status.pending(missing),
        }
        if changed {
            self.metadata.0.version.fetch_add(1, Relaxed);
            let names = self.names();
            tracing::info!(detector = %self.name, missing, "found {}", names.join(", "));
        }
        self.said.clear();
    }

    /// An attempt failed, in words that a person can act on; another follows. What was known stays known.
    pub fn fail(&mut self, reason: Reason, words: &str) {
        self.count(reason, words);
        if self.said.len() < MAX_SAID && self.said.insert(words.to_owned()) {
            tracing::warn!(detector = %self.name, reason = reason.0, "{words}; it tries again, and data goes on without");
        }
    }

    /// It will find nothing more, whatever time passes.
    pub fn give_up(&mut self, reason: Reason, words: &str) {
        self.count(reason, words);
        tracing::warn!(detector = %self.name, reason = reason.0, "{words}; data goes on without");
    }

    fn count(&self, reason: Reason, words: &str) {
        self.metadata.change(self.at, |row| *row.failures.entry(reason).or_default() += 1);
        self.status.failed(words);
    }

    fn names(&self) -> Vec<String> {
        let found = self.metadata.found(&[Source(self.at)]);
        found.iter().map(|kv| format!("{}={}", kv.key, kv.value)).collect()
    }
}

#[cfg(test)]
mod tests;
