//! The entities of `EntityMetricData`.
//!
//! Limits: the service model. Types and the attributes each needs: "How to add related information to telemetry" in
//! the CloudWatch User Guide. Entities are checked and then forgotten: they are no part of a metric's identity.

use crate::decode::{Mismatch, Object};

pub(super) const MAX_ENTITIES: usize = 2;

/// Verdicts, in the words of the header `X-Amzn-Failure-Message`.
pub(super) const TOO_MANY: &str = "EntitySizeTooLarge";
const INVALID: &str = "InvalidEntity";
const INVALID_KEY_ATTRIBUTES: &str = "InvalidKeyAttributes";
const INVALID_ATTRIBUTES: &str = "InvalidAttributes";
const INVALID_TYPE: &str = "InvalidTypeValue";
const MISSING_FIELDS: &str = "MissingRequiredFields";

/// An entity as the request had it.
pub(super) struct Entity {
    key_attributes: Option<Vec<(String, String)>>,
    attributes: Vec<(String, String)>,
}

impl Entity {
    pub(super) fn decode(object: &mut Object) -> Result<Self, Mismatch> {
        Ok(Self {
            key_attributes: object.text_map("KeyAttributes")?,
            attributes: object.text_map("Attributes")?.unwrap_or_default(),
        })
    }
}

/// What is wrong with an entity, or `None`.
pub(super) fn failure(entity: Option<&Entity>) -> Option<&'static str> {
    let Some(Entity { key_attributes: Some(keys), attributes }) = entity else { return Some(INVALID) };

    let is_known = |key: &str| ["Type", "ResourceType", "Identifier", "Name", "Environment"].contains(&key);
    if !(2..=4).contains(&keys.len()) || !fit(keys, 32, 2048) || !keys.iter().all(|(key, _)| is_known(key)) {
        return Some(INVALID_KEY_ATTRIBUTES);
    }
    if attributes.len() > 10 || !fit(attributes, 256, 2048) {
        return Some(INVALID_ATTRIBUTES);
    }

    let value_of = |name: &str| keys.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let required: &[&str] = match value_of("Type") {
        None => return Some(MISSING_FIELDS),
        Some("Service") => &["Name", "Environment"],
        Some("RemoteService" | "AWS::Service") => &["Name"],
        Some("Resource" | "AWS::Resource") => &["ResourceType", "Identifier"],
        Some(_) => return Some(INVALID_TYPE),
    };
    required.iter().any(|name| value_of(name).is_none()).then_some(MISSING_FIELDS)
}

/// Whether all keys and values are of 1 to so many characters.
fn fit(attributes: &[(String, String)], max_key: usize, max_value: usize) -> bool {
    let fits = |text: &str, max: usize| (1..=max).contains(&text.chars().count());
    attributes.iter().all(|(key, value)| fits(key, max_key) && fits(value, max_value))
}
