//! Each fault of the far end, on a compressed clock: every datum is accounted for, against the far end's own count. Once the
//! fault passes, and once SIGTERM comes in the middle of it.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;
use weir_cloudwatch_local::{CloudWatchLocal, Fault, FaultRule, Options};
use weir_core::Clock;

use crate::harness::{FarEnd, Increment, Ledger, Row, SECOND, Weir, increments, now, until, within};

const COUNTER: &str = "e2e.events";

/// How fast time passes, and how long a period is.
#[derive(Clone, Copy)]
struct Pace {
    rate: f64,
    period: Duration,
}

/// Ten minutes pass in three seconds.
const PASSING: Pace = Pace { rate: 200.0, period: Duration::from_secs(10) };
/// The last two seconds of a drain are a tenth of a second, which a busy machine has too.
const ENDING: Pace = Pace { rate: 20.0, period: Duration::from_secs(1) };

/// Series a wave; each is a datum of its own.
const WAVE: u32 = 400;
const WAVES: u32 = 6;
/// The far end's clock is an hour ahead, so that it finds a point too old that Weir does not.
const AHEAD: u64 = 3600 * SECOND;

/// A fault, and what it leaves behind.
struct Case {
    name: &'static str,
    rules: fn() -> Vec<FaultRule>,
    /// How many requests must have met the fault before it counts as met.
    met: u64,
    /// What requests see of it, by the far end's words.
    seen_as: &'static str,
    /// Whether what is stored may be stored twice.
    duplicates: bool,
    /// Datums that CloudWatch never takes.
    poison: u64,
}

const PLAIN: Case = Case { name: "", rules: Vec::new, met: 1, seen_as: "", duplicates: false, poison: 0 };

fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "throttling storm",
            rules: || vec![Fault::throttling().times(25)],
            met: 5,
            seen_as: "Throttling",
            ..PLAIN
        },
        Case {
            name: "1 in 5 failing",
            rules: || vec![Fault::internal_error().every_nth(5)],
            seen_as: "InternalServiceError",
            ..PLAIN
        },
        Case {
            name: "answers lost after storing",
            rules: || vec![Fault::StoreThenDrop.every_nth(3)],
            duplicates: true,
            ..PLAIN
        },
        Case { name: "a poison datum among 999", seen_as: "InvalidParameterValue", poison: 1, ..PLAIN },
        Case {
            name: "access denied, then granted",
            rules: || vec![Fault::access_denied().always()],
            seen_as: "AccessDenied",
            ..PLAIN
        },
        Case {
            name: "ten minutes' outage",
            rules: || vec![Fault::unavailable().always()],
            met: 5,
            seen_as: "503",
            ..PLAIN
        },
    ]
}

/// A Weir that sends to a far end in trouble, and what it was sent.
struct Scene {
    far: FarEnd,
    weir: Weir,
    clock: Clock,
    sent: u64,
}

impl Scene {
    async fn of(case: &Case, pace: Pace) -> Self {
        let options = Options::new(Arc::new(|| now() + AHEAD));
        let far = FarEnd(CloudWatchLocal::bind(([127, 0, 0, 1], 0).into(), options).await.unwrap());
        for rule in (case.rules)() {
            far.0.faults().push(rule);
        }
        let retry = "retry_on_failure: { initial_interval: 5s, max_interval: 30s }";
        let exporter = far.exporter(&[&format!("period: {}s", pace.period.as_secs()), retry]);
        let config = format!(
            "receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 'localhost:0' }} }} }} }}
exporters: {{ cloudwatch: {exporter} }}
service:
  shutdown_timeout: 30s
  pipelines:
    metrics: {{ receivers: [otlp], exporters: [cloudwatch] }}
"
        );
        let weir = Weir::start(&config, &["--clock-rate", &pace.rate.to_string()]).await;
        let mut scene = Self { far, weir, clock: Clock::compressed(pace.rate), sent: 0 };
        scene.send(case, pace.period).await;
        scene
    }

    /// Waves of new series; where there is poison, a point among the last that only the far end finds too old.
    async fn send(&mut self, case: &Case, period: Duration) {
        let mut sender = self.weir.sender().await;
        for wave in 0..WAVES {
            let point = |series| {
                let old = u64::from(series) + 1 == u64::from(WAVE) && case.poison > 0;
                let time = if old { now() - 14 * 86_400 * SECOND + 45 * 60 * SECOND } else { now() };
                Increment { series, time, value: i64::from(series) + 1 }
            };
            sender.send(increments(COUNTER, (wave * WAVE..(wave + 1) * WAVE).map(point))).await;
            self.sent += u64::from(WAVE);
            // Its period closes, so that each wave has requests of its own.
            self.clock.sleep(period.mul_f64(1.5)).await;
        }
    }

