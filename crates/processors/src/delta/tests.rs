use std::{sync::Arc, time::Duration};

use weir_core::{
    Batch, Descriptor, ExponentialHistogramPoint, Flags, HistogramPoint, Kind, Number, NumberPoint, Reason,
    Series, Temporality,
};
use weir_testkit::{Fixture, Rig, START, point, seconds};

use super::{BAD_HISTOGRAM, Config, DUPLICATE, Delta, InitialValue, NEGATIVE, OUT_OF_ORDER};

mod config;
mod histograms;
mod known_bugs;
mod model;
mod saved;
mod truth;

use Number::{Double, Int};

/// A time that is a little before the fixture's clock: the sender was there first.
const OLD: u64 = START - 1000;
/// A time after it.
const NEW: u64 = START + 10;

fn with(initial_value: InitialValue) -> Config {
    Config { initial_value, ..Config::default() }
}

fn counter() -> Descriptor {
    Descriptor::sum("requests", "1", Temporality::Cumulative, true)
}

/// One counter through one stage.
struct Case {
    fixture: Fixture,
    rig: Rig,
    series: Arc<Series>,
}

impl Case {
    fn new(config: Config) -> Self {
        let fixture = Fixture::new();
        let rig = Rig::new::<Delta>(config, fixture.context("delta"));
        let series = fixture.stream(counter(), &[("path", "/")]);
        Self { fixture, rig, series }
    }

    fn keep() -> Self {
        Self::new(with(InitialValue::Keep))
    }

    /// Gives it one point; answers start (in seconds) and value of what goes on.
    fn feed(&mut self, start: u64, time: u64, value: Number) -> Option<(u64, Number)> {
        self.feed_point(point(&self.series, start, time, value))
    }

    fn feed_point(&mut self, given: NumberPoint) -> Option<(u64, Number)> {
        let out = self.rig.numbers(self.fixture.batch([given]));
        assert!(out.len() <= 1);
        self.rig.account();
        out.first().map(|point| {
            assert_eq!(point.time, given.time);
            (point.start.seconds(), point.value())
        })
    }

    /// A batch with one explicit histogram: of values of 1, of which the least is 0.5 and the greatest 9.
    fn explicit(&self, start: u64, time: u64, counts: &[u64], bounds: &[f64]) -> Batch {
        let mut batch = self.fixture.batch([]);
        let count = counts.iter().sum();
        let (counts, bounds) =
            (batch.push_counts(counts.iter().copied()), batch.push_bounds(bounds.iter().copied()));
        batch.histograms.push(HistogramPoint {
            series: self.series.id(),
            flags: Flags::SUM.with(Flags::MIN).with(Flags::MAX),
            start: seconds(start),
            time: seconds(time),
            count,
            sum: count as f64,
            min: 0.5,
            max: 9.0,
            counts,
            bounds,
        });
        batch
    }

    /// The same with an exponential histogram, whose buckets begin at `offset`.
    fn exponential(&self, start: u64, time: u64, scale: i32, offset: i32, counts: &[u64]) -> Batch {
        let mut batch = self.fixture.batch([]);
        let count = counts.iter().sum();
        let (positive, negative) = (batch.push_counts(counts.iter().copied()), batch.push_counts([]));
        batch.exponential_histograms.push(ExponentialHistogramPoint {
            series: self.series.id(),
            flags: Flags::SUM.with(Flags::MIN).with(Flags::MAX),
            start: seconds(start),
            time: seconds(time),
            count,
            sum: count as f64,
            min: 0.5,
            max: 9.0,
            scale,
            zero_count: 0,
            zero_threshold: 0.0,
            positive_offset: offset,
            positive,
            negative_offset: 0,
            negative,
        });
        batch
    }

    fn dropped(&self, reason: Reason) -> u64 {
        self.rig.account().dropped.get(&reason).copied().unwrap_or(0)
    }
}

