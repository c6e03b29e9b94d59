//! Namespaces that CloudWatch does not let us write to: tried by one request a minute, not by each that waits.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use weir_core::UnixNanos;

/// How long a person has before it is tried again.
pub(super) const DENIED_WAIT: Duration = Duration::from_mins(1);

/// How long after its trial was due a namespace is forgotten: what waits tries every minute, so nothing waits for it any more.
const FORGOTTEN: Duration = Duration::from_hours(1);

/// Namespaces that are news at a time. Senders may choose namespaces, and each that is news is a line in the log.
const MAX_NEWS: usize = 64;

/// The namespaces that are denied.
#[derive(Debug, Default)]
pub(super) struct Denied(Mutex<BTreeMap<Arc<str>, Trial>>);

#[derive(Debug)]
struct Trial {
    next: UnixNanos,
    /// Whether a request is under way that is to find out.
    is_under_way: bool,
    /// Whether it was news that it is denied: then it is news that it is allowed.
    was_news: bool,
}

impl Denied {
    /// How long a request to `namespace` should wait; `None` to try now. Who is told so is the trial, and others wait for what becomes
    /// of it.
    pub(super) fn claim(&self, namespace: &str, now: UnixNanos) -> Option<Duration> {
        let mut denied = self.0.lock();
        let trial = denied.get_mut(namespace)?;
        let wait = trial.next.since(now);
        if wait.is_zero() {
            (trial.next, trial.is_under_way) = (now.plus(DENIED_WAIT), true);
            return None;
        }
        Some(wait)
    }

    /// The trial failed for another reason, and found nothing out: the next request is one.
    pub(super) fn release(&self, namespace: &str, now: UnixNanos) {
        if let Some(trial) = self.0.lock().get_mut(namespace).filter(|trial| trial.is_under_way) {
            (trial.next, trial.is_under_way) = (now, false);
        }
    }

    /// It was denied. Answers whether that is news: of the first [`MAX_NEWS`] at a time.
    pub(super) fn begin(&self, namespace: &Arc<str>, now: UnixNanos) -> bool {
        let mut denied = self.0.lock();
        let next = now.plus(DENIED_WAIT);
        if let Some(known) = denied.get_mut(namespace) {
            (known.next, known.is_under_way) = (next, false);
            return false;
        }
        denied.retain(|_, trial| now.since(trial.next) < FORGOTTEN);
        let was_news = denied.len() < MAX_NEWS;
        denied.insert(Arc::clone(namespace), Trial { next, is_under_way: false, was_news });
        was_news
    }

    /// It was allowed. Answers whether that is news.
    pub(super) fn end(&self, namespace: &str) -> bool {
        self.0.lock().remove(namespace).is_some_and(|trial| trial.was_news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> UnixNanos {
        UnixNanos(seconds * 1_000_000_000)
    }

    #[test]
    fn a_namespace_waits_a_minute_and_is_news_once() {
        let (denied, name) = (Denied::default(), Arc::from("A"));
        assert!(denied.begin(&name, at(0)) && !denied.begin(&name, at(60)));
        assert_eq!(denied.claim("A", at(100)), Some(Duration::from_secs(20)));
        assert_eq!((denied.claim("A", at(120)), denied.claim("B", at(0))), (None, None));
        assert_eq!(denied.claim("A", at(121)), Some(Duration::from_secs(59)), "one is the trial of all");
        assert!(denied.end("A") && !denied.end("A"));
    }

    #[test]
    fn a_trial_that_found_nothing_out_is_followed_by_the_next_request() {
        let (denied, name) = (Denied::default(), Arc::from("A"));
        denied.begin(&name, at(0));
        denied.release("A", at(1));
        assert!(denied.claim("A", at(1)).is_some(), "what was under way before was no trial");
        assert_eq!(denied.claim("A", at(60)), None);
        denied.release("A", at(61));
        assert_eq!(denied.claim("A", at(61)), None);
        denied.begin(&name, at(62));
        denied.release("A", at(62));
        assert_eq!(denied.claim("A", at(62)), Some(DENIED_WAIT));
    }

    #[test]
    fn namespaces_without_end_are_neither_news_nor_kept() {
        let denied = Denied::default();
        let news = (0..1000).filter(|name| denied.begin(&name.to_string().into(), at(0))).count();
        assert_eq!(news, 64);
        assert!(denied.claim("999", at(1)).is_some() && !denied.end("999"), "held like the others");
        assert!(denied.begin(&Arc::from("later"), at(60 + 3600)));
        assert_eq!(denied.0.lock().len(), 1);
    }
}
