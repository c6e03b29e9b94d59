//! GetMetricStatistics: several statistics of one metric.

use ciborium::Value;

use crate::{
    decode::{Object, structure, timestamp},
    error::{ApiError, Findings},
    operations::{
        Output,
        query::{self, RawMetric},
    },
    rules::{self, RawDimension},
    statistic::{self, Statistic},
    store::{Aggregate, Range, Store},
};

const MAX_DATAPOINTS: i64 = 1440;
const MAX_EXTENDED_STATISTICS: usize = 10;

/// Answers with the datapoints in ascending order, one a period and unit.
///
/// A percentile that a period does not have is left out, and so is a datapoint without any statistic.
pub(super) fn run(store: &Store, now_ms: i64, input: &mut Object) -> Result<Output, ApiError> {
    let mut findings = Findings::default();
    let metric = RawMetric {
        namespace: input.text("Namespace")?,
        name: input.text("MetricName")?,
        dimensions: input.objects("Dimensions", RawDimension::decode)?,
    };
    let metric = metric.validate("", &mut findings);
    let span = query::span(input.time_ms("StartTime")?, input.time_ms("EndTime")?, &mut findings);
    let period_s = query::period(input.integer("Period")?, "Period", &mut findings);
    let wanted = wanted(input.texts("Statistics")?, input.texts("ExtendedStatistics")?, &mut findings);
    let unit = match input.text("Unit")? {
        Some(unit) => rules::unit(&unit, "Unit", &mut findings),
        None => None,
    };
    findings.into_result()?;
    // Every part is there when nothing was found; this is how the compiler knows.
    let (Some(metric), Some(span), Some(period_s)) = (metric, span, period_s) else {
        return Err(ApiError::Validation("incomplete request".to_owned()));
    };

    let range = span.range(period_s, now_ms);
    check_datapoints(range)?;
    let datapoints: Vec<Value> = store
        .periods(&metric, unit, range)
        .iter()
        .filter_map(|((start_s, unit), aggregate)| datapoint(*start_s, unit.as_str(), aggregate, &wanted))
        .collect();
    Ok(Output::document(structure([("Label", metric.name.into()), ("Datapoints", Value::Array(datapoints))])))
}

/// The statistics asked for, with their names as asked.
struct Wanted {
    basic: Vec<(String, Statistic)>,
    extended: Vec<(String, Statistic)>,
}

fn wanted(basic: Option<Vec<String>>, extended: Option<Vec<String>>, findings: &mut Findings) -> Wanted {
    let (basic, extended) = (basic.unwrap_or_default(), extended.unwrap_or_default());
    match (basic.is_empty(), extended.is_empty()) {
        (true, true) => findings.combination(
            "At least one of the parameters Statistics and ExtendedStatistics must be specified.".to_owned(),
        ),
        (false, false) => findings.combination(
            "The parameters Statistics and ExtendedStatistics are mutually exclusive and you have specified both."
                .to_owned(),
        ),
        _ => {}
    }
    let basic = rules::at_most(statistic::BASIC.len(), basic, "Statistics", findings).unwrap_or_default();
    let basic = (1..).zip(basic).filter_map(|(n, name)| {
        let path = format!("Statistics.member.{n}");
        let parsed = rules::one_of(&statistic::BASIC, path, Statistic::basic(&name), findings)?;
        Some((name, parsed))
    });
    let basic = basic.collect();
    let extended = rules::at_most(MAX_EXTENDED_STATISTICS, extended, "ExtendedStatistics", findings);
    let extended = (1..).zip(extended.unwrap_or_default()).filter_map(|(n, name)| {
        let parsed = Statistic::percentile(&name);
        if parsed.is_none() {
            findings
                .invalid(format!("The value {name} for parameter ExtendedStatistics.member.{n} is invalid."));
        }
        Some((name, parsed?))
    });
    let extended = extended.collect();
    Wanted { basic, extended }
}

fn check_datapoints(range: Range) -> Result<(), ApiError> {
    let span_s = range.end_s.saturating_sub(range.start_s);
    let periods = span_s / range.period_s + i64::from(span_s % range.period_s > 0);
    if periods <= MAX_DATAPOINTS {
        return Ok(());
    }
    Err(ApiError::InvalidParameterCombination(format!(
        "You have requested up to {} datapoints, which exceeds the limit of {}. You may reduce the datapoints \
         requested by increasing Period, or decreasing the time range.",
        grouped(periods),
        grouped(MAX_DATAPOINTS),
    )))
}

/// A number with its thousands apart: 1,440.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

fn datapoint(start_s: i64, unit: &str, aggregate: &Aggregate, wanted: &Wanted) -> Option<Value> {
    let values = |statistics: &[(String, Statistic)]| -> Vec<(Value, Value)> {
        let value = |(name, statistic): &(String, Statistic)| {
            Some((Value::from(name.as_str()), Value::Float(statistic.of(aggregate)?)))
        };
        statistics.iter().filter_map(value).collect()
    };
    let (mut members, extended) = (values(&wanted.basic), values(&wanted.extended));
    if !extended.is_empty() {
        members.push(("ExtendedStatistics".into(), Value::Map(extended)));
    }
    if members.is_empty() {
        return None;
    }
    members.push(("Timestamp".into(), timestamp(start_s)));
    members.push(("Unit".into(), unit.into()));
    Some(Value::Map(members))
}
