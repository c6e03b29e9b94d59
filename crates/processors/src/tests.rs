use std::collections::BTreeSet;

use weir_core::ComponentKind;

use crate::registry;

#[test]
fn every_name_is_given_once_within_its_kind() {
    for kind in ComponentKind::ALL {
        let components = registry().into_iter().filter(|component| component.kind == kind);
        let names: Vec<&str> =
            components.flat_map(|c| std::iter::once(c.type_name).chain(c.aliases.iter().copied())).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    }
}

#[test]
fn the_names_of_the_collector_are_understood() {
    let known = |kind, name: &str| registry().iter().any(|c| c.kind == kind && c.is_called(name));
    for name in ["attributes", "resource", "cumulativetodelta", "cumulative_to_delta", "batch"] {
        assert!(known(ComponentKind::Processor, name), "{name}");
    }
    assert!(known(ComponentKind::Connector, "forward"));
}

#[test]
fn every_key_of_every_component_is_described() {
    for component in registry() {
        let schema = serde_json::to_value((component.schema)()).unwrap();
        let Some(keys) = schema["properties"].as_object() else { continue };
        for (key, schema) in keys {
            let description = schema["description"].as_str().unwrap_or_default();
            assert!(!description.is_empty(), "{}: {key} has no description", component.type_name);
        }
    }
}
