//! The graph: from a configuration to running nodes.
//!
//! [`plan()`] reads and checks everything and starts nothing: `validate` stops there, `run` goes on with what it returns, so the two
//! cannot disagree. [`Graph::build`] makes nodes and edges; [`Graph::run`] starts, supervises and drains them.

mod build;
mod cycles;
mod ids;
mod lints;
mod node;
mod plan;
mod run;
mod service;
mod wants;

pub use build::Graph;
pub use lints::is_loopback;
pub use plan::{Pipeline, Plan, Planned, Stage, plan};
pub use run::{Ending, StartError};
pub use service::{Limits, LogLevel, Logs, Metrics, MetricsLevel, Service, Telemetry, service_schema};
