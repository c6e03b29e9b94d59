//! `validate` and `run` never disagree: over generated graphs, and with the files of `configs/`.

use std::fmt::Write as _;

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use weir_core::{Clock, Ending, Graph, Interner, Process};

use crate::{
    configs, engine,
    weir::{Running, Scratch, run},
};

/// What a generated configuration may define: section, id, and keys that need nothing outside this process.
const COMPONENTS: [(&str, &str, &str); 11] = [
    ("receivers", "otlp", "protocols: {grpc: {endpoint: 'localhost:0'}}"),
    ("receivers", "otlp/b", "protocols: {grpc: {endpoint: 'localhost:0'}}"),
    ("receivers", "procfs", "initial_delay: 1h"),
    ("processors", "delta", "initial_value: drop"),
    ("processors", "batch", "timeout: 1s"),
    ("processors", "dimensions", "actions: [{key: a, action: delete}]"),
    ("connectors", "forward", ""),
    ("connectors", "forward/b", ""),
    ("exporters", "debug", "verbosity: basic"),
    ("exporters", "debug/b", "verbosity: basic"),
    ("exporters", "cloudwatch", "endpoint: 'http://127.0.0.1:1'"),
];

const RECEIVERS: [&str; 2] = ["receivers", "connectors"];
const PROCESSORS: [&str; 1] = ["processors"];
const EXPORTERS: [&str; 2] = ["exporters", "connectors"];

/// A configuration: which components are defined, whether each is switched on, and what the pipelines name.
#[derive(Clone, Debug)]
struct Spec {
    defined: Vec<bool>,
    enabled: Vec<bool>,
    pipelines: Vec<Pipeline>,
}

/// Components by their place in [`COMPONENTS`].
#[derive(Clone, Debug)]
struct Pipeline {
    receivers: Vec<usize>,
    processors: Vec<usize>,
    exporters: Vec<usize>,
}

impl Spec {
    fn text(&self) -> String {
        let mut text = String::new();
        for section in ["receivers", "processors", "connectors", "exporters"] {
            let _ = writeln!(text, "{section}:");
            for (at, (of, id, keys)) in COMPONENTS.iter().enumerate() {
                if *of == section && self.defined[at] {
                    let comma = if keys.is_empty() { "" } else { ", " };
                    let _ = writeln!(text, "  {id}: {{enabled: {}{comma}{keys}}}", self.enabled[at]);
                }
            }
        }
        text += "service:\n  telemetry: {metrics: {level: none}}\n  pipelines:\n";
        for (at, pipeline) in self.pipelines.iter().enumerate() {
            let _ = writeln!(text, "    metrics/{at}:");
            for (key, list) in [
                ("receivers", &pipeline.receivers),
                ("processors", &pipeline.processors),
                ("exporters", &pipeline.exporters),
            ] {
                let ids: Vec<&str> = list.iter().map(|at| COMPONENTS[*at].1).collect();
                let _ = writeln!(text, "      {key}: [{}]", ids.join(", "));
            }
        }
        text
    }

    /// Whether it can run, by the rules of the documentation.
    fn is_right(&self) -> bool {
        let fits = |list: &[usize], sections: &[&str]| {
            let is_once = list.iter().enumerate().all(|(at, one)| !list[..at].contains(one));
            is_once && list.iter().all(|at| self.defined[*at] && sections.contains(&COMPONENTS[*at].0))
        };
        let is_whole = |pipeline: &Pipeline| {
            !pipeline.receivers.is_empty()
                && !pipeline.exporters.is_empty()
                && fits(&pipeline.receivers, &RECEIVERS)
                && fits(&pipeline.processors, &PROCESSORS)
                && fits(&pipeline.exporters, &EXPORTERS)
        };
        let joins = (0..COMPONENTS.len()).filter(|at| COMPONENTS[*at].0 == "connectors").all(|at| {
            let is_fed = self.pipelines.iter().any(|pipeline| pipeline.exporters.contains(&at));
            let feeds = self.pipelines.iter().any(|pipeline| pipeline.receivers.contains(&at));
            is_fed == feeds
        });
        !self.pipelines.is_empty() && self.pipelines.iter().all(is_whole) && joins && !self.has_cycle()
    }

    /// Takes away pipelines that no other feeds until none is left; what stays goes round.
    fn has_cycle(&self) -> bool {
        let feeds =
            |from: &Pipeline, to: &Pipeline| from.exporters.iter().any(|at| to.receivers.contains(at));
        let mut left: Vec<&Pipeline> = self.pipelines.iter().collect();
        loop {
            let before = left.len();
            let fed: Vec<&Pipeline> =
                left.iter().copied().filter(|to| left.iter().any(|from| feeds(from, to))).collect();
            left = fed;
            if left.len() == before {
                return before > 0;
            }
        }
    }
}

/// References to the right sections, and now and then to any component.
fn references(
    sections: &'static [&'static str],
    count: std::ops::Range<usize>,
) -> impl Strategy<Value = Vec<usize>> {
    let fitting: Vec<usize> =
        (0..COMPONENTS.len()).filter(|at| sections.contains(&COMPONENTS[*at].0)).collect();
    let one = prop_oneof![40 => prop::sample::select(fitting), 1 => 0..COMPONENTS.len()];
    prop::collection::vec(one, count)
}

