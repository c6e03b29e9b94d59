//! Actions on attributes, as configurations write them: those of the Collector's `attributes` processor, `rename` and `map`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::literal::Literal;

/// One action on one attribute, or on those whose names match a pattern.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Action {
    /// The attribute to act on; of a rename, the new name. A delete and a hash take a `pattern` in its place or beside it.
    #[serde(default)]
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
    /// Take what is known of the connection: `client.address`, or a header as `metadata.NAME`; needs the receiver's `include_metadata`.
    #[serde(default)]
    pub from_context: Option<String>,
    /// The value where the source has none; of a map, where the table has none.
    #[serde(default)]
    pub default_value: Option<Literal>,
    /// A regular expression: of a delete and a hash, for names of attributes; of an extract, for the value, with a named group for each attribute to set.
    #[serde(default)]
    pub pattern: Option<String>,
    /// What a convert makes of the value.
    #[serde(default)]
    pub converted_type: Option<ConvertedType>,
    /// The table of a map: what becomes of a value. `200-299` stands for every number from 200 to 299.
    #[serde(default)]
    pub values: BTreeMap<String, Literal>,
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
    /// Replace its value by the hash of it.
    Hash,
    /// Set an attribute for each named group of the pattern that its value matches.
    Extract,
    /// Change the type of its value.
    Convert,
    /// Replace its value by what the table says.
    Map,
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
            Self::Hash => "hash",
            Self::Extract => "extract",
            Self::Convert => "convert",
            Self::Map => "map",
        }
    }

    /// The word with its article.
    pub(super) fn noun(self) -> String {
        let article = if self.word().starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        format!("{article} {}", self.word())
    }
}

/// A type of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConvertedType {
    /// A whole number; a fraction is cut off.
    Int,
    /// A number.
    Double,
    /// Text.
    String,
}

impl Action {
    /// An action with nothing but its verb and its key.
    pub fn new(action: Verb, key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            action,
            value: None,
            from_attribute: None,
            from_resource: None,
            from_env: None,
            from_metadata: None,
            from_context: None,
            default_value: None,
            pattern: None,
            converted_type: None,
            values: BTreeMap::new(),
        }
    }

    /// The keys beside `key` and `action`, and whether each is there.
    pub(super) fn keys(&self) -> [(&'static str, bool); 10] {
        [
            ("value", self.value.is_some()),
            ("from_attribute", self.from_attribute.is_some()),
            ("from_resource", self.from_resource.is_some()),
            ("from_env", self.from_env.is_some()),
            ("from_metadata", self.from_metadata.is_some()),
            ("from_context", self.from_context.is_some()),
            ("default_value", self.default_value.is_some()),
            ("pattern", self.pattern.is_some()),
            ("converted_type", self.converted_type.is_some()),
            ("values", !self.values.is_empty()),
        ]
    }
}
