//! The names of OpenTelemetry's semantic conventions, beside the older ones that the Collector has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_core::Value;

/// Whose names metrics and attributes have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Conventions {
    /// Those that the Collector's `hostmetrics` has by default.
    #[default]
    #[serde(rename = "collector")]
    Collector,
    /// Those of the semantic conventions 1.44.
    #[serde(rename = "v1.44")]
    V144,
}

/// What a series is called.
#[derive(Debug, PartialEq)]
pub(super) struct Named {
    pub(super) metric: &'static str,
    pub(super) unit: &'static str,
    pub(super) attributes: Vec<(&'static str, Value)>,
}

/// Metrics with another name or unit: the Collector's name, the new one, its unit.
pub(super) const METRICS: &[(&str, &str, &str)] = &[
    ("system.linux.memory.available", "system.memory.linux.available", "By"),
    ("system.disk.operations", "system.disk.operations", "{operation}"),
    ("system.disk.merged", "system.disk.merged", "{operation}"),
    ("system.network.packets", "system.network.packet.count", "{packet}"),
    ("system.network.dropped", "system.network.packet.dropped", "{packet}"),
    ("system.network.errors", "system.network.errors", "{error}"),
    ("system.network.connections", "system.network.connection.count", "{connection}"),
    ("system.paging.operations", "system.paging.operations", "{operation}"),
    ("system.paging.faults", "system.paging.faults", "{fault}"),
    ("system.processes.count", "system.process.count", "{process}"),
    ("system.processes.created", "system.process.created", "{process}"),
    ("process.threads", "process.thread.count", "{thread}"),
    ("process.open_file_descriptors", "process.unix.file_descriptor.count", "{file_descriptor}"),
    ("process.context_switches", "process.context_switches", "{context_switch}"),
    ("process.paging.faults", "process.paging.faults", "{fault}"),
];

/// Attributes with another key, by the beginning of the Collector's name of the metric: the first that fits.
pub(super) const ATTRIBUTES: &[(&str, &str, &str)] = &[
    ("system.cpu.", "cpu", "cpu.logical_number"),
    ("system.cpu.", "state", "cpu.mode"),
    ("system.memory.", "state", "system.memory.state"),
    ("system.disk.", "device", "system.device"),
    ("system.disk.", "direction", "disk.io.direction"),
    ("system.filesystem.", "device", "system.device"),
    ("system.filesystem.", "mode", "system.filesystem.mode"),
    ("system.filesystem.", "mountpoint", "system.filesystem.mountpoint"),
    ("system.filesystem.", "type", "system.filesystem.type"),
    ("system.filesystem.", "state", "system.filesystem.state"),
    ("system.network.packets", "device", "system.device"),
    ("system.network.", "device", "network.interface.name"),
    ("system.network.", "direction", "network.io.direction"),
    ("system.network.connections", "protocol", "network.transport"),
    ("system.network.connections", "state", "network.connection.state"),
    ("system.paging.", "device", "system.device"),
    ("system.paging.", "state", "system.paging.state"),
    ("system.paging.", "direction", "system.paging.direction"),
    ("system.paging.", "type", "system.paging.fault.type"),
    ("system.processes.", "status", "process.state"),
    ("process.cpu.", "state", "cpu.mode"),
    ("process.disk.", "direction", "disk.io.direction"),
    ("process.paging.", "type", "system.paging.fault.type"),
    ("process.context_switches", "type", "process.context_switch.type"),
];

/// Values that are written otherwise, by the new key. A connection's state is in small letters besides.
pub(super) const VALUES: &[(&str, &str, &str)] = &[
    ("cpu.mode", "wait", "iowait"),
    ("network.connection.state", "CLOSE", "closed"),
    ("network.connection.state", "FIN_WAIT1", "fin_wait_1"),
    ("network.connection.state", "FIN_WAIT2", "fin_wait_2"),
    ("network.connection.state", "SYN_RECV", "syn_received"),
    ("process.state", "zombies", "defunct"),
    ("system.paging.direction", "page_in", "in"),
    ("system.paging.direction", "page_out", "out"),
];

/// States of `system.memory.usage` that have become a metric of their own.
const SLABS: [(&str, &str); 2] =
    [("slab_reclaimable", "reclaimable"), ("slab_unreclaimable", "unreclaimable")];

impl Named {
    /// From the Collector's names to the newer ones; what those do not know keeps its own.
    pub(super) fn rename(&mut self) {
        let old = self.metric;
        if let Some((_, metric, unit)) = METRICS.iter().find(|(name, ..)| *name == old) {
            (self.metric, self.unit) = (metric, unit);
        }
        for (key, value) in &mut self.attributes {
            let renamed = |(of, from, _): &&(&str, &str, &str)| old.starts_with(of) && from == key;
            if let Some((_, _, to)) = ATTRIBUTES.iter().find(renamed) {
                *key = to;
            }
            *value = rewritten(key, value);
        }
        if old == "system.memory.usage"
            && let [(key, value)] = &mut *self.attributes
            && let Some((_, state)) = SLABS.iter().find(|(state, _)| value.as_str() == Some(state))
        {
            self.metric = "system.memory.linux.slab.usage";
            (*key, *value) = ("system.memory.linux.slab.state", Value::str(state));
        }
    }
}

fn rewritten(key: &str, value: &Value) -> Value {
    let Some(text) = value.as_str() else { return value.clone() };
    if let Some((_, _, to)) = VALUES.iter().find(|(of, from, _)| *of == key && *from == text) {
        return Value::str(to);
    }
    match key {
        "cpu.logical_number" => {
            let number = text.strip_prefix("cpu").and_then(|number| number.parse().ok());
            number.map_or_else(|| value.clone(), Value::Int)
        }
        "network.connection.state" => Value::str(text.to_ascii_lowercase()),
        _ => value.clone(),
    }
}
