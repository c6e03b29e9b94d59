//! A GPU that was seen once: it stays visible when it is gone.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use weir_core::UnixNanos;

use super::{
    catalogue::{Tier, metrics},
    config::NvmlConfig,
    gpu::{Due, Part, Readings},
    health::{self, HealthVerdict, RULES},
    metric::{Metric, Profile, Shape},
    plan::{Plan, Row, SIGNALS, Signal},
    session::Who,
    sink::{self, Figure, Sink, own},
    xid,
};

/// XIDs that are kept for the verdict.
const MAX_RECENT: usize = 256;
/// As many attributes has no metric.
const MAX_ATTRIBUTES: usize = 7;
/// Codes that are counted by GPU: there are fewer.
const MAX_CODES: usize = 1000;

/// What the GPU is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It answered when it was last asked.
    Up,
    /// It is lost, or was not found.
    Gone,
    /// It has been asked, and has not answered in time.
    Stuck,
    /// NVML is closed on request: nobody asks it.
    Released,
}

/// A counter's first moment, and where it stands.
#[derive(Clone, Copy, Debug)]
struct Count {
    start: UnixNanos,
    last: f64,
    at: UnixNanos,
}

/// A GPU.
#[derive(Debug)]
pub(super) struct KnownGpu {
    pub(super) who: Who,
    pub(super) state: State,
    /// Its place in the session; `None` where it was not found.
    pub(super) place: Option<usize>,
    /// Its thread has a task.
    pub(super) is_busy: bool,
    pub(super) readings: Readings,
    counts: BTreeMap<(Row, Part), Count>,
    /// By row.
    latest: Vec<Option<f64>>,
    xids: BTreeMap<u64, u64>,
    recent: Vec<(u64, UnixNanos)>,
    since: UnixNanos,
    /// The most PCIe lanes that it was seen with.
    widest: Option<f64>,
    /// Uncorrected errors over its life, and when that number was last seen to grow.
    errors: Option<f64>,
    new_error: Option<UnixNanos>,
}

impl KnownGpu {
    pub(super) fn new(who: Who, since: UnixNanos) -> Self {
        let rows = metrics().count();
        Self {
            who,
            state: State::Up,
            place: None,
            is_busy: false,
            readings: Readings::default(),
            counts: BTreeMap::new(),
            latest: vec![None; rows],
            xids: xid::ALARMABLE.map(|code| (code, 0)).into(),
            recent: Vec::with_capacity(MAX_RECENT),
            since,
            widest: None,
            errors: None,
            new_error: None,
        }
    }

    /// Counts an XID.
    pub(super) fn xid(&mut self, code: u64, now: UnixNanos) {
        if self.xids.len() < MAX_CODES || self.xids.contains_key(&code) {
            *self.xids.entry(code).or_default() += 1;
        }
        if self.recent.len() == MAX_RECENT {
            self.recent.remove(0);
        }
        self.recent.push((code, now));
    }

    /// Where a counter began. It falls where the GPU or the driver was reset: then it began after it was last seen.
    fn start(&mut self, of: (Row, Part), value: f64, now: UnixNanos) -> UnixNanos {
        let first = Count { start: now, last: value, at: now };
        let count = self.counts.entry(of).or_insert(first);
        if value < count.last {
            count.start = count.at;
        }
        (count.last, count.at) = (value, now);
        count.start
    }

    /// Puts the round's figures into `sink`, if there was an answer, and what is said of the GPU at any rate.
    pub(super) fn report(&mut self, round: &Round<'_>, answered: bool, sink: &mut Sink<'_>) {
        if answered {
            self.report_figures(round, sink);
            self.look_back(round, sink.now);
        }
        if round.config.unsupported_as_zero && round.due.has(Tier::Slow) {
            self.report_zeros(round, answered, sink);
        }
        if round.config.profile == Profile::GpuHealth {
            return;
        }
        if round.due.has(Tier::Medium) {
            self.report_own(round, sink::UP, f64::from(self.state == State::Up), sink);
            self.report_xids(round, sink);
        }
        if round.due.has(Tier::Slow) {
            self.report_health(round, sink);
            self.report_support(round, sink);
        }
    }

    fn report_figures(&mut self, round: &Round<'_>, sink: &mut Sink<'_>) {
        let readings = std::mem::take(&mut self.readings);
        for reading in &readings.figures {
            let row = usize::from(reading.row);
            if let Some(latest) = self.latest.get_mut(row) {
                *latest = Some(reading.value);
            }
            let Some(name) = round.plan.published.get(row).copied().flatten() else { continue };
            let (part, value) = (reading.part, reading.value);
            let is_counter = name.shape == Shape::Counter;
            let start =
                if is_counter { self.start((reading.row, part), value, sink.now) } else { UnixNanos(0) };
            let (attributes, numbered) = (round.attributes(row), part.numbered());
            sink.put(Figure { name, gpu: Some(&self.who), attributes, numbered, start, value });
        }
        self.readings = readings;
    }

    /// Keeps what rules compare the latest figures with.
    fn look_back(&mut self, round: &Round<'_>, now: UnixNanos) {
        let latest = |signal: Signal| *self.latest.get(*round.signals.get(signal as usize)?)?;
        self.widest = [self.widest, latest(Signal::LinkWidth)].into_iter().flatten().reduce(f64::max);
        let errors = [Signal::LifetimeDram, Signal::LifetimeSram].into_iter().filter_map(latest);
        let errors = errors.reduce(|dram, sram| dram + sram);
        if errors > self.errors && self.errors.is_some() {
            self.new_error = Some(now);
        }
        self.errors = errors.or(self.errors);
    }

