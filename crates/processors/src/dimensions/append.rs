//! `append`: dimensions by the names that users of the CloudWatch Agent know.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_detectors::DetectorName;

use super::action::{Action, Verb};

/// A dimension known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Appended {
    /// The EC2 instance's id.
    InstanceId,
    /// The EC2 instance's type.
    InstanceType,
    /// The image that the EC2 instance was started from.
    ImageId,
    /// The Auto Scaling group of the EC2 instance.
    AutoScalingGroupName,
    /// The EC2 instance's Availability Zone.
    AvailabilityZone,
    /// The EKS cluster.
    ClusterName,
    /// The Kubernetes node.
    NodeName,
    /// The pod.
    PodName,
    /// The pod's namespace.
    Namespace,
    /// The family of the ECS task's definition.
    TaskDefinitionFamily,
}

impl Appended {
    /// The dimension's name, the attribute that gives its value, and the detector that finds it.
    fn row(self) -> (&'static str, &'static str, DetectorName) {
        match self {
            Self::InstanceId => ("InstanceId", "host.id", DetectorName::Ec2),
            Self::InstanceType => ("InstanceType", "host.type", DetectorName::Ec2),
            Self::ImageId => ("ImageId", "host.image.id", DetectorName::Ec2),
            Self::AutoScalingGroupName => {
                ("AutoScalingGroupName", "ec2.tag.aws:autoscaling:groupName", DetectorName::Ec2)
            }
            Self::AvailabilityZone => ("AvailabilityZone", "cloud.availability_zone", DetectorName::Ec2),
            Self::ClusterName => ("ClusterName", "k8s.cluster.name", DetectorName::Eks),
            Self::NodeName => ("NodeName", "k8s.node.name", DetectorName::K8sDownward),
            Self::PodName => ("PodName", "k8s.pod.name", DetectorName::K8sDownward),
            Self::Namespace => ("Namespace", "k8s.namespace.name", DetectorName::K8sDownward),
            Self::TaskDefinitionFamily => ("TaskDefinitionFamily", "aws.ecs.task.family", DetectorName::Ecs),
        }
    }

    /// The detector that finds it.
    pub fn detector(self) -> DetectorName {
        self.row().2
    }

    /// The attribute of the detector.
    pub fn attribute(self) -> &'static str {
        self.row().1
    }

    /// The action that it stands for: a point's own attribute of that name stays.
    pub(super) fn action(self) -> Action {
        let (name, attribute, _) = self.row();
        Action { from_metadata: Some(attribute.to_owned()), ..Action::new(Verb::Insert, name) }
    }
}
