//! Actions made ready: a list of rules that shapes a set of attributes.

use std::sync::Arc;

use regex::Regex;
use weir_core::{Attributes, KeyValue, Resource, Value};

use super::{
    action::{Action, ConvertedType, Verb},
    matching::bad_pattern,
    values::{Table, converted, hashed},
};

/// Reads an environment variable; `None` where it is not set, or empty.
pub(super) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What is wrong with an action.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// The keys that lead to what shows it.
    pub(super) path: Vec<String>,
    pub(super) message: String,
}

/// One action, ready to be applied.
#[derive(Clone, Debug)]
pub(super) enum Rule {
    Set { key: Arc<str>, when: When, source: Source, default: Option<Value> },
    Delete(Named),
    Hash(Named),
    Rename { from: Arc<str>, to: Arc<str> },
    Extract { key: Arc<str>, pattern: Regex },
    Convert { key: Arc<str>, to: ConvertedType },
    Map { key: Arc<str>, table: Table },
}

/// Attributes by their names: one, those that match a pattern, or both.
#[derive(Clone, Debug)]
pub(super) struct Named {
    key: Option<Arc<str>>,
    pattern: Option<Regex>,
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
    /// What is known of the connection: receivers put it into the resource.
    Context(Arc<str>),
}

/// What values are taken from, beside the set that is shaped.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) resource: &'a Resource,
    /// The resource as it came in: what a receiver knows of the connection is in it, whatever was done to it since.
    pub(super) received: &'a Resource,
    pub(super) metadata: &'a Attributes,
}

impl Rule {
    /// Makes `action` ready.
    pub(super) fn new(action: &Action, env: Env<'_>) -> Result<Self, Problem> {
        let verb = action.action;
        let takes = taken(verb);
        if let Some((key, _)) = action.keys().into_iter().find(|(key, given)| *given && !takes.contains(key))
        {
            let takes: Vec<String> = takes.iter().map(|key| format!("`{key}`")).collect();
            return Err(Problem::new(
                key,
                format!("{} takes no `{key}`; it takes {}", verb.noun(), takes.join(", ")),
            ));
        }
        match verb {
            Verb::Delete => Named::new(action).map(Self::Delete),
            Verb::Hash => Named::new(action).map(Self::Hash),
            Verb::Insert => Self::set(action, When::Absent, env),
            Verb::Update => Self::set(action, When::Present, env),
            Verb::Upsert => Self::set(action, When::Always, env),
            Verb::Rename => {
                let to = name("key", &action.key)?;
                let from = required(verb, "from_attribute", action.from_attribute.as_deref())?;
                Ok(Self::Rename { from: name("from_attribute", from)?, to })
            }
            Verb::Extract => {
                let key = name("key", &action.key)?;
                let pattern = pattern(required(verb, "pattern", action.pattern.as_deref())?)?;
                let is_named = pattern.capture_names().skip(1).all(|group| group.is_some());
                if pattern.captures_len() < 2 || !is_named {
                    return Err(Problem::new(
                        "pattern",
                        "every group names the attribute that it sets: `(?P<name>…)`; a group for nothing is `(?:…)`",
                    ));
                }
                Ok(Self::Extract { key, pattern })
            }
            Verb::Convert => {
                let to = required(verb, "converted_type", action.converted_type)?;
                Ok(Self::Convert { key: name("key", &action.key)?, to })
            }
            Verb::Map => {
                let key = name("key", &action.key)?;
                if action.values.is_empty() {
                    return Err(missing(verb, "values"));
                }
                let table = Table::new(&action.values, action.default_value.as_ref());
                let problem = |bad: super::values::BadRow| Problem {
                    path: vec!["values".to_owned(), bad.row],
                    message: bad.why,
                };
                Ok(Self::Map { key, table: table.map_err(problem)? })
            }
        }
    }

    fn set(action: &Action, when: When, env: Env<'_>) -> Result<Self, Problem> {
        let key = name("key", &action.key)?;
        let default = action.default_value.as_ref().map(|literal| literal.0.clone());
        let mut sources = sources(action, env)?.into_iter();
        match (sources.next(), sources.next()) {
            (Some((_, source)), None) => Ok(Self::Set { key, when, source, default }),
            (Some((first, _)), Some((second, _))) => Err(Problem::new(
                second,
                format!("`{first}` gives the {} its value already", action.action.word()),
            )),
            (None, _) if default.is_some() => {
                Ok(Self::Set { key, when, source: Source::Fixed(None), default })
            }
            (None, _) => Err(Problem::new(
                "action",
                format!(
                    "{} takes one of {}",
                    action.action.noun(),
                    SOURCES.map(|key| format!("`{key}`")).join(", ")
                ),
            )),
        }
    }

