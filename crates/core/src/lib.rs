//! Weir's engine.
mod ack;
mod batch;
mod clock;
mod component;
mod door;
mod edge;
mod graph;
mod health;
mod interner;
mod ledger;
mod metadata;
mod per_series;
mod pool;
mod process;
pub mod pressure;
mod registry;
mod series;
mod status;
pub mod telemetry;
mod value;

pub use ack::{Ack, Fate, Verdict};
pub use batch::{
    Batch, ExponentialHistogramPoint, Flags, HistogramPoint, MAX_POINTS, Number, NumberPoint, Span, SummaryPoint,
};
pub use clock::{Clock, UnixNanos};
pub use component::{
    ComponentError, Config, Context, Drain, Exporter, ExporterFactory, Extension, ExtensionFactory, Facts, Factory, Out,
    Processor, ProcessorFactory, Receiver, ReceiverFactory, State,
};
pub use door::{Door, Doors, MIN_RETENTION, Resolved, Sender};
pub use edge::{Delivery, Edge, Inbox, InboxSender, NotTaken, Output, inbox};
pub use graph::{
    Ending, Graph, Limits, LogLevel, Logs, Metrics, MetricsLevel, Pipeline, Plan, Planned, Service, Stage, StartError, Telemetry, plan,
};
pub use health::{ComponentStatus, Health, Pulse, StatusReport};
pub use interner::{Interner, InternerStats, Lease, OVERFLOW_ATTRIBUTE, SeriesCap, Swept};
pub use ledger::{Account, EdgeEntry, EdgeLedger, Ledger, NodeEntry, NodeLedger, Reason};
pub use metadata::{Metadata, Snapshot};
pub use per_series::{PerSeries, PerStream};
pub use process::Process;
pub use pressure::Pressure;
pub use registry::{Component, ComponentKind, Maker, Parsed};
pub use series::{
    Descriptor, Identity, Kind, Resource, Scope, Series, SeriesId, StreamId, Temporality,
};
pub use status::{Status, StatusRow};
pub use value::{Attributes, KeyValue, Value};
