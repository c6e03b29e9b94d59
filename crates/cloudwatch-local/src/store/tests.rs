#![allow(clippy::float_cmp, reason = "exactness is what is tested")]

use super::{DAY_S, Datapoint, HOUR_S, Range, Retention, Store};
use crate::model::{Datum, Dimension, MetricId, Reading, Resolution, Unit};

/// A whole hour.
const NOW_S: i64 = 1_789_999_200;

fn metric(name: &str) -> MetricId {
    MetricId::new("Test", name, vec![Dimension::new("b", "2"), Dimension::new("a", "1")])
}

fn datum(name: &str, time_s: i64, value: f64) -> Datum {
    Datum {
        metric: metric(name),
        time_ms: time_s * 1000,
        unit: Unit::NONE,
        resolution: Resolution::Minute,
        reading: Reading::Value(value),
    }
}

fn high(name: &str, time_s: i64, value: f64) -> Datum {
    Datum { resolution: Resolution::Second, ..datum(name, time_s, value) }
}

fn store(datums: Vec<Datum>) -> Store {
    let store = Store::new(Retention::default(), false);
    store.put(datums);
    store
}

fn range(start_s: i64, end_s: i64, period_s: i64) -> Range {
    Range { start_s, end_s, period_s, now_s: NOW_S }
}

/// Sums by the beginning of their period.
fn sums(store: &Store, range: Range) -> Vec<(i64, f64)> {
    store.periods(&metric("m"), None, range).iter().map(|((start_s, _), a)| (*start_s, a.sum())).collect()
}

#[test]
fn standard_resolution_is_kept_by_the_minute_and_high_by_the_second() {
    let store = store(vec![datum("m", NOW_S + 59, 1.0), datum("m", NOW_S, 2.0), high("m", NOW_S + 59, 4.0)]);
    let kept: Vec<_> = store
        .datapoints("Test", "m", &[Dimension::new("a", "1"), Dimension::new("b", "2")])
        .into_iter()
        .map(|Datapoint { start_s, resolution, sum, .. }| (start_s - NOW_S, resolution, sum))
        .collect();
    assert_eq!(kept, [(0, Resolution::Minute, 3.0), (59, Resolution::Second, 4.0)]);
}

#[test]
fn dimensions_in_another_order_are_the_same_metric() {
    let store = store(vec![datum("m", NOW_S, 1.0)]);
    let swapped = [Dimension::new("b", "2"), Dimension::new("a", "1")];
    assert_eq!(store.datapoints("Test", "m", &swapped).len(), 1);
    assert_eq!(store.datapoints("Test", "m", &swapped[..1]), []);
    assert_eq!(store.datapoints("Other", "m", &swapped), []);
}

#[test]
fn periods_begin_at_the_start_of_the_range_and_exclude_its_end() {
    let minutes = [-1, 0, 1, 4, 5, 9, 10];
    let store = store(
        minutes.iter().map(|m| datum("m", NOW_S - HOUR_S + m * 60, 10_f64.powi(*m as i32 + 1))).collect(),
    );
    let start_s = NOW_S - HOUR_S;
    assert_eq!(
        sums(&store, range(start_s, start_s + 600, 300)),
        [(start_s, 10.0 + 100.0 + 1e5), (start_s + 300, 1e6 + 1e10)]
    );
    let shifted = start_s - 60;
    assert_eq!(sums(&store, range(shifted, shifted + 300, 300)), [(shifted, 1.0 + 10.0 + 100.0)]);
}

#[test]
fn periods_below_a_minute_show_high_resolution_only() {
    let start_s = NOW_S - 120;
    let store = store(vec![
        datum("m", start_s, 1.0),
        high("m", start_s, 2.0),
        high("m", start_s + 9, 4.0),
        high("m", start_s + 10, 8.0),
    ]);
    assert_eq!(sums(&store, range(start_s, NOW_S, 10)), [(start_s, 6.0), (start_s + 10, 8.0)]);
    assert_eq!(sums(&store, range(start_s, NOW_S, 1)).len(), 3);
    assert_eq!(sums(&store, range(start_s, NOW_S, 60)), [(start_s, 15.0)]);
}

#[test]
fn older_data_is_seen_through_longer_periods_only() {
    for (age_s, shortest_s) in [
        (3 * HOUR_S, 1),
        (3 * HOUR_S + 60, 60),
        (15 * DAY_S, 60),
        (15 * DAY_S + 60, 300),
        (63 * DAY_S, 300),
        (63 * DAY_S + 60, HOUR_S),
        (455 * DAY_S, HOUR_S),
    ] {
        let time_s = NOW_S - age_s;
        let store = store(vec![high("m", time_s, 1.0)]);
        for period_s in [1, 60, 300, HOUR_S] {
            let seen = !sums(&store, range(time_s, NOW_S, period_s)).is_empty();
            assert_eq!(seen, period_s >= shortest_s, "age {age_s}, period {period_s}");
        }
    }
    let store = store(vec![high("m", NOW_S - 456 * DAY_S, 1.0)]);
    assert_eq!(sums(&store, range(NOW_S - 500 * DAY_S, NOW_S, HOUR_S)), []);
}

