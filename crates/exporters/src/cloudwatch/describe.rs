//! A datum in a line, for people: in the quarantine and in a dry run.

use std::fmt::{self, Display};

use aws_sdk_cloudwatch::{primitives::DateTimeFormat, types::MetricDatum};

/// Values that are shown before it says how many more there are.
const SHOWN: usize = 12;

/// Shows a datum.
pub(super) struct Line<'a> {
    datum: &'a MetricDatum,
    shown: usize,
}

impl<'a> Line<'a> {
    /// With every value.
    pub(super) fn whole(datum: &'a MetricDatum) -> Self {
        Self { datum, shown: usize::MAX }
    }

    /// With the first values only.
    pub(super) fn short(datum: &'a MetricDatum) -> Self {
        Self { datum, shown: SHOWN }
    }
}

impl Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let datum = self.datum;
        let time = datum.timestamp.and_then(|time| time.fmt(DateTimeFormat::DateTime).ok());
        write!(f, "{} {}", time.as_deref().unwrap_or("-"), datum.metric_name().unwrap_or_default())?;
        let mut dimensions = datum.dimensions().iter().peekable();
        if dimensions.peek().is_some() {
            f.write_str(" {")?;
            while let Some(one) = dimensions.next() {
                write!(f, "{}={:?}", one.name().unwrap_or_default(), one.value().unwrap_or_default())?;
                f.write_str(if dimensions.peek().is_some() { ", " } else { "}" })?;
            }
        }
        if let Some(unit) = &datum.unit {
            write!(f, " {unit}")?;
        }
        if let Some(seconds) = datum.storage_resolution {
            write!(f, " resolution={seconds}s")?;
        }
        if let Some(value) = datum.value {
            write!(f, " value={value}")?;
        }
        if let Some(values) = &datum.values {
            f.write_str(" values=[")?;
            for (at, value) in values.iter().take(self.shown).enumerate() {
                let count = datum.counts().get(at).copied().unwrap_or(1.0);
                write!(f, "{}{value}×{count}", if at == 0 { "" } else { " " })?;
            }
            if values.len() > self.shown {
                write!(f, " and {} more", values.len() - self.shown)?;
            }
            f.write_str("]")?;
        }
        if let Some(set) = &datum.statistic_values {
            let of = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
            let (count, sum) = (of(set.sample_count), of(set.sum));
            write!(f, " count={count} sum={sum} min={} max={}", of(set.minimum), of(set.maximum))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::{
        primitives::DateTime,
        types::{Dimension, StandardUnit, StatisticSet},
    };

    use super::*;

    #[test]
    fn everything_that_is_set_is_shown_and_nothing_else() {
        let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
        let datum =
            MetricDatum::builder().metric_name("latency").timestamp(DateTime::from_secs(1_795_500_000));
        let plain = datum.clone().value(1.5).build();
        assert_eq!(Line::whole(&plain).to_string(), "2026-11-24T06:00:00Z latency value=1.5");
        let statistics = StatisticSet::builder().sample_count(3.0).sum(7.0).minimum(1.0).maximum(5.0).build();
        let full = datum
            .dimensions(dimension("route", "/a"))
            .dimensions(dimension("code", "200"))
            .unit(StandardUnit::Milliseconds)
            .storage_resolution(1)
            .set_values(Some(vec![1.0, 5.0]))
            .set_counts(Some(vec![2.0, 1.0]))
            .statistic_values(statistics)
            .build();
        assert_eq!(
            Line::whole(&full).to_string(),
            "2026-11-24T06:00:00Z latency {route=\"/a\", code=\"200\"} Milliseconds resolution=1s values=[1×2 5×1] \
             count=3 sum=7 min=1 max=5"
        );
        let many = MetricDatum::builder().metric_name("m").set_values(Some(vec![2.0; 150])).build();
        assert!(Line::short(&many).to_string().ends_with("2×1 and 138 more]"));
    }
}
