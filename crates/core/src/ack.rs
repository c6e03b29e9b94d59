//! Acks (R10): how the fate of a batch travels back to the receiver that waits for it.
//!
//! Clone is split and [`Ack::join`] is merge: a fate is known once every part has met its own, and the worst wins. A part that is
//! dropped without a verdict, by a panic too, is lost as `abandoned`.

use std::sync::Arc;

use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::sync::oneshot;

use crate::ledger::Reason;

/// What became of a batch, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Arrived at its destination, or was left out on purpose and counted.
    Delivered,
    /// Not taken, and counted nowhere as taken: the sender may send it again.
    Refused(Reason),
    /// Taken and then lost, counted under this reason.
    Lost(Reason),
}

/// One part's share in the fate of what a receiver took in. Costs nothing where nobody waits.
#[derive(Debug, Default)]
pub struct Ack(SmallVec<[Part; 1]>);

#[derive(Debug)]
struct Part {
    /// Dropped when custody is taken; its last drop resolves `accepted`.
    accepted: Option<Arc<Signal>>,
    /// Its last drop resolves `exported`.
    exported: Arc<Signal>,
}

/// Waits for the fate of a batch.
#[derive(Debug)]
pub struct Fate {
    accepted: Answer,
    exported: Answer,
}

/// A verdict that is waited for once, and then known.
#[derive(Debug)]
enum Answer {
    Awaited(oneshot::Receiver<Verdict>),
    Known(Verdict),
}

impl Answer {
    async fn wait(&mut self) -> Verdict {
        if let Self::Awaited(receiver) = self {
            *self = Self::Known(receiver.await.unwrap_or(Verdict::Lost(Reason::ABANDONED)));
        }
        match self {
            Self::Known(verdict) => *verdict,
            Self::Awaited(_) => Verdict::Lost(Reason::ABANDONED),
        }
    }
}

#[derive(Debug)]
struct Signal {
    worst: Mutex<Verdict>,
    waiter: Mutex<Option<oneshot::Sender<Verdict>>>,
}

impl Signal {
    fn new() -> (Arc<Self>, oneshot::Receiver<Verdict>) {
        let (waiter, fate) = oneshot::channel();
        let signal = Self { worst: Mutex::new(Verdict::Delivered), waiter: Mutex::new(Some(waiter)) };
        (Arc::new(signal), fate)
    }

    fn report(&self, verdict: Verdict) {
        let mut worst = self.worst.lock();
        *worst = verdict.max(*worst);
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        if let Some(waiter) = self.waiter.lock().take() {
            // Nobody waits any more: then the fate is nobody's concern.
            let _ = waiter.send(*self.worst.lock());
        }
    }
}

impl Ack {
    /// An ack that nobody waits for.
    pub fn none() -> Self {
        Self::default()
    }

    /// An ack and the end that waits for it.
    pub fn new() -> (Self, Fate) {
        let (accepted, accepted_fate) = Signal::new();
        let (exported, exported_fate) = Signal::new();
        let part = Part { accepted: Some(accepted), exported };
        (
            Self(smallvec::smallvec![part]),
            Fate { accepted: Answer::Awaited(accepted_fate), exported: Answer::Awaited(exported_fate) },
        )
    }

    /// Takes `other` in: what is said of this ack is said of both.
    pub fn join(&mut self, mut other: Ack) {
        self.0.append(&mut other.0);
    }

    /// A custodian (queue or window) holds the points now: `accepted` no longer waits for this part.
    pub fn take_custody(&mut self) {
        for part in &mut self.0 {
            part.accepted = None;
        }
    }

    /// Says what became of this part.
    pub fn settle(mut self, verdict: Verdict) {
        self.report(verdict);
        // Taken out, so that `Drop` has nothing left to call abandoned.
        self.0.clear();
    }

    fn report(&self, verdict: Verdict) {
        for part in &self.0 {
            if let Some(accepted) = &part.accepted {
                accepted.report(verdict);
            }
            part.exported.report(verdict);
        }
    }
}

impl Clone for Ack {
    fn clone(&self) -> Self {
        let parts = self.0.iter();
        Self(
            parts
                .map(|part| Part { accepted: part.accepted.clone(), exported: Arc::clone(&part.exported) })
                .collect(),
        )
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        self.report(Verdict::Lost(Reason::ABANDONED));
    }
}

impl Fate {
    /// Waits until every part is in a custodian's hands or settled.
    pub async fn accepted(&mut self) -> Verdict {
        self.accepted.wait().await
    }

    /// Waits until every part is settled.
    pub async fn exported(&mut self) -> Verdict {
        self.exported.wait().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Reason = Reason::QUEUE_FULL;

    #[tokio::test]
    async fn the_worst_of_the_parts_wins() {
        let (ack, mut fate) = Ack::new();
        let other = ack.clone();
        other.settle(Verdict::Refused(FULL));
        ack.settle(Verdict::Delivered);
        assert_eq!(fate.exported().await, Verdict::Refused(FULL));
    }

    #[tokio::test]
    async fn a_dropped_part_is_lost_as_abandoned() {
        let (ack, mut fate) = Ack::new();
        let part = ack.clone();
        ack.settle(Verdict::Delivered);
        drop(part);
        assert_eq!(fate.accepted().await, Verdict::Lost(Reason::ABANDONED));
        assert_eq!(fate.exported().await, Verdict::Lost(Reason::ABANDONED));
    }

    #[tokio::test]
    async fn a_panic_abandons() {
        let (ack, mut fate) = Ack::new();
        let task = tokio::spawn(async move {
            let _held = ack;
            panic!("on purpose");
        });
        assert!(task.await.is_err());
        assert_eq!(fate.exported().await, Verdict::Lost(Reason::ABANDONED));
    }

    #[tokio::test]
    async fn custody_resolves_accepted_before_the_delivery() {
        let (ack, mut fate) = Ack::new();
        let (mut first, mut second) = (ack.clone(), ack);
        first.take_custody();
        second.take_custody();
        assert_eq!(fate.accepted().await, Verdict::Delivered);
        assert_eq!(fate.accepted().await, Verdict::Delivered, "asked again it says the same");
        first.settle(Verdict::Lost(FULL));
        second.settle(Verdict::Delivered);
        assert_eq!(fate.exported().await, Verdict::Lost(FULL));
    }

    #[tokio::test]
    async fn a_joined_ack_speaks_for_both() {
        let (mut a, mut fate_a) = Ack::new();
        let (b, mut fate_b) = Ack::new();
        a.join(b);
        a.settle(Verdict::Lost(FULL));
        assert_eq!(fate_a.exported().await, Verdict::Lost(FULL));
        assert_eq!(fate_b.exported().await, Verdict::Lost(FULL));
    }
}