#[test]
fn the_example_of_the_documentation() {
    // 12:00:00 is NEW: the counter begins while Weir runs.
    let mut case = Case::new(Config::default());
    let (noon, restart) = (NEW, NEW + 140);
    assert_eq!(case.feed(noon, noon + 60, Int(10)), Some((noon, Int(10))));
    assert_eq!(case.feed(noon, noon + 120, Int(25)), Some((noon + 60, Int(15))));
    assert_eq!(case.feed(restart, noon + 180, Int(4)), Some((restart, Int(4))));
    assert_eq!(case.feed(restart, noon + 240, Int(9)), Some((noon + 180, Int(5))));
    assert_eq!(case.rig.account().dropped_total(), 0);
}

#[test]
fn a_delta_is_the_same_stream_under_the_same_name_with_delta_temporality() {
    let mut case = Case::keep();
    let out = case.rig.process(case.fixture.batch([point(&case.series, OLD, NEW, Int(1))]));
    let delta = case.fixture.series(out[0].numbers[0].series);
    assert_eq!(delta.stream(), case.series.stream());
    assert_eq!(delta.attributes(), case.series.attributes());
    let expected = Descriptor::sum("requests", "1", Temporality::Delta, true);
    assert_eq!(*delta.descriptor(), expected);
}

#[test]
fn the_first_point_goes_on_as_configured() {
    // (mode, stated start, time) → whether the first point goes on.
    let cases = [
        (InitialValue::Auto, NEW, NEW + 5, true),
        (InitialValue::Auto, START, NEW, true),
        (InitialValue::Auto, OLD, NEW, false),
        (InitialValue::Auto, 0, NEW, false),
        (InitialValue::Auto, NEW, NEW, false), // the data model's "unknown start"
        (InitialValue::Auto, NEW + 1000, NEW, false),
        (InitialValue::Keep, 0, NEW, true),
        (InitialValue::Keep, OLD, NEW, true),
        (InitialValue::Drop, NEW, NEW + 5, false),
    ];
    for (mode, start, time, goes) in cases {
        let mut case = Case::new(with(mode));
        let expected = goes.then_some((start, Int(7)));
        assert_eq!(case.feed(start, time, Int(7)), expected, "{mode:?} {start} {time}");
        let account = case.rig.account();
        assert_eq!((account.passed, account.merged), if goes { (1, 0) } else { (0, 1) });
        assert_eq!(account.dropped_total(), 0, "a baseline is part of the next delta");
        assert_eq!(case.feed(start, time + 10, Int(9)), Some((time, Int(2))), "{mode:?} {start} {time}");
    }
}

#[test]
fn integers_stay_exact_where_doubles_would_not() {
    let mut case = Case::keep();
    let big = 1 << 53;
    case.feed(0, NEW, Int(big));
    assert_eq!(case.feed(0, NEW + 1, Int(big + 1)), Some((NEW, Int(1))));
    assert_eq!(case.feed(0, NEW + 2, Int(i64::MAX)), Some((NEW + 1, Int(i64::MAX - big - 1))));
}

#[test]
fn points_of_different_batches_and_of_one_batch_are_the_same_to_it() {
    let mut case = Case::keep();
    let points = [1, 3, 6].map(|n| point(&case.series, OLD, NEW + n, Int(n as i64 * 10)));
    let out = case.rig.numbers(case.fixture.batch(points));
    assert_eq!(out.iter().map(NumberPoint::value).collect::<Vec<_>>(), [Int(10), Int(20), Int(30)]);
}

#[test]
fn a_start_that_wavers_is_no_reset() {
    let mut case = Case::keep();
    case.feed(OLD, NEW, Int(100));
    assert_eq!(case.feed(OLD + 1, NEW + 10, Int(110)), Some((NEW, Int(10))));
    assert_eq!(case.feed(OLD, NEW + 20, Int(120)), Some((NEW + 10, Int(10))));
    assert_eq!(case.feed(OLD + 1, NEW + 30, Int(130)), Some((NEW + 20, Int(10))));
}