    fn apply(&self, list: &mut Vec<KeyValue>, around: Surroundings<'_>) {
        match self {
            Self::Delete(named) => list.retain(|kv| !named.means(&kv.key)),
            Self::Hash(named) => {
                let named = list.iter_mut().filter(|kv| named.means(&kv.key));
                named.for_each(|kv| kv.value = hashed(&kv.value));
            }
            Self::Rename { from, to } => {
                if from != to
                    && let Some(old) = position(list, from)
                {
                    let value = list.remove(old).value;
                    set(list, to, value);
                }
            }
            Self::Extract { key, pattern } => {
                // Only of text, as the Collector does.
                let text = position(list, key).and_then(|at| list[at].value.as_str().map(Arc::<str>::from));
                let Some(text) = text else { return };
                let Some(groups) = pattern.captures(&text) else { return };
                for name in pattern.capture_names().flatten() {
                    if let Some(found) = groups.name(name) {
                        set(list, &Arc::from(name), Value::str(found.as_str()));
                    }
                }
            }
            Self::Convert { key, to } => replace(list, key, |value| converted(value, *to)),
            Self::Map { key, table } => replace(list, key, |value| table.get(value).cloned()),
            Self::Set { key, when, source, default } => {
                let wanted = match when {
                    When::Absent => position(list, key).is_none(),
                    When::Present => position(list, key).is_some(),
                    When::Always => true,
                };
                if wanted && let Some(value) = source.value(list, around).or_else(|| default.clone()) {
                    set(list, key, value);
                }
            }
        }
    }
}

impl Named {
    fn new(action: &Action) -> Result<Self, Problem> {
        let pattern = action.pattern.as_deref().map(pattern).transpose()?;
        let key = match pattern {
            Some(_) if action.key.is_empty() => None,
            _ => Some(name("key", &action.key)?),
        };
        Ok(Self { key, pattern })
    }

    fn means(&self, name: &str) -> bool {
        self.key.as_deref() == Some(name)
            || self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(name))
    }
}

impl Source {
    fn value(&self, list: &[KeyValue], around: Surroundings<'_>) -> Option<Value> {
        match self {
            Self::Fixed(value) => value.clone(),
            Self::Attribute(key) => position(list, key).map(|at| list[at].value.clone()),
            Self::Resource(key) => around.resource.attributes.get(key).cloned(),
            Self::Metadata(key) => around.metadata.get(key).cloned(),
            Self::Context(key) => around.received.attributes.get(key).cloned(),
        }
    }
}

/// `attributes` as `rules` shape them; `None` where they stay as they are.
pub(super) fn shape(rules: &[Rule], attributes: &Attributes, around: Surroundings<'_>) -> Option<Attributes> {
    if rules.is_empty() {
        return None;
    }
    // Most rules add one at most.
    let mut list = Vec::with_capacity(attributes.len() + rules.len());
    list.extend(attributes.iter().cloned());
    for rule in rules {
        rule.apply(&mut list, around);
    }
    let shaped = Attributes::new(list);
    (shaped != *attributes).then_some(shaped)
}

impl Problem {
    fn new(key: &str, message: impl Into<String>) -> Self {
        Self { path: vec![key.to_owned()], message: message.into() }
    }
}

/// The keys that give an action its value.
const SOURCES: [&str; 6] =
    ["value", "from_attribute", "from_resource", "from_env", "from_metadata", "from_context"];

/// The keys that an action takes, beside `key` and `action`.
fn taken(verb: Verb) -> &'static [&'static str] {
    match verb {
        Verb::Insert | Verb::Update | Verb::Upsert => &[
            "value",
            "from_attribute",
            "from_resource",
            "from_env",
            "from_metadata",
            "from_context",
            "default_value",
        ],
        Verb::Delete | Verb::Hash | Verb::Extract => &["pattern"],
        Verb::Rename => &["from_attribute"],
        Verb::Convert => &["converted_type"],
        Verb::Map => &["values", "default_value"],
    }
}

/// The sources that `action` names, each under its key.
fn sources(action: &Action, env: Env<'_>) -> Result<Vec<(&'static str, Source)>, Problem> {
    let [value, from_attribute, from_resource, from_env, from_metadata, from_context] = SOURCES;
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
    if let Some(text) = &action.from_context {
        found.push((from_context, Source::Context(of_connection(text)?)));
    }
    Ok(found)
}

/// The attribute under which a receiver puts what is known of the connection: headers in lower case.
fn of_connection(text: &str) -> Result<Arc<str>, Problem> {
    match text.split_once('.') {
        Some(("client", "address")) => Ok(Arc::from(text)),
        Some(("metadata", header)) if !header.is_empty() => {
            Ok(Arc::from(format!("metadata.{}", header.to_ascii_lowercase())))
        }
        _ => Err(Problem::new(
            "from_context",
            format!(
                "`{text}` is not known of a connection: write `client.address`, or a header as `metadata.NAME`"
            ),
        )),
    }
}

fn name(key: &'static str, text: &str) -> Result<Arc<str>, Problem> {
    if text.is_empty() { Err(Problem::new(key, "a name cannot be empty")) } else { Ok(Arc::from(text)) }
}

fn required<T>(verb: Verb, key: &'static str, value: Option<T>) -> Result<T, Problem> {
    value.ok_or_else(|| missing(verb, key))
}

fn missing(verb: Verb, key: &'static str) -> Problem {
    Problem::new("action", format!("{} takes a `{key}`", verb.noun()))
}

fn pattern(text: &str) -> Result<Regex, Problem> {
    Regex::new(text).map_err(|error| Problem::new("pattern", bad_pattern(&error)))
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

/// Gives an attribute that is there the value that `change` makes of its own, if it makes one.
fn replace(list: &mut [KeyValue], key: &str, change: impl FnOnce(&Value) -> Option<Value>) {
    if let Some(kv) = list.iter_mut().find(|kv| *kv.key == *key)
        && let Some(value) = change(&kv.value)
    {
        kv.value = value;
    }
}
