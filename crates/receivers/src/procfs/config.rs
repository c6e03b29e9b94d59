//! The configuration, in the Collector's shape.

mod cgroup;
mod filters;
mod listed;
mod processes;
mod scrapers;

pub use cgroup::{CgroupConfig, Controller, Controllers, PodsConfig, PressureConfig};
pub use filters::{DeviceFilter, FsTypeFilter, InterfaceFilter, MatchType, MountPointFilter, ProcessFilter};
pub use listed::{Listed, Switch};
pub use processes::{
    PagingConfig, PagingMetrics, ProcessAttributes, ProcessConfig, ProcessMetrics, ProcessesConfig,
    ProcessesMetrics, SystemConfig, SystemMetrics,
};
pub use scrapers::{
    CpuConfig, CpuMetrics, DiskConfig, DiskMetrics, FilesystemConfig, FilesystemMetrics, LoadConfig,
    LoadMetrics, MemoryConfig, MemoryMetrics, NetworkConfig, NetworkMetrics, Scrapers,
};

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::{Check, Duration};
use weir_core::{Config, Facts};

use super::{conventions::Conventions, cwagent::CwAgentConfig};

/// The kernel counts CPU time in hundredths of a second: shorter intervals would show its steps, not the load.
const SHORTEST_INTERVAL: std::time::Duration = std::time::Duration::from_millis(100);

/// Configuration of `procfs`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ProcfsConfig {
    /// How often to scrape, at multiples of it on the clock; at least 100ms.
    pub collection_interval: Duration,
    /// How long after the start to scrape for the first time.
    pub initial_delay: Duration,
    /// Where the root of the machine is seen, such as `/hostfs` in a container.
    pub root_path: PathBuf,
    /// Whose names metrics and attributes have: `collector`, the Collector's, or `v1.44`, those of OpenTelemetry's semantic conventions
    /// of that version. What stands below `scrapers` is called as in the Collector with both.
    pub semantic_conventions: Conventions,
    /// What to scrape; a scraper that is listed without a value has its defaults, and with none listed all are on.
    pub scrapers: Scrapers,
    /// What the Amazon CloudWatch Agent measures, under its names: what stands below `metrics_collected` in its configuration. The
    /// scrapers are then only those that are listed too.
    #[serde(skip_serializing_if = "Listed::is_absent")]
    pub cwagent: Listed<CwAgentConfig>,
}

impl Default for ProcfsConfig {
    fn default() -> Self {
        Self {
            collection_interval: Duration::from_secs(60),
            initial_delay: Duration::from_secs(1),
            root_path: PathBuf::from("/"),
            semantic_conventions: Conventions::default(),
            scrapers: Scrapers::default(),
            cwagent: Listed::default(),
        }
    }
}

impl ProcfsConfig {
    /// The machine's root; the Collector writes an empty path for `/`.
    pub(super) fn root(&self) -> &Path {
        if self.root_path.as_os_str().is_empty() { Path::new("/") } else { &self.root_path }
    }

    /// The scrapers to run: all where nothing is listed, `cwagent` neither.
    pub(super) fn listed(&self) -> Scrapers {
        let scrapers = self.scrapers.clone();
        if self.cwagent.is_absent() { scrapers.or_all() } else { scrapers }
    }
}

impl Config for ProcfsConfig {
    fn check(&self, check: &mut Check<'_>) {
        if self.collection_interval.as_std() < SHORTEST_INTERVAL {
            let found = self.collection_interval.as_std();
            check.error(
                &["collection_interval"],
                format!("{found:?} is too short an interval: at least 100ms"),
            );
        }
        if !self.root().is_absolute() {
            let found = self.root_path.display();
            check.error(&["root_path"], format!("`{found}` is not an absolute path"));
        }
        check.not_taken(
            &["timeout"],
            "a round is not cut off: it takes as long as the kernel needs to answer",
            "take it out",
        );
        check.not_taken(
            &["metadata_collection_interval"],
            "it is for log records of entities, and Weir is for metrics",
            "take it out",
        );
        self.scrapers.check(check);
        if let Some(cwagent) = &self.cwagent.0 {
            cwagent.check(check);
        }
    }

    fn facts(&self) -> Facts {
        let listed = self.listed();
        let cumulative = !listed.is_empty(); // the Agent's counters are increments
        let tells_pods = !listed.pods.is_absent();
        Facts { cumulative, collects: true, of_this_host: true, tells_pods, ..Facts::default() }
    }
}
