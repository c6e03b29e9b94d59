//! The loop: which targets there are, and when each is scraped.
//!
//! # Layout
//! - [`PrometheusReceiver`]: starts the sources, and runs the loop; `manager`: what the loop knows; `deliver`: points go on.

mod deliver;
mod manager;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{StreamExt as _, stream::FuturesUnordered};
use tokio::sync::mpsc;
use weir_core::{ComponentError, Context, Output, Receiver};
use weir_net::SystemRoots;

use super::{
    config::{Job, PrometheusConfig},
    discovery::{self, Source, Teller},
    relabel::Relabel,
    scrape::JobScrape,
};
use manager::{JobState, Manager};

/// How many changes of sources may wait.
const UPDATES: usize = 64;

pub(super) struct PrometheusReceiver {
    /// Those of files included, which are read once; or why one of these cannot be.
    jobs: Result<Vec<Job>, String>,
    strict: bool,
    context: Context,
    ready: Option<Ready>,
}

/// What `start` has made.
struct Ready {
    jobs: Vec<JobState>,
    sources: Vec<(usize, usize, Source)>,
}

impl PrometheusReceiver {
    pub(super) fn new(config: PrometheusConfig, context: Context) -> Self {
        Self { jobs: config.jobs(), strict: config.strict, context, ready: None }
    }

    fn make_ready(&self) -> Result<Ready, ComponentError> {
        let roots = SystemRoots::default();
        let mut ready = Ready { jobs: Vec::new(), sources: Vec::new() };
        for job in self.jobs.clone().map_err(ComponentError::Unavailable)? {
            let at = ready.jobs.len();
            let (state, sources) = self.job(job, &roots)?;
            ready.jobs.push(state);
            ready
                .sources
                .extend(sources.into_iter().enumerate().map(|(number, source)| (at, number, source)));
        }
        Ok(ready)
    }

    fn job(&self, job: Job, roots: &SystemRoots) -> Result<(JobState, Vec<Source>), ComponentError> {
        let name = job.config.job_name.clone();
        let failed =
            |error: &dyn std::fmt::Display| ComponentError::Unavailable(format!("job `{name}`: {error}"));
        // Steps that cannot be were reported when the configuration was checked.
        let steps = |steps| Relabel::new(steps).map_err(|wrong| failed(&wrong[0].1));
        let relabel = steps(&job.config.relabel_configs)?;
        let of_series = steps(&job.config.metric_relabel_configs)?;
        let scrape = JobScrape::new(&job, of_series, self.strict, roots);
        let scrape = Arc::new(scrape.map_err(|error| failed(&error))?);
        let sources = discovery::sources(&job.config, roots).map_err(|error| failed(&error))?;
        Ok((JobState::new(job, scrape, relabel, sources.len()), sources))
    }
}

#[async_trait]
impl Receiver for PrometheusReceiver {
    async fn start(&mut self) -> Result<(), ComponentError> {
        self.ready = Some(self.make_ready()?);
        Ok(())
    }

    async fn run(mut self: Box<Self>, output: Output) -> Result<(), ComponentError> {
        if self.ready.is_none() {
            self.start().await?;
        }
        let Self { context, ready, .. } = *self;
        let Some(Ready { jobs, sources }) = ready else { return Ok(()) };
        let scrapes: Vec<Arc<JobScrape>> = jobs.iter().map(|job| Arc::clone(&job.scrape)).collect();
        let (updates, heard) = mpsc::channel(UPDATES);
        let mut telling = FuturesUnordered::new();
        for (job, number, source) in sources {
            let name = Arc::clone(&scrapes[job].name);
            telling.push(source.run(Teller::new(job, number, name, updates.clone(), context.clone())));
        }
        drop(updates);
        let mut watching: FuturesUnordered<_> =
            scrapes.iter().map(|scrape| async { scrape.asker.watch().await }).collect();
        let manager = Manager::new(jobs, context, output);
        let others = async {
            while telling.next().await.is_some() {}
            while watching.next().await.is_some() {}
            std::future::pending::<std::convert::Infallible>().await
        };
        tokio::select! {
            ended = manager.run(heard) => ended,
            never = others => match never {},
        }
    }

    fn retention(&self) -> Duration {
        // A target may miss a round and still be the same.
        let longest = self.jobs.iter().flatten().map(|job| job.interval.0).max().unwrap_or_default();
        longest * 2
    }
}
