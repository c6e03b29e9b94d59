//! Asks the kubelet, beside the rounds: however long it takes, no round waits for it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use weir_core::Context;
use weir_kubelet::{Assignment, Device, DeviceId, Error, PodResources};

use super::{super::PodsConfig, Names, tenants::CLAIM_DRIVER};

/// The first wait after a failure; doubled up to the longest.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(60);
/// Sixteen GPUs of seven instances, each shared by ten, are 1,120.
const MOST_ASSIGNED: usize = 10_000;
/// Kubernetes' longest name.
const LONGEST_NAME: usize = 253;

/// What containers have, and what they are called.
#[derive(Debug, Default, PartialEq)]
pub(in crate::nvml) struct Pods {
    pub(in crate::nvml) assigned: Vec<Assignment>,
    pub(in crate::nvml) names: Names,
}

/// Asks at intervals, for ever, and after a failure with growing waits. Tells whether the kubelet answers and what is known, where either changed. What was
/// told last holds while the kubelet is away: without it, a node gives no GPU to anybody.
pub(in crate::nvml) async fn poll(
    config: PodsConfig,
    interval: Duration,
    context: Context,
    tell: impl Fn(bool, Arc<Pods>) + Send,
) {
    let kubelet = PodResources::at(&config.endpoint);
    let root = config.host_pid.then_some(config.root_path);
    let mut known = Arc::new(Pods::default());
    // Whether it was told that the kubelet answers; none as long as there never was one.
    let mut told: Option<bool> = None;
    let (mut failures, mut said) = (0_u32, None);
    loop {
        let wait = match kubelet.list(&context.clock).await {
            Ok(assigned) => {
                (failures, said) = (0, None);
                let new = Pods { assigned: of_gpus(assigned), names: names(root.clone(), &context).await };
                if new != *known || told != Some(true) {
                    (known, told) = (Arc::new(new), Some(true));
                    tell(true, Arc::clone(&known));
                }
                interval
            }
            Err(error) => {
                let was_never_there = matches!(error, Error::Absent(_)) && told.is_none();
                if !was_never_there {
                    say(&mut said, &error, &context);
                    if told.replace(false) != Some(false) {
                        tell(false, Arc::clone(&known));
                    }
                }
                failures += 1;
                FIRST_RETRY.saturating_mul(1 << failures.min(6)).min(LONGEST_RETRY)
            }
        };
        context.clock.sleep(wait).await;
    }
}

/// Says a trouble once, until another one takes its place.
fn say(said: &mut Option<String>, error: &Error, context: &Context) {
    let trouble = error.to_string();
    if said.as_ref() != Some(&trouble) {
        tracing::warn!(component = %context.id, "which pods have the GPUs is not known anew: {trouble}; tried again, said once");
        *said = Some(trouble);
    }
}

/// What may be a GPU, under names that Kubernetes allows, and so much of it as a node can have.
fn of_gpus(mut assigned: Vec<Assignment>) -> Vec<Assignment> {
    assigned.retain(|one| {
        let is_gpu = match &one.device {
            Device::Plugin { id, .. } => !matches!(id, DeviceId::Other(_)),
            Device::Claim(claim) => claim.driver == CLAIM_DRIVER,
        };
        is_gpu && [&one.namespace, &one.pod, &one.container].iter().all(|name| name.len() <= LONGEST_NAME)
    });
    assigned.truncate(MOST_ASSIGNED);
    assigned
}

/// What containers are called; without processes nobody needs that.
async fn names(root: Option<PathBuf>, context: &Context) -> Names {
    let Some(root) = root else { return Names::default() };
    let read = tokio::task::spawn_blocking(move || Names::read(&root)).await;
    match read {
        Ok(Ok(names)) => names,
        Ok(Err(error)) => {
            tracing::debug!(component = %context.id, "no names of containers: {error}");
            Names::default()
        }
        Err(_) => Names::default(), // the runtime ends
    }
}
