//! PutMetricData: all of a request is stored, or nothing.
//!
//! Where CloudWatch's behaviour is not documented, this is what was decided:
//!
//! * **Values with StatisticValues** (the CloudWatch Agent sends both) are accepted. Count, sum, minimum and maximum
//!   come from the statistics, percentiles from the values. The two must agree: the counts add up to `SampleCount`,
//!   and no value lies outside `Minimum` … `Maximum`, both within one part in 10⁹. The sums need not agree, since
//!   values may be rounded.
//! * **A count of 0** is accepted and adds nothing; all counts 0 is refused, as a `SampleCount` of 0 is by CloudWatch.
//! * **A value given twice** in `Values` is accepted; its counts add up.
//! * **A namespace that begins with `AWS/`** is refused: the documentation only advises against it, and a test double
//!   should not let it pass.
//! * **Size** is not checked here but at the door (`server::MAX_BODY_BYTES`).

use std::fmt;

use crate::{
    decode::{Mismatch, Object},
    error::{ApiError, Findings},
    model::{Datum, MetricId, Occurrence, Reading, Resolution, StatisticSet, Unit},
    operations::{Output, put_metric_data::entity::Entity},
    rules::{self, RawDimension},
    store::Store,
};

mod entity;

const MAX_DATUMS: usize = 1000;
const MAX_VALUES: usize = 150;
const MAX_AGE_MS: i64 = 14 * 24 * 3_600_000;
const MAX_LEAD_MS: i64 = 2 * 3_600_000;
/// How far, relatively, values and statistics of one datum may disagree: room for rounding, none for a lost sample.
const TOLERANCE: f64 = 1e-9;

/// Checks and stores a request.
pub(super) fn run(store: &Store, now_ms: i64, input: &mut Object) -> Result<Output, ApiError> {
    let request = Request::decode(input)?;
    let entity_failure = request.entity_failure();
    if let (Some(failure), Some(true)) = (entity_failure, request.strict_entities) {
        return Err(ApiError::InvalidParameterValue(format!(
            "The entity of EntityMetricData is invalid: {failure}."
        )));
    }
    let datums = request.validate(now_ms)?;
    let output = Output {
        entity_failure,
        datums: datums.len() as u64,
        samples: datums.iter().map(|datum| datum.reading.sample_count()).sum(),
        ..Output::default()
    };
    store.put(datums);
    Ok(output)
}

struct Request {
    namespace: Option<String>,
    metric_data: Vec<RawDatum>,
    entity_metric_data: Vec<EntityGroup>,
    strict_entities: Option<bool>,
}

struct EntityGroup {
    entity: Option<Entity>,
    metric_data: Vec<RawDatum>,
}

/// A datum as the request had it.
struct RawDatum {
    name: Option<String>,
    dimensions: Option<Vec<RawDimension>>,
    time_ms: Option<i64>,
    value: Option<f64>,
    values: Option<Vec<f64>>,
    counts: Option<Vec<f64>>,
    statistics: Option<RawStatistics>,
    unit: Option<String>,
    resolution: Option<i32>,
}

struct RawStatistics {
    sample_count: Option<f64>,
    sum: Option<f64>,
    minimum: Option<f64>,
    maximum: Option<f64>,
}

/// Where a datum stands in the request, numbered from 1, as CloudWatch's messages name it.
#[derive(Clone, Copy)]
struct Place {
    group: Option<usize>,
    member: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(group) = self.group {
            write!(f, "EntityMetricData.member.{group}.")?;
        }
        write!(f, "MetricData.member.{}", self.member)
    }
}

impl Request {
    fn decode(input: &mut Object) -> Result<Self, Mismatch> {
        let group = |object: &mut Object| {
            Ok(EntityGroup {
                entity: object.object("Entity", Entity::decode)?,
                metric_data: object.objects("MetricData", RawDatum::decode)?.unwrap_or_default(),
            })
        };
        Ok(Self {
            namespace: input.text("Namespace")?,
            metric_data: input.objects("MetricData", RawDatum::decode)?.unwrap_or_default(),
            entity_metric_data: input.objects("EntityMetricData", group)?.unwrap_or_default(),
            strict_entities: input.boolean("StrictEntityValidation")?,
        })
    }

