//! Relabelling: what a series is called, or that it is left out.

use super::ingest::Labels;

/// A list of relabelling steps.
#[derive(Clone, Debug, Default)]
pub struct Relabel(());

impl Relabel {
    /// Changes `labels`, `__name__` among them; answers whether the series is kept.
    pub fn apply(&self, _labels: &mut Labels) -> bool {
        true
    }
}
