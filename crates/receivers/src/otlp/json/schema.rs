//! The messages of OTLP metrics as tables: what a field is called in JSON, and how it is written in protobuf
//! (opentelemetry/proto: collector/metrics/v1, metrics/v1, resource/v1, common/v1).

/// A message: its fields.
#[derive(Debug)]
pub(super) struct Message(pub(super) &'static [Field]);

/// A field of a message.
#[derive(Debug)]
pub(super) struct Field {
    /// Its name in lowerCamelCase, the only one that OTLP's JSON has.
    pub(super) name: &'static str,
    /// Its number in protobuf.
    pub(super) number: u32,
    pub(super) kind: Kind,
    pub(super) repeated: bool,
}

/// What a field holds.
#[derive(Debug)]
pub(super) enum Kind {
    Message(&'static Message),
    /// A text.
    Text,
    /// Bytes, in base64.
    Bytes,
    /// The id of a trace or a span: bytes, in hexadecimal digits (where OTLP leaves protobuf's mapping).
    Id,
    Bool,
    /// `double`.
    Double,
    /// `fixed64`.
    Fixed,
    /// `sfixed64`.
    SignedFixed,
    /// `int32`, `int64` and enums.
    Int,
    /// `uint32` and `uint64`.
    Unsigned,
    /// `sint32`.
    ZigZag,
}

use Kind::{Bool, Bytes, Double, Fixed, Id, Int, SignedFixed, Text, Unsigned, ZigZag};

const fn one(name: &'static str, number: u32, kind: Kind) -> Field {
    Field { name, number, kind, repeated: false }
}

const fn many(name: &'static str, number: u32, kind: Kind) -> Field {
    Field { name, number, kind, repeated: true }
}

pub(super) static REQUEST: Message = Message(&[many("resourceMetrics", 1, Kind::Message(&RESOURCE_METRICS))]);

static RESOURCE_METRICS: Message = Message(&[
    one("resource", 1, Kind::Message(&RESOURCE)),
    many("scopeMetrics", 2, Kind::Message(&SCOPE_METRICS)),
    one("schemaUrl", 3, Text),
]);

static RESOURCE: Message = Message(&[
    many("attributes", 1, Kind::Message(&KEY_VALUE)),
    one("droppedAttributesCount", 2, Unsigned),
    many("entityRefs", 3, Kind::Message(&ENTITY_REF)),
]);

static ENTITY_REF: Message = Message(&[
    one("schemaUrl", 1, Text),
    one("type", 2, Text),
    many("idKeys", 3, Text),
    many("descriptionKeys", 4, Text),
]);

static SCOPE_METRICS: Message = Message(&[
    one("scope", 1, Kind::Message(&SCOPE)),
    many("metrics", 2, Kind::Message(&METRIC)),
    one("schemaUrl", 3, Text),
]);

static SCOPE: Message = Message(&[
    one("name", 1, Text),
    one("version", 2, Text),
    many("attributes", 3, Kind::Message(&KEY_VALUE)),
    one("droppedAttributesCount", 4, Unsigned),
]);

static METRIC: Message = Message(&[
    one("name", 1, Text),
    one("description", 2, Text),
    one("unit", 3, Text),
    one("gauge", 5, Kind::Message(&GAUGE)),
    one("sum", 7, Kind::Message(&SUM)),
    one("histogram", 9, Kind::Message(&HISTOGRAM)),
    one("exponentialHistogram", 10, Kind::Message(&EXPONENTIAL_HISTOGRAM)),
    one("summary", 11, Kind::Message(&SUMMARY)),
    many("metadata", 12, Kind::Message(&KEY_VALUE)),
]);

static GAUGE: Message = Message(&[many("dataPoints", 1, Kind::Message(&NUMBER_POINT))]);

static SUM: Message = Message(&[
    many("dataPoints", 1, Kind::Message(&NUMBER_POINT)),
    one("aggregationTemporality", 2, Int),
    one("isMonotonic", 3, Bool),
]);

static HISTOGRAM: Message =
    Message(&[many("dataPoints", 1, Kind::Message(&HISTOGRAM_POINT)), one("aggregationTemporality", 2, Int)]);

static EXPONENTIAL_HISTOGRAM: Message = Message(&[
    many("dataPoints", 1, Kind::Message(&EXPONENTIAL_POINT)),
    one("aggregationTemporality", 2, Int),
]);

static SUMMARY: Message = Message(&[many("dataPoints", 1, Kind::Message(&SUMMARY_POINT))]);

static NUMBER_POINT: Message = Message(&[
    many("attributes", 7, Kind::Message(&KEY_VALUE)),
    one("startTimeUnixNano", 2, Fixed),
    one("timeUnixNano", 3, Fixed),
    one("asDouble", 4, Double),
    one("asInt", 6, SignedFixed),
    many("exemplars", 5, Kind::Message(&EXEMPLAR)),
    one("flags", 8, Unsigned),
]);

static HISTOGRAM_POINT: Message = Message(&[
    many("attributes", 9, Kind::Message(&KEY_VALUE)),
    one("startTimeUnixNano", 2, Fixed),
    one("timeUnixNano", 3, Fixed),
    one("count", 4, Fixed),
    one("sum", 5, Double),
    many("bucketCounts", 6, Fixed),
    many("explicitBounds", 7, Double),
    many("exemplars", 8, Kind::Message(&EXEMPLAR)),
    one("flags", 10, Unsigned),
    one("min", 11, Double),
    one("max", 12, Double),
]);

static EXPONENTIAL_POINT: Message = Message(&[
    many("attributes", 1, Kind::Message(&KEY_VALUE)),
    one("startTimeUnixNano", 2, Fixed),
    one("timeUnixNano", 3, Fixed),
    one("count", 4, Fixed),
    one("sum", 5, Double),
    one("scale", 6, ZigZag),
    one("zeroCount", 7, Fixed),
    one("positive", 8, Kind::Message(&BUCKETS)),
    one("negative", 9, Kind::Message(&BUCKETS)),
    one("flags", 10, Unsigned),
    many("exemplars", 11, Kind::Message(&EXEMPLAR)),
    one("min", 12, Double),
    one("max", 13, Double),
    one("zeroThreshold", 14, Double),
]);

static BUCKETS: Message = Message(&[one("offset", 1, ZigZag), many("bucketCounts", 2, Unsigned)]);

static SUMMARY_POINT: Message = Message(&[
    many("attributes", 7, Kind::Message(&KEY_VALUE)),
    one("startTimeUnixNano", 2, Fixed),
    one("timeUnixNano", 3, Fixed),
    one("count", 4, Fixed),
    one("sum", 5, Double),
    many("quantileValues", 6, Kind::Message(&QUANTILE)),
    one("flags", 8, Unsigned),
]);

static QUANTILE: Message = Message(&[one("quantile", 1, Double), one("value", 2, Double)]);

static EXEMPLAR: Message = Message(&[
    many("filteredAttributes", 7, Kind::Message(&KEY_VALUE)),
    one("timeUnixNano", 2, Fixed),
    one("asDouble", 3, Double),
    one("asInt", 6, SignedFixed),
    one("spanId", 4, Id),
    one("traceId", 5, Id),
]);

static KEY_VALUE: Message =
    Message(&[one("key", 1, Text), one("value", 2, Kind::Message(&ANY_VALUE)), one("keyStrindex", 3, Int)]);

static ANY_VALUE: Message = Message(&[
    one("stringValue", 1, Text),
    one("boolValue", 2, Bool),
    one("intValue", 3, Int),
    one("doubleValue", 4, Double),
    one("arrayValue", 5, Kind::Message(&ARRAY)),
    one("kvlistValue", 6, Kind::Message(&KEY_VALUE_LIST)),
    one("bytesValue", 7, Bytes),
    one("stringValueStrindex", 8, Int),
]);

static ARRAY: Message = Message(&[many("values", 1, Kind::Message(&ANY_VALUE))]);

static KEY_VALUE_LIST: Message = Message(&[many("values", 1, Kind::Message(&KEY_VALUE))]);
