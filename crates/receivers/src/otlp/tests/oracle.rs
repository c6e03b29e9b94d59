//! What a request must become, read off prost's tree. It shares nothing with the walk: it looks things up where the walk
//! compares bytes, and compares with what came out, field by field.

use std::collections::{BTreeMap, BTreeSet};

use opentelemetry_proto::tonic::{
    common::v1::any_value::Value as Any,
    metrics::v1::{
        ExponentialHistogramDataPoint, HistogramDataPoint, SummaryDataPoint,
        exponential_histogram_data_point::Buckets,
    },
};
use weir_core::{
    Attributes, Batch, ExponentialHistogramPoint, Flags, HistogramPoint, Kind, Number, NumberPoint, Reason,
    SummaryPoint, Temporality, Value,
};

use super::*;
use crate::otlp::{MAX_DEPTH, refusals::*};

/// Compares what came out of a request with its tree.
pub(super) fn compare(message: &ExportMetricsServiceRequest, decoded: &Decoded, door: &Door) {
    let batches = &decoded.batches;
    let mut expected = Expected {
        door,
        points: 0,
        exemplars: 0,
        refused: BTreeMap::new(),
        numbers: Box::new(batches.iter().flat_map(|batch| batch.numbers.iter())),
        histograms: Box::new(
            batches.iter().flat_map(|batch| batch.histograms.iter().map(move |p| (batch, p))),
        ),
        exponential: Box::new(
            batches.iter().flat_map(|batch| batch.exponential_histograms.iter().map(move |p| (batch, p))),
        ),
        summaries: Box::new(batches.iter().flat_map(|batch| batch.summaries.iter().map(move |p| (batch, p)))),
    };
    for resource in &message.resource_metrics {
        for scope in &resource.scope_metrics {
            for metric in &scope.metrics {
                expected.metric(&At { resource, scope, metric });
            }
        }
    }
    assert!(expected.numbers.next().is_none() && expected.histograms.next().is_none());
    assert!(expected.exponential.next().is_none() && expected.summaries.next().is_none());
    assert_eq!((decoded.points, decoded.exemplars), (expected.points, expected.exemplars));
    for (reason, points) in &expected.refused {
        assert_eq!(decoded.refused.of(*reason), *points, "{reason}");
    }
    assert_eq!(decoded.refused.points(), expected.refused.values().sum::<u64>(), "{}", decoded.refused);
}

/// What is still expected.
struct Expected<'a> {
    door: &'a Door,
    points: u64,
    exemplars: u64,
    refused: BTreeMap<Reason, u64>,
    numbers: Box<dyn Iterator<Item = &'a NumberPoint> + 'a>,
    histograms: Box<dyn Iterator<Item = (&'a Batch, &'a HistogramPoint)> + 'a>,
    exponential: Box<dyn Iterator<Item = (&'a Batch, &'a ExponentialHistogramPoint)> + 'a>,
    summaries: Box<dyn Iterator<Item = (&'a Batch, &'a SummaryPoint)> + 'a>,
}

struct At<'m> {
    resource: &'m ResourceMetrics,
    scope: &'m ScopeMetrics,
    metric: &'m Metric,
}