#[test]
fn a_start_that_becomes_known_or_unknown_is_no_reset() {
    let mut case = Case::keep();
    case.feed(0, NEW, Int(100));
    assert_eq!(
        case.feed(NEW, NEW + 10, Int(110)),
        Some((NEW, Int(10))),
        "unknown, then said to be the first time"
    );
    assert_eq!(case.feed(0, NEW + 20, Int(120)), Some((NEW + 10, Int(10))));
    assert_eq!(case.feed(OLD, NEW + 30, Int(130)), Some((NEW + 20, Int(10))));
    // A collector before Weir has restarted and forgotten the start: start = time, the count goes on.
    assert_eq!(case.feed(NEW + 40, NEW + 40, Int(140)), Some((NEW + 30, Int(10))));
    assert_eq!(case.feed(NEW + 40, NEW + 50, Int(150)), Some((NEW + 40, Int(10))));
}

#[test]
fn a_value_that_cannot_be_counted_is_dropped_by_its_reason_and_the_stream_goes_on() {
    let mut case = Case::keep();
    case.feed(OLD, NEW, Double(1.5));
    let values = [
        (Double(f64::NAN), Reason::NOT_FINITE),
        (Double(f64::INFINITY), Reason::NOT_FINITE),
        (Double(f64::NEG_INFINITY), Reason::NOT_FINITE),
        (Int(-1), NEGATIVE),
        (Double(-0.5), NEGATIVE),
    ];
    for (at, (value, reason)) in values.into_iter().enumerate() {
        let before = case.dropped(reason);
        assert_eq!(case.feed(OLD, NEW + 1 + at as u64, value), None);
        assert_eq!(case.dropped(reason), before + 1, "{value:?}");
    }
    let mut nothing = point(&case.series, OLD, NEW + 7, Int(0));
    nothing.flags = nothing.flags.with(Flags::NO_RECORDED_VALUE);
    assert_eq!(case.feed_point(nothing), None);
    assert_eq!(case.dropped(Reason::NO_RECORDED_VALUE), 1);
    assert_eq!(case.feed(OLD, NEW + 8, Double(2.0)), Some((NEW, Double(0.5))));
}

#[test]
fn what_is_no_counter_passes_unchanged() {
    let mut case = Case::new(Config::default());
    let metrics = [
        Descriptor::gauge("g", "1"),
        Descriptor::sum("s", "1", Temporality::Delta, true),
        Descriptor::sum("s", "1", Temporality::Cumulative, false),
        Descriptor::sum("s", "1", Temporality::Unspecified, true),
    ];
    for metric in metrics {
        let series = case.fixture.stream(metric, &[]);
        let given = [5, 3].map(|value| point(&series, OLD, NEW, Int(value)));
        assert_eq!(case.rig.numbers(case.fixture.batch(given)), given);
    }
    let histogram =
        Descriptor { kind: Kind::Histogram, temporality: Temporality::Delta, monotonic: false, ..counter() };
    case.series = case.fixture.stream(histogram, &[]);
    for time in [NEW, NEW] {
        let batch = case.explicit(OLD, time, &[2, 1], &[1.0]);
        let given = batch.histograms.clone();
        assert_eq!(case.rig.process(batch)[0].histograms, given);
    }
    assert_eq!(case.rig.account().passed, 10);
}

#[test]
fn a_rename_before_it_restarts_no_counter_and_shows_at_once() {
    let mut case = Case::keep();
    case.feed(OLD, NEW, Int(100));
    let renamed = case
        .fixture
        .interner
        .rewritten(&case.series, case.fixture.identity(counter(), &[], &[("path", "/"), ("host", "a")]));
    let out = case.rig.process(case.fixture.batch([point(&renamed, OLD, NEW + 10, Int(130))]));
    assert_eq!(out[0].numbers[0].value(), Int(30));
    let delta = case.fixture.series(out[0].numbers[0].series);
    assert_eq!(delta.attributes(), renamed.attributes());
}

