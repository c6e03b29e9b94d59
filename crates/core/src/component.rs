//! What a component is (R8): the traits that receivers, processors, connectors, exporters and extensions implement, their
//! factories, and the context that they are built in. `docs/write-a-component.md` shows a complete one.

use std::{any::Any, sync::Arc, time::Duration};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;
use weir_config::Check;

use crate::{
    batch::Batch,
    clock::{Clock, UnixNanos},
    door::Doors,
    edge::{Inbox, Output},
    interner::Interner,
    ledger::NodeLedger,
    metadata::Metadata,
    offers::Offers,
    pressure::Pressure,
    status::Status,
    storage::{Storage, Storages},
};

/// Why a component could not start or go on: words for a person.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// What it needs of the system is not to be had: an address in use, a missing file, no region.
    #[error("{0}")]
    Unavailable(String),
    /// It may not do what it is told to.
    #[error("{0}")]
    NotAllowed(String),
    /// It failed while running.
    #[error("{0}")]
    Failed(String),
}

/// State handed from a stage to its successor over a reload (R7).
pub type State = Box<dyn Any + Send>;

/// Everything that the engine gives a component.
#[derive(Clone, Debug)]
pub struct Context {
    /// The component's id, such as `otlp/apps`.
    pub id: Arc<str>,
    /// The pipeline of a processor, such as `metrics/host`; empty for shared components.
    pub pipeline: Arc<str>,
    /// Series and their ids.
    pub interner: Arc<Interner>,
    /// Doors, for receivers.
    pub doors: Doors,
    /// The time.
    pub clock: Clock,
    /// The node's own counters.
    pub ledger: Arc<NodeLedger>,
    /// Whether memory is short.
    pub pressure: Pressure,
    /// What detectors found out.
    pub metadata: Metadata,
    /// What components keep over restarts.
    pub storages: Storages,
    /// What extensions offer.
    pub offers: Offers,
    /// The component's row in `/status`.
    pub status: Status,
    /// How the end of the process comes about.
    pub drain: Drain,
}

impl Context {
    /// The component's own place in the storage that the extension `id` offers; `None` where that is switched off.
    /// `format` names what the saved bytes mean.
    pub fn storage(&self, id: &str, format: &'static str) -> Option<Storage> {
        let owner = match &*self.pipeline {
            "" => self.id.to_string(),
            pipeline => format!("{}@{pipeline}", self.id),
        };
        self.storages.open(id, owner, format)
    }
}

/// The stages of an orderly end (R14).
#[derive(Clone, Debug, Default)]
pub struct Drain {
    /// Cancelled when draining begins: receivers stop taking in.
    pub begun: CancellationToken,
    /// Cancelled five seconds before the deadline: exporters stop retrying and count what is left.
    pub hurry: CancellationToken,
    /// Receivers that collect do so once, at once, and return; the drain begins when all have.
    pub once: bool,
}

/// A source of points.
#[async_trait]
pub trait Receiver: Send {
    /// Takes hold of what it needs, such as its listeners: once every receiver has, Weir has started.
    ///
    /// # Errors
    /// What it needs is not to be had.
    async fn start(&mut self) -> Result<(), ComponentError> {
        Ok(())
    }

    /// Receives until `context.drain.begun`, then finishes what it has begun and returns.
    ///
    /// # Errors
    /// It cannot go on: the process drains and ends non-zero.
    async fn run(self: Box<Self>, output: Output) -> Result<(), ComponentError>;

    /// How long a series of this receiver may be idle and still be the same series.
    fn retention(&self) -> Duration {
        Duration::ZERO
    }
}

/// A stage between receivers and exporters: synchronous, without I/O and locks. Connectors are processors too, between pipelines.
pub trait Processor: Send {
    /// Takes a batch; what goes on is pushed to `out`, now or later. Points that end here are counted in the context's ledger.
    fn process(&mut self, batch: Batch, out: &mut Out);

    /// Called every [`Processor::tick_every`].
    fn tick(&mut self, _now: UnixNanos, _out: &mut Out) {}

    /// How often it wants [`Processor::tick`]; never by default.
    fn tick_every(&self) -> Option<Duration> {
        None
    }

    /// The last call: whatever is held goes out.
    fn flush(&mut self, _out: &mut Out) {}

    /// How many points it holds now: counted, not computed from what went in and out.
    fn held(&self) -> u64 {
        0
    }

    /// What a successor may take over (R7).
    fn into_state(self: Box<Self>) -> Option<State> {
        None
    }

    /// How long it keeps state of an idle stream.
    fn retention(&self) -> Duration {
        Duration::ZERO
    }
}

/// A destination of points.
#[async_trait]
pub trait Exporter: Send {
    /// Takes hold of what it needs. The destination being away is no reason to fail.
    ///
    /// # Errors
    /// What it needs is not to be had.
    async fn start(&mut self) -> Result<(), ComponentError> {
        Ok(())
    }

