//! The exporter `prometheus`: its page is read by the official Python client's parsers, and by another Weir, which shows the same.

use std::net::SocketAddr;

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    metrics::v1::{
        AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
        ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, metric::Data,
        number_data_point::Value, summary_data_point::ValueAtQuantile,
    },
    resource::v1::Resource,
};
use serde_json::{Value as Json, json};

use crate::{
    harness::{SECOND, Weir, address, now, page, text, until},
    interop::{PYTHON, answer, peer},
};

const EXPORTER: &str = "prometheus: { endpoint: 'localhost:0', without_scope_info: true }";

/// A counter, gauges, a histogram, a summary; labels that must be escaped, and values that are no numbers.
fn everything() -> ExportMetricsServiceRequest {
    let time = now();
    let number = |key: &str, value: &str, number: f64| NumberDataPoint {
        attributes: vec![text(key, value.to_owned())],
        start_time_unix_nano: time - SECOND,
        time_unix_nano: time,
        value: Some(Value::AsDouble(number)),
        ..NumberDataPoint::default()
    };
    let cumulative = AggregationTemporality::Cumulative.into();
    let orders = Sum {
        data_points: vec![number("route", "/a\"b\\c\nd", 12.0), number("route", "größe", 0.5)],
        aggregation_temporality: cumulative,
        is_monotonic: true,
    };
    let queue = Gauge { data_points: vec![number("le", "mine", 2.5)] };
    let strange = [("nan", f64::NAN), ("up", f64::INFINITY), ("down", f64::NEG_INFINITY), ("tiny", 1e-300)];
    let strange = Gauge { data_points: strange.map(|(which, value)| number("which", which, value)).into() };
    let latency = HistogramDataPoint {
        attributes: vec![text("le", "mine".to_owned())],
        start_time_unix_nano: time - SECOND,
        time_unix_nano: time,
        count: 6,
        sum: Some(4.5),
        explicit_bounds: vec![0.25, 1.0],
        bucket_counts: vec![1, 2, 3],
        ..HistogramDataPoint::default()
    };
    let latency = Histogram { data_points: vec![latency], aggregation_temporality: cumulative };
    let quantiles =
        [(0.5, 1.5), (0.99, f64::NAN)].map(|(quantile, value)| ValueAtQuantile { quantile, value });
    let rpc = SummaryDataPoint {
        start_time_unix_nano: time - SECOND,
        time_unix_nano: time,
        count: 3,
        sum: 4.0,
        quantile_values: quantiles.into(),
        ..SummaryDataPoint::default()
    };
    let rpc = Summary { data_points: vec![rpc] };
    let metric = |name: &str, unit: &str, data| Metric {
        name: name.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    };
    let metrics = vec![
        metric("orders", "{order}", Data::Sum(orders)),
        metric("queue.size", "By", Data::Gauge(queue)),
        metric("strange", "", Data::Gauge(strange)),
        metric("latency", "s", Data::Histogram(latency)),
        metric("rpc", "", Data::Summary(rpc)),
    ];
    let of_resource = [("service.name", "shop"), ("service.instance.id", "i-1"), ("cloud.region", "eu")];
    let attributes = of_resource.map(|(key, value)| text(key, value.to_owned())).into();
    let resource = Some(Resource { attributes, ..Resource::default() });
    let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
    let resource_metrics = vec![ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() }];
    ExportMetricsServiceRequest { resource_metrics }
}

/// A Weir that was sent everything and shows it, and where.
async fn shown() -> (Weir, SocketAddr) {
    let config = format!(
        "receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 'localhost:0' }} }} }} }}
exporters: {{ {EXPORTER} }}
service: {{ pipelines: {{ metrics: {{ receivers: [otlp], exporters: [prometheus] }} }} }}
"
    );
    let weir = Weir::start(&config, &[]).await;
    let at = page_of(&weir).await;
    weir.sender().await.send(everything()).await;
    until("everything on the page", || page(at, "/metrics").1.contains("\ntarget_info{").then_some(())).await;
    (weir, at)
}

async fn page_of(weir: &Weir) -> SocketAddr {
    weir.program.stderr.wait_for("a page", |line| address(line, "prometheus listening on ")).await
}

