//! All GPUs of this machine, and NVML's comings and goings.

use std::{collections::BTreeMap, fs, sync::Arc, time::Duration};

use tokio::sync::mpsc::UnboundedSender;
use weir_core::{Batch, Context, Door, Reason, UnixNanos};
use weir_nvml_raw::{Class, Device, Error};

use super::{
    catalogue::{Tier, metrics},
    config::NvmlConfig,
    gpu::Due,
    health::HealthVerdict,
    known::{KnownGpu, Round, State},
    metric::{Metric, Profile},
    plan::{Plan, SIGNALS, Signal, USAGE, row_of},
    pods::{Pods, is_use},
    session::{self, Found, Report, Session, Who},
    sink::{self, Figure, Sink, own},
};

/// The first wait after a failure to open; doubled up to the configured one.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// An opening of NVML that has taken so many timeouts has failed, and fails once more after as many again. It is left to itself, not begun
/// anew: the library has one lock for all openings, so the next would hang behind it, on one more thread.
const OPENING_TIMEOUTS: u32 = 5;

/// An opening that is under way.
#[derive(Debug)]
struct Opening {
    /// A round waits for it: one, where there is no session.
    is_awaited: bool,
    fails_at: UnixNanos,
}

/// The GPUs.
#[derive(Debug)]
pub(super) struct Fleet {
    config: NvmlConfig,
    context: Context,
    door: Arc<Door>,
    plan: Arc<Plan>,
    reports: UnboundedSender<Report>,
    gpus: Vec<KnownGpu>,
    /// GPUs by place in the session.
    places: Vec<usize>,
    session: Option<Session>,
    /// Openings so far; the number of the latest is that of its reports.
    openings: u64,
    opening: Option<Opening>,
    /// An opening that came to its end while GPUs were asked: taken in before the next round.
    opened: Option<Report>,
    /// Failures since the last session that worked.
    failures: u32,
    /// Whether a GPU has answered in this session.
    is_proven: bool,
    retry_at: UnixNanos,
    /// How many GPUs the driver listed when NVML was last opened.
    listed: usize,
    /// Whether NVML has worked once.
    has_worked: bool,
    /// The trouble that was said last.
    said: Option<String>,
    alias: Vec<u8>,
    /// By row.
    metrics: Vec<&'static Metric>,
    signals: [usize; SIGNALS.len()],
    xid_verdicts: BTreeMap<u64, HealthVerdict>,
    /// By row: whether it says what a program does with the GPU.
    uses: Vec<bool>,
    usage: [usize; USAGE.len()],
    pods: Arc<Pods>,
    /// Whether the kubelet answers; none where there never was one.
    kubelet: Option<bool>,
    /// Which GPUs answered this round.
    answered: Vec<bool>,
    waiting: usize,
    expected_points: usize,
}

impl Fleet {
    pub(super) fn new(config: NvmlConfig, context: &Context, reports: UnboundedSender<Report>) -> Self {
        Self {
            plan: Arc::new(Plan::new(&config)),
            door: context.doors.open(&context.id),
            context: context.clone(),
            xid_verdicts: config.xid_verdicts(),
            config,
            reports,
            gpus: Vec::new(),
            places: Vec::new(),
            session: None,
            openings: 0,
            opening: None,
            opened: None,
            failures: 0,
            is_proven: false,
            retry_at: UnixNanos(0),
            listed: 0,
            has_worked: false,
            said: None,
            alias: Vec::new(),
            metrics: metrics().collect(),
            signals: SIGNALS.map(Signal::row),
            uses: metrics().map(|metric| metric.name().is_some_and(|name| is_use(name.name))).collect(),
            usage: USAGE.map(row_of),
            pods: Arc::default(),
            kubelet: None,
            answered: Vec::new(),
            waiting: 0,
            expected_points: 0,
        }
    }

    /// Whether anything is asked for in `tier`.
    pub(super) fn asks(&self, tier: Tier) -> bool {
        self.plan.asks(tier) || (tier > Tier::Fast && self.config.profile != Profile::GpuHealth)
    }

    /// Whether answers are waited for: NVML's opening, or GPUs'.
    pub(super) fn is_waiting(&self, for_opening: bool) -> bool {
        if for_opening {
            self.opening.as_ref().is_some_and(|opening| opening.is_awaited)
        } else {
            self.waiting > 0
        }
    }