impl Expected<'_> {
    fn metric(&mut self, at: &At<'_>) {
        match &at.metric.data {
            None => {}
            Some(Data::Gauge(gauge)) => {
                gauge.data_points.iter().for_each(|point| self.number(at, (Kind::Gauge, 0, false), point));
            }
            Some(Data::Sum(sum)) => {
                let shape = (Kind::Sum, sum.aggregation_temporality, sum.is_monotonic);
                sum.data_points.iter().for_each(|point| self.number(at, shape, point));
            }
            Some(Data::Histogram(data)) => {
                let shape = (Kind::Histogram, data.aggregation_temporality, false);
                data.data_points.iter().for_each(|point| self.histogram(at, shape, point));
            }
            Some(Data::ExponentialHistogram(data)) => {
                let shape = (Kind::ExponentialHistogram, data.aggregation_temporality, false);
                data.data_points.iter().for_each(|point| self.exponential(at, shape, point));
            }
            Some(Data::Summary(data)) => {
                data.data_points.iter().for_each(|point| self.summary(at, (Kind::Summary, 0, false), point));
            }
        }
    }

    /// Counts a point; whether it must have been taken.
    fn takes(&mut self, at: &At<'_>, shape: Shape, point: &Common<'_>) -> bool {
        self.points += 1;
        self.exemplars += point.exemplars as u64;
        match reason(at, shape, point) {
            Some(reason) => *self.refused.entry(reason).or_default() += 1,
            None => return true,
        }
        false
    }

    fn number(&mut self, at: &At<'_>, shape: Shape, point: &NumberDataPoint) {
        let nothing = point.flags & 1 == 1;
        let common = Common {
            attributes: &point.attributes,
            time: point.time_unix_nano,
            exemplars: point.exemplars.len(),
            unusable: (point.value.is_none() && !nothing).then_some(NO_VALUE),
        };
        if !self.takes(at, shape, &common) {
            return;
        }
        let found = self.numbers.next().expect("a number");
        let value = match (point.value, found.value()) {
            (Some(number_data_point::Value::AsInt(sent)), Number::Int(found)) => sent == found,
            (Some(number_data_point::Value::AsDouble(sent)), Number::Double(found)) => same(sent, found),
            (None, Number::Double(found)) => same(found, 0.0),
            _ => false,
        };
        assert!(value, "{point:?} is {found:?}");
        assert_eq!(found.flags.has(Flags::NO_RECORDED_VALUE), nothing);
        assert_eq!((found.start.0, found.time.0), (point.start_time_unix_nano, point.time_unix_nano));
        assert_series(&series(self.door, found.series), at, shape, &point.attributes);
    }

    fn histogram(&mut self, at: &At<'_>, shape: Shape, point: &HistogramDataPoint) {
        let (counts, bounds) = (&point.bucket_counts, &point.explicit_bounds);
        let empty = counts.is_empty() && bounds.is_empty();
        let fits = empty || counts.len() == bounds.len() + 1;
        let rising = bounds.iter().zip(bounds.iter().skip(1)).all(|(low, high)| low < high);
        let good = fits && rising && bounds.iter().all(|bound| !bound.is_nan());
        let common = Common {
            attributes: &point.attributes,
            time: point.time_unix_nano,
            exemplars: point.exemplars.len(),
            unusable: (!good).then_some(BAD_HISTOGRAM),
        };
        if !self.takes(at, shape, &common) {
            return;
        }
        let (batch, found) = self.histograms.next().expect("a histogram");
        assert_eq!(batch.counts(found.counts), point.bucket_counts);
        assert!(batch.bounds(found.bounds).iter().copied().eq(bounds.iter().copied()));
        assert_eq!(found.count, point.count);
        assert_eq!((found.start.0, found.time.0), (point.start_time_unix_nano, point.time_unix_nano));
        let optional = [(point.sum, found.sum), (point.min, found.min), (point.max, found.max)];
        assert_optional(found.flags, optional, point.flags);
        assert_series(&series(self.door, found.series), at, shape, &point.attributes);
    }

    fn exponential(&mut self, at: &At<'_>, shape: Shape, point: &ExponentialHistogramDataPoint) {
        let none = Buckets::default();
        let [positive, negative] =
            [&point.positive, &point.negative].map(|side| side.as_ref().unwrap_or(&none));
        let good = [positive, negative]
            .iter()
            .all(|side| i64::from(side.offset) + side.bucket_counts.len() as i64 <= i64::from(i32::MAX));
        let common = Common {
            attributes: &point.attributes,
            time: point.time_unix_nano,
            exemplars: point.exemplars.len(),
            unusable: (!good).then_some(BAD_HISTOGRAM),
        };
        if !self.takes(at, shape, &common) {
            return;
        }
        let (batch, found) = self.exponential.next().expect("an exponential histogram");
        assert_eq!(batch.counts(found.positive), positive.bucket_counts);
        assert_eq!(batch.counts(found.negative), negative.bucket_counts);
        assert_eq!((found.positive_offset, found.negative_offset), (positive.offset, negative.offset));
        assert_eq!(
            (found.count, found.zero_count, found.scale),
            (point.count, point.zero_count, point.scale)
        );
        assert!(same(found.zero_threshold, point.zero_threshold));
        assert_eq!((found.start.0, found.time.0), (point.start_time_unix_nano, point.time_unix_nano));
        let optional = [(point.sum, found.sum), (point.min, found.min), (point.max, found.max)];
        assert_optional(found.flags, optional, point.flags);
        assert_series(&series(self.door, found.series), at, shape, &point.attributes);
    }

    fn summary(&mut self, at: &At<'_>, shape: Shape, point: &SummaryDataPoint) {
        let common = Common {
            attributes: &point.attributes,
            time: point.time_unix_nano,
            exemplars: 0,
            unusable: None,
        };
        if !self.takes(at, shape, &common) {
            return;
        }
        let (batch, found) = self.summaries.next().expect("a summary");
        let pairs = batch.bounds(found.quantiles).chunks(2);
        assert_eq!(pairs.len(), point.quantile_values.len());
        assert!(
            pairs
                .zip(&point.quantile_values)
                .all(|(found, sent)| { same(found[0], sent.quantile) && same(found[1], sent.value) })
        );
        assert!(found.flags.has(Flags::SUM) && same(found.sum, point.sum));
        assert_eq!(found.flags.has(Flags::NO_RECORDED_VALUE), point.flags & 1 == 1);
        assert_eq!(found.count, point.count);
        assert_eq!((found.start.0, found.time.0), (point.start_time_unix_nano, point.time_unix_nano));
        assert_series(&series(self.door, found.series), at, shape, &point.attributes);
    }
}

