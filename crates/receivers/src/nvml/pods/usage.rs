//! What containers had of a GPU, and used of it.
//!
//! A GPU that one container has alone works for that one. What several use together is divided by what their processes used of the
//! multiprocessors; what nobody's process used is nobody's, so that all containers together never have more than the GPU.

use std::{mem, sync::Arc};

use weir_core::UnixNanos;

use super::{
    super::{
        config::NvmlConfig,
        metric::Name,
        session::Who,
        sink::{self, Figure, Sink, own, own_counter},
    },
    Mig, Names, OfContainer, Owner,
    tenants::Held,
};

/// What is known of a GPU at a moment.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::nvml) struct Sample {
    /// Percent of time in which a kernel ran.
    pub(in crate::nvml) utilization: Option<f64>,
    /// Bytes of memory in use.
    pub(in crate::nvml) used: Option<f64>,
    /// Millijoules so far.
    pub(in crate::nvml) energy: Option<f64>,
}

/// What a container had of the GPU, and used of it.
#[derive(Debug)]
struct Usage {
    owner: Arc<Owner>,
    /// The GPU instance that it has; `None` for the GPU.
    instance: Option<u32>,
    /// Its part of the GPU; `None` where the driver does not tell how large its instance is.
    share: Option<f64>,
    /// It has the GPU, or the instance, alone.
    is_alone: bool,
    since: UnixNanos,
    /// GPU nanoseconds.
    allocated: f64,
    /// Those in which a kernel of it ran; `None` where that is not told.
    active: Option<f64>,
    /// Byte nanoseconds in which none ran.
    idle_memory: Option<f64>,
    /// Millijoules.
    energy: Option<f64>,
    /// It has it no more; what it had is said once more.
    is_over: bool,
}

/// What several containers used together, and was not divided yet.
#[derive(Debug, Default)]
struct Together {
    nanoseconds: f64,
    millijoules: Option<f64>,
}

/// All containers of a GPU.
#[derive(Debug, Default)]
pub(super) struct Usages {
    all: Vec<Usage>,
    sampled: Option<UnixNanos>,
    /// The GPU's energy at the last sample that had it.
    energy: Option<f64>,
    together: Together,
    /// When it was last told how instances work.
    worked: Option<UnixNanos>,
}

impl Usages {
    /// Counts on from the sample before. That time is for whoever had the GPU at its beginning.
    pub(super) fn sample(&mut self, now: UnixNanos, sample: Sample) {
        let passed = since(&mut self.sampled, now);
        let spent = sample.energy.and_then(|energy| {
            let before = self.energy.replace(energy)?;
            Some(if energy < before { energy } else { energy - before }) // a fall: it was reset
        });
        let of_all = self.all.iter_mut().filter(|usage| !usage.is_over);
        let mut is_shared = false;
        for usage in of_all {
            usage.allocated += passed * usage.share.unwrap_or(0.0);
            if usage.instance.is_some() || !usage.is_alone {
                is_shared |= usage.instance.is_none();
                continue;
            }
            add(&mut usage.energy, spent);
            let Some(percent) = sample.utilization else { continue };
            add(&mut usage.active, Some(passed * percent / 100.0));
            let held = sample.used.map(|used| if percent > 0.0 { 0.0 } else { used });
            add(&mut usage.idle_memory, held.map(|held| passed * held));
        }
        if is_shared {
            self.together.nanoseconds += passed;
            add(&mut self.together.millijoules, spent);
        } else {
            self.together = Together::default();
        }
    }

    /// Divides what several used together since the last time by what their processes used of the multiprocessors.
    pub(super) fn divide(&mut self, processes: &[OfContainer], names: &Names) {
        let Together { nanoseconds, millijoules } = mem::take(&mut self.together);
        let percent = |of: &OfContainer| of.used.map_or(0, |[general, ..]| general);
        let all: u32 = processes.iter().map(percent).sum();
        for usage in self.all.iter_mut().filter(|usage| usage.instance.is_none() && !usage.is_alone) {
            let is_its = |one: &&OfContainer| one.owner(names) == Some(&usage.owner);
            let own: u32 = processes.iter().filter(is_its).map(percent).sum();
            // Processes that run side by side may have more than 100 together: the GPU has no more time than that.
            let part = f64::from(own) / f64::from(all.max(100));
            add(&mut usage.active, Some(nanoseconds * part));
            let part = f64::from(own) / f64::from(all.max(1));
            add(&mut usage.energy, millijoules.map(|millijoules| millijoules * part));
        }
    }

    /// Counts how much of the time since the last time each instance worked, by its percentage.
    pub(super) fn work(&mut self, now: UnixNanos, percentages: impl Iterator<Item = (u32, f64)>) {
        let passed = since(&mut self.worked, now);
        for (instance, percent) in percentages {
            let alone =
                |usage: &&mut Usage| usage.instance == Some(instance) && usage.is_alone && !usage.is_over;
            for usage in self.all.iter_mut().filter(alone) {
                let share = usage.share.map(|share| passed * share * percent / 100.0);
                add(&mut usage.active, share);
            }
        }
    }

