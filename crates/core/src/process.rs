//! What belongs to the process and not to a graph (R7): a reload builds a new graph and keeps these.

use std::sync::Arc;

use crate::{
    clock::Clock, component::Drain, door::Doors, health::Health, interner::Interner, ledger::Ledger,
    metadata::Metadata, offers::Offers, pressure::Pressure, storage::Storages,
};

/// The process's own state, shared by everything that runs in it.
#[derive(Clone, Debug)]
pub struct Process {
    /// The time.
    pub clock: Clock,
    /// Series and their ids.
    pub interner: Arc<Interner>,
    /// The receivers' doors.
    pub doors: Doors,
    /// Every node's and edge's counters.
    pub ledger: Ledger,
    /// What `/live`, `/ready` and `/status` say.
    pub health: Health,
    /// What detectors found out.
    pub metadata: Metadata,
    /// Whether memory is short.
    pub pressure: Pressure,
    /// What components keep over restarts.
    pub storages: Storages,
    /// What extensions offer.
    pub offers: Offers,
    /// How the end comes about.
    pub drain: Drain,
}

impl Process {
    /// A process around `interner`.
    pub fn new(clock: Clock, interner: Interner) -> Self {
        let interner = Arc::new(interner);
        let (ledger, pressure) = (Ledger::default(), Pressure::default());
        Self {
            doors: Doors::new(Arc::clone(&interner), clock.clone()),
            health: Health::new(clock.clone(), ledger.clone(), pressure.clone()),
            interner,
            ledger,
            pressure,
            metadata: Metadata::default(),
            storages: Storages::default(),
            offers: Offers::default(),
            drain: Drain::default(),
            clock,
        }
    }
}