    /// Opens NVML where that is due, and closes it where it is asked for.
    pub(super) fn tend(&mut self, now: UnixNanos) {
        if let Some(opened) = self.opened.take() {
            self.take(opened, now);
        }
        if self.config.release_file.as_deref().is_some_and(|file| fs::exists(file).unwrap_or(false)) {
            if self.session.is_some() {
                self.say("NVML is closed as long as the release file is there".to_owned());
            }
            self.end_session();
            self.gpus.iter_mut().for_each(|gpu| gpu.state = State::Released);
            return;
        }
        let all_well = self.session.is_some()
            && self.gpus.iter().all(|gpu| gpu.state == State::Up)
            && self.missing() == 0;
        if all_well {
            self.failures = 0;
            return;
        }
        let patience = self.config.timeout.as_std().saturating_mul(OPENING_TIMEOUTS);
        if let Some(opening) = &mut self.opening {
            if now >= opening.fails_at {
                opening.fails_at = now.plus(patience);
                let trouble = format!("NVML has not opened within {patience:?}: its driver may be stuck");
                self.failed(trouble, true, now);
            }
            return;
        }
        let is_stuck = self.gpus.iter().any(|gpu| gpu.is_busy);
        if is_stuck || now < self.retry_at {
            return;
        }
        self.openings += 1;
        self.retry_at = now.plus(self.config.retry_interval.as_std());
        match session::open(self.openings, &self.config, self.reports.clone()) {
            Ok(()) => {
                let (is_awaited, fails_at) = (self.session.is_none(), now.plus(patience));
                self.opening = Some(Opening { is_awaited, fails_at });
            }
            Err(error) => self.say(format!("cannot start a thread: {error}")),
        }
    }

    /// Asks every GPU that is not busy for what is due.
    pub(super) fn ask(&mut self, due: Due) {
        self.answered.clear();
        self.answered.resize(self.gpus.len(), false);
        self.waiting = 0;
        if let Some(opening) = &mut self.opening {
            opening.is_awaited = false;
        }
        let Some(session) = &self.session else { return };
        for (place, at) in self.places.iter().enumerate() {
            let Some(gpu) = self.gpus.get_mut(*at) else { continue };
            if gpu.is_busy {
                continue;
            }
            match session.ask(place, due, std::mem::take(&mut gpu.readings)) {
                Ok(()) => {
                    gpu.is_busy = true;
                    self.waiting += 1;
                }
                Err(readings) => gpu.readings = readings,
            }
        }
    }

    /// Takes a thread's report in.
    pub(super) fn take(&mut self, report: Report, now: UnixNanos) {
        match report {
            // It would take the round's answers with the session that they are of.
            Report::Opened(..) if self.waiting > 0 => self.opened = Some(report),
            Report::Opened(number, listed, outcome) if number == self.openings => {
                (self.opening, self.listed) = (None, listed);
                match outcome {
                    Ok(Found { gpus, lost, .. }) if gpus.is_empty() && lost.is_empty() && listed > 0 => {
                        self.failed(
                            format!("NVML finds none of the {listed} GPUs that the driver lists"),
                            true,
                            now,
                        );
                    }
                    Ok(Found { gpus, lost, events }) => {
                        if let Some((index, error)) = lost.first() {
                            self.say(format!("GPU {index} does not answer: {error}"));
                        }
                        let devices = self.settle(gpus, now);
                        match Session::start(number, devices, events, &self.plan, &self.reports) {
                            Ok(session) => (self.session, self.has_worked) = (Some(session), true),
                            Err(error) => self.say(format!("cannot start a thread: {error}")),
                        }
                    }
                    Err(error) => {
                        // Who was started without the driver's library is started without it again.
                        let never_had_it = matches!(error, Error::Load { .. }) && !self.has_worked;
                        self.failed(format!("no GPUs: {error}"), !never_had_it, now);
                    }
                }
            }
            Report::Round(number, place, readings, outcome) if self.is_of_now(number) => {
                let Some(gpu) = self.places.get(place).and_then(|at| self.gpus.get_mut(*at)) else { return };
                (gpu.readings, gpu.is_busy) = (readings, false);
                if let Some(migs) = gpu.readings.migs.take() {
                    gpu.tenancy.divide(migs);
                    gpu.tenancy.let_to(&gpu.who, &self.pods.assigned);
                }
                let was_late = gpu.state == State::Stuck;
                if !was_late {
                    self.waiting = self.waiting.saturating_sub(1);
                }
                match outcome {
                    Ok(()) => {
                        gpu.state = State::Up;
                        if !std::mem::replace(&mut self.is_proven, true) {
                            self.failures = 0;
                        }
                        if let Some(answered) = self.answered.get_mut(self.places[place]) {
                            *answered |= !was_late;
                        }
                    }
                    Err(error) => {
                        let is_lost = error.class() == Class::Lost;
                        gpu.state = if is_lost { State::Gone } else { State::Unknown };
                        let words = format!("GPU {}: {error}", gpu.who.index);
                        if error.class() == Class::Session {
                            self.end_session();
                            self.failed(format!("no GPUs: {error}"), true, now);
                        } else {
                            self.say(words);
                        }
                    }
                }
            }
            // Where an opening waits to be taken in, its own events have it too.
            Report::Xid(number, place, code, instance) if self.is_of_now(number) && self.opened.is_none() => {
                if let Some(gpu) = self.places.get(place).and_then(|at| self.gpus.get_mut(*at)) {
                    gpu.xid(code, instance, now);
                    let (index, uuid) = (gpu.who.index, &gpu.who.uuid);
                    tracing::warn!(component = %self.context.id, "XID {code} on GPU {index} ({uuid})");
                }
            }
            Report::Heard(number, heard) if self.is_of_now(number) => self.hears(&heard),
            // What each instance has, and its handle, is found out anew.
            Report::Divided(number, place) if self.is_of_now(number) => {
                if let Some(gpu) = self.places.get(place).and_then(|at| self.gpus.get(*at)) {
                    let (component, index) = (&self.context.id, gpu.who.index);
                    tracing::info!(%component, "the MIG instances of GPU {index} are others now: NVML is opened anew");
                }
                self.retry_at = now;
                self.end_session();
            }
            Report::Pods(is_up, pods) => {
                (self.kubelet, self.pods) = (Some(is_up), pods);
                for gpu in &mut self.gpus {
                    gpu.tenancy.let_to(&gpu.who, &self.pods.assigned);
                }
            }
            // Of an opening that is over.
            Report::Opened(..)
            | Report::Round(..)
            | Report::Xid(..)
            | Report::Heard(..)
            | Report::Divided(..) => {}
        }
    }

