//! Each detector as the graph runs it: asked for, known at once, run, published.

mod pod;
mod required;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use weir_config::Duration;
use weir_core::{Metadata, Source};
use weir_testkit::Fixture;

use super::*;

/// The defaults of the processor.
pub(crate) fn settings() -> Settings {
    Settings {
        timeout: Duration::from_secs(5),
        refresh_interval: Duration::ZERO,
        env: EnvSettings::default(),
        system: SystemSettings::default(),
        ec2: Ec2Settings::default(),
        ecs: PlainSettings::default(),
        eks: EksSettings::default(),
        k8s_downward: K8sDownwardSettings::default(),
    }
}

pub(crate) fn variables(variables: &[(&str, &str)]) -> Environment {
    let variables: HashMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Arc::new(move |name| variables.get(name).cloned())
}

pub(crate) fn known(metadata: &Metadata, source: Source) -> BTreeMap<String, String> {
    let found = metadata.found(&[source]);
    found.iter().map(|kv| (kv.key.to_string(), kv.value.to_string())).collect()
}

pub(crate) fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Runs every detector of the fixture to its end.
async fn run_to_the_end(fixture: &Fixture) {
    for (detector, findings) in fixture.detectors() {
        detector.run(findings).await;
    }
}

#[tokio::test]
async fn env_knows_its_list_at_once_and_named_variables_win() {
    let fixture = Fixture::new();
    let env = variables(&[
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop,deployment.environment.name=pro%20d,zone=a"),
        ("MY_ZONE", "b"),
    ]);
    let named = [("zone", "MY_ZONE"), ("rack", "MY_RACK")];
    let named = named.map(|(attribute, variable)| (attribute.to_owned(), variable.to_owned()));
    let settings = Settings { env: EnvSettings { variables: named.into() }, ..settings() };
    let source = ask(DetectorName::Env, &settings, &fixture.metadata, &env);
    let expected =
        pairs(&[("service.name", "shop"), ("deployment.environment.name", "pro d"), ("zone", "b")]);
    assert_eq!(known(&fixture.metadata, source), expected);
    run_to_the_end(&fixture).await;
    assert_eq!(known(&fixture.metadata, source), expected);
    assert!(fixture.metadata.detectors()[0].is_ready);
}

#[tokio::test]
async fn env_leaves_a_list_out_that_cannot_be_read_and_says_so() {
    let fixture = Fixture::new();
    let env = variables(&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop,broken")]);
    let source = ask(DetectorName::Env, &settings(), &fixture.metadata, &env);
    run_to_the_end(&fixture).await;
    assert_eq!(known(&fixture.metadata, source), pairs(&[]));
    let state = &fixture.metadata.detectors()[0];
    assert_eq!((state.is_ready, state.failures.get(&MALFORMED)), (false, Some(&1)));
}

#[tokio::test]
async fn an_environment_without_anything_is_no_failure() {
    let fixture = Fixture::new();
    ask(DetectorName::Env, &settings(), &fixture.metadata, &variables(&[]));
    run_to_the_end(&fixture).await;
    assert!(fixture.metadata.detectors()[0].is_ready);
}

#[test]
fn system_tells_the_names_of_this_machine_and_what_is_switched_on() {
    let fixture = Fixture::new();
    let plain = ask(DetectorName::System, &settings(), &fixture.metadata, &variables(&[]));
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned();
    assert_eq!(known(&fixture.metadata, plain), pairs(&[("host.name", &hostname), ("os.type", "linux")]));
    let switches = [("host.name", false), ("host.arch", true)];
    let switches = switches.map(|(name, enabled)| (name.to_owned(), Switch { enabled }));
    let system = SystemSettings { resource_attributes: switches.into(), ..SystemSettings::default() };
    let switched =
        ask(DetectorName::System, &Settings { system, ..settings() }, &fixture.metadata, &variables(&[]));
    let machine = std::process::Command::new("uname").arg("-m").output().unwrap().stdout;
    let architecture = match String::from_utf8(machine).unwrap().trim() {
        "x86_64" => "amd64".to_owned(),
        "aarch64" => "arm64".to_owned(),
        other => other.to_owned(),
    };
    assert_eq!(
        known(&fixture.metadata, switched),
        pairs(&[("host.arch", &architecture), ("os.type", "linux")])
    );
}
