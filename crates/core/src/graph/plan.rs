//! From a configuration tree to a checked plan: every error at once, each at its token.

use std::collections::HashMap;

use weir_config::{Diagnostics, Entry, Node, Span, Value, from_node, nearest};

use super::{cycles, ids, lints, service::Service, wants};
use crate::{
    component::Facts,
    registry::{Component, ComponentKind, Parsed},
};

/// A configured component.
#[derive(Debug)]
pub struct Planned {
    /// What it is for.
    pub kind: ComponentKind,
    /// Its id, as it is written.
    pub id: String,
    /// Its registered type: `procfs` where `hostmetrics/x` is written.
    pub type_name: &'static str,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Where its id stands.
    pub key: Span,
    /// Its section, for warnings that point into it.
    pub(super) node: Node,
    /// Its configuration, read and checked.
    pub parsed: Parsed,
}

/// A component's place in a pipeline: an index into [`Plan::components`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Which component.
    pub component: usize,
    /// Where the pipeline names it.
    pub span: Span,
}

/// A pipeline with its stages.
#[derive(Debug)]
pub struct Pipeline {
    /// `metrics` or `metrics/name`.
    pub id: String,
    /// Receivers, and connectors that feed it.
    pub receivers: Vec<Stage>,
    /// Processors in their order.
    pub processors: Vec<Stage>,
    /// Exporters, and connectors that it feeds.
    pub exporters: Vec<Stage>,
}

/// A configuration that can run.
#[derive(Debug)]
pub struct Plan {
    /// Every component that is configured, named by a pipeline or not.
    pub components: Vec<Planned>,
    /// The pipelines, in the order of the text.
    pub pipelines: Vec<Pipeline>,
    /// The extensions to start, in their order.
    pub extensions: Vec<usize>,
    /// What holds for the process.
    pub service: Service,
}

/// Reads and checks a whole configuration; `None` when errors were reported. Warnings go to `diags` as well.
pub fn plan(root: &Node, registry: &[Component], diags: &mut Diagnostics) -> Option<Plan> {
    let mut planner = Planner {
        registry,
        diags,
        defined: Vec::new(),
        by_name: HashMap::new(),
        used: Vec::new(),
        unreadable: Vec::new(),
    };
    planner.read_root(root);
    for kind in ComponentKind::ALL {
        planner.read_section(root, kind);
    }
    let service = planner.read_service(root);
    let extensions = planner.read_extensions(root);
    let pipelines = planner.read_pipelines(root);
    planner.check_connectors(&pipelines);
    wants::check(&planner.defined, &extensions, planner.diags);
    // Beside a mistake, what nothing names may be what was meant to be named.
    if planner.diags.has_errors() {
        return None;
    }
    planner.warn_unused();
    let Planner { defined, .. } = planner;
    // Without errors every component that was defined has been parsed.
    let mut index = vec![usize::MAX; defined.len()];
    let mut components = Vec::new();
    for (at, definition) in defined.into_iter().enumerate() {
        if let Some(planned) = definition.into_planned() {
            index[at] = components.len();
            components.push(planned);
        }
    }
    let placed = |stages: Vec<Stage>| -> Vec<Stage> {
        stages.into_iter().map(|stage| Stage { component: index[stage.component], ..stage }).collect()
    };
    let pipelines = pipelines
        .into_iter()
        .map(|pipeline| Pipeline {
            id: pipeline.id,
            receivers: placed(pipeline.receivers),
            processors: placed(pipeline.processors),
            exporters: placed(pipeline.exporters),
        })
        .collect();
    let extensions = extensions.into_iter().map(|at| index[at]).collect();
    let plan = Plan { components, pipelines, extensions, service: service? };
    lints::check(&plan, diags);
    Some(plan)
}

struct Planner<'a> {
    registry: &'a [Component],
    diags: &'a mut Diagnostics,
    defined: Vec<Definition>,
    by_name: HashMap<(ComponentKind, String), usize>,
    used: Vec<bool>,
    /// Sections that are no map.
    unreadable: Vec<ComponentKind>,
}

pub(super) struct Definition {
    pub(super) kind: ComponentKind,
    pub(super) id: String,
    pub(super) key: Span,
    pub(super) node: Node,
    enabled: bool,
    found: Option<(&'static str, Parsed)>,
}

impl Definition {
    /// Nothing is known of what could not be read.
    pub(super) fn facts(&self) -> Option<&Facts> {
        self.found.as_ref().map(|(_, parsed)| &parsed.facts)
    }

