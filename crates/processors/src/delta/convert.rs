use std::{sync::Arc, time::Duration};

use weir_core::{
    Batch, Clock, Interner, NodeLedger, NumberPoint, Out, Processor, Quiet, Reason, State, StreamId,
    UnixNanos,
};

use super::{
    Config, DUPLICATE, InitialValue, OUT_OF_ORDER,
    durable::Durable,
    explicit::{BoundsPool, ExplicitPoint},
    exponential::{ExponentialPoint, Scratch},
    number,
    routes::{Routes, ToDelta, Way},
    saved::Key,
    sequence::{Order, Sequence},
    streams::{Stream, Streams, TICK, Tabled},
};

/// Turns cumulative points into deltas.
pub(super) struct Converter {
    ledger: Arc<NodeLedger>,
    routes: Routes,
    stage: Stage,
    room: Room,
    no_room: Quiet,
    is_relaying_said: bool,
}

/// What the conversion of a point needs, beside the point.
struct Stage {
    config: Config,
    id: Arc<str>,
    interner: Arc<Interner>,
    clock: Clock,
    streams: Streams,
    durable: Option<Durable>,
    /// The time, in seconds since the epoch.
    seen: u32,
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
        let routes = Routes::new(&config, Arc::clone(&context.interner));
        let stage = Stage {
            streams: prior.streams,
            durable: Durable::new(&config, &context, prior.durable),
            config,
            id: context.id,
            interner: context.interner,
            clock: context.clock,
            seen: 0,
        };
        Self {
            ledger: context.ledger,
            routes,
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

impl Processor for Converter {
    fn process(&mut self, mut batch: Batch, out: &mut Out) {
        let now = self.stage.now();
        let (mut ended, mut relaid) = (Ended::default(), 0);
        let Self { routes, stage, room, .. } = self;
        keep(&mut batch.numbers, |point| match routes.known(point.series) {
            Some(Way::On) => true,
            Some(Way::Delta(way)) if stage.goes_on(point, way) => true,
            _ => stage.take_in(point, routes, &mut ended),
        });
        // Taken out while their counts, which lie in the batch, change.
        let mut histograms = std::mem::take(&mut batch.histograms);
        histograms.retain_mut(|point| {
            let Some(Way::Delta(way)) = routes.way(point.series) else { return true };
            let (batch, pool, relaid) = (&mut batch, &mut room.bounds, &mut relaid);
            ended.stays(stage.convert(&mut ExplicitPoint { point, batch, pool, relaid }, way))
        });
        batch.histograms = histograms;
        let mut histograms = std::mem::take(&mut batch.exponential_histograms);
        histograms.retain_mut(|point| {
            let Some(Way::Delta(way)) = routes.way(point.series) else { return true };
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
        self.routes.forget_gone();
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

    /// Makes `point` a delta, if it is plain that it goes on from the last one of its stream: almost every number is.
    #[inline]
    fn goes_on(&mut self, point: &mut NumberPoint, way: &ToDelta) -> bool {
        let stream = self.streams.numbers.get_mut(way.stream);
        stream.is_some_and(|stream| number::goes_on(point, stream, way.to, self.seen))
    }

    /// Takes any other number in; whether it stays in the batch.
    #[cold]
    fn take_in(&mut self, point: &mut NumberPoint, routes: &mut Routes, ended: &mut Ended) -> bool {
        let Some(Way::Delta(way)) = routes.way(point.series) else { return true };
        ended.stays(self.convert(point, way))
    }

    /// Makes `point` a delta, if it is one.
    #[inline]
    fn convert<P: Tabled>(&mut self, point: &mut P, way: &ToDelta) -> Outcome {
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
    fn begin<P: Tabled>(&mut self, point: &mut P, way: &ToDelta) -> Outcome {
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

/// [`Vec::retain_mut`] with one loop in place of two, so that the short way of a number is compiled into it: half the time of a point.
fn keep(points: &mut Vec<NumberPoint>, mut stays: impl FnMut(&mut NumberPoint) -> bool) {
    let mut kept = 0;
    for at in 0..points.len() {
        if stays(&mut points[at]) {
            if kept < at {
                points[kept] = points[at];
            }
            kept += 1;
        }
    }
    points.truncate(kept);
}

/// Takes the next point of a stream in. One that is refused changes nothing, so that the next delta is right.
#[inline]
fn step<P: Tabled>(point: &mut P, stream: &mut Stream<P::Last>, way: &ToDelta, seen: u32) -> Outcome {
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
