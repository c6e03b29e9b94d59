//! The registry (R8): explicit lists of the components that there are. Each component crate has a `registry()` with one line a
//! component; the binary chains them.

use std::fmt;

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use weir_config::{Check, Diagnostics, Node, from_node};

use crate::component::{
    Config, Context, Exporter, ExporterFactory, Extension, ExtensionFactory, Factory, Facts, Processor,
    ProcessorFactory, Receiver, ReceiverFactory, State,
};
use crate::health::Health;

/// What a component is for: the section of the configuration that it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ComponentKind {
    /// A source of points.
    Receiver,
    /// A stage in a pipeline.
    Processor,
    /// A joint between pipelines.
    Connector,
    /// A destination.
    Exporter,
    /// Something that points do not pass.
    Extension,
}

impl ComponentKind {
    /// Every kind, in the order of a configuration.
    pub const ALL: [Self; 5] =
        [Self::Receiver, Self::Processor, Self::Connector, Self::Exporter, Self::Extension];

    /// `receiver`, `processor`, …
    pub fn name(self) -> &'static str {
        match self {
            Self::Receiver => "receiver",
            Self::Processor => "processor",
            Self::Connector => "connector",
            Self::Exporter => "exporter",
            Self::Extension => "extension",
        }
    }

    /// The section of the configuration: `receivers`, `processors`, …
    pub fn section(self) -> &'static str {
        match self {
            Self::Receiver => "receivers",
            Self::Processor => "processors",
            Self::Connector => "connectors",
            Self::Exporter => "exporters",
            Self::Extension => "extensions",
        }
    }
}

impl fmt::Display for ComponentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Builds a component from a configuration that has been read and checked.
pub enum Maker {
    /// Builds a receiver.
    Receiver(Box<dyn FnOnce(Context) -> Box<dyn Receiver> + Send>),
    /// Builds a processor or a connector.
    Processor(Box<dyn Fn(Context, Option<State>) -> Box<dyn Processor> + Send>),
    /// Builds an exporter.
    Exporter(Box<dyn FnOnce(Context) -> Box<dyn Exporter> + Send>),
    /// Builds an extension.
    Extension(Box<dyn FnOnce(Context, Health) -> Box<dyn Extension> + Send>),
}

impl fmt::Debug for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Maker")
    }
}

/// A component's configuration, read and checked.
#[derive(Debug)]
pub struct Parsed {
    /// What the lints need to know.
    pub facts: Facts,
    /// Builds it.
    pub maker: Maker,
}

/// An entry of a registry.
#[derive(Clone, Copy, Debug)]
pub struct Component {
    /// What it is for.
    pub kind: ComponentKind,
    /// Its name in configurations.
    pub type_name: &'static str,
    /// Other names that mean the same.
    pub aliases: &'static [&'static str],
    /// What it does, in one line.
    pub summary: &'static str,
    /// Its keys, types, defaults and their documentation, as a JSON schema with every reference inlined.
    pub schema: fn() -> Schema,
    /// Reads and checks its section; `None` when errors were reported.
    pub parse: fn(&Node, &mut Diagnostics) -> Option<Parsed>,
}

impl Component {
    /// The entry of a receiver.
    pub const fn receiver<F: ReceiverFactory>() -> Self {
        Self::entry::<F>(ComponentKind::Receiver, |node, diags| {
            let (config, facts) = read::<F::Config>(node, diags)?;
            let maker = Maker::Receiver(Box::new(move |context| F::build(config, context)));
            Some(Parsed { facts, maker })
        })
    }

    /// The entry of a processor.
    pub const fn processor<F: ProcessorFactory>() -> Self
    where
        F::Config: Clone,
    {
        Self::entry::<F>(ComponentKind::Processor, parse_processor::<F>)
    }

    /// The entry of a connector.
    pub const fn connector<F: ProcessorFactory>() -> Self
    where
        F::Config: Clone,
    {
        Self::entry::<F>(ComponentKind::Connector, parse_processor::<F>)
    }

    /// The entry of an exporter.
    pub const fn exporter<F: ExporterFactory>() -> Self {
        Self::entry::<F>(ComponentKind::Exporter, |node, diags| {
            let (config, facts) = read::<F::Config>(node, diags)?;
            let maker = Maker::Exporter(Box::new(move |context| F::build(config, context)));
            Some(Parsed { facts, maker })
        })
    }

    /// The entry of an extension.
    pub const fn extension<F: ExtensionFactory>() -> Self {
        Self::entry::<F>(ComponentKind::Extension, |node, diags| {
            let (config, facts) = read::<F::Config>(node, diags)?;
            let maker = Maker::Extension(Box::new(move |context, health| F::build(config, context, health)));
            Some(Parsed { facts, maker })
        })
    }

    const fn entry<F: Factory>(
        kind: ComponentKind,
        parse: fn(&Node, &mut Diagnostics) -> Option<Parsed>,
    ) -> Self {
        Self {
            kind,
            type_name: F::TYPE,
            aliases: F::ALIASES,
            summary: F::SUMMARY,
            schema: schema::<F::Config>,
            parse,
        }
    }

    /// Whether `name` is its type or one of its aliases.
    pub fn is_called(&self, name: &str) -> bool {
        self.type_name == name || self.aliases.contains(&name)
    }
}

fn parse_processor<F: ProcessorFactory>(node: &Node, diags: &mut Diagnostics) -> Option<Parsed>
where
    F::Config: Clone,
{
    let (config, facts) = read::<F::Config>(node, diags)?;
    let maker = Maker::Processor(Box::new(move |context, prior| F::build(config.clone(), context, prior)));
    Some(Parsed { facts, maker })
}

fn read<C: Config>(node: &Node, diags: &mut Diagnostics) -> Option<(C, Facts)> {
    let config: C = from_node(node, diags)?;
    config.check(&mut Check::new(node, diags));
    let facts = config.facts();
    Some((config, facts))
}

/// The keys of a configuration, with every reference inlined.
pub(crate) fn schema<C: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<C>()
}
