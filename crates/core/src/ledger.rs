//! The ledger (R13): what each node took in, made, passed on, merged, holds and dropped. No counter is derived from the others.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use parking_lot::Mutex;

use crate::sending::Sending;

/// Why points were dropped or refused: a word that is counted, logged and documented (`docs/ledger.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason(pub &'static str);

impl Reason {
    /// A part of a batch vanished without a verdict.
    pub const ABANDONED: Self = Self("abandoned");
    /// The next node or queue stayed full.
    pub const QUEUE_FULL: Self = Self("queue_full");
    /// The next node has ended.
    pub const NODE_ENDED: Self = Self("node_ended");
    /// The node panicked over it.
    pub const PANICKED: Self = Self("panicked");
    /// The cap on series was reached (R4).
    pub const SERIES_CAP: Self = Self("series_cap");
    /// Sent to a component that is switched off by `enabled: false`.
    pub const DISABLED: Self = Self("disabled");
    /// The time to drain ran out.
    pub const SHUTDOWN: Self = Self("shutdown");
    /// Memory is short: the sender is asked to come again.
    pub const MEMORY_PRESSURE: Self = Self("memory_pressure");
    /// A value that is not a number, or infinite.
    pub const NOT_FINITE: Self = Self("not_finite");
    /// A point that says it has no value (`NoRecordedValue`).
    pub const NO_RECORDED_VALUE: Self = Self("no_recorded_value");
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The counters of one node, in points.
#[derive(Debug, Default)]
pub struct NodeLedger {
    taken: AtomicU64,
    made: AtomicU64,
    passed: AtomicU64,
    merged: AtomicU64,
    held: AtomicU64,
    exemplars: AtomicU64,
    queued_bytes: AtomicU64,
    queue_capacity: AtomicU64,
    repairs: Mutex<BTreeMap<Reason, u64>>,
    turned_away: Mutex<BTreeMap<Reason, u64>>,
    dropped: Mutex<BTreeMap<Reason, u64>>,
    refused: Mutex<BTreeMap<Reason, u64>>,
    sending: Sending,
}

impl NodeLedger {
    /// Points that reached the node: read at a receiver's door, or received from an edge.
    pub fn take(&self, points: u64) {
        self.taken.fetch_add(points, Relaxed);
    }

    /// Points that the node made by itself.
    pub fn make(&self, points: u64) {
        self.made.fetch_add(points, Relaxed);
    }

    /// Points passed on: taken by an edge, or, of an exporter, delivered.
    pub fn pass(&self, points: u64) {
        self.passed.fetch_add(points, Relaxed);
    }

    /// Points that were folded into others.
    pub fn merge(&self, points: u64) {
        self.merged.fetch_add(points, Relaxed);
    }

    /// Sets how many points the node holds.
    pub fn hold(&self, points: u64) {
        self.held.store(points, Relaxed);
    }

    /// Exemplars that were left behind; they are not points.
    pub fn leave_exemplars(&self, exemplars: u64) {
        self.exemplars.fetch_add(exemplars, Relaxed);
    }

    /// A request was turned away whole, its sender asked to come again. Its points, if they are known, are refused beside this.
    pub fn turn_away(&self, reason: Reason) {
        *self.turned_away.lock().entry(reason).or_default() += 1;
    }

    /// Requests that were turned away, by reason.
    pub fn turned_away(&self) -> BTreeMap<Reason, u64> {
        self.turned_away.lock().clone()
    }

    /// Sets how full the node's own queue is, in bytes.
    pub fn queue(&self, bytes: u64, capacity: u64) {
        self.queued_bytes.store(bytes, Relaxed);
        self.queue_capacity.store(capacity, Relaxed);
    }

    /// How full the node's own queue is, and its bound, in bytes; a bound of zero where there is no queue.
    pub fn queue_fill(&self) -> (u64, u64) {
        (self.queued_bytes.load(Relaxed), self.queue_capacity.load(Relaxed))
    }

    /// What an exporter says of its requests.
    pub fn sending(&self) -> &Sending {
        &self.sending
    }

    /// Names or values that were changed to what the destination takes. Points stay points: this is beside the balance.
    pub fn repair(&self, what: Reason, times: u64) {
        if times > 0 {
            *self.repairs.lock().entry(what).or_default() += times;
        }
    }

    /// What was repaired, and how often.
    pub fn repairs(&self) -> BTreeMap<Reason, u64> {
        self.repairs.lock().clone()
    }

    /// Points dropped, and why.
    pub fn drop_points(&self, reason: Reason, points: u64) {
        if points > 0 {
            *self.dropped.lock().entry(reason).or_default() += points;
        }
    }

    /// Points that a receiver turned away, and told its sender so.
    pub fn refuse(&self, reason: Reason, points: u64) {
        if points > 0 {
            *self.refused.lock().entry(reason).or_default() += points;
        }
    }

    /// The counters as they are now.
    pub fn read(&self) -> Account {
        Account {
            taken: self.taken.load(Relaxed),
            made: self.made.load(Relaxed),
            passed: self.passed.load(Relaxed),
            merged: self.merged.load(Relaxed),
            held: self.held.load(Relaxed),
            exemplars: self.exemplars.load(Relaxed),
            dropped: self.dropped.lock().clone(),
            refused: self.refused.lock().clone(),
        }
    }
}

/// Points that a node has taken and not passed on yet. What is left of them when it goes is counted as dropped `{shutdown}`: a
/// task that is given up while it waits for room leaves no hole in the books.
#[derive(Debug)]
pub struct InHand {
    ledger: Arc<NodeLedger>,
    points: u64,
}

impl InHand {
    /// `points` in the hands of the node that `ledger` accounts for.
    pub fn new(ledger: &Arc<NodeLedger>, points: u64) -> Self {
        Self { ledger: Arc::clone(ledger), points }
    }

