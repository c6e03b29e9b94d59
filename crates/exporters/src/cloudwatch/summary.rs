//! Summaries become numbers: the increments of their count and of their sum, and, if asked for, their quantiles.
//!
//! Quantiles cannot be merged, so each is a gauge of its own, told apart by the dimension `quantile`. Count and sum run since
//! the sender's start (as Prometheus has them, and OTLP after it); what came since the point before is an increment of two delta
//! sums, `<name>_count` and `<name>_sum`, as Prometheus names them.
//!
//! The first point of a stream says where it stands, and is an increment only if the sender began after Weir did. A count that
//! fell, or a start that moved, means that the sender began anew: then all of it is new. So a sender that counts each interval
//! by itself is taken as it means it.
//!
//! A summary whose name changed goes on where it stood under the name before (R2). As in windows, a name that follows another
//! has later points only; a name that comes at the same time is another pipeline's view, which counts for itself.

use std::sync::Arc;

use weir_core::{
    Attributes, Batch, Descriptor, Flags, Identity, Interner, Kind, Number, NumberPoint, PerSeries,
    PerStream, Reason, Series, StreamId, SummaryPoint, Temporality, UnixNanos, Value,
};

use super::dimensions::Repairs;

/// The dimension that tells the quantiles of a summary apart.
pub const QUANTILE: &str = "quantile";

/// A summary that is not newer than the one before.
pub const OUT_OF_ORDER: Reason = Reason("out_of_order");

/// Quantiles of a summary beyond the `MAX_QUANTILES` that came first, which were left out.
pub const QUANTILES_CUT: Reason = Reason("quantiles_cut");

/// How many quantiles of a summary are sent at most; client libraries have three to five.
const MAX_QUANTILES: usize = 32;

/// What is known of each summary. It holds what it made, never the summary itself, which is known for as long as it is sent.
#[derive(Debug)]
pub struct Summaries {
    /// When this process began: a sender that began later has counted nothing before.
    began: UnixNanos,
    with_quantiles: bool,
    known: PerSeries<Known>,
    /// The newest point of each stream, whatever it is called.
    newest: PerStream<SummaryPoint>,
    repairs: Repairs,
}

/// The numbers that summaries became.
#[derive(Debug)]
pub struct Numbers {
    /// Under the lease of the summaries.
    pub batch: Batch,
    /// Summaries that became numbers, or say where a count stands.
    pub merged: u64,
    /// Summaries without a value.
    pub no_value: u64,
    /// See [`OUT_OF_ORDER`].
    pub out_of_order: u64,
}

#[derive(Debug)]
struct Known {
    stream: StreamId,
    count: Arc<Series>,
    sum: Arc<Series>,
    /// By the bits of the quantile.
    quantiles: Vec<(u64, Arc<Series>)>,
    last: Option<SummaryPoint>,
}

impl Summaries {
    /// Knows none yet. This process began at `began`; quantiles are numbers too, or left out.
    pub fn new(began: UnixNanos, with_quantiles: bool) -> Self {
        let (known, newest) = (PerSeries::default(), PerStream::default());
        Self { began, with_quantiles, known, newest, repairs: Repairs::default() }
    }

    /// The numbers of a batch's summaries, if it has some.
    pub fn numbers(&mut self, batch: &Batch, interner: &Interner) -> Option<Numbers> {
        if batch.summaries.is_empty() {
            return None;
        }
        let made = Batch::under(batch.lease.clone());
        let mut numbers = Numbers { batch: made, merged: 0, no_value: 0, out_of_order: 0 };
        for point in &batch.summaries {
            if self.known.get(point.series).is_none()
                && let Some(series) = interner.resolve(point.series)
            {
                let before = self.newest.get(series.stream()).filter(|newest| newest.time < point.time);
                self.known.insert(point.series, Known::new(&series, before.copied(), interner));
            }
            let Some(known) = self.known.get_mut(point.series) else { continue };
            if point.flags.has(Flags::NO_RECORDED_VALUE) {
                numbers.no_value += 1;
            } else if known.last.is_some_and(|last| point.time <= last.time) {
                numbers.out_of_order += 1;
            } else {
                numbers.merged += 1;
                known.add_increments(point, self.began, &mut numbers.batch);
                if self.with_quantiles {
                    let pairs = batch.bounds(point.quantiles);
                    let cut = known.add_quantiles(point, pairs, interner, &mut numbers.batch);
                    // The quantiles have the summary's name.
                    if let Some((_, gauge)) = known.quantiles.first() {
                        self.repairs.add_all(QUANTILES_CUT, cut, &gauge.descriptor().name);
                    }
                }
                known.last = Some(*point);
                let newest = self.newest.get_or_insert_with(known.stream, || *point);
                if newest.time < point.time {
                    *newest = *point;
                }
            }
        }
        Some(numbers)
    }