    /// The verdict on the entities, in the words of `X-Amzn-Failure-Message`.
    fn entity_failure(&self) -> Option<&'static str> {
        if self.entity_metric_data.len() > entity::MAX_ENTITIES {
            return Some(entity::TOO_MANY);
        }
        self.entity_metric_data.iter().find_map(|group| entity::failure(group.entity.as_ref()))
    }

    fn validate(self, now_ms: i64) -> Result<Vec<Datum>, ApiError> {
        let mut findings = Findings::default();
        let namespace = rules::namespace(self.namespace, "Namespace", &mut findings);
        if let Some(reserved) = namespace.as_ref().filter(|namespace| namespace.starts_with("AWS/")) {
            findings.invalid(format!("The value {reserved} for parameter Namespace is invalid."));
        }
        if !self.entity_metric_data.is_empty() && self.strict_entities.is_none() {
            findings.missing("StrictEntityValidation");
        }

        let in_groups = self.entity_metric_data.iter().map(|group| group.metric_data.len()).sum::<usize>();
        let count = self.metric_data.len() + in_groups;
        if count == 0 {
            findings.missing("MetricData");
        }
        if count > MAX_DATUMS {
            // No datum is looked at.
            return Err(ApiError::InvalidParameterValue(format!(
                "The collection MetricData must not have a size greater than {MAX_DATUMS}."
            )));
        }

        let plain = (1..).zip(self.metric_data).map(|(member, datum)| (Place { group: None, member }, datum));
        let grouped = (1..).zip(self.entity_metric_data).flat_map(|(group, content)| {
            let place = move |(member, datum)| (Place { group: Some(group), member }, datum);
            (1..).zip(content.metric_data).map(place)
        });
        let datums = plain
            .chain(grouped)
            .filter_map(|(place, datum)| {
                datum.validate(namespace.as_deref().unwrap_or(""), place, now_ms, &mut findings)
            })
            .collect();
        findings.into_result()?;
        Ok(datums)
    }
}

impl RawDatum {
    fn decode(object: &mut Object) -> Result<Self, Mismatch> {
        Ok(Self {
            name: object.text("MetricName")?,
            dimensions: object.objects("Dimensions", RawDimension::decode)?,
            time_ms: object.time_ms("Timestamp")?,
            value: object.number("Value")?,
            values: object.numbers("Values")?,
            counts: object.numbers("Counts")?,
            statistics: object.object("StatisticValues", RawStatistics::decode)?,
            unit: object.text("Unit")?,
            resolution: object.integer("StorageResolution")?,
        })
    }

    fn validate(self, namespace: &str, place: Place, now_ms: i64, findings: &mut Findings) -> Option<Datum> {
        let name = rules::metric_name(self.name, format_args!("{place}.MetricName"), findings);
        let dimensions = rules::dimensions(self.dimensions, format_args!("{place}.Dimensions"), findings);
        let time_ms = time(self.time_ms, now_ms, place, findings);
        let unit = self
            .unit
            .map_or(Some(Unit::NONE), |unit| rules::unit(&unit, format_args!("{place}.Unit"), findings));
        let resolution = resolution(self.resolution, place, findings);
        let reading = reading(self.value, self.values, self.counts, self.statistics, place, findings);
        Some(Datum {
            metric: MetricId::new(namespace, name?, dimensions?),
            time_ms: time_ms?,
            unit: unit?,
            resolution: resolution?,
            reading: reading?,
        })
    }
}

impl RawStatistics {
    fn decode(object: &mut Object) -> Result<Self, Mismatch> {
        Ok(Self {
            sample_count: object.number("SampleCount")?,
            sum: object.number("Sum")?,
            minimum: object.number("Minimum")?,
            maximum: object.number("Maximum")?,
        })
    }

    fn validate(self, place: Place, findings: &mut Findings) -> Option<StatisticSet> {
        let mut field = |value: Option<f64>, name: &str| {
            let path = format_args!("{place}.StatisticValues.{name}");
            let Some(value) = value else {
                findings.missing(path);
                return None;
            };
            rules::number(value, path, findings)
        };
        let maximum = field(self.maximum, "Maximum");
        let minimum = field(self.minimum, "Minimum");
        let sample_count = field(self.sample_count, "SampleCount");
        let sum = field(self.sum, "Sum");
        let set =
            StatisticSet { sample_count: sample_count?, sum: sum?, minimum: minimum?, maximum: maximum? };

        let path = format_args!("{place}.StatisticValues");
        if set.sample_count <= 0.0 {
            findings.invalid(format!("The parameter {path}.SampleCount must be greater than 0."));
            return None;
        }
        if set.maximum < set.minimum {
            findings.invalid(format!("The parameter {path}.Maximum must be greater than {path}.Minimum."));
            return None;
        }
        Some(set)
    }
}

fn time(time_ms: Option<i64>, now_ms: i64, place: Place, findings: &mut Findings) -> Option<i64> {
    let time_ms = time_ms.unwrap_or(now_ms);
    if time_ms < now_ms.saturating_sub(MAX_AGE_MS) {
        findings.invalid(format!(
            "The parameter {place}.Timestamp must specify a time within the past two weeks."
        ));
        return None;
    }
    if time_ms > now_ms.saturating_add(MAX_LEAD_MS) {
        findings.invalid(format!(
            "The parameter {place}.Timestamp must specify a time no more than two hours in the future."
        ));
        return None;
    }
    Some(time_ms)
}

