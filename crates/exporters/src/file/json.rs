//! A batch as one line of OTLP/JSON (OTLP specification, "JSON Protobuf Encoding"): names in lowerCamelCase, 64-bit integers as
//! strings, enumerations as numbers, bytes in base64, NaN and infinities as strings.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value as Json, json};
use weir_core::{
    Attributes, Batch, Descriptor, ExponentialHistogramPoint, Flags, HistogramPoint, Identity, Interner,
    KeyValue, Kind, Number, NumberPoint, Resource, Scope, SeriesId, SummaryPoint, Temporality, UnixNanos,
    Value,
};

/// The batch as `{"resourceMetrics": […]}`, without a newline. Points that follow one another and share resource, scope and metric
/// share the message's parts too.
pub(super) fn line(batch: &Batch, interner: &Interner) -> String {
    let mut lines = Lines { interner, resources: Vec::new(), last: None };
    batch.numbers.iter().for_each(|point| lines.add(point.series, |at| number(point, at)));
    batch.histograms.iter().for_each(|point| lines.add(point.series, |at| histogram(batch, point, at)));
    batch
        .exponential_histograms
        .iter()
        .for_each(|point| lines.add(point.series, |at| exponential(batch, point, at)));
    batch.summaries.iter().for_each(|point| lines.add(point.series, |at| summary(batch, point, at)));
    json!({ "resourceMetrics": lines.resources }).to_string()
}

struct Lines<'a> {
    interner: &'a Interner,
    resources: Vec<Json>,
    /// What the last point belongs to.
    last: Option<Identity>,
}

impl Lines<'_> {
    fn add(&mut self, series: SeriesId, point: impl FnOnce(&Attributes) -> Json) {
        // A batch's lease keeps its series nameable (R1): there is always one.
        let Some(series) = self.interner.resolve(series) else { return };
        let this = series.identity();
        let last = self.last.as_ref();
        let same_resource = last.is_some_and(|last| Arc::ptr_eq(&last.resource, &this.resource));
        let same_scope = same_resource && last.is_some_and(|last| Arc::ptr_eq(&last.scope, &this.scope));
        let same_metric =
            same_scope && last.is_some_and(|last| Arc::ptr_eq(&last.descriptor, &this.descriptor));
        if !same_resource {
            self.resources.push(resource_metrics(&this.resource));
        }
        let resource = self.resources.last_mut().map(|resource| &mut resource["scopeMetrics"]);
        let Some(scopes) = resource.and_then(Json::as_array_mut) else { return };
        if !same_scope {
            scopes.push(scope_metrics(&this.scope));
        }
        let Some(metrics) = scopes.last_mut().and_then(|scope| scope["metrics"].as_array_mut()) else {
            return;
        };
        if !same_metric {
            metrics.push(metric(&this.descriptor));
        }
        let data =
            metrics.last_mut().map(|metric| &mut metric[data_field(this.descriptor.kind)]["dataPoints"]);
        if let Some(points) = data.and_then(Json::as_array_mut) {
            points.push(point(&this.attributes));
        }
        self.last = Some(this.clone());
    }
}

fn resource_metrics(resource: &Resource) -> Json {
    let mut message = json!({
        "resource": { "attributes": attributes(&resource.attributes) },
        "scopeMetrics": [],
    });
    if !resource.schema_url.is_empty() {
        message["schemaUrl"] = json!(&*resource.schema_url);
    }
    message
}

fn scope_metrics(scope: &Scope) -> Json {
    let mut message = json!({
        "scope": { "name": &*scope.name, "version": &*scope.version, "attributes": attributes(&scope.attributes) },
        "metrics": [],
    });
    if !scope.schema_url.is_empty() {
        message["schemaUrl"] = json!(&*scope.schema_url);
    }
    message
}

/// The name of a kind's field in a `Metric`.
fn data_field(kind: Kind) -> &'static str {
    match kind {
        Kind::Gauge => "gauge",
        Kind::Sum => "sum",
        Kind::Histogram => "histogram",
        Kind::ExponentialHistogram => "exponentialHistogram",
        Kind::Summary => "summary",
    }
}

fn metric(descriptor: &Descriptor) -> Json {
    let mut data = json!({ "dataPoints": [] });
    let temporality = match descriptor.temporality {
        Temporality::Unspecified => 0,
        Temporality::Delta => 1,
        Temporality::Cumulative => 2,
    };
    if !matches!(descriptor.kind, Kind::Gauge | Kind::Summary) {
        data["aggregationTemporality"] = json!(temporality);
    }
    if descriptor.kind == Kind::Sum {
        data["isMonotonic"] = json!(descriptor.monotonic);
    }
    json!({ "name": &*descriptor.name, "unit": &*descriptor.unit, data_field(descriptor.kind): data })
}

