use std::{sync::Arc, time::Duration};

use weir_core::{Context, Edge, EdgeLedger, Inbox, NodeLedger, Output, inbox};

/// Ample room, in bytes.
pub const ROOM: u64 = 1 << 30;
/// How long a sender waits for room, on the context's clock.
const EDGE_WAIT: Duration = Duration::from_secs(5);

/// The way out of a receiver over an edge of `room` bytes, and what stands at its end.
pub fn way_out(context: &Context, room: u64) -> (Output, Inbox) {
    way(context, room, Arc::clone(&context.ledger), Arc::default())
}

/// The way into an exporter, which has ample room.
pub fn way_in(context: &Context) -> (Output, Inbox) {
    way(context, ROOM, Arc::default(), Arc::clone(&context.ledger))
}

fn way(context: &Context, room: u64, from: Arc<NodeLedger>, to: Arc<NodeLedger>) -> (Output, Inbox) {
    let (sender, inbox) = inbox(to);
    let edge = Edge::new(sender, room, Arc::new(EdgeLedger::default()));
    (Output::new(vec![edge], from, context.clock.clone(), EDGE_WAIT), inbox)
}