fn resolution(seconds: Option<i32>, place: Place, findings: &mut Findings) -> Option<Resolution> {
    let seconds = seconds.unwrap_or(60);
    let parsed = match seconds {
        1 => Some(Resolution::Second),
        60 => Some(Resolution::Minute),
        _ => None,
    };
    rules::one_of(&["1", "60"], format_args!("{place}.StorageResolution"), parsed, findings)
}

/// The measured part: exactly one of `Value`, `Values` and `StatisticValues`, or the last two together.
fn reading(
    value: Option<f64>,
    values: Option<Vec<f64>>,
    counts: Option<Vec<f64>>,
    statistics: Option<RawStatistics>,
    place: Place,
    findings: &mut Findings,
) -> Option<Reading> {
    let mut exclusive = |one: &str, other: &str| {
        findings.combination(format!(
            "The parameters {place}.{one} and {place}.{other} are mutually exclusive and you have specified both."
        ));
        None
    };
    // An empty list is an absent one, as in the query protocol.
    let values = values.filter(|values| !values.is_empty());
    let counts = counts.filter(|counts| !counts.is_empty());
    match (value, values, statistics) {
        (Some(_), Some(_), _) => exclusive("Value", "Values"),
        (Some(_), None, Some(_)) => exclusive("Value", "StatisticValues"),
        (Some(_), None, None) if counts.is_some() => exclusive("Value", "Counts"),
        (Some(value), None, None) => {
            rules::number(value, format_args!("{place}.Value"), findings).map(Reading::Value)
        }
        (None, Some(values), statistics) => distribution(values, counts, statistics, place, findings),
        (None, None, _) if counts.is_some() => {
            findings.missing(format_args!("{place}.Values"));
            None
        }
        (None, None, Some(statistics)) => statistics.validate(place, findings).map(Reading::Statistics),
        (None, None, None) => {
            findings.combination(format!(
                "At least one of the parameters {place}.Value, {place}.Values and {place}.StatisticValues must be \
                 specified."
            ));
            None
        }
    }
}

fn distribution(
    values: Vec<f64>,
    counts: Option<Vec<f64>>,
    statistics: Option<RawStatistics>,
    place: Place,
    findings: &mut Findings,
) -> Option<Reading> {
    let values = rules::at_most(MAX_VALUES, values, format_args!("{place}.Values"), findings)?;
    let counts = counts.unwrap_or_else(|| vec![1.0; values.len()]);
    if counts.len() != values.len() {
        findings
            .invalid(format!("The parameters {place}.Values and {place}.Counts must be of the same size."));
        return None;
    }
    let length = values.len();
    let occurrences: Vec<Occurrence> = (1..)
        .zip(values.into_iter().zip(counts))
        .filter_map(|(n, (value, count))| {
            let value = rules::number(value, format_args!("{place}.Values.member.{n}"), findings);
            let count = rules::count(count, format_args!("{place}.Counts.member.{n}"), findings);
            Some(Occurrence { value: value?, count: count? })
        })
        .collect();
    let statistics = match statistics {
        Some(raw) => Some(raw.validate(place, findings)?),
        None => None,
    };
    if occurrences.len() < length {
        return None;
    }
    if occurrences.iter().all(|occurrence| occurrence.count == 0.0) {
        findings.invalid(format!("The parameter {place}.Counts must have a sum greater than 0."));
        return None;
    }
    if let Some(disagreement) = statistics.and_then(|set| disagreement(&occurrences, set)) {
        findings.combination(format!(
            "The parameters {place}.Values and {place}.StatisticValues do not agree: {disagreement}."
        ));
        return None;
    }
    Some(Reading::Distribution { values: occurrences, statistics })
}

/// How values and statistics of one datum contradict each other, if they do.
fn disagreement(values: &[Occurrence], set: StatisticSet) -> Option<String> {
    let count: f64 = values.iter().map(|occurrence| occurrence.count).sum();
    if (count - set.sample_count).abs() > TOLERANCE * set.sample_count {
        return Some(format!("the counts add up to {count}, SampleCount is {}", set.sample_count));
    }
    let slack = TOLERANCE * set.minimum.abs().max(set.maximum.abs());
    let outside = values.iter().find(|occurrence| {
        occurrence.count > 0.0
            && (occurrence.value < set.minimum - slack || occurrence.value > set.maximum + slack)
    })?;
    Some(format!("the value {} is not between {} and {}", outside.value, set.minimum, set.maximum))
}
