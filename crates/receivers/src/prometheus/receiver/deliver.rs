//! From a scrape to the pipelines: counted, and passed on as a whole.

use weir_core::{Batch, Context, InHand, Output};

use crate::prometheus::ingest::Scraped;

/// Enters what was scraped into the ledger, and passes its points on together: a scrape is taken whole or not at all.
pub(super) async fn deliver(scraped: impl IntoIterator<Item = Scraped>, output: &Output, context: &Context) {
    let mut batches: Vec<Batch> = Vec::new();
    for one in scraped {
        one.enter(&context.ledger);
        batches.extend(one.batches);
    }
    let points = batches.iter().map(Batch::points).sum();
    if points == 0 {
        return;
    }
    let mut in_hand = InHand::new(&context.ledger, points);
    if let Err(refused) = output.send_together(batches).await {
        context.ledger.drop_points(refused.reason, refused.points);
        context.status.failed(refused);
    }
    in_hand.less(points);
}
