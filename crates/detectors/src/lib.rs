//! Finds out where Weir runs, for whoever adds that to points.
//!
//! | file | detector | what it reads |
//! | --- | --- | --- |
//! | `env` | `env` | `OTEL_RESOURCE_ATTRIBUTES`, and variables by their names |
//! | `system` | `system` | this machine: its name, its architecture, its id |
//! | `ec2` | `ec2` | the instance metadata service; for tags that it does not show, the EC2 API |
//! | `ecs` | `ecs` | the task metadata endpoint |
//! | `eks` | `eks` | the environment; the instance's metadata, or the EC2 API by the node's name |
//! | `k8s_downward` | `k8s_downward` | what the downward API gives a pod: variables, and a volume |
//!
//! With them: `attempts` (when to try again), `settings` (the keys of each), `listed` (text that others wrote: lists of pairs), `known` (which attributes a detector
//! has, and which of them are switched on).
//!
//! A detector never holds anything up: it is asked for when a processor is built, runs beside the graph, and publishes into
//! `core`'s metadata. What it knows without waiting is there before the first point.

mod attempts;
mod ec2;
mod ecs;
mod eks;
mod env;
mod k8s_downward;
mod known;
mod listed;
mod settings;
mod system;

use std::sync::Arc;

use weir_core::{Metadata, Reason, Source};

pub use known::{Switch, Switches};
pub use listed::{ListError, go_quoted_pairs, resource_attributes};
pub use settings::{
    DetectorName, Ec2Settings, EksSettings, EnvSettings, HostnameSource, K8sDownwardSettings, PlainSettings,
    Settings, SystemSettings,
};

/// What was read is not in the form that it must have.
pub const MALFORMED: Reason = Reason("malformed");

/// Reads an environment variable; `None` where it is not set, or empty.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The environment of this process.
pub fn environment() -> Environment {
    Arc::new(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// Asks for the detector `name`: it runs once for all who ask for it with the same settings.
pub fn ask(
    name: DetectorName,
    settings: &Settings,
    metadata: &Metadata,
    environment: &Environment,
) -> Source {
    let environment = Arc::clone(environment);
    match name {
        DetectorName::Env => {
            let env = settings.env.clone();
            metadata.ask("env", &format!("{env:?}"), || Box::new(env::Env::new(env, environment)))
        }
        DetectorName::System => {
            let system = settings.system.clone();
            metadata.ask("system", &format!("{system:?}"), || Box::new(system::System::new(&system)))
        }
        DetectorName::Ec2 => {
            let (ec2, timeout, every) =
                (settings.ec2.clone(), settings.timeout.0, settings.refresh_interval.0);
            let key = format!("{ec2:?} {timeout:?} {every:?}");
            metadata.ask("ec2", &key, || Box::new(ec2::Ec2::new(ec2, timeout, every, environment)))
        }
        DetectorName::Ecs => {
            let (ecs, timeout, every) =
                (settings.ecs.clone(), settings.timeout.0, settings.refresh_interval.0);
            let key = format!("{ecs:?} {timeout:?} {every:?}");
            metadata.ask("ecs", &key, || Box::new(ecs::Ecs { settings: ecs, timeout, every, environment }))
        }
        DetectorName::Eks => {
            let (eks, timeout, every) =
                (settings.eks.clone(), settings.timeout.0, settings.refresh_interval.0);
            let key = format!("{eks:?} {timeout:?} {every:?}");
            metadata.ask("eks", &key, || Box::new(eks::Eks::new(eks, timeout, every, environment)))
        }
        DetectorName::K8sDownward => {
            let (pod, every) = (settings.k8s_downward.clone(), settings.refresh_interval.0);
            let key = format!("{pod:?} {every:?}");
            metadata.ask("k8s_downward", &key, || {
                Box::new(k8s_downward::K8sDownward::new(pod, every, &environment))
            })
        }
    }
}

#[cfg(test)]
mod tests;
