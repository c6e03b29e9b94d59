use std::{sync::Arc, time::Duration};

use weir_core::{
    Batch, Context, Identity, Interner, Metadata, Out, PerSeries, Processor, Series, SeriesId, Snapshot,
    UnixNanos,
};

use super::{
    config::{Action, Config},
    rules::{Env, Rule, Surroundings, shape},
};

/// How often cells of series that no one can name any more are dropped.
const FORGET_EVERY: Duration = Duration::from_secs(10);

/// Gives points the series that the rules make of theirs.
pub(super) struct Rewriter {
    interner: Arc<Interner>,
    metadata: Metadata,
    /// What is known; stays empty if no rule asks for it.
    known: Snapshot,
    rules: Rules,
    cells: PerSeries<Cell>,
}

/// What the rules make of a series: computed once, and again when metadata it may depend on has changed.
struct Cell {
    to: SeriesId,
    /// The metadata's version that it was computed from.
    version: u64,
    /// Keeps `to` alive (R4); `None` where the rules leave the series as it is.
    _held: Option<Arc<Series>>,
}

struct Rules {
    point: Vec<Rule>,
    resource: Vec<Rule>,
    need_metadata: bool,
}

impl Rewriter {
    pub(super) fn new(config: &Config, context: Context, env: Env<'_>) -> Self {
        Self {
            rules: Rules::new(config, env),
            interner: context.interner,
            metadata: context.metadata,
            known: Snapshot::default(),
            cells: PerSeries::default(),
        }
    }
}

impl Processor for Rewriter {
    fn process(&mut self, mut batch: Batch, out: &mut Out) {
        if self.rules.need_metadata {
            self.known = self.metadata.snapshot(); // a lock a batch
        }
        let Self { interner, known, rules, cells, .. } = self;
        if !rules.is_empty() {
            batch.for_each_series(|id| match cells.get(*id) {
                Some(cell) if cell.version == known.version => *id = cell.to,
                _ => *id = rules.resolve(*id, known, interner, cells),
            });
        }
        out.push(batch);
    }

    fn tick(&mut self, _now: UnixNanos, _out: &mut Out) {
        self.cells.forget_gone(&self.interner);
    }

    fn tick_every(&self) -> Option<Duration> {
        Some(FORGET_EVERY)
    }
}

impl Rules {
    fn new(config: &Config, env: Env<'_>) -> Self {
        // What `check` has let pass makes a rule.
        let ready = |actions: &[Action]| -> Vec<Rule> {
            actions.iter().filter_map(|action| Rule::new(action, env).ok()).collect()
        };
        let (point, resource) = (ready(&config.actions), ready(&config.resource));
        let need_metadata = point.iter().chain(&resource).any(Rule::needs_metadata);
        Self { point, resource, need_metadata }
    }

    fn is_empty(&self) -> bool {
        self.point.is_empty() && self.resource.is_empty()
    }

    /// The slow way: computes and remembers what becomes of `id`.
    #[cold]
    fn resolve(
        &self,
        id: SeriesId,
        known: &Snapshot,
        interner: &Interner,
        cells: &mut PerSeries<Cell>,
    ) -> SeriesId {
        // The batch's lease keeps the id resolvable (R1). The lock must be gone before a series is made.
        let Some(series) = interner.resolve(id) else { return id };
        let held = self.rewrite(&series, known, interner);
        let to = held.as_ref().map_or(id, |held| held.id());
        let cell = cells.get_or_insert_with(id, || Cell { to, version: known.version, _held: None });
        *cell = Cell { to, version: known.version, _held: held };
        to
    }

    /// The series under the name that the rules give it; `None` where that is the name it has.
    fn rewrite(&self, series: &Series, known: &Snapshot, interner: &Interner) -> Option<Arc<Series>> {
        let identity = series.identity();
        let around = Surroundings { resource: &identity.resource, metadata: &known.attributes };
        let resource = shape(&self.resource, &identity.resource.attributes, around)
            .map(|attributes| interner.resource(attributes, &identity.resource.schema_url));
        let around = Surroundings { resource: resource.as_deref().unwrap_or(&identity.resource), ..around };
        let attributes = shape(&self.point, &identity.attributes, around);
        if resource.is_none() && attributes.is_none() {
            return None;
        }
        let identity = Identity {
            resource: resource.unwrap_or_else(|| Arc::clone(&identity.resource)),
            attributes: attributes.unwrap_or_else(|| identity.attributes.clone()),
            ..identity.clone()
        };
        Some(interner.rewritten(series, identity))
    }
}