    fn into_planned(self) -> Option<Planned> {
        let (type_name, parsed) = self.found?;
        let Self { kind, id, key, node, enabled, .. } = self;
        Some(Planned { kind, id, type_name, enabled, key, node, parsed })
    }
}

const ROOT_KEYS: [&str; 6] = ["receivers", "processors", "connectors", "exporters", "extensions", "service"];
const PIPELINE_KEYS: [&str; 3] = ["receivers", "processors", "exporters"];

impl Planner<'_> {
    fn read_root(&mut self, root: &Node) {
        if root.is_null() {
            let found = self.diags.error(root.span, "the configuration is empty");
            found.help("it needs `receivers`, `exporters` and `service.pipelines`");
            return;
        }
        let Some(entries) = self.map(root, "the configuration") else { return };
        for entry in entries {
            if !ROOT_KEYS.contains(&entry.key.as_str()) {
                self.unknown_key(entry, "the top level", &ROOT_KEYS);
            }
        }
    }

    fn read_section(&mut self, root: &Node, kind: ComponentKind) {
        let Some(section) = root.get(kind.section()).filter(|section| !section.is_null()) else { return };
        let Some(entries) = self.map(section, &format!("`{}`", kind.section())) else {
            self.unreadable.push(kind);
            return;
        };
        for entry in entries {
            let definition = self.define(kind, entry);
            self.by_name.insert((kind, entry.key.clone()), self.defined.len());
            self.defined.push(definition);
            self.used.push(false);
        }
    }

    fn define(&mut self, kind: ComponentKind, entry: &Entry) -> Definition {
        let (node, enabled) = self.take_enabled(&entry.value);
        let mut definition = Definition {
            kind,
            id: entry.key.clone(),
            key: entry.key_span,
            node: node.clone(),
            enabled,
            found: None,
        };
        if let Some(fault) = ids::fault(&entry.key) {
            self.diags.error(entry.key_span, format!("`{}` is not a component id", entry.key)).label(fault);
            return definition;
        }
        let name = ids::type_of(&entry.key);
        let of_kind = || self.registry.iter().filter(move |component| component.kind == kind);
        let Some(component) = of_kind().find(|component| component.is_called(name)) else {
            let names: Vec<&str> =
                of_kind().flat_map(|c| [c.type_name].into_iter().chain(c.aliases.iter().copied())).collect();
            let other = self.registry.iter().find(|component| component.is_called(name));
            let found = self.diags.error(entry.key_span, format!("unknown {kind} `{name}`"));
            if let Some(other) = other {
                found.help(format!("`{name}` is one of the `{}`", other.kind.section()));
            } else if let Some(near) = nearest(name, names.iter().copied()) {
                found.help(format!("did you mean `{near}`?"));
            } else {
                let types: Vec<String> = of_kind().map(|c| format!("`{}`", c.type_name)).collect();
                found.help(format!("the {} that there are: {}", kind.section(), types.join(", ")));
            }
            return definition;
        };
        definition.found = (component.parse)(&node, self.diags).map(|parsed| (component.type_name, parsed));
        definition
    }

    /// Takes the switch that any component has out of its section.
    fn take_enabled(&mut self, section: &Node) -> (Node, bool) {
        let Some(switch) = section.get("enabled") else { return (section.clone(), true) };
        let enabled = switch.as_bool();
        if enabled.is_none() {
            self.diags.error(switch.span, "`enabled` takes `true` or `false`").label("expected a boolean");
        }
        let mut rest = section.clone();
        if let Value::Map(entries) = &mut rest.value {
            entries.retain(|entry| entry.key != "enabled");
        }
        (rest, enabled.unwrap_or(true))
    }

    fn read_service(&mut self, root: &Node) -> Option<Service> {
        let Some(service) = root.get("service") else {
            if !root.is_null() {
                self.diags
                    .error(root.named_by(), "missing key `service`")
                    .help("nothing runs without `service.pipelines`");
            }
            return None;
        };
        from_node(service, self.diags)
    }

