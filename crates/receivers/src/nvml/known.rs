//! A GPU that was seen once: it stays visible when it is gone.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use weir_core::UnixNanos;

use super::{
    catalogue::{Tier, metrics},
    config::NvmlConfig,
    count::{Count, Rate, Stream},
    gpu::{Due, Part, Reading, Readings},
    health::{self, HealthVerdict, RULES},
    metric::{Name, Profile, Shape},
    plan::{Plan, Row},
    pods::{Pods, Sample, Tenancy, report_processes},
    session::Who,
    sink::{self, Figure, Sink, own, own_counter},
    table::{Signal, Table},
    xid,
    xids::Xids,
};

/// XIDs that are kept for the verdict.
const MAX_RECENT: usize = 256;
/// As many attributes has no metric.
const MAX_ATTRIBUTES: usize = 7;

/// What the GPU is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It answered when it was last asked.
    Up,
    /// It said that it is lost, or was not found though NVML works.
    Gone,
    /// It is not known how it is: it answers with another error, or the driver or its library does not work.
    Unknown,
    /// It has been asked, and has not answered in time.
    Stuck,
    /// NVML is closed on request: nobody asks it.
    Released,
}

/// A GPU.
#[derive(Debug)]
pub(super) struct KnownGpu {
    pub(super) who: Who,
    pub(super) state: State,
    /// Its thread has a task.
    pub(super) is_busy: bool,
    pub(super) readings: Readings,
    counts: BTreeMap<(Row, Part), Count>,
    /// By row.
    latest: Vec<Option<f64>>,
    /// Bytes over all NVLinks.
    nvlink: Rate,
    pub(super) tenancy: Tenancy,
    /// Whether the driver reports its XIDs: else there is no saying that there were none.
    pub(super) is_heard: bool,
    /// Whether waiting for events works.
    pub(super) can_hear: bool,
    xids: Xids,
    recent: Vec<(u64, UnixNanos)>,
    /// The most PCIe lanes that it was seen with.
    widest: Option<f64>,
    /// NVLinks that were seen up or asleep, a bit each, and whether one of them is down.
    links: u64,
    is_link_down: bool,
    /// Uncorrected errors over its life, of DRAM and SRAM, and when one of them was last seen to grow.
    errors: [Option<f64>; 2],
    new_error: Option<UnixNanos>,
}

impl KnownGpu {
    pub(super) fn new(who: Who, since: UnixNanos) -> Self {
        let rows = metrics().count();
        Self {
            who,
            state: State::Up,
            is_busy: false,
            readings: Readings::default(),
            counts: BTreeMap::new(),
            latest: vec![None; rows],
            nvlink: Rate::default(),
            tenancy: Tenancy::default(),
            is_heard: true,
            can_hear: true,
            xids: Xids::new(since),
            recent: Vec::with_capacity(MAX_RECENT),
            widest: None,
            links: 0,
            is_link_down: false,
            errors: [None; 2],
            new_error: None,
        }
    }

    /// It was found in an opening of NVML. What the figures of before said is no longer how it is: what it no longer has must not stay.
    pub(super) fn found(&mut self, mut who: Who) {
        who.generation = self.who.generation;
        if who != self.who {
            who.generation += 1;
        }
        if who.driver != self.who.driver {
            self.links = 0;
        }
        (self.who, self.state) = (who, State::Up);
        self.latest.fill(None);
        self.is_link_down = false;
        self.counts.values_mut().for_each(Count::reopened);
    }

    /// It is divided otherwise now: links that were up need not be any more.
    pub(super) fn divided(&mut self) {
        self.links = 0;
    }

    /// Counts an XID, for whoever had the GPU or the MIG instance alone.
    pub(super) fn xid(&mut self, code: u64, instance: Option<u32>, now: UnixNanos) {
        let owner = instance.map_or_else(|| self.tenancy.alone(), |id| self.tenancy.alone_on(id));
        self.xids.count(code, instance, owner, now);
        if self.recent.len() == MAX_RECENT {
            self.recent.remove(0);
        }
        self.recent.push((code, now));
    }

