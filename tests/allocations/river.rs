//! From the bytes of a request to the window.

use std::{sync::Arc, time::Duration};

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    metrics::v1::{
        AggregationTemporality, Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
        metric::Data, number_data_point,
    },
    resource::v1::Resource,
};
use prost::Message as _;
use weir_core::{Ack, Door, Processor, ProcessorFactory as _};
use weir_counting_alloc::allocations;
use weir_exporters::cloudwatch::{
    config::{Config as CloudWatch, RuleConfig},
    rules::Rules,
    windows::Windows,
};
use weir_processors::{
    delta::{self, Delta},
    dimensions::{self, Dimensions},
};
use weir_receivers::otlp::resolve_bytes;
use weir_testkit::{Fixture, START, seconds};

use super::{FEW, attribute, through};

/// Half gauges, half cumulative counters; `nth` is the time and the value.
fn request(points: usize, nth: u64) -> Vec<u8> {
    let point = |at: usize| NumberDataPoint {
        attributes: vec![attribute("route", format!("/orders/{at}")), attribute("code", "200".to_owned())],
        start_time_unix_nano: seconds(START).0,
        time_unix_nano: seconds(START + 1 + nth).0,
        value: Some(number_data_point::Value::AsInt(nth as i64 * 7)),
        ..NumberDataPoint::default()
    };
    let data_points: Vec<_> = (0..points / 2).map(point).collect();
    let gauge = Data::Gauge(Gauge { data_points: data_points.clone() });
    let temporality = AggregationTemporality::Cumulative as i32;
    let counter = Data::Sum(Sum { data_points, aggregation_temporality: temporality, is_monotonic: true });
    let metric = |name: &str, data| Metric { name: name.to_owned(), data: Some(data), ..Metric::default() };
    let scope = ScopeMetrics {
        metrics: vec![metric("queue.size", gauge), metric("requests", counter)],
        ..ScopeMetrics::default()
    };
    let resource =
        Resource { attributes: vec![attribute("service.name", "shop".to_owned())], ..Resource::default() };
    let resource_metrics = vec![ResourceMetrics {
        resource: Some(resource),
        scope_metrics: vec![scope],
        ..ResourceMetrics::default()
    }];
    ExportMetricsServiceRequest { resource_metrics }.encode_to_vec()
}

/// The stages from the door to the window.
struct River {
    fixture: Fixture,
    door: Arc<Door>,
    dimensions: Box<dyn Processor>,
    delta: Box<dyn Processor>,
    rules: Rules,
    windows: Windows,
}

impl River {
    /// Into one window, or, with rules, each half of the points into one of two.
    fn new(with_rules: bool) -> Self {
        let fixture = Fixture::new();
        let action = dimensions::Action {
            from_resource: Some("service.name".to_owned()),
            ..dimensions::Action::new(dimensions::Verb::Insert, "service")
        };
        let config = dimensions::Config { actions: vec![action], ..dimensions::Config::default() };
        let queues = RuleConfig {
            metrics: vec!["queue.*".to_owned()],
            rename: Some("q_$1".to_owned()),
            period: Some(weir_config::Duration(Duration::from_secs(10))),
            ..RuleConfig::default()
        };
        let rules = if with_rules { vec![queues] } else { Vec::new() };
        let rules = Rules::new(&CloudWatch { rules, ..CloudWatch::default() });
        assert_eq!(rules.periods().len(), 1 + usize::from(with_rules));
        Self {
            door: fixture.doors.open("otlp"),
            windows: Windows::new(rules.periods(), 0.0),
            rules,
            dimensions: Dimensions::build(config, fixture.context("dimensions"), None),
            delta: Delta::build(delta::Config::default(), fixture.context("delta"), None),
            fixture,
        }
    }

    /// Answers the points that reached the window.
    fn pass(&mut self, request: &[u8]) -> u64 {
        let mut arrived = 0;
        for batch in resolve_bytes(request, &self.door, None).unwrap().batches {
            for batch in through(&mut *self.dimensions, batch) {
                for batch in through(&mut *self.delta, batch) {
                    arrived += batch.points();
                    if !self.rules.is_plain() {
                        assert_eq!(self.rules.decide_all(&batch, &self.fixture.interner), 0);
                    }
                    let now = seconds(START + 1);
                    self.windows.record(&batch, Ack::none(), now, &self.rules, |left| {
                        assert_eq!(left.by_reason().map(|(_, points)| points).iter().sum::<u64>(), 0);
                    });
                }
            }
        }
        arrived
    }
}

/// What the fourth request of `points` points of known series allocates.
fn a_request_costs(points: usize, with_rules: bool) -> u64 {
    let mut river = River::new(with_rules);
    let warm_up = FEW - 1;
    for nth in 0..warm_up {
        river.pass(&request(points, nth));
    }
    let known = request(points, warm_up);
    let series = river.fixture.interner.stats().series;
    let (count, arrived) = allocations(|| river.pass(&known));
    assert_eq!(arrived, points as u64);
    // A gauge has two names, a counter three: at the door, with the dimension, and as a delta.
    assert_eq!((series, river.fixture.interner.stats().series), (points / 2 * 5, points / 2 * 5));
    count
}

#[test]
fn a_point_of_a_known_series_costs_no_allocation_from_the_door_to_the_window() {
    for with_rules in [false, true] {
        let [ten, thousand, eight_thousand] =
            [10, 1000, 8000].map(|points| a_request_costs(points, with_rules));
        assert_eq!((ten, ten), (thousand, eight_thousand), "rules: {with_rules}");
        // The batch and its lists, the sender's key, the buffer for aliases: more would be a habit to look into.
        assert!((1..=20).contains(&ten), "{ten} allocations a request, rules: {with_rules}");
    }
}
