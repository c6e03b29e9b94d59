//! What runs and is hardly meant: warned of at its place, and still valid.

use weir_config::Severity;

use crate::{
    engine,
    weir::{Scratch, run},
};

/// Each warning as the text that it points at, and its message. There are no errors.
#[track_caller]
fn warnings(text: &str) -> Vec<(String, String)> {
    let findings = engine::findings(text);
    assert!(findings.iter().all(|found| found.severity == Severity::Warning), "{findings:?}");
    findings.into_iter().map(|found| (text[found.range].to_owned(), found.message)).collect()
}

#[track_caller]
fn warns(text: &str, expected: &[(&str, &str)]) {
    let found = warnings(text);
    let found: Vec<(&str, &str)> = found.iter().map(|(token, message)| (&**token, &**message)).collect();
    assert_eq!(found, expected, "{text}");
}

/// A configuration around a pipeline of these receivers, processors and exporters.
fn pipeline(otlp: &str, cloudwatch: &str, processors: &str) -> String {
    format!(
        "receivers:\n  procfs:\n  otlp: {otlp}\nprocessors:\n  delta:\n  batch:\nexporters:\n  cloudwatch: {cloudwatch}\n\
         service:\n  pipelines:\n    metrics:\n      receivers: [procfs, otlp]\n      processors: {processors}\n      \
         exporters: [cloudwatch]\n"
    )
}

#[test]
fn cumulative_counters_that_reach_cloudwatch_without_delta() {
    let unused = ("delta", "processor `delta` is not used");
    warns(
        &pipeline("", "", "[batch]"),
        &[
            unused,
            ("cloudwatch", "cumulative counters of `procfs` reach `cloudwatch` without `delta`"),
            ("cloudwatch", "cumulative counters of `otlp` reach `cloudwatch` without `delta`"),
        ],
    );
    warns(&pipeline("", "", "[batch, delta]"), &[]);
}

#[test]
fn cumulative_counters_are_followed_over_connectors() {
    let text = |before: &str, behind: &str| {
        format!(
            "receivers:\n  otlp:\nprocessors:\n  delta:\nconnectors:\n  forward:\nexporters:\n  cloudwatch:\nservice:\n  \
             pipelines:\n    metrics/a:\n      receivers: [otlp]\n      processors: {before}\n      exporters: [forward]\n    \
             metrics/b:\n      receivers: [forward]\n      processors: {behind}\n      exporters: [cloudwatch]\n"
        )
    };
    warns(&text("[delta]", "[]"), &[]);
    warns(&text("[]", "[delta]"), &[]);
    let found = warnings(&text("[]", "[]"));
    let expected = (
        "cloudwatch".to_owned(),
        "cumulative counters of `otlp` reach `cloudwatch` without `delta`".to_owned(),
    );
    assert!(found.contains(&expected), "{found:?}");
}

#[test]
fn a_delta_that_is_switched_off_makes_no_deltas() {
    let text = pipeline("", "", "[delta, batch]").replace("delta:\n", "delta: {enabled: false}\n");
    let found = warnings(&text);
    assert!(found.iter().any(|(_, message)| message.contains("without `delta`")), "{found:?}");
    // An exporter that is switched off takes nothing.
    warns(&text.replace("cloudwatch: \n", "cloudwatch: {enabled: false}\n"), &[]);
}

#[test]
fn an_answer_that_waits_for_a_window_longer_than_clients_wait() {
    let exported = "{acknowledge: exported}";
    let message = |seconds: u64| {
        format!("`otlp` answers when points are exported, but `cloudwatch` gathers them for {seconds} s")
    };
    warns(&pipeline(exported, "", "[delta, batch]"), &[("exported", &message(60))]);
    warns(&pipeline(exported, "{period: 10s}", "[delta, batch]"), &[("exported", &message(10))]);
    warns(&pipeline(exported, "{period: 5s}", "[delta, batch]"), &[]);
    warns(&pipeline("{acknowledge: accepted}", "", "[delta, batch]"), &[]);
}

