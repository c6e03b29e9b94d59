//! Edges (R11, R12): bounded ways from one node to the next, and the fan-out over several.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use futures::{StreamExt, future::join_all, stream::FuturesUnordered};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::{
    ack::{Ack, Verdict},
    batch::Batch,
    clock::Clock,
    ledger::{EdgeLedger, NodeLedger, Reason},
};

/// A batch that arrived at a node: shared with other branches, while its ack is this branch's own.
#[derive(Debug)]
pub struct Delivery {
    /// The points.
    pub batch: Arc<Batch>,
    /// Reports this branch's fate of them.
    pub ack: Ack,
}

impl Delivery {
    /// The batch as one's own, to change: copied only if another branch still reads it.
    pub fn into_batch(self) -> Batch {
        let mut batch = Arc::unwrap_or_clone(self.batch);
        batch.ack = self.ack;
        batch
    }
}

/// A batch on its way. One that is never received is lost where it was sent to: counted there, and acked as lost.
#[derive(Debug)]
struct Message {
    delivery: Option<Delivery>,
    bytes: u64,
    edge: Arc<EdgeLedger>,
    node: Arc<NodeLedger>,
    /// Shared by the batches that were sent together: given back when the last of them arrives.
    _room: Arc<OwnedSemaphorePermit>,
}

impl Message {
    /// Out of the edge and into the node.
    fn arrive(&mut self) -> Option<Delivery> {
        let delivery = self.delivery.take()?;
        let points = delivery.batch.points();
        self.edge.received.fetch_add(points, Relaxed);
        self.edge.queued_bytes.fetch_sub(self.bytes, Relaxed);
        self.node.take(points);
        Some(delivery)
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        if let Some(delivery) = self.arrive() {
            self.node.drop_points(Reason::NODE_ENDED, delivery.batch.points());
            delivery.ack.settle(Verdict::Lost(Reason::NODE_ENDED));
        }
    }
}

/// Where a node's batches arrive, from all its edges. Closed when the last sender is gone (R14).
#[derive(Debug)]
pub struct Inbox(mpsc::UnboundedReceiver<Message>);

/// The sending side of an [`Inbox`], from which edges are made. The queue itself is unbounded: each edge has its own bound.
#[derive(Clone, Debug)]
pub struct InboxSender {
    messages: mpsc::UnboundedSender<Message>,
    node: Arc<NodeLedger>,
}

/// An inbox of the node that `node` accounts for.
pub fn inbox(node: Arc<NodeLedger>) -> (InboxSender, Inbox) {
    let (sender, messages) = mpsc::unbounded_channel();
    (InboxSender { messages: sender, node }, Inbox(messages))
}

impl Inbox {
    /// The next batch; `None` once every sender is gone and everything sent has been received.
    pub async fn recv(&mut self) -> Option<Delivery> {
        self.0.recv().await?.arrive()
    }
}

/// Room on an edge, or why there is none.
type Room<T = OwnedSemaphorePermit> = Result<T, Reason>;

/// Rooms that the batches of one request share.
fn shared(rooms: Vec<Room>) -> Vec<Room<Arc<OwnedSemaphorePermit>>> {
    rooms.into_iter().map(|room| room.map(Arc::new)).collect()
}

/// One bounded way into an inbox.
#[derive(Clone, Debug)]
pub struct Edge {
    to: InboxSender,
    room: Arc<Semaphore>,
    capacity: u32,
    ledger: Arc<EdgeLedger>,
    /// A batch missed it, and it has had no room since.
    given_up: Arc<AtomicBool>,
}

impl Edge {
    /// An edge that holds at most `capacity` bytes, or one batch if that is larger.
    pub fn new(to: InboxSender, capacity: u64, ledger: Arc<EdgeLedger>) -> Self {
        let capacity = u32::try_from(capacity).unwrap_or(u32::MAX).max(1);
        let room = Arc::new(Semaphore::new(capacity as usize));
        Self { to, room, capacity, ledger, given_up: Arc::default() }
    }

    /// A batch larger than the bound takes all of it: it passes an empty edge.
    fn permits(&self, bytes: u64) -> u32 {
        u32::try_from(bytes).unwrap_or(u32::MAX).min(self.capacity)
    }

