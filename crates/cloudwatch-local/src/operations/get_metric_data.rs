//! GetMetricData: one statistic each of many metrics.
//!
//! Queries are by `MetricStat`; metric math and Metrics Insights are refused. Where a query names no unit, data of all
//! units is merged.

use std::collections::{BTreeMap, HashSet};

use ciborium::Value;

use crate::{
    decode::{Mismatch, Object, structure, timestamp},
    error::{ApiError, Findings},
    model::{MetricId, Unit},
    operations::{
        Output,
        query::{self, RawMetric, Span},
    },
    rules::{self, RawDimension},
    statistic::Statistic,
    store::{Aggregate, Store},
};

const MAX_QUERIES: usize = 500;
/// What one answer holds at most, and by default.
const MAX_DATAPOINTS: usize = 100_800;

/// Answers with the values of each query, newest first unless asked otherwise.
pub(super) fn run(store: &Store, now_ms: i64, input: &mut Object) -> Result<Output, ApiError> {
    let mut findings = Findings::default();
    let span = query::span(input.time_ms("StartTime")?, input.time_ms("EndTime")?, &mut findings);
    let scan = input.text("ScanBy")?.unwrap_or_else(|| "TimestampDescending".to_owned());
    let ascending = match scan.as_str() {
        "TimestampAscending" => Some(true),
        "TimestampDescending" => Some(false),
        _ => None,
    };
    let scans = ["TimestampDescending", "TimestampAscending"];
    let ascending = rules::one_of(&scans, "ScanBy", ascending, &mut findings);
    let page_size = page_size(input.integer("MaxDatapoints")?, &mut findings);
    let raw = input.objects("MetricDataQueries", RawQuery::decode)?.unwrap_or_default();
    let queries = validate_all(raw, &mut findings);
    findings.into_validation_result()?;
    let page_start = match input.text("NextToken")? {
        Some(token) => parse_token(&token).ok_or(ApiError::InvalidNextToken)?,
        None => 0,
    };
    // Every part is there when nothing was found; this is how the compiler knows.
    let (Some(span), Some(ascending), Some(page_size), Some(queries)) = (span, ascending, page_size, queries)
    else {
        return Err(ApiError::Validation("incomplete request".to_owned()));
    };

    let page = page_start..page_start.saturating_add(page_size);
    let mut seen = 0;
    let mut results = Vec::new();
    for query in queries.into_iter().filter(|query| query.returns_data) {
        let mut points = query.points(store, span, now_ms);
        if !ascending {
            points.reverse();
        }
        let all = seen..seen + points.len();
        seen = all.end;
        let on_page = page.start.clamp(all.start, all.end)..page.end.clamp(all.start, all.end);
        let is_complete = on_page.end == all.end;
        let points = &points[on_page.start - all.start..on_page.end - all.start];
        results.push(query.result(points, is_complete));
    }
    let mut members = vec![
        ("MetricDataResults".into(), Value::Array(results)),
        ("Messages".into(), Value::Array(Vec::new())),
    ];
    if seen > page.end {
        members.push(("NextToken".into(), token(page.end).into()));
    }
    Ok(Output::document(Value::Map(members)))
}

/// A query as the request had it.
struct RawQuery {
    id: Option<String>,
    stat: Option<RawStat>,
    expression: Option<String>,
    label: Option<String>,
    returns_data: Option<bool>,
    period: Option<i32>,
}

struct RawStat {
    metric: Option<RawMetric>,
    period: Option<i32>,
    stat: Option<String>,
    unit: Option<String>,
}

struct Query {
    id: String,
    label: String,
    returns_data: bool,
    metric: MetricId,
    period_s: i64,
    statistic: Statistic,
    unit: Option<Unit>,
}

impl RawQuery {
    fn decode(object: &mut Object) -> Result<Self, Mismatch> {
        let metric = |object: &mut Object| {
            Ok(RawMetric {
                namespace: object.text("Namespace")?,
                name: object.text("MetricName")?,
                dimensions: object.objects("Dimensions", RawDimension::decode)?,
            })
        };
        let stat = |object: &mut Object| {
            Ok(RawStat {
                metric: object.object("Metric", metric)?,
                period: object.integer("Period")?,
                stat: object.text("Stat")?,
                unit: object.text("Unit")?,
            })
        };
        Ok(Self {
            id: object.text("Id")?,
            stat: object.object("MetricStat", stat)?,
            expression: object.text("Expression")?,
            label: object.text("Label")?,
            returns_data: object.boolean("ReturnData")?,
            period: object.integer("Period")?,
        })
    }

