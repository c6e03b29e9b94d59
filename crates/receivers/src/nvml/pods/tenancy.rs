//! A GPU's containers: who has it alone, and which of its figures say what they do with it.

use std::sync::Arc;

use weir_core::UnixNanos;
use weir_kubelet::Assignment;

use super::{
    super::{config::NvmlConfig, session::Who, sink::Sink},
    Mig, Names, OfContainer, Owner,
    tenants::{Held, tenants},
    usage::{Sample, Usages},
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

/// A GPU's containers.
#[derive(Debug, Default)]
pub(in crate::nvml) struct Tenancy {
    migs: Vec<Mig>,
    tenants: Vec<(Held, Arc<Owner>)>,
    usages: Usages,
}

impl Tenancy {
    /// Takes in how the GPU is divided, and answers whether that is news.
    pub(in crate::nvml) fn divide(&mut self, migs: Vec<Mig>) -> bool {
        let is_news = migs != self.migs;
        self.migs = migs;
        is_news
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

    /// Counts what containers had and used since the sample before; there is none where the GPU has not answered.
    pub(in crate::nvml) fn sample(&mut self, now: UnixNanos, sample: Option<Sample>) {
        self.usages.sample(now, sample);
        self.usages.meet(&self.tenants, &self.migs, now);
    }

    /// Divides what several used together by what their processes used.
    pub(in crate::nvml) fn divide_use(&mut self, processes: &[OfContainer], names: &Names) {
        self.usages.divide(processes, names);
    }

    /// Counts how much instances worked.
    pub(in crate::nvml) fn work(&mut self, now: UnixNanos, percentages: impl Iterator<Item = (u32, f64)>) {
        self.usages.work(now, percentages);
    }

    /// Puts what containers had and used into `sink`.
    pub(in crate::nvml) fn report(&mut self, config: &NvmlConfig, who: &Who, sink: &mut Sink<'_>) {
        self.usages.report(config, who, sink);
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
