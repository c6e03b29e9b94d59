use super::*;
use crate::{
    clock::UnixNanos,
    ledger::Ledger,
    pressure::Pressure,
    value::{KeyValue, Value},
};

/// A detector that knows something at once and finds the rest in steps.
struct Scripted {
    at_once: Attributes,
    steps: Vec<Step>,
}

enum Step {
    Found(Attributes, Option<&'static str>),
    Failed(&'static str),
}

#[async_trait]
impl Detector for Scripted {
    fn at_once(&mut self) -> Attributes {
        self.at_once.clone()
    }

    async fn run(self: Box<Self>, mut findings: Findings) {
        for step in self.steps {
            match step {
                Step::Found(attributes, missing) => findings.publish(attributes, missing),
                Step::Failed(words) => findings.fail(Reason("refused"), words),
            }
        }
    }
}

fn attributes(pairs: &[(&str, i64)]) -> Attributes {
    Attributes::new(pairs.iter().map(|(key, value)| KeyValue::new(key, Value::Int(*value))).collect())
}

fn scripted(at_once: &[(&str, i64)], steps: Vec<Step>) -> impl FnOnce() -> Box<dyn Detector> {
    let at_once = attributes(at_once);
    move || Box::new(Scripted { at_once, steps })
}

/// Runs everything that waits, one after the other; answers what `/status` says of it.
async fn run(metadata: &Metadata) -> Vec<(String, crate::status::StatusRow)> {
    let clock = Clock::manual(UnixNanos(5_000_000_000));
    let health = Health::new(clock.clone(), Ledger::default(), Pressure::default());
    for (detector, findings) in metadata.take_waiting(&clock, &health) {
        detector.run(findings).await;
    }
    health.report().components.into_iter().map(|one| (one.name, one.row)).collect()
}

#[tokio::test]
async fn of_two_detectors_the_first_named_wins_and_each_change_is_a_version() {
    let metadata = Metadata::default();
    let slow =
        metadata.ask("slow", "", scripted(&[], vec![Step::Found(attributes(&[("a", 2), ("b", 2)]), None)]));
    let quick = metadata.ask("quick", "", scripted(&[("a", 1)], Vec::new()));
    let asked = metadata.version();
    assert_eq!(metadata.found(&[slow, quick]), attributes(&[("a", 1)]), "known before anything has run");
    run(&metadata).await;
    assert!(metadata.version() > asked);
    assert_eq!(metadata.found(&[slow, quick]), attributes(&[("a", 2), ("b", 2)]));
    assert_eq!(metadata.found(&[quick, slow]), attributes(&[("a", 1), ("b", 2)]));
    assert_eq!(metadata.found(&[quick]), attributes(&[("a", 1)]));
}

#[tokio::test]
async fn the_same_request_is_one_detector_and_what_is_found_again_is_no_change() {
    let metadata = Metadata::default();
    let steps =
        || vec![Step::Found(attributes(&[("a", 1)]), None), Step::Found(attributes(&[("a", 1)]), None)];
    let first = metadata.ask("ec2", "tags", scripted(&[], steps()));
    let again = metadata.ask("ec2", "tags", || unreachable!("it is there already"));
    let other = metadata.ask("ec2", "no tags", scripted(&[], Vec::new()));
    assert_eq!(first, again);
    assert_ne!(first, other);
    let before = metadata.version();
    run(&metadata).await;
    assert_eq!(metadata.version(), before + 1);
    let names: Vec<String> = metadata.detectors().iter().map(|state| state.name.to_string()).collect();
    assert_eq!(names, ["ec2", "ec2#2"]);
}

#[tokio::test]
async fn what_is_pending_or_has_failed_is_in_the_status_and_counted() {
    let metadata = Metadata::default();
    metadata.ask("idle", "", scripted(&[], Vec::new()));
    let partly =
        vec![Step::Failed("no answer"), Step::Found(attributes(&[("a", 1)]), Some("the group's name"))];
    metadata.ask("partly", "", scripted(&[], partly));
    metadata.ask("done", "", scripted(&[("a", 1)], Vec::new()));
    let status = run(&metadata).await;
    let (names, rows): (Vec<&str>, Vec<_>) = status.iter().map(|(name, row)| (&**name, row)).unzip();
    assert_eq!(names, ["detector idle", "detector partly", "detector done"]);
    assert_eq!((rows[0].pending.as_deref(), rows[0].last_success), (Some("nothing is found yet"), None));
    assert_eq!(rows[1].pending.as_deref(), Some("the group's name"));
    assert_eq!(rows[1].last_error.as_deref(), Some("no answer"));
    assert_eq!((rows[2].pending.as_deref(), rows[2].last_success), (None, Some(5)));
    let states = metadata.detectors();
    assert_eq!(states.iter().map(|state| state.is_ready).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(states[1].failures, BTreeMap::from([(Reason("refused"), 1)]));
}

#[tokio::test]
async fn a_failure_takes_nothing_away_that_was_known() {
    let metadata = Metadata::default();
    let steps = vec![Step::Found(attributes(&[("a", 1)]), None), Step::Failed("refused")];
    let source = metadata.ask("ec2", "", scripted(&[], steps));
    run(&metadata).await;
    assert_eq!(metadata.found(&[source]), attributes(&[("a", 1)]));
}
