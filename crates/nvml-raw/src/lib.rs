//! NVML, called safely.
//!
//! This is the only shipped crate with `unsafe` code. It loads the driver's `libnvidia-ml`, and gives each function that Weir needs
//! a safe form; reading a figure allocates nothing. What a GPU means by its numbers is not known here.
//!
//! | file | what is there |
//! | --- | --- |
//! | `library` | loading, initialising, GPUs by index, versions |
//! | `device` | what one GPU, or one MIG instance, answers |
//! | `memory` | its memory and the errors of it |
//! | `fabric` | how it stands among GPUs of other boards |
//! | `mig` | a GPU's instances |
//! | `processes` | what runs on a GPU |
//! | `fields` | many fields of a GPU in one call, and their numbers |
//! | `events` | waiting for XIDs and the like |
//! | `gpm` | what two samples of Hopper's counters say together |
//! | `error` | return codes, and the few classes of them that matter |
//!
//! # Why not `nvml-wrapper`
//! Its `Device` borrows from its `Nvml`, so a thread a GPU could not own one; its field call allocates a vector, and has no scope;
//! its events drop the MIG instance and the newer kinds; return codes above 22 are untyped; and dropping its `Nvml` panics where the
//! library lacks a function. Its bindings, `nvml-wrapper-sys`, are used here.
//!
//! # Why each call is sound
//! A function that is found is called with the types of NVIDIA's header, which the bindings were generated from. Three things
//! are then left to show, and hold for every call:
//! 1. *The library is there and initialised.* A [`Device`] holds the [`Nvml`] that it came from; it is shut down when the last is gone.
//! 2. *Pointers are good for what is written.* Every one is made of a reference to a local or to a slice whose length is passed with
//!    it. NVML keeps none beyond the call. Structures with a `version` have it set to what their type is.
//! 3. *Threads.* NVML's documentation says that its functions may be called from several threads at once.

mod device;
mod error;
mod events;
mod fabric;
mod fields;
mod gpm;
mod library;
mod memory;
mod mig;
mod processes;

pub use device::{Clock, ClockKind, Device, EncoderStats, TemperatureLimit};
pub use error::{Class, Error};
pub use events::{Event, EventSet, GPU_UNAVAILABLE, MIG_CHANGE, RECOVERY_ACTION, Registered, XID};
pub use fabric::Fabric;
pub use fields::{ALL_LINKS, Field};
pub use gpm::{Gpm, Metric};
pub use library::Nvml;
pub use memory::{
    ErrorCounter, ErrorKind, MemoryInfo, MemoryPlace, RepairStatus, Retired, SramErrors, SramStatus,
};
pub use processes::{ProcessSample, Processes};
