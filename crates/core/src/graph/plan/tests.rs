use schemars::JsonSchema;
use serde::Deserialize;
use weir_config::{Document, Env, Severity, Source, load};

use super::*;
use crate::{
    component::{
        ComponentError, Config, Context, Exporter, ExporterFactory, Extension, ExtensionFactory, Factory,
        Facts, OpenListener, Out, Processor, ProcessorFactory, Receiver, ReceiverFactory, State,
    },
    edge::{Inbox, Output},
    health::Health,
};

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct Options {
    /// Where it listens.
    endpoint: Option<String>,
    /// Whether it asks who sends.
    asks: bool,
    /// Whether it answers late.
    acknowledge: Option<String>,
    /// Seconds.
    period: u64,
}

impl Config for Options {
    fn facts(&self) -> Facts {
        let listener = |address: &String| OpenListener {
            path: vec!["endpoint".to_owned()],
            address: address.clone(),
            authenticates: self.asks,
        };
        Facts {
            open_listeners: self.endpoint.iter().map(listener).collect(),
            cumulative: true,
            wants_delta: self.period > 0,
            window: (self.period > 0).then(|| std::time::Duration::from_secs(self.period)),
            waits_for_export: self.acknowledge.as_deref() == Some("exported"),
            ..Facts::default()
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
struct Nothing {}

impl Config for Nothing {
    fn facts(&self) -> Facts {
        Facts { makes_delta: true, ..Facts::default() }
    }
}

struct In;
struct Deltas;
struct Gather;
struct Join;
struct To;
struct Probe;

struct Dummy;

#[async_trait::async_trait]
impl Receiver for Dummy {
    async fn run(self: Box<Self>, _: Output) -> Result<(), ComponentError> {
        Ok(())
    }
}

#[async_trait::async_trait]
impl Exporter for Dummy {
    async fn run(self: Box<Self>, _: Inbox) -> Result<(), ComponentError> {
        Ok(())
    }
}

#[async_trait::async_trait]
impl Extension for Dummy {
    async fn run(self: Box<Self>, _: tokio_util::sync::CancellationToken) -> Result<(), ComponentError> {
        Ok(())
    }
}

impl Processor for Dummy {
    fn process(&mut self, batch: crate::batch::Batch, out: &mut Out) {
        out.push(batch);
    }
}

macro_rules! factory {
    ($type:ident, $config:ty, $name:literal, $aliases:expr) => {
        impl Factory for $type {
            type Config = $config;
            const TYPE: &'static str = $name;
            const ALIASES: &'static [&'static str] = $aliases;
            const SUMMARY: &'static str = "for tests";
        }
    };
}

factory!(In, Options, "otlp", &["door"]);
factory!(Deltas, Nothing, "delta", &[]);
factory!(Gather, Options, "gather", &[]);
factory!(Join, Nothing, "forward", &[]);
factory!(To, Options, "cloudwatch", &[]);
factory!(Probe, Options, "health_check", &[]);

impl ReceiverFactory for In {
    fn build(_: Options, _: Context) -> Box<dyn Receiver> {
        Box::new(Dummy)
    }
}
impl ProcessorFactory for Deltas {
    fn build(_: Nothing, _: Context, _: Option<State>) -> Box<dyn Processor> {
        Box::new(Dummy)
    }
}
impl ProcessorFactory for Gather {
    fn build(_: Options, _: Context, _: Option<State>) -> Box<dyn Processor> {
        Box::new(Dummy)
    }
}
impl ProcessorFactory for Join {
    fn build(_: Nothing, _: Context, _: Option<State>) -> Box<dyn Processor> {
        Box::new(Dummy)
    }
}
impl ExporterFactory for To {
    fn build(_: Options, _: Context) -> Box<dyn Exporter> {
        Box::new(Dummy)
    }
}
impl ExtensionFactory for Probe {
    fn build(_: Options, _: Context, _: Health) -> Box<dyn Extension> {
        Box::new(Dummy)
    }
}

fn registry() -> Vec<Component> {
    vec![
        Component::receiver::<In>(),
        Component::processor::<Deltas>(),
        Component::processor::<Gather>(),
        Component::connector::<Join>(),
        Component::exporter::<To>(),
        Component::extension::<Probe>(),
    ]
}

fn planned(yaml: &str) -> (Option<Plan>, Diagnostics, Document) {
    let mut diags = Diagnostics::new();
    let source = Source::Text { name: "t.yaml".to_owned(), text: yaml.to_owned() };
    let document = load(&[source], &[], &Env::from_pairs([("A", "b")]), &mut diags);
    let plan = plan(document.root(), &registry(), &mut diags);
    (plan, diags, document)
}

/// Findings as `line:column token: message`, in the order of the text.
fn check(yaml: &str, expected: &[&str]) {
    let (plan, diags, document) = planned(yaml);
    let found: Vec<String> = diags
        .iter()
        .map(|found| {
            let span = found.span.expect("every finding has a place");
            let (line, column) = document.sources().position(span);
            let token = document.sources().snippet(span);
            let level = if found.severity == Severity::Warning { "warning " } else { "" };
            format!("{level}{line}:{column} {token}: {}", found.message)
        })
        .collect();
    assert_eq!(found, expected);
    assert_eq!(plan.is_none(), diags.has_errors());
}

const GOOD: &str = "\
receivers: {otlp: }
processors: {delta: }
exporters: {cloudwatch: {period: 60}}
service:
  pipelines:
    metrics:
      receivers: [otlp]
      processors: [delta]
      exporters: [cloudwatch]
";

#[test]
fn a_good_configuration_has_no_finding() {
    check(GOOD, &[]);
    let (plan, ..) = planned(&GOOD.replace("otlp", "door/x"));
    let plan = plan.unwrap();
    assert_eq!(plan.components[0].type_name, "otlp");
    let receivers = &plan.pipelines[0].receivers;
    assert_eq!((receivers.len(), plan.components[receivers[0].component].id.as_str()), (1, "door/x"));
}

#[test]
fn ten_mistakes_are_ten_errors_in_one_run() {
    let yaml = "\
recievers: {}
receivers:
  otpl:
  otlp: {endpont: x}
processors:
  delta: {a: 1}
exporters:
  cloudwatch: {period: fast}
  delta:
service:
  shutdown_timeout: 5
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [cloudwatch]
    metrics:
      receivers: [otlp/2, otlp, otlp]
      exporters: []
";
    check(
        yaml,
        &[
            "1:1 recievers: unknown key `recievers` at the top level",
            "3:3 otpl: unknown receiver `otpl`",
            "4:10 endpont: unknown key `endpont`",
            "6:11 a: unknown key `a`",
            "8:24 fast: expected an integer, found string `fast`",
            "9:3 delta: unknown exporter `delta`",
            "11:21 5: duration `5` has no unit; write `5s` for seconds or `5ms` for milliseconds",
            "13:5 traces: Weir carries metrics only, not traces",
            "17:19 otlp/2: receiver `otlp/2` is not configured",
            "17:33 otlp: `otlp` stands twice in `metrics`",
            "18:7 exporters: pipeline `metrics` has no exporters",
        ],
    );
}

#[test]
fn a_cycle_is_named_in_full() {
    let yaml = "\
receivers: {otlp: }
exporters: {cloudwatch: }
connectors: {forward/a: , forward/b: }
service:
  pipelines:
    metrics/one: {receivers: [otlp, forward/b], exporters: [forward/a]}
    metrics/two: {receivers: [forward/a], exporters: [forward/b, cloudwatch]}
";
    check(
        yaml,
        &[
            "7:55 forward/b: the pipelines form a cycle: metrics/one -> forward/a -> metrics/two -> forward/b -> metrics/one",
        ],
    );
}

#[test]
fn a_connector_needs_both_sides() {
    let yaml = GOOD.replace("exporters: [cloudwatch]", "exporters: [cloudwatch, forward]")
        + "connectors: {forward: }\n";
    check(&yaml, &["9:31 forward: connector `forward` joins nothing: no pipeline has it as receiver"]);
}

#[test]
fn what_is_not_used_is_warned_of_unless_it_is_switched_off() {
    let yaml = GOOD.to_owned() + "extensions: {health_check: , health_check/off: {enabled: false}}\n";
    check(&yaml, &["warning 10:14 health_check: extension `health_check` is not used"]);
}

#[test]
fn nothing_at_all_is_an_error() {
    check(
        "service: {pipelines: {metrics: }}",
        &[
            "1:23 metrics: pipeline `metrics` has no receivers",
            "1:23 metrics: pipeline `metrics` has no exporters",
        ],
    );
    let (plan, diags, _) = planned("");
    assert!(plan.is_none() && diags.has_errors());
}

#[test]
fn the_lints_know_the_pipeline() {
    let yaml = "\
receivers:
  otlp: {endpoint: '0.0.0.0:4317', acknowledge: exported}
exporters: {cloudwatch: {period: 60}}
service:
  pipelines:
    metrics:
      receivers: [otlp]
      exporters: [cloudwatch]
";
    check(
        yaml,
        &[
            "warning 2:20 '0.0.0.0:4317': `otlp` listens on 0.0.0.0:4317 without TLS and authentication",
            "warning 2:49 exported: `otlp` answers when points are exported, but `cloudwatch` gathers them for 60 s",
            "warning 8:19 cloudwatch: cumulative counters of `otlp` reach `cloudwatch` without `delta`",
        ],
    );
}

#[test]
fn who_asks_its_senders_and_has_no_tls_is_warned_of_what_can_be_read_on_the_way() {
    check(
        &GOOD.replace("{otlp: }", "{otlp: {endpoint: '0.0.0.0:4317', asks: true}}"),
        &["warning 1:30 '0.0.0.0:4317': `otlp` listens on 0.0.0.0:4317 without TLS"],
    );
}

#[test]
fn a_window_before_another_is_warned_of_through_a_connector_too() {
    let yaml = "\
receivers: {otlp: }
processors: {delta: , gather: {period: 60}}
connectors: {forward: }
exporters: {cloudwatch: {period: 60}}
service:
  pipelines:
    metrics/one: {receivers: [otlp], processors: [delta, gather], exporters: [forward]}
    metrics/two: {receivers: [forward], exporters: [cloudwatch]}
";
    check(yaml, &["warning 8:53 cloudwatch: `gather` gathers points into windows before `cloudwatch` does"]);
}

#[test]
fn a_disabled_component_is_checked_all_the_same() {
    check(
        &GOOD.replace("{otlp: }", "{otlp: {enabled: no}}"),
        &["1:29 no: `enabled` takes `true` or `false`"],
    );
    let (plan, diags, _) = planned(&GOOD.replace("{otlp: }", "{otlp: {enabled: false}}"));
    assert!(diags.is_empty() && !plan.unwrap().components[0].enabled);
}

#[test]
fn a_cap_of_no_series_is_an_error() {
    let yaml = GOOD.replace("service:", "service:\n  limits: {series: 0}");
    let (plan, diags, document) = planned(&yaml);
    let found: Vec<&str> = diags.iter().map(|d| document.sources().snippet(d.span.unwrap())).collect();
    assert_eq!((plan.is_none(), found), (true, vec!["0"]));
}

#[test]
fn a_listener_that_is_not_started_is_not_open() {
    let yaml = GOOD.replace("{otlp: }", "{otlp: , otlp/x: {endpoint: '0.0.0.0:1'}}");
    check(&yaml, &["warning 1:21 otlp/x: receiver `otlp/x` is not used"]);
}
