//! Who keeps whose state: each component that names a storage must name one that is started.

use weir_config::Diagnostics;

use super::plan::Definition;
use crate::registry::ComponentKind;

/// Reports components whose storage is not there. `started` are the extensions that `service.extensions` names.
pub(super) fn check(defined: &[Definition], started: &[usize], diags: &mut Diagnostics) {
    let extension =
        |id: &str| defined.iter().position(|other| other.kind == ComponentKind::Extension && other.id == id);
    for definition in defined {
        let Some(id) = definition.facts().and_then(|facts| facts.storage.as_deref()) else { continue };
        let span = definition.node.at(&["storage"]).map_or(definition.key, |node| node.span);
        match extension(id) {
            None => {
                diags
                    .error(span, format!("extension `{id}` is not configured"))
                    .help(format!("add `{id}:` under `extensions`, and `{id}` to `service.extensions`"));
            }
            // What could not be read is reported where it stands.
            Some(at) if defined[at].facts().is_some_and(|facts| !facts.stores) => {
                diags.error(span, format!("extension `{id}` keeps no state")).help("name a `file_storage`");
            }
            Some(at) if !started.contains(&at) => {
                diags
                    .error(span, format!("extension `{id}` is not started"))
                    .help(format!("add `{id}` to `service.extensions`"));
            }
            Some(_) => {}
        }
    }
}