#[test]
fn units_are_kept_apart_and_can_be_chosen() {
    let seconds = Datum { unit: Unit::parse("Seconds").unwrap(), ..datum("m", NOW_S - 60, 5.0) };
    let store = store(vec![datum("m", NOW_S - 60, 1.0), seconds]);
    let all = range(NOW_S - 60, NOW_S, 60);
    assert_eq!(store.periods(&metric("m"), None, all).len(), 2);
    let chosen = store.periods(&metric("m"), Unit::parse("Seconds"), all);
    assert_eq!(chosen.values().map(super::Aggregate::sum).collect::<Vec<_>>(), [5.0]);
    assert_eq!(store.periods(&metric("m"), Unit::parse("Bytes"), all).len(), 0);
    assert_eq!(store.series().len(), 2);
}

#[test]
fn a_summary_has_the_newest_datapoint_and_the_totals() {
    let store = store(vec![
        datum("m", NOW_S, 2.0),
        datum("m", NOW_S + 5, 3.0),
        datum("m", NOW_S - 300, 10.0),
        datum("k", 0, 0.0),
    ]);
    let series = store.series();
    assert_eq!(series.iter().map(|s| s.metric.name.as_str()).collect::<Vec<_>>(), ["k", "m"]);
    let m = &series[1];
    assert_eq!(
        (m.last.start_s, m.last.count, m.last.sum, m.last.minimum, m.last.maximum),
        (NOW_S, 2.0, 5.0, 2.0, 3.0)
    );
    assert_eq!((m.total_count, m.total_sum), (3.0, 15.0));
    assert_eq!(store.total_samples(), 4.0);
}

#[test]
fn the_oldest_datapoints_of_a_series_go_first_and_stay_in_the_totals() {
    let store = Store::new(Retention { datapoints_per_series: 2, ..Retention::default() }, false);
    for minute in [3, 1, 2, 4] {
        store.put(vec![datum("m", NOW_S + minute * 60, 1.0)]);
    }
    let kept: Vec<_> = store
        .datapoints("Test", "m", &metric("m").dimensions)
        .iter()
        .map(|datapoint| (datapoint.start_s - NOW_S) / 60)
        .collect();
    assert_eq!(kept, [3, 4]);
    let totals = store.totals();
    assert_eq!((totals.evicted_datapoints, totals.datums, totals.samples), (2, 4, 4.0));
    assert_eq!(store.series()[0].total_count, 4.0);
}

#[test]
fn the_metrics_longest_not_written_go_first() {
    let store = Store::new(Retention { metrics: 16, ..Retention::default() }, false);
    for n in 0..16 {
        store.put(vec![datum(&format!("m{n:02}"), NOW_S, 1.0)]);
    }
    store.put(vec![datum("m00", NOW_S, 1.0)]);
    assert_eq!(store.series().len(), 16);
    store.put(vec![datum("new", NOW_S, 1.0)]);
    let names: Vec<_> = store.series().into_iter().map(|series| series.metric.name).collect();
    // An eighth of 16, and one for the newcomer: m01, m02, m03.
    let expected: Vec<_> = ["m00".to_owned()]
        .into_iter()
        .chain((4..16).map(|n| format!("m{n:02}")))
        .chain(["new".to_owned()])
        .collect();
    assert_eq!(names, expected);
    let totals = store.totals();
    assert_eq!((totals.evicted_metrics, totals.evicted_datapoints, totals.samples), (3, 3, 18.0));
}

#[test]
fn listing_goes_by_age_of_the_metric_and_of_its_data() {
    let store = store(vec![datum("z", NOW_S, 1.0), datum("a", NOW_S - 7200, 1.0), datum("k", NOW_S, 1.0)]);
    store.put(vec![datum("z", NOW_S + 60, 1.0)]);
    let names = |after, since_s| -> Vec<String> {
        store.list(after, since_s, |_| true).into_iter().map(|listed| listed.metric.name).collect()
    };
    assert_eq!(names(None, 0), ["z", "a", "k"]);
    assert_eq!(names(None, NOW_S - 3600), ["z", "k"]);
    // Late data makes no metric older.
    store.put(vec![datum("z", NOW_S - 7200, 1.0)]);
    assert_eq!(names(None, NOW_S - 3600), ["z", "k"]);
    let first = store.list(None, 0, |_| true)[0].number;
    assert_eq!(names(Some(first), 0), ["a", "k"]);
    assert_eq!(store.list(None, 0, |id| id.name == "a").len(), 1);
}

#[test]
fn the_journal_holds_the_datums_as_they_came() {
    let datums = vec![datum("m", NOW_S + 7, 1.0), datum("k", NOW_S, 2.0)];
    let store = Store::new(Retention::default(), true);
    store.put(datums.clone());
    assert_eq!(store.journal(), datums);
    assert_eq!(store.take_journal(), datums);
    assert_eq!(store.journal(), []);
}
