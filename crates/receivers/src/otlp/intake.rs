//! What happens to a request, whatever it came by: it is resolved, sent on, and answered when its points are in good hands.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hyper::HeaderMap;
use prost::bytes::Bytes;
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use weir_core::{Ack, Batch, Context, Door, Fate, NodeLedger, NotTaken, Output, Quiet, Reason, Verdict};
use weir_net::Authenticator;

use super::{
    answer::NotTakenIn,
    config::{Acknowledge, OtlpConfig},
    peer::Peer,
    refusals::{CLIENT_GONE, REQUESTS_FULL, Refusals, TOO_SLOW},
    resolve::{Decoded, resolve_bytes},
    room::{Full, Held, Room},
};

/// How long points wait for room behind the receiver before their sender is asked to come again: less than the 10 s after
/// which SDKs give up on their own, and then do not know why.
const ROOM_WAIT: Duration = Duration::from_secs(5);
/// How long `accepted` waits for custody of points that were sent on: with [`ROOM_WAIT`], less than the 10 s of SDKs. A branch that
/// hangs for longer has the points all the same, within its edge's bound and on Weir's account; a sender that gave up would bring
/// them again, and they would count twice.
const CUSTODY_WAIT: Duration = Duration::from_secs(4);
/// How long a sender waits to be known before it is asked to come again: less than the 10 s after which SDKs give up.
const AUTH_WAIT: Duration = Duration::from_secs(5);
/// How long a request may still arrive once draining has begun.
const ARRIVAL_GRACE: Duration = Duration::from_secs(5);
/// How long exporters have to settle what is left after they were told to hurry: less than the five seconds to the deadline.
const SETTLE_GRACE: Duration = Duration::from_secs(3);
/// How long the last answers have to leave.
const ANSWER_GRACE: Duration = Duration::from_millis(500);

/// Takes requests in until it is told to end.
pub(super) struct Intake {
    context: Context,
    door: Arc<Door>,
    acknowledge: Acknowledge,
    /// The way on; `None` once draining has begun, so that what is behind sees its last input close.
    output: Mutex<Option<Output>>,
    /// For the bytes of all requests.
    pub(super) room: Room,
    /// Requests under way.
    pub(super) requests: TaskTracker,
    /// Cancelled when requests that are not sent on yet are given up.
    stop_arriving: CancellationToken,
    /// Cancelled when requests that wait for the fate of their points are given up.
    stop_waiting: CancellationToken,
    refused: Quiet,
    turned_away: Quiet,
    denied: Quiet,
}

impl Intake {
    /// Sends what comes in to `output`.
    pub(super) fn new(context: Context, config: &OtlpConfig, output: Output) -> Self {
        Self {
            door: context.doors.open(&context.id),
            context,
            acknowledge: config.acknowledge,
            room: Room::new(config.admission.limit()),
            output: Mutex::new(Some(output)),
            requests: TaskTracker::new(),
            stop_arriving: CancellationToken::new(),
            stop_waiting: CancellationToken::new(),
            refused: Quiet::default(),
            turned_away: Quiet::default(),
            denied: Quiet::default(),
        }
    }

    /// The way on for one request, asked for before the request is read: what cannot be taken shall not take memory either.
    pub(super) fn admit(&self) -> Result<Output, NotTakenIn> {
        if self.context.pressure.is_high() {
            return Err(self.come_again(Reason::MEMORY_PRESSURE));
        }
        let output = self.output.lock().unwrap_or_else(PoisonError::into_inner).clone();
        output.ok_or_else(|| self.ending())
    }

    /// Lets a sender's request in if `auth` knows the sender.
    pub(super) async fn allow(
        &self,
        auth: Option<&Authenticator>,
        headers: &HeaderMap,
    ) -> Result<(), NotTakenIn> {
        let Some(auth) = auth else { return Ok(()) };
        // Passwords are hashed one at a time: who waits for others' does so no longer than SDKs, and not into the drain.
        let checked = async { Ok(auth.check(headers).await) };
        self.arriving(AUTH_WAIT, checked).await?.map_err(|denied| {
            let Context { id, clock, status, .. } = &self.context;
            status.failed(format_args!("requests were turned away: {denied}"));
            if let Some(left_out) = self.denied.speak(clock.now()) {
                tracing::warn!(component = %id, %denied, left_out, "turned a sender away");
            }
            denied.into()
        })
    }

    /// Runs `arrival`, which reads a request, for as long as `patience` and as long as requests may arrive.
    pub(super) async fn arriving<T>(
        &self,
        patience: Duration,
        arrival: impl Future<Output = Result<T, NotTakenIn>>,
    ) -> Result<T, NotTakenIn> {
        let arrived = tokio::select! {
            arrived = timeout(patience, arrival) => arrived,
            () = self.stop_arriving.cancelled() => return Err(self.ending()),
        };
        match arrived {
            Ok(Err(NotTakenIn::ComeAgain(reason))) => Err(self.come_again(reason)),
            Ok(arrived) => arrived,
            Err(_) => {
                self.context.ledger.turn_away(TOO_SLOW);
                Err(NotTakenIn::TooSlow(patience))
            }
        }
    }