    /// Puts the round's figures into `sink`, if there was an answer, and what is said of the GPU at any rate.
    pub(super) fn report(&mut self, round: &Round<'_>, answered: bool, sink: &mut Sink<'_>) {
        if answered {
            self.report_figures(round, sink);
            self.look_back(round, sink.now);
        }
        if round.config.tells_usage() {
            self.report_usage(round, answered, sink);
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
            if round.config.profile == Profile::Dcgm {
                self.report_dcgm(round, answered, sink);
            }
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
            let (who, part, value) = (&self.who, reading.part, reading.value);
            let owner = match part {
                Part::Whole | Part::Link(_) => self.tenancy.alone(),
                Part::Instance(id) => self.tenancy.alone_on(id),
            };
            let owner = owner.filter(|_| round.table.uses.get(row).copied().unwrap_or(false));
            let (attributes, numbered) = (round.attributes(row), part.numbered());
            let numbered = numbered.as_slice();
            let figure = Figure { gpu: Some(who), attributes, numbered, ..Figure::new(name, value) };
            if name.shape == Shape::Gauge {
                sink.put(Figure { owner: owner.map(|owner| &**owner), ..figure });
                continue;
            }
            let count = self.counts.entry((reading.row, part));
            let wraps = round.table.metrics.get(row).is_some_and(|metric| metric.wraps);
            let count = count.or_insert_with(|| Count::new(value, sink.now, wraps));
            count.take(value, sink.now, owner, |Stream { owner, start, value }| {
                sink.put(Figure { owner, start, value, ..figure });
            });
        }
        report_processes(&readings.processes, &round.pods.names, round.config, &self.who, sink);
        self.readings = readings;
    }

    /// What DCGM exporter alone has.
    fn report_dcgm(&mut self, round: &Round<'_>, answered: bool, sink: &mut Sink<'_>) {
        let last = self.recent.last().map_or(0, |(code, _)| *code);
        self.report_own(round, sink::LAST_XID, last as f64, sink);
        let [transmitted, received] = round.table.nvlink.map(|row| self.read(row).filter(|_| answered));
        let total = transmitted.zip(received).map(|(transmitted, received)| transmitted + received);
        let rate = total.and_then(|total| self.nvlink.next(total, sink.now));
        if let Some(rate) = rate.filter(|_| round.config.tells_nvlink()) {
            // DCGM's megabyte here is 1000 KiB (`ReadAndCacheNvLinkBandwidth` in NVIDIA/DCGM).
            let name = Name { scale: 1.0 / 1_024_000.0, ..own(sink::NVLINK_TOTAL, "MBy/s") };
            let owner = self.tenancy.alone().map(|owner| &**owner);
            sink.put(Figure { gpu: Some(&self.who), owner, ..Figure::new(name, rate) });
        }
    }

    /// The latest figure of the whole GPU.
    fn latest(&self, row: usize) -> Option<f64> {
        self.latest.get(row).copied().flatten()
    }

    /// What this round read of the whole GPU.
    fn read(&self, row: usize) -> Option<f64> {
        let is_it = |reading: &&Reading| usize::from(reading.row) == row && reading.part == Part::Whole;
        self.readings.figures.iter().find(is_it).map(|reading| reading.value)
    }

    /// What containers have and use of the GPU: counted on in each fast round, said at the medium interval.
    fn report_usage(&mut self, round: &Round<'_>, answered: bool, sink: &mut Sink<'_>) {
        let [utilization, used, energy, instance] = round.table.usage;
        if round.due.has(Tier::Fast) {
            let [utilization, used] = [utilization, used].map(|row| self.latest(row));
            let energy = self.read(energy); // no old one: what came since would be of this round
            self.tenancy.sample(sink.now, answered.then_some(Sample { utilization, used, energy }));
        }
        if round.due.has(Tier::Medium) {
            let Readings { figures, processes, tells_use, .. } = &self.readings;
            if answered && *tells_use {
                self.tenancy.divide_use(processes, &round.pods.names);
            }
            let worked = figures.iter().filter(|reading| answered && usize::from(reading.row) == instance);
            let worked = worked.filter_map(|reading| match reading.part {
                Part::Instance(id) => Some((id, reading.value)),
                Part::Whole | Part::Link(_) => None,
            });
            self.tenancy.work(sink.now, worked);
            self.tenancy.report(round.config, &self.who, sink);
        }
    }

    /// Keeps what rules compare the latest figures with.
    fn look_back(&mut self, round: &Round<'_>, now: UnixNanos) {
        let latest = |signal: Signal| self.latest(*round.table.signals.get(signal as usize)?);
        let [width, dram, sram] = [Signal::LinkWidth, Signal::LifetimeDram, Signal::LifetimeSram].map(latest);
        self.widest = [self.widest, width].into_iter().flatten().reduce(f64::max);
        let figures = &self.readings.figures;
        let states = figures.iter().filter(|reading| usize::from(reading.row) == round.table.link_state);
        let states = states.filter_map(|reading| match reading.part {
            Part::Link(number) => Some((1_u64.checked_shl(number)?, reading.value > 0.0)),
            Part::Whole | Part::Instance(_) => None,
        });
        if states.clone().next().is_some() {
            let up = states.clone().filter(|(_, is_up)| *is_up).fold(0, |up, (link, _)| up | link);
            let down = states.filter(|(_, is_up)| !is_up).fold(0, |down, (link, _)| down | link);
            self.links |= up;
            self.is_link_down = self.links & down != 0;
        }
        for (last, errors) in self.errors.iter_mut().zip([dram, sram]) {
            let Some(errors) = errors else { continue };
            if last.is_some_and(|last| errors > last) {
                self.new_error = Some(now);
            }
            *last = Some(errors);
        }
    }

