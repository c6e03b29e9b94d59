//! Which metrics are converted: `include` and `exclude`, as the Collector reads them.

use regex::Regex;
use weir_core::Descriptor;

use super::config::{Config, Match, MatchType, MetricType};

/// Decides once a series.
#[derive(Debug, Default)]
pub(super) struct Filter {
    include: Option<Side>,
    exclude: Option<Side>,
}

#[derive(Debug)]
struct Side {
    names: Option<Names>,
    types: Vec<MetricType>,
}

#[derive(Debug)]
enum Names {
    Strict(Vec<String>),
    Regexp(Vec<Regex>),
}

impl Filter {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            include: config.include.as_ref().map(Side::new),
            exclude: config.exclude.as_ref().map(Side::new),
        }
    }

    /// Included where everything that `include` names fits, and not excluded by anything that `exclude` names.
    pub(super) fn takes(&self, metric: &Descriptor) -> bool {
        let included = self.include.as_ref().is_none_or(|side| {
            side.fits_name(metric).unwrap_or(true) && side.fits_type(metric).unwrap_or(true)
        });
        let excluded = self.exclude.as_ref().is_some_and(|side| {
            side.fits_name(metric).unwrap_or(false) || side.fits_type(metric).unwrap_or(false)
        });
        included && !excluded
    }
}

impl Side {
    fn new(written: &Match) -> Self {
        let names = (!written.metrics.is_empty()).then(|| match written.match_type {
            // Those that are none have been reported by `check`.
            Some(MatchType::Regexp) => {
                Names::Regexp(written.metrics.iter().filter_map(|text| Regex::new(text).ok()).collect())
            }
            Some(MatchType::Strict) | None => Names::Strict(written.metrics.clone()),
        });
        Self { names, types: written.metric_types.clone() }
    }

    /// `None` where no name is written.
    fn fits_name(&self, metric: &Descriptor) -> Option<bool> {
        Some(match self.names.as_ref()? {
            Names::Strict(names) => names.iter().any(|name| **name == *metric.name),
            Names::Regexp(patterns) => patterns.iter().any(|pattern| pattern.is_match(&metric.name)),
        })
    }

    /// `None` where no type is written.
    fn fits_type(&self, metric: &Descriptor) -> Option<bool> {
        (!self.types.is_empty()).then(|| self.types.iter().any(|of| of.kind() == metric.kind))
    }
}
