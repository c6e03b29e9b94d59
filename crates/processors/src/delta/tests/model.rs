//! `delta` against a naive model, written from the data model and the rules of the stage's documentation: it keeps every point that
//! was ever taken in, and works in halves, so that integers and doubles are exact and alike.

use proptest::prelude::*;

use super::*;

/// A point as a sender means it: times in seconds after `NEW`, the value in halves.
#[derive(Clone, Debug)]
struct Given {
    stream: usize,
    name: usize,
    start: Option<u64>,
    time: u64,
    halves: i64,
    double: bool,
}

fn given() -> impl Strategy<Value = Given> {
    let start = prop_oneof![Just(None), (0..60u64).prop_map(Some)];
    (0..3usize, 0..3usize, start, 1..60u64, -2..40i64, any::<bool>()).prop_map(
        |(stream, name, start, time, halves, double)| {
            // Half an integer can only be a double.
            let double = double || halves % 2 != 0;
            Given { stream, name, start, time, halves, double }
        },
    )
}

/// What becomes of a point.
#[derive(Debug, PartialEq)]
enum Fate {
    Delta { start: u64, halves: i64 },
    Baseline,
    Dropped(Reason),
}

#[derive(Default)]
struct Model {
    taken: Vec<Given>,
}

impl Model {
    /// `keep`: every first point goes on.
    fn take(&mut self, next: &Given, keep: bool) -> Fate {
        if next.halves < 0 {
            return Fate::Dropped(NEGATIVE);
        }
        if self.taken.iter().any(|point| point.time > next.time) {
            return Fate::Dropped(OUT_OF_ORDER);
        }
        if self.taken.iter().any(|point| point.time == next.time) {
            return Fate::Dropped(DUPLICATE);
        }
        let previous = self.taken.last().cloned();
        self.taken.push(next.clone());
        let Some(previous) = previous else {
            return if keep {
                Fate::Delta { start: next.start.map_or(0, |start| NEW + start), halves: next.halves }
            } else {
                Fate::Baseline
            };
        };
        // Data model: a start equal to the time says that the start is unknown.
        let start_of = |point: &Given| point.start.filter(|start| *start < point.time);
        let restarted = match (start_of(&previous), start_of(next)) {
            (Some(old), Some(new)) => new > old && new >= previous.time,
            (None, Some(new)) => new > previous.time,
            (_, None) => false,
        };
        if restarted || next.halves < previous.halves {
            let start = start_of(next).into_iter().chain([previous.time]).max().unwrap();
            Fate::Delta { start: NEW + start, halves: next.halves }
        } else {
            Fate::Delta { start: NEW + previous.time, halves: next.halves - previous.halves }
        }
    }
}

fn halves(value: Number) -> i64 {
    match value {
        Int(value) => value * 2,
        Double(value) => (value * 2.0) as i64,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_does_what_the_model_does(
        batches in prop::collection::vec(prop::collection::vec(given(), 0..12), 1..10),
        keep in any::<bool>(),
    ) {
        let initial = if keep { InitialValue::Keep } else { InitialValue::Drop };
        let fixture = Fixture::new();
        let mut rig = Rig::new::<Delta>(with(initial), fixture.context("delta"));
        // Each stream has three names, which change from point to point.
        let names: Vec<Vec<Arc<Series>>> = (0..3)
            .map(|stream| {
                let origin = fixture.stream(counter(), &[("stream", &stream.to_string())]);
                let renamed = ["a", "b"].map(|name| {
                    let identity = fixture.identity(counter(), &[], &[("name", name)]);
                    fixture.interner.rewritten(&origin, identity)
                });
                std::iter::once(origin).chain(renamed).collect()
            })
            .collect();
        let mut models: [Model; 3] = Default::default();
        let (mut merged, mut dropped) = (0, std::collections::BTreeMap::new());
        for batch in &batches {
            let points = batch.iter().map(|given| {
                let value = if given.double {
                    Double(given.halves as f64 / 2.0)
                } else {
                    Int(given.halves / 2)
                };
                let start = given.start.map_or(0, |start| NEW + start);
                point(&names[given.stream][given.name], start, NEW + given.time, value)
            });
            let out = rig.numbers(fixture.batch(points));
            let mut seen = out.iter();
            for given in batch {
                match models[given.stream].take(given, keep) {
                    Fate::Delta { start, halves: expected } => {
                        let point = seen.next().expect("a delta");
                        prop_assert_eq!(
                            (point.start.seconds(), point.time, halves(point.value())),
                            (start, seconds(NEW + given.time), expected)
                        );
                        let name = &names[given.stream][given.name];
                        let delta = fixture.series(point.series);
                        prop_assert_eq!(delta.attributes(), name.attributes());
                        prop_assert_eq!(delta.stream(), name.stream());
                    }
                    Fate::Baseline => merged += 1,
                    Fate::Dropped(reason) => *dropped.entry(reason).or_insert(0) += 1,
                }
            }
            prop_assert!(seen.next().is_none());
        }
        let account = rig.account();
        prop_assert_eq!(account.merged, merged);
        prop_assert_eq!(account.dropped, dropped);
    }
}