    /// Takes a request in, and answers when its points are where `acknowledge` wants them: with the points that were refused. What is
    /// `held` of the room is given back when they are sent on.
    ///
    /// Dropping the future gives up what was not sent on yet, counted as refused: `client_gone`.
    pub(super) async fn take_in(
        &self,
        body: Bytes,
        mut held: Held<'_>,
        peer: Option<&Peer>,
        output: Output,
    ) -> Result<Refusals, NotTakenIn> {
        held.set(body.len()).map_err(|Full| self.come_again(REQUESTS_FULL))?;
        let Decoded { batches, points, overflowed, exemplars, refused } =
            resolve_bytes(&body, &self.door, peer)
                .map_err(|error| NotTakenIn::Malformed(error.to_string()))?;
        drop(body);
        let bytes: u64 = batches.iter().map(Batch::bytes).sum();
        if held.set(usize::try_from(bytes).unwrap_or(usize::MAX)).is_err() {
            self.door.forget_overflowed(overflowed);
            return Err(self.come_again(REQUESTS_FULL));
        }
        let ledger = &self.context.ledger;
        ledger.take(points);
        ledger.leave_exemplars(exemplars);
        refused.enter(ledger);
        let mut fate = self.send(batches, points - refused.points(), output).await?;
        drop(held);
        self.wait(&mut fate).await?;
        self.context.status.succeeded();
        self.report(&refused);
        Ok(refused)
    }

    /// Sends the batches on, all or none: a sender that is refused will bring them all again.
    async fn send(&self, batches: Vec<Batch>, points: u64, output: Output) -> Result<Fate, NotTakenIn> {
        let mut unsent = Unsent { ledger: &self.context.ledger, points };
        let (ack, fate) = Ack::new();
        let share = |mut batch: Batch| {
            batch.ack = ack.clone();
            batch
        };
        let batches = batches.into_iter().map(share).collect();
        let sent = tokio::select! {
            sent = output.send_together(batches) => sent,
            () = self.context.clock.sleep(ROOM_WAIT) => Err(NotTaken { reason: Reason::QUEUE_FULL, points }),
            () = self.stop_arriving.cancelled() => Err(NotTaken { reason: Reason::SHUTDOWN, points }),
        };
        if let Err(NotTaken { reason, points }) = sent {
            ack.settle(Verdict::Refused(reason));
            // A node that ends in the middle has taken some: those are on its account.
            unsent.points = points;
            unsent.refuse(reason);
            return Err(self.come_again(reason));
        }
        unsent.points = 0;
        // The receiver's own part; only those of the batches are left.
        ack.settle(Verdict::Delivered);
        Ok(fate)
    }

    async fn wait(&self, fate: &mut Fate) -> Result<(), NotTakenIn> {
        let verdict = async {
            match self.acknowledge {
                Acknowledge::Accepted => tokio::select! {
                    verdict = fate.accepted() => verdict,
                    () = self.context.clock.sleep(CUSTODY_WAIT) => Verdict::Delivered,
                },
                Acknowledge::Exported => fate.exported().await,
            }
        };
        let verdict = tokio::select! {
            verdict = verdict => verdict,
            () = self.stop_waiting.cancelled() => Verdict::Refused(Reason::SHUTDOWN),
        };
        match verdict {
            Verdict::Delivered => Ok(()),
            Verdict::Refused(reason) | Verdict::Lost(reason) => Err(self.come_again(reason)),
        }
    }

    /// Waits until draining begins, then ends the intake: what has begun is finished within bounds.
    pub(super) async fn close(&self) {
        let Context { clock, drain, .. } = &self.context;
        drain.begun.cancelled().await;
        self.output.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.requests.close();
        tokio::select! {
            () = self.requests.wait() => {}
            () = clock.sleep(ARRIVAL_GRACE) => {}
            () = drain.hurry.cancelled() => {}
        }
        self.stop_arriving.cancel();
        let last_moment = async {
            drain.hurry.cancelled().await;
            clock.sleep(SETTLE_GRACE).await;
        };
        tokio::select! {
            () = self.requests.wait() => {}
            () = last_moment => {}
        }
        self.stop_waiting.cancel();
        self.requests.wait().await;
        clock.sleep(ANSWER_GRACE).await;
    }

    fn ending(&self) -> NotTakenIn {
        self.context.ledger.turn_away(Reason::SHUTDOWN);
        NotTakenIn::ComeAgain(Reason::SHUTDOWN)
    }

    fn come_again(&self, reason: Reason) -> NotTakenIn {
        let Context { id, clock, status, ledger, .. } = &self.context;
        ledger.turn_away(reason);
        status.failed(format_args!("requests were turned away: {reason}"));
        if let Some(left_out) = self.turned_away.speak(clock.now()) {
            tracing::warn!(component = %id, %reason, left_out, "asked a sender to come again");
        }
        NotTakenIn::ComeAgain(reason)
    }

    fn report(&self, refused: &Refusals) {
        let Context { id, clock, .. } = &self.context;
        if !refused.is_empty()
            && let Some(left_out) = self.refused.speak(clock.now())
        {
            tracing::warn!(component = %id, %refused, left_out, "refused points");
        }
    }
}

/// Points that are taken and not sent on yet. If the request ends here, they are refused by its end.
struct Unsent<'a> {
    ledger: &'a NodeLedger,
    points: u64,
}

impl Unsent<'_> {
    fn refuse(mut self, reason: Reason) {
        self.ledger.refuse(reason, std::mem::take(&mut self.points));
    }
}

impl Drop for Unsent<'_> {
    fn drop(&mut self) {
        self.ledger.refuse(CLIENT_GONE, self.points);
    }
}

#[cfg(test)]
mod tests;
