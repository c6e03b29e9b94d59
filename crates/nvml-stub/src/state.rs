//! The GPUs of a machine, as a test writes them down.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// A machine.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Node {
    /// The driver's version.
    pub driver: String,
    /// The version of CUDA, times 1000.
    pub cuda: u32,
    /// Return codes of functions that ask no GPU, such as `nvmlInit_v2`.
    pub faults: BTreeMap<String, u32>,
    /// Whether `nvmlInit_v2` does not return as long as this stands.
    #[serde(default)]
    pub hangs: bool,
    /// The GPUs, by index.
    pub gpus: Vec<Gpu>,
}

/// A GPU, or an instance of one.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Gpu {
    /// Such as `GPU-…`.
    pub uuid: String,
    /// The model.
    pub name: String,
    /// The board's number.
    pub serial: String,
    /// Where it sits on the bus.
    pub pci: String,
    /// The version of its firmware.
    pub vbios: String,
    /// What functions answer, by the name of the quantity; one that is not there is not supported.
    pub numbers: BTreeMap<String, u64>,
    /// Fields, by id; one that is not there is not supported.
    pub fields: BTreeMap<u32, u64>,
    /// Fields of parts, by scope (an NVLink's number; 1 for the module's power) and id.
    pub scoped: BTreeMap<u32, BTreeMap<u32, u64>>,
    /// What two samples of GPM say, by metric; empty where the GPU has no GPM.
    pub gpm: BTreeMap<u32, f64>,
    /// Return codes by function, `*` for each.
    pub faults: BTreeMap<String, u32>,
    /// Functions that do not return as long as they stand here, `*` for each.
    pub hangs: BTreeSet<String>,
    /// The XIDs of this GPU, in the order in which they are reported; more may be added, none taken away.
    pub xids: Vec<Xid>,
    /// Its other events, by their bits, alike.
    #[serde(default)]
    pub events: Vec<u64>,
    /// What runs on it.
    pub processes: Vec<Process>,
    /// Its MIG instances.
    pub instances: Vec<Gpu>,
}

/// An XID event.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Xid {
    /// The code.
    pub code: u64,
    /// The MIG GPU instance that it happened on.
    pub instance: Option<u32>,
}

/// A process on a GPU.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Bytes of the GPU's memory.
    pub memory: u64,
    /// Percent of the multiprocessors.
    pub sm: u32,
}

impl Gpu {
    /// Sets a quantity.
    pub fn set(&mut self, quantity: &str, value: u64) -> &mut Self {
        self.numbers.insert(quantity.to_owned(), value);
        self
    }

    /// Makes a quantity one that is not supported.
    pub fn not_supported(&mut self, quantity: &str) -> &mut Self {
        self.numbers.remove(quantity);
        self
    }

    /// Every function of this GPU answers `code`.
    pub fn fails(&mut self, code: u32) -> &mut Self {
        self.faults.insert("*".to_owned(), code);
        self
    }
}
