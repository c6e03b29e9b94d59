//! `k8s_downward`: a volume as the kubelet keeps it.

use std::{fs, path::PathBuf, time};

use super::*;

/// A volume of its own for each test.
struct Volume(PathBuf);

impl Volume {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("weir-downward-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.0.join(file), text).unwrap();
    }

    fn settings(&self, labels: &[&str], annotations: &[&str]) -> Settings {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let pod = K8sDownwardSettings {
            path: self.0.clone(),
            labels: list(labels),
            annotations: list(annotations),
            ..K8sDownwardSettings::default()
        };
        Settings { k8s_downward: pod, ..settings() }
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // What is left of a test in the folder for temporary files harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

const PLACE: [(&str, &str); 3] =
    [("POD_NAME", "shop-1"), ("K8S_NODE_NAME", "node-7"), ("POD_IP", "10.0.0.7")];

#[test]
fn variables_and_volume_are_known_at_once_and_a_variable_goes_before_a_file() {
    let (fixture, volume) = (Fixture::new(), Volume::new("at-once"));
    volume.write("name", "other");
    volume.write("namespace", "sales\n");
    volume.write("labels", "app=\"shop\"\nteam=\"a \\\"b\\\"\"\nsecret=\"x\"\n");
    volume.write("annotations", "note=\"one\\ntwo\"\n");
    let settings = volume.settings(&["app", "team", "absent"], &["note"]);
    let source = ask(DetectorName::K8sDownward, &settings, &fixture.metadata, &variables(&PLACE));
    let expected = pairs(&[
        ("k8s.pod.name", "shop-1"),
        ("k8s.namespace.name", "sales"),
        ("k8s.node.name", "node-7"),
        ("k8s.pod.label.app", "shop"),
        ("k8s.pod.label.team", "a \"b\""),
        ("k8s.pod.annotation.note", "one\ntwo"),
    ]);
    assert_eq!(known(&fixture.metadata, source), expected);
}

#[tokio::test]
async fn a_volume_that_changes_is_read_again() {
    let (fixture, volume) = (Fixture::new(), Volume::new("changes"));
    volume.write("labels", "version=\"1\"\n");
    let settings = volume.settings(&["version"], &[]);
    let source = ask(DetectorName::K8sDownward, &settings, &fixture.metadata, &variables(&[]));
    let version = |value: &str| pairs(&[("k8s.pod.label.version", value)]);
    assert_eq!(known(&fixture.metadata, source), version("1"));
    let (detector, findings) = fixture.detectors().pop().unwrap();
    let running = tokio::spawn(detector.run(findings));
    volume.write("labels", "version=\"2\"\n");
    while known(&fixture.metadata, source) != version("2") {
        fixture.clock.advance(time::Duration::from_secs(10));
        tokio::task::yield_now().await;
    }
    running.abort();
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_said_and_the_rest_stays() {
    let (fixture, volume) = (Fixture::new(), Volume::new("malformed"));
    volume.write("labels", "app=shop\n");
    volume.write("uid", "u-1");
    let settings = volume.settings(&["app"], &[]);
    let source = ask(DetectorName::K8sDownward, &settings, &fixture.metadata, &variables(&PLACE[..1]));
    let (detector, findings) = fixture.detectors().pop().unwrap();
    let running = tokio::spawn(detector.run(findings));
    while fixture.metadata.detectors()[0].failures.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        known(&fixture.metadata, source),
        pairs(&[("k8s.pod.name", "shop-1"), ("k8s.pod.uid", "u-1")])
    );
    assert_eq!(fixture.metadata.detectors()[0].failures[&MALFORMED], 1);
    assert!(!fixture.metadata.detectors()[0].is_ready);
    running.abort();
}
