//! A GPU's containers: who has it alone, and what each had and used of it.

use std::sync::Arc;

use weir_core::UnixNanos;
use weir_kubelet::Assignment;

use super::{
    super::{
        config::NvmlConfig,
        metric::Name,
        session::Who,
        sink::{self, Figure, Sink, own, own_counter},
    },
    Mig, Names, OfContainer, Owner,
    tenants::{Held, tenants},
};

/// Metrics that say what a program does with a GPU, by `Metric::name`. The others say how the board is: they are nobody's.
const USES: [&str; 33] = [
    "DCGM_FI_DEV_FB_USED_PERCENT",
    "gpu.clock.event",
    "gpu.clock.event.time",
    "gpu.clock.frequency",
    "gpu.encoder.frame_rate",
    "gpu.encoder.latency",
    "gpu.encoder.sessions",
    "gpu.graphics.utilization",
    "gpu.instance.graphics.utilization",
    "gpu.instance.memory.bandwidth.utilization",
    "gpu.instance.memory.free",
    "gpu.instance.memory.usage",
    "gpu.instance.pipe.utilization",
    "gpu.instance.sm.occupancy",
    "gpu.instance.sm.utilization",
    "gpu.io.rate",
    "gpu.memory.bandwidth.utilization",
    "gpu.memory.free",
    "gpu.memory.io.utilization",
    "gpu.nvlink.link.io",
    "gpu.performance.state",
    "gpu.pipe.utilization",
    "gpu.power",
    "gpu.process.count",
    "gpu.process.memory.usage",
    "gpu.sm.occupancy",
    "gpu.sm.utilization",
    "hw.energy",
    "hw.gpu.io",
    "hw.gpu.memory.usage",
    "hw.gpu.memory.utilization",
    "hw.gpu.utilization",
    "hw.power",
];

/// Whether the metric of this name says what a program does.
pub(in crate::nvml) fn is_use(name: &str) -> bool {
    USES.contains(&name)
}

/// What is known of a GPU at a moment.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::nvml) struct Sample {
    /// Percent of time in which a kernel ran.
    pub(in crate::nvml) utilization: Option<f64>,
    /// Bytes of memory in use.
    pub(in crate::nvml) used: Option<f64>,
}

/// What a container had of the GPU, and used of it.
#[derive(Debug)]
struct Usage {
    owner: Arc<Owner>,
    /// The GPU instance; none: the GPU.
    instance: Option<u32>,
    /// Which part of the GPU is its own; not known of an instance whose slices the driver does not tell.
    share: Option<f64>,
    /// It has the GPU alone: what the GPU does, it does.
    is_alone: bool,
    since: UnixNanos,
    /// Nanoseconds.
    allocated: f64,
    /// Nanoseconds in which a kernel ran; not known where the GPU does not tell, or others have it too.
    active: Option<f64>,
    /// Byte nanoseconds in which none ran.
    idle_memory: Option<f64>,
    /// It has it no more; what it had is said once more.
    is_over: bool,
}

/// A GPU's containers.
#[derive(Debug, Default)]
pub(in crate::nvml) struct Tenancy {
    migs: Vec<Mig>,
    tenants: Vec<(Held, Arc<Owner>)>,
    usages: Vec<Usage>,
    sampled: Option<UnixNanos>,
}

impl Tenancy {
    /// Takes in how the GPU is divided.
    pub(in crate::nvml) fn divide(&mut self, migs: Vec<Mig>) {
        self.migs = migs;
    }

    /// Takes in what the kubelet gave to containers.
    pub(in crate::nvml) fn let_to(&mut self, who: &Who, assigned: &[Assignment]) {
        self.tenants = tenants(who, &self.migs, assigned);
    }

    /// Whether this container has the GPU or a part of it.
    pub(in crate::nvml) fn has(&self, owner: &Owner) -> bool {
        self.tenants.iter().any(|(_, tenant)| **tenant == *owner)
    }

    /// Who has the GPU alone.
    pub(in crate::nvml) fn alone(&self) -> Option<&Arc<Owner>> {
        let (held, first) = self.tenants.first()?;
        let is_alone = *held == Held::Whole && self.tenants.iter().all(|(_, owner)| owner == first);
        is_alone.then_some(first)
    }

    /// Who has the GPU instance alone.
    pub(in crate::nvml) fn alone_on(&self, instance: u32) -> Option<&Arc<Owner>> {
        let mut owners = self.tenants.iter().filter(|(held, _)| held.instance() == Some(instance));
        let (_, first) = owners.next()?;
        owners.all(|(_, owner)| owner == first).then_some(first)
    }

