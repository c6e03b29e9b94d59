//! Extensions that components name in their own sections: each must be there, be started, and do what it is named for.

use weir_config::Diagnostics;

use super::plan::Definition;
use crate::{component::Facts, registry::ComponentKind};

/// What a component wants of an extension.
struct Want {
    /// The key that names it.
    path: Vec<String>,
    id: String,
    /// Whether an extension of these facts can give it.
    given_by: fn(&Facts) -> bool,
    /// What an extension does not do that cannot.
    otherwise: &'static str,
    help: &'static str,
}

/// Reports extensions that are named and not there. `started` are those that `service.extensions` names.
pub(super) fn check(defined: &[Definition], started: &[usize], diags: &mut Diagnostics) {
    let extension =
        |id: &str| defined.iter().position(|other| other.kind == ComponentKind::Extension && other.id == id);
    for definition in defined {
        for Want { path, id, given_by, otherwise, help } in definition.facts().into_iter().flat_map(wants) {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let span = definition.node.at(&path).map_or(definition.key, |node| node.span);
            match extension(&id) {
                None => {
                    diags
                        .error(span, format!("extension `{id}` is not configured"))
                        .help(format!("add `{id}:` under `extensions`, and `{id}` to `service.extensions`"));
                }
                // What could not be read is reported where it stands.
                Some(at) if defined[at].facts().is_some_and(|facts| !given_by(facts)) => {
                    diags.error(span, format!("extension `{id}` {otherwise}")).help(help);
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
}

fn wants(facts: &Facts) -> Vec<Want> {
    let storage = facts.storage.iter().map(|id| Want {
        path: vec!["storage".to_owned()],
        id: id.clone(),
        given_by: |facts| facts.stores,
        otherwise: "keeps no state",
        help: "name a `file_storage`",
    });
    let authenticators = facts.authenticators.iter().map(|(path, id)| Want {
        path: path.clone(),
        id: id.clone(),
        given_by: |facts| facts.authenticates,
        otherwise: "authenticates nobody",
        help: "name a `bearertokenauth` or a `basicauth`",
    });
    storage.chain(authenticators).collect()
}
