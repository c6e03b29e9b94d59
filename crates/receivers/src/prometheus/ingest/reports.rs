//! What is said about a target by the one who scrapes it: `up` and its like.

use weir_core::{Descriptor, Identity, Number, NumberPoint, UnixNanos};
use weir_exposition::{FamilyType, family::Part};

use super::{
    NAME, Scraped, Target,
    naming::{self, Within},
    points::Points,
};

/// Everything that is reported.
pub(super) const NAMES: [&str; 8] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "scrape_sample_limit",
    "scrape_body_size_bytes",
];

/// A series of the receiver's own about a target.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) name: String,
    pub(super) place: u32,
    /// It has had a point.
    pub(super) was_made: bool,
}

impl Target {
    /// Points of the receiver's own about the target. What the target has just said itself, under the same name and labels, stands: so it
    /// is in Prometheus, where the report comes second and a series has one sample a time.
    pub(super) fn make_reports(&mut self, time: UnixNanos, gauges: &[(&str, &str, f64)]) -> Scraped {
        let mut points = Points::new(self.door.interner(), gauges.len());
        let mut scraped = Scraped::default();
        for (name, unit, value) in gauges {
            let Some(at) = self.reported_at(name, unit) else {
                *scraped.refused.entry(weir_core::Reason::SERIES_CAP).or_default() += 1;
                continue;
            };
            if self.says(name, time) {
                continue;
            }
            let Some(held) = self.table.get(self.reported[at].place) else { continue };
            self.reported[at].was_made = true;
            points.push(
                NumberPoint::new(held.id, UnixNanos(0), time, Number::Double(*value)),
                self.door.interner(),
            );
            scraped.made += 1;
        }
        scraped.batches = points.finish();
        scraped
    }

    /// Which of those that are reported this is.
    fn reported_at(&mut self, name: &str, unit: &str) -> Option<usize> {
        let known = self.reported.iter().position(|report| report.name == name);
        if known.is_some() {
            return known;
        }
        let identity = self.report_identity(name, unit)?;
        let place = self.place(identity).ok()?;
        self.reported.push(Report { name: name.to_owned(), place, was_made: false });
        Some(self.reported.len() - 1)
    }

    fn report_identity(&self, name: &str, unit: &str) -> Option<Identity> {
        let mut labels = self.identity.labels.clone();
        naming::add_external(&mut labels, &self.settings);
        labels.set(NAME, name);
        let within = Within { family_type: FamilyType::Gauge, unit: "", part: Part::Value, suffix: "" };
        let interner = self.door.interner();
        let mut identity = naming::name(&labels, within, &self.identity, interner).ok()?.identity;
        identity.descriptor = interner.descriptor(Descriptor::gauge(name, unit));
        Some(identity)
    }

    /// Notes a new series that is called like a report about this target.
    pub(super) fn note_namesake(&mut self, identity: &Identity, place: u32) {
        let name = &*identity.descriptor.name;
        if !NAMES.contains(&name) {
            return;
        }
        let report = self.report_identity(name, "");
        let is_same = |report: &Identity| {
            (&report.resource, &report.attributes) == (&identity.resource, &identity.attributes)
        };
        if report.as_ref().is_some_and(is_same) {
            self.namesakes.push(place);
        }
    }

    /// Whether the scrape that has just succeeded brought this.
    fn says(&self, name: &str, time: UnixNanos) -> bool {
        let is_said = |place: &u32| {
            let held = self.table.get(*place).filter(|held| held.seen == self.scrape && held.time >= time);
            held.is_some_and(|held| &*held.at_door.descriptor().name == name)
        };
        self.succeeded == self.scrape && self.namesakes.iter().any(is_said)
    }
}
