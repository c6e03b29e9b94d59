//! From a figure to a point: names are resolved at the receiver's door, values go into the batch.

use std::sync::Arc;

use weir_core::{
    Attributes, Batch, Descriptor, Identity, Interner, KeyValue, Number, NumberPoint, Scope, Sender,
    Temporality, UnixNanos, Value,
};

use super::{
    metric::{Name, Profile, Shape},
    pods::{CONTAINER, NAMESPACE, Owner, POD},
    session::Who,
};

/// Whether the GPU answers.
pub(super) const UP: &str = "gpu.up";
/// How many GPUs answer.
pub(super) const COUNT: &str = "gpu.count";
/// How many GPUs less than expected there are.
pub(super) const MISSING: &str = "gpu.missing";
/// How many GPUs have not answered in time, and still not.
pub(super) const STUCK: &str = "gpu.stuck";
/// The verdict: 0 nothing, 1 watch, 2 reset required, 3 replace.
pub(super) const HEALTH: &str = "gpu.health";
/// By rule: whether it holds.
pub(super) const HEALTH_RULE: &str = "gpu.health.rule";
/// XIDs since the start, by code.
pub(super) const XIDS: &str = "gpu.xid.errors";
/// By metric: whether the GPU has it.
pub(super) const SUPPORTED: &str = "gpu.metric.supported";
/// GPU-seconds for which a container had a GPU, or its part of one.
pub(super) const POD_ALLOCATED: &str = "gpu.pod.allocated.time";
/// GPU-seconds of those in which a kernel ran.
pub(super) const POD_ACTIVE: &str = "gpu.pod.active.time";
/// Memory that was held while no kernel ran, by how long.
pub(super) const POD_IDLE_MEMORY: &str = "gpu.pod.idle.memory";
/// Energy of a container's use of a GPU.
pub(super) const POD_ENERGY: &str = "gpu.pod.energy";
/// Memory of a container's processes.
pub(super) const POD_MEMORY: &str = "gpu.pod.memory.usage";
/// How much of the GPU a container's processes use.
pub(super) const POD_UTILIZATION: &str = "gpu.pod.utilization";
/// Whether the kubelet answers.
pub(super) const PODS_UP: &str = "gpu.pods.up";

/// DCGM exporter's, under its names alone: the last XID, 0 where there was none.
pub(super) const LAST_XID: &str = "DCGM_FI_DEV_XID_ERRORS";
/// The same: what goes over all NVLinks, both ways together.
pub(super) const NVLINK_TOTAL: &str = "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL";

/// What is published beside the catalogue.
pub(super) const OWN: &[&str] = &[
    UP,
    COUNT,
    MISSING,
    STUCK,
    HEALTH,
    HEALTH_RULE,
    XIDS,
    SUPPORTED,
    POD_ALLOCATED,
    POD_ACTIVE,
    POD_IDLE_MEMORY,
    POD_ENERGY,
    POD_MEMORY,
    POD_UTILIZATION,
    PODS_UP,
];

/// A gauge of [`OWN`].
pub(super) const fn own(name: &'static str, unit: &'static str) -> Name {
    Name { name, unit, scale: 1.0, shape: Shape::Gauge }
}

/// A counter of [`OWN`].
pub(super) const fn own_counter(name: &'static str, unit: &'static str) -> Name {
    Name { name, unit, scale: 1.0, shape: Shape::Counter }
}

/// Where figures go.
#[derive(Debug)]
pub(super) struct Sink<'a> {
    pub(super) sender: Sender<'a>,
    pub(super) batch: Batch,
    /// A buffer for aliases.
    pub(super) alias: &'a mut Vec<u8>,
    pub(super) profile: Profile,
    pub(super) now: UnixNanos,
    /// Points turned away by the cap on series.
    pub(super) over_cap: u64,
}

/// A point to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figure<'a> {
    pub(super) name: Name,
    /// Whose it is; `None` for the machine's.
    pub(super) gpu: Option<&'a Who>,
    /// The container that had the GPU.
    pub(super) owner: Option<&'a Owner>,
    pub(super) attributes: &'a [(&'static str, &'static str)],
    /// More attributes, whose values are numbers.
    pub(super) numbered: &'a [(&'static str, u64)],
    pub(super) start: UnixNanos,
    /// In NVML's unit.
    pub(super) value: f64,
}

impl Figure<'_> {
    /// A figure of the machine.
    pub(super) const fn new(name: Name, value: f64) -> Self {
        Self { name, gpu: None, owner: None, attributes: &[], numbered: &[], start: UnixNanos(0), value }
    }
}

