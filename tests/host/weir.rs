//! One round of the real binary.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::Value;

/// Values by `metric{attribute=value,…}`, attributes in the order of their keys.
pub(crate) type Readings = BTreeMap<String, f64>;

/// A folder of this test's own.
pub(crate) fn folder(name: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("host-{name}-{number}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Writes a configuration of these keys of `procfs` into `folder`; answers the arguments that run it once, and where the points will be.
pub(crate) fn once(folder: &Path, keys: &str) -> (Vec<String>, PathBuf) {
    let (config, out) = (folder.join("weir.yaml"), folder.join("points.jsonl"));
    let text = format!(
        "receivers: {{ procfs: {keys} }}
exporters: {{ file: {{ path: '{}' }} }}
service:
  telemetry: {{ metrics: {{ address: '127.0.0.1:0' }} }}
  pipelines: {{ metrics: {{ receivers: [procfs], exporters: [file] }} }}
",
        out.display()
    );
    fs::write(&config, text).unwrap();
    (["run", "--once", "-c", config.to_str().unwrap()].map(str::to_owned).to_vec(), out)
}

/// What one round of `procfs` with these keys reads.
pub(crate) fn reads(folder: &Path, keys: &str) -> Readings {
    let (arguments, out) = once(folder, keys);
    run(Command::new(env!("CARGO_BIN_EXE_weir")).args(arguments).env_clear());
    readings(&fs::read_to_string(out).unwrap())
}

/// Runs a program to its good end; what it printed.
pub(crate) fn run(command: &mut Command) -> String {
    let ended = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(ended.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).unwrap()
}

/// The points of lines of OTLP/JSON.
pub(crate) fn readings(lines: &str) -> Readings {
    let mut readings = Readings::new();
    for line in lines.lines() {
        let request: Value = serde_json::from_str(line).unwrap();
        for metric in all(&all(&all(&[request], "resourceMetrics"), "scopeMetrics"), "metrics") {
            let shape = ["gauge", "sum"].iter().find_map(|shape| metric.get(shape)).unwrap();
            for point in shape["dataPoints"].as_array().unwrap() {
                let name = format!("{}{{{}}}", metric["name"].as_str().unwrap(), attributes(point));
                let twice = readings.insert(name.clone(), value(point));
                assert_eq!(twice, None, "{name} comes twice");
            }
        }
    }
    assert!(!readings.is_empty());
    readings
}

fn all(parents: &[Value], key: &str) -> Vec<Value> {
    parents.iter().flat_map(|parent| parent[key].as_array().unwrap().clone()).collect()
}

fn attributes(point: &Value) -> String {
    let none = Vec::new();
    let attributes = point.get("attributes").and_then(Value::as_array).unwrap_or(&none);
    let mut attributes: Vec<String> = attributes
        .iter()
        .map(|one| {
            format!("{}={}", one["key"].as_str().unwrap(), one["value"]["stringValue"].as_str().unwrap())
        })
        .collect();
    attributes.sort_unstable();
    attributes.join(",")
}

/// OTLP/JSON writes integers of 64 bits as text.
fn value(point: &Value) -> f64 {
    match point.get("asDouble") {
        Some(value) => value.as_f64().unwrap(),
        None => point["asInt"].as_str().unwrap().parse().unwrap(),
    }
}
