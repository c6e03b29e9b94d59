//! Labels, resources, scopes.

use super::*;
use crate::prometheus::{
    config::{RelabelAction, RelabelConfig},
    relabel::Relabel,
};

fn identity(labels: &[(&str, &str)]) -> Identity {
    Identity { labels: labels.iter().copied().collect(), ..Identity::default() }
}

#[test]
fn job_and_instance_and_the_address_are_the_resource() {
    let labels = [("job", "shop"), ("instance", "web-1"), ("env", "prod")].into_iter().collect();
    let (address, port, scheme) = ("10.0.0.1".to_owned(), "9090".to_owned(), "http".to_owned());
    let mut rig = Rig::of(Identity { labels, address, port, scheme }, Settings::default());
    let scraped = rig.try_scrape(Format::Text004, "a{b=\"c\",empty=\"\"} 1\n").unwrap();
    assert_eq!(rig.describe(&scraped), ["a{b=c,env=prod} gauge 1 at 10"]);
    let expected = "a: server.address=10.0.0.1,server.port=9090,service.instance.id=web-1,service.name=shop,url.scheme=http";
    assert_eq!(resources(&rig, &scraped), [expected]);
}

#[test]
fn labels_that_the_target_has_too_are_exported_or_honoured() {
    let target =
        identity(&[("job", "shop"), ("instance", "i"), ("env", "prod"), ("exported_x", "1"), ("x", "2")]);
    let body = "a{job=\"inner\",env=\"test\",x=\"3\"} 1\n";
    let mut rig = Rig::of(target.clone(), Settings::default());
    let scraped = rig.try_scrape(Format::Text004, body).unwrap();
    let expected = [
        "a{env=prod,exported_env=test,exported_exported_x=3,exported_job=inner,exported_x=1,x=2} gauge 1 at 10",
    ];
    assert_eq!(rig.describe(&scraped), expected);
    assert_eq!(resources(&rig, &scraped), ["a: service.instance.id=i,service.name=shop"]);
    let mut rig = Rig::of(target, Settings { honor_labels: true, ..Settings::default() });
    let scraped = rig.try_scrape(Format::Text004, body).unwrap();
    assert_eq!(rig.describe(&scraped), ["a{env=test,exported_x=1,x=3} gauge 1 at 10"]);
    assert_eq!(resources(&rig, &scraped), ["a: service.instance.id=i,service.name=inner"]);
}

