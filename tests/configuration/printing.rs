//! What the commands print, and their exit codes.

use serde_json::Value;

use crate::{
    configs, engine,
    weir::{Scratch, run},
};

#[test]
fn what_print_config_prints_is_the_same_configuration() {
    let scratch = Scratch::new("printing");
    for file in configs() {
        let printed = run(&["print-config".as_ref(), "-c".as_ref(), file.as_os_str()], &[]);
        assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""));
        assert!(!printed.stdout.contains("${"), "{}", printed.stdout);
        let again = scratch.file("again.yaml", &printed.stdout);
        let again = again.as_os_str();
        assert_eq!(run(&["print-config".as_ref(), "-c".as_ref(), again], &[]).stdout, printed.stdout);
        let validate = |file| {
            let ended = run(&["validate".as_ref(), "-c".as_ref(), file], &[]);
            (ended.code, ended.stdout, ended.stderr)
        };
        assert_eq!(validate(again), validate(file.as_os_str()), "{}", file.display());
        // The same tree, in so far as nothing was replaced.
        let text = std::fs::read_to_string(&file).unwrap();
        if !text.contains("${") {
            assert_eq!(engine::read(&text).0.root(), engine::read(&printed.stdout).0.root());
        }
    }
}

const SECRETS: &str = "\
receivers: {otlp: {protocols: {grpc: {endpoint: 'localhost:0'}}}}
processors: {delta: , dimensions: {actions: [{key: a, action: insert, value: 'https://me:hunter4@example.com'}]}}
exporters:
  cloudwatch: {dimensions: {static: {api_token: hunter2, Password: '${SECRET}', Team: a}}}
service: {pipelines: {metrics: {receivers: [otlp], processors: [dimensions, delta], exporters: [cloudwatch]}}}
";

#[test]
fn secrets_are_printed_only_when_asked_for() {
    let scratch = Scratch::new("secrets");
    let file = scratch.file("secrets.yaml", SECRETS);
    let file = file.to_str().unwrap();
    let env = [("SECRET", "hunter3")];
    let printed = run(&["print-config", "-c", file], &env).stdout;
    assert!(printed.contains("Team: a\n") && printed.contains("api_token: "), "{printed}");
    assert!(printed.contains("https://me:") && !printed.contains("hunter"), "{printed}");
    let open = run(&["print-config", "--unredacted", "-c", file], &env).stdout;
    for secret in ["api_token: hunter2\n", "Password: hunter3\n", "https://me:hunter4@example.com\n"] {
        assert!(open.contains(secret), "{open}");
    }
}

#[test]
fn secrets_are_not_quoted_beside_a_mistake() {
    let scratch = Scratch::new("secrets");
    let file = scratch.file("secrets.yaml", &SECRETS.replace("Team: a", "Team: [a]"));
    let ended = run(&["validate", "-c", file.to_str().unwrap()], &[("SECRET", "hunter3")]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("expected a string, found a list"), "{}", ended.stderr);
    assert!(ended.stderr.contains("api_token: *******"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("hunter"), "{}", ended.stderr);
}

/// Every key of a schema, `a.b` for a key in a key.
fn keys(schema: &Value, prefix: &str, found: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            for (field, value) in fields {
                match (field.as_str(), value) {
                    ("properties", Value::Object(properties)) => {
                        for (key, value) in properties {
                            let key = format!("{prefix}{key}");
                            keys(value, &format!("{key}."), found);
                            found.push(key);
                        }
                    }
                    ("items", value) => keys(value, &format!("{}[].", prefix.trim_end_matches('.')), found),
                    ("additionalProperties", value) => keys(value, &format!("{prefix}*."), found),
                    ("anyOf" | "allOf", value) => keys(value, prefix, found),
                    _ => {}
                }
            }
        }
        Value::Array(choices) => choices.iter().for_each(|choice| keys(choice, prefix, found)),
        _ => {}
    }
}

