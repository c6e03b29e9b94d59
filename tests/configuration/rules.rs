//! What is right, said a second time: which values each key of `configs/` takes, and which references a graph needs. From the
//! documentation, not from the code.

use std::{collections::BTreeSet, ops::Range};

use crate::yaml::{Body, Entry, Token};

/// The places of errors.
pub(crate) type Places = BTreeSet<(usize, usize)>;

pub(crate) fn place(range: &Range<usize>) -> (usize, usize) {
    (range.start, range.end)
}

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Keys of its own, or nothing.
    Section,
    /// Any text, number or truth value.
    Text,
    /// The same, and it must be there.
    Name,
    /// One of a few words; it must be there.
    Word,
    /// One of a few words.
    Choice,
    Switch,
    Integer,
    Size,
    Duration,
    /// Host and port.
    Address,
    /// A path from the root on.
    Path,
    /// A list of texts.
    Texts,
    /// A list of a few words.
    Choices,
    /// A list of a few texts, of which there must be one: see `measurements`.
    Measurements,
    /// A list of ids.
    References,
}

/// Every key that the files of `configs/` have: `*` is any one key, an item of a list is a number.
#[rustfmt::skip]
const KEYS: &[(&str, Kind)] = {
    use Kind::{Address, Choice, Choices, Duration, Integer, Measurements, Name, Path, References, Section, Size, Switch, Text, Texts, Word};
    &[
        ("receivers", Section),
        ("processors", Section),
        ("connectors", Section),
        ("exporters", Section),
        ("extensions", Section),
        ("service", Section),
        ("receivers *", Section),
        ("processors *", Section),
        ("connectors *", Section),
        ("exporters *", Section),
        ("extensions *", Section),
        ("exporters * enabled", Switch),
        ("receivers nvml library", Text),
        ("receivers nvml profile", Choice),
        ("receivers nvml metrics", Choices),
        ("receivers nvml pods", Section),
        ("receivers nvml pods endpoint", Text),
        ("receivers nvml pods root_path", Text),
        ("receivers procfs collection_interval", Duration),
        ("receivers procfs root_path", Path),
        ("receivers procfs initial_delay", Duration),
        ("receivers procfs cwagent", Section),
        ("receivers procfs cwagent *", Section),
        ("receivers procfs cwagent * measurement", Measurements),
        ("receivers procfs cwagent * resources", Texts),
        ("receivers procfs scrapers", Section),
        ("receivers procfs scrapers *", Section),
        ("receivers procfs scrapers * exclude", Section),
        ("receivers procfs scrapers * exclude devices", Texts),
        ("receivers procfs scrapers * exclude interfaces", Texts),
        ("receivers procfs scrapers * exclude match_type", Choice),
        ("receivers procfs scrapers * metrics", Section),
        ("receivers procfs scrapers * metrics *", Section),
        ("receivers procfs scrapers * metrics * enabled", Switch), // required, see `switches`
        ("receivers otlp protocols", Section),
        ("receivers otlp protocols grpc", Section),
        ("receivers otlp protocols grpc endpoint", Address),
        ("receivers otlp protocols grpc max_recv_msg_size_mib", Integer),
        ("receivers otlp protocols http", Section),
        ("receivers otlp protocols http endpoint", Address),
        ("receivers otlp protocols http max_request_body_size", Size),
        ("receivers prometheus scrape_configs", Section),
        ("receivers prometheus scrape_configs * job_name", Text), // required, see `jobs`
        ("receivers prometheus scrape_configs * scrape_interval", Duration),
        ("receivers prometheus scrape_configs * static_configs", Section),
        ("receivers prometheus scrape_configs * static_configs * targets", Texts),
        ("receivers prometheus scrape_configs * metric_relabel_configs", Section),
        ("receivers prometheus scrape_configs * metric_relabel_configs * source_labels", Texts),
        ("receivers prometheus scrape_configs * metric_relabel_configs * regex", Text),
        ("receivers prometheus scrape_configs * metric_relabel_configs * action", Choice), // required, see `jobs`
        ("processors delta max_staleness", Duration),
        ("processors * detectors", Choices),
        ("processors * append", Choices),
        ("processors batch send_batch_size", Integer),
        ("processors batch timeout", Duration),
        ("processors dimensions k8s_downward", Section),
        ("processors dimensions k8s_downward resource_attributes", Section),
        ("processors dimensions k8s_downward resource_attributes *", Section),
        ("processors dimensions k8s_downward resource_attributes * enabled", Switch),
        ("processors * actions", Section),
        ("processors * actions * key", Name),
        ("processors * actions * action", Word),
        ("processors * actions * value", Name),
        ("exporters debug verbosity", Choice),
        ("exporters cloudwatch namespace", Text),
        ("exporters cloudwatch region", Text),
        ("exporters cloudwatch period", Duration),
        ("exporters cloudwatch dimensions", Section),
        ("exporters cloudwatch dimensions attributes", Texts),
        ("exporters cloudwatch dimensions resource", Texts),
        ("exporters cloudwatch dimensions static", Section),
        ("exporters cloudwatch dimensions static *", Name),
        ("exporters cloudwatch retry_on_failure", Section),
        ("exporters cloudwatch retry_on_failure *", Duration),
        ("exporters cloudwatch sending_queue", Section),
        ("exporters cloudwatch sending_queue queue_size", Size),
        ("extensions health_check endpoint", Address),
        ("service extensions", References),
        ("service pipelines", Section),
        ("service pipelines *", Section),
        ("service pipelines * receivers", References),
        ("service pipelines * processors", References),
        ("service pipelines * exporters", References),
        ("service shutdown_timeout", Duration),
        ("service limits", Section),
        ("service limits series", Integer),
        ("service limits edge_bytes", Size),
        ("service telemetry", Section),
        ("service telemetry logs", Section),
        ("service telemetry logs level", Choice),
    ]
};

