//! A metric of the Agent: its name, its unit, its formula.

use weir_core::{Number, UnixNanos};

use super::SCOPE;
use crate::procfs::sink::{Metric, Shape, Sink};

// As CloudWatch spells them: the exporter passes them on as they are.
pub(super) const BYTES: &str = "Bytes";
pub(super) const COUNT: &str = "Count";
pub(super) const MILLISECONDS: &str = "Milliseconds";
pub(super) const NONE: &str = "None";
pub(super) const PERCENT: &str = "Percent";

/// A metric, and how its value follows from a reading `R`.
#[derive(Debug)]
pub(in crate::procfs) struct Measure<R: 'static> {
    metric: Metric,
    /// Nothing where it is not known yet.
    formula: fn(&R) -> Option<Number>,
}

/// What is so now.
pub(super) const fn gauge<R>(
    name: &'static str,
    unit: &'static str,
    formula: fn(&R) -> Option<Number>,
) -> Measure<R> {
    Measure { metric: Metric::new(SCOPE, name, unit, Shape::Gauge), formula }
}

/// What was added since the round before.
pub(super) const fn increment<R>(
    name: &'static str,
    unit: &'static str,
    formula: fn(&R) -> Option<Number>,
) -> Measure<R> {
    Measure { metric: Metric::new(SCOPE, name, unit, Shape::Delta), formula }
}

/// A whole number, which is always known.
#[allow(clippy::unnecessary_wraps, reason = "other formulas may not know yet")]
pub(super) fn whole(value: u64) -> Option<Number> {
    Some(Number::Int(i64::try_from(value).unwrap_or(i64::MAX)))
}

/// `part` of `all` in percent; of nothing it is nothing.
#[allow(clippy::unnecessary_wraps, reason = "other formulas may not know yet")]
pub(super) fn percent(part: u64, all: u64) -> Option<Number> {
    Some(Number::Double(if all == 0 { 0.0 } else { 100.0 * part as f64 / all as f64 }))
}

/// The measures of a plugin that a configuration asks for.
#[derive(Debug)]
pub(super) struct Chosen<R: 'static>(Vec<&'static Measure<R>>);

impl<R> Chosen<R> {
    /// Those of `all` that `measurement` names.
    pub(super) fn new(all: &'static [Measure<R>], measurement: &[String]) -> Self {
        let is_asked_for = |measure: &&Measure<R>| measurement.iter().any(|name| is_called(measure, name));
        Self(all.iter().filter(is_asked_for).collect())
    }

    /// Puts what follows from `reading` into `sink`; increments count from `since` on.
    pub(super) fn put(
        &self,
        reading: &R,
        attributes: &[(&'static str, &[u8])],
        since: UnixNanos,
        sink: &mut Sink<'_>,
    ) {
        for measure in &self.0 {
            if let Some(value) = (measure.formula)(reading) {
                sink.put_since(&measure.metric, attributes, value, since);
            }
        }
    }
}

/// Whether it is `name`, with the plugin's name before it or without: the Agent takes both.
fn is_called<R>(measure: &Measure<R>, name: &str) -> bool {
    let whole = measure.metric.name();
    whole == name || whole.split_once('_').is_some_and(|(_plugin, short)| short == name)
}

/// The names of `all`.
pub(super) fn names<R>(all: &'static [Measure<R>]) -> Vec<&'static str> {
    all.iter().map(|measure| measure.metric.name()).collect()
}

/// The names of `all`, with what each formula makes of `reading`.
#[cfg(test)]
pub(in crate::procfs) fn values<R>(
    all: &'static [Measure<R>],
    reading: &R,
) -> Vec<(&'static str, Option<Number>)> {
    all.iter().map(|measure| (measure.metric.name(), (measure.formula)(reading))).collect()
}
