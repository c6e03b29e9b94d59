//! From closed periods to datums: one for each metric that CloudWatch would tell apart (R2, R6).

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use aws_sdk_cloudwatch::{
    primitives::DateTime,
    types::{Dimension, MetricDatum, StandardUnit, StatisticSet},
};
use weir_core::{Reason, UnixNanos};
use weir_window::Distribution;

use super::{
    dimensions::{DimensionRule, Repairs, metric_name},
    pack::Datum,
    units::{self, Unit},
    window::{Closed, MAX_VALUE, OUT_OF_RANGE, UNRESOLVED},
};

/// A metric without a name.
pub const UNNAMED: Reason = Reason("unnamed");

/// Distinct values in one datum (crate documentation of `MetricDatum`).
const MAX_VALUES: usize = 150;
/// The least magnitude that CloudWatch takes besides zero: what is nearer to zero is sent as zero. The documentation
/// has the service refuse "values that are too small" without a number; 2^-360 is where it was seen to.
const MIN_VALUE: f64 = f64::from_bits((1023 - 360) << 52);

/// Makes datums.
#[derive(Debug)]
pub struct Encoder {
    rule: DimensionRule,
    resolution: i32,
    /// Units already complained about.
    unknown_units: HashSet<Arc<str>>,
}

/// What became of closed periods.
#[derive(Debug, Default)]
pub struct Encoded {
    /// The datums, sorted by period and metric.
    pub datums: Vec<Datum>,
    /// Points that became no datum, by reason.
    pub dropped: Vec<(Reason, u64)>,
    /// What had to be made acceptable.
    pub repairs: Repairs,
    /// Units that CloudWatch has nothing for, met for the first time.
    pub new_unknown_units: Vec<Arc<str>>,
}

/// What CloudWatch tells metrics apart by, within a namespace and a period.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Destination {
    name: String,
    dimensions: Vec<(String, String)>,
    unit: Unit,
}

#[derive(Default)]
struct Gathered {
    distribution: Distribution,
    points: u64,
}

impl Encoder {
    /// An encoder for these dimensions and this `StorageResolution`.
    pub fn new(rule: DimensionRule, resolution: i32) -> Self {
        Self { rule, resolution, unknown_units: HashSet::new() }
    }

    /// Makes the datums of a closed period. Series of one destination become one datum: the samples of all of them.
    pub fn encode(&mut self, closed: Closed, encoded: &mut Encoded) {
        let mut gathered: BTreeMap<Destination, Gathered> = BTreeMap::new();
        drop_points(encoded, UNRESOLVED, closed.unresolved);
        for stream in closed.streams {
            let identity = stream.series.identity();
            let name = metric_name(&identity.descriptor.name, &mut encoded.repairs);
            if name.trim().is_empty() {
                drop_points(encoded, UNNAMED, stream.points);
                continue;
            }
            let dimensions = self.rule.of(identity, &mut encoded.repairs);
            let unit = self.unit(&identity.descriptor.unit, encoded);
            let there = gathered.entry(Destination { name, dimensions, unit }).or_default();
            if there.points == 0 {
                *there = Gathered { distribution: stream.distribution, points: stream.points };
            } else if there.distribution.merge(&stream.distribution).is_ok() {
                there.points += stream.points;
            } else {
                // More than 2^53 samples, whose number no datum could hold exactly.
                drop_points(encoded, OUT_OF_RANGE, stream.points);
            }
        }
        for (destination, all) in gathered {
            match self.datum(&destination, all.distribution, closed.start) {
                Some(metric) => encoded.datums.push(Datum::new(metric, all.points)),
                None => drop_points(encoded, OUT_OF_RANGE, all.points),
            }
        }
    }

    fn unit(&mut self, ucum: &Arc<str>, encoded: &mut Encoded) -> Unit {
        units::unit(ucum).unwrap_or_else(|| {
            if self.unknown_units.insert(Arc::clone(ucum)) {
                encoded.new_unknown_units.push(Arc::clone(ucum));
            }
            Unit::none()
        })
    }

    /// `None` when a value, in its unit, is beyond what CloudWatch takes.
    fn datum(&self, to: &Destination, distribution: Distribution, start: UnixNanos) -> Option<MetricDatum> {
        let scale = |value: f64| {
            let scaled = to.unit.scale(value);
            if scaled.abs() < MIN_VALUE { 0.0 } else { scaled }
        };
        let (minimum, maximum) = (scale(distribution.min()?), scale(distribution.max()?));
        let (count, sum) = (distribution.count(), scale(distribution.sum()));
        if minimum.abs() > MAX_VALUE || maximum.abs() > MAX_VALUE {
            return None;
        }
        let dimensions = to.dimensions.iter();
        let dimensions =
            dimensions.map(|(name, value)| Dimension::builder().name(name).value(value).build()).collect();
        let datum = MetricDatum::builder()
            .metric_name(&to.name)
            .set_dimensions(Some(dimensions).filter(|list: &Vec<_>| !list.is_empty()))
            .timestamp(DateTime::from_secs(start.seconds() as i64))
            .set_unit(Some(to.unit.standard.clone()).filter(|unit| *unit != StandardUnit::None))
            // 60 is what the service takes for granted.
            .set_storage_resolution((self.resolution != 60).then_some(self.resolution));
        if count == 1 {
            return Some(datum.value(minimum).build());
        }
        let closed = distribution.into_values(MAX_VALUES);
        // Merged values are a little off, and so would be their sum: the exact statistics go beside them, as the
        // CloudWatch Agent sends them.
        let merged = closed.worst_relative_error() > 0.0 && sum.abs() <= MAX_VALUE;
        let statistics = StatisticSet::builder()
            .sample_count(count as f64)
            .sum(sum)
            .minimum(minimum)
            .maximum(maximum)
            .build();
        let all_once = closed.values.len() as u64 == count;
        Some(
            datum
                .set_statistic_values(merged.then_some(statistics))
                .set_values(Some(closed.values.into_iter().map(scale).collect()))
                // Absent counts mean 1 each.
                .set_counts((!all_once).then_some(closed.counts))
                .build(),
        )
    }
}

fn drop_points(encoded: &mut Encoded, reason: Reason, points: u64) {
    if points > 0 {
        encoded.dropped.push((reason, points));
    }
}

#[cfg(test)]
mod tests;
