//! What arrived: every datum's name and values checked, totals counted by series' number.

use std::collections::{BTreeMap, BTreeSet};

use weir_cloudwatch_local::{Datum, Occurrence, Reading};
use weir_core::UnixNanos;

use crate::{
    host::FIGURES,
    truth::{Kind, Number, Total, service},
};

/// What the late metadata is called, and what it says.
pub(crate) const LATE: (&str, &str) = ("host", "i-0abc");
/// The namespaces of the branches.
pub(crate) const BRANCHES: [&str; 2] = ["River/Direct", "River/Held"];
/// As many findings are kept in words.
const WORDS: usize = 20;

/// The far end's books.
#[derive(Debug)]
pub(crate) struct FarEnd {
    /// By branch and number.
    pub(crate) totals: [Vec<Total>; 2],
    /// Samples of the machine's own metrics.
    pub(crate) host_samples: u64,
    /// Datums with and without the name that came late, in the direct branch.
    pub(crate) late: [u64; 2],
    /// When the late name was published.
    pub(crate) published: Option<UnixNanos>,
    /// Which of the machine's figures came.
    figures: BTreeSet<(&'static str, &'static str)>,
    findings: Vec<String>,
}

impl FarEnd {
    /// For series below `numbers`.
    pub(crate) fn new(numbers: usize) -> Self {
        Self {
            totals: [vec![Total::default(); numbers], vec![Total::default(); numbers]],
            host_samples: 0,
            late: [0; 2],
            published: None,
            figures: BTreeSet::new(),
            findings: Vec::new(),
        }
    }

    /// Takes in what the CloudWatch has accepted since the last time.
    pub(crate) fn absorb(&mut self, datums: Vec<Datum>) {
        for datum in &datums {
            if let Err(wrong) = self.datum(datum) {
                self.found(format!("{wrong}: {datum:?}"));
            }
        }
    }

    /// What was wrong, and what is missing of `sent` in either branch.
    pub(crate) fn findings(mut self, sent: &[Total]) -> Vec<String> {
        for (branch, name) in BRANCHES.into_iter().enumerate() {
            let arrived = std::mem::take(&mut self.totals[branch]);
            for (number, (arrived, sent)) in arrived.into_iter().zip(sent).enumerate() {
                if arrived != *sent {
                    let kind = Number(number as u32).kind();
                    self.found(format!(
                        "{name}: of series {number}, {kind:?}, {sent:?} was sent and {arrived:?} arrived"
                    ));
                }
            }
        }
        if self.figures.len() != FIGURES.len() {
            self.found(format!("of the machine only {:?} arrived", self.figures));
        }
        self.findings
    }

    fn found(&mut self, finding: String) {
        if self.findings.len() < WORDS {
            self.findings.push(finding);
        }
    }

    fn datum(&mut self, datum: &Datum) -> Result<(), &'static str> {
        let pairs = datum.metric.dimensions.iter().map(|one| (one.name.as_str(), one.value.as_str()));
        let mut dimensions: BTreeMap<&str, &str> = pairs.collect();
        let values = values(&datum.reading);
        let branch = BRANCHES.into_iter().position(|namespace| namespace == datum.metric.namespace);
        let branch = branch.ok_or("an unknown namespace")?;
        if branch == 0 {
            self.late_name(datum, dimensions.remove(LATE.0))?;
        }
        if datum.metric.name.starts_with("system.") {
            return self.of_host(&datum.metric.name, &dimensions, &values);
        }
        let number = named(branch, &mut dimensions)?;
        if !dimensions.is_empty() {
            return Err("a dimension too many");
        }
        if datum.metric.name != number.kind().metric() {
            return Err("another metric's name");
        }
        let total = self.totals[branch].get_mut(number.0 as usize).ok_or("a series that there is not")?;
        for Occurrence { value, count } in values {
            if number.kind() == Kind::Gauge && value != number.level() as f64 {
                return Err("another series' value");
            }
            // Whole numbers below 2^53, which doubles hold.
            total.samples += count as u64;
            total.sum += (value * count) as i64;
        }
        Ok(())
    }

    /// The name that came late must be there once it was published, and cannot be there before.
    fn late_name(&mut self, datum: &Datum, host: Option<&str>) -> Result<(), &'static str> {
        self.late[usize::from(host.is_none())] += 1;
        let began = UnixNanos(datum.time_ms as u64 * 1_000_000);
        match (host, self.published) {
            (Some(value), Some(_)) if value == LATE.1 => Ok(()),
            (Some(_), Some(_)) => Err("another value of the late name"),
            (Some(_), None) => Err("the late name before it was published"),
            (None, Some(published)) if began >= published => Err("no late name after it was published"),
            (None, _) => Ok(()),
        }
    }

    fn of_host(
        &mut self,
        metric: &str,
        dimensions: &BTreeMap<&str, &str>,
        values: &[Occurrence],
    ) -> Result<(), &'static str> {
        self.host_samples += values.iter().map(|one| one.count as u64).sum::<u64>();
        let state = dimensions.get("state").copied().unwrap_or_default();
        let figure = FIGURES.iter().find(|(name, of, _)| *name == metric && *of == state);
        // Every other figure is a counter that stands still, or a state that no one needs to check twice.
        let expected = match figure {
            Some((name, of, value)) => {
                self.figures.insert((*name, *of));
                *value
            }
            None if metric.starts_with("system.network.") => 0.0,
            None => return Ok(()),
        };
        let right = values.iter().all(|one| one.value == expected);
        if right { Ok(()) } else { Err("another figure of the machine") }
    }
}

/// The number of the series that a branch calls by these dimensions, which are taken out.
fn named(branch: usize, dimensions: &mut BTreeMap<&str, &str>) -> Result<Number, &'static str> {
    let keys = [["series", "service"], ["item", "app"]][branch];
    let number = dimensions.remove(keys[0]).and_then(|text| text.parse().ok()).ok_or("no series")?;
    let number = Number(number);
    if dimensions.remove(keys[1]) != Some(&*service(number.sender())) {
        return Err("another sender's name");
    }
    if branch == 1 && dimensions.remove("branch") != Some("held") {
        return Err("no name of the branch");
    }
    Ok(number)
}

fn values(reading: &Reading) -> Vec<Occurrence> {
    match reading {
        Reading::Value(value) => vec![Occurrence { value: *value, count: 1.0 }],
        Reading::Distribution { values, .. } => values.clone(),
        // Never sent here: it would show as points that are missing.
        Reading::Statistics(_) => Vec::new(),
    }
}
