//! From closed periods to datums: one for each metric that CloudWatch would tell apart (R2, R6).

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use aws_sdk_cloudwatch::types::StandardUnit;
use hashbrown::HashTable;
use weir_core::{Descriptor, Kind, Reason, Temporality, UnixNanos};
use weir_window::{Distribution, Refused, Statistics, Values};

use super::{
    dimensions::{Dimension, Repairs, metric_name},
    pack::Datum,
    rules::{Plan, Rules, config::Merge},
    summary::QUANTILE,
    units::{self, Unit},
    window::{Closed, MAX_VALUE, OUT_OF_RANGE, Stream, UNRESOLVED},
    wire::{self, Told},
};

/// Histograms of no values at all, in the whole period: there is nothing to send.
pub const EMPTY: Reason = Reason("empty");
/// A metric without a name.
pub const UNNAMED: Reason = Reason("unnamed");

/// Distinct values in one datum (crate documentation of `MetricDatum`).
const MAX_VALUES: usize = 150;
/// The least magnitude that CloudWatch takes besides zero: what is nearer to zero is sent as zero. The documentation
/// has the service refuse "values that are too small" without a number; 2^-360 is where it was seen to.
const MIN_VALUE: f64 = f64::from_bits((1023 - 360) << 52);

/// Unknown units that are said; senders choose them, and each is a line in the log.
const MAX_UNITS_SAID: usize = 64;

/// A metric of one name and dimensions came in two units: CloudWatch keeps their statistics apart, and both are sent.
pub const MIXED_UNITS: Reason = Reason("mixed_units");
/// A rule wants a unit that the sender's cannot be converted to: the sender's was kept.
pub const UNIT_KEPT: Reason = Reason("unit_kept");
/// A roll-up was left out for a series that lacks one of its dimensions.
pub const ROLLUP_INCOMPLETE: Reason = Reason("rollup_incomplete");

/// A metric has negative samples: CloudWatch gives no percentiles of that period.
pub const NEGATIVE: Reason = Reason("negative");
/// More than a hundredth of a histogram's values are above its last bound, and their maximum is not told.
pub const ABOVE_BOUNDS: Reason = Reason("above_bounds");

/// Makes datums.
#[derive(Debug, Default)]
pub struct Encoder {
    /// Units already complained about, [`MAX_UNITS_SAID`] at most.
    unknown_units: HashSet<Arc<str>>,
    /// Where datums are written, before they are kept in as much memory as they need.
    scratch: Vec<u8>,
}

/// What became of closed periods.
#[derive(Debug, Default)]
pub struct Encoded {
    /// The datums of each namespace, by period.
    pub datums: BTreeMap<Arc<str>, Vec<Datum>>,
    /// Points that became no datum, by reason.
    pub dropped: Vec<(Reason, u64)>,
    /// Points that roll-ups were made of: these are counted a second time, as made.
    pub made: u64,
    /// What had to be made acceptable.
    pub repairs: Repairs,
    /// Units that CloudWatch has nothing for, met for the first time.
    pub new_unknown_units: Vec<Arc<str>>,
}

/// What CloudWatch tells metrics apart by, within a period.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Destination {
    namespace: Arc<str>,
    /// The beginning of its datum: name and dimensions, as they are written.
    head: Box<[u8]>,
    /// Distributions stay in the sender's scale until they are sent, so each scale of a unit has a datum: scaled earlier, they
    /// would be rounded twice.
    unit: Unit,
    resolution: i32,
}

/// What every destination gets in a period, in the order in which they were met: series of one sender and metric are neighbours,
/// which compresses well.
struct GatheredAll {
    hasher: ahash::RandomState,
    /// Places in `all`, by name and dimensions.
    places: HashTable<usize>,
    all: Vec<(Destination, Gathered)>,
}

/// What one destination gets in a period.
#[derive(Default)]
struct Gathered {
    distribution: Distribution,
    /// What [`Merge::Sum`] adds up, by the unit that it is to be scaled to: so each scale is rounded once.
    sums: BTreeMap<Unit, f64>,
    /// What [`Merge::Last`] keeps, scaled.
    last: Option<(UnixNanos, f64)>,
    points: u64,
}

