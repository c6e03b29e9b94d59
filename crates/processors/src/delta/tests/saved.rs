//! What is saved, when, and what becomes of it in the next process.

use proptest::prelude::*;
use weir_core::{Drawer, Out, Processor, ProcessorFactory as _, Saved, UnixNanos};

use super::{
    super::{
        saved::{decode, encode},
        streams::Streams,
    },
    *,
};

/// A stage with a storage, whose batches are not settled by anybody but the test.
struct Stage {
    fixture: Fixture,
    delta: Box<dyn Processor>,
    drawer: Drawer,
    series: Arc<Series>,
}

fn config() -> Config {
    Config { storage: Some("file_storage".to_owned()), ..Config::default() }
}

impl Stage {
    fn start(saved: Option<Saved>) -> Self {
        Self::start_at(START, saved)
    }

    fn start_at(time: u64, saved: Option<Saved>) -> Self {
        let fixture = Fixture::with_clock(weir_core::Clock::manual(seconds(time)));
        fixture.storages.offer(&Arc::from("file_storage"));
        let delta = Delta::build(config(), fixture.context("delta"), None);
        let drawer = fixture.storages.drawers("file_storage").pop().unwrap();
        saved.into_iter().for_each(|saved| drawer.found(saved));
        let series = fixture.stream(counter(), &[]);
        Self { fixture, delta, drawer, series }
    }

    fn feed(&mut self, start: u64, time: u64, value: i64) -> (Batch, Option<Number>) {
        let mut out = Out::default();
        let batch = self.fixture.batch([point(&self.series, start, time, Int(value))]);
        self.delta.process(batch, &mut out);
        let batch = out.take().pop().unwrap();
        let value = batch.numbers.first().map(NumberPoint::value);
        (batch, value)
    }

    fn delta_of(&mut self, start: u64, time: u64, value: i64) -> Option<Number> {
        let (batch, value) = self.feed(start, time, value);
        batch.ack.settle(weir_core::Verdict::Delivered);
        value
    }

    fn tick(&mut self, seconds: u64) {
        self.fixture.clock.advance(Duration::from_secs(seconds));
        self.delta.tick(self.fixture.clock.now(), &mut Out::default());
    }

    fn end(mut self) -> Saved {
        self.delta.flush(&mut Out::default());
        self.drawer.due_now().unwrap()
    }
}

#[test]
fn what_is_saved_does_not_run_ahead_of_what_is_open() {
    let mut stage = Stage::start(None);
    let (open, _) = stage.feed(NEW, NEW + 1, 100);
    stage.tick(30);
    assert_eq!(stage.drawer.due_now(), None, "the first point is on its way");
    // More points and a snapshot of them: delivered before the first.
    assert_eq!(stage.delta_of(NEW, NEW + 2, 130), Some(Int(30)));
    stage.tick(30);
    assert_eq!(stage.drawer.due_now(), None);
    open.ack.settle(weir_core::Verdict::Delivered);
    let saved = stage.drawer.due_now().unwrap();
    assert_eq!(saved.taken, seconds(START + 60));
    assert!(!saved.is_final);
    let mut next = Stage::start(Some(saved));
    assert_eq!(next.delta_of(NEW, NEW + 3, 131), Some(Int(1)));
}

#[test]
fn after_a_crash_what_came_after_the_saved_state_counts_again_and_nothing_is_missed() {
    let mut stage = Stage::start(None);
    stage.delta_of(NEW, NEW + 1, 100);
    stage.tick(30);
    let saved = stage.drawer.due_now().unwrap();
    assert_eq!(stage.delta_of(NEW, NEW + 2, 130), Some(Int(30)));
    drop(stage);
    let mut next = Stage::start(Some(saved));
    assert_eq!(next.delta_of(NEW, NEW + 3, 150), Some(Int(50)), "30 of them twice");
}

#[test]
fn the_first_snapshot_is_taken_at_the_first_tick_and_then_at_each_interval() {
    let mut stage = Stage::start(None);
    assert_eq!(stage.delta.tick_every(), Some(Duration::from_secs(10)));
    let taken = [10, 10, 10, 10, 10].map(|seconds| {
        stage.tick(seconds);
        stage.drawer.due_now().map(|saved| saved.taken.seconds() - START)
    });
    assert_eq!(taken, [Some(10), None, None, Some(40), None]);
}

#[test]
fn a_stream_that_is_new_since_the_snapshot_counts_whole_and_an_old_one_does_not() {
    let mut stage = Stage::start(None);
    stage.tick(30);
    let saved = stage.drawer.due_now().unwrap();
    let mut next = Stage::start_at(START + 100, Some(saved));
    assert_eq!(
        next.delta_of(START + 50, START + 101, 7),
        Some(Int(7)),
        "it began after the first process did"
    );
    let old = next.fixture.stream(counter(), &[("path", "/old")]);
    next.series = old;
    assert_eq!(next.delta_of(START - 50, START + 101, 7), None);
}

