//! `weir graph`.

use std::{collections::BTreeSet, fmt::Write as _, process::ExitCode};

use weir_core::{ComponentKind, Pipeline, Plan, Planned, Stage};

use super::print;
use crate::{
    cli::{GraphArgs, GraphFormat},
    configuration, exit,
};

/// Draws the pipelines.
pub(crate) fn run(args: &GraphArgs) -> ExitCode {
    match configuration::checked(&configuration::sources(&args.config, false), &args.config.set) {
        Err(code) => code,
        Ok((_, plan)) => {
            print(&match args.format {
                GraphFormat::Text => text(&plan),
                GraphFormat::Mermaid => mermaid(&plan),
                GraphFormat::Dot => dot(&plan),
            });
            exit::SUCCESS
        }
    }
}

/// A pipeline a block: its receivers, its processors in their order, its exporters.
fn text(plan: &Plan) -> String {
    let mut text = String::new();
    for pipeline in &plan.pipelines {
        let _ = writeln!(text, "{}", pipeline.id);
        let _ = writeln!(text, "  from  {}", names(plan, &pipeline.receivers, ", "));
        if !pipeline.processors.is_empty() {
            let _ = writeln!(text, "  then  {}", names(plan, &pipeline.processors, " -> "));
        }
        let _ = writeln!(text, "  to    {}", names(plan, &pipeline.exporters, ", "));
    }
    text
}

fn names(plan: &Plan, stages: &[Stage], between: &str) -> String {
    let name = |stage: &Stage| label(&plan.components[stage.component]);
    stages.iter().map(name).collect::<Vec<_>>().join(between)
}

fn label(component: &Planned) -> String {
    match component.enabled {
        true => component.id.clone(),
        false => format!("{} (switched off)", component.id),
    }
}

/// A box of the drawing: a shared component, or a processor of one pipeline.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Node {
    component: usize,
    pipeline: Option<usize>,
}

impl Node {
    /// A name that both languages take, unique in the drawing.
    fn name(self) -> String {
        match self.pipeline {
            Some(pipeline) => format!("c{}p{pipeline}", self.component),
            None => format!("c{}", self.component),
        }
    }
}

/// What leads to what, each once: a shared component is one box, a processor one a pipeline.
fn edges(plan: &Plan) -> BTreeSet<(Node, Node)> {
    let mut edges = BTreeSet::new();
    for (at, pipeline) in plan.pipelines.iter().enumerate() {
        let Pipeline { receivers, processors, exporters, .. } = pipeline;
        let shared = |stages: &[Stage]| -> Vec<Node> {
            stages.iter().map(|stage| Node { component: stage.component, pipeline: None }).collect()
        };
        let mut from = shared(receivers);
        for stage in processors {
            let to = Node { component: stage.component, pipeline: Some(at) };
            edges.extend(from.iter().map(|from| (*from, to)));
            from = vec![to];
        }
        for to in shared(exporters) {
            edges.extend(from.iter().map(|from| (*from, to)));
        }
    }
    edges
}

/// The boxes of `edges`: those of a pipeline, or the shared ones.
fn boxes(edges: &BTreeSet<(Node, Node)>, pipeline: Option<usize>) -> BTreeSet<Node> {
    let ends = edges.iter().flat_map(|(from, to)| [*from, *to]);
    ends.filter(|node| node.pipeline == pipeline).collect()
}

fn mermaid(plan: &Plan) -> String {
    let edges = edges(plan);
    let mut text = "flowchart LR\n".to_owned();
    let draw = |text: &mut String, indent: &str, node: Node| {
        let component = &plan.components[node.component];
        let (open, close) = match component.kind {
            ComponentKind::Receiver | ComponentKind::Exporter => ("([", "])"),
            ComponentKind::Connector => ("{{", "}}"),
            ComponentKind::Processor | ComponentKind::Extension => ("[", "]"),
        };
        // In quotes mermaid takes every character but a quote.
        let label = label(component).replace('"', "#quot;");
        let _ = writeln!(text, "{indent}{}{open}\"{label}\"{close}", node.name());
    };
    boxes(&edges, None).into_iter().for_each(|node| draw(&mut text, "  ", node));
    for (at, pipeline) in plan.pipelines.iter().enumerate() {
        let inside = boxes(&edges, Some(at));
        if !inside.is_empty() {
            let _ = writeln!(text, "  subgraph p{at} [\"{}\"]", pipeline.id.replace('"', "#quot;"));
            inside.into_iter().for_each(|node| draw(&mut text, "    ", node));
            text.push_str("  end\n");
        }
    }
    for (from, to) in &edges {
        let _ = writeln!(text, "  {} --> {}", from.name(), to.name());
    }
    text
}

fn dot(plan: &Plan) -> String {
    let edges = edges(plan);
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let mut text = "digraph weir {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
    let draw = |text: &mut String, indent: &str, node: Node| {
        let component = &plan.components[node.component];
        let shape = match component.kind {
            ComponentKind::Receiver | ComponentKind::Exporter => ", shape=oval",
            ComponentKind::Connector => ", shape=hexagon",
            ComponentKind::Processor | ComponentKind::Extension => "",
        };
        let _ = writeln!(text, "{indent}{} [label={}{shape}];", node.name(), quoted(&label(component)));
    };
    boxes(&edges, None).into_iter().for_each(|node| draw(&mut text, "  ", node));
    for (at, pipeline) in plan.pipelines.iter().enumerate() {
        let inside = boxes(&edges, Some(at));
        if !inside.is_empty() {
            let _ = writeln!(text, "  subgraph cluster_p{at} {{\n    label={};", quoted(&pipeline.id));
            inside.into_iter().for_each(|node| draw(&mut text, "    ", node));
            text.push_str("  }\n");
        }
    }
    for (from, to) in &edges {
        let _ = writeln!(text, "  {} -> {};", from.name(), to.name());
    }
    text + "}\n"
}
