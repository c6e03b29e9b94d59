//! Actions made ready: a list of rules that shapes a set of attributes.

use std::sync::Arc;

use weir_core::{Attributes, KeyValue, Resource, Value};

use super::config::{Action, Verb};

/// Reads an environment variable; `None` where it is not set, or empty.
pub(super) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What is wrong with an action.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// The key that shows it.
    pub(super) key: &'static str,
    pub(super) message: String,
}

/// One action, ready to be applied.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Rule {
    Set { key: Arc<str>, when: When, source: Source },
    Delete { key: Arc<str> },
    Rename { from: Arc<str>, to: Arc<str> },
}

/// Whether an attribute is set depends on whether it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Absent,
    Present,
    Always,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    /// Known since the start: a literal, or the environment. `None` where the variable is not set.
    Fixed(Option<Value>),
    Attribute(Arc<str>),
    Resource(Arc<str>),
    Metadata(Arc<str>),
}

/// What values are taken from, beside the set that is shaped.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) resource: &'a Resource,
    pub(super) metadata: &'a Attributes,
}

impl Rule {
    /// Makes `action` ready.
    pub(super) fn new(action: &Action, env: Env<'_>) -> Result<Self, Problem> {
        let key = name("key", &action.key)?;
        let sources = sources(action, env)?;
        let when = match action.action {
            Verb::Delete => {
                return match sources.first() {
                    None => Ok(Self::Delete { key }),
                    Some((found, _)) => Err(Problem::new(found, "a delete takes no value")),
                };
            }
            Verb::Rename => {
                return match sources.as_slice() {
                    [(_, Source::Attribute(from))] => Ok(Self::Rename { from: Arc::clone(from), to: key }),
                    _ => Err(Problem::new(
                        "action",
                        "a rename takes the new name as `key`, the old one as `from_attribute`, and no value",
                    )),
                };
            }
            Verb::Insert => When::Absent,
            Verb::Update => When::Present,
            Verb::Upsert => When::Always,
        };
        let word = action.action.word();
        let mut sources = sources.into_iter();
        match (sources.next(), sources.next()) {
            (Some((_, source)), None) => Ok(Self::Set { key, when, source }),
            (Some((first, _)), Some((second, _))) => {
                Err(Problem::new(second, format!("`{first}` gives the {word} its value already")))
            }
            (None, _) => Err(Problem::new(
                "action",
                format!("an {word} takes one of {}", SOURCES.map(|key| format!("`{key}`")).join(", ")),
            )),
        }
    }

    /// Whether what it does depends on metadata.
    pub(super) fn needs_metadata(&self) -> bool {
        matches!(self, Self::Set { source: Source::Metadata(_), .. })
    }

    fn apply(&self, list: &mut Vec<KeyValue>, around: Surroundings<'_>) {
        match self {
            Self::Delete { key } => list.retain(|kv| kv.key != *key),
            Self::Rename { from, to } => {
                if from != to
                    && let Some(old) = position(list, from)
                {
                    let value = list.remove(old).value;
                    set(list, to, value);
                }
            }
            Self::Set { key, when, source } => {
                let wanted = match when {
                    When::Absent => position(list, key).is_none(),
                    When::Present => position(list, key).is_some(),
                    When::Always => true,
                };
                if wanted && let Some(value) = source.value(list, around) {
                    set(list, key, value);
                }
            }
        }
    }
}

impl Source {
    fn value(&self, list: &[KeyValue], around: Surroundings<'_>) -> Option<Value> {
        match self {
            Self::Fixed(value) => value.clone(),
            Self::Attribute(key) => position(list, key).map(|at| list[at].value.clone()),
            Self::Resource(key) => around.resource.attributes.get(key).cloned(),
            Self::Metadata(key) => around.metadata.get(key).cloned(),
        }
    }
}

/// `attributes` as `rules` shape them; `None` where they stay as they are.
pub(super) fn shape(rules: &[Rule], attributes: &Attributes, around: Surroundings<'_>) -> Option<Attributes> {
    if rules.is_empty() {
        return None;
    }
    let mut list = attributes.to_vec();
    for rule in rules {
        rule.apply(&mut list, around);
    }
    let shaped = Attributes::new(list);
    (shaped != *attributes).then_some(shaped)
}

impl Problem {
    fn new(key: &'static str, message: impl Into<String>) -> Self {
        Self { key, message: message.into() }
    }
}

/// The keys that give an action its value.
const SOURCES: [&str; 5] = ["value", "from_attribute", "from_resource", "from_env", "from_metadata"];

/// The sources that `action` names, each under its key.
fn sources(action: &Action, env: Env<'_>) -> Result<Vec<(&'static str, Source)>, Problem> {
    let [value, from_attribute, from_resource, from_env, from_metadata] = SOURCES;
    let mut found = Vec::new();
    if let Some(literal) = &action.value {
        found.push((value, Source::Fixed(Some(literal.0.clone()))));
    }
    if let Some(text) = &action.from_attribute {
        found.push((from_attribute, Source::Attribute(name(from_attribute, text)?)));
    }
    if let Some(text) = &action.from_resource {
        found.push((from_resource, Source::Resource(name(from_resource, text)?)));
    }
    if let Some(text) = &action.from_env {
        let variable = env(&name(from_env, text)?);
        found.push((from_env, Source::Fixed(variable.map(Value::str))));
    }
    if let Some(text) = &action.from_metadata {
        found.push((from_metadata, Source::Metadata(name(from_metadata, text)?)));
    }
    Ok(found)
}

fn name(key: &'static str, text: &str) -> Result<Arc<str>, Problem> {
    if text.is_empty() { Err(Problem::new(key, "a name cannot be empty")) } else { Ok(Arc::from(text)) }
}

fn position(list: &[KeyValue], key: &str) -> Option<usize> {
    list.iter().position(|kv| *kv.key == *key)
}

fn set(list: &mut Vec<KeyValue>, key: &Arc<str>, value: Value) {
    match position(list, key) {
        Some(at) => list[at].value = value,
        None => list.push(KeyValue { key: Arc::clone(key), value }),
    }
}
