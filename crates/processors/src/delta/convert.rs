use std::{sync::Arc, time::Duration};

use weir_core::{
    Batch, Clock, Descriptor, Identity, Interner, Kind, NodeLedger, NumberPoint, Out, PerSeries, Processor,
    Reason, Series, SeriesId, State, StreamId, Temporality, UnixNanos,
};

use super::{
    Config, DUPLICATE, InitialValue, NEGATIVE, OUT_OF_ORDER,
    counter::{Counter, Step, Unusable, check},
    streams::{Stream, Streams, TICK},
};

/// How often a full table of streams is worth a line in the log.
const COMPLAIN_EVERY: Duration = Duration::from_mins(1);

/// Turns cumulative points into deltas.
pub(super) struct Converter {
    config: Config,
    id: Arc<str>,
    interner: Arc<Interner>,
    clock: Clock,
    ledger: Arc<NodeLedger>,
    routes: PerSeries<Option<Route>>,
    streams: Streams,
    complaint: Complaint,
}

/// Where the points of a counter go. Series that are none have no route: their points pass.
struct Route {
    to: SeriesId,
    stream: StreamId,
    /// Keeps `to` alive (R4).
    _held: Arc<Series>,
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

/// Points that found no room, since the log last said so.
#[derive(Default)]
struct Complaint {
    points: u64,
    last: UnixNanos,
}

impl Converter {
    pub(super) fn new(config: Config, context: weir_core::Context, prior: Option<State>) -> Self {
        let prior = prior.and_then(|state| state.downcast::<Streams>().ok());
        Self {
            config,
            id: context.id,
            interner: context.interner,
            ledger: context.ledger,
            routes: PerSeries::default(),
            streams: prior.map_or_else(|| Streams::new(context.clock.now()), |streams| *streams),
            clock: context.clock,
            complaint: Complaint::default(),
        }
    }

    /// The slow way: finds out what the series `id` is, and remembers it.
    #[cold]
    fn find_route<'a>(
        routes: &'a mut PerSeries<Option<Route>>,
        interner: &Interner,
        id: SeriesId,
    ) -> Option<&'a Route> {
        // The batch's lease keeps the id resolvable (R1).
        let series = interner.resolve(id)?;
        routes.get_or_insert_with(id, || Route::of(&series, interner)).as_ref()
    }
}

impl Route {
    fn of(series: &Series, interner: &Interner) -> Option<Self> {
        let identity = series.identity();
        let metric = &identity.descriptor;
        if metric.kind != Kind::Sum || !metric.is_cumulative_counter() {
            return None;
        }
        let metric = Descriptor { temporality: Temporality::Delta, ..Descriptor::clone(metric) };
        let delta = Identity { descriptor: interner.descriptor(metric), ..identity.clone() };
        let held = interner.rewritten(series, delta);
        Some(Self { to: held.id(), stream: series.stream(), _held: held })
    }
}

impl Processor for Converter {
    fn process(&mut self, mut batch: Batch, out: &mut Out) {
        let seen = self.clock.now().seconds() as u32;
        let mut ended = Ended::default();
        let Self { routes, interner, streams, config, .. } = self;
        batch.numbers.retain_mut(|point| {
            let route = match routes.get(point.series) {
                Some(route) => route.as_ref(),
                None => Self::find_route(routes, interner, point.series),
            };
            let Some(route) = route else { return true };
            match convert(point, route, streams, config, seen) {
                Outcome::Goes => true,
                Outcome::Baseline => {
                    ended.baselines += 1;
                    false
                }
                Outcome::Dropped(reason) => {
                    ended.add(reason);
                    false
                }
            }
        });
        self.complaint.points += ended.enter(&self.ledger);
        // An empty batch goes on too: its ack is settled where it ends.
        out.push(batch);
    }

    fn tick(&mut self, now: UnixNanos, _out: &mut Out) {
        self.routes.forget_gone(&self.interner);
        self.streams.forget(self.config.max_staleness.0, now, self.interner.stats());
        self.complaint.speak(&self.id, self.config.max_series, now);
    }

    fn tick_every(&self) -> Option<Duration> {
        Some(TICK)
    }

    fn into_state(self: Box<Self>) -> Option<State> {
        Some(Box::new(self.streams))
    }

    fn retention(&self) -> Duration {
        let staleness = self.config.max_staleness.0;
        if staleness.is_zero() { Duration::MAX } else { staleness }
    }
}

/// Makes `point` a delta, if it is one.
#[inline]
fn convert(
    point: &mut NumberPoint,
    route: &Route,
    streams: &mut Streams,
    config: &Config,
    seen: u32,
) -> Outcome {
    let value = match check(point) {
        Ok(value) => value,
        Err(Unusable::NoRecordedValue) => return Outcome::Dropped(Reason::NO_RECORDED_VALUE),
        Err(Unusable::NotFinite) => return Outcome::Dropped(Reason::NOT_FINITE),
        Err(Unusable::Negative) => return Outcome::Dropped(NEGATIVE),
    };
    let Some(stream) = streams.get_mut(route.stream) else {
        let counter = Counter::begin(point, value);
        return begin(point, route, Stream { counter, seen }, streams, config);
    };
    match stream.counter.step(point, value) {
        Step::Added { value, start } => {
            stream.seen = seen;
            point.series = route.to;
            point.start = start;
            point.set_value(value);
            Outcome::Goes
        }
        Step::Duplicate => Outcome::Dropped(DUPLICATE),
        Step::OutOfOrder => Outcome::Dropped(OUT_OF_ORDER),
    }
}

/// The first point of a stream.
#[cold]
fn begin(
    point: &mut NumberPoint,
    route: &Route,
    stream: Stream,
    streams: &mut Streams,
    config: &Config,
) -> Outcome {
    if config.max_series > 0 && streams.len() >= config.max_series {
        return Outcome::Dropped(Reason::SERIES_CAP);
    }
    let goes = match config.initial_value {
        InitialValue::Keep => true,
        InitialValue::Drop => false,
        InitialValue::Auto => streams.is_all_new(point),
    };
    streams.insert(route.stream, stream);
    if goes {
        point.series = route.to;
        Outcome::Goes
    } else {
        Outcome::Baseline
    }
}

impl Ended {
    #[cold]
    fn add(&mut self, reason: Reason) {
        match self.dropped.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, points)) => *points += 1,
            None => self.dropped.push((reason, 1)),
        }
    }

    /// Enters them into `ledger`; answers how many found no room.
    fn enter(&self, ledger: &NodeLedger) -> u64 {
        ledger.merge(self.baselines);
        let mut no_room = 0;
        for (reason, points) in &self.dropped {
            ledger.drop_points(*reason, *points);
            if *reason == Reason::SERIES_CAP {
                no_room += points;
            }
        }
        no_room
    }
}

impl Complaint {
    fn speak(&mut self, component: &str, max_series: u64, now: UnixNanos) {
        if self.points > 0 && now.since(self.last) >= COMPLAIN_EVERY {
            let points = self.points;
            tracing::warn!(
                component,
                max_series,
                points,
                "max_series is reached: points of further streams are dropped"
            );
            *self = Self { points: 0, last: now };
        }
    }
}
