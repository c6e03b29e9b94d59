//! `delta` against what really happened: a simulated process counts, exports and restarts; its points arrive late and twice; Weir
//! reloads, restarts and crashes. No rule of the stage is repeated here: only what the process knows.

use proptest::prelude::*;
use weir_core::{Drawer, Saved};

use super::*;

#[derive(Clone, Debug)]
enum Event {
    /// The process counts a value that falls into this one of 64 fine buckets.
    Count(usize, u64),
    /// It sends its totals.
    Export,
    /// It ends and begins anew.
    Restart,
    /// Its exponential histogram goes down in scale.
    Coarser,
    /// Its clock is set back.
    ClockBack(u64),
    /// The last export but this many arrives once more.
    Again(usize),
    /// Names change from here on.
    Rename,
    /// Time passes for Weir, and it saves.
    Tick(u64),
    /// Weir reloads.
    Reload,
    /// Weir ends in an orderly way and starts again.
    WeirRestart,
    /// Weir dies and starts again.
    WeirCrash,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (0..64usize, 0..1000u64).prop_map(|(at, n)| Event::Count(at, n)),
        8 => Just(Event::Export),
        1 => Just(Event::Restart),
        1 => Just(Event::Coarser),
        1 => (1..40u64).prop_map(Event::ClockBack),
        2 => (0..5usize).prop_map(Event::Again),
        1 => Just(Event::Rename),
        2 => (1..3000u64).prop_map(Event::Tick),
        1 => Just(Event::Reload),
        1 => Just(Event::WeirRestart),
        1 => Just(Event::WeirCrash),
    ]
}

/// Counts by fine bucket.
type Counts = [u64; 64];

/// What one export says.
#[derive(Clone, Debug)]
struct Export {
    started: u64,
    time: u64,
    counts: Counts,
    /// By how much the exponential histogram is coarser than the fine buckets, which are its buckets at scale 3 from -32 on.
    shift: u32,
}

/// What came out, in the buckets that all exports share.
#[derive(Clone, Debug, Default, PartialEq)]
struct Sums {
    number: u64,
    explicit: [u64; 4],
    exponential: [u64; 8],
}

impl Sums {
    fn of(counts: &Counts) -> Self {
        let mut sums = Self { number: counts.iter().sum(), ..Self::default() };
        for (at, count) in counts.iter().enumerate() {
            sums.explicit[at / 16] += count;
            sums.exponential[at / 8] += count;
        }
        sums
    }

    fn add(&mut self, other: &Self) {
        self.number += other.number;
        (self.explicit.iter_mut().zip(other.explicit)).for_each(|(sum, more)| *sum += more);
        (self.exponential.iter_mut().zip(other.exponential)).for_each(|(sum, more)| *sum += more);
    }

    fn all(&self) -> Vec<u64> {
        [self.number].into_iter().chain(self.explicit).chain(self.exponential).collect()
    }
}

/// A process of Weir: one stage, and what its storage was given.
struct Weir {
    fixture: Fixture,
    rig: Rig,
    drawer: Drawer,
    origins: [Arc<Series>; 3],
    series: [Arc<Series>; 3],
}

fn config() -> Config {
    let for_ever = weir_config::Duration::default();
    Config { storage: Some("file_storage".to_owned()), max_staleness: for_ever, ..Config::default() }
}

fn start(saved: Option<Saved>) -> Weir {
    let fixture = Fixture::new();
    // Another table of series than the last time: the slots are others.
    let _other = fixture.stream(Descriptor::gauge("other", ""), &[]);
    fixture.storages.offer(&Arc::from("file_storage"));
    let rig = Rig::new::<Delta>(config(), fixture.context("delta"));
    let drawer = fixture.storages.drawers("file_storage").pop().unwrap();
    saved.into_iter().for_each(|saved| drawer.found(saved));
    let kinds = [Kind::Sum, Kind::Histogram, Kind::ExponentialHistogram];
    let origins =
        kinds.map(|kind| fixture.stream(Descriptor { kind, monotonic: kind == Kind::Sum, ..counter() }, &[]));
    Weir { fixture, rig, drawer, series: origins.clone(), origins }
}

impl Weir {
    fn rename(&mut self, name: usize) {
        self.series = self.origins.each_ref().map(|origin| {
            let metric = origin.descriptor().clone();
            let identity = self.fixture.identity(metric, &[], &[("name", &name.to_string())]);
            self.fixture.interner.rewritten(origin, identity)
        });
    }

    fn reload(self) -> Self {
        let Self { fixture, rig, drawer, origins, series } = self;
        rig.account();
        let rig = Rig::after::<Delta>(config(), fixture.context("delta"), rig.into_state());
        Self { fixture, rig, drawer, origins, series }
    }

