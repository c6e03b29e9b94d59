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

impl Part {
    fn is_awaited(&self) -> bool {
        self.exported.is_awaited() || self.accepted.as_ref().is_some_and(|signal| signal.is_awaited())
    }
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
    told: Told,
}

/// Whom the last drop of a signal tells.
#[derive(Debug)]
enum Told {
    Waiter(Option<oneshot::Sender<Verdict>>),
    Signals(Vec<Arc<Signal>>),
}

impl Signal {
    fn new() -> (Arc<Self>, oneshot::Receiver<Verdict>) {
        let (waiter, fate) = oneshot::channel();
        (Self::telling(Told::Waiter(Some(waiter))), fate)
    }

    fn telling(told: Told) -> Arc<Self> {
        Arc::new(Self { worst: Mutex::new(Verdict::Delivered), told })
    }

    fn is_awaited(&self) -> bool {
        match &self.told {
            Told::Waiter(waiter) => waiter.as_ref().is_some_and(|waiter| !waiter.is_closed()),
            Told::Signals(signals) => signals.iter().any(|signal| signal.is_awaited()),
        }
    }

    fn report(&self, verdict: Verdict) {
        let mut worst = self.worst.lock();
        *worst = verdict.max(*worst);
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        let worst = *self.worst.get_mut();
        match &mut self.told {
            Told::Waiter(waiter) => {
                // Nobody waits any more: then the fate is nobody's concern.
                let _ = waiter.take().map(|waiter| waiter.send(worst));
            }
            Told::Signals(signals) => signals.iter().for_each(|signal| signal.report(worst)),
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

    /// The same ack in one part, so that a clone of it costs one: for who splits what many batches were joined in. Parts that
    /// nobody waits for any more are let go.
    pub fn shared(mut self) -> Self {
        let mut parts = std::mem::take(&mut self.0);
        parts.retain(|part| part.is_awaited());
        if parts.len() > 1 {
            let accepted: Vec<_> = parts.iter_mut().filter_map(|part| part.accepted.take()).collect();
            let exported = parts.into_iter().map(|part| part.exported).collect();
            parts = smallvec::smallvec![Part {
                accepted: (!accepted.is_empty()).then(|| Signal::telling(Told::Signals(accepted))),
                exported: Signal::telling(Told::Signals(exported)),
            }];
        }
        Self(parts)
    }

    /// Bytes beside the ack itself that a clone would ask for again: none of an ack in one part.
    pub fn memory(&self) -> usize {
        if self.0.spilled() { self.0.capacity() * size_of::<Part>() } else { 0 }
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

    /// As many acks in one, and their fates.
    fn joined(count: usize) -> (Ack, Vec<Fate>) {
        let (acks, fates): (Vec<_>, Vec<_>) = (0..count).map(|_| Ack::new()).unzip();
        let mut all = Ack::none();
        acks.into_iter().for_each(|ack| all.join(ack));
        (all, fates)
    }

    #[tokio::test]
    async fn a_shared_ack_costs_one_part_and_speaks_for_all() {
        let (ack, mut fates) = joined(1000);
        assert!(ack.memory() >= 1000 * size_of::<Part>(), "what there is to save");
        let ack = ack.shared();
        let parts = [ack.clone(), ack.clone(), ack];
        assert_eq!(parts.each_ref().map(|part| (part.0.len(), part.memory())), [(1, 0); 3]);
        let [first, second, last] = parts;
        first.settle(Verdict::Lost(FULL));
        second.settle(Verdict::Delivered);
        tokio::select! {
            biased;
            verdict = fates[0].exported() => panic!("{verdict:?}, with a part that has not met its fate"),
            () = std::future::ready(()) => {}
        }
        last.settle(Verdict::Delivered);
        for fate in &mut fates {
            assert_eq!(fate.exported().await, Verdict::Lost(FULL));
        }
    }

    #[tokio::test]
    async fn a_dropped_part_of_a_shared_ack_is_lost_as_abandoned() {
        let (ack, mut fates) = joined(2);
        let ack = ack.shared();
        drop(ack.clone());
        ack.settle(Verdict::Delivered);
        for fate in &mut fates {
            assert_eq!(fate.accepted().await, Verdict::Lost(Reason::ABANDONED));
            assert_eq!(fate.exported().await, Verdict::Lost(Reason::ABANDONED));
        }
    }

    #[tokio::test]
    async fn custody_of_every_part_of_a_shared_ack_resolves_accepted() {
        let (ack, mut fates) = joined(2);
        let mut first = ack.shared();
        let mut second = first.clone();
        first.take_custody();
        second.take_custody();
        for fate in &mut fates {
            assert_eq!(fate.accepted().await, Verdict::Delivered);
        }
        first.settle(Verdict::Delivered);
        second.settle(Verdict::Refused(FULL));
        for fate in &mut fates {
            assert_eq!(fate.exported().await, Verdict::Refused(FULL));
        }
    }

    #[tokio::test]
    async fn a_shared_ack_lets_go_of_who_waits_no_more() {
        let (ack, mut fates) = joined(3);
        fates.truncate(1);
        let ack = ack.shared();
        assert!(matches!(ack.0[0].exported.told, Told::Waiter(_)), "the only one that is left, as it was");
        ack.settle(Verdict::Lost(FULL));
        assert_eq!(fates[0].exported().await, Verdict::Lost(FULL));
        let (ack, fates) = joined(3);
        drop(fates);
        assert!(ack.shared().0.is_empty());
    }
}
