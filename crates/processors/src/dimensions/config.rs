use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use weir_config::Check;
use weir_core::Value;

use super::rules::Rule;

/// The configuration of `dimensions`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    /// What to do with the point's attributes, one action after the other (the key of the Collector's `attributes` processor).
    pub actions: Vec<Action>,
    /// What to do with the resource's attributes, before `actions`; the Collector's `resource` processor calls this key `attributes`.
    #[serde(alias = "attributes")]
    pub resource: Vec<Action>,
}

impl Config {
    /// The environment variables that actions name.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.actions.iter().chain(&self.resource).filter_map(|action| action.from_env.as_deref())
    }
}

/// One action on one attribute.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Action {
    /// The attribute to act on; of a rename, the new name.
    pub key: String,
    /// What to do with it.
    pub action: Verb,
    /// The value, as it stands here: text, a number or a truth value.
    #[serde(default)]
    pub value: Option<Literal>,
    /// Take the value of this attribute, where there is one; of a rename, the old name.
    #[serde(default)]
    pub from_attribute: Option<String>,
    /// Take the value of this attribute of the resource, where there is one.
    #[serde(default)]
    pub from_resource: Option<String>,
    /// Take the value of this environment variable, where it is set and not empty.
    #[serde(default)]
    pub from_env: Option<String>,
    /// Take what a detector finds out under this name, such as `host.id`: from the moment on when it is known.
    #[serde(default)]
    pub from_metadata: Option<String>,
}

/// What to do with an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Add it, where it is not there yet.
    Insert,
    /// Replace its value, where it is there.
    Update,
    /// Add it or replace its value.
    Upsert,
    /// Take it away.
    Delete,
    /// Give the attribute `from_attribute` this name; replaces what had the name.
    Rename,
}

impl Verb {
    /// The word in configurations.
    pub fn word(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Upsert => "upsert",
            Self::Delete => "delete",
            Self::Rename => "rename",
        }
    }
}

impl Action {
    /// The keys that may give the value, and whether each was read.
    fn sources(&self) -> [(&'static str, bool); 5] {
        [
            ("value", self.value.is_some()),
            ("from_attribute", self.from_attribute.is_some()),
            ("from_resource", self.from_resource.is_some()),
            ("from_env", self.from_env.is_some()),
            ("from_metadata", self.from_metadata.is_some()),
        ]
    }
}

impl weir_core::Config for Config {
    fn check(&self, check: &mut Check<'_>) {
        // The path of an alias is what stands in the file.
        let resource = if check.node().get("resource").is_some() { "resource" } else { "attributes" };
        for (list, actions) in [("actions", &self.actions), (resource, &self.resource)] {
            for (at, action) in actions.iter().enumerate() {
                if let Err(problem) = Rule::new(action, &|_| None) {
                    let at = at.to_string();
                    // Where a value is missed that is written but empty, or could not be read, the place to look at is there.
                    let written = |key: &str| check.node().at(&[list, &at, key]).is_some();
                    let unread = action.sources().into_iter().find(|(key, read)| !read && written(key));
                    let key = unread.filter(|_| problem.key == "action").map_or(problem.key, |(key, _)| key);
                    check.error(&[list, &at, key], problem.message);
                }
            }
        }
    }
}

/// A value written in a configuration, of the type that YAML gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal(pub Value);

impl<'de> Deserialize<'de> for Literal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LiteralVisitor).map(Self)
    }
}

struct LiteralVisitor;

impl de::Visitor<'_> for LiteralVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a number or a truth value")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::str(text))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value).map(Value::Int).map_err(|_| E::custom(format!("{value} is over {}", i64::MAX)))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Double(value))
    }
}

impl Serialize for Literal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::Double(value) => serializer.serialize_f64(*value),
            other => serializer.serialize_str(&other.to_string()),
        }
    }
}

impl JsonSchema for Literal {
    fn schema_name() -> Cow<'static, str> {
        "Literal".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}
