use std::collections::{BTreeMap, BTreeSet};

use super::*;

const ALL: [Kind; 6] = [
    Kind::Counter,
    Kind::DeltaCounter,
    Kind::Gauge,
    Kind::Histogram,
    Kind::ExponentialHistogram,
    Kind::Summary,
];

fn decode(bytes: &[u8]) -> Vec<Metric> {
    let request = ExportMetricsServiceRequest::decode(bytes).unwrap();
    request.resource_metrics[0].scope_metrics[0].metrics.clone()
}

/// Names of series with their times and values; the value of what is no number is 0.
fn points(metrics: &[Metric]) -> BTreeMap<String, (u64, f64)> {
    let mut found = BTreeMap::new();
    let mut add = |name: &str, attributes: &[KeyValue], time, value| {
        assert_eq!(found.insert(format!("{name} {attributes:?}"), (time, value)), None, "a series twice");
    };
    for metric in metrics {
        let name = &metric.name;
        match metric.data.as_ref().unwrap() {
            Data::Sum(Sum { data_points, .. }) | Data::Gauge(Gauge { data_points }) => {
                for point in data_points {
                    let value = match point.value.unwrap() {
                        Value::AsInt(value) => value as f64,
                        Value::AsDouble(value) => value,
                    };
                    add(name, &point.attributes, point.time_unix_nano, value);
                }
            }
            Data::Histogram(Histogram { data_points, .. }) => {
                data_points.iter().for_each(|point| {
                    assert_eq!(point.count, point.bucket_counts.iter().sum::<u64>());
                    add(name, &point.attributes, point.time_unix_nano, 0.0);
                });
            }
            Data::ExponentialHistogram(ExponentialHistogram { data_points, .. }) => {
                data_points.iter().for_each(|point| {
                    let counted = point.positive.as_ref().unwrap().bucket_counts.iter().sum::<u64>();
                    assert_eq!(point.count, counted);
                    add(name, &point.attributes, point.time_unix_nano, 0.0);
                });
            }
            Data::Summary(Summary { data_points }) => {
                data_points.iter().for_each(|point| add(name, &point.attributes, point.time_unix_nano, 0.0));
            }
        }
    }
    found
}

#[test]
fn every_round_of_every_kind_has_each_series_once_at_its_time() {
    for kind in ALL {
        for (order, points_per_metric) in [(Order::Stable, 10), (Order::Shuffled, 10), (Order::Shuffled, 1)] {
            let shape = Shape { kind, points: 50, points_per_metric, order };
            let mut sender = Sender::new(shape, 3, 1);
            let mut series = BTreeSet::new();
            for time in [1_000, 2_000, 3_000] {
                let (bytes, amount) = sender.next(time);
                let found = points(&decode(bytes));
                assert_eq!((found.len(), amount.points), (50, 50));
                assert!(found.values().all(|(at, _)| *at == time));
                series.extend(found.into_keys());
            }
            assert_eq!(series.len(), 50, "{kind:?} {order:?}: the same series in each round");
        }
    }
}

#[test]
fn what_a_round_says_it_adds_up_to_is_what_its_numbers_say() {
    for (kind, order) in [
        (Kind::Counter, Order::Stable),
        (Kind::Counter, Order::Shuffled),
        (Kind::DeltaCounter, Order::Stable),
        (Kind::Gauge, Order::Shuffled),
    ] {
        let mut sender = Sender::new(Shape { kind, order, ..Shape::USUAL }, 0, 1);
        let mut before = BTreeMap::new();
        for round in 0..6 {
            let (bytes, amount) = sender.next(round);
            let now = points(&decode(bytes));
            let last = |name: &String| match kind {
                Kind::Counter => before.get(name).map_or(0.0, |(_, value)| *value),
                _ => 0.0,
            };
            let sum: f64 = now.iter().map(|(name, (_, value))| value - last(name)).sum();
            assert_eq!(amount, Amount { points: 1000, sum }, "{kind:?} {order:?} round {round}");
            before = now;
        }
    }
}

#[test]
fn shuffled_rounds_differ_in_order_and_senders_in_their_resource() {
    let shape = Shape { order: Order::Shuffled, ..Shape::USUAL };
    let mut sender = Sender::new(shape, 0, 1);
    let names = |metrics: Vec<Metric>| metrics.into_iter().map(|metric| metric.name).collect::<Vec<_>>();
    let first = names(decode(sender.next(5).0));
    let second = names(decode(sender.next(5).0));
    assert_ne!(first, second);
    let resource = |number| {
        let mut sender = Sender::new(shape, number, 1);
        ExportMetricsServiceRequest::decode(sender.next(5).0).unwrap().resource_metrics[0].resource.clone()
    };
    assert_ne!(resource(1), resource(2));
}