/// Kind, temporality as it was sent, and whether it only grows.
type Shape = (Kind, i32, bool);

/// What decides on a point of any kind.
struct Common<'m> {
    attributes: &'m [KeyValue],
    time: u64,
    exemplars: usize,
    unusable: Option<Reason>,
}

/// Why a point is refused, if so: what is around it comes first.
fn reason(at: &At<'_>, (kind, temporality, _): Shape, point: &Common<'_>) -> Option<Reason> {
    let timeless = matches!(kind, Kind::Gauge | Kind::Summary);
    let resource = at.resource.resource.as_ref().map(|resource| &*resource.attributes).unwrap_or_default();
    let scope = at.scope.scope.as_ref().map(|scope| &*scope.attributes).unwrap_or_default();
    fault(resource)
        .or_else(|| fault(scope))
        .or((!timeless && !matches!(temporality, 1 | 2)).then_some(UNSPECIFIED_TEMPORALITY))
        .or(at.metric.name.is_empty().then_some(NO_NAME))
        .or((point.time == 0).then_some(BAD_TIMESTAMP))
        .or(point.unusable)
        .or_else(|| fault(point.attributes))
}

/// Why attributes cannot be an identity, if so.
fn fault(attributes: &[KeyValue]) -> Option<Reason> {
    let faults: BTreeSet<Reason> = attributes.iter().flat_map(|kv| faults_of(kv, 0)).collect();
    [TOO_DEEP, UNSUPPORTED_ATTRIBUTE].into_iter().find(|reason| faults.contains(reason))
}

fn faults_of(attribute: &KeyValue, depth: usize) -> BTreeSet<Reason> {
    let mut faults = attribute.value.as_ref().map(|value| faults_in(value, depth)).unwrap_or_default();
    if attribute.key_strindex != 0 {
        faults.insert(UNSUPPORTED_ATTRIBUTE);
    }
    faults
}