    /// The script's zeros: what it took `N/A` and a GPU that is lost for.
    fn report_zeros(&self, round: &Round<'_>, answered: bool, sink: &mut Sink<'_>) {
        for (row, metric) in metrics().enumerate() {
            let Some(name) = metric.under(Profile::GpuHealth) else { continue };
            let was_read =
                answered && self.readings.figures.iter().any(|reading| usize::from(reading.row) == row);
            if SCRIPT.contains(&name.name) && !was_read && round.config.lists(name.name) {
                sink.put(Figure { gpu: Some(&self.who), ..Figure::new(name, 0.0) });
            }
        }
    }

    fn report_own(&self, round: &Round<'_>, name: &'static str, value: f64, sink: &mut Sink<'_>) {
        if round.config.lists(name) {
            sink.put(Figure { gpu: Some(&self.who), ..Figure::new(own(name, "1"), value) });
        }
    }

    fn report_xids(&mut self, round: &Round<'_>, sink: &mut Sink<'_>) {
        self.xids.forget(sink.now, |owner| self.tenancy.has(owner));
        if !round.config.lists(sink::XIDS) {
            return;
        }
        let hears = self.is_heard && self.can_hear;
        let name = own_counter(sink::XIDS, "{error}");
        for xids in self.xids.iter().filter(|xids| hears || xids.count > 0) {
            let meaning = xid::meaning(xids.code);
            let attributes =
                &[("gpu.xid.class", meaning.class.name()), ("gpu.xid.resolution", meaning.resolution.name())];
            let instance = u64::from(xids.instance.unwrap_or(0));
            let numbered = [("gpu.xid.code", xids.code), ("gpu.instance.id", instance)];
            sink.put(Figure {
                gpu: Some(&self.who),
                owner: xids.owner.as_deref(),
                attributes,
                numbered: &numbered[..=usize::from(xids.instance.is_some())],
                start: xids.since,
                ..Figure::new(name, xids.count as f64)
            });
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
            is_link_down: self.is_link_down,
            lanes: round.config.expected_link_width.map(f64::from).or(self.widest),
            rows: &round.table.signals,
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
                let figure = Figure::new(own(sink::HEALTH_RULE, "1"), f64::from(holds));
                sink.put(Figure { gpu: Some(&self.who), attributes: &attributes, ..figure });
            }
        }
        self.report_own(round, sink::HEALTH, f64::from(gravest as u8), sink);
    }

    /// Only where it is listed: it is a series a metric and GPU.
    fn report_support(&self, round: &Round<'_>, sink: &mut Sink<'_>) {
        if self.state != State::Up || !round.config.names_it(sink::SUPPORTED) {
            return;
        }
        for (metric, latest) in round.table.metrics.iter().zip(&self.latest) {
            let Some(semconv) = metric.under(Profile::Semconv) else { continue };
            let mut all = [("metric", semconv.name); 1 + MAX_ATTRIBUTES];
            let own = metric.attributes;
            all.iter_mut().skip(1).zip(own).for_each(|(to, attribute)| *to = *attribute);
            let attributes = &all[..=own.len().min(MAX_ATTRIBUTES)];
            let figure = Figure::new(sink::own(sink::SUPPORTED, "1"), f64::from(latest.is_some()));
            sink.put(Figure { gpu: Some(&self.who), attributes, ..figure });
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
    pub(super) table: &'a Table,
    /// What XIDs mean, where the configuration says so.
    pub(super) xid_verdicts: &'a BTreeMap<u64, HealthVerdict>,
    pub(super) pods: &'a Pods,
}

impl Round<'_> {
    /// What tells the metric of `row` from others of its name: under the names of others each has one of its own.
    fn attributes(&self, row: usize) -> &'static [(&'static str, &'static str)] {
        let is_ours = self.config.profile == Profile::Semconv;
        self.table.metrics.get(row).filter(|_| is_ours).map_or(&[], |metric| metric.attributes)
    }
}
