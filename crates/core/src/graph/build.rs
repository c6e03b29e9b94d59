//! From a plan to nodes and edges.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::plan::{Pipeline, Plan, Stage};
use crate::{
    component::{Context, Exporter, Extension, Processor, Receiver},
    edge::{Edge, Inbox, InboxSender, Output, inbox},
    ledger::{EdgeEntry, EdgeLedger, NodeEntry, NodeLedger},
    process::Process,
    registry::{ComponentKind, Maker},
    status::Status,
};

/// Nodes and edges, built and not yet started.
pub struct Graph {
    pub(super) process: Process,
    pub(super) receivers: Vec<(Node, Box<dyn Receiver>, Output)>,
    pub(super) processors: Vec<(Node, Box<dyn Processor>, Inbox, Output)>,
    pub(super) exporters: Vec<(Node, Box<dyn Exporter>, Inbox)>,
    /// What is switched off and still named: it counts what is sent to it.
    pub(super) sinks: Vec<(Node, Inbox)>,
    pub(super) extensions: Vec<(Node, Box<dyn Extension>)>,
    /// Held until draining begins: an exporter whose receivers are all switched off waits, it does not end.
    pub(super) entrances: Vec<InboxSender>,
    pub(super) shutdown_timeout: Duration,
    pub(super) retention: Duration,
    pub(super) memory_limit: Option<u64>,
}

/// What the engine keeps of a node.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) name: Arc<str>,
    pub(super) context: Context,
}

/// A node that batches can be sent to.
type Entrance = (Arc<str>, InboxSender);

impl Graph {
    /// Builds every node of `plan` and the edges between them.
    pub fn build(plan: Plan, process: &Process) -> Self {
        let Plan { components, pipelines, extensions, service } = plan;
        let kinds: Vec<(ComponentKind, bool)> = components.iter().map(|c| (c.kind, c.enabled)).collect();
        let ids: Vec<String> = components.iter().map(|c| c.id.clone()).collect();
        for component in components.iter().filter(|component| component.parsed.facts.of_this_host) {
            process.doors.set_of_this_host(&component.id);
        }
        let makers = components.into_iter().map(|component| Some(component.parsed.maker)).collect();
        let limits = &service.limits;
        let mut builder = Builder {
            ids,
            kinds,
            makers,
            edge_bytes: limits.edge_bytes.0,
            edge_wait: limits.edge_wait.0,
            shared: HashMap::new(),
            graph: Self {
                process: process.clone(),
                receivers: Vec::new(),
                processors: Vec::new(),
                exporters: Vec::new(),
                sinks: Vec::new(),
                extensions: Vec::new(),
                entrances: Vec::new(),
                shutdown_timeout: service.shutdown_timeout.0,
                retention: Duration::ZERO,
                memory_limit: (limits.memory.0 > 0).then_some(limits.memory.0),
            },
        };
        builder.extensions(&extensions);
        builder.build(&pipelines);
        builder.graph
    }
}

struct Builder {
    ids: Vec<String>,
    kinds: Vec<(ComponentKind, bool)>,
    makers: Vec<Option<Maker>>,
    edge_bytes: u64,
    edge_wait: Duration,
    /// Exporters and connectors: one node each, whatever number of pipelines name them.
    shared: HashMap<usize, Entrance>,
    graph: Graph,
}

impl Builder {
    fn build(&mut self, pipelines: &[Pipeline]) {
        // Where batches enter a pipeline: its first processor, or what comes after where there is none.
        let mut entrances: Vec<Vec<Entrance>> = Vec::new();
        let mut chains = Vec::new();
        for pipeline in pipelines {
            let exits: Vec<Entrance> =
                pipeline.exporters.iter().map(|stage| self.shared_node(stage)).collect();
            let chain = self.chain(pipeline);
            entrances.push(chain.first().map_or_else(|| exits.clone(), |first| vec![first.entrance.clone()]));
            chains.push((chain, exits));
        }
        self.receivers(pipelines, &entrances);
        for (chain, exits) in chains {
            self.wire_chain(chain, &exits);
        }
        self.connectors(pipelines, &entrances);
        self.graph.entrances = entrances.into_iter().flatten().map(|(_, sender)| sender).collect();
    }

    fn node(&self, component: usize, pipeline: &str) -> Node {
        let process = &self.graph.process;
        let (kind, enabled) = self.kinds[component];
        let entry = NodeEntry {
            kind: kind.name(),
            component: Arc::from(&*self.ids[component]),
            pipeline: Arc::from(pipeline),
            ledger: Arc::new(NodeLedger::default()),
        };
        let name = entry.name();
        let status = Status::new(process.clock.clone());
        if enabled {
            process.health.add_status(name.clone(), status.clone());
        }
        let context = Context {
            id: Arc::clone(&entry.component),
            pipeline: Arc::clone(&entry.pipeline),
            interner: Arc::clone(&process.interner),
            doors: process.doors.clone(),
            clock: process.clock.clone(),
            ledger: Arc::clone(&entry.ledger),
            pressure: process.pressure.clone(),
            metadata: process.metadata.clone(),
            storages: process.storages.clone(),
            offers: process.offers.clone(),
            status,
            drain: process.drain.clone(),
        };
        if kind != ComponentKind::Extension {
            process.ledger.add_node(entry);
        }
        Node { name: Arc::from(name), context }
    }

