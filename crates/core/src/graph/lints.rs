//! Lints: configurations that run, and hardly do what was meant.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use weir_config::Diagnostics;

use super::plan::{Plan, Planned, Stage};
use crate::{
    component::{OpenListener, OwnPod},
    registry::ComponentKind,
};

/// OTLP exporters of SDKs give up after ten seconds.
const CLIENT_WAITS: Duration = Duration::from_secs(10);

/// Warns of what the pipelines' ways reveal.
pub(super) fn check(plan: &Plan, diags: &mut Diagnostics) {
    open_listeners(plan, diags);
    enriches_nothing(plan, diags);
    let mut walk = Walk { plan, diags, said: BTreeSet::new() };
    for (at, pipeline) in plan.pipelines.iter().enumerate() {
        for stage in &pipeline.receivers {
            let receiver = &plan.components[stage.component];
            if receiver.kind == ComponentKind::Receiver && receiver.enabled {
                let facts = &receiver.parsed.facts;
                let state = State {
                    cumulative: facts.cumulative,
                    waits: facts.waits_for_export,
                    window: None,
                    tells_pods: facts.tells_pods,
                };
                walk.pipeline(at, stage.component, state);
            }
        }
    }
}

fn open_listeners(plan: &Plan, diags: &mut Diagnostics) {
    for (at, component) in plan.components.iter().enumerate() {
        if !component.enabled || !is_started(plan, at) {
            continue;
        }
        for OpenListener { path, address, authenticates } in &component.parsed.facts.open_listeners {
            if is_loopback(address) {
                continue;
            }
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let span = component.node.at(&path).map_or(component.key, |node| node.span);
            let (lacks, help) = if *authenticates {
                (
                    "TLS",
                    "whoever listens in on the way can read the tokens and passwords, and use them; give it `tls`, or keep the network closed",
                )
            } else {
                (
                    "TLS and authentication",
                    "anyone who reaches it can send points that you pay for; listen on localhost or keep the network closed",
                )
            };
            diags
                .warning(span, format!("`{}` listens on {address} without {lacks}", component.id))
                .help(help);
        }
    }
}

/// A processor that enriches points of this host, behind receivers none of which has any.
fn enriches_nothing(plan: &Plan, diags: &mut Diagnostics) {
    for pipeline in &plan.pipelines {
        let sources = || pipeline.receivers.iter().map(|stage| &plan.components[stage.component]);
        // What comes over a connector is not followed: it would be said too rarely, never wrongly.
        let may_be_of_this_host =
            |source: &Planned| source.kind == ComponentKind::Connector || source.parsed.facts.of_this_host;
        let mut receivers = sources().filter(|source| source.enabled).peekable();
        if receivers.peek().is_none() || receivers.any(may_be_of_this_host) {
            continue;
        }
        for stage in &pipeline.processors {
            let processor = &plan.components[stage.component];
            if processor.enabled && processor.parsed.facts.enriches_this_host {
                let names: Vec<String> = sources().map(|source| format!("`{}`", source.id)).collect();
                diags
                    .warning(
                        stage.span,
                        format!(
                            "`{}` gives what it detects to points of this host, and {} takes points of others",
                            processor.id,
                            names.join(", ")
                        ),
                    )
                    .label("here it detects nothing for anybody")
                    .help("an agent that takes points of its own node only: `apply_to: all`; a gateway: no detectors");
            }
        }
    }
}

/// Whether a pipeline or `service.extensions` names it.
fn is_started(plan: &Plan, at: usize) -> bool {
    let received = plan.pipelines.iter().flat_map(|pipeline| &pipeline.receivers);
    plan.extensions.contains(&at) || received.map(|stage| stage.component).any(|component| component == at)
}

/// Whether only this machine, or this pod, can reach `address`, as `host:port`.
pub fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// What is known of the points at a place of the graph.
#[derive(Clone)]
struct State {
    cumulative: bool,
    waits: bool,
    /// The component that gathered them last, and for how long.
    window: Option<(usize, Duration)>,
    /// They may be of other pods.
    tells_pods: bool,
}

