//! Rules on the whole way: what arrives in which namespace, when, and what the ledger says of it.

use weir_cloudwatch_local::Resolution;

use super::{
    super::{
        config::{Merge, RuleConfig},
        rules::DROPPED_BY_RULE,
    },
    *,
};

fn rule(metric: &str) -> RuleConfig {
    RuleConfig { metrics: vec![metric.to_owned()], ..RuleConfig::default() }
}

#[tokio::test]
async fn each_period_closes_on_its_own_schedule_and_each_namespace_has_its_own_requests() {
    let fast = RuleConfig {
        period: Some(weir_config::Duration(Duration::from_secs(10))),
        namespace: Some("Fast".to_owned()),
        ..rule("fast.*")
    };
    let river = River::with(Fixture::new(), 0, |config| config.rules = vec![fast]).await;
    let start = river.now(); // 20 s into a minute
    let series = ["fast.a", "slow", "fast.b"].map(|name| river.f.stream(Descriptor::gauge(name, "1"), &[]));
    let (ack, mut fate) = Ack::new();
    let mut batch = river.f.batch(series.iter().map(|one| point(one, 0, start, Number::Int(1))));
    batch.ack = ack;
    river.send(batch).await;
    assert_eq!(fate.accepted().await, Verdict::Delivered);

    river.f.clock.advance(Duration::from_secs(11)); // a tenth of the ten seconds more
    river.until(|counters| counters.datums == 2).await;
    let arrived = river.server.store().take_journal();
    let found =
        arrived.iter().map(|datum| (datum.metric.name.as_str(), datum.time_ms / 1000, datum.resolution));
    let start_of = |length: u64| (start / length * length) as i64;
    let second = Resolution::Second;
    assert!(found.eq([("fast.a", start_of(10), second), ("fast.b", start_of(10), second)]), "{arrived:?}");
    assert!(arrived.iter().all(|datum| datum.metric.namespace == "Fast"));

    river.f.clock.advance(Duration::from_secs(34)); // five seconds after the minute
    assert_eq!(fate.exported().await, Verdict::Delivered, "when the last window has sent its part");
    let (account, counters, server) = river.drain().await;
    assert_eq!((account.passed, counters.put_requests), (3, 2));
    let arrived = server.store().take_journal();
    let found =
        arrived.iter().map(|datum| (&*datum.metric.namespace, datum.time_ms / 1000, datum.resolution));
    assert!(found.eq([("Weir", start_of(60), Resolution::Minute)]), "{arrived:?}");
}

#[tokio::test]
async fn what_rules_drop_and_what_roll_ups_make_is_in_the_ledger() {
    let river = River::with(Fixture::new(), 0, |config| {
        config.rollups = vec![vec![]];
        config.rules = vec![
            RuleConfig { drop: true, ..rule("noise.*") },
            RuleConfig { merge: Merge::Sum, rollups: Some(Vec::new()), ..rule("queue") },
        ];
        config.rules[1].dimensions =
            Some(config::DimensionsConfig { attributes: Vec::new(), ..Default::default() });
    })
    .await;
    let named = |name: &str, pod: &str| river.f.stream(Descriptor::gauge(name, "1"), &[("pod", pod)]);
    let series = [("noise.a", "1"), ("load", "1"), ("load", "2"), ("queue", "1"), ("queue", "2")];
    let series = series.map(|(name, pod)| named(name, pod));
    for value in [1, 5] {
        river
            .send(river.f.batch(series.iter().map(|one| point(one, 0, river.now(), Number::Int(value)))))
            .await;
    }
    let (account, counters, server) = river.drain().await;
    // Four points of load are in the roll-up too.
    assert_eq!((account.taken, account.made, account.passed), (10, 4, 12));
    assert_eq!(account.dropped, dropped(DROPPED_BY_RULE, 2));
    assert_eq!((counters.put_requests, counters.datums), (1, 4));
    let found = |name: &str, dimensions: &[Dimension]| {
        let all = server.store().datapoints("Weir", name, dimensions);
        all.iter().map(|one| (one.count, one.sum, one.minimum, one.maximum)).collect::<Vec<_>>()
    };
    assert_eq!(found("load", &[]), [(4.0, 12.0, 1.0, 5.0)], "the roll-up has every sample");
    assert_eq!(found("load", &[Dimension::new("pod", "1")]), [(2.0, 6.0, 1.0, 5.0)]);
    assert_eq!(found("queue", &[]), [(1.0, 10.0, 10.0, 10.0)], "the sum of the last values");
    assert_eq!(found("noise.a", &[Dimension::new("pod", "1")]), []);
}

#[tokio::test]
async fn quantiles_stay_metrics_of_their_own_whatever_dimensions_and_roll_ups_are_listed() {
    let river = River::with(Fixture::new(), 0, |config| {
        config.summary_quantiles = true;
        config.dimensions.attributes = vec!["route".to_owned()];
        // Both are what is kept of each quantile: one roll-up.
        config.rollups = vec![vec![], vec!["quantile".to_owned()]];
    })
    .await;
    let kind = Descriptor { kind: Kind::Summary, ..Descriptor::gauge("rpc", "s") };
    let time = UnixNanos(river.now() * 1_000_000_000);
    for (route, values) in [("/a", [0.5, 2.0, 0.99, 9.0]), ("/b", [0.5, 3.0, 0.99, 7.0])] {
        let series = river.f.stream(kind.clone(), &[("route", route), ("pod", "p1")]);
        let mut batch = river.f.batch([]);
        let quantiles = batch.push_bounds(values);
        batch.summaries.push(weir_core::SummaryPoint {
            series: series.id(),
            flags: weir_core::Flags::SUM,
            start: time,
            time,
            count: 1,
            sum: 1.0,
            quantiles,
        });
        river.send(batch).await;
    }
    let (_, _, server) = river.drain().await;
    let found = |dimensions: &[(&str, &str)]| {
        let dimensions: Vec<_> =
            dimensions.iter().map(|(name, value)| Dimension::new(*name, *value)).collect();
        let all = server.store().datapoints("Weir", "rpc", &dimensions);
        all.iter().map(|one| (one.count, one.minimum, one.maximum)).collect::<Vec<_>>()
    };
    assert_eq!(found(&[("quantile", "0.5"), ("route", "/a")]), [(1.0, 2.0, 2.0)]);
    assert_eq!(found(&[("quantile", "0.99"), ("route", "/b")]), [(1.0, 7.0, 7.0)]);
    assert_eq!(found(&[("quantile", "0.5")]), [(2.0, 2.0, 3.0)], "a roll-up of each quantile");
    assert_eq!(found(&[("route", "/a")]), []);
    assert_eq!(found(&[]), []);
}