    /// `points` of them were passed on, or counted otherwise.
    pub fn less(&mut self, points: u64) {
        self.points = self.points.saturating_sub(points);
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.ledger.drop_points(Reason::SHUTDOWN, self.points);
    }
}

/// The counters of a node at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Account {
    /// Points that reached the node.
    #[serde(rename = "in")]
    pub taken: u64,
    /// Points that the node made.
    pub made: u64,
    /// Points passed on or delivered.
    #[serde(rename = "out")]
    pub passed: u64,
    /// Points folded into others.
    pub merged: u64,
    /// Points held.
    pub held: u64,
    /// Exemplars left behind.
    pub exemplars: u64,
    /// Points dropped by reason.
    pub dropped: BTreeMap<Reason, u64>,
    /// Points turned away by reason.
    pub refused: BTreeMap<Reason, u64>,
}

impl serde::Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl Account {
    /// Points dropped for any reason.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Points turned away for any reason.
    pub fn refused_total(&self) -> u64 {
        self.refused.values().sum()
    }

    /// Whether `in + made = out + held + merged + dropped + refused`: true whenever the node is at rest.
    pub fn balances(&self) -> bool {
        self.taken + self.made
            == self.passed + self.held + self.merged + self.dropped_total() + self.refused_total()
    }
}

/// The counters of one edge, in points: from the node's output to the next node's inbox.
#[derive(Debug, Default)]
pub struct EdgeLedger {
    pub(crate) passed: AtomicU64,
    pub(crate) received: AtomicU64,
    pub(crate) queued_bytes: AtomicU64,
    pub(crate) dropped: Mutex<BTreeMap<Reason, u64>>,
}

impl EdgeLedger {
    /// Points sent into the edge.
    pub fn passed(&self) -> u64 {
        self.passed.load(Relaxed)
    }

    /// Points that came out at the far end.
    pub fn received(&self) -> u64 {
        self.received.load(Relaxed)
    }

    /// Bytes waiting in the edge.
    pub fn queued_bytes(&self) -> u64 {
        self.queued_bytes.load(Relaxed)
    }

    /// Points that this branch of a fan-out missed, by reason.
    pub fn dropped(&self) -> BTreeMap<Reason, u64> {
        self.dropped.lock().clone()
    }

    pub(crate) fn miss(&self, reason: Reason, points: u64) {
        *self.dropped.lock().entry(reason).or_default() += points;
    }
}

/// Every node's and edge's counters, by name: what the final table, `/status` and self-telemetry read.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<Books>>);

#[derive(Debug, Default)]
struct Books {
    nodes: Vec<NodeEntry>,
    edges: Vec<EdgeEntry>,
}

/// A node in the ledger.
#[derive(Clone, Debug)]
pub struct NodeEntry {
    /// What the node is: `receiver`, `processor`, `connector`, `exporter`.
    pub kind: &'static str,
    /// Its component id, such as `otlp/apps`.
    pub component: Arc<str>,
    /// The pipeline of a processor; empty for what pipelines share.
    pub pipeline: Arc<str>,
    /// Its counters.
    pub ledger: Arc<NodeLedger>,
}

/// An edge in the ledger.
#[derive(Clone, Debug)]
pub struct EdgeEntry {
    /// The name of the node it comes from.
    pub from: Arc<str>,
    /// The name of the node it leads to.
    pub to: Arc<str>,
    /// Its bound in bytes.
    pub capacity: u64,
    /// Its counters.
    pub ledger: Arc<EdgeLedger>,
}

impl NodeEntry {
    /// The name by which edges and logs call the node: `receiver otlp`, or `processor delta@metrics/host` in a pipeline.
    pub fn name(&self) -> String {
        if self.pipeline.is_empty() {
            format!("{} {}", self.kind, self.component)
        } else {
            format!("{} {}@{}", self.kind, self.component, self.pipeline)
        }
    }
}

impl Ledger {
    /// Enters a node.
    pub fn add_node(&self, entry: NodeEntry) {
        self.0.lock().nodes.push(entry);
    }

    /// Enters an edge.
    pub fn add_edge(&self, entry: EdgeEntry) {
        self.0.lock().edges.push(entry);
    }

    /// The nodes, in the order of the graph.
    pub fn nodes(&self) -> Vec<NodeEntry> {
        self.0.lock().nodes.clone()
    }

    /// The edges, in the order of the graph.
    pub fn edges(&self) -> Vec<EdgeEntry> {
        self.0.lock().edges.clone()
    }

    /// What does not add up, in words; empty at rest. Checks every node's balance, every fan-out branch
    /// (`out = passed + missed`), and every node's inflow against its edges.
    pub fn discrepancies(&self) -> Vec<String> {
        let books = self.0.lock();
        let mut found = Vec::new();
        for node in &books.nodes {
            let (name, account) = (node.name(), node.ledger.read());
            if !account.balances() {
                found.push(format!("{name} does not balance: {account:?}"));
            }
            for edge in books.edges.iter().filter(|edge| *edge.from == *name) {
                let missed: u64 = edge.ledger.dropped().values().sum();
                if account.passed != edge.ledger.passed() + missed {
                    found.push(format!(
                        "{name} passed {} on, but its edge to {} took {} and missed {missed}",
                        account.passed,
                        edge.to,
                        edge.ledger.passed()
                    ));
                }
            }
            let inflows: Vec<_> = books.edges.iter().filter(|edge| *edge.to == *name).collect();
            let arrived: u64 = inflows.iter().map(|edge| edge.ledger.passed()).sum();
            if !inflows.is_empty() && arrived != account.taken {
                found.push(format!("{name} took {} in, but its edges brought {arrived}", account.taken));
            }
        }
        found
    }
}