    /// Exports until the inbox closes, delivers what is held, and returns. Every ack is settled.
    ///
    /// # Errors
    /// It cannot go on: the process drains and ends non-zero.
    async fn run(self: Box<Self>, inbox: Inbox) -> Result<(), ComponentError>;

    /// How long it keeps state of an idle stream.
    fn retention(&self) -> Duration {
        Duration::ZERO
    }
}

/// Something that points do not pass: health endpoints, storage.
#[async_trait]
pub trait Extension: Send {
    /// Takes hold of what it needs, such as its listener.
    ///
    /// # Errors
    /// What it needs is not to be had.
    async fn start(&mut self) -> Result<(), ComponentError> {
        Ok(())
    }

    /// Runs until `stop` is cancelled, which is after the graph has drained.
    ///
    /// # Errors
    /// It cannot go on.
    async fn run(self: Box<Self>, stop: CancellationToken) -> Result<(), ComponentError>;
}

/// Where a processor puts what goes on.
#[derive(Debug, Default)]
pub struct Out(Vec<Batch>);

impl Out {
    /// Sends `batch` on once the call returns.
    pub fn push(&mut self, batch: Batch) {
        self.0.push(batch);
    }

    /// Takes out what was pushed.
    pub fn take(&mut self) -> Vec<Batch> {
        std::mem::take(&mut self.0)
    }

    /// Points pushed so far.
    pub fn points(&self) -> u64 {
        self.0.iter().map(Batch::points).sum()
    }
}

/// An address that a component listens on without TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenListener {
    /// The path of its key below the component.
    pub path: Vec<String>,
    /// Host and port.
    pub address: String,
    /// Whether senders must say who they are.
    pub authenticates: bool,
}

/// What `validate` and the lints need to know of a configured component.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Where it listens without TLS.
    pub open_listeners: Vec<OpenListener>,
    /// It produces, or passes on from its senders, cumulative counters.
    pub cumulative: bool,
    /// It turns cumulative counters into deltas.
    pub makes_delta: bool,
    /// It wants deltas: cumulative counters would be shown as they are.
    pub wants_delta: bool,
    /// It gathers points for this long.
    pub window: Option<Duration>,
    /// In words, what becomes a dimension of what it sends, and then what differs for some metrics, a line each; `validate`
    /// shows it, as dimensions are what is billed.
    pub dimensions: Vec<String>,
    /// The extension that keeps its state, as its key `storage` names it.
    pub storage: Option<String>,
    /// It keeps the state of others.
    pub stores: bool,
    /// It collects by itself, at intervals: what `run --once` can wait for.
    pub collects: bool,
    /// The extensions that check its clients, each with the path of the key that names it.
    pub authenticators: Vec<(Vec<String>, String)>,
    /// It checks the clients of others.
    pub authenticates: bool,
    /// It answers its clients only when their points are exported.
    pub waits_for_export: bool,
    /// Its points are of this machine or this pod: it reads the machine, or nobody else can reach its listeners.
    pub of_this_host: bool,
    /// It gives what detectors find out to points of this host, and to no others.
    pub enriches_this_host: bool,
    /// Its points may be of other pods of this node, whose names or ids their resources have.
    pub tells_pods: bool,
    /// It writes the names of Weir's own pod into resources.
    pub writes_own_pod: Option<OwnPod>,
}

/// Where the names of Weir's own pod come from, and what to write so that they are left out.
#[derive(Clone, Debug)]
pub struct OwnPod {
    /// The path of the key that asks for them.
    pub path: Vec<String>,
    /// Without them.
    pub without: String,
}

/// A component's configuration: typed, every key documented by its doc comment, every key with a default or required.
pub trait Config: DeserializeOwned + JsonSchema + Send + 'static {
    /// Reports what types cannot say: ranges, keys that exclude each other.
    fn check(&self, _check: &mut Check<'_>) {}

    /// What the lints need to know.
    fn facts(&self) -> Facts {
        Facts::default()
    }
}

/// Makes components of one type.
pub trait Factory: 'static {
    /// Its configuration.
    type Config: Config;
    /// The name in configurations.
    const TYPE: &'static str;
    /// Other names that mean the same.
    const ALIASES: &'static [&'static str] = &[];
    /// What it does, in one line.
    const SUMMARY: &'static str;
}

/// Makes receivers.
pub trait ReceiverFactory: Factory {
    /// A receiver of this configuration.
    fn build(config: Self::Config, context: Context) -> Box<dyn Receiver>;
}

/// Makes processors, or connectors.
pub trait ProcessorFactory: Factory {
    /// A processor of this configuration; `prior` is what its predecessor left (R7).
    fn build(config: Self::Config, context: Context, prior: Option<State>) -> Box<dyn Processor>;
}

/// Makes exporters.
pub trait ExporterFactory: Factory {
    /// An exporter of this configuration.
    fn build(config: Self::Config, context: Context) -> Box<dyn Exporter>;
}

/// Makes extensions.
pub trait ExtensionFactory: Factory {
    /// An extension of this configuration; `health` is what it may show.
    fn build(config: Self::Config, context: Context, health: crate::health::Health) -> Box<dyn Extension>;
}
