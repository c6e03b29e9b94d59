//! Rules: what is sent of a series, where to and under which name.
//!
//! The first rule that is for a series decides, and what it leaves out is as the exporter's own keys say. That is found out once
//! a series and remembered; a point then costs one look into a table, and none where every series goes the same way.

pub mod config;
mod pattern;
#[cfg(test)]
mod tests;
mod words;

use std::{collections::BTreeSet, sync::Arc};

use weir_core::{Batch, Identity, Interner, PerSeries, Reason, Series, SeriesId};
use weir_window::Period;

use super::{
    config::{Config, resolution_of, wrong_namespace},
    dimensions::{DimensionRule, Repairs, namespace},
    units::UnitRule,
};
use config::{Merge, RuleConfig};
use pattern::{Pattern, Template};
pub use words::{in_words, rule_in_words};

/// A point that a rule of the exporter drops.
pub const DROPPED_BY_RULE: Reason = Reason("dropped_by_rule");

/// An attribute named a namespace that CloudWatch would not take: the rule's own, or the exporter's, was used.
pub const NAMESPACE: Reason = Reason("namespace");

/// The attribute by which a `where` asks for the scope's name, as OpenTelemetry names it in formats without scopes.
const SCOPE_NAME: &str = "otel.scope.name";

/// The rules of an exporter, ready to use, and what they have decided.
#[derive(Debug)]
pub struct Rules {
    filters: Vec<Rule>,
    /// What becomes of the series that each rule is for; behind them, of those that no rule is for.
    plans: Vec<Plan>,
    periods: Vec<Period>,
    /// Never more than the interner has slots.
    decided: PerSeries<Decision>,
    /// So that series share the text; each for as long as a series has it.
    namespaces: BTreeSet<Arc<str>>,
    repairs: Repairs,
}

/// Which series a rule is for.
#[derive(Debug)]
struct Rule {
    metrics: Vec<Pattern>,
    having: Vec<(String, Pattern)>,
}

/// What becomes of the series that a rule is for.
#[derive(Debug)]
pub struct Plan {
    drops: bool,
    /// Which of the periods.
    window: usize,
    rename: Option<Template>,
    namespace: Arc<str>,
    namespace_from: Option<String>,
    /// Their units.
    pub unit: UnitRule,
    /// Their `StorageResolution`.
    pub resolution: i32,
    /// Their dimensions.
    pub dimensions: DimensionRule,
    /// Which of these make metrics of their own besides: sorted sets, each once.
    pub rollups: Vec<Vec<String>>,
    /// Whether the quantiles of summaries are among them: then `quantile` is a dimension whatever is listed, and of roll-ups too, since
    /// samples of different quantiles are no samples of one thing.
    pub has_quantiles: bool,
    /// How those that become one datum are joined.
    pub merge: Merge,
}

/// What was decided about one series.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    plan: u16,
    name: Option<Arc<str>>,
    namespace: Option<Arc<str>>,
}

impl Rules {
    /// The rules of a configuration that was checked.
    pub fn new(config: &Config) -> Self {
        let mut periods = Vec::new();
        let mut plans: Vec<Plan> =
            config.rules.iter().map(|rule| Plan::new(config, Some(rule), &mut periods)).collect();
        plans.push(Plan::new(config, None, &mut periods));
        Self {
            filters: config.rules.iter().map(Rule::new).collect(),
            plans,
            periods,
            decided: PerSeries::default(),
            namespaces: BTreeSet::new(),
            repairs: Repairs::default(),
        }
    }

    /// The periods that points are gathered in, each once.
    pub fn periods(&self) -> &[Period] {
        &self.periods
    }

    /// Whether every point is gathered, all in one period.
    pub fn is_plain(&self) -> bool {
        self.periods.len() == 1 && !self.plans.iter().any(|plan| plan.drops)
    }

    /// Whether the exporter's own keys alone decide, and the same for every series: then nothing is remembered.
    fn is_one_way(&self) -> bool {
        self.filters.is_empty() && self.plans.iter().all(|plan| plan.namespace_from.is_none())
    }

    /// Decides about the batch's series, where that is not done yet, and answers how many of its points are dropped. Summaries
    /// are left out: they have become numbers before.
    pub fn decide_all(&mut self, batch: &Batch, interner: &Interner) -> u64 {
        let mut dropped = 0;
        let numbers = batch.numbers.iter().map(|point| point.series);
        let histograms = batch.histograms.iter().map(|point| point.series);
        let exponential = batch.exponential_histograms.iter().map(|point| point.series);
        for id in numbers.chain(histograms).chain(exponential) {
            if self.decided.get(id).is_none()
                && let Some(series) = interner.resolve(id)
            {
                self.decide(&series);
            }
            dropped += u64::from(self.plan_at(id).drops);
        }
        dropped
    }

    /// Which of the periods the points of a series are gathered in; none where they are dropped.
    #[inline]
    pub fn window_of(&self, id: SeriesId) -> Option<usize> {
        let plan = self.plan_at(id);
        (!plan.drops).then_some(plan.window)
    }

    #[inline]
    fn plan_at(&self, id: SeriesId) -> &Plan {
        let own = self.plans.len() - 1;
        &self.plans[self.decided.get(id).map_or(own, |decision| usize::from(decision.plan))]
    }

    /// What becomes of a series.
    pub fn of(&mut self, series: &Series) -> (&Plan, Decision) {
        let decision = match self.decided.get(series.id()) {
            Some(decision) => decision.clone(),
            None if self.is_one_way() => Decision::default(),
            None => self.decide(series),
        };
        (&self.plans[usize::from(decision.plan)], decision)
    }

