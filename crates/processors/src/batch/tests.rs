use std::{sync::Arc, time::Duration};

use proptest::prelude::*;
use weir_config::ByteSize;
use weir_core::{
    Ack, Batch, Descriptor, ExponentialHistogramPoint, Flags, HistogramPoint, Number, NumberPoint, Reason,
    Series, SummaryPoint, Verdict,
};
use weir_testkit::{Fixture, Rig, START, point, seconds};

use super::{
    Batching, Config,
    cut::{Limits, cut},
};

mod window;

const TIMEOUT: Duration = Duration::from_millis(200);

fn of_size(send_batch_size: u64, send_batch_max_size: u64) -> Config {
    Config { send_batch_size, send_batch_max_size, ..Config::default() }
}

struct Case {
    fixture: Fixture,
    rig: Rig,
    series: Arc<Series>,
    next: i64,
}

impl Case {
    fn new(config: Config) -> Self {
        let fixture = Fixture::new();
        let rig = Rig::new::<Batching>(config, fixture.context("batch"));
        let series = fixture.stream(Descriptor::gauge("g", "1"), &[]);
        Self { fixture, rig, series, next: 0 }
    }

    /// A batch of `points` numbers, each with the next value.
    fn batch(&mut self, points: usize) -> Batch {
        let values = self.next..self.next + points as i64;
        self.next = values.end;
        self.fixture.batch(values.map(|value| point(&self.series, 0, START, Number::Int(value))))
    }

    fn feed(&mut self, points: usize) -> Vec<u64> {
        let batch = self.batch(points);
        sizes(&self.rig.process(batch))
    }
}

fn sizes(batches: &[Batch]) -> Vec<u64> {
    batches.iter().map(Batch::points).collect()
}

#[test]
fn the_defaults_are_the_collectors() {
    let config = Config::default();
    assert_eq!((config.send_batch_size, config.send_batch_max_size), (8192, 0));
    assert_eq!(config.timeout.0, TIMEOUT);
}

#[test]
fn the_collectors_keys_that_are_not_taken_say_what_to_do() {
    for (line, says) in [
        ("metadata_keys: [x-tenant]", "`metadata_keys` is not taken: "),
        ("metadata_cardinality_limit: 10", "`metadata_cardinality_limit` is not taken: "),
    ] {
        let (_, found) = weir_testkit::section::<Config>(line, &[]);
        let [told] = &*found else { panic!("one error, found {found:?}") };
        assert!(told.message.starts_with(says), "{}", told.message);
    }
}

#[test]
fn the_example_of_the_documentation() {
    let mut case = Case::new(of_size(8192, 10_000));
    let mut sent: Vec<u64> = (0..100).flat_map(|_| case.feed(100)).collect();
    assert_eq!(sent, [8200]);
    assert_eq!(case.rig.account().held, 1800);
    sent.extend(sizes(&case.rig.tick_after(TIMEOUT)));
    assert_eq!(sent, [8200, 1800]);
}

#[test]
fn points_wait_for_enough_others_and_keep_their_order() {
    let mut case = Case::new(of_size(5, 0));
    assert_eq!(case.feed(2), [0; 0]);
    assert_eq!(case.feed(2), [0; 0]);
    assert_eq!(case.rig.account().held, 4);
    let last = case.batch(3);
    let out = case.rig.process(last);
    let values: Vec<Number> = out[0].numbers.iter().map(NumberPoint::value).collect();
    assert_eq!(values, (0..7).map(Number::Int).collect::<Vec<_>>());
    let account = case.rig.account();
    assert_eq!((account.taken, account.passed, account.held, account.merged), (7, 7, 0, 0));
}

#[test]
fn no_point_is_held_for_longer_than_the_timeout() {
    let every = Case::new(Config::default()).rig.processor().tick_every().unwrap();
    // Wherever between two ticks the point comes.
    for offset in (0..100).map(Duration::from_millis) {
        let mut case = Case::new(Config::default());
        case.fixture.clock.advance(offset);
        case.feed(1);
        let mut waited = every.checked_sub(offset).unwrap();
        let mut out = case.rig.tick_after(waited);
        while out.is_empty() {
            waited += every;
            out = case.rig.tick_after(every);
        }
        assert!(waited <= TIMEOUT, "{waited:?} at {offset:?}");
    }
}