fn faults_in(value: &AnyValue, depth: usize) -> BTreeSet<Reason> {
    match &value.value {
        Some(Any::ArrayValue(_) | Any::KvlistValue(_)) if depth == MAX_DEPTH => [TOO_DEEP].into(),
        Some(Any::ArrayValue(list)) => {
            list.values.iter().flat_map(|item| faults_in(item, depth + 1)).collect()
        }
        Some(Any::KvlistValue(map)) => {
            map.values.iter().flat_map(|item| faults_of(item, depth + 1)).collect()
        }
        Some(Any::StringValueStrindex(_)) => [UNSUPPORTED_ATTRIBUTE].into(),
        _ => BTreeSet::new(),
    }
}

fn assert_series(
    series: &Series,
    at: &At<'_>,
    (kind, temporality, monotonic): Shape,
    attributes: &[KeyValue],
) {
    let (resource, scope, descriptor) = (series.resource(), series.scope(), series.descriptor());
    let sent = at.resource.resource.as_ref().map(|resource| &*resource.attributes).unwrap_or_default();
    assert_attributes(&resource.attributes, sent);
    assert_eq!(&*resource.schema_url, at.resource.schema_url);
    let none = InstrumentationScope::default();
    let sent = at.scope.scope.as_ref().unwrap_or(&none);
    assert_eq!((&*scope.name, &*scope.version), (&*sent.name, &*sent.version));
    assert_attributes(&scope.attributes, &sent.attributes);
    assert_eq!(&*scope.schema_url, at.scope.schema_url);
    assert_eq!((&*descriptor.name, &*descriptor.unit), (&*at.metric.name, &*at.metric.unit));
    let temporality = match temporality {
        1 => Temporality::Delta,
        2 => Temporality::Cumulative,
        _ => Temporality::Unspecified,
    };
    let found = (descriptor.kind, descriptor.temporality, descriptor.monotonic);
    assert_eq!(found, (kind, temporality, monotonic));
    assert_attributes(series.attributes(), attributes);
}

/// As a set, in which the last of a key counts.
fn assert_attributes(found: &Attributes, sent: &[KeyValue]) {
    assert!(found.iter().is_sorted_by(|a, b| a.key < b.key));
    assert!(is_map(found.len(), |key| found.get(key), sent), "{sent:?} is {found:?}");
}

fn is_map<'f>(len: usize, get: impl Fn(&str) -> Option<&'f Value>, sent: &[KeyValue]) -> bool {
    let last: BTreeMap<&str, &KeyValue> = sent.iter().map(|kv| (&*kv.key, kv)).collect();
    len == last.len()
        && last.iter().all(|(key, kv)| get(key).is_some_and(|found| is_value(found, kv.value.as_ref())))
}

fn is_value(found: &Value, sent: Option<&AnyValue>) -> bool {
    match (found, sent.and_then(|sent| sent.value.as_ref())) {
        (Value::Empty, None) => true,
        (Value::Str(found), Some(Any::StringValue(sent))) => **found == **sent,
        (Value::Bool(found), Some(Any::BoolValue(sent))) => found == sent,
        (Value::Int(found), Some(Any::IntValue(sent))) => found == sent,
        (Value::Double(found), Some(Any::DoubleValue(sent))) => same(*found, *sent),
        (Value::Bytes(found), Some(Any::BytesValue(sent))) => **found == **sent,
        (Value::Array(found), Some(Any::ArrayValue(sent))) => {
            found.len() == sent.values.len()
                && found.iter().zip(&sent.values).all(|(found, sent)| is_value(found, Some(sent)))
        }
        (Value::Map(found), Some(Any::KvlistValue(sent))) => {
            let get = |key: &str| found.iter().find(|kv| &*kv.key == key).map(|kv| &kv.value);
            is_map(found.len(), get, &sent.values)
        }
        _ => false,
    }
}

/// Sum, minimum and maximum, each as it was sent or not at all.
fn assert_optional(found: Flags, optional: [(Option<f64>, f64); 3], sent: u32) {
    for (flag, (sent, value)) in [Flags::SUM, Flags::MIN, Flags::MAX].into_iter().zip(optional) {
        assert_eq!(found.has(flag), sent.is_some());
        assert!(same(value, sent.unwrap_or(0.0)));
    }
    assert_eq!(found.has(Flags::NO_RECORDED_VALUE), sent & 1 == 1);
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits()
}
