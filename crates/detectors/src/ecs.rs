//! `ecs`: the task of this container, from the task metadata endpoint.

use std::time::Duration;

use async_trait::async_trait;
use weir_aws::{
    ecs::{self, METADATA_URI, Task},
    failure::SWITCHED_OFF,
};
use weir_core::{Attributes, Detector, Findings};

use crate::{
    Environment, PlainSettings,
    attempts::Attempts,
    known::{Found, Known},
};

pub(crate) const KNOWN: Known = &[
    ("cloud.provider", true),
    ("cloud.platform", true),
    ("cloud.account.id", true),
    ("cloud.region", true),
    ("cloud.availability_zone", true),
    ("aws.ecs.cluster.arn", true),
    ("aws.ecs.task.arn", true),
    ("aws.ecs.task.id", true),
    ("aws.ecs.task.family", true),
    ("aws.ecs.task.revision", true),
    ("aws.ecs.launchtype", true),
];

pub(crate) struct Ecs {
    pub(crate) settings: PlainSettings,
    pub(crate) timeout: Duration,
    pub(crate) every: Duration,
    pub(crate) environment: Environment,
}

impl Ecs {
    fn found(&self, task: &Task) -> Attributes {
        let mut found = Found::new(KNOWN, &self.settings.resource_attributes);
        found.add("cloud.provider", Some("aws"));
        found.add("cloud.platform", Some("aws_ecs"));
        let place = task.place();
        found.add("cloud.region", place.map(|(_, region, _)| region));
        found.add("cloud.account.id", place.map(|(_, _, account)| account));
        found.add("cloud.availability_zone", Some(&task.availability_zone));
        found.add("aws.ecs.cluster.arn", task.cluster_arn());
        found.add("aws.ecs.task.arn", Some(&task.task_arn));
        found.add("aws.ecs.task.id", task.id());
        found.add("aws.ecs.task.family", Some(&task.family));
        found.add("aws.ecs.task.revision", Some(&task.revision));
        found.add("aws.ecs.launchtype", Some(task.launch_type.to_lowercase()));
        found.into_attributes()
    }
}

#[async_trait]
impl Detector for Ecs {
    async fn run(self: Box<Self>, mut findings: Findings) {
        let Some(uri) = (self.environment)(METADATA_URI) else {
            return findings
                .give_up(SWITCHED_OFF, &format!("{METADATA_URI} is not set: this is no task of ECS"));
        };
        let mut attempts = Attempts::default();
        loop {
            match ecs::task(&uri, self.timeout).await {
                Ok(task) => {
                    findings.publish(self.found(&task), None);
                    if self.every.is_zero() {
                        return;
                    }
                    findings.clock().sleep(self.every).await;
                }
                Err(failure) => {
                    findings.fail(failure.reason, &failure.words);
                    attempts.wait_after_failure(findings.clock()).await;
                }
            }
        }
    }
}