#[tokio::test]
async fn the_pieces_of_many_batches_carry_one_part_of_their_acks_each() {
    let mut case = Case::new(Config::default());
    let (mut gathered, mut fates) = (case.batch(0), Vec::new());
    for _ in 0..30 {
        let mut batch = case.batch(1);
        let (ack, fate) = Ack::new();
        batch.ack = ack;
        fates.push(fate);
        gathered.append(batch);
    }
    assert!(gathered.ack.memory() > 0, "30 parts");
    let mut pieces = Vec::new();
    cut(gathered, Limits { points: 10, bytes: u64::MAX }, |piece| pieces.push(piece));
    assert_eq!(sizes(&pieces), [10, 10, 10]);
    assert_eq!(pieces.iter().map(|piece| piece.ack.memory()).sum::<usize>(), 0, "one part each");
    let verdicts = [Verdict::Delivered, Verdict::Lost(Reason::SHUTDOWN), Verdict::Delivered];
    pieces.into_iter().zip(verdicts).for_each(|(piece, verdict)| piece.ack.settle(verdict));
    for mut fate in fates {
        assert_eq!(fate.exported().await, verdicts[1], "the worst of the pieces");
    }
}

#[test]
fn nothing_is_sent_when_nothing_is_held() {
    let mut case = Case::new(Config::default());
    assert!(case.rig.tick_after(TIMEOUT).is_empty());
    assert!(case.rig.flush().is_empty());
}

#[test]
fn a_timeout_of_zero_holds_nothing() {
    let config = Config { timeout: weir_config::Duration::default(), ..of_size(8192, 2) };
    let mut case = Case::new(config);
    assert_eq!(case.feed(3), [2, 1]);
    assert_eq!(case.rig.processor().tick_every(), None);
    assert_eq!(case.rig.account().held, 0);
}

#[test]
fn a_flush_sends_what_is_held() {
    let mut case = Case::new(Config::default());
    case.feed(3);
    assert_eq!(sizes(&case.rig.flush()), [3]);
    assert_eq!(case.rig.account().held, 0);
}

#[test]
fn a_batch_over_the_maximum_is_cut() {
    let mut case = Case::new(of_size(4, 4));
    assert_eq!(case.feed(10), [4, 4, 2]);
    assert_eq!(case.feed(4), [4]);
}

#[test]
fn a_piece_stays_within_max_bytes() {
    let header = Case::new(Config::default()).batch(0).bytes();
    let max = header + 3 * 40;
    let mut case = Case::new(Config { max_bytes: ByteSize(max), ..Config::default() });
    let batch = case.batch(8);
    let out = case.rig.process(batch);
    assert_eq!(sizes(&out), [3, 3, 2]);
    assert!(out.iter().all(|batch| batch.bytes() <= max));
}

#[test]
fn a_point_larger_than_max_bytes_goes_alone() {
    let mut case = Case::new(Config { max_bytes: ByteSize(1), ..Config::default() });
    assert_eq!(case.feed(3), [1, 1, 1]);
}

#[tokio::test]
async fn an_ack_waits_for_points_that_are_held_and_speaks_when_the_last_piece_is_settled() {
    let mut case = Case::new(of_size(4, 2));
    let (ack, fate) = Ack::new();
    let mut batch = case.batch(3);
    batch.ack = ack;
    assert!(case.rig.process(batch).is_empty());
    let fate = tokio::spawn(async move {
        let mut fate = fate;
        (fate.accepted().await, fate.exported().await)
    });
    tokio::task::yield_now().await;
    assert!(!fate.is_finished(), "holding is no custody");
    assert_eq!(case.rig.flush().len(), 2); // the rig settles each as delivered
    assert_eq!(fate.await.unwrap(), (Verdict::Delivered, Verdict::Delivered));
}

