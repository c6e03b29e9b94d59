//! `weir print-config`.

use std::process::ExitCode;

use serde_json::{Map, Value};
use weir_config::{Diagnostics, Env, Node, Source, annotated_yaml, load, to_yaml};
use weir_core::{Component, ComponentKind, Plan, plan, service_schema};

use super::{components::without_null, print};
use crate::{cli::PrintConfigArgs, configuration, exit, registry};

/// What the source of the defaults is called.
const DEFAULT: &str = "default";

/// Prints the configuration after merging and substitution.
pub(crate) fn run(args: &PrintConfigArgs) -> ExitCode {
    let sources = configuration::sources(&args.config, false);
    match configuration::checked(&sources, &args.config.set) {
        Err(code) => code,
        Ok((document, plan)) => {
            let redact = !args.unredacted;
            print(&match args.origins {
                true => with_origins(&plan, document.root(), sources, &args.config.set, redact),
                false => to_yaml(document.root(), redact),
            });
            exit::SUCCESS
        }
    }
}

/// The configuration laid over the defaults of what it names, each value with where it came from.
fn with_origins(
    defined: &Plan,
    written: &Node,
    sources: Vec<Source>,
    sets: &[String],
    redact: bool,
) -> String {
    let (registry, env) = (registry::all(), Env::process());
    let defaults = Source::Text { name: DEFAULT.to_owned(), text: defaults(defined, written, &registry) };
    // It has been checked without the defaults. What is said of a tree with them is of no use to anyone.
    let mut unsaid = Diagnostics::new();
    let document = load(&[vec![defaults], sources].concat(), sets, &env, &mut unsaid);
    // Reading it marks what is secret.
    let _ = plan(document.root(), &registry, &mut unsaid);
    annotated_yaml(document.root(), redact, |node| {
        let is_default = document.sources().name(node.span.source) == DEFAULT;
        Some(if is_default { DEFAULT.to_owned() } else { document.origin(node, &env) })
    })
}

/// The defaults of every component that is defined in what is `written`, as a configuration: JSON, which is YAML.
fn defaults(defined: &Plan, written: &Node, registry: &[Component]) -> String {
    let mut root = Map::new();
    for kind in ComponentKind::ALL {
        let section: Map<String, Value> = defined
            .components
            .iter()
            .filter(|component| component.kind == kind)
            .filter_map(|component| {
                let is_it = |known: &&Component| known.kind == kind && known.type_name == component.type_name;
                let known = registry.iter().find(is_it)?;
                let written = written.at(&[kind.section(), &component.id]);
                Some((component.id.clone(), defaults_of((known.schema)().as_value(), written)))
            })
            .collect();
        if !section.is_empty() {
            root.insert(kind.section().to_owned(), Value::Object(section));
        }
    }
    root.insert("service".to_owned(), defaults_of(service_schema().as_value(), written.at(&["service"])));
    // A `$` in a default is no variable.
    Value::Object(root).to_string().replace('$', "$$")
}

/// The default of each key of a schema that has one. A section that can be left out (a scraper, `tls`) has none as a whole: where it is
/// written, its keys have theirs.
fn defaults_of(schema: &Value, written: Option<&Node>) -> Value {
    let properties = schema.get("properties").and_then(Value::as_object);
    let defaults = properties.into_iter().flatten().filter_map(|(key, about)| {
        let about = without_null(about);
        let section =
            written.and_then(|written| written.get(key)).filter(|section| !section.entries().is_empty());
        let default = match section.filter(|_| about.get("properties").is_some()) {
            Some(section) => defaults_of(&about, Some(section)),
            None => about.get("default")?.clone(),
        };
        Some((key.clone(), what_is_set(default)?))
    });
    Value::Object(defaults.collect())
}

/// A default without what is not set in it: nulls, and maps that hold nothing.
fn what_is_set(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Object(map) => {
            let set: Map<_, _> =
                map.into_iter().filter_map(|(key, value)| Some((key, what_is_set(value)?))).collect();
            (!set.is_empty()).then_some(Value::Object(set))
        }
        other => Some(other),
    }
}
