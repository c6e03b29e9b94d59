//! Weir's engine: how points travel, and how nothing of them is lost in silence. It knows no component and no network.
//!
//! # Layout
//! - What a point belongs to, resolved once at the door: `value`, `series`, `interner` (ids and leases; `pool` shares their parts),
//!   `canonical` (what a series is called outside of this process), `per_series` (state by series), `door` (senders and their aliases).
//! - How points travel: `batch`, `edge` (bounds, fan-out), `ack` (their fate, reported back), `ledger` (every count),
//!   `sending` (what exporters say of their requests).
//! - What a component is: `component` (traits, factories, context), `registry` (explicit lists), `metadata` (slow knowledge),
//!   `status` (what it says of itself), `targets` (what it says of whom it asks), `quiet` (how often it repeats itself in the log), `storage` (what it keeps over restarts), `offers` (what
//!   extensions do for it).
//! - The graph, in `graph/`: `plan` (configuration to checked plan; `cycles`, `lints`, `ids`, `service`, `wants` with it), `build` (nodes and
//!   edges), `node` (their tasks), `run` (start, supervision, drain).
//! - The process: `process` (what outlives a graph), `clock`, `health`, [`pressure`], [`telemetry`].

mod ack;
mod batch;
mod canonical;
mod clock;
mod component;
mod door;
mod edge;
mod graph;
mod health;
mod interner;
mod ledger;
mod metadata;
mod offers;
mod per_series;
mod pool;
pub mod pressure;
mod process;
mod quiet;
mod registry;
mod sending;
mod series;
mod status;
mod storage;
mod targets;
pub mod telemetry;
mod value;

pub use ack::{Ack, Fate, Verdict};
pub use batch::{
    Batch, ExponentialHistogramPoint, Flags, HistogramPoint, MAX_POINTS, Number, NumberPoint, Span,
    SummaryPoint,
};
pub use clock::{Clock, UnixNanos};
pub use component::{
    ComponentError, Config, Context, Drain, Exporter, ExporterFactory, Extension, ExtensionFactory, Factory,
    Facts, OpenListener, Out, OwnPod, Processor, ProcessorFactory, Receiver, ReceiverFactory, State,
};
pub use door::names::{Entry, NONE as NO_NAME, Names, Numbers};
pub use door::{Door, Doors, Heading, MIN_RETENTION, Predicted, Resolved, Sender, Under};
pub use edge::{Delivery, Edge, Inbox, InboxSender, NotTaken, Output, inbox};
pub use graph::{
    Ending, Graph, Limits, LogLevel, Logs, Metrics, MetricsLevel, Pipeline, Plan, Planned, Service, Stage,
    StartError, Telemetry, is_loopback, plan, service_schema,
};
pub use health::{ComponentStatus, Health, Pulse, StatusReport};
pub use interner::{Full, Interner, InternerStats, Lease, OVERFLOW_ATTRIBUTE, SeriesCap, Swept};
pub use ledger::{Account, EdgeEntry, EdgeLedger, InHand, Ledger, NodeEntry, NodeLedger, Reason};
pub use metadata::{Detector, DetectorState, Findings, Metadata, Source};
pub use offers::Offers;
pub use per_series::{PerSeries, PerStream};
pub use pressure::Pressure;
pub use process::Process;
pub use quiet::Quiet;
pub use registry::{Component, ComponentKind, Maker, Parsed};
pub use sending::{Sending, UnderWay};
pub use series::{Descriptor, Identity, Kind, Resource, Scope, Series, SeriesId, StreamId, Temporality};
pub use status::{MAX_QUARANTINED, Quarantined, Status, StatusRow};
pub use storage::{Drawer, Saved, Storage, StorageStats, Storages};
pub use targets::{ComponentTargets, TargetRow, TargetState, Targets};
pub use value::{Attributes, KeyValue, Value};
