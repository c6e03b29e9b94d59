//! OTLP's JSON in all the ways that protobuf's mapping lets a sender write it: fields in any order, numbers as texts and texts as
//! escapes, what is not there as nothing, as null or as its default, names that nobody knows in between.
//!
//! It goes by the generated types, and shares nothing with the tables that [`json`](crate::otlp::json) reads by.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use opentelemetry_proto::tonic::{
    common::v1::{EntityRef, any_value::Value as Any},
    metrics::v1::{
        Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, SummaryDataPoint, exemplar,
        exponential_histogram_data_point::Buckets, summary_data_point::ValueAtQuantile,
    },
};

use super::{rewriting::Chance, *};

/// JSON that is not laid out yet.
enum Json {
    /// A number or a word.
    Plain(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
}

use Json::{Array, Object, Plain, Text};

/// A request as some sender might write it.
pub(super) fn written(request: &ExportMetricsServiceRequest, chance: &mut Chance) -> String {
    let mut writer = Writer { chance, out: String::new() };
    let mut fields = Fields::default();
    let all = writer.all(&request.resource_metrics, Writer::resource_metrics);
    writer.list(&mut fields, "resourceMetrics", all);
    writer.lay_out(Object(fields.0));
    writer.out
}

struct Writer<'c> {
    chance: &'c mut Chance,
    out: String,
}