    /// Forgets summaries that no one can name any more.
    pub fn forget_gone(&mut self, interner: &Interner) {
        self.known.forget_gone(interner);
        self.newest.forget_gone(interner);
    }

    /// What had to be repaired since the last call.
    pub fn take_repairs(&mut self) -> Repairs {
        std::mem::take(&mut self.repairs)
    }
}

impl Known {
    /// `last` is where the stream stood under another name.
    fn new(summary: &Series, last: Option<SummaryPoint>, interner: &Interner) -> Self {
        let part = |suffix: &str, unit: &str, monotonic: bool| {
            let Descriptor { name, .. } = summary.descriptor();
            let part = Descriptor::sum(format!("{name}{suffix}"), unit, Temporality::Delta, monotonic);
            let identity = Identity { descriptor: interner.descriptor(part), ..summary.identity().clone() };
            interner.rewritten(summary, identity)
        };
        // A sum of what may be negative can fall.
        let (count, sum) = (part("_count", "1", true), part("_sum", &summary.descriptor().unit, false));
        Self { stream: summary.stream(), count, sum, quantiles: Vec::new(), last }
    }

    fn add_increments(&self, point: &SummaryPoint, began: UnixNanos, into: &mut Batch) {
        let is_anew = |last: &SummaryPoint| point.count < last.count || point.start > last.start;
        let (start, count, sum) = match &self.last {
            Some(last) if !is_anew(last) => (last.time, point.count - last.count, point.sum - last.sum),
            Some(_) => (point.start, point.count, point.sum),
            None if point.start >= began => (point.start, point.count, point.sum),
            None => return,
        };
        let count = Number::Int(count.min(i64::MAX as u64) as i64);
        into.numbers.push(NumberPoint::new(self.count.id(), start, point.time, count));
        into.numbers.push(NumberPoint::new(self.sum.id(), start, point.time, Number::Double(sum)));
    }

    /// A quantile of no values is no number, and left out. Answers how many were cut.
    fn add_quantiles(
        &mut self,
        point: &SummaryPoint,
        pairs: &[f64],
        interner: &Interner,
        into: &mut Batch,
    ) -> u64 {
        let mut cut = 0;
        for pair in pairs.chunks_exact(2).filter(|pair| !pair[1].is_nan()) {
            let bits = pair[0].to_bits();
            let known =
                self.quantiles.iter().find(|(known, _)| *known == bits).map(|(_, series)| series.id());
            let id = match known {
                Some(id) => id,
                None if self.quantiles.len() < MAX_QUANTILES => {
                    let Some(summary) = interner.resolve(point.series) else { continue };
                    let series = gauge_of(&summary, pair[0], interner);
                    let id = series.id();
                    self.quantiles.push((bits, series));
                    id
                }
                None => {
                    cut += 1;
                    continue;
                }
            };
            into.numbers.push(NumberPoint::new(id, point.start, point.time, Number::Double(pair[1])));
        }
        cut
    }
}

/// The series of a quantile.
fn gauge_of(summary: &Series, quantile: f64, interner: &Interner) -> Arc<Series> {
    let identity = summary.identity().clone();
    let gauge = Descriptor { kind: Kind::Gauge, ..summary.descriptor().clone() };
    let mut attributes = identity.attributes.to_vec();
    attributes.push(interner.attribute(QUANTILE, Value::str(quantile.to_string())));
    let (descriptor, attributes) = (interner.descriptor(gauge), Attributes::new(attributes));
    interner.rewritten(summary, Identity { descriptor, attributes, ..identity })
}

#[cfg(test)]
mod tests;