    /// Counts on from the sample before. That time is for whoever had the GPU at its beginning.
    pub(in crate::nvml) fn sample(&mut self, now: UnixNanos, sample: Sample) {
        let passed = self.sampled.replace(now).map_or(0.0, |before| now.since(before).as_nanos() as f64);
        for usage in self.usages.iter_mut().filter(|usage| !usage.is_over) {
            usage.allocated += passed * usage.share.unwrap_or(0.0);
            let Some(percent) = sample.utilization.filter(|_| usage.is_alone) else { continue };
            *usage.active.get_or_insert(0.0) += passed * percent / 100.0;
            if let Some(used) = sample.used {
                let held = if percent > 0.0 { 0.0 } else { used };
                *usage.idle_memory.get_or_insert(0.0) += passed * held;
            }
        }
        self.meet(now);
    }

    /// Whose time begins and whose is over. Nothing is made anew where all stayed.
    fn meet(&mut self, now: UnixNanos) {
        let Self { migs, tenants, usages, .. } = self;
        usages.iter_mut().for_each(|usage| usage.is_over = true);
        for (held, owner) in &*tenants {
            let instance = held.instance();
            let at = usages.iter().position(|usage| usage.instance == instance && usage.owner == *owner);
            let at = at.unwrap_or_else(|| {
                usages.push(Usage::new(Arc::clone(owner), instance, now));
                usages.len() - 1
            });
            let of_all = || tenants.iter().filter(|(held, _)| held.instance() == instance);
            let (all, own) = (of_all().count(), of_all().filter(|(_, other)| other == owner).count());
            let part = instance.map_or(Some(1.0), |instance| {
                migs.iter().find(|mig| mig.instance == instance).and_then(|mig| mig.share)
            });
            usages[at].share = part.map(|part| part * own as f64 / all as f64);
            usages[at].is_alone = instance.is_none() && own == all;
            usages[at].is_over = false;
        }
    }

    /// Puts what containers had and used into `sink`, and forgets those that have nothing any more.
    pub(in crate::nvml) fn report(&mut self, config: &NvmlConfig, who: &Who, sink: &mut Sink<'_>) {
        for usage in &self.usages {
            let instance = usage.instance.map(|id| ("gpu.instance.id", u64::from(id)));
            let allocated = usage.share.map(|_| usage.allocated);
            for (name, unit, value) in [
                (sink::POD_ALLOCATED, "s", allocated),
                (sink::POD_ACTIVE, "s", usage.active),
                (sink::POD_IDLE_MEMORY, "By.s", usage.idle_memory),
            ] {
                if let Some(value) = value.filter(|_| config.lists(name)) {
                    let name = Name { scale: 1e-9, ..own_counter(name, unit) };
                    sink.put(Figure {
                        gpu: Some(who),
                        owner: Some(&usage.owner),
                        numbered: instance.as_slice(),
                        start: usage.since,
                        ..Figure::new(name, value)
                    });
                }
            }
        }
        self.usages.retain(|usage| !usage.is_over);
    }
}

impl Usage {
    fn new(owner: Arc<Owner>, instance: Option<u32>, since: UnixNanos) -> Self {
        Self {
            owner,
            instance,
            share: None,
            is_alone: false,
            since,
            allocated: 0.0,
            active: None,
            idle_memory: None,
            is_over: false,
        }
    }
}

/// Puts what containers' processes use into `sink`; those of no container without an owner, so that all together are the GPU's.
pub(in crate::nvml) fn report_processes(
    all: &[OfContainer],
    names: &Names,
    config: &NvmlConfig,
    who: &Who,
    sink: &mut Sink<'_>,
) {
    let owner = |one: &OfContainer| {
        let container = one.container.as_ref()?;
        Some(Arc::clone(names.get(&container.id).unwrap_or(&container.owner)))
    };
    for (at, one) in all.iter().enumerate() {
        let whose = owner(one);
        if all[..at].iter().any(|before| owner(before) == whose) {
            continue; // a container that was started anew has two ids under one name: they were added up
        }
        let mut sum = OfContainer::default();
        all[at..].iter().filter(|other| owner(other) == whose).for_each(|one| sum.add(one.memory, one.used));
        let figure =
            |name, value| Figure { gpu: Some(who), owner: whose.as_deref(), ..Figure::new(name, value) };
        if let Some(bytes) = sum.memory
            && config.lists(sink::POD_MEMORY)
        {
            sink.put(figure(own(sink::POD_MEMORY, "By"), bytes as f64));
        }
        if let Some(used) = sum.used
            && config.lists(sink::POD_UTILIZATION)
        {
            let name = Name { scale: 0.01, ..own(sink::POD_UTILIZATION, "1") };
            for (task, percent) in ["general", "encoder", "decoder"].into_iter().zip(used) {
                let attributes = [("hw.gpu.task", task)];
                sink.put(Figure { attributes: &attributes, ..figure(name, f64::from(percent)) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::catalogue::metrics, *};

    #[test]
    fn what_is_said_of_owners_is_in_the_catalogue() {
        let all: Vec<_> = metrics().filter_map(|metric| Some(metric.name()?.name)).collect();
        let strangers: Vec<_> = USES.iter().filter(|name| !all.contains(name)).collect();
        assert_eq!(strangers, Vec::<&&str>::new());
    }
}
