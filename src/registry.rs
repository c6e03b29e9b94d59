//! Every component that this binary has, in the order of documentation.

use weir_core::Component;

/// The registries of all component crates, one after the other.
pub(crate) fn all() -> Vec<Component> {
    let mut all = weir_receivers::registry();
    all.extend(weir_processors::registry());
    all.extend(weir_exporters::registry());
    all.extend(weir_extensions::registry());
    all
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_components_of_a_kind_answer_to_one_name() {
        let mut names = HashSet::new();
        for component in all() {
            for name in component.aliases.iter().chain([&component.type_name]) {
                assert!(names.insert((component.kind, *name)), "{} {name}", component.kind);
            }
        }
        assert!(names.len() > 8);
    }

    #[test]
    fn every_key_of_every_component_is_documented() {
        for component in all() {
            let schema = (component.schema)();
            let keys =
                schema.get("properties").and_then(|keys| keys.as_object()).cloned().unwrap_or_default();
            for (key, about) in keys {
                let documented = about.get("description").is_some();
                assert!(
                    documented,
                    "{} `{}`: key `{key}` has no doc comment",
                    component.kind, component.type_name
                );
            }
        }
    }
}
