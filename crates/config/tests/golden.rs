//! How findings look: each `golden/NAME.yaml` is loaded and read, and what is told must be `golden/NAME.txt`.
//!
//! `UPDATE_GOLDEN=1 cargo test -p weir-config --test golden` writes the texts anew, to be read before they are kept.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use weir_config::{ByteSize, Check, Diagnostics, Duration, Env, Secret, Severity, Source, from_node, load};

/// A configuration with everything that can be wrong.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    receivers: BTreeMap<String, Receiver>,
    exporters: BTreeMap<String, Exporter>,
    #[serde(rename = "service")]
    _service: Service,
}

#[derive(Deserialize)]
struct Receiver {
    #[serde(rename = "endpoint")]
    _endpoint: String,
    #[serde(rename = "max_body", default)]
    _max_body: ByteSize,
    #[serde(rename = "include_metadata", default)]
    _include_metadata: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Exporter {
    #[serde(rename = "namespace")]
    _namespace: String,
    period: Duration,
    #[serde(rename = "timeout")]
    _timeout: Duration,
    #[serde(rename = "verbosity")]
    _verbosity: Verbosity,
    #[serde(rename = "resolution")]
    _resolution: u8,
    #[serde(rename = "token")]
    _token: Secret,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Verbosity {
    #[default]
    Basic,
    Normal,
    Detailed,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Service {
    #[serde(rename = "pipelines")]
    _pipelines: BTreeMap<String, Vec<String>>,
}

/// Loads and reads the files, and checks what a type cannot say.
fn findings(names: &[&str], sets: &[&str]) -> (String, usize) {
    let sources: Vec<_> = names
        .iter()
        .map(|name| Source::Text { name: format!("{name}.yaml"), text: read(&format!("{name}.yaml")) })
        .collect();
    let sets: Vec<_> = sets.iter().map(|set| (*set).to_owned()).collect();
    let env = Env::from_pairs([("AWS_REGION", "eu-west-1"), ("PERIOD", "sixty")]);
    let mut diags = Diagnostics::new();
    let document = load(&sources, &sets, &env, &mut diags);
    if document.is_complete()
        && let Some(config) = from_node::<Config>(document.root(), &mut diags)
    {
        assert!(config.receivers.len() < 10);
        for (name, exporter) in &config.exporters {
            if exporter.period.as_secs() % 60 != 0 {
                let message = format!("a period of {} is no multiple of a minute", exporter.period);
                let path = ["exporters", name.as_str(), "period"];
                Check::new(document.root(), &mut diags).error_with(&path, message, "write `60s`");
            }
        }
    }
    let text = diags.render(document.sources(), false);
    (text, diags.count(Severity::Error))
}

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| format!("{}: {error}", path.display()))
}

fn check(name: &str, files: &[&str], sets: &[&str], errors: usize) {
    let (text, count) = findings(files, sets);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.txt"));
        assert!(std::fs::write(path, &text).is_ok());
    }
    assert_eq!(text, read(&format!("{name}.txt")), "\n{text}");
    assert_eq!(count, errors, "\n{text}");
}

#[test]
fn ten_mistakes_are_ten_errors() {
    check("ten_mistakes", &["ten_mistakes"], &[], 10);
}

#[test]
fn a_right_file_is_not_spoken_of() {
    check("right", &["right"], &[], 0);
}

#[test]
fn broken_yaml_in_several_files() {
    check("broken", &["broken_tab", "broken_quote", "broken_duplicate"], &["exporters.debug"], 4);
}

#[test]
fn a_check_looks_like_everything_else() {
    check("checked", &["right"], &["exporters.cloudwatch.period=90s"], 1);
}

#[test]
fn overlaid_files_and_sets() {
    check("overlaid", &["right", "overlay"], &["exporters.cloudwatch.resolution=300"], 2);
}