/// What the key at `path` takes.
pub(crate) fn kind(path: &[String]) -> Kind {
    let fits = |pattern: &str| {
        let pattern: Vec<&str> = pattern.split(' ').collect();
        pattern.len() == path.len() && pattern.iter().zip(path).all(|(part, key)| *part == "*" || part == key)
    };
    let found = KEYS.iter().find(|(pattern, _)| fits(pattern));
    found.unwrap_or_else(|| panic!("say in `rules` what `{}` takes", path.join(" "))).1
}

impl Kind {
    /// Whether a key of this kind takes `value`, one of the wrong values that `mutations` tries.
    pub(crate) fn takes(self, value: &str) -> bool {
        match self {
            Self::Section
            | Self::Duration
            | Self::Address
            | Self::Path
            | Self::Word
            | Self::Choice
            | Self::Choices
            | Self::Measurements => false,
            Self::Text | Self::Name => !value.starts_with(['[', '{']),
            Self::Switch => value == "true",
            Self::Integer | Self::Size => value == "17",
            // What the list names is another matter: `graph` says it.
            Self::Texts | Self::References => value == "[wrong]",
        }
    }

    /// Whether a letter more in its value leaves it right.
    pub(crate) fn takes_any_text(self) -> bool {
        matches!(self, Self::Text | Self::Name | Self::Path | Self::Texts | Self::References)
    }

    /// Whether its key may not stand without a value.
    pub(crate) fn is_required(self) -> bool {
        matches!(self, Self::Name | Self::Word | Self::Switch)
    }
}

/// Whether any name will do for the key at `path`.
pub(crate) fn is_free_name(path: &[String]) -> bool {
    matches!(path, [a, _, b, c, _] if a == "exporters" && b == "dimensions" && c == "static")
}

/// Whether the key at `path` is an id, `type` or `type/name`.
pub(crate) fn is_id(path: &[String]) -> bool {
    match path {
        [section, _] => SECTIONS.contains(&section.as_str()),
        [service, pipelines, _] => service == "service" && pipelines == "pipelines",
        _ => false,
    }
}

const SECTIONS: [&str; 5] = ["receivers", "processors", "connectors", "exporters", "extensions"];

