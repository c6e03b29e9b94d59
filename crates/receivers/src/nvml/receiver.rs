//! The loop: a round whenever the clock shows a multiple of an interval that something is asked for at.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::task::AbortOnDropHandle;
use weir_core::{ComponentError, Context, InHand, Output, Receiver, UnixNanos};

use super::{
    catalogue::{TIERS, Tier},
    config::NvmlConfig,
    fleet::Fleet,
    gpu::Due,
    pods::poll,
    session::Report,
};
use crate::rounds::{following, send};

/// Asks GPUs at intervals.
#[derive(Debug)]
pub(super) struct NvmlReceiver {
    config: NvmlConfig,
    context: Context,
}

impl NvmlReceiver {
    pub(super) fn new(config: NvmlConfig, context: Context) -> Self {
        Self { config, context }
    }

    fn interval(&self, tier: Tier) -> Duration {
        let intervals = &self.config.intervals;
        match tier {
            Tier::Fast => intervals.fast.as_std(),
            Tier::Medium => intervals.medium.as_std(),
            Tier::Slow => intervals.slow.as_std(),
        }
    }
}

#[async_trait]
impl Receiver for NvmlReceiver {
    async fn run(self: Box<Self>, output: Output) -> Result<(), ComponentError> {
        let (reports, mut inbox) = unbounded_channel();
        let context = &self.context;
        let clock = &context.clock;
        let _pods = self.config.has_pods().then(|| self.ask_for_pods(reports.clone()));
        let mut fleet = Fleet::new(self.config.clone(), context, reports);
        let asked = TIERS.map(|tier| fleet.asks(tier).then(|| self.interval(tier)));
        // The first round has everything: what is asked for once a minute is then there at once.
        let delay = if context.drain.once { Duration::ZERO } else { self.config.initial_delay.as_std() };
        let mut next = [clock.now().plus(delay); 3];
        loop {
            if fleet.is_alarmed() {
                // Not at once: so no driver that tells of trouble without end makes rounds without end.
                let fast =
                    asked[0].map_or_else(|| following(clock.now(), self.interval(Tier::Fast)), |_| next[0]);
                next = next.map(|next| next.min(fast));
            }
            let at = soonest(&next, &asked);
            tokio::select! {
                biased;
                () = context.drain.begun.cancelled() => return Ok(()),
                Some(report) = inbox.recv() => {
                    fleet.take(report, clock.now());
                    continue;
                }
                () = clock.sleep_until(at) => {}
            }
            let now = clock.now();
            let due = Due([0, 1, 2].map(|tier| asked[tier].is_some() && next[tier] <= now));
            fleet.tend(now);
            let has_ended = self.wait(&mut fleet, &mut inbox, Until::Open).await;
            fleet.ask(due);
            if has_ended || self.wait(&mut fleet, &mut inbox, Until::Answered).await {
                return Ok(());
            }
            fleet.give_up();
            let batch = fleet.report(due, clock.now());
            let in_hand = InHand::new(&context.ledger, batch.points());
            send(batch, in_hand, &output, context).await;
            if context.drain.once {
                return Ok(());
            }
            for tier in [0, 1, 2] {
                if let (true, Some(interval)) = (due.0[tier], asked[tier]) {
                    next[tier] = following(clock.now(), interval);
                }
            }
        }
    }

    fn retention(&self) -> Duration {
        self.config.intervals.slow.as_std() * 2
    }
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    Open,
    Answered,
}

impl NvmlReceiver {
    /// Asks the kubelet for pods in a task of its own, until what this answers is dropped.
    fn ask_for_pods(&self, reports: UnboundedSender<Report>) -> AbortOnDropHandle<()> {
        let tell = move |is_up, pods| {
            let _ = reports.send(Report::Pods(is_up, pods)); // the receiver may have ended
        };
        let (config, context) = (self.config.pods.clone(), self.context.clone());
        AbortOnDropHandle::new(tokio::spawn(poll(config, self.interval(Tier::Medium), context, tell)))
    }

    /// Takes reports until nothing is waited for, or the timeout; `true` where the drain has begun.
    async fn wait(&self, fleet: &mut Fleet, inbox: &mut UnboundedReceiver<Report>, until: Until) -> bool {
        let clock = &self.context.clock;
        let deadline = clock.now().plus(self.config.timeout.as_std());
        // An opening that takes longer, or of what has GPUs already, goes on beside the rounds.
        while fleet.is_waiting(until == Until::Open) {
            tokio::select! {
                biased;
                () = self.context.drain.begun.cancelled() => return true,
                Some(report) = inbox.recv() => fleet.take(report, clock.now()),
                () = clock.sleep_until(deadline) => return false,
            }
        }
        false
    }
}

/// When the next tier is due.
fn soonest(next: &[UnixNanos; 3], asked: &[Option<Duration>; 3]) -> UnixNanos {
    let asked = next.iter().zip(asked).filter(|(_, interval)| interval.is_some());
    asked.map(|(next, _)| *next).min().unwrap_or(UnixNanos(u64::MAX))
}
