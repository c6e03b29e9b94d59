//! Statistics and percentiles of a datapoint.

use crate::store::Aggregate;

#[cfg(test)]
mod tests;

/// The statistics that are no percentile, in the order of CloudWatch's error message.
pub(crate) const BASIC: [&str; 5] = ["Minimum", "Maximum", "Average", "SampleCount", "Sum"];

/// A statistic that can be asked for.
///
/// Of the extended statistics only percentiles are offered: no trimmed means, no `PR`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Statistic {
    Minimum,
    Maximum,
    Average,
    SampleCount,
    Sum,
    /// 0 to 100.
    Percentile(f64),
}

impl Statistic {
    /// Any statistic by its name: one of [`BASIC`], or a percentile.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::basic(text).or_else(|| Self::percentile(text))
    }

    pub(crate) fn basic(text: &str) -> Option<Self> {
        Some(match text {
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            "Average" => Self::Average,
            "SampleCount" => Self::SampleCount,
            "Sum" => Self::Sum,
            _ => return None,
        })
    }

    /// `p` and a number from 0 to 100 of at most ten decimals.
    pub(crate) fn percentile(text: &str) -> Option<Self> {
        let number = text.strip_prefix('p')?;
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || whole.len() > 3 || !digits(decimals) || decimals.len() > 10 {
            return None;
        }
        number.parse().ok().filter(|percent| *percent <= 100.0).map(Self::Percentile)
    }

    /// The statistic's value, or `None` for a percentile that cannot be had (see [`Aggregate::percentile`]).
    pub(crate) fn of(self, aggregate: &Aggregate) -> Option<f64> {
        match self {
            Self::Minimum => Some(aggregate.minimum()),
            Self::Maximum => Some(aggregate.maximum()),
            Self::Average => Some(aggregate.sum() / aggregate.count()),
            Self::SampleCount => Some(aggregate.count()),
            Self::Sum => Some(aggregate.sum()),
            Self::Percentile(percent) => aggregate.percentile(percent),
        }
    }
}
