//! Where points go: from a counter to the series of its deltas.

use std::sync::Arc;

use weir_core::{Descriptor, Identity, Interner, PerSeries, Series, SeriesId, StreamId, Temporality};

use super::{Config, filter::Filter};

/// Where the points of a series go.
pub(super) enum Way {
    /// On as they are: it is no counter, or not one that is converted.
    On,
    /// They become deltas.
    Delta(ToDelta),
}

/// From a stream to the series of its deltas.
pub(super) struct ToDelta {
    pub(super) stream: StreamId,
    pub(super) to: SeriesId,
}

/// The ways of all series, each found out once.
pub(super) struct Routes {
    interner: Arc<Interner>,
    filter: Filter,
    /// What every point looks at.
    ways: PerSeries<Way>,
    /// Keeps the deltas' series alive (R4).
    held: PerSeries<Arc<Series>>,
    /// The metric that a way was found for last, and that of its deltas: the series of a metric come one after the other.
    last_metric: Option<(Arc<Descriptor>, Arc<Descriptor>)>,
}

impl Routes {
    pub(super) fn new(config: &Config, interner: Arc<Interner>) -> Self {
        let filter = Filter::new(config);
        let (ways, held) = (PerSeries::default(), PerSeries::default());
        Self { interner, filter, ways, held, last_metric: None }
    }

    /// The way of a series that had points before. By reference: a copy would be written in other pieces than it is read in, for which a
    /// processor waits longer than for all else of a point.
    #[inline]
    pub(super) fn known(&self, id: SeriesId) -> Option<&Way> {
        self.ways.get(id)
    }

    /// The way of any series; the first time, it is found out.
    #[inline]
    pub(super) fn way(&mut self, id: SeriesId) -> Option<&Way> {
        if self.known(id).is_none() {
            self.find(id);
        }
        self.known(id)
    }

    #[cold]
    fn find(&mut self, id: SeriesId) {
        // The batch's lease keeps the id resolvable (R1).
        let Some(series) = self.interner.resolve(id) else { return };
        let way = match self.delta_of(&series) {
            Some(delta) => {
                let way = ToDelta { stream: series.stream(), to: delta.id() };
                self.held.insert(id, delta);
                Way::Delta(way)
            }
            None => Way::On,
        };
        self.ways.insert(id, way);
    }

    /// The series of the deltas of `series`, if it is a counter that is converted.
    fn delta_of(&mut self, series: &Series) -> Option<Arc<Series>> {
        let identity = series.identity();
        let metric = &identity.descriptor;
        if !metric.is_cumulative_counter() || !self.filter.takes(metric) {
            return None;
        }
        let delta = Identity {
            resource: Arc::clone(&identity.resource),
            scope: Arc::clone(&identity.scope),
            descriptor: self.metric_of(metric),
            attributes: identity.attributes.clone(),
        };
        Some(self.interner.rewritten(series, delta))
    }

    fn metric_of(&mut self, metric: &Arc<Descriptor>) -> Arc<Descriptor> {
        match &self.last_metric {
            Some((last, delta)) if Arc::ptr_eq(last, metric) => Arc::clone(delta),
            _ => {
                let delta = Descriptor { temporality: Temporality::Delta, ..Descriptor::clone(metric) };
                let delta = self.interner.descriptor(delta);
                self.last_metric = Some((Arc::clone(metric), Arc::clone(&delta)));
                delta
            }
        }
    }

    /// Forgets series that no one can name any more.
    pub(super) fn forget_gone(&mut self) {
        self.ways.forget_gone(&self.interner);
        self.held.forget_gone(&self.interner);
    }
}