/// The errors of actions that lack something: a missing key is told at the action's first key, a missing value at the verb
/// that needs it.
pub(crate) fn actions(tree: &Body) -> Places {
    let processors = tree.get("processors").map(Body::entries).unwrap_or_default();
    let lists = processors.iter().filter_map(|processor| processor.body.get("actions"));
    let actions = lists.flat_map(|list| if let Body::List(actions) = list { &**actions } else { &[] });
    actions.filter_map(fault_of_action).collect()
}

fn fault_of_action(action: &Body) -> Option<(usize, usize)> {
    let first = action.entries().first()?;
    if action.get("key").is_none() || action.get("action").is_none() {
        return Some(place(&first.key.range));
    }
    match action.get("action") {
        Some(Body::Scalar(verb)) if verb.text == "insert" && action.get("value").is_none() => {
            Some(place(&verb.range))
        }
        _ => None,
    }
}

/// The errors of metrics and attributes that are named and not switched: told at the name.
pub(crate) fn switches(tree: &Body) -> Places {
    let procfs = tree.get("receivers").and_then(|receivers| receivers.get("procfs"));
    let scrapers = procfs.and_then(|procfs| procfs.get("scrapers")).map(Body::entries).unwrap_or_default();
    let metrics = scrapers.iter().filter_map(|scraper| scraper.body.get("metrics")).flat_map(Body::entries);
    let dimensions = tree.get("processors").and_then(|processors| processors.get("dimensions"));
    let downward = dimensions.and_then(|dimensions| dimensions.get("k8s_downward"));
    let attributes = downward.and_then(|downward| downward.get("resource_attributes")).map(Body::entries);
    let unswitched = metrics.chain(attributes.unwrap_or_default()).filter(|metric| match &metric.body {
        Body::Map(keys) => keys.iter().all(|entry| entry.key.text != "enabled"),
        Body::Empty => true,
        _ => false,
    });
    unswitched.map(|metric| place(&metric.key.range)).collect()
}

/// The errors of sections of `cwagent` that measure nothing: told at the list, or at the nearest key above it.
pub(crate) fn measurements(tree: &Body) -> Places {
    let procfs = tree.get("receivers").and_then(|receivers| receivers.get("procfs"));
    let Some(cwagent) = procfs.and_then(|procfs| procfs.entry("cwagent")) else { return Places::new() };
    if matches!(cwagent.body, Body::Empty) {
        return Places::from([place(&cwagent.key.range)]);
    }
    let fault = |section: &Entry| match (&section.body, section.body.entry("measurement")) {
        (Body::Empty | Body::Map(_), None) => Some(place(&section.key.range)),
        (_, Some(list)) => match &list.body {
            Body::Empty => Some(place(&list.key.range)),
            Body::Flow(range, items) if items.is_empty() => Some(place(range)),
            _ => None,
        },
        _ => None,
    };
    cwagent.body.entries().iter().filter_map(fault).collect()
}

/// The errors of jobs: without a name, told at the first key; with a step that has no action and so replaces, and does not say what, told
/// at the action or the step's first key; and without any job at all, told at the nearest key.
pub(crate) fn jobs(tree: &Body) -> Places {
    let prometheus = tree.get("receivers").and_then(|receivers| receivers.entry("prometheus"));
    let Some(prometheus) = prometheus else { return Places::new() };
    let first = |body: &Body| body.entries().first().map(|first| place(&first.key.range));
    match (&prometheus.body, prometheus.body.entry("scrape_configs")) {
        (Body::Empty | Body::Map(_), None) => Places::from([place(&prometheus.key.range)]),
        (_, Some(Entry { key, body: Body::Empty, .. })) => Places::from([place(&key.range)]),
        (_, Some(Entry { body: Body::List(jobs), .. })) => {
            let unnamed = jobs.iter().filter(|job| matches!(job.get("job_name"), None | Some(Body::Empty)));
            let unnamed = unnamed.filter_map(|job| match job.entry("job_name") {
                Some(empty) => Some(place(&empty.key.range)),
                None => first(job),
            });
            let lists = jobs.iter().filter_map(|job| job.get("metric_relabel_configs"));
            let steps = lists.flat_map(|list| if let Body::List(steps) = list { &**steps } else { &[] });
            let replaces = steps.filter_map(|step| match step.entry("action") {
                None => first(step),
                Some(Entry { key, body: Body::Empty, .. }) => Some(place(&key.range)),
                Some(_) => None,
            });
            unnamed.chain(replaces).collect()
        }
        _ => Places::new(),
    }
}

