//! Cycles: pipelines that feed each other through connectors.

use weir_config::Span;

use super::plan::Pipeline;

/// A way through pipelines and connectors that ends where it began.
pub(super) struct Cycle {
    /// Pipelines in their order, each with the connector (an index of a component) that leads to the next.
    steps: Vec<(usize, usize)>,
    /// Where the last connector is named: the reference that closes the circle.
    pub(super) span: Span,
}

impl Cycle {
    /// The whole way in words.
    pub(super) fn described(&self, pipelines: &[Pipeline], names: &[&str]) -> String {
        let mut way = String::new();
        for (pipeline, connector) in &self.steps {
            let name = names.get(*connector).copied().unwrap_or_default();
            way += &format!("{} -> {name} -> ", pipelines[*pipeline].id);
        }
        way + self.steps.first().map_or("", |(first, _)| pipelines[*first].id.as_str())
    }
}

/// Every connector reference that closes a circle, each found once.
pub(super) fn find(pipelines: &[Pipeline]) -> Vec<Cycle> {
    let mut search =
        Search { pipelines, done: vec![false; pipelines.len()], way: Vec::new(), found: Vec::new() };
    for start in 0..pipelines.len() {
        search.visit(start);
    }
    search.found
}

struct Search<'a> {
    pipelines: &'a [Pipeline],
    done: Vec<bool>,
    way: Vec<(usize, usize)>,
    found: Vec<Cycle>,
}

impl Search<'_> {
    fn visit(&mut self, at: usize) {
        if self.done[at] {
            return;
        }
        for exit in &self.pipelines[at].exporters {
            let fed = (0..self.pipelines.len()).filter(|to| {
                self.pipelines[*to].receivers.iter().any(|entry| entry.component == exit.component)
            });
            for to in fed.collect::<Vec<_>>() {
                self.way.push((at, exit.component));
                match self.way.iter().position(|(pipeline, _)| *pipeline == to) {
                    Some(from) => {
                        self.found.push(Cycle { steps: self.way[from..].to_vec(), span: exit.span });
                    }
                    None => self.visit(to),
                }
                self.way.pop();
            }
        }
        self.done[at] = true;
    }
}