    /// What had to be repaired since the last call.
    pub fn take_repairs(&mut self) -> Repairs {
        std::mem::take(&mut self.repairs)
    }

    /// Forgets the series that no one can name any more, and the namespaces that only they had.
    pub fn forget_gone(&mut self, interner: &Interner) {
        self.decided.forget_gone(interner);
        self.namespaces.retain(|namespace| Arc::strong_count(namespace) > 1);
    }

    #[cold]
    fn decide(&mut self, series: &Series) -> Decision {
        let identity = series.identity();
        let name = &*identity.descriptor.name;
        let at = self.filters.iter().position(|rule| rule.is_for(identity)).unwrap_or(self.filters.len());
        let plan = &self.plans[at];
        let renamed = plan.rename.as_ref().and_then(|template| {
            let mut patterns = self.filters.get(at)?.metrics.iter();
            let captures = patterns.find_map(|pattern| pattern.captures(name));
            Some(Arc::from(template.expand(captures.as_ref())))
        });
        let named = plan.namespace_from.as_ref().and_then(|key| attribute(identity, key));
        let named = named.and_then(|text| {
            let cleaned = namespace(text, name, &mut self.repairs);
            let usable = wrong_namespace(&cleaned).is_none();
            if !usable {
                self.repairs.add(NAMESPACE, name);
            }
            usable.then_some(cleaned)
        });
        let namespace = named.map(|text| match self.namespaces.get(text.as_str()) {
            Some(known) => Arc::clone(known),
            None => {
                let new: Arc<str> = Arc::from(text);
                self.namespaces.insert(Arc::clone(&new));
                new
            }
        });
        let decision = Decision { plan: at as u16, name: renamed, namespace };
        self.decided.insert(series.id(), decision.clone());
        decision
    }
}

impl Rule {
    fn new(config: &RuleConfig) -> Self {
        // What `check` has let pass makes patterns.
        let having = config.having.iter();
        Self {
            metrics: config.metrics.iter().filter_map(|text| Pattern::new(text).ok()).collect(),
            having: having.filter_map(|(key, text)| Some((key.clone(), Pattern::new(text).ok()?))).collect(),
        }
    }

    fn is_for(&self, identity: &Identity) -> bool {
        let name = &*identity.descriptor.name;
        let has = |(key, pattern): &(String, Pattern)| {
            attribute(identity, key).is_some_and(|value| pattern.matches(&value))
        };
        (self.metrics.is_empty() || self.metrics.iter().any(|pattern| pattern.matches(name)))
            && self.having.iter().all(has)
    }
}

impl Plan {
    fn new(config: &Config, rule: Option<&RuleConfig>, periods: &mut Vec<Period>) -> Self {
        let of_rule = |written: Option<&String>, own: &str| written.map_or(own, String::as_str).to_owned();
        let length = rule.and_then(|rule| rule.period).unwrap_or(config.period);
        let period = Period::new(length.0).unwrap_or(Period::MINUTE);
        let drops = rule.is_some_and(|rule| rule.drop);
        let window = match periods.iter().position(|known| *known == period) {
            _ if drops => 0,
            Some(known) => known,
            None => {
                periods.push(period);
                periods.len() - 1
            }
        };
        // A rule's own period brings the resolution that goes with it.
        let own_resolution =
            if rule.is_some_and(|rule| rule.period.is_some()) { None } else { config.storage_resolution };
        let resolution = rule.and_then(|rule| rule.storage_resolution).or(own_resolution);
        let rollups = rule.and_then(|rule| rule.rollups.as_ref()).unwrap_or(&config.rollups);
        let sets: BTreeSet<BTreeSet<String>> =
            rollups.iter().map(|set| set.iter().cloned().collect()).collect();
        Self {
            drops,
            window,
            rename: rule.and_then(|rule| rule.rename.as_deref()).map(Template::new),
            namespace: of_rule(rule.and_then(|rule| rule.namespace.as_ref()), &config.namespace).into(),
            namespace_from: rule
                .and_then(|rule| rule.namespace_from.clone())
                // A namespace that a rule writes is meant.
                .or_else(|| {
                    config.namespace_from.clone().filter(|_| rule.is_none_or(|r| r.namespace.is_none()))
                }),
            unit: rule.map_or_else(UnitRule::default, |rule| {
                UnitRule::new(rule.measured_in.as_deref(), rule.unit.as_deref())
            }),
            resolution: resolution_of(resolution, length.0),
            dimensions: DimensionRule::new(config.dimensions_of(rule), config.summary_quantiles),
            has_quantiles: config.summary_quantiles,
            rollups: sets.into_iter().map(|set| set.into_iter().collect()).collect(),
            merge: rule.map_or_else(Merge::default, |rule| rule.merge),
        }
    }
}

impl Decision {
    /// The name to send the series under.
    pub fn name<'a>(&'a self, identity: &'a Identity) -> &'a str {
        self.name.as_deref().unwrap_or(&identity.descriptor.name)
    }

    /// The namespace to send it to.
    pub fn namespace(&self, plan: &Plan) -> Arc<str> {
        Arc::clone(self.namespace.as_ref().unwrap_or(&plan.namespace))
    }
}

/// The text of an attribute: of the point, else of the resource.
fn attribute(identity: &Identity, key: &str) -> Option<String> {
    if key == SCOPE_NAME {
        return Some(identity.scope.name.to_string());
    }
    let value = identity.attributes.get(key).or_else(|| identity.resource.attributes.get(key));
    value.map(ToString::to_string)
}