impl Encoder {
    /// Makes the datums of a closed period. Series of one destination become one datum, joined as the rules say.
    pub fn encode(&mut self, closed: Closed, rules: &mut Rules, encoded: &mut Encoded) {
        let mut gathered = GatheredAll::with_capacity(closed.streams.len());
        let start = closed.start;
        drop_points(encoded, UNRESOLVED, closed.unresolved);
        for stream in closed.streams {
            let (plan, decision) = rules.of(&stream.series);
            let identity = stream.series.identity();
            let name = metric_name(decision.name(identity), &mut encoded.repairs);
            if name.trim().is_empty() {
                drop_points(encoded, UNNAMED, stream.points);
                continue;
            }
            let (unit, merge) = (self.unit(plan, &identity.descriptor, encoded), merge_of(plan, &stream));
            let dimensions = plan.dimensions.of(identity, &mut encoded.repairs);
            let to = Destination {
                namespace: decision.namespace(plan),
                head: self.head(&name, &dimensions),
                unit: if merge == Merge::Distribution { unit.clone() } else { unit.unscaled() },
                resolution: plan.resolution,
            };
            for dimensions in rollups(plan, &name, &dimensions, encoded) {
                let rollup = Destination { head: self.head(&name, &dimensions), ..to.clone() };
                match gathered.at(rollup, encoded).add(&stream, merge, &unit) {
                    Ok(()) => encoded.made += stream.points,
                    Err(_) => drop_made(encoded, stream.points),
                }
            }
            let (there, points) = (gathered.at(to, encoded), stream.points);
            if there.take(stream, merge, &unit).is_err() {
                drop_points(encoded, OUT_OF_RANGE, points);
            }
        }
        for (destination, all) in gathered.all {
            let points = all.points;
            let Some(closed) = all.close() else {
                drop_points(encoded, OUT_OF_RANGE, points);
                continue;
            };
            if closed.statistics.count == 0 {
                drop_points(encoded, EMPTY, points);
                continue;
            }
            note_limits(&closed, &destination, &mut encoded.repairs);
            let namespace = Arc::clone(&destination.namespace);
            let time = start.seconds() as i64;
            match self.datum(&destination, closed, time) {
                Some(bytes) => {
                    encoded.datums.entry(namespace).or_default().push(Datum { bytes, points, time });
                }
                None => drop_points(encoded, OUT_OF_RANGE, points),
            }
        }
        encoded.repairs.join(rules.take_repairs());
    }

    fn head(&mut self, name: &str, dimensions: &[Dimension<'_>]) -> Box<[u8]> {
        self.scratch.clear();
        wire::begin_datum(&mut self.scratch, name, dimensions);
        self.scratch.as_slice().into()
    }

    /// The datum of samples; `None` when their extremes, in their unit, are beyond what CloudWatch takes.
    fn datum(&mut self, to: &Destination, mut closed: Values, time: i64) -> Option<Box<[u8]>> {
        let scale = |value: f64| {
            let scaled = to.unit.scale(value);
            if scaled.abs() < MIN_VALUE { 0.0 } else { scaled }
        };
        let Statistics { count, sum, min, max } = closed.statistics;
        let statistics = Statistics { count, sum: scale(sum), min: scale(min), max: scale(max) };
        if statistics.min.abs() > MAX_VALUE || statistics.max.abs() > MAX_VALUE {
            return None;
        }
        // Values that stand for others are a little off, and so would be their sum: the exact statistics go beside them, as the
        // CloudWatch Agent sends them. Of a histogram without buckets there are only the statistics.
        let stand_in = closed.worst_relative_error() > 0.0 && statistics.sum.abs() <= MAX_VALUE;
        let is_single = closed.values.len() == 1 && count == 1;
        let all_once = closed.values.len() as u64 == count;
        closed.values.iter_mut().for_each(|value| *value = scale(*value).clamp(-MAX_VALUE, MAX_VALUE));
        let standard = &to.unit.standard;
        let told = Told {
            time,
            unit: (*standard != StandardUnit::None).then(|| standard.as_str()),
            // 60 is what the service takes for granted.
            resolution: (to.resolution != 60).then_some(to.resolution),
            ..Told::default()
        };
        let told = if is_single {
            Told { value: closed.values.first().copied(), ..told }
        } else {
            Told {
                statistics: (stand_in || closed.values.is_empty()).then_some(statistics),
                values: &closed.values,
                // Absent counts mean 1 each.
                counts: if all_once { &[] } else { &closed.counts },
                ..told
            }
        };
        self.scratch.clear();
        self.scratch.extend_from_slice(&to.head);
        wire::end_datum(&mut self.scratch, &told);
        Some(self.scratch.as_slice().into())
    }

    fn unit(&mut self, plan: &Plan, descriptor: &Descriptor, encoded: &mut Encoded) -> Unit {
        let found = plan.unit.of(&descriptor.unit);
        if found.is_kept {
            encoded.repairs.add(UNIT_KEPT, &descriptor.name);
        }
        if found.is_unknown
            && !units::is_without_counterpart(&descriptor.unit)
            && self.unknown_units.len() < MAX_UNITS_SAID
            && self.unknown_units.insert(Arc::clone(&descriptor.unit))
        {
            encoded.new_unknown_units.push(Arc::clone(&descriptor.unit));
        }
        found.unit
    }
}

/// How a stream joins others of its destination: there is no last histogram, and no sum but that of its values.
fn merge_of(plan: &Plan, stream: &Stream) -> Merge {
    match stream.series.descriptor().kind {
        Kind::Gauge | Kind::Sum => plan.merge,
        _ => Merge::Distribution,
    }
}

/// Under which sets of dimensions the samples of a metric of these `dimensions` go besides: each once, and never its own.
fn rollups<'a>(
    plan: &Plan,
    name: &str,
    dimensions: &[Dimension<'a>],
    encoded: &mut Encoded,
) -> Vec<Vec<Dimension<'a>>> {
    let mut made = Vec::new();
    for set in &plan.rollups {
        let is_of_set = |name: &str| set.binary_search_by(|of| of.as_str().cmp(name)).is_ok();
        let found = dimensions.iter().filter(|(name, _)| is_of_set(name)).count();
        let is_kept = |name: &str| is_of_set(name) || plan.has_quantiles && name == QUANTILE;
        let kept: Vec<_> = dimensions.iter().filter(|(name, _)| is_kept(name)).cloned().collect();
        if found < set.len() {
            encoded.repairs.add(ROLLUP_INCOMPLETE, name);
        } else if kept.len() < dimensions.len() && !made.contains(&kept) {
            made.push(kept);
        }
    }
    made
}

