//! ListMetrics: the metrics that have reported of late, in pages.

use ciborium::Value;

use crate::{
    decode::{Object, structure},
    error::{ApiError, Findings},
    model::MetricId,
    operations::Output,
    rules::{self, RawDimension},
    store::Store,
};

const PAGE: usize = 500;
const MAX_FILTERS: usize = 10;
/// Metrics that have not reported for longer are not listed.
const LISTED_FOR_S: i64 = 14 * 24 * 3600;
/// The same under `RecentlyActive: PT3H`.
const RECENT_S: i64 = 3 * 3600;

/// Answers with up to 500 metrics, in the order in which they were first seen.
///
/// A new metric is listed at once; with CloudWatch it can take 15 minutes.
pub(super) fn run(store: &Store, now_ms: i64, input: &mut Object) -> Result<Output, ApiError> {
    let mut findings = Findings::default();
    let filter = Filter::read(input, &mut findings)?;
    let listed_for_s = match input.text("RecentlyActive")? {
        Some(text) => {
            let recent = (text == "PT3H").then_some(RECENT_S);
            rules::one_of(&["PT3H"], "RecentlyActive", recent, &mut findings)
        }
        None => Some(LISTED_FOR_S),
    };
    let after = match input.text("NextToken")? {
        Some(token) => {
            let number = token.strip_prefix("metric-").and_then(|number| number.parse().ok());
            if number.is_none() {
                findings.invalid("The value for parameter NextToken is invalid.".to_owned());
            }
            number
        }
        None => None,
    };
    findings.into_result()?;

    let since_s = now_ms.div_euclid(1000).saturating_sub(listed_for_s.unwrap_or(LISTED_FOR_S));
    let mut metrics = store.list(after, since_s, |metric| filter.matches(metric));
    let has_more = metrics.len() > PAGE;
    metrics.truncate(PAGE);
    let next = metrics.last().map(|last| format!("metric-{}", last.number)).filter(|_| has_more);

    let metrics: Vec<Value> = metrics.into_iter().map(|listed| document(listed.metric)).collect();
    let mut members = vec![("Metrics".into(), Value::Array(metrics))];
    if let Some(next) = next {
        members.push(("NextToken".into(), next.into()));
    }
    Ok(Output::document(Value::Map(members)))
}

struct Filter {
    namespace: Option<String>,
    name: Option<String>,
    /// Names, and values where one was given; a metric may have further dimensions.
    dimensions: Vec<(String, Option<String>)>,
}

impl Filter {
    fn read(input: &mut Object, findings: &mut Findings) -> Result<Self, ApiError> {
        let namespace = input.text("Namespace")?;
        let namespace = namespace.and_then(|text| rules::namespace(Some(text), "Namespace", findings));
        let name = input.text("MetricName")?;
        let name = name.and_then(|text| rules::metric_name(Some(text), "MetricName", findings));
        let raw = input.objects("Dimensions", RawDimension::decode)?.unwrap_or_default();
        let raw = rules::at_most(MAX_FILTERS, raw, "Dimensions", findings).unwrap_or_default();
        let dimensions = (1..).zip(raw).filter_map(|(n, RawDimension { name, value })| {
            let name = rules::dimension_name(name, format_args!("Dimensions.member.{n}.Name"), findings);
            let value = value.map(|value| {
                rules::dimension_value(Some(value), format_args!("Dimensions.member.{n}.Value"), findings)
            });
            Some((name?, value.flatten()))
        });
        let dimensions = dimensions.collect();
        Ok(Self { namespace, name, dimensions })
    }

    fn matches(&self, metric: &MetricId) -> bool {
        let has = |name: &str, value: Option<&str>| {
            metric.dimensions.iter().any(|d| d.name == name && value.is_none_or(|value| value == d.value))
        };
        self.namespace.as_ref().is_none_or(|namespace| *namespace == metric.namespace)
            && self.name.as_ref().is_none_or(|name| *name == metric.name)
            && self.dimensions.iter().all(|(name, value)| has(name, value.as_deref()))
    }
}

fn document(metric: MetricId) -> Value {
    let dimensions: Vec<Value> = metric
        .dimensions
        .into_iter()
        .map(|dimension| structure([("Name", dimension.name.into()), ("Value", dimension.value.into())]))
        .collect();
    structure([
        ("Namespace", metric.namespace.into()),
        ("MetricName", metric.name.into()),
        ("Dimensions", Value::Array(dimensions)),
    ])
}
