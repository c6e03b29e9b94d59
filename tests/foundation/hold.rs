//! A processor that holds batches back: at first for longer than aliases live, later for a moment, in the order in which they came.

use std::{collections::VecDeque, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;
use weir_core::{Batch, Clock, Config, Context, Factory, Out, Processor, ProcessorFactory, State, UnixNanos};

/// How long batches are held.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct HoldConfig {
    /// How long a batch is held at first.
    long: weir_config::Duration,
    /// How long after the start that ends.
    relents: weir_config::Duration,
    /// How long a batch is held from then on.
    short: weir_config::Duration,
}

impl Config for HoldConfig {}

/// Makes `hold` processors.
pub(crate) struct Hold;

impl Factory for Hold {
    type Config = HoldConfig;
    const TYPE: &'static str = "hold";
    const SUMMARY: &'static str = "holds batches back";
}

impl ProcessorFactory for Hold {
    fn build(config: HoldConfig, context: Context, _: Option<State>) -> Box<dyn Processor> {
        let relents = context.clock.now().plus(config.relents.0);
        Box::new(Holder { config, relents, clock: context.clock, held: VecDeque::new(), points: 0 })
    }
}

struct Holder {
    config: HoldConfig,
    relents: UnixNanos,
    clock: Clock,
    held: VecDeque<(UnixNanos, Batch)>,
    points: u64,
}

impl Holder {
    fn release(&mut self, out: &mut Out) {
        if let Some((_, batch)) = self.held.pop_front() {
            self.points -= batch.points();
            out.push(batch);
        }
    }
}

impl Processor for Holder {
    fn process(&mut self, mut batch: Batch, _: &mut Out) {
        // A queue, as far as the senders are concerned: they would wait for the batch otherwise.
        batch.ack.take_custody();
        self.points += batch.points();
        self.held.push_back((self.clock.now(), batch));
    }

    fn tick(&mut self, now: UnixNanos, out: &mut Out) {
        let hold = if now < self.relents { self.config.long.0 } else { self.config.short.0 };
        while self.held.front().is_some_and(|(since, _)| since.plus(hold) <= now) {
            self.release(out);
        }
    }

    fn tick_every(&self) -> Option<Duration> {
        Some(Duration::from_secs(10))
    }

    fn flush(&mut self, out: &mut Out) {
        while !self.held.is_empty() {
            self.release(out);
        }
    }

    fn held(&self) -> u64 {
        self.points
    }
}