    /// Waiting for events fails for all GPUs alike.
    fn hears(&mut self, heard: &Result<(), Error>) {
        let component = &self.context.id;
        match heard {
            Ok(()) => tracing::info!(%component, "XIDs are reported again"),
            Err(error) => tracing::warn!(%component, "no XIDs are reported: {error}; tried again, said once"),
        }
        self.gpus.iter_mut().for_each(|gpu| gpu.can_hear = heard.is_ok());
    }

    fn is_of_now(&self, number: u64) -> bool {
        self.session.as_ref().is_some_and(|session| session.number == number)
    }

    /// Who has not answered by now is stuck.
    pub(super) fn give_up(&mut self) {
        self.waiting = 0;
        let mut stuck = None;
        for gpu in self.gpus.iter_mut().filter(|gpu| gpu.is_busy) {
            gpu.state = State::Stuck;
            stuck = Some(gpu.who.index);
        }
        if let Some(index) = stuck {
            let timeout = self.config.timeout.as_std();
            self.say(format!("GPU {index} has not answered within {timeout:?}: its driver may be stuck"));
        }
    }

    /// Which GPUs there are, after an opening.
    fn settle(&mut self, found: Vec<(Who, Device, Result<(), Error>)>, now: UnixNanos) -> Vec<Device> {
        self.places.clear();
        self.is_proven = false;
        self.gpus.iter_mut().for_each(|gpu| gpu.can_hear = true);
        self.gpus.iter_mut().for_each(|gpu| (gpu.state, gpu.is_busy) = (State::Gone, false));
        let mut devices = Vec::new();
        for (who, device, heard) in found {
            let at = self.gpus.iter().position(|gpu| gpu.who.uuid == who.uuid).unwrap_or(self.gpus.len());
            if at == self.gpus.len() {
                self.gpus.push(KnownGpu::new(who.clone(), now));
            }
            let gpu = &mut self.gpus[at];
            gpu.found(who);
            let was_heard = std::mem::replace(&mut gpu.is_heard, heard.is_ok());
            if let (true, Err(error)) = (was_heard, heard) {
                let (component, index) = (&self.context.id, gpu.who.index);
                tracing::warn!(%component, "GPU {index} reports no XIDs: {error}; said once");
            }
            gpu.tenancy.let_to(&gpu.who, &self.pods.assigned);
            self.places.push(at);
            devices.push(device);
        }
        devices
    }

