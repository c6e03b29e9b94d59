use std::time::Duration;

use super::{Fault, Faults};

const PUT: &str = "PutMetricData";
const LIST: &str = "ListMetrics";

#[test]
fn a_fault_by_itself_plays_once_and_only_for_put_metric_data() {
    let faults = Faults::default();
    faults.push(Fault::throttling());
    assert_eq!(faults.next(LIST), None);
    assert_eq!(faults.next(PUT), Some(Fault::throttling()));
    assert_eq!(faults.next(PUT), None);
    assert!(faults.is_empty());
    assert_eq!(faults.fired(), 1);
}

#[test]
fn rules_play_one_after_the_other() {
    let faults = Faults::default();
    faults.push(Fault::throttling().times(2));
    faults.push(Fault::StoreThenDrop);
    let played: Vec<_> = (0..4).map(|_| faults.next(PUT)).collect();
    let throttling = Some(Fault::throttling());
    assert_eq!(played, [throttling.clone(), throttling, Some(Fault::StoreThenDrop), None]);
}

#[test]
fn every_third_is_the_third_sixth_and_so_on() {
    let faults = Faults::default();
    let rule = faults.push(Fault::unavailable().every_nth(3));
    let fired: Vec<bool> = (0..7).map(|_| faults.next(PUT).is_some()).collect();
    assert_eq!(fired, [false, false, true, false, false, true, false]);
    faults.remove(rule);
    assert!((0..3).all(|_| faults.next(PUT).is_none()));
}

#[test]
fn always_lasts_until_it_is_removed() {
    let faults = Faults::default();
    let outage = faults.push(Fault::Hang.always());
    assert!((0..5).all(|_| faults.next(PUT) == Some(Fault::Hang)));
    faults.remove(outage);
    assert_eq!(faults.next(PUT), None);
    faults.remove(outage);
}

#[test]
fn a_rule_for_all_operations_concerns_reads() {
    let faults = Faults::default();
    faults.push(Fault::access_denied().times(1).on_all_operations());
    assert_eq!(faults.next(LIST), Some(Fault::access_denied()));
}

#[test]
fn zero_times_never_fires_and_every_zeroth_is_every_one() {
    let faults = Faults::default();
    faults.push(Fault::Hang.times(0));
    assert_eq!(faults.next(PUT), None);
    faults.push(Fault::DropConnection.every_nth(0));
    assert_eq!(faults.next(PUT), Some(Fault::DropConnection));
    faults.clear();
    assert_eq!(faults.next(PUT), None);
}

#[test]
fn retry_after_changes_errors_only() {
    let after = Duration::from_millis(250);
    let Fault::Error(error) = Fault::unavailable().with_retry_after(after) else { panic!("an error") };
    assert!(format!("{error:?}").contains("250ms"), "{error:?}");
    assert_eq!(Fault::Hang.with_retry_after(after), Fault::Hang);
}