    fn read_extensions(&mut self, root: &Node) -> Vec<usize> {
        let Some(list) = root.at(&["service", "extensions"]) else { return Vec::new() };
        let stages = self.references(list, &[ComponentKind::Extension], "service.extensions");
        stages.into_iter().map(|stage| stage.component).collect()
    }

    fn read_pipelines(&mut self, root: &Node) -> Vec<Pipeline> {
        // A service that is no map has been reported as such.
        let is_read = |service: &&Node| matches!(service.value, Value::Map(_) | Value::Null);
        let Some(service) = root.get("service").filter(is_read) else { return Vec::new() };
        let Some(pipelines) = service.get("pipelines").filter(|node| !node.is_null()) else {
            let found = self.diags.error(service.named_by(), "there is no pipeline");
            found.help("write at least `pipelines: {metrics: {receivers: […], exporters: […]}}`");
            return Vec::new();
        };
        let Some(entries) = self.map(pipelines, "`pipelines`") else { return Vec::new() };
        if entries.is_empty() {
            self.diags.error(pipelines.named_by(), "there is no pipeline");
        }
        entries.iter().filter_map(|entry| self.read_pipeline(entry)).collect()
    }

    fn read_pipeline(&mut self, entry: &Entry) -> Option<Pipeline> {
        self.check_pipeline_id(entry);
        let entries = match &entry.value.value {
            Value::Null => &[],
            _ => self.map(&entry.value, &format!("pipeline `{}`", entry.key))?,
        };
        for key in entries {
            if !PIPELINE_KEYS.contains(&key.key.as_str()) {
                self.unknown_key(key, &format!("pipeline `{}`", entry.key), &PIPELINE_KEYS);
            }
        }
        let list = |planner: &mut Self, key: &str, kinds: &[ComponentKind]| {
            let list = entry.value.get(key)?;
            Some(planner.references(list, kinds, &entry.key))
        };
        let receivers = list(self, "receivers", &[ComponentKind::Receiver, ComponentKind::Connector]);
        let processors = list(self, "processors", &[ComponentKind::Processor]);
        let exporters = list(self, "exporters", &[ComponentKind::Exporter, ComponentKind::Connector]);
        for (key, written) in [("receivers", &receivers), ("exporters", &exporters)] {
            let list = entry.value.get(key);
            // What is no list has been reported as such.
            let empty = list.is_none_or(|list| match &list.value {
                Value::Null => true,
                Value::Seq(ids) => ids.is_empty(),
                _ => false,
            });
            if written.as_ref().is_none_or(Vec::is_empty) && empty {
                let span = entry.value.entry(key).map_or(entry.key_span, |key| key.key_span);
                self.diags.error(span, format!("pipeline `{}` has no {key}", entry.key));
            }
        }
        Some(Pipeline {
            id: entry.key.clone(),
            receivers: receivers.unwrap_or_default(),
            processors: processors.unwrap_or_default(),
            exporters: exporters.unwrap_or_default(),
        })
    }

    fn check_pipeline_id(&mut self, entry: &Entry) {
        let signal = ids::type_of(&entry.key);
        if let Some(fault) = ids::fault(&entry.key) {
            self.diags.error(entry.key_span, format!("`{}` is not a pipeline id", entry.key)).label(fault);
        } else if ["traces", "logs", "profiles"].contains(&signal) {
            self.diags
                .error(entry.key_span, format!("Weir carries metrics only, not {signal}"))
                .help("pipelines are called `metrics` or `metrics/name`");
        } else if signal != "metrics" {
            let found = self.diags.error(entry.key_span, format!("unknown signal `{signal}`"));
            found.help("pipelines are called `metrics` or `metrics/name`");
        }
    }

    /// The components that a list names: each exists, and none is named twice.
    fn references(&mut self, list: &Node, kinds: &[ComponentKind], owner: &str) -> Vec<Stage> {
        if !matches!(list.value, Value::Seq(_) | Value::Null) {
            self.diags
                .error(list.span, format!("expected a list of ids, found {}", list.described()))
                .help("write `[a, b]`, or one `- id` a line");
            return Vec::new();
        }
        let mut stages: Vec<Stage> = Vec::new();
        for item in list.items().iter().filter(|item| !item.is_broken()) {
            let Some(id) = item.text() else {
                self.diags.error(item.span, format!("expected an id, found {}", item.described()));
                continue;
            };
            let Some(component) = self.lookup(id, kinds) else {
                // What a section that cannot be read would define is not known.
                if kinds.iter().any(|kind| self.unreadable.contains(kind)) {
                    continue;
                }
                self.dangling(item.span, id, kinds);
                continue;
            };
            if let Some(first) = stages.iter().find(|stage| stage.component == component) {
                let first = first.span;
                self.diags
                    .error(item.span, format!("`{id}` stands twice in `{owner}`"))
                    .also(first, "first here");
                continue;
            }
            self.used[component] = true;
            stages.push(Stage { component, span: item.span });
        }
        stages
    }