#[derive(Default)]
struct Fields(Vec<(&'static str, Json)>);

/// The messages.
impl Writer<'_> {
    fn all<T>(&mut self, list: &[T], mut each: impl FnMut(&mut Self, &T) -> Json) -> Vec<Json> {
        list.iter().map(|one| each(self, one)).collect()
    }

    fn resource_metrics(&mut self, of: &ResourceMetrics) -> Json {
        let mut fields = Fields::default();
        let resource = of.resource.as_ref().map(|resource| {
            let mut fields = Fields::default();
            self.attributes(&mut fields, "attributes", &resource.attributes);
            self.unsigned(&mut fields, "droppedAttributesCount", resource.dropped_attributes_count.into());
            let entities = self.all(&resource.entity_refs, Self::entity);
            self.list(&mut fields, "entityRefs", entities);
            Object(fields.0)
        });
        self.maybe(&mut fields, "resource", resource);
        let scopes = self.all(&of.scope_metrics, Self::scope_metrics);
        self.list(&mut fields, "scopeMetrics", scopes);
        self.text(&mut fields, "schemaUrl", &of.schema_url);
        Object(fields.0)
    }

    fn entity(&mut self, of: &EntityRef) -> Json {
        let mut fields = Fields::default();
        self.text(&mut fields, "schemaUrl", &of.schema_url);
        self.text(&mut fields, "type", &of.r#type);
        let texts = |keys: &[String]| keys.iter().cloned().map(Text).collect();
        self.list(&mut fields, "idKeys", texts(&of.id_keys));
        self.list(&mut fields, "descriptionKeys", texts(&of.description_keys));
        Object(fields.0)
    }

    fn scope_metrics(&mut self, of: &ScopeMetrics) -> Json {
        let mut fields = Fields::default();
        let scope = of.scope.as_ref().map(|scope| {
            let mut fields = Fields::default();
            self.text(&mut fields, "name", &scope.name);
            self.text(&mut fields, "version", &scope.version);
            self.attributes(&mut fields, "attributes", &scope.attributes);
            self.unsigned(&mut fields, "droppedAttributesCount", scope.dropped_attributes_count.into());
            Object(fields.0)
        });
        self.maybe(&mut fields, "scope", scope);
        let metrics = self.all(&of.metrics, Self::metric);
        self.list(&mut fields, "metrics", metrics);
        self.text(&mut fields, "schemaUrl", &of.schema_url);
        Object(fields.0)
    }

    fn metric(&mut self, of: &Metric) -> Json {
        let mut fields = Fields::default();
        self.text(&mut fields, "name", &of.name);
        self.text(&mut fields, "description", &of.description);
        self.text(&mut fields, "unit", &of.unit);
        self.attributes(&mut fields, "metadata", &of.metadata);
        let Some(data) = &of.data else { return Object(fields.0) };
        let mut inner = Fields::default();
        let (name, points, temporality) = match data {
            Data::Gauge(data) => ("gauge", self.all(&data.data_points, Self::number), None),
            Data::Sum(data) => {
                self.field(
                    &mut inner,
                    "isMonotonic",
                    Plain(data.is_monotonic.to_string()),
                    !data.is_monotonic,
                );
                ("sum", self.all(&data.data_points, Self::number), Some(data.aggregation_temporality))
            }
            Data::Histogram(data) => {
                let points = self.all(&data.data_points, Self::histogram);
                ("histogram", points, Some(data.aggregation_temporality))
            }
            Data::ExponentialHistogram(data) => {
                let points = self.all(&data.data_points, Self::exponential);
                ("exponentialHistogram", points, Some(data.aggregation_temporality))
            }
            Data::Summary(data) => ("summary", self.all(&data.data_points, Self::summary), None),
        };
        self.list(&mut inner, "dataPoints", points);
        if let Some(temporality) = temporality {
            self.signed(&mut inner, "aggregationTemporality", temporality.into());
        }
        fields.0.push((name, Object(inner.0)));
        Object(fields.0)
    }

    fn number(&mut self, of: &NumberDataPoint) -> Json {
        let mut fields = self.of_point(&of.attributes, of.start_time_unix_nano, of.time_unix_nano, of.flags);
        let exemplars = self.all(&of.exemplars, Self::exemplar);
        self.list(&mut fields, "exemplars", exemplars);
        match of.value {
            None => {}
            Some(number_data_point::Value::AsInt(int)) => fields.0.push(("asInt", self.integer(int.into()))),
            Some(number_data_point::Value::AsDouble(double)) => {
                fields.0.push(("asDouble", self.floating(double)));
            }
        }
        Object(fields.0)
    }

    fn histogram(&mut self, of: &HistogramDataPoint) -> Json {
        let mut fields = self.of_point(&of.attributes, of.start_time_unix_nano, of.time_unix_nano, of.flags);
        let exemplars = self.all(&of.exemplars, Self::exemplar);
        self.list(&mut fields, "exemplars", exemplars);
        self.unsigned(&mut fields, "count", of.count);
        let counts = self.all(&of.bucket_counts, |this, count| this.integer((*count).into()));
        self.list(&mut fields, "bucketCounts", counts);
        let bounds = self.all(&of.explicit_bounds, |this, bound| this.floating(*bound));
        self.list(&mut fields, "explicitBounds", bounds);
        self.optional(&mut fields, [("sum", of.sum), ("min", of.min), ("max", of.max)]);
        Object(fields.0)
    }

    fn exponential(&mut self, of: &ExponentialHistogramDataPoint) -> Json {
        let mut fields = self.of_point(&of.attributes, of.start_time_unix_nano, of.time_unix_nano, of.flags);
        let exemplars = self.all(&of.exemplars, Self::exemplar);
        self.list(&mut fields, "exemplars", exemplars);
        self.unsigned(&mut fields, "count", of.count);
        self.unsigned(&mut fields, "zeroCount", of.zero_count);
        self.signed(&mut fields, "scale", of.scale.into());
        self.double(&mut fields, "zeroThreshold", of.zero_threshold);
        for (name, side) in [("positive", &of.positive), ("negative", &of.negative)] {
            let side = side.as_ref().map(|side| self.buckets(side));
            self.maybe(&mut fields, name, side);
        }
        self.optional(&mut fields, [("sum", of.sum), ("min", of.min), ("max", of.max)]);
        Object(fields.0)
    }

    fn buckets(&mut self, of: &Buckets) -> Json {
        let mut fields = Fields::default();
        self.signed(&mut fields, "offset", of.offset.into());
        let counts = self.all(&of.bucket_counts, |this, count| this.integer((*count).into()));
        self.list(&mut fields, "bucketCounts", counts);
        Object(fields.0)
    }

    fn summary(&mut self, of: &SummaryDataPoint) -> Json {
        let mut fields = self.of_point(&of.attributes, of.start_time_unix_nano, of.time_unix_nano, of.flags);
        self.unsigned(&mut fields, "count", of.count);
        self.double(&mut fields, "sum", of.sum);
        let quantiles = self.all(&of.quantile_values, |this, of: &ValueAtQuantile| {
            let mut fields = Fields::default();
            this.double(&mut fields, "quantile", of.quantile);
            this.double(&mut fields, "value", of.value);
            Object(fields.0)
        });
        self.list(&mut fields, "quantileValues", quantiles);
        Object(fields.0)
    }

    fn of_point(&mut self, attributes: &[KeyValue], start: u64, time: u64, flags: u32) -> Fields {
        let mut fields = Fields::default();
        self.attributes(&mut fields, "attributes", attributes);
        self.unsigned(&mut fields, "startTimeUnixNano", start);
        self.unsigned(&mut fields, "timeUnixNano", time);
        self.unsigned(&mut fields, "flags", flags.into());
        fields
    }

    fn exemplar(&mut self, of: &Exemplar) -> Json {
        let mut fields = Fields::default();
        self.attributes(&mut fields, "filteredAttributes", &of.filtered_attributes);
        self.unsigned(&mut fields, "timeUnixNano", of.time_unix_nano);
        for (name, id) in [("spanId", &of.span_id), ("traceId", &of.trace_id)] {
            let upper = self.once_in(2);
            let digit = |byte: &u8| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") };
            self.field(&mut fields, name, Text(id.iter().map(digit).collect()), id.is_empty());
        }
        match of.value {
            None => {}
            Some(exemplar::Value::AsInt(int)) => fields.0.push(("asInt", self.integer(int.into()))),
            Some(exemplar::Value::AsDouble(double)) => fields.0.push(("asDouble", self.floating(double))),
        }
        Object(fields.0)
    }

    fn attributes(&mut self, to: &mut Fields, name: &'static str, of: &[KeyValue]) {
        let attributes = self.all(of, Self::attribute);
        self.list(to, name, attributes);
    }

    fn attribute(&mut self, of: &KeyValue) -> Json {
        let mut fields = Fields::default();
        self.text(&mut fields, "key", &of.key);
        self.signed(&mut fields, "keyStrindex", of.key_strindex.into());
        let value = of.value.as_ref().map(|value| self.value(value));
        self.maybe(&mut fields, "value", value);
        Object(fields.0)
    }

    fn value(&mut self, of: &AnyValue) -> Json {
        let Some(value) = &of.value else { return Object(Vec::new()) };
        let mut inner = Fields::default();
        Object(vec![match value {
            Any::StringValue(text) => ("stringValue", Text(text.clone())),
            Any::BoolValue(truth) => ("boolValue", Plain(truth.to_string())),
            Any::IntValue(int) => ("intValue", self.integer((*int).into())),
            Any::DoubleValue(double) => ("doubleValue", self.floating(*double)),
            Any::BytesValue(bytes) => ("bytesValue", self.base64(bytes)),
            Any::StringValueStrindex(at) => ("stringValueStrindex", self.integer((*at).into())),
            Any::ArrayValue(array) => {
                let values = self.all(&array.values, Self::value);
                self.list(&mut inner, "values", values);
                ("arrayValue", Object(inner.0))
            }
            Any::KvlistValue(map) => {
                self.attributes(&mut inner, "values", &map.values);
                ("kvlistValue", Object(inner.0))
            }
        }])
    }
}

/// The ways to write a field.
impl Writer<'_> {
    fn once_in(&mut self, times: usize) -> bool {
        self.chance.below(times) == 0
    }

    /// A field whose default is as good as null, and as nothing.
    fn field(&mut self, to: &mut Fields, name: &'static str, value: Json, is_default: bool) {
        match self.chance.below(3) {
            0 if is_default => {}
            1 if is_default => to.0.push((name, Plain("null".to_owned()))),
            _ => to.0.push((name, value)),
        }
    }

    /// A message, whose being there says something.
    fn maybe(&mut self, to: &mut Fields, name: &'static str, value: Option<Json>) {
        let is_none = value.is_none();
        if !is_none || self.once_in(2) {
            to.0.push((name, value.unwrap_or(Plain("null".to_owned()))));
        }
    }

    fn optional(&mut self, to: &mut Fields, all: [(&'static str, Option<f64>); 3]) {
        for (name, value) in all {
            let value = value.map(|value| self.floating(value));
            self.maybe(to, name, value);
        }
    }

    fn list(&mut self, to: &mut Fields, name: &'static str, list: Vec<Json>) {
        let is_empty = list.is_empty();
        self.field(to, name, Array(list), is_empty);
    }

    fn text(&mut self, to: &mut Fields, name: &'static str, text: &str) {
        self.field(to, name, Text(text.to_owned()), text.is_empty());
    }

    fn unsigned(&mut self, to: &mut Fields, name: &'static str, int: u64) {
        let value = self.integer(int.into());
        self.field(to, name, value, int == 0);
    }

    fn signed(&mut self, to: &mut Fields, name: &'static str, int: i64) {
        let value = self.integer(int.into());
        self.field(to, name, value, int == 0);
    }

    fn double(&mut self, to: &mut Fields, name: &'static str, double: f64) {
        let value = self.floating(double);
        self.field(to, name, value, double == 0.0);
    }

    fn integer(&mut self, int: i128) -> Json {
        match self.chance.below(4) {
            0 => Text(int.to_string()),
            1 if int.unsigned_abs() < 1 << 53 => self.plain_or_text(format!("{int}.0")),
            2 if int != 0 && int.unsigned_abs() < 1 << 50 => self.plain_or_text(format!("{int}0e-1")),
            _ => Plain(int.to_string()),
        }
    }

    fn plain_or_text(&mut self, number: String) -> Json {
        if self.once_in(2) { Text(number) } else { Plain(number) }
    }

    fn base64(&mut self, bytes: &[u8]) -> Json {
        let engines = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD];
        Text(engines[self.chance.below(engines.len())].encode(bytes))
    }

    fn floating(&mut self, double: f64) -> Json {
        let word = match double {
            _ if double.is_nan() => "NaN".to_owned(),
            f64::INFINITY => "Infinity".to_owned(),
            f64::NEG_INFINITY => "-Infinity".to_owned(),
            // The shortest text that is this number and no other.
            _ => format!("{double:?}"),
        };
        if double.is_finite() && !self.once_in(3) { Plain(word) } else { Text(word) }
    }
}

/// The layout.
impl Writer<'_> {
    fn lay_out(&mut self, json: Json) {
        self.blank();
        match json {
            Plain(word) => self.out.push_str(&word),
            Text(text) => self.quoted(&text),
            Array(list) => {
                self.out.push('[');
                for (at, one) in list.into_iter().enumerate() {
                    self.comma(at);
                    self.lay_out(one);
                }
                self.out.push(']');
            }
            Object(mut fields) => {
                if self.once_in(10) {
                    let deep =
                        Array(vec![Object(vec![("x", Plain("1e99".to_owned()))]), Plain("null".to_owned())]);
                    fields.push(("addedLater", deep));
                }
                for at in 1..fields.len() {
                    fields.swap(at, self.chance.below(at + 1));
                }
                self.out.push('{');
                for (at, (name, value)) in fields.into_iter().enumerate() {
                    self.comma(at);
                    self.blank();
                    self.quoted(name);
                    self.blank();
                    self.out.push(':');
                    self.lay_out(value);
                }
                self.out.push('}');
            }
        }
        self.blank();
    }

    fn comma(&mut self, at: usize) {
        if at > 0 {
            self.out.push(',');
        }
    }

    fn blank(&mut self) {
        if self.once_in(8) {
            self.out.push([' ', '\n', '\t', '\r'][self.chance.below(4)]);
        }
    }

    fn quoted(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            let must = c < ' ' || matches!(c, '"' | '\\');
            if must || self.once_in(20) {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    self.out.push_str(&format!("\\u{unit:04x}"));
                }
            } else {
                self.out.push(c);
            }
        }
        self.out.push('"');
    }
}
