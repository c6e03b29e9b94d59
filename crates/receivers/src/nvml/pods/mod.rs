//! Which containers have which GPUs, and what that says of their figures.
//!
//! | file | what is there |
//! | --- | --- |
//! | `poller` | asks the kubelet, beside the rounds |
//! | `tenants` | which of what the kubelet gave away is this GPU, or an instance of it |
//! | `tenancy` | a GPU's containers: who has it alone, and which of its figures are theirs |
//! | `usage` | what each had of it and used of it |
//! | `processes` | figures by process, told by container; on the GPU's own thread |
//! | `names` | what the container of an id is called, by the names of the node's log files |
//!
//! A figure of a GPU that one container has alone is that container's, by attributes of the resource. Where several have it, the GPU's figures are
//! nobody's: given to each of them their sums would be wrong. Then figures by process say what each uses.

mod names;
mod poller;
mod processes;
mod tenancy;
mod tenants;
mod usage;

use std::sync::Arc;

pub(super) use names::Names;
pub(super) use poller::{Pods, poll};
pub(super) use processes::{OfContainer, Processes};
pub(super) use tenancy::{Tenancy, is_use};
pub(super) use tenants::Mig;
pub(super) use usage::{Sample, report_processes};

pub(super) const NAMESPACE: &str = "k8s.namespace.name";
pub(super) const POD: &str = "k8s.pod.name";
pub(super) const CONTAINER: &str = "k8s.container.name";
const POD_UID: &str = "k8s.pod.uid";
const CONTAINER_ID: &str = "container.id";

/// A container: what a resource says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner(Vec<(&'static str, Arc<str>)>);

impl Owner {
    /// By its names.
    pub(super) fn of(namespace: &str, pod: &str, container: &str) -> Self {
        Self(vec![(NAMESPACE, namespace.into()), (POD, pod.into()), (CONTAINER, container.into())])
    }

    /// By what a cgroup says of it.
    fn of_ids(uid: &str, id: &str) -> Self {
        Self(vec![(POD_UID, uid.into()), (CONTAINER_ID, id.into())])
    }

    pub(super) fn attributes(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(key, value)| (*key, &**value))
    }
}