/// The fields that points of every kind have.
fn common(at: &Attributes, flags: Flags, start: UnixNanos, time: UnixNanos) -> Json {
    let mut point = json!({ "attributes": attributes(at), "timeUnixNano": time.0.to_string() });
    if start != UnixNanos(0) {
        point["startTimeUnixNano"] = json!(start.0.to_string());
    }
    if flags.has(Flags::NO_RECORDED_VALUE) {
        point["flags"] = json!(1); // DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK
    }
    point
}

fn number(point: &NumberPoint, at: &Attributes) -> Json {
    let mut json = common(at, point.flags, point.start, point.time);
    if !point.flags.has(Flags::NO_RECORDED_VALUE) {
        match point.value() {
            Number::Int(value) => json["asInt"] = json!(value.to_string()),
            Number::Double(value) => json["asDouble"] = double(value),
        }
    }
    json
}

fn histogram(batch: &Batch, point: &HistogramPoint, at: &Attributes) -> Json {
    let mut json = common(at, point.flags, point.start, point.time);
    json["count"] = json!(point.count.to_string());
    json["bucketCounts"] = counts(batch.counts(point.counts));
    json["explicitBounds"] = batch.bounds(point.bounds).iter().copied().map(double).collect();
    statistics(&mut json, point.flags, [point.sum, point.min, point.max]);
    json
}

fn exponential(batch: &Batch, point: &ExponentialHistogramPoint, at: &Attributes) -> Json {
    let mut json = common(at, point.flags, point.start, point.time);
    json["count"] = json!(point.count.to_string());
    json["scale"] = json!(point.scale);
    json["zeroCount"] = json!(point.zero_count.to_string());
    json["zeroThreshold"] = double(point.zero_threshold);
    for (field, offset, span) in [
        ("positive", point.positive_offset, point.positive),
        ("negative", point.negative_offset, point.negative),
    ] {
        json[field] = json!({ "offset": offset, "bucketCounts": counts(batch.counts(span)) });
    }
    statistics(&mut json, point.flags, [point.sum, point.min, point.max]);
    json
}

fn summary(batch: &Batch, point: &SummaryPoint, at: &Attributes) -> Json {
    let mut json = common(at, point.flags, point.start, point.time);
    json["count"] = json!(point.count.to_string());
    json["sum"] = double(point.sum);
    let pairs = batch.bounds(point.quantiles).chunks_exact(2);
    json["quantileValues"] =
        pairs.map(|pair| json!({ "quantile": double(pair[0]), "value": double(pair[1]) })).collect();
    json
}

/// Sum, minimum and maximum, where there are such.
fn statistics(json: &mut Json, flags: Flags, values: [f64; 3]) {
    for ((field, flag), value) in
        [("sum", Flags::SUM), ("min", Flags::MIN), ("max", Flags::MAX)].into_iter().zip(values)
    {
        if flags.has(flag) {
            json[field] = double(value);
        }
    }
}

fn counts(counts: &[u64]) -> Json {
    counts.iter().map(u64::to_string).map(Json::from).collect()
}

/// JSON has no word for what is no number.
fn double(value: f64) -> Json {
    if value.is_nan() {
        json!("NaN")
    } else if value.is_infinite() {
        json!(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        json!(value)
    }
}

fn attributes(attributes: &Attributes) -> Json {
    attributes.iter().map(key_value).collect()
}

fn key_value(attribute: &KeyValue) -> Json {
    json!({ "key": &*attribute.key, "value": any_value(&attribute.value) })
}

fn any_value(value: &Value) -> Json {
    let (field, value) = match value {
        Value::Empty => return Json::Object(Map::new()),
        Value::Str(text) => ("stringValue", json!(&**text)),
        Value::Bool(truth) => ("boolValue", json!(truth)),
        Value::Int(int) => ("intValue", json!(int.to_string())),
        Value::Double(value) => ("doubleValue", double(*value)),
        Value::Bytes(bytes) => ("bytesValue", json!(STANDARD.encode(bytes))),
        Value::Array(values) => {
            ("arrayValue", json!({ "values": values.iter().map(any_value).collect::<Vec<_>>() }))
        }
        Value::Map(entries) => {
            ("kvlistValue", json!({ "values": entries.iter().map(key_value).collect::<Vec<_>>() }))
        }
    };
    json!({ field: value })
}