#[test]
fn streams_of_one_name_from_different_doors_do_not_mix() {
    let mut case = Case::keep();
    let other = case.fixture.interner.stream(&Arc::from("other"), case.series.identity().clone()).unwrap();
    case.feed(OLD, NEW, Int(100));
    let out = case.rig.numbers(case.fixture.batch([point(&other, OLD, NEW, Int(7))]));
    assert_eq!(out[0].value(), Int(7));
    assert_eq!(case.feed(OLD, NEW + 10, Int(101)), Some((NEW, Int(1))));
}

#[test]
fn an_idle_stream_is_forgotten_and_does_not_count_its_past_again() {
    let mut case = Case::new(Config::default());
    assert_eq!(case.feed(START, NEW, Int(100)), Some((START, Int(100))));
    case.rig.tick_after(Duration::from_secs(3599));
    let hour = START + 3600;
    assert_eq!(case.feed(START, hour, Int(110)), Some((NEW, Int(10))), "within max_staleness");
    case.rig.tick_after(Duration::from_secs(3610));
    assert_eq!(
        case.feed(START, hour + 3610, Int(500)),
        None,
        "its start is after ours, but it was forgotten"
    );
    assert_eq!(case.feed(START, hour + 3620, Int(501)), Some((hour + 3610, Int(1))));
    // A counter that began after the forgotten one was last seen cannot be the forgotten one.
    let fresh = case.fixture.stream(counter(), &[("path", "/fresh")]);
    let out = case.rig.numbers(case.fixture.batch([point(&fresh, hour + 1, hour + 3620, Int(3))]));
    assert_eq!(out.len(), 1);
}

#[test]
fn it_asks_for_series_to_be_kept_as_long_as_it_remembers_them() {
    let retention = |staleness| {
        let config = Config { max_staleness: staleness, ..Config::default() };
        Rig::new::<Delta>(config, Fixture::new().context("delta")).processor().retention()
    };
    assert_eq!(retention(Config::default().max_staleness), Duration::from_hours(1));
    assert_eq!(retention(weir_config::Duration::default()), Duration::MAX);
}

#[test]
fn a_sender_whose_clock_jumped_back_is_heard_again_after_max_staleness() {
    let mut case = Case::keep();
    case.feed(OLD, NEW + 100_000, Int(100));
    case.rig.tick_after(Duration::from_mins(59));
    assert_eq!(case.feed(OLD, NEW, Int(110)), None);
    case.rig.tick_after(Duration::from_mins(2));
    assert!(case.feed(OLD, NEW + 10, Int(120)).is_some(), "refused points do not keep a stream alive");
}

#[test]
fn a_sender_whose_clock_is_far_ahead_hides_no_new_stream_of_others() {
    let mut case = Case::new(Config::default());
    let century = 100 * 365 * 86_400;
    case.feed(START + century, START + century + 1, Int(100));
    case.rig.tick_after(Duration::from_secs(3610)); // it is forgotten
    let fresh = case.fixture.stream(counter(), &[("path", "/fresh")]);
    let (start, time) = (START + 3610 + 2 * 3600, START + 3610 + 3 * 3600);
    let out = case.rig.numbers(case.fixture.batch([point(&fresh, start, time, Int(3))]));
    assert_eq!(out.len(), 1, "it began after Weir did");
}

#[test]
fn over_max_series_points_of_new_streams_are_dropped() {
    let mut case = Case::new(Config { max_series: 1, ..with(InitialValue::Keep) });
    case.feed(OLD, NEW, Int(1));
    let other = case.fixture.stream(counter(), &[("path", "/other")]);
    let out = case.rig.numbers(case.fixture.batch([point(&other, OLD, NEW, Int(1))]));
    assert!(out.is_empty());
    assert_eq!(case.dropped(Reason::SERIES_CAP), 1);
    assert_eq!(case.feed(OLD, NEW + 1, Int(3)), Some((NEW, Int(2))), "known streams go on");
    case.rig.tick_after(Duration::from_hours(2));
    let out = case.rig.numbers(case.fixture.batch([point(&other, OLD, NEW + 2, Int(1))]));
    assert_eq!(out.len(), 1, "a forgotten stream makes room");
}

