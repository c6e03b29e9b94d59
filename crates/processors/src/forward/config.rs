use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The configuration of `forward`: it has no keys.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct Config {}

impl weir_core::Config for Config {}