impl Sink<'_> {
    /// Puts a point in.
    pub(super) fn put(&mut self, figure: Figure<'_>) {
        self.alias.clear();
        let uuid = figure.gpu.map_or("", |who| &who.uuid);
        // A GPU that moved or has another driver has other attributes.
        let generation = figure.gpu.map_or(0, |who| who.generation);
        self.alias.extend_from_slice(uuid.as_bytes());
        self.alias.extend_from_slice(&generation.to_le_bytes());
        self.alias.extend_from_slice(figure.name.name.as_bytes());
        for (_, value) in figure.attributes {
            self.alias.push(0);
            self.alias.extend_from_slice(value.as_bytes());
        }
        for (key, number) in figure.numbered {
            self.alias.push(1);
            self.alias.extend_from_slice(key.as_bytes());
            self.alias.extend_from_slice(&number.to_le_bytes());
        }
        for (key, value) in figure.owner.into_iter().flat_map(Owner::attributes) {
            self.alias.push(2);
            self.alias.extend_from_slice(key.as_bytes());
            self.alias.push(0);
            self.alias.extend_from_slice(value.as_bytes());
        }
        let profile = self.profile;
        match self.sender.resolve(self.alias, |interner| identify(&figure, profile, interner)) {
            Ok(resolved) => {
                let is_counter = figure.name.shape == Shape::Counter;
                let start = if is_counter { figure.start } else { UnixNanos(0) };
                let value = number(figure.value, figure.name.scale);
                self.batch.numbers.push(NumberPoint::new(resolved.series, start, self.now, value));
            }
            Err(_) => self.over_cap += 1,
        }
    }
}

/// A figure that needs no scale and is whole stays an integer.
fn number(value: f64, scale: f64) -> Number {
    let is_whole = (scale - 1.0).abs() < f64::EPSILON && value.fract() == 0.0 && value.abs() < 9e18;
    if is_whole { Number::Int(value as i64) } else { Number::Double(value * scale) }
}

fn identify(figure: &Figure<'_>, profile: Profile, interner: &Interner) -> Identity {
    let text = |key: &str, value: &str| interner.attribute(key, Value::str(value));
    let mut attributes: Vec<_> = figure.attributes.iter().map(|(key, value)| text(key, value)).collect();
    let mut resource = Vec::new();
    attributes.extend(figure.numbered.iter().map(|(key, value)| text(key, &value.to_string())));
    if let Some(who) = figure.gpu {
        resource = identity(who, &text);
        let index = who.index.to_string();
        match profile {
            Profile::Semconv => {}
            Profile::Dcgm => {
                let device = format!("nvidia{index}");
                attributes.extend([text("gpu", &index), text("UUID", &who.uuid), text("device", &device)]);
                attributes.push(text("modelName", &who.name));
            }
            Profile::Cwagent => attributes.extend([text("index", &index), text("name", &who.name)]),
            Profile::GpuHealth => attributes.push(text("GPUIndex", &index)),
        }
    }
    for (key, value) in figure.owner.into_iter().flat_map(Owner::attributes) {
        match (profile, dcgm_label(key)) {
            (Profile::Dcgm, Some(label)) => attributes.push(text(label, value)),
            _ => resource.push(text(key, value)),
        }
    }
    let name = figure.name;
    let descriptor = match name.shape {
        Shape::Gauge => Descriptor::gauge(name.name, name.unit),
        Shape::Counter => Descriptor::sum(name.name, name.unit, Temporality::Cumulative, true),
    };
    Identity {
        resource: interner.resource(Attributes::new(resource), ""),
        scope: interner.scope(Scope { name: Arc::from("weir/nvml"), ..Scope::default() }),
        descriptor: interner.descriptor(descriptor),
        attributes: Attributes::new(attributes),
    }
}

/// DCGM exporter's label for what Kubernetes' attributes say.
fn dcgm_label(key: &str) -> Option<&'static str> {
    match key {
        NAMESPACE => Some("namespace"),
        POD => Some("pod"),
        CONTAINER => Some("container"),
        _ => None,
    }
}

/// Who a GPU is, as attributes of its resource.
fn identity(who: &Who, text: &dyn Fn(&str, &str) -> KeyValue) -> Vec<KeyValue> {
    let mut resource = vec![
        text("hw.id", &who.uuid),
        text("hw.type", "gpu"),
        text("hw.name", &who.name),
        text("hw.model", &who.name),
        text("hw.driver_version", &who.driver),
        text("gpu.index", &who.index.to_string()),
        text("gpu.pci.address", &who.pci),
        text("gpu.cuda.version", &format!("{}.{}", who.cuda / 1000, who.cuda % 1000 / 10)),
    ];
    resource.extend(who.serial.as_deref().map(|serial| text("hw.serial_number", serial)));
    resource.extend(who.vbios.as_deref().map(|version| text("hw.firmware_version", version)));
    resource
}
