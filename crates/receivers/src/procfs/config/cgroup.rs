//! Configuration of `cgroup`, `pods` and `pressure`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a cgroup's controllers tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Controller {
    /// CPU time, throttling, limit.
    Cpu,
    /// Usage, working set, limit, page faults, what the limit did.
    Memory,
    /// Bytes and operations of disks.
    Io,
    /// Processes and threads.
    Pids,
    /// How long processes waited for CPU, memory and disks.
    Pressure,
}

/// A list of controllers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Controllers(Vec<Controller>);

impl Controllers {
    /// Those of the list.
    pub fn iter(&self) -> impl Iterator<Item = Controller> + '_ {
        self.0.iter().copied()
    }

    /// Every one.
    pub fn all() -> Self {
        use Controller::{Cpu, Io, Memory, Pids, Pressure};
        Self(vec![Cpu, Memory, Io, Pids, Pressure])
    }
}

/// One cgroup of version 2.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct CgroupConfig {
    /// Its path in the tree, such as `/system.slice/nginx.service`; left out: the one that Weir is in, which is its container's.
    pub path: Option<PathBuf>,
    /// What to report of it.
    pub controllers: Controllers,
}

impl Default for CgroupConfig {
    fn default() -> Self {
        Self { path: None, controllers: Controllers::all() }
    }
}

/// The pods of a node, from its tree of cgroups of version 2.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PodsConfig {
    /// Whether containers are reported beside their pods.
    pub containers: bool,
    /// What to report of each.
    pub controllers: Controllers,
}

impl Default for PodsConfig {
    fn default() -> Self {
        Self { containers: false, controllers: Controllers(vec![Controller::Cpu, Controller::Memory]) }
    }
}

/// How long processes waited, from `/proc/pressure`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PressureConfig {}