#[tokio::test]
async fn one_lost_piece_is_a_lost_batch() {
    let fixture = Fixture::new();
    let series = fixture.stream(Descriptor::gauge("g", "1"), &[]);
    let mut stage = super::gather::Gatherer::new(
        &of_size(2, 1),
        super::Limits { points: 1, bytes: u64::MAX },
        fixture.clock.clone(),
    );
    let (ack, mut fate) = Ack::new();
    let mut batch = fixture.batch([1, 2].map(|value| point(&series, 0, START, Number::Int(value))));
    batch.ack = ack;
    let mut out = weir_core::Out::default();
    weir_core::Processor::process(&mut stage, batch, &mut out);
    let [first, second] = out.take().try_into().unwrap();
    first.ack.settle(Verdict::Delivered);
    drop(second);
    assert_eq!(fate.exported().await, Verdict::Lost(weir_core::Reason::ABANDONED));
}

/// A batch with points of every kind, whose arenas hold values that tell them apart.
fn mixed(fixture: &Fixture, series: &Series, shape: &[(u8, u64, usize)]) -> Batch {
    let mut batch = fixture.batch([]);
    let (series, flags, start, time) = (series.id(), Flags::default(), seconds(0), seconds(START));
    let (sum, min, max) = (0.5, 0.25, 0.75);
    for &(kind, count, len) in shape {
        let list = (0..len as u64).map(|i| count * 100 + i);
        let doubles = list.clone().map(|v| v as f64);
        match kind {
            0 => batch.numbers.push(NumberPoint::new(series, start, time, Number::Int(count as i64))),
            1 => {
                let (counts, bounds) = (batch.push_counts(list), batch.push_bounds(doubles));
                let point =
                    HistogramPoint { series, flags, start, time, count, sum, min, max, counts, bounds };
                batch.histograms.push(point);
            }
            2 => {
                let (positive, negative) = (batch.push_counts(list.clone()), batch.push_counts(list.rev()));
                batch.exponential_histograms.push(ExponentialHistogramPoint {
                    series,
                    flags,
                    start,
                    time,
                    count,
                    sum,
                    min,
                    max,
                    scale: 3,
                    zero_count: 1,
                    zero_threshold: 0.0,
                    positive_offset: -4,
                    positive,
                    negative_offset: 5,
                    negative,
                });
            }
            _ => {
                let quantiles = batch.push_bounds(doubles);
                batch.summaries.push(SummaryPoint { series, flags, start, time, count, sum, quantiles });
            }
        }
    }
    batch
}

/// Every point with the arena values that are its own, in words.
fn words(batches: &[Batch]) -> Vec<String> {
    let mut words = Vec::new();
    for batch in batches {
        words.extend(batch.numbers.iter().map(|p| format!("number {:?}", p.value())));
        words.extend(batch.histograms.iter().map(|p| {
            format!("histogram {} {:?} {:?}", p.count, batch.counts(p.counts), batch.bounds(p.bounds))
        }));
        words.extend(batch.exponential_histograms.iter().map(|p| {
            let (positive, negative) = (batch.counts(p.positive), batch.counts(p.negative));
            format!("exponential {} {positive:?} {negative:?} {}", p.count, p.negative_offset)
        }));
        let summaries = batch.summaries.iter();
        words.extend(summaries.map(|p| format!("summary {} {:?}", p.count, batch.bounds(p.quantiles))));
    }
    words.sort();
    words
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_point_goes_on_unchanged_within_the_limits(
        batches in prop::collection::vec(
            prop::collection::vec((0..4u8, 0..1000u64, 0..6usize), 0..12), 1..6),
        size in 1..20u64,
        max in 1..20u64,
        bytes in prop_oneof![Just(0), 400..2000u64],
    ) {
        let mut case = Case::new(Config { max_bytes: ByteSize(bytes), ..of_size(size, max) });
        let mut out = Vec::new();
        let mut expected = Vec::new();
        for shape in &batches {
            let batch = mixed(&case.fixture, &case.series, shape);
            expected.push(batch.clone());
            out.extend(case.rig.process(batch));
            let held = case.rig.account().held;
            prop_assert!(held < size);
        }
        out.extend(case.rig.flush());
        prop_assert_eq!(words(&out), words(&expected));
        for batch in &out {
            prop_assert!(batch.points() <= max);
            prop_assert!(bytes == 0 || batch.bytes() <= bytes || batch.points() == 1);
        }
        prop_assert_eq!(case.rig.account().held, 0);
    }
}