    /// Room for `bytes` now, or the reason why there is none.
    fn try_reserve(&self, bytes: u64) -> Room {
        if self.to.messages.is_closed() {
            return Err(Reason::NODE_ENDED);
        }
        Arc::clone(&self.room).try_acquire_many_owned(self.permits(bytes)).map_err(|_| Reason::QUEUE_FULL)
    }

    /// Waits for room; the node may end meanwhile.
    async fn reserve(&self, bytes: u64) -> Room {
        let room = Arc::clone(&self.room).acquire_many_owned(self.permits(bytes));
        tokio::select! {
            permit = room => permit.map_err(|_| Reason::NODE_ENDED),
            () = self.to.messages.closed() => Err(Reason::NODE_ENDED),
        }
    }

    fn send(&self, room: Arc<OwnedSemaphorePermit>, delivery: Delivery) -> Result<(), Delivery> {
        let (points, bytes) = (delivery.batch.points(), delivery.batch.bytes());
        self.given_up.store(false, Relaxed);
        // Counted before it is sent: whoever reads the far end's counter must not find more there than here.
        self.ledger.passed.fetch_add(points, Relaxed);
        self.ledger.queued_bytes.fetch_add(bytes, Relaxed);
        let (edge, node) = (Arc::clone(&self.ledger), Arc::clone(&self.to.node));
        let message = Message { delivery: Some(delivery), bytes, edge, node, _room: room };
        let Err(mut refused) = self.to.messages.send(message) else { return Ok(()) };
        self.ledger.passed.fetch_sub(points, Relaxed);
        self.ledger.queued_bytes.fetch_sub(bytes, Relaxed);
        refused.0.delivery.take().map_or(Ok(()), Err)
    }

    /// Counts points that another branch took and this one did not.
    fn miss(&self, reason: Reason, points: u64) {
        self.given_up.store(true, Relaxed);
        self.ledger.miss(reason, points);
    }
}

/// No branch took the batch; its ack says refused already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{points} points were not taken: {reason}")]
pub struct NotTaken {
    /// Why.
    pub reason: Reason,
    /// How many points.
    pub points: u64,
}

/// A node's way out: one edge, or a fan-out over several.
#[derive(Clone, Debug)]
pub struct Output {
    edges: Arc<[Edge]>,
    node: Arc<NodeLedger>,
    clock: Clock,
    /// How long one of several full branches is waited for.
    edge_wait: Duration,
}

impl Output {
    /// The way out of the node that `node` accounts for.
    pub fn new(edges: Vec<Edge>, node: Arc<NodeLedger>, clock: Clock, edge_wait: Duration) -> Self {
        Self { edges: edges.into(), node, clock, edge_wait }
    }

    /// Sends `batch` on, as [`Output::send_together`] does with several.
    ///
    /// # Errors
    /// [`NotTaken`] when no branch took the batch; counting it is the caller's.
    pub async fn send(&self, batch: Batch) -> Result<(), NotTaken> {
        self.send_together(vec![batch]).await
    }

    /// Sends on what cannot be asked for again, such as increments that `delta` made: as [`Output::send`], but where no branch
    /// has room within `edge_wait`, the first that has it is waited for.
    ///
    /// # Errors
    /// [`NotTaken`] when every branch has ended; counting it is the caller's.
    pub(crate) async fn pass_on(&self, batch: Batch) -> Result<(), NotTaken> {
        let bytes = if batch.is_empty() { 0 } else { batch.bytes() };
        let mut rooms = self.reserve(bytes).await;
        if rooms.iter().all(Result::is_err) {
            self.first_room(bytes, &mut rooms).await;
        }
        self.deal(batch, &shared(rooms))
    }

    /// Sends batches on that belong together, all of them or none: reserves on all branches, then sends (R11). A sole branch
    /// is waited for, which is the back-pressure; of several, one that stays full for longer than `edge_wait` is skipped and
    /// counted on its edge, from then on without a wait, until it has room again.
    ///
    /// Dropping the future before it ends leaves the batches unsent and their acks abandoned.
    ///
    /// # Errors
    /// [`NotTaken`] when no branch took them; counting them is the caller's.
    pub async fn send_together(&self, batches: Vec<Batch>) -> Result<(), NotTaken> {
        let bytes = batches.iter().filter(|batch| !batch.is_empty()).map(Batch::bytes).sum();
        let rooms = shared(self.reserve(bytes).await);
        let mut not_taken = None;
        for batch in batches {
            if let Err(refused) = self.deal(batch, &rooms) {
                not_taken.get_or_insert(NotTaken { points: 0, ..refused }).points += refused.points;
            }
        }
        not_taken.map_or(Ok(()), Err)
    }