struct Walk<'a, 'd> {
    plan: &'a Plan,
    diags: &'d mut Diagnostics,
    /// What was said already: many receivers reach the same exporter.
    said: BTreeSet<(&'static str, usize, usize)>,
}

impl Walk<'_, '_> {
    fn pipeline(&mut self, at: usize, receiver: usize, mut state: State) {
        let plan = self.plan;
        let pipeline = &plan.pipelines[at];
        for stage in &pipeline.processors {
            let processor = &plan.components[stage.component];
            if processor.enabled {
                let facts = &processor.parsed.facts;
                self.window(stage, processor, &mut state);
                self.own_pod(stage, processor, receiver, &state);
                state.cumulative = state.cumulative && !facts.makes_delta;
            }
        }
        for stage in &pipeline.exporters {
            let target = &plan.components[stage.component];
            match target.kind {
                _ if !target.enabled => {}
                ComponentKind::Connector => {
                    for (to, next) in plan.pipelines.iter().enumerate() {
                        if next.receivers.iter().any(|entry| entry.component == stage.component) {
                            self.pipeline(to, receiver, state.clone());
                        }
                    }
                }
                _ => self.exporter(stage, target, receiver, &state),
            }
        }
    }

    fn exporter(&mut self, stage: &Stage, exporter: &Planned, receiver: usize, state: &State) {
        let facts = &exporter.parsed.facts;
        let source = &self.plan.components[receiver];
        if state.cumulative && facts.wants_delta && self.first("cumulative", stage.component, receiver) {
            self.diags
                .warning(
                    stage.span,
                    format!("cumulative counters of `{}` reach `{}` without `delta`", source.id, exporter.id),
                )
                .label("each value would count everything since its process started")
                .help("put the `delta` processor into this pipeline");
        }
        if state.waits
            && let Some(window) = facts.window.filter(|window| *window >= CLIENT_WAITS)
            && self.first("waits", stage.component, receiver)
        {
            let span = source.node.get("acknowledge").map_or(source.key, |node| node.span);
            self.diags
                .warning(
                    span,
                    format!(
                        "`{}` answers when points are exported, but `{}` gathers them for {} s",
                        source.id,
                        exporter.id,
                        window.as_secs()
                    ),
                )
                .label("clients give up before that and send again: points would count twice")
                .help("use `acknowledge: accepted`, or a period shorter than ten seconds");
        }
        self.window(stage, exporter, &mut state.clone());
    }

    /// Weir's own pod would be written over those that a receiver tells, or onto what is nobody's.
    fn own_pod(&mut self, stage: &Stage, processor: &Planned, receiver: usize, state: &State) {
        let Some(OwnPod { path, without }) = &processor.parsed.facts.writes_own_pod else { return };
        if state.tells_pods && self.first("own pod", stage.component, receiver) {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let span = processor.node.at(&path).map_or(processor.key, |node| node.span);
            let source = &self.plan.components[receiver].id;
            self.diags
                .warning(
                    span,
                    format!(
                        "`{}` writes Weir's own pod onto points that `{source}` has of others",
                        processor.id
                    ),
                )
                .label("whose they are could not be told any more")
                .help(format!("leave its names out: `{without}`"));
        }
    }

    fn window(&mut self, stage: &Stage, component: &Planned, state: &mut State) {
        let Some(window) = component.parsed.facts.window else { return };
        if let Some((before, _)) = state.window
            && self.first("window", stage.component, before)
        {
            let earlier = &self.plan.components[before].id;
            self.diags
                .warning(
                    stage.span,
                    format!("`{earlier}` gathers points into windows before `{}` does", component.id),
                )
                .label("percentiles would be those of averages")
                .help(format!("take `{earlier}` out of this pipeline"));
        }
        state.window = Some((stage.component, window));
    }

    fn first(&mut self, what: &'static str, one: usize, other: usize) -> bool {
        self.said.insert((what, one, other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_recognised() {
        for address in ["localhost:4317", "127.0.0.1:0", "[::1]:4317", "127.8.8.8:1"] {
            assert!(is_loopback(address), "{address}");
        }
        for address in ["0.0.0.0:4317", "[::]:4317", "10.0.0.1:1", "example.com:1"] {
            assert!(!is_loopback(address), "{address}");
        }
    }
}
