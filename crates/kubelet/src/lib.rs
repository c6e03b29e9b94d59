//! What a node itself knows of its pods, without the API server.
//!
//! | file | what it answers |
//! | --- | --- |
//! | `pod_resources` | which container was given which device: the kubelet's pod-resources API, over its Unix socket |
//! | `messages` | that API's messages |
//! | `device` | what the id of a GPU names: a card, a MIG instance, a share of either |
//! | `cgroup` | which pod and which container a cgroup's path belongs to |

mod cgroup;
mod device;
mod messages;
mod pod_resources;

pub use cgroup::{ContainerId, PodCgroup, Qos};
pub use device::DeviceId;
pub use pod_resources::{Assignment, Claim, Device, Error, PodResources};
