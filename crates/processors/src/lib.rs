//! What happens to points on their way from receivers to exporters.
//!
//! | folder | component | what it does |
//! | --- | --- | --- |
//! | [`dimensions`] | processor `dimensions` | adds and shapes attributes |
//! | [`delta`] | processor `delta` | turns counters that only grow into what was added since the last point |
//! | [`batch`] | processor `batch` | gathers points into batches of a useful size |
//! | [`forward`] | connector `forward` | joins pipelines |
//!
//! Each folder has the same files: `mod.rs` (what it does, and the factory), `config.rs`, the file that does the work, `tests.rs`.
//! All of them work per series, resolved once and remembered in `PerSeries` or `PerStream` (R2, R3).

use weir_core::Component;

pub mod batch;
pub mod delta;
pub mod dimensions;
pub mod forward;

/// Every processor and connector of this crate.
pub fn registry() -> Vec<Component> {
    vec![
        Component::processor::<batch::Batching>(),
        Component::processor::<delta::Delta>(),
        Component::processor::<dimensions::Dimensions>(),
        Component::connector::<forward::Forward>(),
    ]
}

#[cfg(test)]
mod tests;
