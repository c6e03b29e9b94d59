//! How much memory prost's tree of a request would take: known before it is built.
//!
//! A point of two bytes on the wire is one of a hundred and more in the tree. So a request that goes by the tree is counted first.

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, EntityRef, KeyValue},
    metrics::v1::{
        Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint,
        ResourceMetrics, ScopeMetrics, SummaryDataPoint, summary_data_point::ValueAtQuantile,
    },
};

use super::walk::{Fields, Odd};

/// As deep as prost decodes messages.
const MAX_NESTING: usize = 100;
/// What a list takes first has room for as many.
const FIRST_ROOM: usize = 4;

/// A message: its size in its parent's list, and what of it takes memory of its own, by field.
struct Message(usize, &'static [(u32, Part)]);

enum Part {
    /// A message in its parent's memory.
    Within(&'static Message),
    /// Messages in a list.
    List(&'static Message),
    /// Text, bytes, or numbers that take as much on the wire.
    Text,
    /// Texts in a list.
    Texts,
    /// Packed varints of eight bytes each.
    Varints,
}

use Part::{List, Text, Texts, Varints, Within};

static REQUEST: Message = Message(0, &[(1, List(&RESOURCE_METRICS))]);
static RESOURCE_METRICS: Message =
    Message(size_of::<ResourceMetrics>(), &[(1, Within(&RESOURCE)), (2, List(&SCOPE_METRICS)), (3, Text)]);
static RESOURCE: Message = Message(0, &[(1, List(&KEY_VALUE)), (3, List(&ENTITY))]);
static ENTITY: Message = Message(size_of::<EntityRef>(), &[(1, Text), (2, Text), (3, Texts), (4, Texts)]);
static SCOPE_METRICS: Message =
    Message(size_of::<ScopeMetrics>(), &[(1, Within(&SCOPE)), (2, List(&METRIC)), (3, Text)]);
static SCOPE: Message = Message(0, &[(1, Text), (2, Text), (3, List(&KEY_VALUE))]);
static METRIC: Message = Message(
    size_of::<Metric>(),
    &[
        (1, Text),
        (2, Text),
        (3, Text),
        (5, Within(&NUMBERS)),
        (7, Within(&NUMBERS)),
        (9, Within(&HISTOGRAMS)),
        (10, Within(&EXPONENTIAL_HISTOGRAMS)),
        (11, Within(&SUMMARIES)),
        (12, List(&KEY_VALUE)),
    ],
);
static NUMBERS: Message = Message(0, &[(1, List(&NUMBER))]);
static HISTOGRAMS: Message = Message(0, &[(1, List(&HISTOGRAM))]);
static EXPONENTIAL_HISTOGRAMS: Message = Message(0, &[(1, List(&EXPONENTIAL_HISTOGRAM))]);
static SUMMARIES: Message = Message(0, &[(1, List(&SUMMARY))]);
static NUMBER: Message =
    Message(size_of::<NumberDataPoint>(), &[(5, List(&EXEMPLAR)), (7, List(&KEY_VALUE))]);
static HISTOGRAM: Message = Message(
    size_of::<HistogramDataPoint>(),
    &[(6, Text), (7, Text), (8, List(&EXEMPLAR)), (9, List(&KEY_VALUE))],
);
static EXPONENTIAL_HISTOGRAM: Message = Message(
    size_of::<ExponentialHistogramDataPoint>(),
    &[(1, List(&KEY_VALUE)), (8, Within(&BUCKETS)), (9, Within(&BUCKETS)), (11, List(&EXEMPLAR))],
);
static BUCKETS: Message = Message(0, &[(2, Varints)]);
static SUMMARY: Message =
    Message(size_of::<SummaryDataPoint>(), &[(6, List(&QUANTILE)), (7, List(&KEY_VALUE))]);
static QUANTILE: Message = Message(size_of::<ValueAtQuantile>(), &[]);
static EXEMPLAR: Message = Message(size_of::<Exemplar>(), &[(4, Text), (5, Text), (7, List(&KEY_VALUE))]);
static KEY_VALUE: Message = Message(size_of::<KeyValue>(), &[(1, Text), (2, Within(&ANY_VALUE))]);
static ANY_VALUE: Message =
    Message(size_of::<AnyValue>(), &[(1, Text), (5, Within(&ARRAY)), (6, Within(&MAP)), (7, Text)]);
static ARRAY: Message = Message(0, &[(1, List(&ANY_VALUE))]);
static MAP: Message = Message(0, &[(1, List(&KEY_VALUE))]);

/// The memory that prost's tree of `request` takes, in bytes: as far as the request is well-formed, for prost ends there too.
pub(super) fn tree_size(request: &[u8]) -> usize {
    let mut size = 0;
    // Where it ends early, what was counted up to there is the answer.
    _ = count(&REQUEST, request, MAX_NESTING, &mut size);
    size
}

fn count(message: &Message, bytes: &[u8], nesting: usize, size: &mut usize) -> Result<(), Odd> {
    let nesting = nesting.checked_sub(1).ok_or(Odd)?;
    let mut items = [0_usize; MAX_PARTS];
    let mut fields = Fields::new(bytes);
    while let Some(key) = fields.key()? {
        let part = message.1.iter().position(|(field, _)| *field == key >> 3);
        let Some(at) = part.filter(|_| key & 7 == 2) else {
            pass(&mut fields, key)?;
            continue;
        };
        let value = fields.sized()?;
        let (_, part) = &message.1[at];
        let mut list = |item: usize| {
            *size += item * (room(items[at] + 1) - room(items[at]));
            items[at] += 1;
        };
        match part {
            Within(message) => count(message, value, nesting, size)?,
            List(message) => {
                list(message.0);
                count(message, value, nesting, size)?;
            }
            Text => *size += value.len(),
            Texts => {
                list(size_of::<String>());
                *size += value.len();
            }
            Varints => *size += value.len() * size_of::<u64>(),
        }
    }
    Ok(())
}

/// More parts than any message has.
const MAX_PARTS: usize = 12;

/// For how many items a list of as many has room.
fn room(items: usize) -> usize {
    if items == 0 { 0 } else { items.next_power_of_two().max(FIRST_ROOM) }
}

/// Passes over a field, groups too: what follows them counts.
fn pass(fields: &mut Fields<'_>, key: u32) -> Result<(), Odd> {
    const START: u32 = 3;
    const END: u32 = 4;
    let mut open = 0_usize;
    let mut key = key;
    loop {
        match key & 7 {
            START => open += 1,
            END => open = open.checked_sub(1).ok_or(Odd)?,
            _ => fields.pass(key)?,
        }
        if open == 0 {
            return Ok(());
        }
        key = fields.key()?.ok_or(Odd)?;
    }
}
