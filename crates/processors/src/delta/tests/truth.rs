//! `delta` against what really happened: a simulated process counts, exports and restarts; its points arrive late and twice. No rule of
//! the stage is repeated here: only what the process knows.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Event {
    /// The process counts.
    Count(u32),
    /// It sends its total.
    Export,
    /// It ends and begins anew.
    Restart,
    /// The last export arrives once more.
    Again,
    /// The last export but this many arrives once more, late.
    Late(usize),
    /// Names change from here on.
    Rename,
    /// Weir reloads.
    Reload,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..1000u32).prop_map(Event::Count),
        6 => Just(Event::Export),
        1 => Just(Event::Restart),
        1 => Just(Event::Again),
        1 => (1..5usize).prop_map(Event::Late),
        1 => Just(Event::Rename),
        1 => Just(Event::Reload),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// The sum of deltas is what each incarnation of the process had counted when it last exported.
    #[test]
    fn nothing_is_lost_and_nothing_counted_twice(events in prop::collection::vec(event(), 1..80)) {
        let fixture = Fixture::new();
        let mut rig = Rig::new::<Delta>(Config::default(), fixture.context("delta"));
        let origin = fixture.stream(counter(), &[]);
        let mut series = Arc::clone(&origin);
        let (mut now, mut started, mut count, mut exported) = (START + 1, START + 1, 0i64, 0i64);
        let (mut truth, mut sum, mut names) = (0i64, 0i64, 0);
        let mut sent: Vec<(u64, u64, i64)> = Vec::new();
        for event in events {
            let arrives = match event {
                Event::Count(n) => {
                    count += i64::from(n);
                    None
                }
                Event::Export => {
                    now += 10;
                    exported = count;
                    sent.push((started, now, count));
                    sent.last().copied()
                }
                Event::Restart => {
                    truth += exported;
                    now += 10;
                    (started, count, exported) = (now, 0, 0);
                    None
                }
                Event::Again => sent.last().copied(),
                Event::Late(back) => sent.iter().rev().nth(back).copied(),
                Event::Rename => {
                    names += 1;
                    let identity = fixture.identity(counter(), &[], &[("name", &names.to_string())]);
                    series = fixture.interner.rewritten(&origin, identity);
                    fixture.interner.sweep();
                    rig.tick();
                    None
                }
                Event::Reload => {
                    rig.account();
                    let state = rig.into_state();
                    rig = Rig::after::<Delta>(Config::default(), fixture.context("delta"), state);
                    None
                }
            };
            if let Some((start, time, value)) = arrives {
                let out = rig.numbers(fixture.batch([point(&series, start, time, Int(value))]));
                for point in out {
                    let Int(value) = point.value() else { panic!("integers stay integers") };
                    prop_assert!(value >= 0);
                    sum += value;
                }
            }
        }
        prop_assert_eq!(sum, truth + exported);
        rig.account();
    }

    /// Deltas of one stream tile the time: each starts where the last one ended, or later.
    #[test]
    fn deltas_do_not_overlap(values in prop::collection::vec((0..50i64, 0..30u64, 1..30u64), 1..50)) {
        let mut case = Case::keep();
        let mut last = 0;
        for (value, start, time) in values {
            if let Some((start, _)) = case.feed(NEW + start, NEW + time, Int(value)) {
                prop_assert!(last == 0 || start >= last);
                last = NEW + time;
            }
        }
    }
}
