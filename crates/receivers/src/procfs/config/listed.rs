//! What is on: scrapers by being listed, metrics by their switch.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};

/// A scraper that is on because it is listed, also without a value (`cpu:`), which then means its defaults.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Listed<C>(pub Option<C>);

impl<C> Listed<C> {
    /// Whether it is not listed.
    pub fn is_absent(&self) -> bool {
        self.0.is_none()
    }
}

impl<C: Default> Listed<C> {
    /// Listed, with its defaults.
    pub fn default_of() -> Self {
        Self(Some(C::default()))
    }
}

impl<C> Default for Listed<C> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, C: Deserialize<'de> + Default> Deserialize<'de> for Listed<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Some(Option::deserialize(deserializer)?.unwrap_or_default())))
    }
}

impl<C: JsonSchema> JsonSchema for Listed<C> {
    fn inline_schema() -> bool {
        C::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        C::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        C::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        C::json_schema(generator)
    }
}

/// Whether a metric is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Switch {
    /// Whether the metric is reported.
    pub enabled: bool,
}

pub(super) const ON: Switch = Switch { enabled: true };
pub(super) const OFF: Switch = Switch { enabled: false };
