use std::{sync::Arc, time::Duration};

use weir_core::{
    Batch, Clock, Descriptor, Identity, Interner, NodeLedger, Out, PerSeries, Processor, Quiet, Reason,
    Series, SeriesId, State, StreamId, Temporality, UnixNanos,
};

use super::{
    Config, DUPLICATE, InitialValue, OUT_OF_ORDER,
    durable::Durable,
    explicit::{BoundsPool, ExplicitPoint},
    exponential::{ExponentialPoint, Scratch},
    filter::Filter,
    saved::Key,
    sequence::{Order, Sequence},
    streams::{Stream, Streams, TICK, Tabled},
};

/// Turns cumulative points into deltas.
pub(super) struct Converter {
    ledger: Arc<NodeLedger>,
    routes: PerSeries<Option<Route>>,
    stage: Stage,
    room: Room,
    no_room: Quiet,
    is_relaying_said: bool,
}

/// What the conversion of a point needs, beside the point.
struct Stage {
    config: Config,
    id: Arc<str>,
    filter: Filter,
    interner: Arc<Interner>,
    clock: Clock,
    streams: Streams,
    durable: Option<Durable>,
    /// The time, in seconds since the epoch.
    seen: u32,
    /// The metric that a route was found for last, and that of its deltas: the series of a metric come one after the other.
    last_metric: Option<(Arc<Descriptor>, Arc<Descriptor>)>,
}

/// What a stage hands to its successor over a reload (R7).
struct Handed {
    streams: Streams,
    /// Points are on their way that its next snapshot waits for.
    durable: Option<Durable>,
}

/// Room for histograms that is used again and again.
#[derive(Default)]
struct Room {
    bounds: BoundsPool,
    scratch: Scratch,
}

/// Where the points of a counter go. Series that are none have no route: their points pass.
struct Route {
    way: Way,
    /// Keeps the delta's series alive (R4).
    _held: Arc<Series>,
}

/// From a stream to the series of its deltas.
#[derive(Clone, Copy)]
struct Way {
    to: SeriesId,
    stream: StreamId,
}

/// What becomes of a point.
enum Outcome {
    /// It goes on, as a delta.
    Goes,
    /// The next delta counts from it.
    Baseline,
    /// It ends here.
    Dropped(Reason),
}

/// Points that end here, counted without a lock and entered once a batch.
#[derive(Default)]
struct Ended {
    baselines: u64,
    dropped: Vec<(Reason, u64)>,
}

impl Converter {
    pub(super) fn new(config: Config, context: weir_core::Context, prior: Option<State>) -> Self {
        let prior = prior.and_then(|state| state.downcast::<Handed>().ok());
        let prior = prior.map_or_else(
            || Handed { streams: Streams::new(context.clock.now()), durable: None },
            |prior| *prior,
        );
        let stage = Stage {
            streams: prior.streams,
            durable: Durable::new(&config, &context, prior.durable),
            filter: Filter::new(&config),
            config,
            id: context.id,
            interner: context.interner,
            clock: context.clock,
            seen: 0,
            last_metric: None,
        };
        Self {
            ledger: context.ledger,
            routes: PerSeries::default(),
            stage,
            room: Room::default(),
            no_room: Quiet::default(),
            is_relaying_said: false,
        }
    }

    fn say_once(&mut self, relaid: u64) {
        if relaid > 0 && !std::mem::replace(&mut self.is_relaying_said, true) {
            tracing::warn!(
                component = %self.stage.id,
                "the bounds of a histogram changed: this counts as a reset, here and from now on"
            );
        }
    }

    fn say_no_room(&self, ended: &Ended, now: UnixNanos) {
        if ended.of(Reason::SERIES_CAP) > 0
            && let Some(suppressed) = self.no_room.speak(now)
        {
            tracing::warn!(
                component = %self.stage.id, max_series = self.stage.config.max_series, suppressed,
                "max_series is reached: points of further streams are dropped"
            );
        }
    }
}

