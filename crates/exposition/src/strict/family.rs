//! One metric family: what its samples must be, and in which order they come.

use std::collections::HashSet;

use super::{
    histogram::{Histogram, is},
    is_count,
};
use crate::{FamilyType, Fault, family::Part, number, text::Sample};

/// The labels of one metric of a family, sorted: without the family's own label.
type Group = Vec<(String, String)>;

#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: String,
    pub(super) has_help: bool,
    pub(super) stated_type: Option<FamilyType>,
    pub(super) unit: Option<String>,
    /// The metric whose samples are coming.
    group: Option<Group>,
    /// The metrics that came.
    groups: HashSet<Group>,
    /// The last timestamp of the metric at hand.
    last_time: Option<i64>,
    /// Samples of the metric at hand.
    samples: HashSet<(String, String)>,
    histogram: Histogram,
}

impl Family {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            has_help: false,
            stated_type: None,
            unit: None,
            group: None,
            groups: HashSet::new(),
            last_time: None,
            samples: HashSet::new(),
            histogram: Histogram::default(),
        }
    }

    pub(super) fn family_type(&self) -> FamilyType {
        self.stated_type.unwrap_or_default()
    }

    pub(super) fn has_samples(&self) -> bool {
        self.group.is_some()
    }

    pub(super) fn part_of(&self, sample: &str) -> Option<Part> {
        self.family_type().part_of(&self.name, sample)
    }

    pub(super) fn take(&mut self, sample: &Sample<'_>) -> Result<(), Fault> {
        let Some(part) = self.part_of(&sample.name) else { return Ok(()) };
        let family_type = self.family_type();
        let own = family_type.own_label(&self.name);
        let own_value = sample.labels.iter().find(|(name, _)| *name == own).map(|(_, value)| &**value);
        self.check_own_label(part, own, own_value)?;
        self.check_value(part, sample)?;
        check_exemplar(family_type, part, sample)?;
        let mut group: Group = sample
            .labels
            .iter()
            .filter(|(name, _)| own.is_empty() || *name != own)
            .map(|(name, value)| (name.clone().into_owned(), value.clone().into_owned()))
            .collect();
        group.sort();
        if self.group.as_ref() != Some(&group) {
            self.close_group()?;
            if !self.groups.insert(group.clone()) {
                return Err(Fault::rule(format!("samples of one metric of `{}` stand apart", self.name)));
            }
            self.group = Some(group);
        }
        self.check_times(sample, own_value)?;
        if matches!(family_type, FamilyType::Histogram | FamilyType::GaugeHistogram) {
            self.histogram.take(part, own_value, sample.reading.value, sample.reading.timestamp)?;
        }
        Ok(())
    }

    fn check_own_label(&self, part: Part, own: &str, value: Option<&str>) -> Result<(), Fault> {
        let number = value.and_then(|value| number::value(value.as_bytes()));
        let fits = match part {
            // OpenMetrics spells the last bound in one way.
            Part::Bucket if number == Some(f64::INFINITY) => value == Some("+Inf"),
            Part::Bucket => number.is_some_and(|bound| !bound.is_nan()),
            Part::Quantile => number.is_some_and(|quantile| (0.0..=1.0).contains(&quantile)),
            Part::Value if self.family_type() == FamilyType::StateSet => value.is_some(),
            _ => true,
        };
        if fits {
            return Ok(());
        }
        let found = value.map_or_else(|| "is missing".to_owned(), |value| format!("is `{value}`"));
        Err(Fault::rule(format!("label `{own}` of a sample of `{}` {found}", self.name)))
    }

    fn check_value(&self, part: Part, sample: &Sample<'_>) -> Result<(), Fault> {
        let (family_type, value) = (self.family_type(), sample.reading.value);
        let fits = match family_type {
            FamilyType::Info => is(value, 1.0),
            FamilyType::StateSet => is(value, 0.0) || is(value, 1.0),
            // NaN is no quantile of nothing: a summary without observations has NaN quantiles.
            _ if part == Part::Quantile => value.is_nan() || value >= 0.0,
            _ if part == Part::GaugeSum => !value.is_nan(),
            _ => !is_count(family_type, part) || value >= 0.0,
        };
        if fits { Ok(()) } else { Err(Fault::rule(format!("value {value} of `{}`", sample.name))) }
    }

    /// Either all samples of a metric have timestamps, which do not fall, or none has. Without, a sample comes once.
    fn check_times(&mut self, sample: &Sample<'_>, own_value: Option<&str>) -> Result<(), Fault> {
        let time = sample.reading.timestamp;
        let last = std::mem::replace(&mut self.last_time, time);
        let orderly = match (last, time) {
            _ if self.samples.is_empty() => true,
            (None, None) => true,
            (Some(last), Some(time)) => time >= last || self.family_type() == FamilyType::Info,
            _ => false,
        };
        if !orderly {
            return Err(Fault::rule(format!("timestamps of one metric of `{}` are mixed up", self.name)));
        }
        let key = (sample.name.clone().into_owned(), own_value.unwrap_or_default().to_owned());
        if !self.samples.insert(key) && time.is_none() {
            return Err(Fault::rule(format!("a sample of `{}` twice", sample.name)));
        }
        Ok(())
    }

    fn close_group(&mut self) -> Result<(), Fault> {
        self.last_time = None;
        self.samples.clear();
        let histogram = std::mem::take(&mut self.histogram);
        match self.family_type() {
            FamilyType::Histogram | FamilyType::GaugeHistogram if self.group.is_some() => histogram
                .check(self.family_type())
                .map_err(|rule| Fault::rule(format!("{rule} in `{}`", self.name))),
            _ => Ok(()),
        }
    }

    /// All of it is there.
    pub(super) fn check(mut self) -> Result<(), Fault> {
        self.close_group()?;
        let unit = self.unit.as_deref().unwrap_or_default();
        if unit.is_empty() {
            return Ok(());
        }
        if matches!(self.family_type(), FamilyType::Info | FamilyType::StateSet) {
            return Err(Fault::rule(format!("a unit of `{}`, which has none by its type", self.name)));
        }
        let has_suffix = self.name.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_'));
        if has_suffix {
            Ok(())
        } else {
            Err(Fault::rule(format!("`{}` does not end with its unit `{unit}`", self.name)))
        }
    }
}

fn check_exemplar(family_type: FamilyType, part: Part, sample: &Sample<'_>) -> Result<(), Fault> {
    let may = matches!(
        (family_type, part),
        (FamilyType::Counter, Part::Total)
            | (FamilyType::Histogram | FamilyType::GaugeHistogram, Part::Bucket)
    );
    if may || sample.reading.exemplar.is_none() {
        Ok(())
    } else {
        Err(Fault::rule(format!("an exemplar at `{}`, which may have none", sample.name)))
    }
}
