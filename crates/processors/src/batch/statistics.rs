//! The least and the greatest value of a gauge in a window, as metrics of their own.

use std::sync::Arc;

use weir_core::{Batch, Descriptor, Identity, Interner, Kind, PerSeries, Series};

use super::{
    GaugeStatistic,
    cells::{Cell, GatheredNumber},
};

/// What is asked for besides the last value, and the names of it.
pub(super) struct Statistics {
    asked: Vec<GaugeStatistic>,
    /// Nothing for what is no gauge. Keeps the series alive (R4).
    names: PerSeries<Vec<Arc<Series>>>,
}

impl Statistics {
    pub(super) fn new(gauges: &[GaugeStatistic]) -> Self {
        Self { asked: gauges.to_vec(), names: PerSeries::default() }
    }

    /// Puts what is asked for into `batch`; answers how many points that are.
    pub(super) fn write(
        &mut self,
        numbers: &PerSeries<Cell<GatheredNumber>>,
        interner: &Interner,
        batch: &mut Batch,
    ) -> u64 {
        if self.asked.is_empty() {
            return 0;
        }
        let mut made = 0;
        for (id, cell) in numbers.iter() {
            let names = self.names.get_or_insert_with(id, || {
                let gauge = interner.resolve(id).filter(|series| series.descriptor().kind == Kind::Gauge);
                let names = |gauge: Arc<Series>| {
                    self.asked.iter().map(|statistic| named(&gauge, *statistic, interner)).collect()
                };
                gauge.map(names).unwrap_or_default()
            });
            for (series, statistic) in names.iter().zip(&self.asked) {
                let mut point = match statistic {
                    GaugeStatistic::Max => cell.gathered.greatest(),
                    GaugeStatistic::Min => cell.gathered.least(),
                };
                point.series = series.id();
                batch.numbers.push(point);
                made += 1;
            }
        }
        made
    }

    pub(super) fn forget_gone(&mut self, interner: &Interner) {
        self.names.forget_gone(interner);
    }
}

/// The same gauge as `NAME.min` or `NAME.max`.
fn named(series: &Series, statistic: GaugeStatistic, interner: &Interner) -> Arc<Series> {
    let identity = series.identity();
    let end = match statistic {
        GaugeStatistic::Min => "min",
        GaugeStatistic::Max => "max",
    };
    let name = format!("{}.{end}", identity.descriptor.name);
    let descriptor = Descriptor { name: name.into(), ..Descriptor::clone(&identity.descriptor) };
    let descriptor = interner.descriptor(descriptor);
    interner.rewritten(series, Identity { descriptor, ..identity.clone() })
}