/// The way of the series `id`; the first time, it is found out.
#[inline]
fn way(routes: &mut PerSeries<Option<Route>>, stage: &mut Stage, id: SeriesId) -> Option<Way> {
    match routes.get(id) {
        Some(route) => route.as_ref().map(|route| route.way),
        None => find_way(routes, stage, id),
    }
}

#[cold]
fn find_way(routes: &mut PerSeries<Option<Route>>, stage: &mut Stage, id: SeriesId) -> Option<Way> {
    // The batch's lease keeps the id resolvable (R1).
    let series = stage.interner.resolve(id)?;
    let route = stage.route_of(&series);
    let way = route.as_ref().map(|route| route.way);
    routes.insert(id, route);
    way
}

impl Processor for Converter {
    fn process(&mut self, mut batch: Batch, out: &mut Out) {
        let now = self.stage.now();
        let (mut ended, mut relaid) = (Ended::default(), 0);
        let Self { routes, stage, room, .. } = self;
        batch.numbers.retain_mut(|point| {
            let Some(way) = way(routes, stage, point.series) else { return true };
            ended.stays(stage.convert(point, way))
        });
        // Taken out while their counts, which lie in the batch, change.
        let mut histograms = std::mem::take(&mut batch.histograms);
        histograms.retain_mut(|point| {
            let Some(way) = way(routes, stage, point.series) else { return true };
            let (batch, pool, relaid) = (&mut batch, &mut room.bounds, &mut relaid);
            ended.stays(stage.convert(&mut ExplicitPoint { point, batch, pool, relaid }, way))
        });
        batch.histograms = histograms;
        let mut histograms = std::mem::take(&mut batch.exponential_histograms);
        histograms.retain_mut(|point| {
            let Some(way) = way(routes, stage, point.series) else { return true };
            let (batch, scratch) = (&mut batch, &mut room.scratch);
            ended.stays(stage.convert(&mut ExponentialPoint { point, batch, scratch }, way))
        });
        batch.exponential_histograms = histograms;
        ended.enter(&self.ledger);
        self.say_no_room(&ended, now);
        self.say_once(relaid);
        if let Some(durable) = &self.stage.durable {
            durable.follow(&mut batch);
        }
        // An empty batch goes on too: its ack is settled where it ends.
        out.push(batch);
    }

    fn tick(&mut self, _now: UnixNanos, _out: &mut Out) {
        let now = self.stage.now();
        self.routes.forget_gone(&self.stage.interner);
        let Stage { streams, durable, config, interner, .. } = &mut self.stage;
        streams.forget(config.max_staleness.0, now, interner.stats());
        if let Some(durable) = durable {
            durable.save_if_due(streams, now);
        }
    }

    fn tick_every(&self) -> Option<Duration> {
        let save = self.stage.durable.as_ref().map(Durable::interval);
        Some(save.map_or(TICK, |interval| interval.min(TICK)))
    }

    fn flush(&mut self, _out: &mut Out) {
        let now = self.stage.now();
        let Stage { streams, durable, .. } = &mut self.stage;
        if let Some(durable) = durable {
            durable.save_last(streams, now);
        }
    }

    fn into_state(self: Box<Self>) -> Option<State> {
        let mut stage = self.stage;
        // What was saved belongs to what is handed on, though no point has come yet.
        stage.now();
        Some(Box::new(Handed { streams: stage.streams, durable: stage.durable }))
    }

    fn retention(&self) -> Duration {
        let staleness = self.stage.config.max_staleness.0;
        if staleness.is_zero() { Duration::MAX } else { staleness }
    }
}

impl Stage {
    /// The time; before it is asked for the first time, what was saved is restored.
    fn now(&mut self) -> UnixNanos {
        let now = self.clock.now();
        self.seen = now.seconds() as u32;
        if let Some(durable) = &mut self.durable {
            durable.restore(&mut self.streams, self.config.max_staleness.0, now, self.interner.stats());
        }
        now
    }