/// What every reader must find, by family: its type, its unit in OpenMetrics, and its samples beside `job` and `instance`.
fn expected(is_openmetrics: bool) -> Json {
    let sample = |name: &str, labels: Json, value: &str| {
        let mut labels = labels;
        labels["job"] = json!("shop");
        labels["instance"] = json!("i-1");
        json!([name, labels, value])
    };
    let unit = |unit| if is_openmetrics { unit } else { "" };
    let latency = |suffix: &str, labels: Json, value| {
        let mut labels = labels;
        labels["exported_le"] = json!("mine");
        sample(&format!("latency_seconds_{suffix}"), labels, value)
    };
    // Prometheus's format has no type for facts, and calls the family as its sample.
    let (info, of_info) = if is_openmetrics { ("target", "info") } else { ("target_info", "gauge") };
    json!({
        "orders": { "type": "counter", "unit": "", "samples": [
            sample("orders_total", json!({ "route": "/a\"b\\c\nd" }), "12.0"),
            sample("orders_total", json!({ "route": "größe" }), "0.5"),
        ] },
        "queue_size_bytes": { "type": "gauge", "unit": unit("bytes"), "samples": [
            sample("queue_size_bytes", json!({ "le": "mine" }), "2.5"),
        ] },
        "strange": { "type": "gauge", "unit": "", "samples": [
            sample("strange", json!({ "which": "down" }), "-inf"),
            sample("strange", json!({ "which": "nan" }), "nan"),
            sample("strange", json!({ "which": "tiny" }), "1e-300"),
            sample("strange", json!({ "which": "up" }), "inf"),
        ] },
        "latency_seconds": { "type": "histogram", "unit": unit("seconds"), "samples": [
            latency("bucket", json!({ "le": "0.25" }), "1.0"),
            latency("bucket", json!({ "le": "1.0" }), "3.0"),
            latency("bucket", json!({ "le": "+Inf" }), "6.0"),
            latency("sum", json!({}), "4.5"),
            latency("count", json!({}), "6.0"),
        ] },
        "rpc": { "type": "summary", "unit": "", "samples": [
            sample("rpc", json!({ "quantile": "0.5" }), "1.5"),
            sample("rpc", json!({ "quantile": "0.99" }), "nan"),
            sample("rpc_sum", json!({}), "4.0"),
            sample("rpc_count", json!({}), "3.0"),
        ] },
        info: { "type": of_info, "unit": "", "samples": [
            sample("target_info", json!({ "cloud_region": "eu" }), "1.0"),
        ] },
    })
}

#[tokio::test]
async fn the_page_is_read_by_the_parsers_of_the_official_python_client() {
    let Some(python) = peer(PYTHON, "prometheus_client reads the page of the exporter prometheus") else {
        return;
    };
    let (weir, at) = shown().await;
    let url = format!("http://{at}/metrics");
    for (format, content_type) in [
        ("text", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"),
        ("openmetrics", "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"),
    ] {
        let read = answer(&python, &["tests/interop/page.py", &url, format]).await;
        assert_eq!(read["content_type"].as_str().unwrap().replace(' ', ""), content_type.replace(' ', ""));
        let (found, expected) = (&read["families"], expected(format == "openmetrics"));
        for (name, family) in expected.as_object().unwrap() {
            assert_eq!(found[name], *family, "{format}: {name}");
        }
        assert_eq!(
            found.as_object().unwrap().len(),
            expected.as_object().unwrap().len(),
            "{format}: {found}"
        );
    }
    weir.drain().await;
}

#[tokio::test]
async fn a_weir_that_scrapes_a_weir_shows_the_same() {
    let (first, at) = shown().await;
    let config = format!(
        "receivers:
  prometheus: {{ scrape_configs: [{{ job_name: weirs, scrape_interval: 500ms, honor_labels: true, static_configs: [{{ targets: ['{at}'] }}] }}] }}
exporters: {{ {EXPORTER} }}
service: {{ pipelines: {{ metrics: {{ receivers: [prometheus], exporters: [prometheus] }} }} }}
"
    );
    let second = Weir::start(&config, &[]).await;
    let at_second = page_of(&second).await;
    let lines = |at| -> Vec<String> {
        let is_of_shop = |line: &&str| line.contains("job=\"shop\"") || line.starts_with("# TYPE");
        // What the first says of its resources is about somebody else than the target, and left alone.
        let is_about_scrapes = |line: &str| {
            ["up", "scrape_", "target_info"]
                .iter()
                .any(|name| line.trim_start_matches("# TYPE ").starts_with(name))
        };
        let body = page(at, "/metrics").1;
        body.lines().filter(is_of_shop).filter(|line| !is_about_scrapes(line)).map(str::to_owned).collect()
    };
    // Types, and samples of each metric.
    let expected = lines(at);
    assert_eq!(expected.len(), 5 + 2 + 1 + 4 + 5 + 4);
    let shown =
        until("a scrape", || Some(lines(at_second)).filter(|lines| lines.len() == expected.len())).await;
    assert_eq!(shown, expected);
    first.drain().await;
    second.drain().await;
}
