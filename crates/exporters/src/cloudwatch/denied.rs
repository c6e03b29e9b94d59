//! Namespaces that CloudWatch does not let us write to: tried by one request a minute, not by each that waits.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use weir_core::UnixNanos;

/// How long a person has before it is tried again.
pub(super) const DENIED_WAIT: Duration = Duration::from_mins(1);

/// The namespaces that are denied, each with the time of its next trial.
#[derive(Debug, Default)]
pub(super) struct Denied(Mutex<BTreeMap<Arc<str>, UnixNanos>>);

impl Denied {
    /// How long requests to `namespace` should wait; `None` to try now.
    pub(super) fn wait(&self, namespace: &str, now: UnixNanos) -> Option<Duration> {
        let until = *self.0.lock().get(namespace)?;
        Some(until.since(now)).filter(|wait| !wait.is_zero())
    }

    /// It was denied. Answers whether that is news.
    pub(super) fn begin(&self, namespace: &Arc<str>, now: UnixNanos) -> bool {
        self.0.lock().insert(Arc::clone(namespace), now.plus(DENIED_WAIT)).is_none()
    }

    /// It was allowed. Answers whether that is news.
    pub(super) fn end(&self, namespace: &str) -> bool {
        self.0.lock().remove(namespace).is_some()
    }
}
