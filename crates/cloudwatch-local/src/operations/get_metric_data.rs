//! GetMetricData: one statistic each of many metrics.
//!
//! Queries are by `MetricStat`, or by an `Expression` over other queries ([`crate::math`]); Metrics Insights is refused. Where a
//! query names no unit, data of all units is merged.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ciborium::Value;

use crate::{
    decode::{Mismatch, Object, structure, timestamp},
    error::{ApiError, Findings},
    math::{Expression, Values},
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
const MAX_EXPRESSION: usize = 2048;
/// Of an expression over numbers alone, which has no query to take its period from.
const DEFAULT_PERIOD_S: i64 = 60;
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
    let mut evaluated = evaluate(&queries, store, span, now_ms);
    for query in queries.into_iter().filter(|query| query.returns_data) {
        let mut points = evaluated.remove(&query.id).unwrap_or_default();
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
    source: Source,
}

enum Source {
    Metric { metric: MetricId, period_s: i64, statistic: Statistic, unit: Option<Unit> },
    Expression { expression: Expression, period_s: Option<i64> },
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
        let returns_data = self.returns_data.unwrap_or(true);
        if let Some(text) = self.expression {
            if self.stat.is_some() {
                findings.invalid(format!(
                    "The parameters {place}.Expression and {place}.MetricStat are mutually exclusive and you have \
                     specified both."
                ));
            }
            let period_s = match self.period {
                Some(period) => Some(query::period(Some(period), &format!("{place}.Period"), findings)?),
                None => None,
            };
            let (id, expression) = (id?, expression(&text, place, findings)?);
            let label = self.label.unwrap_or_else(|| id.clone());
            return Some(Query {
                id,
                label,
                returns_data,
                source: Source::Expression { expression, period_s },
            });
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
            returns_data,
            source: Source::Metric { metric, period_s: period_s?, statistic: statistic?, unit },
        })
    }
}

impl Query {
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

/// The values of each query by the start of their period, ascending. Expressions come after what they are made of; that
/// there is such an order was checked.
fn evaluate(queries: &[Query], store: &Store, span: Span, now_ms: i64) -> HashMap<String, Vec<(i64, f64)>> {
    let mut values: HashMap<&str, (Values, i64)> = HashMap::new();
    let mut waiting: Vec<&Query> = queries.iter().collect();
    while !waiting.is_empty() {
        let before = waiting.len();
        waiting.retain(|query| {
            let evaluated = match &query.source {
                Source::Metric { metric, period_s, statistic, unit } => {
                    let range = span.range(*period_s, now_ms);
                    let mut merged: BTreeMap<i64, Aggregate> = BTreeMap::new();
                    for ((start_s, _), aggregate) in store.periods(metric, *unit, range) {
                        merged.entry(start_s).or_insert_with(Aggregate::empty).merge(&aggregate);
                    }
                    let with_statistic =
                        merged.iter().filter_map(|(start_s, all)| Some((*start_s, statistic.of(all)?)));
                    Some((Values::Series(with_statistic.collect()), *period_s))
                }
                Source::Expression { expression, period_s } => {
                    let ids = expression.ids();
                    let inputs: Option<Vec<i64>> = ids.iter().map(|id| Some(values.get(*id)?.1)).collect();
                    inputs.map(|periods| {
                        let period_s = period_s.or(periods.into_iter().max()).unwrap_or(DEFAULT_PERIOD_S);
                        let range = span.range(period_s, now_ms);
                        let periods: Vec<i64> = (range.start_s..range.end_s)
                            .step_by(period_s as usize)
                            .take(MAX_DATAPOINTS)
                            .collect();
                        let of = |id: &str| {
                            values.get(id).map_or(Values::Scalar(0.0), |(values, _)| values.clone())
                        };
                        (expression.values(&of, &periods).over(&periods), period_s)
                    })
                }
            };
            let Some(evaluated) = evaluated else { return true };
            values.insert(&query.id, evaluated);
            false
        });
        if waiting.len() == before {
            break;
        }
    }
    values.into_iter().map(|(id, (values, _))| (id.to_owned(), values.into_points())).collect()
}

/// Every id that an expression names is there, none leads back to itself, and what is combined has one period.
fn check_expressions(queries: &[Query], findings: &mut Findings) {
    let ids: BTreeSet<&str> = queries.iter().map(|query| query.id.as_str()).collect();
    let mut periods: HashMap<&str, i64> = HashMap::new();
    for query in queries {
        match &query.source {
            Source::Metric { period_s, .. } => {
                periods.insert(&query.id, *period_s);
            }
            Source::Expression { expression, .. } => {
                for missing in expression.ids().into_iter().filter(|id| !ids.contains(id)) {
                    let id = &query.id;
                    findings.invalid(format!("Error in expression '{id}': Undefined variable \"{missing}\""));
                }
            }
        }
    }
    // As often as there are queries: each round finds the next one of a chain.
    for _ in queries {
        for query in
            queries.iter().filter(|query| !periods.contains_key(query.id.as_str())).collect::<Vec<_>>()
        {
            let Source::Expression { expression, period_s } = &query.source else { continue };
            let inputs: Option<BTreeSet<i64>> =
                expression.ids().iter().map(|id| periods.get(*id).copied()).collect();
            let Some(inputs) = inputs else { continue };
            if inputs.len() > 1 {
                let id = &query.id;
                findings.invalid(format!(
                    "Error in expression '{id}': this local CloudWatch combines metrics of one period only, and found {inputs:?}"
                ));
            }
            let period_s = period_s.or(inputs.into_iter().max()).unwrap_or(DEFAULT_PERIOD_S);
            periods.insert(&query.id, period_s);
        }
    }
    let is_known = |query: &&Query| matches!(&query.source, Source::Expression { expression, .. } if expression.ids().iter().all(|id| ids.contains(id)));
    for query in queries.iter().filter(|query| !periods.contains_key(query.id.as_str())).filter(is_known) {
        findings.invalid(format!("Error in expression '{}': it refers to itself", query.id));
    }
}

fn expression(text: &str, place: &str, findings: &mut Findings) -> Option<Expression> {
    let parsed = if text.len() > MAX_EXPRESSION {
        Err(format!("it is longer than {MAX_EXPRESSION} characters"))
    } else {
        Expression::parse(text)
    };
    parsed
        .map_err(|why| {
            findings.invalid(format!("The value for parameter {place}.Expression is invalid: {why}."));
        })
        .ok()
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
    check_expressions(&queries, findings);
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
