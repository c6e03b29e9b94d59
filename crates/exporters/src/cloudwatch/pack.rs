//! From datums to requests: as few as carry them, each within CloudWatch's limits.

use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};

/// Datums in one request (API reference, PutMetricData).
pub const MAX_DATUMS: usize = 1000;
/// Bytes of one request before compression. The service says 1 MB, and not whether before or after gzip: the strictest
/// reading is taken.
pub const MAX_BYTES: usize = 1_000_000;

/// A datum and what it stands for.
#[derive(Clone, Debug)]
pub struct Datum {
    /// What is sent.
    pub metric: MetricDatum,
    /// How many points it was made of.
    pub points: u64,
    /// Its size on the wire, in bytes.
    pub wire: usize,
}

impl Datum {
    /// Measures `metric`.
    pub fn new(metric: MetricDatum, points: u64) -> Self {
        let wire = datum_bytes(&metric);
        Self { metric, points, wire }
    }

    /// The memory it takes, in bytes; strings and lists are counted at their length.
    pub fn memory(&self) -> u64 {
        let datum = &self.metric;
        let dimension = |d: &Dimension| size_of::<Dimension>() + text_len(d.name()) + text_len(d.value());
        let strings = text_len(datum.metric_name()) + datum.dimensions().iter().map(dimension).sum::<usize>();
        let numbers = (datum.values().len() + datum.counts().len()) * size_of::<f64>();
        (size_of::<Self>() + strings + numbers) as u64
    }
}

fn text_len(text: Option<&str>) -> usize {
    text.map_or(0, str::len)
}

/// The size of a request's body beside its datums: the map, `Namespace`, and the head of `MetricData`.
pub fn overhead_bytes(namespace: &str, datums: usize) -> usize {
    INDEFINITE_MAP + field("Namespace") + text(namespace) + field("MetricData") + head(datums)
}

/// The size of a datum in RPC v2 CBOR, exactly as the SDK writes it: maps of indefinite length, doubles always of nine
/// bytes, integers and lengths as short as they go (RFC 8949, section 3).
pub fn datum_bytes(datum: &MetricDatum) -> usize {
    const DOUBLE: usize = 9;
    /// Tag 1 and a double.
    const TIMESTAMP: usize = 1 + DOUBLE;
    let list = |name: &str, numbers: &Option<Vec<f64>>| {
        numbers.as_ref().map_or(0, |list| field(name) + head(list.len()) + list.len() * DOUBLE)
    };
    let named_text = |name: &str, value: Option<&str>| value.map_or(0, |value| field(name) + text(value));
    let dimension =
        |d: &Dimension| INDEFINITE_MAP + named_text("Name", d.name()) + named_text("Value", d.value());
    let dimensions = datum
        .dimensions
        .as_ref()
        .map_or(0, |list| field("Dimensions") + head(list.len()) + list.iter().map(dimension).sum::<usize>());
    let statistics = datum.statistic_values.as_ref().map_or(0, |set| {
        let fields = [
            ("SampleCount", set.sample_count),
            ("Sum", set.sum),
            ("Minimum", set.minimum),
            ("Maximum", set.maximum),
        ];
        let present = fields.iter().filter(|(_, value)| value.is_some());
        field("StatisticValues")
            + INDEFINITE_MAP
            + present.map(|(name, _)| field(name) + DOUBLE).sum::<usize>()
    });
    INDEFINITE_MAP
        + named_text("MetricName", datum.metric_name())
        + dimensions
        + datum.timestamp.map_or(0, |_| field("Timestamp") + TIMESTAMP)
        + datum.value.map_or(0, |_| field("Value") + DOUBLE)
        + statistics
        + list("Values", &datum.values)
        + list("Counts", &datum.counts)
        + named_text("Unit", datum.unit.as_ref().map(aws_sdk_cloudwatch::types::StandardUnit::as_str))
        + datum
            .storage_resolution
            .map_or(0, |seconds| field("StorageResolution") + head(seconds.unsigned_abs() as usize))
}

/// A map's first byte and its break.
const INDEFINITE_MAP: usize = 2;

fn field(name: &str) -> usize {
    text(name)
}

fn text(text: &str) -> usize {
    head(text.len()) + text.len()
}

/// A type with a length, or an integer.
fn head(length: usize) -> usize {
    match length {
        0..=23 => 1,
        24..=0xff => 2,
        0x100..=0xffff => 3,
        0x1_0000..=0xffff_ffff => 5,
        _ => 9,
    }
}

/// Deals the datums into as few requests as hold them.
///
/// Large and small datums are mixed, so that neither the thousand nor the megabyte is full while the other is half
/// empty: they are dealt by size, back and forth over the least number of requests that could do; should one of these
/// overflow, over one more. Within a request datums keep their order, which compresses better.
pub fn pack(datums: Vec<Datum>, namespace: &str) -> Vec<Vec<Datum>> {
    let room = MAX_BYTES.saturating_sub(overhead_bytes(namespace, MAX_DATUMS)).max(1);
    let mut by_size: Vec<usize> = (0..datums.len()).collect();
    by_size.sort_by_key(|at| std::cmp::Reverse(datums[*at].wire));
    let total: usize = datums.iter().map(|datum| datum.wire).sum();
    let least = datums.len().div_ceil(MAX_DATUMS).max(total.div_ceil(room));
    let place = (least..=datums.len()).find_map(|requests| deal(&datums, &by_size, requests, room));
    // One datum alone is at most 42 kB, so that as many requests as datums always do.
    let place = place.unwrap_or_else(|| (0..datums.len()).collect());
    let requests = place.iter().max().map_or(0, |last| last + 1);
    let mut packed: Vec<Vec<Datum>> = Vec::new();
    packed.resize_with(requests, Vec::new);
    for (datum, request) in datums.into_iter().zip(place) {
        packed[request].push(datum);
    }
    packed
}

/// Which of `requests` each datum goes to; nothing when one of them overflows.
fn deal(datums: &[Datum], by_size: &[usize], requests: usize, room: usize) -> Option<Vec<usize>> {
    let mut bytes = vec![0; requests];
    let mut count = vec![0; requests];
    let mut place = vec![0; datums.len()];
    for (turn, at) in by_size.iter().enumerate() {
        let (round, seat) = (turn / requests, turn % requests);
        let request = if round % 2 == 0 { seat } else { requests - 1 - seat };
        bytes[request] += datums[*at].wire;
        count[request] += 1;
        if bytes[request] > room || count[request] > MAX_DATUMS {
            return None;
        }
        place[*at] = request;
    }
    Some(place)
}

#[cfg(test)]
pub(super) mod tests;