#[test]
fn the_page_of_a_component_has_every_key_with_its_words() {
    for component in engine::registry() {
        let mut expected = Vec::new();
        keys((component.schema)().as_value(), "", &mut expected);
        for name in component.aliases.iter().chain([&component.type_name]) {
            let ended = run(&["components", name], &[]);
            assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{name}");
            let page = ended.stdout;
            // A receiver and an exporter may share a name: each has its part of the page.
            let heading = format!("{} `{}`: ", component.kind, component.type_name);
            assert!(page.lines().any(|line| line.starts_with(&heading)), "no `{heading}` in\n{page}");
            let rows: Vec<Vec<&str>> = page.lines().map(|line| line.split_whitespace().collect()).collect();
            for key in &expected {
                // The key, its type, and what it is for.
                let is_there =
                    rows.iter().any(|row| row.len() > 2 && row[0] == key && !row[2].starts_with('['));
                assert!(is_there, "{name}: no `{key}` with its words in\n{page}");
            }
            assert!(expected.len() < rows.len(), "{name}");
        }
    }
}

#[test]
fn the_list_has_every_component_in_its_section() {
    let ended = run(&["components"], &[]);
    assert_eq!(ended.code, Some(0));
    for component in engine::registry() {
        let section = ended.stdout.split_once(&format!("{}\n", component.kind.section())).unwrap().1;
        let rows = section.lines().take_while(|line| line.starts_with("  "));
        let row = rows.map(str::trim).find(|row| row.split(' ').next() == Some(component.type_name));
        assert!(row.is_some_and(|row| row.ends_with(component.summary)), "{}", ended.stdout);
    }
}

#[test]
fn a_graph_is_drawn_pipeline_by_pipeline() {
    let drawn = run(&["graph", "-c", "configs/fan-out.yaml"], &[("WEIR_LOOK", "false")]);
    assert_eq!(drawn.code, Some(0));
    let expected = "metrics/apps\n  from  otlp\n  then  delta\n  to    cloudwatch, forward/look\n\
                    metrics/look\n  from  forward/look\n  then  dimensions/look\n  to    debug (switched off)\n";
    assert_eq!(drawn.stdout, expected);
}

#[test]
fn exit_codes_tell_right_from_wrong() {
    let wrong = "tests/configuration/mistakes/graph.yaml";
    for command in ["validate", "graph", "print-config"] {
        let right = run(&[command, "-c", "configs/host.yaml"], &[]);
        assert_eq!((right.code, right.stderr.as_str()), (Some(0), ""), "{command}");
        let refused = run(&[command, "-c", wrong], &[]);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{command}");
        let unnamed = run(&[command], &[]);
        assert_eq!((unnamed.code, unnamed.stdout.as_str()), (Some(2), ""), "{command}");
        assert!(unnamed.stderr.contains("-c FILE"), "{}", unnamed.stderr);
    }
    for usage in [
        &["run", "-c", wrong][..],
        &["-c", wrong],
        &["run"],
        &["--frobnicate"],
        &["validate", "-c"],
        &["paint"],
    ] {
        assert_eq!(run(usage, &[]).code, Some(2), "{usage:?}");
    }
    let unknown = run(&["components", "cloudwach"], &[]);
    assert_eq!(unknown.code, Some(2));
    assert!(format!("{}{}", unknown.stdout, unknown.stderr).contains("did you mean `cloudwatch`?"));
}