    /// Gives it an export; answers what was added.
    fn take(&mut self, export: &Export) -> Sums {
        let Export { started, time, counts, shift } = export;
        let mut case = Case {
            fixture: self.fixture.clone(),
            rig: Rig::new::<Delta>(Config::default(), self.fixture.context("unused")),
            series: Arc::clone(&self.series[1]),
        };
        let total: u64 = counts.iter().sum();
        let sums = Sums::of(counts);
        let mut batch = self.fixture.batch([point(&self.series[0], *started, *time, Int(total as i64))]);
        batch.append(case.explicit(*started, *time, &sums.explicit, &[1.0, 2.0, 3.0]));
        case.series = Arc::clone(&self.series[2]);
        let mut coarse = vec![0; 64 >> shift];
        counts.iter().enumerate().for_each(|(at, count)| coarse[at >> shift] += count);
        batch.append(case.exponential(*started, *time, 3 - *shift as i32, -32 >> shift, &coarse));
        let mut added = Sums::default();
        for batch in self.rig.process(batch) {
            for point in &batch.numbers {
                let Int(value) = point.value() else { panic!("integers stay integers") };
                added.number += u64::try_from(value).expect("no delta is negative");
            }
            for point in &batch.histograms {
                let counts = batch.counts(point.counts);
                assert_eq!((point.count, point.sum), (counts.iter().sum(), point.count as f64));
                (added.explicit.iter_mut().zip(counts)).for_each(|(sum, count)| *sum += count);
            }
            for point in &batch.exponential_histograms {
                let counts = batch.counts(point.positive);
                assert_eq!((point.count, point.sum), (counts.iter().sum(), point.count as f64));
                for (at, count) in (point.positive_offset..).zip(counts) {
                    added.exponential[((at >> point.scale) + 4) as usize] += count;
                }
            }
        }
        added
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// The sum of deltas is what each incarnation of the process had counted when it last exported. Crashes of Weir add at most
    /// what went on after the state saved last, and take nothing away.
    #[test]
    fn nothing_is_lost_and_nothing_counted_twice(events in prop::collection::vec(event(), 1..80)) {
        let mut weir = start(None);
        let mut now = Export { started: START + 1, time: START + 1, counts: [0; 64], shift: 0 };
        let (mut latest, mut sent) = (now.time, Vec::<Export>::new());
        let (mut truth, mut sum, mut repeated) = (Sums::default(), Sums::default(), Sums::default());
        let (mut saved, mut names): (Option<Saved>, usize) = (None, 0);
        let mut since_saved = Sums::default();
        let export = |now: &mut Export, latest: &mut u64, sent: &mut Vec<Export>| {
            now.time += 10;
            *latest = now.time.max(*latest);
            sent.push(now.clone());
        };
        for event in events.into_iter().chain([Event::Export]) {
            let mut arrives = None;
            match event {
                Event::Count(at, n) => now.counts[at] += n,
                Event::Export => {
                    export(&mut now, &mut latest, &mut sent);
                    arrives = sent.last().cloned();
                }
                Event::Restart => {
                    // What is exported while its clock is behind does not count; the last words of a process do.
                    now.time = now.time.max(latest);
                    export(&mut now, &mut latest, &mut sent);
                    let added = weir.take(&now);
                    sum.add(&added);
                    since_saved.add(&added);
                    truth.add(&Sums::of(&now.counts));
                    now = Export { started: latest + 10, time: latest + 10, counts: [0; 64], shift: 0 };
                    latest = now.time;
                }
                Event::Coarser => now.shift = (now.shift + 1).min(3),
                Event::ClockBack(by) => {
                    now.time = now.time.saturating_sub(by).max(now.started);
                    // What was sent before does not arrive again: later times with lower counts are a reset, whoever looks at them.
                    sent.clear();
                }
                Event::Again(back) => arrives = sent.iter().rev().nth(back).cloned(),
                Event::Rename => {
                    names += 1;
                    weir.rename(names);
                    weir.fixture.interner.sweep();
                    weir.rig.tick();
                    if let Some(due) = weir.drawer.due_now() {
                        (saved, since_saved) = (Some(due), Sums::default());
                    }
                }
                Event::Tick(by) => {
                    weir.rig.tick_after(Duration::from_secs(by));
                    if let Some(due) = weir.drawer.due_now() {
                        (saved, since_saved) = (Some(due), Sums::default());
                    }
                }
                Event::Reload => weir = weir.reload(),
                Event::WeirRestart => {
                    weir.rig.flush();
                    saved = weir.drawer.due_now();
                    prop_assert!(saved.as_ref().is_some_and(|saved| saved.is_final));
                    since_saved = Sums::default();
                    weir = start(saved.clone());
                }
                Event::WeirCrash => {
                    if saved.is_some() {
                        repeated.add(&since_saved);
                        since_saved = Sums::default();
                        weir = start(saved.clone());
                    }
                }
            }
            if let Some(export) = arrives {
                let added = weir.take(&export);
                sum.add(&added);
                since_saved.add(&added);
            }
        }
        // The last export, with a time after all others.
        now.time = latest;
        export(&mut now, &mut latest, &mut sent);
        sum.add(&weir.take(&now));
        truth.add(&Sums::of(&now.counts));
        for ((sum, truth), repeated) in sum.all().into_iter().zip(truth.all()).zip(repeated.all()) {
            prop_assert!(truth <= sum && sum <= truth + repeated, "{truth} <= {sum} <= {truth} + {repeated}");
        }
        weir.rig.account();
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