/// The errors of references and pipelines.
pub(crate) fn graph(tree: &Body) -> Places {
    let mut graph = Graph { tree, wrong: Places::new() };
    let Some(service) = tree.entry("service") else {
        return tree.entries().first().map(|first| place(&first.key.range)).into_iter().collect();
    };
    if let Some(extensions) = service.body.get("extensions") {
        graph.references(extensions, &["extensions"]);
    }
    let pipelines = service.body.get("pipelines");
    match (&service.body, pipelines) {
        // A service of the wrong type is told as such.
        (Body::Scalar(_) | Body::Flow(..) | Body::List(_), _) => {}
        (_, None | Some(Body::Empty)) => graph.wrong(&service.key),
        _ => {}
    }
    let pipelines = pipelines.map(Body::entries).unwrap_or_default();
    for pipeline in pipelines.iter().filter(|pipeline| matches!(pipeline.body, Body::Empty | Body::Map(_))) {
        graph.pipeline(pipeline);
    }
    graph.connectors(pipelines);
    graph.wrong
}

struct Graph<'a> {
    tree: &'a Body,
    wrong: Places,
}

impl Graph<'_> {
    fn wrong(&mut self, token: &Token) {
        self.wrong.insert(place(&token.range));
    }

    fn pipeline(&mut self, pipeline: &Entry) {
        for (key, sections) in [
            ("receivers", &["receivers", "connectors"][..]),
            ("processors", &["processors"]),
            ("exporters", &["exporters", "connectors"]),
        ] {
            match pipeline.body.entry(key) {
                None if key == "processors" => {}
                None => self.wrong(&pipeline.key),
                Some(list) => {
                    let is_empty = matches!(&list.body, Body::Empty)
                        || matches!(&list.body, Body::Flow(_, items) if items.is_empty());
                    if is_empty && key != "processors" {
                        self.wrong(&list.key);
                    }
                    self.references(&list.body, sections);
                }
            }
        }
    }

    /// Each id must stand in one of the sections. A section that cannot be read is told as such: what it might hold is not missed.
    fn references(&mut self, list: &Body, sections: &[&str]) {
        let Body::Flow(_, items) = list else { return };
        let is_unreadable = |section: &&str| {
            matches!(self.tree.get(section), Some(Body::Scalar(_) | Body::Flow(..) | Body::List(_)))
        };
        if sections.iter().any(is_unreadable) {
            return;
        }
        for item in items.iter().filter(|item| !item.text.starts_with(['[', '{'])) {
            let is_there =
                |section: &&str| self.tree.get(section).is_some_and(|body| body.get(&item.text).is_some());
            if !sections.iter().any(is_there) {
                self.wrong(item);
            }
        }
    }

    /// A connector that is used stands among the receivers of one pipeline and the exporters of another.
    fn connectors(&mut self, pipelines: &[Entry]) {
        let all = |key: &str| -> Vec<&Token> {
            let lists = pipelines.iter().filter_map(|pipeline| pipeline.body.get(key));
            lists.flat_map(|list| if let Body::Flow(_, items) = list { &**items } else { &[] }).collect()
        };
        for connector in self.tree.get("connectors").map(Body::entries).unwrap_or_default() {
            let of = |key: &str| all(key).into_iter().find(|item| item.text == connector.key.text);
            let one_sided = match (of("receivers"), of("exporters")) {
                (Some(only), None) | (None, Some(only)) => Some(only.clone()),
                _ => None,
            };
            if let Some(only) = one_sided {
                self.wrong(&only);
            }
        }
    }
}