#[test]
fn every_value_is_printed_with_where_it_came_from_and_defaults_too() {
    let scratch = Scratch::new("origins");
    let base = scratch.file("base.yaml", SECRETS);
    let over = "exporters:\n  cloudwatch:\n    region: ${env:REGION:-eu-west-1}\nreceivers: {procfs: {scrapers: {load: {metrics: {}}}}}\nservice: {pipelines: {metrics: {receivers: [otlp, procfs]}}}\n";
    let over = scratch.file("over.yaml", over);
    let (base, over) = (base.to_str().unwrap(), over.to_str().unwrap());
    let args =
        ["print-config", "--origins", "-c", base, "-c", over, "--set", "exporters.cloudwatch.period=10s"];
    let printed = run(&args, &[("SECRET", "hunter3")]);
    assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""));
    let line = |start: &str| {
        let lines = printed.stdout.lines().map(str::trim_start);
        lines.filter(|line| line.starts_with(start)).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(line("region:"), [format!("region: eu-west-1  # {over}:3, REGION is not set")]);
    assert_eq!(line("period:"), ["period: 10s  # --set exporters.cloudwatch.period"]);
    assert_eq!(line("Team:"), [format!("Team: a  # {base}:4")]);
    assert_eq!(line("max_staleness:"), ["max_staleness: 1h  # default"]);
    assert_eq!(line("shutdown_timeout:"), ["shutdown_timeout: 30s  # default"]);
    // A scraper has no default; its keys have theirs where it is listed.
    assert_eq!(line("cpu_average:"), ["cpu_average: false  # default"]);
    assert_eq!(line("include_virtual_filesystems:"), Vec::<String>::new());
    let password = line("Password:");
    assert!(password[0].ends_with(&format!("# {base}:4, environment SECRET")), "{password:?}");
    assert!(!printed.stdout.contains("hunter"), "{}", printed.stdout);
}

#[test]
fn what_is_printed_with_origins_is_a_configuration_that_means_the_same() {
    let scratch = Scratch::new("origins-again");
    for file in configs() {
        let args = ["print-config".as_ref(), "--origins".as_ref(), "-c".as_ref(), file.as_os_str()];
        let printed = run(&args, &[]);
        assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""), "{}", file.display());
        let again = scratch.file("again.yaml", &printed.stdout);
        let valid = |file| run(&["validate".as_ref(), "-c".as_ref(), file], &[]).stdout;
        assert_eq!(valid(again.as_os_str()), valid(file.as_os_str()), "{}", printed.stdout);
    }
}

const TWO_PIPELINES: &str = "\
receivers: {otlp: {protocols: {grpc: {endpoint: 'localhost:0'}}}, procfs/host: }
processors: {delta: , batch/off: {enabled: false}}
connectors: {forward: }
exporters: {debug: }
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    metrics/in: {receivers: [otlp, procfs/host], processors: [delta, batch/off], exporters: [forward]}
    metrics/out: {receivers: [forward], processors: [delta], exporters: [debug]}
";

#[test]
fn a_graph_is_drawn_in_the_languages_that_draw() {
    let scratch = Scratch::new("graph");
    let file = scratch.file("two.yaml", TWO_PIPELINES);
    let drawn = |format: &str| {
        let ended = run(&["graph", "-c", file.to_str().unwrap(), "--format", format], &[]);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        ended.stdout
    };
    // The same processor in two pipelines is two boxes; a connector is one, between them.
    let mermaid = drawn("mermaid");
    assert!(mermaid.starts_with("flowchart LR\n"));
    assert_eq!(mermaid.matches("[\"delta\"]").count(), 2);
    assert_eq!(mermaid.matches("{{\"forward\"}}").count(), 1);
    assert!(
        mermaid.contains("[\"batch/off (switched off)\"]")
            && mermaid.contains("subgraph p1 [\"metrics/out\"]")
    );
    assert_eq!(mermaid.matches(" --> ").count(), 6);
    let dot = drawn("dot");
    assert_eq!(dot.matches(" -> ").count(), 6);
    assert_eq!(dot.matches("label=\"delta\"").count(), 2);
    assert_eq!(dot.matches('{').count(), dot.matches('}').count());
}

#[test]
fn each_shell_gets_a_script_that_knows_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = run(&["completions", shell], &[]);
        assert_eq!(ended.code, Some(0));
        assert!(ended.stdout.contains("print-config"), "{shell}");
    }
    assert_eq!(run(&["completions", "sh"], &[]).code, Some(2));
}

#[test]
fn a_probe_of_nobody_or_of_no_address_says_so() {
    // A port that was free a moment ago, and that nobody listens on.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let ended = run(&["health", "--endpoint", &free], &[]);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains(&free), "{}", ended.stderr);
    let scratch = Scratch::new("health");
    let off = scratch.file("off.yaml", TWO_PIPELINES);
    let ended = run(&["health", "-c", off.to_str().unwrap()], &[]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("the admin listener is switched off"), "{}", ended.stderr);
}
