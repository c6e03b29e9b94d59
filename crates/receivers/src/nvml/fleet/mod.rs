//! All GPUs of this machine, and NVML's comings and goings: opened where that is due, closed on request, left to itself where it hangs.
//! `reports`: what threads report, taken in.

mod reports;

use std::{collections::BTreeMap, fs, sync::Arc, time::Duration};

use tokio::sync::mpsc::UnboundedSender;
use weir_core::{Batch, Context, Door, Reason, UnixNanos};

use super::{
    catalogue::Tier,
    config::NvmlConfig,
    gpu::Due,
    health::HealthVerdict,
    known::{KnownGpu, Round, State},
    metric::Profile,
    plan::Plan,
    pods::Pods,
    session::{self, Report, Session},
    sink::{self, Figure, Sink, own},
    table::Table,
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
    /// What every thread holds that holds NVML, and this: alone with it, NVML is closed.
    held: Arc<()>,
    is_released: bool,
    /// The driver has told of a trouble that only a round of all tiers shows.
    is_alarmed: bool,
    /// The trouble that was said last.
    said: Option<String>,
    alias: Vec<u8>,
    table: Table,
    xid_verdicts: BTreeMap<u64, HealthVerdict>,
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
            held: Arc::default(),
            is_released: false,
            is_alarmed: false,
            said: None,
            alias: Vec::new(),
            table: Table::new(),
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
        self.is_alarmed = false; // this round looks at it
        let is_asked_for =
            self.config.release_file.as_deref().is_some_and(|file| fs::exists(file).unwrap_or(false));
        // As long as a call has not returned, NVML is not closed, and what is opened would hang behind that call.
        self.is_released = is_asked_for || (self.is_released && self.opening.is_none() && self.is_held());
        if self.is_released {
            self.release(now);
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
        match session::open(self.openings, &self.config, &self.held, self.reports.clone()) {
            Ok(()) => {
                let (is_awaited, fails_at) = (self.session.is_none(), now.plus(patience));
                self.opening = Some(Opening { is_awaited, fails_at });
            }
            Err(error) => self.say(format!("cannot start a thread: {error}")),
        }
    }

    /// Lets go of every GPU. A thread does so when its call returns, and only then NVML is closed.
    fn release(&mut self, now: UnixNanos) {
        self.end_session();
        self.gpus.iter_mut().for_each(|gpu| gpu.state = State::Released);
        self.retry_at = now; // it comes back with the first round without the file
        let is_closed = self.opening.is_none() && !self.is_held();
        let said = if is_closed {
            "NVML is closed as long as the release file is there"
        } else {
            "NVML is to be closed for the release file, and a call to it has not returned yet"
        };
        self.context.status.pending(said);
        if self.said.as_deref() != Some(said) {
            tracing::info!(component = %self.context.id, "{said}");
            self.said = Some(said.to_owned());
        }
    }

    /// Whether a thread holds NVML.
    fn is_held(&self) -> bool {
        Arc::strong_count(&self.held) > 1
    }

    /// Whether the driver has told of a trouble since the last round began.
    pub(super) fn is_alarmed(&self) -> bool {
        self.is_alarmed
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
        let (config, plan, table) = (&self.config, &self.plan, &self.table);
        let round = Round { config, plan, due, table, xid_verdicts: &self.xid_verdicts, pods: &self.pods };
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
