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
    /// Since when `share` and `is_alone` are what they are.
    steady: UnixNanos,
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
    /// The last sample that had the GPU's energy: when that was, and the energy.
    energy: Option<(UnixNanos, f64)>,
    together: Together,
    /// When it was last told how instances work.
    worked: Option<UnixNanos>,
}

impl Usages {
    /// Counts on from the sample before; there is none where the GPU was not asked or has not answered. That time is for whoever had the
    /// GPU at its beginning.
    pub(super) fn sample(&mut self, now: UnixNanos, sample: Option<Sample>) {
        let passed = self.sampled.replace(now).map_or(0.0, |before| nanoseconds(before, now));
        let has_answered = sample.is_some();
        let sample = sample.unwrap_or_default();
        let spent = sample.energy.and_then(|energy| {
            let (from, before) = self.energy.replace((now, energy))?;
            Some((from, if energy < before { energy } else { energy - before })) // a fall: it was reset
        });
        // While nobody answered the GPU may have changed hands: then what it used meanwhile is nobody's.
        let spent_by =
            |usage: &Usage| spent.filter(|(from, _)| usage.steady <= *from).map(|(_, spent)| spent);
        let of_all = self.all.iter_mut().filter(|usage| !usage.is_over);
        let (mut is_shared, mut spent_together) = (false, spent.map(|(_, spent)| spent));
        for usage in of_all {
            usage.allocated += passed * usage.share.unwrap_or(0.0);
            if usage.instance.is_some() {
                continue;
            }
            let spent = spent_by(usage);
            if !usage.is_alone {
                (is_shared, spent_together) = (true, spent_together.and(spent));
                continue;
            }
            add(&mut usage.energy, spent);
            let Some(percent) = sample.utilization else { continue };
            add(&mut usage.active, Some(passed * percent / 100.0));
            let held = sample.used.map(|used| if percent > 0.0 { 0.0 } else { used });
            add(&mut usage.idle_memory, held.map(|held| passed * held));
        }
        if !is_shared {
            self.together = Together::default();
        } else if has_answered {
            self.together.nanoseconds += passed;
            add(&mut self.together.millijoules, spent_together);
        }
    }

    /// Divides what several used together since the last time by what their processes used of the multiprocessors. Where it is not known
    /// whose a process is that used something, it is left undivided: its container would seem to have used nothing.
    pub(super) fn divide(&mut self, processes: &[OfContainer], names: &Names) {
        let Together { nanoseconds, millijoules } = mem::take(&mut self.together);
        let percent = |of: &OfContainer| of.used.map_or(0.0, |[general, ..]| f64::from(general));
        if processes.iter().any(|one| percent(one) > 0.0 && !one.is_told(names)) {
            return;
        }
        let all: f64 = processes.iter().map(percent).sum();
        for usage in self.all.iter_mut().filter(|usage| usage.instance.is_none() && !usage.is_alone) {
            let is_its = |one: &&OfContainer| one.owner(names) == Some(&usage.owner);
            let own: f64 = processes.iter().filter(is_its).map(percent).sum();
            // Processes that run side by side may have more than 100 together: the GPU has no more time than that.
            let part = own / all.max(100.0);
            add(&mut usage.active, Some(nanoseconds * part));
            let part = own / all.max(1.0);
            add(&mut usage.energy, millijoules.map(|millijoules| millijoules * part));
        }
    }

    /// Counts how much of the time since the last time each instance worked, by its percentage, for whoever had it all that time.
    pub(super) fn work(&mut self, now: UnixNanos, percentages: impl Iterator<Item = (u32, f64)>) {
        let Some(before) = self.worked.replace(now) else { return };
        let passed = nanoseconds(before, now);
        for (instance, percent) in percentages {
            let alone = |usage: &&mut Usage| {
                usage.instance == Some(instance) && usage.is_alone && !usage.is_over && usage.steady <= before
            };
            for usage in self.all.iter_mut().filter(alone) {
                let share = usage.share.map(|share| passed * share * percent / 100.0);
                add(&mut usage.active, share);
            }
        }
    }

    /// Whose time begins and whose is over. Nothing is made anew where all stayed.
    pub(super) fn meet(&mut self, tenants: &[(Held, Arc<Owner>)], migs: &[Mig], now: UnixNanos) {
        let usages = &mut self.all;
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
            let (share, is_alone) = (part.map(|part| part * own as f64 / all as f64), own == all);
            let usage = &mut usages[at];
            if usage.is_over || (usage.share, usage.is_alone) != (share, is_alone) {
                usage.steady = now;
            }
            (usage.share, usage.is_alone, usage.is_over) = (share, is_alone, false);
        }
        for usage in usages {
            let is_its =
                |(held, owner): &(Held, _)| held.instance() == usage.instance && *owner == usage.owner;
            usage.is_over = !tenants.iter().any(is_its);
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

fn nanoseconds(from: UnixNanos, to: UnixNanos) -> f64 {
    to.since(from).as_nanos() as f64
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
            steady: since,
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
mod tests;