#[test]
fn a_successor_goes_on_where_its_predecessor_ended() {
    let Case { fixture, mut rig, series } = Case::new(Config::default());
    rig.numbers(fixture.batch([point(&series, START, NEW, Int(100))]));
    fixture.clock.advance(Duration::from_mins(1));
    let state = rig.into_state();
    let rig = Rig::after::<Delta>(with(InitialValue::Drop), fixture.context("delta"), state);
    let mut case = Case { fixture, rig, series };
    assert_eq!(case.feed(START, NEW + 60, Int(130)), Some((NEW, Int(30))));
}

#[test]
fn what_auto_lets_in_survives_a_reload_too() {
    let Case { fixture, rig, series } = Case::new(Config::default());
    fixture.clock.advance(Duration::from_mins(10));
    let state = rig.into_state();
    let rig = Rig::after::<Delta>(Config::default(), fixture.context("delta"), state);
    let mut case = Case { fixture, rig, series };
    // It began after the first stage did, and the second remembers all that the first did.
    assert_eq!(case.feed(NEW, NEW + 700, Int(5)), Some((NEW, Int(5))));
}

#[test]
fn a_foreign_state_is_no_state() {
    let fixture = Fixture::new();
    let series = fixture.stream(counter(), &[]);
    let prior: weir_core::State = Box::new("something else");
    let rig = Rig::after::<Delta>(Config::default(), fixture.context("delta"), Some(prior));
    let mut case = Case { fixture, rig, series };
    assert_eq!(case.feed(NEW, NEW + 1, Int(5)), Some((NEW, Int(5))));
}

#[test]
fn a_stream_that_doors_gave_up_at_the_cap_does_not_count_its_past_again() {
    let mut fixture = Fixture::new();
    fixture.interner = Arc::new(weir_core::Interner::new(1));
    let rig = Rig::new::<Delta>(Config::default(), fixture.context("delta"));
    let series = fixture.stream(counter(), &[]);
    let mut case = Case { fixture, rig, series };
    assert!(case.feed(START, NEW, Int(100)).is_some());
    case.rig.tick_after(Duration::from_mins(6));
    // The door lets go of it, the interner too; then the sender is back.
    let (identity, old) = (case.series.identity().clone(), case.series.id());
    let batch = case.fixture.batch([]); // under its lease the slot is not given away
    drop(case.series);
    case.fixture.interner.sweep();
    case.series = case.fixture.stream_of(identity);
    drop(batch);
    assert_ne!(case.series.id(), old);
    assert_eq!(case.feed(START, NEW + 360, Int(130)), None, "all of it would count the first 100 twice");
    assert_eq!(case.feed(START, NEW + 370, Int(131)), Some((NEW + 360, Int(1))));
}

#[test]
fn nothing_is_held_of_a_series_that_is_gone() {
    let mut case = Case::keep();
    case.feed(OLD, NEW, Int(1));
    assert_eq!(case.fixture.interner.stats().series, 2, "the counter and its delta");
    drop(case.series);
    case.fixture.interner.sweep();
    case.rig.tick();
    case.fixture.interner.sweep();
    assert_eq!(case.fixture.interner.stats().series, 0);
}

#[test]
fn an_emptied_batch_still_goes_on_so_that_its_ack_is_settled() {
    let mut case = Case::new(with(InitialValue::Drop));
    let out = case.rig.process(case.fixture.batch([point(&case.series, OLD, NEW, Int(1))]));
    assert_eq!((out.len(), out[0].points()), (1, 0));
}
