//! The keys of the `debug` exporter.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Configuration of the exporter.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// How much to write: `basic` a line a batch, `normal` a line a point, `detailed` everything.
    pub verbosity: Verbosity,
}

/// How much to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verbosity {
    /// A line a batch.
    #[default]
    Basic,
    /// A line a point.
    Normal,
    /// Every point with its resource, scope, attributes and times.
    Detailed,
}

impl weir_core::Config for Config {}
