//! Which attributes a detector has, and which of them are switched on.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::Check;
use weir_core::{Attributes, KeyValue, Value};

/// Whether an attribute is added.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Switch {
    /// Whether it is.
    pub enabled: bool,
}

/// Switches by the names of attributes.
pub type Switches = BTreeMap<String, Switch>;

/// The attributes of a detector, each with whether it is on unless it is switched off.
pub(crate) type Known = &'static [(&'static str, bool)];

/// Attributes that are switched on, as they are found.
pub(crate) struct Found<'a> {
    known: Known,
    switches: &'a Switches,
    list: Vec<KeyValue>,
}

impl<'a> Found<'a> {
    pub(crate) fn new(known: Known, switches: &'a Switches) -> Self {
        Self { known, switches, list: Vec::new() }
    }

    /// Whether somebody wants to know it.
    pub(crate) fn wants(&self, name: &str) -> bool {
        is_on(self.known, self.switches, name)
    }

    /// Adds `name`, where it is switched on and there is a value.
    pub(crate) fn add(&mut self, name: &str, value: Option<impl AsRef<str>>) {
        if let Some(value) = value.filter(|value| !value.as_ref().is_empty())
            && self.wants(name)
        {
            self.list.push(KeyValue::new(name, Value::str(value)));
        }
    }

    pub(crate) fn into_attributes(self) -> Attributes {
        Attributes::new(self.list)
    }
}

/// Whether `name` is switched on.
pub(crate) fn is_on(known: Known, switches: &Switches, name: &str) -> bool {
    let default = known.iter().any(|(of, on)| *of == name && *on);
    switches.get(name).map_or(default, |switch| switch.enabled)
}

/// Reports switches of what `detector` does not find.
pub(crate) fn check(check: &mut Check<'_>, detector: &str, known: Known, switches: &Switches) {
    for name in switches.keys().filter(|name| known.iter().all(|(of, _)| of != name)) {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        check.misnamed(
            &[detector, "resource_attributes", name],
            format!("`{detector}` does not find `{name}`"),
            format!("it finds {}", names.join(", ")),
        );
    }
}