#[test]
fn a_listener_that_everyone_reaches() {
    let at = |endpoint: &str| {
        pipeline(&format!("{{protocols: {{grpc: {{endpoint: '{endpoint}'}}}}}}"), "", "[delta, batch]")
    };
    for open in ["0.0.0.0:4317", "[::]:4317", "10.1.2.3:4317", "example.com:4317"] {
        let message = format!("`otlp` listens on {open} without TLS and authentication");
        warns(&at(open), &[(&format!("'{open}'"), &message)]);
    }
    let asks = "{protocols: {grpc: {endpoint: '0.0.0.0:4317', auth: {authenticator: bearertokenauth}}}}";
    let text = pipeline(asks, "", "[delta, batch]").replace(
        "service:\n",
        "extensions: {bearertokenauth: {token: secret}}\nservice:\n  extensions: [bearertokenauth]\n",
    );
    warns(&text, &[("'0.0.0.0:4317'", "`otlp` listens on 0.0.0.0:4317 without TLS")]);
    for closed in ["localhost:4317", "127.0.0.1:0", "[::1]:4317"] {
        warns(&at(closed), &[]);
    }
}

#[test]
fn weirs_own_pod_on_what_a_receiver_tells_of_other_pods() {
    let text = |receiver: &str, processors: &str| {
        format!(
            "receivers:\n  {receiver}\nprocessors:\n  dimensions: {processors}\nexporters:\n  debug:\nservice:\n  pipelines:\n    \
             metrics:\n      receivers: [{}]\n      processors: [dimensions]\n      exporters: [debug]\n",
            receiver.split(':').next().unwrap()
        )
    };
    let all = "{detectors: [eks, k8s_downward]}";
    for receiver in ["nvml: {profile: dcgm}", "procfs: {scrapers: {pods: }}"] {
        let source = receiver.split(':').next().unwrap();
        let message = format!("`dimensions` writes Weir's own pod onto points that `{source}` has of others");
        warns(&text(receiver, all), &[("k8s_downward", &message)]);
    }
    // Nobody else's pods are told.
    for receiver in
        ["nvml: {pods: {enabled: false}}", "nvml: {profile: gpu_health}", "procfs:", "nvml: {enabled: false}"]
    {
        warns(&text(receiver, all), &[]);
    }
    warns(&text("nvml:", "{detectors: [eks]}"), &[]);
    warns(&text("nvml:", "{append: [NodeName]}"), &[]);
    // What the lint says to write is without it; where a part is left out already, it says the rest.
    let (_, _, found) = engine::read(&text("nvml:", all));
    let help = found.iter().next().unwrap().notes[0].clone();
    assert_eq!(
        help,
        "help: leave its names out: `k8s_downward: {resource_attributes: {k8s.pod.name: {enabled: false}, k8s.namespace.name: \
         {enabled: false}, k8s.pod.uid: {enabled: false}}}`"
    );
    let written = help.split('`').nth(1).unwrap();
    warns(&text("nvml:", &format!("{{detectors: [eks, k8s_downward], {written}}}")), &[]);
}

#[test]
fn a_component_that_nothing_uses_unless_it_is_switched_off() {
    let text = "receivers:\n  otlp:\n  otlp/idle:\nprocessors:\n  delta/idle:\n  delta/off: {enabled: false}\nconnectors:\n  \
                forward:\nexporters:\n  debug:\n  debug/idle:\nextensions:\n  health_check:\nservice:\n  pipelines:\n    \
                metrics:\n      receivers: [otlp]\n      exporters: [debug]\n";
    warns(
        text,
        &[
            ("otlp/idle", "receiver `otlp/idle` is not used"),
            ("delta/idle", "processor `delta/idle` is not used"),
            ("forward", "connector `forward` is not used"),
            ("debug/idle", "exporter `debug/idle` is not used"),
            ("health_check", "extension `health_check` is not used"),
        ],
    );
}

#[test]
fn nothing_is_called_unused_beside_the_misspelling_of_its_name() {
    let text = "receivers:\n  otlp:\nexporters:\n  debug:\nservice:\n  pipelines:\n    metrics:\n      receivers: [otpl]\n      \
                exporters: [debug]\n";
    let messages: Vec<String> = engine::findings(text).into_iter().map(|found| found.message).collect();
    assert_eq!(messages, ["receiver `otpl` is not configured"]);
}

#[test]
fn a_warning_is_shown_and_the_configuration_is_valid() {
    let scratch = Scratch::new("warnings");
    let file = scratch.file("idle.yaml", &pipeline("", "", "[delta]"));
    let ended = run(&["validate", "-c", file.to_str().unwrap()], &[]);
    let said = "valid: 1 pipeline, 5 components\ndimensions of `cloudwatch`: every point attribute\n";
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), said));
    let expected = format!(
        "warning: processor `batch` is not used\n --> {}:6:3\n  |\n6 |   batch:\n  |   ^^^^^ no pipeline names it\n\n1 warning\n",
        file.display()
    );
    assert_eq!(ended.stderr, expected);
}