#[test]
fn external_labels_come_last_and_relabelling_does_not_see_them() {
    let external: Labels = [("region", "eu"), ("env", "prod"), ("gone", "")].into_iter().collect();
    let config: crate::prometheus::config::RelabelConfig =
        serde_json::from_str(r#"{"source_labels": ["region"], "regex": "eu", "action": "drop"}"#).unwrap();
    let relabel = crate::prometheus::relabel::Relabel::new(&[config]).unwrap();
    let limits = Limits { labels: 4, ..Limits::default() };
    let settings = Settings { external_labels: external, relabel, limits, ..Settings::default() };
    let mut rig = Rig::of(identity(&[("job", "shop"), ("instance", "i")]), settings);
    // A label of the sample's own stays, and nothing is exported for them.
    let scraped =
        rig.try_scrape(Format::Text004, "a{env=\"test\"} 1\nb 1\ntarget_info{x=\"y\"} 1\n").unwrap();
    assert_eq!(
        rig.describe(&scraped),
        ["a{env=test,region=eu} gauge 1 at 10", "b{env=prod,region=eu} gauge 1 at 10"]
    );
    assert!(resources(&rig, &scraped).iter().all(|of| !of.contains("region")));
    let reported = rig.target.report(rig.now(), &[("up", "", 1.0)]);
    assert_eq!(rig.describe(&reported), ["up{env=prod,region=eu} gauge 1 at 10"]);
}

#[test]
fn what_a_target_says_itself_of_how_it_is_scraped_stands() {
    let gauges = [("up", "", 1.0), ("scrape_duration_seconds", "s", 0.5)];
    let mut rig = Rig::new();
    let mut both = |body: &str| {
        let said = rig.text(body);
        let reported = rig.target.report(rig.now(), &gauges);
        (said, rig.describe(&reported))
    };
    let own = |at: u64| format!("scrape_duration_seconds{{}} s gauge 0.5 at {at}");
    let (said, reported) = both("up 7\nup{zone=\"a\"} 8\n");
    assert_eq!(said, ["up{zone=a} gauge 8 at 10", "up{} gauge 7 at 10"]);
    assert_eq!(reported, [own(10)]);
    // When it no longer says so, the report is back, and neither is stale.
    let (said, reported) = both("");
    assert_eq!(
        (said, reported),
        (vec!["up{zone=a} stale at 20".to_owned()], vec![own(20), "up{} gauge 1 at 20".to_owned()])
    );
    // Without a unit the name is the same.
    let (_, reported) = both("scrape_duration_seconds 9\n");
    assert_eq!(reported, ["up{} gauge 1 at 30"]);
    // A scrape that fails has said nothing.
    rig.scrapes += 1;
    rig.fail();
    let reported = rig.target.report(rig.now(), &gauges);
    assert_eq!(rig.describe(&reported), [own(40), "up{} gauge 1 at 40".to_owned()]);
}

#[test]
fn relabelling_sees_bounds_and_quantiles_as_prometheus_3_writes_them() {
    let step = |regex: &str| RelabelConfig {
        source_labels: vec!["le".to_owned(), "quantile".to_owned()],
        regex: Some(regex.to_owned()),
        action: RelabelAction::Drop,
        ..RelabelConfig::default()
    };
    let body = "# TYPE h histogram\nh_bucket{le=\"5\"} 1\nh_bucket{le=\"2500000\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_count 3\n\
                # TYPE s summary\ns{quantile=\"1\"} 4\ns_count 1\n# TYPE g gauge\ng{le=\"5\",quantile=\"1\"} 5\n";
    let relabel = Relabel::new(&[step("5\\.0;|;1\\.0"), step("2\\.5e\\+06;")]).unwrap();
    let mut rig = Rig::with(Settings { relabel, ..Settings::default() });
    let scraped = rig.try_scrape(Format::Text004, body).unwrap();
    // Elsewhere they are labels as others are.
    assert_eq!((scraped.samples, scraped.samples_kept), (7, 4));
    assert!(rig.describe(&scraped).contains(&"g{le=5,quantile=1} gauge 5 at 10".to_owned()));
}

#[test]
fn an_honoured_label_that_is_empty_is_none_as_who_pushes_for_others_means_it() {
    let target: Labels = [("job", "pushgateway"), ("instance", "10.0.0.9:9091")].into_iter().collect();
    let target = Identity { labels: target, ..Identity::default() };
    let mut rig = Rig::of(target, Settings { honor_labels: true, ..Settings::default() });
    let scraped = rig.try_scrape(Format::Text004, "a{job=\"nightly\",instance=\"\"} 1\nb 2\n").unwrap();
    assert_eq!(rig.describe(&scraped), ["a{} gauge 1 at 10", "b{} gauge 2 at 10"]);
    let expected =
        ["a: service.name=nightly", "b: service.instance.id=10.0.0.9:9091,service.name=pushgateway"];
    assert_eq!(resources(&rig, &scraped), expected);
}

#[test]
fn a_target_info_of_somebody_else_describes_nobody() {
    let labels: Labels = [("job", "federate"), ("instance", "10.0.0.9:9090")].into_iter().collect();
    let target = Identity { labels, ..Identity::default() };
    let mut rig = Rig::of(target, Settings { honor_labels: true, ..Settings::default() });
    let body = "a{job=\"shop\",instance=\"1\"} 1\ntarget_info{job=\"shop\",instance=\"1\",region=\"x\"} 1\ntarget_info{job=\"bank\",instance=\"2\",region=\"y\"} 1\n";
    let scraped = rig.try_scrape(Format::Text004, body).unwrap();
    assert_eq!(resources(&rig, &scraped), ["a: service.instance.id=1,service.name=shop"]);
}

#[test]
fn scope_labels_are_the_scope() {
    let body =
        "a{otel_scope_name=\"lib\",otel_scope_version=\"2\",otel_scope_team=\"x\",b=\"c\"} 1\nplain 1\n";
    let mut rig = Rig::new();
    let scraped = rig.try_scrape(Format::Text004, body).unwrap();
    let scopes: Vec<String> = scraped.batches[0]
        .numbers
        .iter()
        .map(|point| {
            let series = rig.fixture.series(point.series);
            let scope = series.scope();
            let of: Vec<String> =
                scope.attributes.iter().map(|pair| format!("{}={}", pair.key, pair.value)).collect();
            format!("{} {} {}", scope.name, scope.version, of.join(","))
        })
        .collect();
    assert_eq!(scopes, ["lib 2 team=x", "weir/prometheus  "]);
    assert_eq!(rig.describe(&scraped), ["a{b=c} gauge 1 at 10", "plain{} gauge 1 at 10"]);
}

/// What the target of a rig is, whatever it says of itself.
const WHO: &str = "service.instance.id=10.0.0.1:9090,service.name=shop";

#[test]
fn target_info_describes_the_resource_wherever_it_stands_and_whenever_it_comes() {
    let mut rig = Rig::new();
    let with = |info: &str| format!("# TYPE a counter\na 1\n# TYPE target_info gauge\n{info}");
    let of = |rig: &mut Rig, body: &str| {
        let scraped = rig.try_scrape(Format::Text004, body).unwrap();
        let named = resources(rig, &scraped);
        let streams: Vec<_> = scraped.batches[0]
            .numbers
            .iter()
            .map(|point| rig.fixture.series(point.series).stream())
            .collect();
        (named, streams)
    };
    let (named, first) = of(&mut rig, &with("target_info{k8s_pod=\"p\"} 1\n"));
    assert_eq!(named, [format!("a: k8s_pod=p,{WHO}")]);
    let (named, second) = of(&mut rig, &with("target_info{k8s_pod=\"q\"} 1\n"));
    assert_eq!(named, [format!("a: k8s_pod=q,{WHO}")]);
    // It stays as it was said last, and a stream stays the same stream.
    let (named, third) = of(&mut rig, "# TYPE a counter\na 1\n");
    assert_eq!(named, [format!("a: k8s_pod=q,{WHO}")]);
    assert!(first == second && second == third, "{first:?} {second:?} {third:?}");
    let (named, _) = of(&mut rig, "# TYPE a counter\na 1\nb 1\n");
    assert_eq!(named, [format!("a: k8s_pod=q,{WHO}"), format!("b: k8s_pod=q,{WHO}")]);
}

#[test]
fn two_orders_of_labels_are_one_series() {
    let mut rig = Rig::new();
    rig.text("a{x=\"1\",y=\"2\"} 1\n");
    assert_eq!(rig.text("a{y=\"2\",x=\"1\"} 2\n"), ["a{x=1,y=2} gauge 2 at 20"]);
    assert_eq!(rig.fixture.interner.stats().streams, 1);
}

#[test]
fn names_of_utf8_are_taken_and_refused_where_only_legacy_ones_are_asked_for() {
    let body = "{\"http.server.duration\",\"http.route\"=\"/ä\"} 1\nplain 2\n";
    let expected = ["http.server.duration{http.route=/ä} gauge 1 at 10", "plain{} gauge 2 at 10"];
    assert_eq!(Rig::new().text(body), expected);
    let mut rig = Rig::with(Settings { legacy_names: true, ..Settings::default() });
    let scraped = rig.try_scrape(Format::Text100, body).unwrap();
    assert_eq!(rig.describe(&scraped), ["plain{} gauge 2 at 10"]);
    assert_eq!(scraped.refused, [(reasons::BAD_NAME, 1)].into());
}
