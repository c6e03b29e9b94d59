use std::{sync::Arc, time::Duration};

use weir_core::{
    Account, Batch, Clock, Context, NodeLedger, NumberPoint, Out, Processor, ProcessorFactory, State, Verdict,
};

/// The engine's part around one processor: counts what it takes and passes, as the graph does.
pub struct Rig {
    processor: Box<dyn Processor>,
    ledger: Arc<NodeLedger>,
    clock: Clock,
}

impl Rig {
    /// A processor of `F` in `context`.
    pub fn new<F: ProcessorFactory>(config: F::Config, context: Context) -> Self {
        Self::after::<F>(config, context, None)
    }

    /// The same, after a predecessor that left `prior`.
    pub fn after<F: ProcessorFactory>(config: F::Config, context: Context, prior: Option<State>) -> Self {
        Self::around(F::build(config, context.clone(), prior), &context)
    }

    /// Around a processor that was built in `context`.
    pub fn around(processor: Box<dyn Processor>, context: &Context) -> Self {
        Self { processor, ledger: Arc::clone(&context.ledger), clock: context.clock.clone() }
    }

    /// Gives it a batch; answers what it pushed.
    pub fn process(&mut self, batch: Batch) -> Vec<Batch> {
        self.ledger.take(batch.points());
        self.call(|processor, out| processor.process(batch, out))
    }

    /// Gives it a batch; answers the number points that it pushed.
    pub fn numbers(&mut self, batch: Batch) -> Vec<NumberPoint> {
        self.process(batch).into_iter().flat_map(|batch| batch.numbers).collect()
    }

    /// Ticks it once, at the clock's time.
    pub fn tick(&mut self) -> Vec<Batch> {
        let now = self.clock.now();
        self.call(|processor, out| processor.tick(now, out))
    }

    /// Moves the clock by `by`, then ticks once.
    pub fn tick_after(&mut self, by: Duration) -> Vec<Batch> {
        self.clock.advance(by);
        self.tick()
    }

    /// Flushes it.
    pub fn flush(&mut self) -> Vec<Batch> {
        self.call(|processor, out| processor.flush(out))
    }

    /// Ends it; answers what it leaves to a successor.
    pub fn into_state(self) -> Option<State> {
        self.processor.into_state()
    }

    /// The processor itself.
    pub fn processor(&self) -> &dyn Processor {
        &*self.processor
    }

    /// Its counters; they balance, or this panics.
    ///
    /// # Panics
    /// The ledger does not balance.
    pub fn account(&self) -> Account {
        self.ledger.hold(self.processor.held());
        let account = self.ledger.read();
        assert!(account.balances(), "the ledger does not balance: {account:?}");
        account
    }

    /// What was pushed is passed on and settled as delivered, as an output does with a batch that it has sent.
    fn call(&mut self, act: impl FnOnce(&mut dyn Processor, &mut Out)) -> Vec<Batch> {
        let mut out = Out::default();
        act(&mut *self.processor, &mut out);
        self.ledger.pass(out.points());
        let mut batches = out.take();
        for batch in &mut batches {
            std::mem::take(&mut batch.ack).settle(Verdict::Delivered);
        }
        batches
    }
}