fn specs() -> impl Strategy<Value = Spec> {
    let pipeline =
        (references(&RECEIVERS, 0..4), references(&PROCESSORS, 0..3), references(&EXPORTERS, 0..4));
    let pipeline =
        pipeline.prop_map(|(receivers, processors, exporters)| Pipeline { receivers, processors, exporters });
    let flags = |share| prop::collection::vec(prop::bool::weighted(share), COMPONENTS.len());
    (flags(0.98), flags(0.8), prop::collection::vec(pipeline, 0..4), any::<bool>()).prop_map(
        |(defined, enabled, mut pipelines, mend)| {
            if mend {
                mended(&mut pipelines);
            }
            Spec { defined, enabled, pipelines }
        },
    )
}

/// Chance alone makes few graphs that are right: half of them are helped to lists without repetition, at least one component
/// in each, and connectors that lead forward only.
fn mended(pipelines: &mut [Pipeline]) {
    let is_connector = |at: usize| COMPONENTS[at].0 == "connectors";
    for pipeline in &mut *pipelines {
        for list in [&mut pipeline.receivers, &mut pipeline.processors, &mut pipeline.exporters] {
            list.sort_unstable();
            list.dedup();
        }
        pipeline.receivers.retain(|at| !is_connector(*at));
        for (list, usual) in [(&mut pipeline.receivers, 0), (&mut pipeline.exporters, 8)] {
            if list.is_empty() {
                list.push(usual);
            }
        }
    }
    // Each connector that is fed feeds the last pipeline, which feeds none.
    if let Some((last, others)) = pipelines.split_last_mut() {
        last.exporters.retain(|at| !is_connector(*at));
        if last.exporters.is_empty() {
            last.exporters.push(8);
        }
        for at in (0..COMPONENTS.len()).filter(|at| is_connector(*at)) {
            if others.iter().any(|pipeline| pipeline.exporters.contains(&at)) {
                last.receivers.push(at);
            }
        }
    }
}

#[test]
fn what_is_valid_runs_and_what_is_not_is_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut ran, mut refused) = (0, 0);
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(CASES) });
    let specs = specs();
    for _ in 0..CASES {
        let spec = specs.new_tree(&mut runner).unwrap().current();
        let text = spec.text();
        let (_, plan, _) = engine::read(&text);
        assert_eq!(plan.is_some(), spec.is_right(), "{text}{:?}", engine::findings(&text));
        let Some(plan) = plan else {
            refused += 1;
            continue;
        };
        ran += 1;
        let process = Process::new(Clock::system(), Interner::new(1000));
        let ended = runtime.block_on(Graph::build(plan, &process).run(std::future::ready(()), || {}));
        assert!(matches!(ended, Ok(Ending::Stopped)), "{ended:?}\n{text}");
        assert_eq!(process.ledger.discrepancies(), Vec::<String>::new(), "{text}");
    }
    println!("{ran} ran, {refused} were refused");
    assert!(ran > CASES / 5 && refused > CASES / 5, "{ran} {refused}");
}

/// Enough that each rule is broken many times.
const CASES: u32 = 1000;

#[test]
fn the_binary_runs_what_it_validates_and_refuses_the_rest_in_the_same_words() {
    let scratch = Scratch::new("agreement");
    let mut runner = TestRunner::deterministic();
    let specs = specs();
    let (mut right, mut wrong) = (0, 0);
    while right < 5 || wrong < 5 {
        let spec = specs.new_tree(&mut runner).unwrap().current();
        let count = if spec.is_right() { &mut right } else { &mut wrong };
        *count += 1;
        if *count > 5 {
            continue;
        }
        let text = spec.text();
        let file = scratch.file("graph.yaml", &text);
        let file = file.to_str().unwrap();
        let validated = run(&["validate", "-c", file], &[]);
        if spec.is_right() {
            assert_eq!(validated.code, Some(0), "{text}{}", validated.stderr);
            runs_and_stops(&["run", "-c", file], &[], &text);
        } else {
            let ran = run(&["run", "-c", file], &[]);
            assert_eq!((ran.code, validated.code), (Some(2), Some(2)), "{text}{}", ran.stderr);
            assert_eq!(ran.stderr, validated.stderr, "{text}");
        }
    }
}

#[test]
fn each_file_of_configs_is_valid_without_a_warning_and_runs() {
    for file in configs() {
        let text = std::fs::read_to_string(&file).unwrap();
        let file = file.to_str().unwrap();
        let validated = run(&["validate", "-c", file], &[]);
        assert_eq!((validated.code, validated.stderr.as_str()), (Some(0), ""), "{file}");
        // Ports that are free, and a CloudWatch in memory: else just as it stands.
        let mut args =
            vec!["run", "--local", "-c", file, "--set", "service.telemetry.metrics.address=localhost:0"];
        if text.contains("\n  otlp:") {
            args.extend(["--set", "receivers.otlp.protocols.grpc.endpoint=localhost:0"]);
        }
        if text.contains("\n      http:") {
            args.extend(["--set", "receivers.otlp.protocols.http.endpoint=localhost:0"]);
        }
        runs_and_stops(&args, &[("WEIR_HEALTH_ENDPOINT", "localhost:0")], file);
    }
}

#[track_caller]
fn runs_and_stops(args: &[&str], env: &[(&str, &str)], what: &str) {
    let mut running = Running::start(args, env);
    let is_ready = running.says("everything is ready");
    let ended = running.stop();
    assert!(is_ready, "{what}\n{}", ended.stderr);
    assert_eq!(ended.code, Some(0), "{what}\n{}", ended.stderr);
    assert!(ended.stderr.contains("every node adds up"), "{what}\n{}", ended.stderr);
}