    /// Gives each branch that has room its part of `batch`.
    fn deal(&self, mut batch: Batch, rooms: &[Room<Arc<OwnedSemaphorePermit>>]) -> Result<(), NotTaken> {
        let ack = std::mem::take(&mut batch.ack);
        let points = batch.points();
        if points == 0 {
            ack.settle(Verdict::Delivered);
            return Ok(());
        }
        let batch = Arc::new(batch);
        let mut missed = Vec::new();
        let mut taken = false;
        for (edge, room) in self.edges.iter().zip(rooms) {
            let delivery = Delivery { batch: Arc::clone(&batch), ack: ack.clone() };
            let sent = match room {
                Ok(room) => {
                    edge.send(Arc::clone(room), delivery).map_err(|refused| (Reason::NODE_ENDED, refused))
                }
                Err(reason) => Err((*reason, delivery)),
            };
            match sent {
                Ok(()) => taken = true,
                Err((reason, delivery)) => {
                    // Another branch may have taken it: then this one's miss is no reason to send it all again.
                    delivery.ack.settle(Verdict::Delivered);
                    missed.push((edge, reason));
                }
            }
        }
        if !taken {
            let reason = missed.first().map_or(Reason::NODE_ENDED, |(_, reason)| *reason);
            ack.settle(Verdict::Refused(reason));
            return Err(NotTaken { reason, points });
        }
        ack.settle(Verdict::Delivered);
        missed.iter().for_each(|(edge, reason)| edge.miss(*reason, points));
        self.node.pass(points);
        Ok(())
    }

    /// Room on each branch, or why it has none.
    async fn reserve(&self, bytes: u64) -> Vec<Room> {
        match &*self.edges {
            [sole] => vec![sole.reserve(bytes).await],
            several => self.reserve_several(several, bytes).await,
        }
    }

    /// Waits until one branch has room, and takes what the others have at that moment. Every room is an error still when
    /// all of them have ended.
    async fn first_room(&self, bytes: u64, rooms: &mut [Room]) {
        let edges = self.edges.iter().enumerate();
        let waits = edges.map(|(at, edge)| async move { (at, edge.reserve(bytes).await) });
        let mut waits: FuturesUnordered<_> = waits.collect();
        while let Some((at, room)) = waits.next().await {
            let has_room = room.is_ok();
            rooms[at] = room;
            if has_room {
                break;
            }
        }
        drop(waits);
        for (edge, room) in self.edges.iter().zip(rooms).filter(|(_, room)| room.is_err()) {
            *room = edge.try_reserve(bytes);
        }
    }

    /// A branch that missed a batch is not waited for again while another may take this one: one dead exporter would slow
    /// all the others down to a batch every `edge_wait`.
    async fn reserve_several(&self, edges: &[Edge], bytes: u64) -> Vec<Room> {
        let rooms: Vec<_> = edges.iter().map(|edge| edge.try_reserve(bytes)).collect();
        let is_full = |room: &Room| matches!(room, Err(Reason::QUEUE_FULL));
        if !rooms.iter().any(is_full) {
            return rooms;
        }
        let may_take =
            |(edge, room): (&Edge, &Room)| room.is_ok() || (is_full(room) && !edge.given_up.load(Relaxed));
        let another_may = edges.iter().zip(&rooms).any(may_take);
        let waits = edges.iter().zip(rooms).map(|(edge, room)| async move {
            if !is_full(&room) || (another_may && edge.given_up.load(Relaxed)) {
                return room;
            }
            tokio::select! {
                room = edge.reserve(bytes) => room,
                () = self.clock.sleep(self.edge_wait) => Err(Reason::QUEUE_FULL),
            }
        });
        join_all(waits).await
    }
}

#[cfg(test)]
mod tests;
