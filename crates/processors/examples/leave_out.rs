//! `leave_out`: the way of metrics whose names begin with a prefix ends here.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use weir_core::{
    Batch, Context, Factory, Out, PerSeries, Processor, ProcessorFactory, Reason, State, UnixNanos,
};

/// Points of a metric that the configuration leaves out.
pub const LEFT_OUT: Reason = Reason("left_out");

/// The configuration of `leave_out`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// Metrics whose names begin with one of these are left out.
    pub prefixes: Vec<String>,
}

impl weir_core::Config for Config {}

/// Makes `leave_out` processors.
#[derive(Debug)]
pub struct LeaveOut;

impl Factory for LeaveOut {
    type Config = Config;
    const TYPE: &'static str = "leave_out";
    const SUMMARY: &'static str = "leaves metrics out by their names";
}

impl ProcessorFactory for LeaveOut {
    fn build(config: Config, context: Context, _prior: Option<State>) -> Box<dyn Processor> {
        Box::new(Worker { prefixes: config.prefixes, context, stays: PerSeries::default() })
    }
}

struct Worker {
    prefixes: Vec<String>,
    context: Context,
    stays: PerSeries<bool>, // the verdict on each series: its name is looked at once
}

impl Processor for Worker {
    fn process(&mut self, mut batch: Batch, out: &mut Out) {
        let (before, Self { prefixes, context, stays }) = (batch.points(), self);
        let is_named = |name: &str| prefixes.iter().any(|prefix| name.starts_with(prefix));
        let series = |id| context.interner.resolve(id); // the batch's lease keeps the id resolvable (R1)
        let look = |id| !series(id).is_some_and(|series| is_named(&series.descriptor().name));
        let mut stays = |id| *stays.get_or_insert_with(id, || look(id));
        batch.numbers.retain(|point| stays(point.series));
        batch.histograms.retain(|point| stays(point.series));
        batch.exponential_histograms.retain(|point| stays(point.series));
        batch.summaries.retain(|point| stays(point.series));
        context.ledger.drop_points(LEFT_OUT, before - batch.points());
        out.push(batch); // an empty one too: its ack is settled where it ends
    }

    fn tick_every(&self) -> Option<Duration> {
        Some(Duration::from_mins(5))
    }

    fn tick(&mut self, _now: UnixNanos, _out: &mut Out) {
        self.stays.forget_gone(&self.context.interner);
    }
}

#[cfg(test)]
mod tests {
    use weir_core::{Component, Descriptor, Number};
    use weir_testkit::{Fixture, Rig, START, point};

    use super::*;

    #[test]
    fn points_of_these_names_end_here_and_are_counted() {
        let fixture = Fixture::new();
        let config = Config { prefixes: vec!["go_".to_owned()] };
        let mut rig = Rig::new::<LeaveOut>(config, fixture.context("leave_out"));
        let noise = fixture.stream(Descriptor::gauge("go_goroutines", "1"), &[]);
        let wanted = fixture.stream(Descriptor::gauge("queue.size", "1"), &[]);
        let points = [&noise, &wanted].map(|series| point(series, 0, START, Number::Int(7)));

        assert_eq!(rig.numbers(fixture.batch(points)), [points[1]]);
        let account = rig.account(); // panics where the ledger does not balance
        assert_eq!((account.taken, account.passed), (2, 1));
        assert_eq!(account.dropped[&LEFT_OUT], 1);
    }

    #[test]
    fn a_registry_takes_it() {
        let registry = [
            Component::processor::<LeaveOut>(), // the one line
        ];
        assert!(registry.iter().any(|component| component.is_called("leave_out")));
    }
}
