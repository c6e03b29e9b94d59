//! The loop: a scrape whenever the clock shows a multiple of the interval.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use weir_core::{ComponentError, Context, InHand, Output, Receiver};

use super::{config::ProcfsConfig, scrape::Scrape};
use crate::rounds::{following, send};

/// How long a round may still take once draining has begun.
const LAST_ROUND: Duration = Duration::from_secs(2);

/// Scrapes at intervals.
#[derive(Debug)]
pub(super) struct ProcfsReceiver {
    config: ProcfsConfig,
    context: Context,
}

impl ProcfsReceiver {
    pub(super) fn new(config: ProcfsConfig, context: Context) -> Self {
        Self { config, context }
    }
}

#[async_trait]
impl Receiver for ProcfsReceiver {
    async fn run(self: Box<Self>, output: Output) -> Result<(), ComponentError> {
        let Self { config, context } = *self;
        let failed = |error: &dyn std::fmt::Display| ComponentError::Failed(error.to_string());
        let mut scrape = Scrape::new(&config, &context).map_err(|error| failed(&error))?;
        let clock = &context.clock;
        let mut next = clock.now();
        if !context.drain.once {
            next = next.plus(config.initial_delay.as_std());
        }
        loop {
            tokio::select! {
                biased;
                () = context.drain.begun.cancelled() => return Ok(()),
                () = clock.sleep_until(next) => {}
            }
            let now = clock.now();
            // A mount whose server is gone can keep `statvfs` waiting: not on a thread that others need.
            let ledger = Arc::clone(&context.ledger);
            let round = tokio::task::spawn_blocking(move || {
                let batch = scrape.collect(now);
                let in_hand = InHand::new(&ledger, batch.points());
                (scrape, batch, in_hand)
            });
            let round = tokio::select! {
                round = round => round.map_err(|error| failed(&error))?,
                () = given_up(&context) => return Ok(()),
            };
            let (batch, in_hand);
            (scrape, batch, in_hand) = round;
            send(batch, in_hand, &output, &context).await;
            if context.drain.once {
                return Ok(());
            }
            next = following(clock.now(), config.collection_interval.as_std());
        }
    }

    fn retention(&self) -> Duration {
        // A disk may miss a round and still be the same.
        self.config.collection_interval.as_std() * 2
    }
}

/// Returns when a round that is under way while draining has taken too long: its mount will not answer.
async fn given_up(context: &Context) {
    context.drain.begun.cancelled().await;
    context.clock.sleep(LAST_ROUND).await;
}
