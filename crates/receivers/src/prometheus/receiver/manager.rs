//! What the loop knows: jobs with their targets, what is due, what is under way.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
};
use weir_core::{ComponentError, Context, Output, Quiet, UnixNanos};

use super::deliver::deliver;
use crate::prometheus::{
    config::Job,
    discovery::{Group, Update},
    identity::{self, Found, Spec},
    ingest::{Labels, Scraped},
    relabel::Relabel,
    schedule::{Schedule, following},
    scrape::{JobScrape, Round, Scraper},
    targets::{Id, Table},
};

/// How long a scrape may still take once draining has begun.
const LAST_ROUND: Duration = Duration::from_secs(2);

/// A job and the targets that it has now.
pub(super) struct JobState {
    job: Job,
    pub(super) scrape: Arc<JobScrape>,
    relabel: Relabel,
    groups: Vec<Vec<Group>>,
    targets: HashMap<Arc<Spec>, Id>,
    quiet: Quiet,
}

impl JobState {
    pub(super) fn new(job: Job, scrape: Arc<JobScrape>, relabel: Relabel, sources: usize) -> Self {
        let groups = vec![Vec::new(); sources];
        Self { job, scrape, relabel, groups, targets: HashMap::new(), quiet: Quiet::default() }
    }
}

/// A target, between its scrapes or within one.
enum State {
    Idle(Box<Scraper>),
    Away(Then),
}

/// What comes when a scraper comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// The next time that is due.
    Waits,
    /// The next scrape, which was due meanwhile.
    Goes,
    /// Nothing: it is not discovered any more.
    Ends,
}

struct Entry {
    spec: Arc<Spec>,
    state: State,
}

/// The state of the loop.
pub(super) struct Manager {
    jobs: Vec<JobState>,
    entries: HashMap<Id, Entry>,
    last_id: Id,
    schedule: Schedule,
    table: Arc<Table>,
    running: JoinSet<(Id, Box<Scraper>)>,
    ending: JoinSet<()>,
    /// Connections that may be open at a time.
    places: Arc<Semaphore>,
    max_places: usize,
    /// Sources that have told nothing yet.
    silent: HashSet<(usize, usize)>,
    context: Context,
    output: Arc<Output>,
}

impl Manager {
    pub(super) fn new(jobs: Vec<JobState>, context: Context, output: Output) -> Self {
        let table = Arc::new(Table::default());
        context.status.asks(Arc::clone(&table) as _);
        let max_places = places();
        let sources =
            |(job, state): (usize, &JobState)| (0..state.groups.len()).map(move |source| (job, source));
        Self {
            silent: jobs.iter().enumerate().flat_map(sources).collect(),
            jobs,
            entries: HashMap::new(),
            last_id: 0,
            schedule: Schedule::default(),
            table,
            running: JoinSet::new(),
            ending: JoinSet::new(),
            places: Arc::new(Semaphore::new(max_places)),
            max_places,
            context,
            output: Arc::new(output),
        }
    }

