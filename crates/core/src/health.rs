//! Health: what `/live`, `/ready` and `/status` say.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

use parking_lot::Mutex;
use serde::Serialize;

use crate::{
    clock::Clock,
    ledger::{Account, Ledger},
    pressure::Pressure,
    status::{Status, StatusRow},
    targets::{ComponentTargets, Targets},
};

/// A node that works on one batch for longer than this is stuck, in seconds. Waiting for the next node is not work.
const STUCK: u64 = 60;

/// The process's health: set by the engine, shown by the admin listener and the `health_check` extension.
#[derive(Clone, Debug)]
pub struct Health(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Clock,
    ledger: Ledger,
    pressure: Pressure,
    started: AtomicBool,
    draining: AtomicBool,
    failure: Mutex<Option<String>>,
    pulses: Mutex<Vec<(Arc<str>, Pulse)>>,
    rows: Mutex<Vec<(String, Status)>>,
}

/// A node's sign of life: since when it has been busy with one batch.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// The node begins to work, at `now` (seconds since the epoch).
    pub fn busy(&self, now: u64) {
        self.0.store(now.max(1), Relaxed);
    }

    /// The node waits for input or for room.
    pub fn idle(&self) {
        self.0.store(0, Relaxed);
    }
}

/// A component's row in `/status`.
#[derive(Clone, Debug, Serialize)]
pub struct ComponentStatus {
    /// The node's name.
    pub name: String,
    /// What it says of itself.
    #[serde(flatten)]
    pub row: StatusRow,
    /// Its counters, in points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<Account>,
}

/// The whole of `/status`.
#[derive(Clone, Debug, Serialize)]
pub struct StatusReport {
    /// Whether every node makes progress.
    pub live: bool,
    /// Whether Weir can accept.
    pub ready: bool,
    /// Why not, where it is not.
    pub problems: Vec<String>,
    /// A row a component.
    pub components: Vec<ComponentStatus>,
}

impl Health {
    /// Not started yet.
    pub fn new(clock: Clock, ledger: Ledger, pressure: Pressure) -> Self {
        Self(Arc::new(Shared {
            clock,
            ledger,
            pressure,
            started: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            failure: Mutex::default(),
            pulses: Mutex::default(),
            rows: Mutex::default(),
        }))
    }

    /// Every listener is bound and every node runs.
    pub fn set_started(&self) {
        self.0.started.store(true, Relaxed);
    }

    /// The end has begun.
    pub fn set_draining(&self) {
        self.0.draining.store(true, Relaxed);
    }

    /// A node has ended or panicked: never healthy again.
    pub fn set_failed(&self, failure: String) {
        self.0.failure.lock().get_or_insert(failure);
    }

    /// Watches a node.
    pub fn watch(&self, node: &str) -> Pulse {
        let pulse = Pulse::default();
        self.0.pulses.lock().push((Arc::from(node), pulse.clone()));
        pulse
    }

    /// Enters a component's row.
    pub fn add_status(&self, name: String, status: Status) {
        self.0.rows.lock().push((name, status));
    }

    /// Why the process is not live; empty if it is.
    pub fn life_problems(&self) -> Vec<String> {
        let now = self.0.clock.now().seconds();
        let mut problems: Vec<String> = self.0.failure.lock().iter().cloned().collect();
        for (node, pulse) in self.0.pulses.lock().iter() {
            let since = pulse.0.load(Relaxed);
            if since != 0 && now.saturating_sub(since) > STUCK {
                problems.push(format!("{node} has worked on one batch for {} s", now - since));
            }
        }
        let rows = self.0.rows.lock();
        let helpless = rows.iter().filter_map(|(name, status)| Some((name, status.restart_reason()?)));
        problems.extend(helpless.map(|(name, why)| format!("{name}: {why}")));
        problems
    }

    /// Why Weir cannot accept; empty if it can. The destination being away is no reason.
    pub fn readiness_problems(&self) -> Vec<String> {
        let mut problems = self.life_problems();
        if !self.0.started.load(Relaxed) {
            problems.push("starting".to_owned());
        }
        if self.0.draining.load(Relaxed) {
            problems.push("draining".to_owned());
        }
        if self.0.pressure.is_high() {
            let (used, limit) = self.0.pressure.figures();
            problems.push(format!("memory is short: {used} of {limit} bytes in use"));
        }
        problems
    }

    /// The components that ask others, with what they know of them.
    pub fn asking(&self) -> Vec<(String, Arc<dyn Targets>)> {
        let rows = self.0.rows.lock();
        rows.iter().filter_map(|(name, status)| Some((name.clone(), status.targets()?))).collect()
    }

    /// The whole of `/targets`.
    pub fn targets(&self) -> Vec<ComponentTargets> {
        let rows = |(component, targets): (String, Arc<dyn Targets>)| ComponentTargets {
            component,
            targets: targets.rows(),
        };
        self.asking().into_iter().map(rows).collect()
    }

    /// Everything at once.
    pub fn report(&self) -> StatusReport {
        let (problems, live) = (self.readiness_problems(), self.life_problems().is_empty());
        let nodes = self.0.ledger.nodes();
        let rows = self.0.rows.lock();
        let components = rows.iter().map(|(name, status)| ComponentStatus {
            name: name.clone(),
            row: status.read(),
            points: nodes.iter().find(|node| node.name() == *name).map(|node| node.ledger.read()),
        });
        StatusReport { live, ready: problems.is_empty(), problems, components: components.collect() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::UnixNanos;

    #[test]
    fn a_node_stuck_on_a_batch_is_not_live_and_a_waiting_one_is() {
        let clock = Clock::manual(UnixNanos(1_000_000_000_000));
        let health = Health::new(clock.clone(), Ledger::default(), Pressure::default());
        let pulse = health.watch("delta@metrics");
        assert!(health.life_problems().is_empty());
        assert_eq!(health.readiness_problems(), ["starting"]);
        health.set_started();
        pulse.busy(clock.now().seconds());
        clock.advance(Duration::from_secs(STUCK + 1));
        assert_eq!(health.life_problems(), ["delta@metrics has worked on one batch for 61 s"]);
        pulse.idle();
        assert!(health.readiness_problems().is_empty());
    }

    #[test]
    fn a_component_that_only_a_restart_can_help_is_not_live_until_it_succeeds() {
        let clock = Clock::manual(UnixNanos(0));
        let health = Health::new(clock.clone(), Ledger::default(), Pressure::default());
        let status = Status::new(clock);
        health.add_status("receiver nvml".into(), status.clone());
        status.failed("no driver");
        assert!(health.life_problems().is_empty(), "a failure by itself is none of the whole process");
        status.needs_restart("its devices are gone");
        assert_eq!(health.life_problems(), ["receiver nvml: its devices are gone"]);
        assert!(!health.report().live);
        status.succeeded();
        assert!(health.life_problems().is_empty());
    }

    #[test]
    fn a_failure_is_for_good_and_short_memory_passes() {
        let clock = Clock::manual(UnixNanos(0));
        let pressure = Pressure::default();
        let health = Health::new(clock, Ledger::default(), pressure.clone());
        health.set_started();
        pressure.set(90, 100);
        assert!(health.life_problems().is_empty());
        assert_eq!(health.readiness_problems(), ["memory is short: 90 of 100 bytes in use"]);
        pressure.set(10, 100);
        assert!(health.readiness_problems().is_empty());
        health.set_failed("batch@metrics panicked".into());
        assert!(!health.report().live);
    }
}
