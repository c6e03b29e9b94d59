//! For tests only (a dev-dependency): what a component needs around it.
//!
//! - [`Fixture`]: an interner, a clock that only tests move, metadata; makes contexts, series and batches.
//! - [`way_out`], [`way_in`]: the edge behind a receiver or before an exporter.
//! - [`section`]: a configuration as a person writes it, and what is said of it.
//! - [`Kubelet`]: a kubelet's pod-resources API over a Unix socket, which gives GPUs to pods that a test makes up.
//! - [`Rig`]: plays the engine's part around one processor and keeps its ledger as the engine does.
//! - [`seed`]: what mutations are drawn from.
//! - [`point`], [`push_histogram`], [`push_explicit`], [`push_exponential`]: points in whole seconds.
mod fixture;
mod kubelet;
mod rig;
mod section;
mod ways;

pub use fixture::{
    Fixture, SDK_BOUNDS, START, histogram_of, point, push_explicit, push_exponential, push_histogram, seconds,
};
pub use kubelet::{Given, Kubelet};
pub use rig::Rig;
pub use section::{Told, section};
pub use ways::{ROOM, way_in, way_out};

/// What a test draws its mutations from: `usual`, so that each run tries the same, unless `cargo xtask fuzz` says otherwise.
#[expect(clippy::unwrap_used, reason = "a test")]
pub fn seed(usual: u64) -> u64 {
    std::env::var("WEIR_SEED").map_or(usual, |other| other.parse().unwrap())
}