    fn validate(self, place: &str, findings: &mut Findings) -> Option<Query> {
        let id = id(self.id, place, findings);
        if self.expression.is_some() {
            findings.invalid(format!(
                "The parameter {place}.Expression is not supported: this local CloudWatch has no metric math and no \
                 Metrics Insights."
            ));
            return None;
        }
        let Some(stat) = self.stat else {
            findings.missing(format_args!("{place}.MetricStat"));
            return None;
        };
        if self.period.is_some() {
            findings.invalid(format!(
                "The parameters {place}.Period and {place}.MetricStat are mutually exclusive and you have specified \
                 both."
            ));
        }

        let place = format!("{place}.MetricStat");
        if stat.metric.is_none() {
            findings.missing(format_args!("{place}.Metric"));
        }
        let metric = stat.metric.and_then(|metric| metric.validate(&format!("{place}.Metric."), findings));
        let period_s = query::period(stat.period, &format!("{place}.Period"), findings);
        let statistic = statistic(stat.stat, &place, findings);
        let unit = match stat.unit {
            Some(unit) => Some(rules::unit(&unit, format_args!("{place}.Unit"), findings)?),
            None => None,
        };
        let metric = metric?;
        Some(Query {
            id: id?,
            label: self.label.unwrap_or_else(|| metric.name.clone()),
            returns_data: self.returns_data.unwrap_or(true),
            metric,
            period_s: period_s?,
            statistic: statistic?,
            unit,
        })
    }
}

impl Query {
    /// The values by the start of their period, ascending; a period without the statistic is left out.
    fn points(&self, store: &Store, span: Span, now_ms: i64) -> Vec<(i64, f64)> {
        let mut merged: BTreeMap<i64, Aggregate> = BTreeMap::new();
        for ((start_s, _), aggregate) in
            store.periods(&self.metric, self.unit, span.range(self.period_s, now_ms))
        {
            merged.entry(start_s).or_insert_with(Aggregate::empty).merge(&aggregate);
        }
        merged
            .iter()
            .filter_map(|(start_s, aggregate)| Some((*start_s, self.statistic.of(aggregate)?)))
            .collect()
    }

    fn result(self, points: &[(i64, f64)], is_complete: bool) -> Value {
        structure([
            ("Id", self.id.into()),
            ("Label", self.label.into()),
            ("Timestamps", points.iter().map(|(start_s, _)| timestamp(*start_s)).collect::<Vec<_>>().into()),
            ("Values", points.iter().map(|(_, value)| Value::Float(*value)).collect::<Vec<_>>().into()),
            ("StatusCode", if is_complete { "Complete" } else { "PartialData" }.into()),
        ])
    }
}

fn validate_all(raw: Vec<RawQuery>, findings: &mut Findings) -> Option<Vec<Query>> {
    if raw.is_empty() {
        findings.missing("MetricDataQueries");
    }
    let raw = rules::at_most(MAX_QUERIES, raw, "MetricDataQueries", findings)?;
    let queries: Vec<Query> = (1..)
        .zip(raw)
        .filter_map(|(n, raw)| raw.validate(&format!("MetricDataQueries.member.{n}"), findings))
        .collect();
    let mut ids = HashSet::new();
    if !queries.iter().all(|query| ids.insert(query.id.as_str())) {
        findings.invalid("The values for parameter id in MetricDataQueries are not unique.".to_owned());
    }
    Some(queries)
}

/// A lower-case letter, then letters, digits and underscores.
fn id(id: Option<String>, place: &str, findings: &mut Findings) -> Option<String> {
    let Some(id) = id.filter(|id| !id.is_empty()) else {
        findings.missing(format_args!("{place}.Id"));
        return None;
    };
    let is_valid = id.len() <= 255
        && id.starts_with(|first: char| first.is_ascii_lowercase())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_valid {
        findings.invalid(format!(
            "The value for parameter {place}.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
        ));
    }
    is_valid.then_some(id)
}

fn statistic(name: Option<String>, place: &str, findings: &mut Findings) -> Option<Statistic> {
    let Some(name) = name else {
        findings.missing(format_args!("{place}.Stat"));
        return None;
    };
    let parsed = Statistic::parse(&name);
    if parsed.is_none() {
        findings.invalid(format!("The value for parameter {place}.Stat is not a valid statistic."));
    }
    parsed
}

fn page_size(datapoints: Option<i32>, findings: &mut Findings) -> Option<usize> {
    let asked = datapoints.map_or(Some(MAX_DATAPOINTS), |asked| usize::try_from(asked).ok());
    let page_size = asked.filter(|asked| (1..=MAX_DATAPOINTS).contains(asked));
    if page_size.is_none() {
        findings.invalid(format!("The parameter MaxDatapoints must be from 1 to {MAX_DATAPOINTS}."));
    }
    page_size
}

/// A token is the number of datapoints before its page, counted over all queries. Like the service's, it goes with
/// the same request.
fn token(datapoints: usize) -> String {
    format!("datapoints-{datapoints}")
}

fn parse_token(token: &str) -> Option<usize> {
    token.strip_prefix("datapoints-")?.parse().ok()
}