#[test]
fn a_stream_that_does_not_come_again_is_saved_again_and_then_forgotten() {
    let mut stage = Stage::start(None);
    stage.delta_of(NEW, NEW + 1, 100);
    let saved = Stage::start_at(START + 60, Some(stage.end())).end();
    let mut third = Stage::start_at(START + 120, Some(saved.clone()));
    assert_eq!(third.delta_of(NEW, NEW + 200, 110), Some(Int(10)));
    let mut late = Stage::start_at(START + 3 * 3600, Some(saved));
    assert_eq!(late.delta_of(NEW, NEW + 3 * 3600, 110), None, "max_staleness holds over a restart too");
    assert_eq!(late.delta_of(NEW, NEW + 3 * 3600 + 1, 111), Some(Int(1)));
}

#[test]
fn streams_of_a_process_before_count_towards_max_series() {
    let mut stage = Stage::start(None);
    stage.delta_of(NEW, NEW + 1, 100);
    let saved = stage.end();
    let fixture = Fixture::new();
    fixture.storages.offer(&Arc::from("file_storage"));
    let mut rig = Rig::new::<Delta>(Config { max_series: 1, ..config() }, fixture.context("delta"));
    fixture.storages.drawers("file_storage").pop().unwrap().found(saved);
    let [other, known] = [&[("path", "/other")][..], &[]].map(|list| fixture.stream(counter(), list));
    let out = rig
        .numbers(fixture.batch([point(&other, NEW, NEW + 2, Int(1)), point(&known, NEW, NEW + 2, Int(101))]));
    assert_eq!(out.iter().map(NumberPoint::value).collect::<Vec<_>>(), [Int(1)]);
    assert_eq!(rig.account().dropped[&Reason::SERIES_CAP], 1);
}

#[test]
fn bytes_that_mean_nothing_are_no_state() {
    let saved = Saved { state: b"nothing".to_vec(), taken: UnixNanos(1), is_final: true };
    let mut stage = Stage::start(Some(saved));
    assert_eq!(stage.delta_of(NEW, NEW + 1, 5), Some(Int(5)));
}

/// A state with streams of every kind.
fn state() -> Vec<u8> {
    let mut stage = Stage::start(None);
    stage.delta_of(NEW, NEW + 1, 100);
    for (kind, path) in [(Kind::Histogram, "/a"), (Kind::Histogram, "/b"), (Kind::ExponentialHistogram, "/c")]
    {
        let series =
            stage.fixture.stream(Descriptor { kind, monotonic: false, ..counter() }, &[("path", path)]);
        let rig = Rig::new::<Delta>(Config::default(), stage.fixture.context("unused"));
        let case = Case { fixture: stage.fixture.clone(), rig, series };
        let batch = match kind {
            Kind::Histogram => case.explicit(NEW, NEW + 1, &[1, 2, 3], &[1.0, 5.0]),
            _ => case.exponential(NEW, NEW + 1, 2, -3, &[1, 0, 2]),
        };
        let mut out = Out::default();
        stage.delta.process(batch, &mut out);
        out.take().into_iter().for_each(|batch| batch.ack.settle(weir_core::Verdict::Delivered));
    }
    stage.end().state
}

#[test]
fn what_is_written_is_what_is_read_and_a_list_of_bounds_is_written_once() {
    let bytes = state();
    let (remembered, unknown_before) = decode(&bytes).unwrap();
    assert_eq!(unknown_before, seconds(START));
    let sizes = [remembered.numbers.len(), remembered.explicit.len(), remembered.exponential.len()];
    assert_eq!(sizes, [1, 2, 1]);
    let exponential = &remembered.exponential.values().next().unwrap().last.buckets;
    assert_eq!((exponential.scale(), exponential.positive().offset()), (2, -3));
    assert_eq!(exponential.positive().counts(), [1, 0, 2]);
    // By hand: head; one list of two bounds; a number; two explicit, one exponential histogram; three lengths.
    let stream = 16 + 8 + 8 + 4;
    let explicit = stream + 17 + 4 + 4 + 3 * 8;
    let exponential = stream + 17 + 4 + 8 + 8 + (4 + 4 + 3 * 8) + (4 + 4);
    assert_eq!(bytes.len(), 8 + (4 + 4 + 2 * 8) + (stream + 9) + 2 * explicit + exponential + 3 * 8);
    let mut streams = Streams::new(UnixNanos(0));
    (streams.remembered, streams.unknown_before) = (remembered, unknown_before);
    let (again, _) = decode(&encode(&streams)).unwrap();
    assert_eq!(again, streams.remembered);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_of_any_kind_are_an_error_or_a_state_and_no_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let _ = decode(&bytes);
        let mut mutated = state();
        for (at, to) in changes {
            let at = at.index(mutated.len());
            mutated[at] = to;
        }
        if let Ok((remembered, unknown_before)) = decode(&mutated) {
            // What was taken for a state can be worked with.
            let mut streams = Streams::new(unknown_before);
            streams.remembered = remembered;
            prop_assert!(decode(&encode(&streams)).is_ok());
            streams.forget(Duration::from_secs(60), seconds(START), weir_core::Interner::new(1).stats());
        }
        mutated.truncate(mutated.len() / 2);
        prop_assert!(decode(&mutated).is_err());
    }
}
