//! What receivers that collect at intervals share: when the next round is due, and how what it brought goes on.

use std::time::Duration;

use weir_core::{Batch, Context, InHand, MAX_POINTS, Output, UnixNanos};

/// Sends the batch on, in parts of at most [`MAX_POINTS`].
pub(crate) async fn send(mut batch: Batch, mut in_hand: InHand, output: &Output, context: &Context) {
    while !batch.is_empty() {
        let rest = batch.numbers.split_off(batch.numbers.len().min(MAX_POINTS));
        let mut behind = Batch::under(batch.lease.clone());
        behind.numbers = rest;
        let points = batch.points();
        if let Err(refused) = output.send(batch).await {
            context.ledger.drop_points(refused.reason, refused.points);
            context.status.failed(refused);
        }
        in_hand.less(points);
        batch = behind;
    }
}

/// The first multiple of `interval` after `now`: rounds that were missed are not made up for.
pub(crate) fn following(now: UnixNanos, interval: Duration) -> UnixNanos {
    let interval = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX).max(1);
    UnixNanos((now.0 / interval).saturating_add(1).saturating_mul(interval))
}
