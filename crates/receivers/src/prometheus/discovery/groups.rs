//! Groups as files and servers write them: `[{"targets": ["host:port"], "labels": {"name": "value"}}]`.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, de};

use super::Group;
use crate::prometheus::ingest::Labels;

/// A group as it is written.
#[derive(Debug, Deserialize)]
struct Written {
    targets: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, Text>,
}

/// A label's value: YAML reads `8080` and `true` as something else than text.
#[derive(Debug)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl de::Visitor<'_> for Any {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the value of a label")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Reads JSON.
pub(super) fn of_json(text: &[u8]) -> Result<Vec<Group>, serde_json::Error> {
    Ok(groups(serde_json::from_slice(text)?))
}

/// Reads YAML; an empty file has no groups.
pub(super) fn of_yaml(text: &[u8]) -> Result<Vec<Group>, serde_yaml::Error> {
    let written: Option<Vec<Written>> = serde_yaml::from_slice(text)?;
    Ok(groups(written.unwrap_or_default()))
}

fn groups(written: Vec<Written>) -> Vec<Group> {
    let group = |Written { targets, labels }: Written| {
        let labels: Labels = labels.into_iter().map(|(name, Text(value))| (name, value)).collect();
        Group::of(targets, labels)
    };
    written.into_iter().map(group).collect()
}
