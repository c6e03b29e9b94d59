use std::time::Duration;

use weir_core::{Batch, Clock, Out, Processor, UnixNanos};

use super::{
    Config,
    cut::{Limits, cut},
};

/// Holds points until there are enough of them, or for long enough.
pub(super) struct Gatherer {
    enough: u64,
    timeout: Duration,
    limits: Limits,
    clock: Clock,
    held: Option<Held>,
}

struct Held {
    batch: Batch,
    since: UnixNanos,
}

impl Gatherer {
    pub(super) fn new(config: &Config, limits: Limits, clock: Clock) -> Self {
        Self { enough: config.send_batch_size, timeout: config.timeout.0, limits, clock, held: None }
    }

    fn send(&mut self, out: &mut Out) {
        if let Some(held) = self.held.take() {
            cut(held.batch, self.limits, |piece| out.push(piece));
        }
    }

    fn is_full(&self, held: &Batch) -> bool {
        // A batch at the limit in bytes will be cut anyway: holding it longer gains nothing.
        held.points() >= self.enough || held.bytes() >= self.limits.bytes || self.timeout.is_zero()
    }
}

impl Processor for Gatherer {
    fn process(&mut self, batch: Batch, out: &mut Out) {
        match &mut self.held {
            Some(held) => held.batch.append(batch),
            None => self.held = Some(Held { batch, since: self.clock.now() }),
        }
        if self.held.as_ref().is_some_and(|held| self.is_full(&held.batch)) {
            self.send(out);
        }
    }

    fn tick(&mut self, now: UnixNanos, out: &mut Out) {
        // Half a timeout old at this tick would be over the timeout at the next.
        if self.held.as_ref().is_some_and(|held| now.since(held.since) > self.timeout / 2) {
            self.send(out);
        }
    }

    fn tick_every(&self) -> Option<Duration> {
        (!self.timeout.is_zero()).then_some(self.timeout / 2)
    }

    fn flush(&mut self, out: &mut Out) {
        self.send(out);
    }

    fn held(&self) -> u64 {
        self.held.as_ref().map_or(0, |held| held.batch.points())
    }
}