    pub(super) async fn run(mut self, mut updates: mpsc::Receiver<Update>) -> Result<(), ComponentError> {
        let (clock, drain) = (self.context.clock.clone(), self.context.drain.clone());
        loop {
            if drain.once
                && self.silent.is_empty()
                && self.schedule.next().is_none()
                && self.running.is_empty()
            {
                break;
            }
            let next = self.schedule.next();
            let due = async {
                match next {
                    Some(at) => clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = drain.begun.cancelled() => break,
                Some(done) = self.running.join_next() => self.came_back(done)?,
                Some(ended) = self.ending.join_next() => ended.map_err(|error| failed(&error))?,
                Some(update) = updates.recv() => self.update(update),
                () = due => self.launch_due(),
            }
        }
        // Rounds that are under way see the drain themselves.
        while let Some(done) = self.running.join_next().await {
            done.map_err(|error| failed(&error))?;
        }
        while let Some(ended) = self.ending.join_next().await {
            ended.map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    /// A source has told its groups.
    fn update(&mut self, Update { job: at, source, groups }: Update) {
        self.silent.remove(&(at, source));
        let state = &mut self.jobs[at];
        state.groups[source] = groups;
        let mut found: HashSet<Arc<Spec>> = HashSet::new();
        let mut dropped = (Vec::new(), 0_u64);
        for group in state.groups.iter().flatten() {
            for target in identity::targets(group, &state.job, &state.relabel) {
                match target {
                    Ok(Found::Target(spec)) => _ = found.insert(Arc::new(spec)),
                    Ok(Found::Dropped(labels)) => {
                        dropped.1 += 1;
                        let kept = state.job.keep_dropped_targets;
                        if kept == 0 || dropped.1 <= kept {
                            dropped.0.push(labels);
                        }
                    }
                    Err(error) => complain(&self.context, state, &error),
                }
            }
        }
        self.set_targets(at, found, dropped);
    }

    fn set_targets(&mut self, at: usize, found: HashSet<Arc<Spec>>, (shown, dropped): (Vec<Labels>, u64)) {
        let now = self.context.clock.now();
        let state = &mut self.jobs[at];
        self.table.set_dropped(&state.scrape.name, shown, dropped);
        state.scrape.set_targets(found.len() as u64);
        let gone: Vec<Id> =
            state.targets.extract_if(|spec, _| !found.contains(spec)).map(|(_, id)| id).collect();
        for spec in found {
            if state.targets.contains_key(&spec) {
                continue;
            }
            self.last_id += 1;
            let id = self.last_id;
            let scraper = Scraper::new(Arc::clone(&state.scrape), Arc::clone(&spec), &self.context);
            self.table.add(id, &state.scrape.name, &spec);
            let first = match self.context.drain.once {
                true => now,
                false => following(now, spec.interval, spec.offset()),
            };
            self.schedule.add(first, id);
            state.targets.insert(Arc::clone(&spec), id);
            self.entries.insert(id, Entry { spec, state: State::Idle(Box::new(scraper)) });
        }
        gone.into_iter().for_each(|id| self.end(id));
    }

    /// A target is not discovered any more.
    fn end(&mut self, id: Id) {
        self.table.remove(id);
        let Some(entry) = self.entries.get_mut(&id) else { return };
        match std::mem::replace(&mut entry.state, State::Away(Then::Ends)) {
            State::Away(_) => {}
            State::Idle(scraper) => self.bury(id, *scraper),
        }
    }

    /// Its series go stale.
    fn bury(&mut self, id: Id, scraper: Scraper) {
        self.entries.remove(&id);
        let scraped = scraper.end(self.context.clock.now());
        let (context, output) = (self.context.clone(), Arc::clone(&self.output));
        self.ending.spawn(async move { deliver([scraped], &output, &context).await });
    }

    fn launch_due(&mut self) {
        let now = self.context.clock.now();
        while let Some(id) = self.schedule.due(now) {
            self.launch(id, now);
        }
    }

    fn launch(&mut self, id: Id, now: UnixNanos) {
        // One that is gone is in the schedule until its time comes.
        let Some(entry) = self.entries.get_mut(&id) else { return };
        if !self.context.drain.once {
            self.schedule.add(following(now, entry.spec.interval, entry.spec.offset()), id);
        }
        match &mut entry.state {
            State::Idle(_) => self.go(id),
            // A scrape that takes its whole interval is followed by the next one at once.
            State::Away(then @ Then::Waits) => *then = Then::Goes,
            State::Away(_) => self.table.skipped("missed"),
        }
    }

    /// Scrapes a target that is at hand.
    fn go(&mut self, id: Id) {
        let closes = self.entries.len() > self.max_places;
        let Some(entry) = self.entries.get_mut(&id) else { return };
        if self.context.pressure.is_high() {
            self.table.skipped("memory");
            return;
        }
        if let State::Idle(scraper) = std::mem::replace(&mut entry.state, State::Away(Then::Waits)) {
            let places = Arc::clone(&self.places);
            let (context, output) = (self.context.clone(), Arc::clone(&self.output));
            let table = Arc::clone(&self.table);
            self.running.spawn(async move {
                let Ok(place) = places.acquire_owned().await else { return (id, scraper) };
                (id, scrape(id, scraper, place, closes, &table, &context, &output).await)
            });
        }
    }

    fn came_back(
        &mut self,
        done: Result<(Id, Box<Scraper>), tokio::task::JoinError>,
    ) -> Result<(), ComponentError> {
        let (id, scraper) = done.map_err(|error| failed(&error))?;
        let Some(entry) = self.entries.get_mut(&id) else { return Ok(()) };
        match std::mem::replace(&mut entry.state, State::Idle(scraper)) {
            State::Away(Then::Goes) => self.go(id),
            State::Away(Then::Ends) => self.end(id),
            _ => {}
        }
        Ok(())
    }
}

/// One round: scrape, say how it went, pass the points on.
async fn scrape(
    id: Id,
    mut scraper: Box<Scraper>,
    place: OwnedSemaphorePermit,
    closes: bool,
    table: &Table,
    context: &Context,
    output: &Output,
) -> Box<Scraper> {
    let given_up = async {
        context.drain.begun.cancelled().await;
        context.clock.sleep(LAST_ROUND).await;
    };
    let round = tokio::select! {
        biased;
        round = scraper.round(context, closes) => round,
        () = given_up => return scraper,
    };
    // Points may wait for room: others are scraped meanwhile.
    drop(place);
    say(&scraper, &round, context);
    let Round { scraped, last } = round;
    table.scraped(id, last);
    deliver(scraped, output, context).await;
    scraper
}

/// What a person is told of a round: at most a line a minute and job.
fn say(scraper: &Scraper, round: &Round, context: &Context) {
    let (job, component, url) = (scraper.job(), &context.id, scraper.url());
    let now = context.clock.now();
    match &round.last.failure {
        None => context.status.succeeded(),
        Some((reason, error)) => {
            context.status.failed(format_args!("`{url}`: {error}"));
            if let Some(suppressed) = job.failures.speak(now) {
                tracing::warn!(%component, job = %job.name, %url, reason, suppressed, "scrape failed: {error}");
            }
        }
    }
    let Scraped { refused, example, .. } = &round.scraped[0];
    let lines: u64 = refused.values().sum();
    if lines > 0
        && let Some(suppressed) = job.refusals.speak(now)
    {
        let reasons: Vec<&str> = refused.keys().map(|reason| reason.0).collect();
        let (reasons, example) = (reasons.join(", "), example.as_deref().unwrap_or_default());
        tracing::warn!(%component, job = %job.name, %url, reasons, example, suppressed, "{lines} samples of a scrape were refused");
    }
}

fn complain(context: &Context, state: &JobState, error: &dyn std::fmt::Display) {
    context.status.failed(format_args!("job `{}`: {error}", state.scrape.name));
    if let Some(suppressed) = state.quiet.speak(context.clock.now()) {
        let component = &context.id;
        tracing::warn!(%component, job = %state.scrape.name, suppressed, "a target cannot be scraped: {error}");
    }
}

fn failed(error: &dyn std::fmt::Display) -> ComponentError {
    ComponentError::Failed(format!("a scrape broke off: {error}"))
}

/// Half of the files that the process may open: the rest is for exporters, listeners and files.
fn places() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit / 2).unwrap_or(usize::MAX).clamp(16, Semaphore::MAX_PERMITS)
}

#[cfg(test)]
mod tests;