    fn lookup(&self, id: &str, kinds: &[ComponentKind]) -> Option<usize> {
        kinds.iter().find_map(|kind| self.by_name.get(&(*kind, id.to_owned()))).copied()
    }

    fn dangling(&mut self, span: Span, id: &str, kinds: &[ComponentKind]) {
        let kind = kinds.first().copied().unwrap_or(ComponentKind::Receiver);
        let known: Vec<&str> =
            self.defined.iter().filter(|d| kinds.contains(&d.kind)).map(|d| d.id.as_str()).collect();
        let elsewhere = self.defined.iter().find(|definition| definition.id == id);
        let elsewhere = elsewhere.map(|definition| definition.kind.section());
        let type_exists =
            self.registry.iter().any(|c| kinds.contains(&c.kind) && c.is_called(ids::type_of(id)));
        let near = nearest(id, known.iter().copied()).map(str::to_owned);
        let list = known.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
        let found = self.diags.error(span, format!("{kind} `{id}` is not configured"));
        if let Some(near) = near {
            found.help(format!("did you mean `{near}`?"));
        } else if let Some(section) = elsewhere {
            found.help(format!("`{id}` stands under `{section}`"));
        } else if type_exists {
            found.help(format!("add `{id}:` under `{}`", kind.section()));
        } else if !list.is_empty() {
            found.help(format!("configured are {list}"));
        }
    }

    fn check_connectors(&mut self, pipelines: &[Pipeline]) {
        for (at, definition) in self.defined.iter().enumerate() {
            if definition.kind != ComponentKind::Connector || !self.used[at] {
                continue;
            }
            let place = |stages: fn(&Pipeline) -> &Vec<Stage>| {
                pipelines.iter().flat_map(stages).find(|stage| stage.component == at).map(|stage| stage.span)
            };
            let (feeds, fed) = (place(|p| &p.receivers), place(|p| &p.exporters));
            let (span, side) = match (feeds, fed) {
                (Some(span), None) => (span, "exporter"),
                (None, Some(span)) => (span, "receiver"),
                _ => continue,
            };
            let message =
                format!("connector `{}` joins nothing: no pipeline has it as {side}", definition.id);
            self.diags
                .error(span, message)
                .help("name it under `exporters` of one pipeline and under `receivers` of another");
        }
        let names: Vec<&str> = self.defined.iter().map(|definition| definition.id.as_str()).collect();
        for cycle in cycles::find(pipelines) {
            let way = cycle.described(pipelines, &names);
            self.diags
                .error(cycle.span, format!("the pipelines form a cycle: {way}"))
                .help("points would go round for ever; take one connector out");
        }
    }

    fn warn_unused(&mut self) {
        for (at, definition) in self.defined.iter().enumerate() {
            if self.used[at] || !definition.enabled {
                continue;
            }
            let place = match definition.kind {
                ComponentKind::Extension => "`service.extensions` does not name it",
                _ => "no pipeline names it",
            };
            self.diags
                .warning(definition.key, format!("{} `{}` is not used", definition.kind, definition.id))
                .label(place);
        }
    }

    fn map<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Entry]> {
        if let Value::Map(entries) = &node.value {
            return Some(entries);
        }
        self.diags.error(node.span, format!("{what} takes a map, found {}", node.described()));
        None
    }

    fn unknown_key(&mut self, entry: &Entry, place: &str, known: &[&str]) {
        let found = self.diags.error(entry.key_span, format!("unknown key `{}` at {place}", entry.key));
        match nearest(&entry.key, known.iter().copied()) {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None => found.help(format!("known keys: {}", known.join(", "))),
        };
    }
}

#[cfg(test)]
mod tests;
