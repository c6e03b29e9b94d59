//! `env`: `OTEL_RESOURCE_ATTRIBUTES`, and variables by their names.

use async_trait::async_trait;
use weir_core::{Attributes, Detector, Findings, KeyValue, Value};

use crate::{EnvSettings, Environment, MALFORMED, listed};

/// The variable of the SDK specification.
const RESOURCE_ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

pub(crate) struct Env {
    settings: EnvSettings,
    environment: Environment,
    found: Attributes,
    /// What is wrong with the variable.
    problem: Option<String>,
}

impl Env {
    pub(crate) fn new(settings: EnvSettings, environment: Environment) -> Self {
        Self { settings, environment, found: Attributes::default(), problem: None }
    }
}

#[async_trait]
impl Detector for Env {
    fn at_once(&mut self) -> Attributes {
        let text = (self.environment)(RESOURCE_ATTRIBUTES).unwrap_or_default();
        let mut pairs = listed::resource_attributes(&text).unwrap_or_else(|error| {
            self.problem = Some(format!("{RESOURCE_ATTRIBUTES} is left out whole: {error}"));
            Vec::new()
        });
        // Named one by one: they win over the list.
        let named = self.settings.variables.iter();
        pairs
            .extend(named.filter_map(|(name, variable)| Some((name.clone(), (self.environment)(variable)?))));
        let pairs = pairs.into_iter().map(|(key, value)| KeyValue::new(key, Value::str(value)));
        self.found = Attributes::new(pairs.collect());
        self.found.clone()
    }

    async fn run(self: Box<Self>, mut findings: Findings) {
        // The environment of a process does not change: there is nothing to look for later.
        findings.publish(self.found, self.problem.as_deref());
        if let Some(problem) = &self.problem {
            findings.give_up(MALFORMED, problem);
        }
    }
}