    fn route_of(&mut self, series: &Series) -> Option<Route> {
        let identity = series.identity();
        let metric = &identity.descriptor;
        if !metric.is_cumulative_counter() || !self.filter.takes(metric) {
            return None;
        }
        let delta = Identity {
            resource: Arc::clone(&identity.resource),
            scope: Arc::clone(&identity.scope),
            descriptor: self.delta_of(metric),
            attributes: identity.attributes.clone(),
        };
        let held = self.interner.rewritten(series, delta);
        Some(Route { way: Way { to: held.id(), stream: series.stream() }, _held: held })
    }

    fn delta_of(&mut self, metric: &Arc<Descriptor>) -> Arc<Descriptor> {
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

    /// Makes `point` a delta, if it is one.
    #[inline]
    fn convert<P: Tabled>(&mut self, point: &mut P, way: Way) -> Outcome {
        if let Some(reason) = point.unusable() {
            return Outcome::Dropped(reason);
        }
        match P::table(&mut self.streams).get_mut(way.stream) {
            Some(stream) => step(point, stream, way, self.seen),
            None => self.begin(point, way),
        }
    }

    /// The first point of a stream in this process.
    #[cold]
    fn begin<P: Tabled>(&mut self, point: &mut P, way: Way) -> Outcome {
        let key = self.key(way.stream);
        if let Some(mut stream) = key.and_then(|key| P::take(&mut self.streams.remembered, &key)) {
            let outcome = step(point, &mut stream, way, self.seen);
            self.streams.insert::<P>(way.stream, key, stream);
            return outcome;
        }
        if self.config.max_series > 0 && self.streams.len() >= self.config.max_series {
            return Outcome::Dropped(Reason::SERIES_CAP);
        }
        let times = point.times();
        let goes = match self.config.initial_value {
            InitialValue::Keep => true,
            InitialValue::Drop => false,
            InitialValue::Auto => self.streams.is_all_new(times),
        };
        let stream = Stream { sequence: Sequence::at(times), seen: self.seen, last: point.remember() };
        self.streams.insert::<P>(way.stream, key, stream);
        if goes {
            point.send(way.to, times.start);
            Outcome::Goes
        } else {
            Outcome::Baseline
        }
    }

    /// By what the stream is known in another process, where that is asked for.
    fn key(&self, stream: StreamId) -> Option<Key> {
        self.durable.as_ref()?;
        // Whatever it is called here: the name at its door stays. The batch's lease covers it (R1).
        self.interner.at_door(stream).map(|series| Key::of(&series))
    }
}

/// Takes the next point of a stream in. One that is refused changes nothing, so that the next delta is right.
#[inline]
fn step<P: Tabled>(point: &mut P, stream: &mut Stream<P::Last>, way: Way, seen: u32) -> Outcome {
    let times = point.times();
    let start = match stream.sequence.order(times) {
        Order::Duplicate => return Outcome::Dropped(DUPLICATE),
        Order::Late => return Outcome::Dropped(OUT_OF_ORDER),
        Order::GoesOn if point.subtract(&mut stream.last) => stream.sequence.time,
        // Something fell: that is a reset as well.
        Order::GoesOn => stream.sequence.reset(times),
        Order::BeganAnew => {
            point.replace(&mut stream.last);
            stream.sequence.reset(times)
        }
    };
    stream.sequence = Sequence::at(times);
    stream.seen = seen;
    point.send(way.to, start);
    Outcome::Goes
}

impl Ended {
    /// Whether the point stays in the batch; if not, it is counted.
    #[inline]
    fn stays(&mut self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Goes => return true,
            Outcome::Baseline => self.baselines += 1,
            Outcome::Dropped(reason) => self.add(reason),
        }
        false
    }

    #[cold]
    fn add(&mut self, reason: Reason) {
        match self.dropped.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, points)) => *points += 1,
            None => self.dropped.push((reason, 1)),
        }
    }

    fn of(&self, reason: Reason) -> u64 {
        self.dropped.iter().find(|(known, _)| *known == reason).map_or(0, |(_, points)| *points)
    }

    fn enter(&self, ledger: &NodeLedger) {
        ledger.merge(self.baselines);
        for (reason, points) in &self.dropped {
            ledger.drop_points(*reason, *points);
        }
    }
}