    /// NVML could not be opened, or has no GPUs though there are some. It is tried again; where that does not help for long, whoever
    /// looks at `/live` may make the container anew. A machine without GPUs never asks for that.
    fn failed(&mut self, trouble: String, restart_may_help: bool, now: UnixNanos) {
        self.failures += 1;
        let wait = FIRST_RETRY.saturating_mul(1 << self.failures.min(16));
        self.retry_at = now.plus(wait.min(self.config.retry_interval.as_std()));
        let goes_on = self.gpus.iter().any(|gpu| matches!(gpu.state, State::Up | State::Stuck));
        if self.session.is_none() || !goes_on {
            self.end_session();
            let known = self.gpus.iter_mut().filter(|gpu| gpu.state != State::Gone);
            known.for_each(|gpu| gpu.state = State::Unknown);
        }
        let should_have = restart_may_help && (self.has_worked || self.expected() > 0);
        if should_have && self.config.restart_after > 0 && self.failures >= self.config.restart_after {
            let times = self.failures;
            self.context.status.needs_restart(format!("NVML failed {times} times in a row: {trouble}"));
        }
        self.say(trouble);
    }

    fn end_session(&mut self) {
        self.session = None;
        self.places.clear();
        self.waiting = 0;
        self.gpus.iter_mut().for_each(|gpu| gpu.is_busy = false);
    }

    /// Says a trouble once, until another one takes its place; `/status` has it each time.
    fn say(&mut self, trouble: String) {
        if self.has_worked || self.expected() > 0 {
            self.context.status.failed(&trouble);
        } else {
            self.context.status.pending(&trouble); // a machine without GPUs is no failure
        }
        if self.said.as_ref() != Some(&trouble) {
            tracing::warn!(component = %self.context.id, "{trouble}; tried again, said once");
            self.said = Some(trouble);
        }
    }

    fn up(&self) -> usize {
        self.gpus.iter().filter(|gpu| gpu.state == State::Up).count()
    }

    fn expected(&self) -> usize {
        self.gpus.len().max(self.config.expected_gpus as usize).max(self.listed)
    }

    fn missing(&self) -> usize {
        self.expected() - self.up()
    }

    /// What is known at the end of a round, as a batch. Takes its points into the ledger. No allocation but the batch's own, as long
    /// as the GPUs stay the same.
    pub(super) fn report(&mut self, due: Due, now: UnixNanos) -> Batch {
        let mut batch = Batch::new(self.door.interner());
        batch.numbers.reserve_exact(self.expected_points);
        let sender = self.door.sender(b"", None);
        let profile = self.config.profile;
        let (missing, up) = (self.missing(), self.up());
        let is_of_interest = self.expected() > 0 || self.has_worked;
        let mut sink = Sink { sender, batch, alias: &mut self.alias, profile, now, over_cap: 0 };
        let (config, plan, metrics) = (&self.config, &self.plan, &*self.metrics);
        let (signals, xid_verdicts) = (self.signals, &self.xid_verdicts);
        let (uses, usage, pods) = (&*self.uses, self.usage, &*self.pods);
        let round = Round { config, plan, due, metrics, signals, xid_verdicts, uses, usage, pods };
        for (at, gpu) in self.gpus.iter_mut().enumerate() {
            let answered = self.answered.get(at).copied().unwrap_or(false);
            gpu.report(&round, answered, &mut sink);
        }
        if due.has(Tier::Medium) && profile != Profile::GpuHealth && is_of_interest {
            let stuck = self.gpus.iter().filter(|gpu| gpu.state == State::Stuck).count();
            let numbers = [(sink::COUNT, up), (sink::MISSING, missing), (sink::STUCK, stuck)];
            let numbers = numbers.map(|(name, value)| (own(name, "{gpu}"), value as f64));
            let kubelet = self.kubelet.map(|is_up| (own(sink::PODS_UP, "1"), f64::from(is_up)));
            for (name, value) in numbers.into_iter().chain(kubelet) {
                if self.config.lists(name.name) {
                    sink.put(Figure::new(name, value));
                }
            }
        }
        let Sink { batch, over_cap, .. } = sink;
        self.context.ledger.take(batch.points() + over_cap);
        self.context.ledger.drop_points(Reason::SERIES_CAP, over_cap);
        self.expected_points = self.expected_points.max(batch.numbers.len());
        if up > 0 && self.failures == 0 {
            self.context.status.succeeded();
        }
        batch
    }
}