    /// Whose time begins and whose is over. Nothing is made anew where all stayed.
    pub(super) fn meet(&mut self, tenants: &[(Held, Arc<Owner>)], migs: &[Mig], now: UnixNanos) {
        let usages = &mut self.all;
        usages.iter_mut().for_each(|usage| usage.is_over = true);
        for (held, owner) in tenants {
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
            usages[at].is_alone = own == all;
            usages[at].is_over = false;
        }
    }

    /// Puts what containers had and used into `sink`, and forgets those that have nothing any more.
    pub(super) fn report(&mut self, config: &NvmlConfig, who: &Who, sink: &mut Sink<'_>) {
        for usage in &self.all {
            let instance = usage.instance.map(|id| ("gpu.instance.id", u64::from(id)));
            let allocated = usage.share.map(|_| usage.allocated);
            for (name, unit, scale, value) in [
                (sink::POD_ALLOCATED, "s", 1e-9, allocated),
                (sink::POD_ACTIVE, "s", 1e-9, usage.active),
                (sink::POD_IDLE_MEMORY, "By.s", 1e-9, usage.idle_memory),
                (sink::POD_ENERGY, "J", 1e-3, usage.energy),
            ] {
                if let Some(value) = value.filter(|_| config.lists(name)) {
                    let name = Name { scale, ..own_counter(name, unit) };
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
        self.all.retain(|usage| !usage.is_over);
    }
}

/// Nanoseconds since the last time; none at the first.
fn since(last: &mut Option<UnixNanos>, now: UnixNanos) -> f64 {
    last.replace(now).map_or(0.0, |before| now.since(before).as_nanos() as f64)
}

/// Adds what is known; what is not leaves the sum as it is.
fn add(sum: &mut Option<f64>, more: Option<f64>) {
    if let Some(more) = more {
        *sum.get_or_insert(0.0) += more;
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
            energy: None,
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
    for (at, one) in all.iter().enumerate() {
        let whose = one.owner(names);
        if all[..at].iter().any(|before| before.owner(names) == whose) {
            continue; // a container that was started anew has two ids under one name: they were added up
        }
        let mut sum = OfContainer::default();
        let of_it = all[at..].iter().filter(|other| other.owner(names) == whose);
        of_it.for_each(|one| sum.add(one.memory, one.used));
        let figure = |name, value| Figure {
            gpu: Some(who),
            owner: whose.map(|owner| &**owner),
            ..Figure::new(name, value)
        };
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
    use proptest::prelude::*;

    use super::{super::processes::Container, *};

    fn of(owner: Option<&Arc<Owner>>, percent: u32) -> OfContainer {
        let container =
            owner.map(|owner| Arc::new(Container { id: String::new(), owner: Arc::clone(owner) }));
        OfContainer { container, memory: None, used: Some([percent, 0, 0]) }
    }

    proptest! {
        /// Whoever adds up what all containers had and used never has more than the GPU.
        #[test]
        fn all_containers_together_have_no_more_than_the_gpu(
            steps in prop::collection::vec((0..4_u8, 0..1000_u32, prop::bool::weighted(0.1), 0..150_u32, 0..150_u32, 0..150_u32), 1..40)
        ) {
            let [a, b] = ["a", "b"].map(|pod| Arc::new(Owner::of("ml", pod, "main")));
            let (mut usages, mut board, mut spent, mut now) = (Usages::default(), 500.0, 0.0, UnixNanos(0));
            usages.sample(now, Sample { energy: Some(board), ..Sample::default() });
            for (whose, more, resets, of_a, of_b, of_nobody) in steps {
                let mut tenants = Vec::new();
                tenants.extend((whose & 1 != 0).then(|| (Held::Whole, Arc::clone(&a))));
                tenants.extend((whose & 2 != 0).then(|| (Held::Whole, Arc::clone(&b))));
                usages.meet(&tenants, &[], now);
                now = now.plus(std::time::Duration::from_secs(1));
                let more = f64::from(more);
                board = if resets && more < board { more } else { board + more };
                spent += more;
                let sample = Sample { utilization: Some(f64::from(of_a.min(100))), used: None, energy: Some(board) };
                usages.sample(now, sample);
                usages.divide(&[of(Some(&a), of_a), of(Some(&b), of_b), of(None, of_nobody)], &Names::default());
            }
            let sum = |of: fn(&Usage) -> Option<f64>| usages.all.iter().filter_map(of).sum::<f64>();
            let elapsed = now.0 as f64;
            prop_assert!(sum(|usage| usage.energy) <= spent + 1e-6);
            prop_assert!(sum(|usage| Some(usage.allocated)) <= elapsed + 1e-3);
            prop_assert!(sum(|usage| usage.active) <= elapsed + 1e-3);
        }
    }
}
