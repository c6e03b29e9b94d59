//! What each component says of itself: the rows of `/status`.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, OnceLock},
};

use parking_lot::Mutex;
use serde::Serialize;

use crate::{
    clock::{Clock, UnixNanos},
    targets::Targets,
};

/// A component's own word on how it does.
#[derive(Clone)]
pub struct Status {
    clock: Clock,
    row: Arc<Mutex<StatusRow>>,
    targets: Arc<OnceLock<Arc<dyn Targets>>>,
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Status").field("row", &self.row).finish_non_exhaustive()
    }
}

/// What is known of a component. Times are seconds since the Unix epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StatusRow {
    /// When it last did its work: a scrape, a request, a delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success: Option<u64>,
    /// When it last failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error_at: Option<u64>,
    /// The words of the last failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// What it still waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
    /// Why only a new container can help it: `/live` fails for as long as this stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs_restart: Option<String>,
    /// Where it listens.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listening: Vec<String>,
    /// The time of the newest data that was exported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exported_up_to: Option<u64>,
    /// What the destination refused for good last, the newest at the end; at most [`MAX_QUARANTINED`].
    #[serde(skip_serializing_if = "VecDeque::is_empty")]
    pub quarantine: VecDeque<Quarantined>,
}

/// An item that the destination refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quarantined {
    /// When it was refused, in seconds since the Unix epoch.
    pub at: u64,
    /// The destination's words.
    pub why: String,
    /// The item, in a line.
    pub item: String,
}

/// How many quarantined items are kept for who looks into it.
pub const MAX_QUARANTINED: usize = 32;

impl Status {
    /// An empty row.
    pub fn new(clock: Clock) -> Self {
        Self { clock, row: Arc::default(), targets: Arc::default() }
    }

    /// The work was done once more; nothing is waited for.
    pub fn succeeded(&self) {
        let mut row = self.row.lock();
        row.last_success = Some(self.clock.now().seconds());
        row.pending = None;
        row.needs_restart = None;
    }

    /// It cannot mend itself, and whoever restarts it may: `/live` says so until it succeeds again.
    pub fn needs_restart(&self, why: impl std::fmt::Display) {
        self.row.lock().needs_restart = Some(why.to_string());
    }

    /// Something is still waited for, and the rest goes on.
    pub fn pending(&self, what: impl std::fmt::Display) {
        self.row.lock().pending = Some(what.to_string());
    }

    /// The work failed; in words that a person can act on, without secrets.
    pub fn failed(&self, error: impl std::fmt::Display) {
        let mut row = self.row.lock();
        row.last_error_at = Some(self.clock.now().seconds());
        row.last_error = Some(error.to_string());
    }

    /// Why only a restart can help it, if so.
    pub fn restart_reason(&self) -> Option<String> {
        self.row.lock().needs_restart.clone()
    }

    /// The destination refused an item for good.
    pub fn quarantine(&self, why: impl Into<String>, item: impl Into<String>) {
        let quarantined = Quarantined { at: self.clock.now().seconds(), why: why.into(), item: item.into() };
        let mut row = self.row.lock();
        if row.quarantine.len() == MAX_QUARANTINED {
            row.quarantine.pop_front();
        }
        row.quarantine.push_back(quarantined);
    }

    /// A listener is bound.
    pub fn listening(&self, address: impl std::fmt::Display) {
        self.row.lock().listening.push(address.to_string());
    }

    /// Data up to `time` has arrived at the destination.
    pub fn exported_up_to(&self, time: UnixNanos) {
        let mut row = self.row.lock();
        row.exported_up_to = row.exported_up_to.max(Some(time.seconds()));
    }

    /// Whom the component asks: said once, at its start.
    pub fn asks(&self, targets: Arc<dyn Targets>) {
        let _ = self.targets.set(targets);
    }

    /// Whom it asks, if it asks anybody.
    pub fn targets(&self) -> Option<Arc<dyn Targets>> {
        self.targets.get().cloned()
    }

    /// The row as it is now.
    pub fn read(&self) -> StatusRow {
        self.row.lock().clone()
    }
}