    async fn until_met(&self, case: &Case) {
        within(
            case.name,
            self.far.0.wait_until(|server| {
                let counters = server.counters();
                let met = if case.duplicates { counters.answers_lost } else { counters.failed(case.seen_as) };
                met >= case.met
            }),
        )
        .await;
    }
}

/// Whatever arrived has arrived whole and under its own name. Answers how many series, and how many samples beyond one of each.
fn stored(case: &Case, far: &FarEnd) -> (u64, u64) {
    let stored = far.by_series(COUNTER);
    for (series, one) in &stored {
        assert_eq!(one.sum, one.samples * (f64::from(*series) + 1.0), "{}: series {series}", case.name);
    }
    let series = stored.len() as u64;
    (series, far.samples() - series)
}

/// The exporter's row, in which everything that was sent has a fate.
fn accounted<'a>(case: &Case, ledger: &'a Ledger, sent: u64) -> &'a Row {
    let exporter = ledger.row("exporter cloudwatch");
    assert_eq!(
        (exporter.taken, exporter.out + exporter.dropped),
        (sent, sent),
        "{}: {exporter:?}",
        case.name
    );
    exporter
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_a_fault_passes_everything_has_arrived() {
    for case in cases() {
        let scene = Scene::of(&case, PASSING).await;
        scene.until_met(&case).await;
        if case.name == "ten minutes' outage" {
            scene.clock.sleep(Duration::from_mins(10)).await;
        }
        if case.name == "access denied, then granted" {
            let log = scene.weir.program.stderr.clone();
            log.wait_for("the policy to add", |line| line.contains("cloudwatch:namespace").then_some(()))
                .await;
        }
        scene.far.0.faults().clear();
        let all = scene.sent - case.poison;
        until(case.name, || (scene.far.by_series(COUNTER).len() as u64 == all).then_some(())).await;
        until(case.name, || (scene.weir.metric("weir_held_points", &["cloudwatch"]) == 0.0).then_some(()))
            .await;
        let possible = scene.weir.metric("weir_sending_possible_duplicate_points", &[]) as u64;
        let status = scene.weir.get("/status").1;
        let Scene { far, weir, sent, .. } = scene;
        let log = weir.program.stderr.clone();
        let ledger = weir.drain().await;

        let (series, surplus) = stored(&case, &far);
        let exporter = accounted(&case, &ledger, sent);
        assert_eq!((series, surplus > 0), (all, case.duplicates), "{}: {surplus} came twice", case.name);
        assert_eq!((exporter.out, exporter.dropped_for("rejected")), (all, case.poison), "{}", case.name);
        if case.duplicates {
            assert!(possible >= surplus, "{possible} possible, {surplus} there twice");
        }
        assert_eq!(status.contains("quarantine"), case.poison > 0, "{}: {status}", case.name);
        if case.seen_as == "AccessDenied" {
            let denials = log.so_far().lines().filter(|line| line.contains("not allowed")).count();
            assert_eq!(denials, 1, "one line an episode:\n{}", log.so_far());
            assert!(log.so_far().contains("arn:aws:sts::123456789012:assumed-role/app/i-0"));
        }
    }
}

/// SIGTERM in the middle of a fault.
async fn ends_accounted_for(case: Case) {
    let scene = Scene::of(&case, ENDING).await;
    scene.until_met(&case).await;
    scene.weir.program.signal("TERM");
    let Scene { far, weir, sent, .. } = scene;
    let ended = weir.program.ended().await;
    let ledger = Ledger::parse(&ended.stderr);
    ledger.assert_adds_up();
    // A tenth of a second may be too short for this machine.
    let ran_out = ended.stderr.contains("the time to drain ran out; what was left");
    assert_eq!(ended.code, Some(i32::from(ran_out)), "{}: {}", case.name, ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{}: {}", case.name, ended.stderr);
    let exporter = accounted(&case, &ledger, sent);
    // What was under way when the time ran out may have been stored, and nobody is left who could be told.
    let (series, surplus) = stored(&case, &far);
    let possible = exporter.out..=exporter.out + exporter.dropped_for("shutdown");
    assert!(possible.contains(&series), "{}: {series} series, {exporter:?}", case.name);
    assert!(case.duplicates || surplus == 0, "{}: {surplus} samples came twice", case.name);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sigterm_in_the_middle_of_a_fault_leaves_nothing_unaccounted() {
    cases().into_iter().map(ends_accounted_for).collect::<JoinSet<_>>().join_all().await;
}
