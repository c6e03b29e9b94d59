//! Where targets come from: lists that are written down, files, servers, DNS.
//!
//! Each source tells its groups anew whenever they have changed, and once at the start, be it that it has none or could not find them.
//!
//! # Layout
//! - [`Group`]: targets with labels in common; `groups`: groups as JSON and YAML;
//! - `file`, `http`, `dns`: a source each; `names`: questions to name servers.

mod dns;
mod file;
mod groups;
mod http;
mod names;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::sync::mpsc;
use weir_core::{Context, Quiet};
use weir_net::{LoadError, SystemRoots};

use super::{
    config::{DnsSd, FileSd, HttpSd, ScrapeConfig, StaticConfig},
    ingest::Labels,
};

/// The label that a target's address is in.
pub(super) const ADDRESS: &str = "__address__";

/// Targets that have labels in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Group {
    /// The labels of each target, its address among them.
    pub(super) targets: Vec<Labels>,
    /// Labels of all of them, where they have none of the same name.
    pub(super) labels: Labels,
}

impl Group {
    /// Targets by their addresses.
    fn of(addresses: impl IntoIterator<Item = impl AsRef<str>>, labels: Labels) -> Self {
        let target = |address: &dyn AsRef<str>| [(ADDRESS, address.as_ref())].into_iter().collect();
        Self { targets: addresses.into_iter().map(|address| target(&address)).collect(), labels }
    }
}

/// What a source tells.
#[derive(Debug)]
pub(super) struct Update {
    /// The job whose source it is.
    pub(super) job: usize,
    /// The source's number in its job.
    pub(super) source: usize,
    /// All of its groups; none where the first attempt to find them failed.
    pub(super) groups: Vec<Group>,
}

/// A source of targets.
#[derive(Debug)]
pub(super) enum Source {
    /// Lists that never change.
    Static(Vec<Group>),
    File(file::FileSource),
    Http(Box<http::HttpSource>),
    Dns(dns::DnsSource),
}

/// The sources of a job.
///
/// # Errors
/// A file that a client needs cannot be read.
pub(super) fn sources(config: &ScrapeConfig, roots: &SystemRoots) -> Result<Vec<Source>, LoadError> {
    let group = |list: &StaticConfig| Group::of(&list.targets, list.labels.iter().collect());
    let mut sources = vec![Source::Static(config.static_configs.iter().map(group).collect())];
    sources.extend(
        config.file_sd_configs.iter().map(|config: &FileSd| Source::File(file::FileSource::new(config))),
    );
    for config in &config.http_sd_configs {
        let config: &HttpSd = config;
        sources.push(Source::Http(Box::new(http::HttpSource::new(config, roots)?)));
    }
    sources
        .extend(config.dns_sd_configs.iter().map(|config: &DnsSd| Source::Dns(dns::DnsSource::new(config))));
    Ok(sources)
}

impl Source {
    /// Tells its groups until nobody listens any more.
    pub(super) async fn run(self, teller: Teller) {
        match self {
            Self::Static(groups) => teller.tell(groups).await,
            Self::File(files) => files.run(teller).await,
            Self::Http(server) => server.run(teller).await,
            Self::Dns(names) => names.run(teller).await,
        }
    }
}

/// By whom a source is heard.
#[derive(Debug)]
pub(super) struct Teller {
    pub(super) job: usize,
    pub(super) source: usize,
    pub(super) job_name: Arc<str>,
    pub(super) updates: mpsc::Sender<Update>,
    pub(super) context: Context,
    quiet: Quiet,
}

impl Teller {
    pub(super) fn new(
        job: usize,
        source: usize,
        job_name: Arc<str>,
        updates: mpsc::Sender<Update>,
        context: Context,
    ) -> Self {
        Self { job, source, job_name, updates, context, quiet: Quiet::default() }
    }

    /// Tells all groups.
    async fn tell(&self, groups: Vec<Group>) {
        let (job, source) = (self.job, self.source);
        // Nobody listens any more at the end.
        let _ = self.updates.send(Update { job, source, groups }).await;
    }

    /// Says in the log and in `/status` what is wrong with the source; what it told before stays.
    fn complain(&self, error: &dyn std::fmt::Display) {
        self.context.status.failed(format_args!("job `{}`: {error}", self.job_name));
        if let Some(suppressed) = self.quiet.speak(self.context.clock.now()) {
            let component = &self.context.id;
            tracing::warn!(%component, job = %self.job_name, suppressed, "targets cannot be discovered: {error}");
        }
    }

    fn is_over(&self) -> bool {
        self.updates.is_closed()
    }
}
