use std::{sync::Arc, time::Duration};

use weir_core::{
    Attributes, Batch, Context, Doors, Identity, Interner, KeyValue, Metadata, Out, PerSeries, Processor,
    Series, SeriesId, Source, UnixNanos,
};
use weir_detectors::Environment;

use super::{
    action::Action,
    config::{ApplyTo, Config},
    matching::Filter,
    rules::{Rule, Surroundings, shape},
};

/// How often cells of series that no one can name any more are dropped.
const FORGET_EVERY: Duration = Duration::from_secs(10);

/// Gives points the series that the rules make of theirs.
pub(super) struct Rewriter {
    interner: Arc<Interner>,
    metadata: Metadata,
    /// The metadata's version that `rules.detected` and the tables are of.
    version: u64,
    rules: Rules,
    /// What a series is called afterwards: all that a point of a known series costs.
    names: PerSeries<SeriesId>,
    /// Keeps the new names alive (R4); nothing where the rules leave a series as it is.
    held: PerSeries<Arc<Series>>,
}

struct Rules {
    point: Vec<Rule>,
    resource: Vec<Rule>,
    filter: Filter,
    detected: Detected,
    doors: Doors,
}

/// What detectors have found, and for whom it is.
struct Detected {
    /// The detectors that were asked; those that the configuration lists come first.
    sources: Vec<Source>,
    /// How many are listed: what these find goes into resources.
    listed: usize,
    apply_to: ApplyTo,
    replaces: bool,
    /// What all of them have found.
    all: Attributes,
    /// What the listed ones have found.
    stamped: Attributes,
}

impl Rewriter {
    pub(super) fn new(config: &Config, context: Context, environment: &Environment) -> Self {
        let mut stage = Self {
            rules: Rules::new(config, &context, environment),
            interner: context.interner,
            version: 0,
            metadata: context.metadata,
            names: PerSeries::default(),
            held: PerSeries::default(),
        };
        stage.learn();
        stage
    }

    /// Takes over what detectors have found by now. What was made of what they had found before is made anew.
    fn learn(&mut self) {
        self.version = self.metadata.version();
        if self.rules.detected.learn(&self.metadata) {
            self.names = PerSeries::default();
            self.held = PerSeries::default();
        }
    }
}

impl Processor for Rewriter {
    fn process(&mut self, mut batch: Batch, out: &mut Out) {
        if self.version != self.metadata.version() {
            self.learn();
        }
        let Self { interner, rules, names, held, .. } = self;
        if !rules.is_empty() {
            batch.for_each_series(|id| match names.get(*id) {
                Some(name) => *id = *name,
                None => *id = rules.resolve(*id, interner, names, held),
            });
        }
        out.push(batch);
    }

    fn tick(&mut self, _now: UnixNanos, _out: &mut Out) {
        self.names.forget_gone(&self.interner);
        self.held.forget_gone(&self.interner);
    }

    fn tick_every(&self) -> Option<Duration> {
        Some(FORGET_EVERY)
    }
}

impl Detected {
    fn learn(&mut self, metadata: &Metadata) -> bool {
        let (all, stamped) = (metadata.found(&self.sources), metadata.found(&self.sources[..self.listed]));
        let is_news = all != self.all || stamped != self.stamped;
        (self.all, self.stamped) = (all, stamped);
        is_news
    }

    /// The attributes of a resource with what was found.
    fn stamp(&self, attributes: &Attributes) -> Attributes {
        let mut list: Vec<KeyValue> = Vec::with_capacity(attributes.len() + self.stamped.len());
        // Of several values of one name, the last stays.
        match self.replaces {
            true => list.extend(attributes.iter().chain(&self.stamped).cloned()),
            false => list.extend(self.stamped.iter().chain(attributes).cloned()),
        }
        Attributes::new(list)
    }
}

impl Rules {
    fn new(config: &Config, context: &Context, environment: &Environment) -> Self {
        // What `check` has let pass makes a rule.
        let ready = |actions: &[Action]| -> Vec<Rule> {
            actions.iter().filter_map(|action| Rule::new(action, &|name| environment(name)).ok()).collect()
        };
        let settings = config.settings();
        let ask = |name| weir_detectors::ask(name, &settings, &context.metadata, environment);
        Self {
            point: ready(&config.point_actions()),
            resource: ready(&config.resource),
            filter: Filter::new(config.include.as_ref(), config.exclude.as_ref()),
            detected: Detected {
                sources: config.asked().into_iter().map(ask).collect(),
                listed: config.detectors.len(),
                apply_to: config.apply_to,
                replaces: config.replaces,
                all: Attributes::default(),
                stamped: Attributes::default(),
            },
            doors: context.doors.clone(),
        }
    }

    fn is_empty(&self) -> bool {
        self.point.is_empty() && self.resource.is_empty() && self.detected.stamped.is_empty()
    }

    /// The slow way: computes and remembers what becomes of `id`.
    #[cold]
    fn resolve(
        &self,
        id: SeriesId,
        interner: &Interner,
        names: &mut PerSeries<SeriesId>,
        held: &mut PerSeries<Arc<Series>>,
    ) -> SeriesId {
        // The batch's lease keeps the id resolvable (R1).
        let Some(series) = interner.resolve(id) else { return id };
        let renamed = self.rewrite(&series, interner);
        let to = renamed.as_ref().map_or(id, |renamed| renamed.id());
        names.insert(id, to);
        if let Some(renamed) = renamed {
            held.insert(id, renamed);
        }
        to
    }

    /// The series under the name that the rules give it; `None` where that is the name it has.
    fn rewrite(&self, series: &Series, interner: &Interner) -> Option<Arc<Series>> {
        if !self.filter.takes(series) {
            return None;
        }
        let identity = series.identity();
        let received = &identity.resource;
        let nothing = Attributes::default();
        let is_meant = !self.detected.all.is_empty()
            && (self.detected.apply_to == ApplyTo::All || self.doors.is_of_this_host(series));
        let metadata = if is_meant { &self.detected.all } else { &nothing };
        let mut resource = None;
        if is_meant && !self.detected.stamped.is_empty() {
            let stamped = self.detected.stamp(&received.attributes);
            resource = (stamped != received.attributes).then_some(stamped);
        }
        let around = Surroundings { resource: received, received, metadata };
        let shaped = shape(&self.resource, resource.as_ref().unwrap_or(&received.attributes), around);
        let resource =
            shaped.or(resource).map(|attributes| interner.resource(attributes, &received.schema_url));
        let around = Surroundings { resource: resource.as_deref().unwrap_or(received), ..around };
        let attributes = shape(&self.point, &identity.attributes, around);
        if resource.is_none() && attributes.is_none() {
            return None;
        }
        let identity = Identity {
            resource: resource.unwrap_or_else(|| Arc::clone(received)),
            scope: Arc::clone(&identity.scope),
            descriptor: Arc::clone(&identity.descriptor),
            attributes: attributes.unwrap_or_else(|| identity.attributes.clone()),
        };
        Some(interner.rewritten(series, identity))
    }
}