    /// The script's zeros: what it took `N/A` and a GPU that is lost for.
    fn report_zeros(&self, round: &Round<'_>, answered: bool, sink: &mut Sink<'_>) {
        for (row, metric) in metrics().enumerate() {
            let Some(name) = metric.under(Profile::GpuHealth) else { continue };
            let was_read =
                answered && self.readings.figures.iter().any(|reading| usize::from(reading.row) == row);
            if SCRIPT.contains(&name.name) && !was_read && round.config.lists(name.name) {
                let (start, value, attributes) = (UnixNanos(0), 0.0, [].as_slice());
                sink.put(Figure { name, gpu: Some(&self.who), attributes, numbered: None, start, value });
            }
        }
    }

    fn report_own(&self, round: &Round<'_>, name: &'static str, value: f64, sink: &mut Sink<'_>) {
        if round.config.lists(name) {
            let (name, attributes, start) = (own(name, "1"), [].as_slice(), UnixNanos(0));
            sink.put(Figure { name, gpu: Some(&self.who), attributes, numbered: None, start, value });
        }
    }

    fn report_xids(&self, round: &Round<'_>, sink: &mut Sink<'_>) {
        if !round.config.lists(sink::XIDS) {
            return;
        }
        let name = sink::own(sink::XIDS, "{error}");
        let name = super::metric::Name { shape: Shape::Counter, ..name };
        for (code, count) in &self.xids {
            let meaning = xid::meaning(*code);
            let attributes =
                &[("gpu.xid.class", meaning.class.name()), ("gpu.xid.resolution", meaning.resolution.name())];
            let numbered = Some(("gpu.xid.code", *code));
            let (start, value) = (self.since, *count as f64);
            sink.put(Figure { name, gpu: Some(&self.who), attributes, numbered, start, value });
        }
    }

    fn report_health(&mut self, round: &Round<'_>, sink: &mut Sink<'_>) {
        if !round.config.judges() {
            return;
        }
        let now = sink.now;
        let mut ago = [(0, Duration::MAX); MAX_RECENT];
        ago.iter_mut().zip(&self.recent).for_each(|(to, (code, at))| *to = (*code, now.since(*at)));
        let known = health::Known {
            is_lost: self.state == State::Gone,
            latest: &self.latest,
            xids: &ago[..self.recent.len().min(MAX_RECENT)],
            xid_verdicts: round.xid_verdicts,
            since_new_error: self.new_error.map(|at| now.since(at)),
            lanes: round.config.expected_link_width.map(f64::from).or(self.widest),
            rows: &round.signals,
        };
        let mut gravest = HealthVerdict::Ok;
        for rule in RULES {
            let verdict = round.config.rules.get(rule.name).copied().unwrap_or(rule.verdict);
            let holds = verdict != HealthVerdict::Ok && (rule.holds)(&known);
            if holds {
                gravest = gravest.max(verdict);
            }
            if round.config.lists(sink::HEALTH_RULE) {
                let attributes = [("rule", rule.name)];
                let (name, start, value) = (own(sink::HEALTH_RULE, "1"), UnixNanos(0), f64::from(holds));
                sink.put(Figure {
                    name,
                    gpu: Some(&self.who),
                    attributes: &attributes,
                    numbered: None,
                    start,
                    value,
                });
            }
        }
        self.report_own(round, sink::HEALTH, f64::from(gravest as u8), sink);
    }

    /// Only where it is listed: it is a series a metric and GPU.
    fn report_support(&self, round: &Round<'_>, sink: &mut Sink<'_>) {
        if self.state != State::Up || !round.config.names_it(sink::SUPPORTED) {
            return;
        }
        for (metric, latest) in round.metrics.iter().zip(&self.latest) {
            let Some(semconv) = metric.under(Profile::Semconv) else { continue };
            let mut all = [("metric", semconv.name); 1 + MAX_ATTRIBUTES];
            let own = metric.attributes;
            all.iter_mut().skip(1).zip(own).for_each(|(to, attribute)| *to = *attribute);
            let attributes = &all[..=own.len().min(MAX_ATTRIBUTES)];
            let (name, start, value) =
                (sink::own(sink::SUPPORTED, "1"), UnixNanos(0), f64::from(latest.is_some()));
            sink.put(Figure { name, gpu: Some(&self.who), attributes, numbered: None, start, value });
        }
    }
}

/// What the script published; it knew nothing of remapped rows.
const SCRIPT: [&str; 3] =
    ["GPU_Aggregate_Uncorrectable_Errors", "GPU_Aggregate_Correctable_Errors", "GPU_Retired_Double_Bit_ECC"];

/// What all GPUs' reports of a round have in common.
#[derive(Debug)]
pub(super) struct Round<'a> {
    pub(super) config: &'a NvmlConfig,
    pub(super) plan: &'a Arc<Plan>,
    pub(super) due: Due,
    /// By row.
    pub(super) metrics: &'a [&'static Metric],
    /// Rows of the signals.
    pub(super) signals: [usize; SIGNALS.len()],
    /// What XIDs mean, where the configuration says so.
    pub(super) xid_verdicts: &'a BTreeMap<u64, HealthVerdict>,
}

impl Round<'_> {
    /// What tells the metric of `row` from others of its name: under the names of others each has one of its own.
    fn attributes(&self, row: usize) -> &'static [(&'static str, &'static str)] {
        let is_ours = self.config.profile == Profile::Semconv;
        self.metrics.get(row).filter(|_| is_ours).map_or(&[], |metric| metric.attributes)
    }
}