    fn keep(&mut self, retention: Duration) {
        self.graph.retention = self.graph.retention.max(retention);
    }

    fn extensions(&mut self, extensions: &[usize]) {
        for component in extensions.iter().copied().filter(|at| self.kinds[*at].1) {
            let node = self.node(component, "");
            if let Some(Maker::Extension(make)) = self.makers[component].take() {
                let extension = make(node.context.clone(), self.graph.process.health.clone());
                self.graph.extensions.push((node, extension));
            }
        }
    }

    /// The entrance of an exporter or a connector, built when it is first named.
    fn shared_node(&mut self, stage: &Stage) -> Entrance {
        if let Some(entrance) = self.shared.get(&stage.component) {
            return entrance.clone();
        }
        let node = self.node(stage.component, "");
        let (sender, inbox) = inbox(Arc::clone(&node.context.ledger));
        let entrance = (Arc::clone(&node.name), sender);
        self.shared.insert(stage.component, entrance.clone());
        let (kind, enabled) = self.kinds[stage.component];
        match self.makers[stage.component].take() {
            Some(Maker::Exporter(make)) if enabled => {
                let exporter = make(node.context.clone());
                self.keep(exporter.retention());
                self.graph.exporters.push((node, exporter, inbox));
            }
            Some(Maker::Processor(make)) if enabled && kind == ComponentKind::Connector => {
                let connector = make(node.context.clone(), None);
                self.keep(connector.retention());
                // Wired by `connectors`, when every pipeline has its entrance.
                let unwired = self.output(&node, &[]);
                self.graph.processors.push((node, connector, inbox, unwired));
            }
            _ => self.graph.sinks.push((node, inbox)),
        }
        entrance
    }

    /// The processors of a pipeline, one instance each; those that are switched off are left out, so that points pass.
    fn chain(&mut self, pipeline: &Pipeline) -> Vec<Link> {
        let mut links = Vec::new();
        for stage in &pipeline.processors {
            if !self.kinds[stage.component].1 {
                continue;
            }
            let node = self.node(stage.component, &pipeline.id);
            let Some(Maker::Processor(make)) = &self.makers[stage.component] else { continue };
            let processor = make(node.context.clone(), None);
            let (sender, inbox) = inbox(Arc::clone(&node.context.ledger));
            let entrance = (Arc::clone(&node.name), sender);
            self.keep(processor.retention());
            links.push(Link { node, processor, inbox, entrance });
        }
        links
    }

    fn wire_chain(&mut self, chain: Vec<Link>, exits: &[Entrance]) {
        let entrances: Vec<Entrance> = chain.iter().map(|link| link.entrance.clone()).collect();
        for (at, link) in chain.into_iter().enumerate() {
            let next = entrances.get(at + 1).map_or(exits, std::slice::from_ref);
            let output = self.output(&link.node, next);
            self.graph.processors.push((link.node, link.processor, link.inbox, output));
        }
    }

    fn receivers(&mut self, pipelines: &[Pipeline], entrances: &[Vec<Entrance>]) {
        for component in 0..self.kinds.len() {
            if self.kinds[component] != (ComponentKind::Receiver, true) {
                continue;
            }
            let targets = feeds(component, pipelines, entrances);
            if targets.is_empty() {
                continue;
            }
            let Some(Maker::Receiver(make)) = self.makers[component].take() else { continue };
            let node = self.node(component, "");
            let receiver = make(node.context.clone());
            self.keep(receiver.retention());
            let output = self.output(&node, &targets);
            self.graph.receivers.push((node, receiver, output));
        }
    }

    fn connectors(&mut self, pipelines: &[Pipeline], entrances: &[Vec<Entrance>]) {
        let connectors: Vec<(usize, Arc<str>)> =
            self.shared.iter().map(|(component, (name, _))| (*component, Arc::clone(name))).collect();
        for (component, name) in connectors {
            let targets = feeds(component, pipelines, entrances);
            let at = self.graph.processors.iter().position(|(node, ..)| node.name == name);
            if let Some(at) = at {
                let node = self.graph.processors[at].0.clone();
                self.graph.processors[at].3 = self.output(&node, &targets);
            }
        }
    }

    fn output(&self, from: &Node, to: &[Entrance]) -> Output {
        let process = &self.graph.process;
        let edges = to.iter().map(|(name, sender)| {
            let ledger = Arc::new(EdgeLedger::default());
            process.ledger.add_edge(EdgeEntry {
                from: Arc::clone(&from.name),
                to: Arc::clone(name),
                capacity: self.edge_bytes,
                ledger: Arc::clone(&ledger),
            });
            Edge::new(sender.clone(), self.edge_bytes, ledger)
        });
        Output::new(edges.collect(), Arc::clone(&from.context.ledger), process.clock.clone(), self.edge_wait)
    }
}

struct Link {
    node: Node,
    processor: Box<dyn Processor>,
    inbox: Inbox,
    entrance: Entrance,
}

/// Where a receiver or a connector sends to: the entrances of every pipeline that names it.
fn feeds(component: usize, pipelines: &[Pipeline], entrances: &[Vec<Entrance>]) -> Vec<Entrance> {
    let named = |pipeline: &Pipeline| pipeline.receivers.iter().any(|stage| stage.component == component);
    pipelines
        .iter()
        .zip(entrances)
        .filter(|(pipeline, _)| named(pipeline))
        .flat_map(|(_, entrances)| entrances.iter().cloned())
        .collect()
}