impl GatheredAll {
    fn with_capacity(destinations: usize) -> Self {
        Self {
            hasher: ahash::RandomState::new(),
            places: HashTable::with_capacity(destinations),
            all: Vec::with_capacity(destinations),
        }
    }

    /// What goes to `destination`. One of a name and dimensions that were met in other units only is counted.
    fn at(&mut self, destination: Destination, encoded: &mut Encoded) -> &mut Gathered {
        let Self { hasher, places, all } = self;
        let hash = destination.hash_but_for_unit(hasher);
        let known = places.find(hash, |at| all[*at].0 == destination).copied();
        let at = known.unwrap_or_else(|| {
            let met = places.iter_hash(hash).map(|at| &all[*at].0);
            let mut met = met.filter(|other| destination.is_but_for_unit(other)).peekable();
            if met.peek().is_some() && !met.any(|other| other.unit.standard == destination.unit.standard) {
                encoded.repairs.add(MIXED_UNITS, &destination.name());
            }
            all.push((destination, Gathered::default()));
            places.insert_unique(hash, all.len() - 1, |at| all[*at].0.hash_but_for_unit(hasher));
            all.len() - 1
        });
        &mut all[at].1
    }
}

impl Destination {
    fn hash_but_for_unit(&self, hasher: &ahash::RandomState) -> u64 {
        hasher.hash_one((&self.namespace, &self.head))
    }

    fn is_but_for_unit(&self, other: &Self) -> bool {
        (&self.namespace, &self.head) == (&other.namespace, &other.head)
    }

    fn name(&self) -> String {
        wire::name_of(&self.head)
    }
}

impl Gathered {
    /// Takes a stream in, without a copy where it is the first.
    fn take(&mut self, stream: Stream, merge: Merge, unit: &Unit) -> Result<(), Refused> {
        if self.points > 0 || merge != Merge::Distribution {
            return self.add(&stream, merge, unit);
        }
        (self.distribution, self.points) = (stream.distribution, stream.points);
        Ok(())
    }

    /// Takes in what a stream did; what is refused leaves it as it was.
    fn add(&mut self, stream: &Stream, merge: Merge, unit: &Unit) -> Result<(), Refused> {
        let is_delta = stream.series.descriptor().temporality == Temporality::Delta;
        let (time, latest) = stream.latest;
        match merge {
            Merge::Distribution => self.distribution.merge(&stream.distribution)?,
            Merge::Sum | Merge::Last if is_delta => self.add_up(stream.distribution.sum(), unit),
            Merge::Sum => self.add_up(latest, unit),
            Merge::Last => {
                let newer = || (time, unit.scale(latest));
                self.last = Some(self.last.filter(|held| held.0 > time).unwrap_or_else(newer));
            }
        }
        self.points += stream.points;
        Ok(())
    }

    fn add_up(&mut self, value: f64, unit: &Unit) {
        *self.sums.entry(unit.clone()).or_default() += value;
    }

    /// All of it; `None` where a sum is beyond what is held.
    fn close(mut self) -> Option<Values> {
        let sums = self.sums.iter().map(|(unit, sum)| unit.scale(*sum));
        let sum = sums.reduce(|one, other| one + other);
        for value in sum.into_iter().chain(self.last.map(|(_, value)| value)) {
            self.distribution.record(value).ok()?;
        }
        Some(self.distribution.into_values(MAX_VALUES))
    }
}

/// Counts what a reader of percentiles should know.
fn note_limits(closed: &Values, to: &Destination, repairs: &mut Repairs) {
    if closed.statistics.min < 0.0 {
        repairs.add(NEGATIVE, &to.name());
    }
    if closed.unbounded > closed.statistics.count / 100 {
        repairs.add(ABOVE_BOUNDS, &to.name());
    }
}

fn drop_points(encoded: &mut Encoded, reason: Reason, points: u64) {
    if points > 0 {
        encoded.dropped.push((reason, points));
    }
}

/// Points of a roll-up that became no datum: made, and dropped.
fn drop_made(encoded: &mut Encoded, points: u64) {
    encoded.made += points;
    drop_points(encoded, OUT_OF_RANGE, points);
}

#[cfg(test)]
mod tests;
