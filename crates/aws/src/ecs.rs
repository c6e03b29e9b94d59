//! The task metadata endpoint of Amazon ECS, version 4.

use std::time::Duration;

use serde::Deserialize;

use crate::{
    failure::{Failure, MALFORMED, UNAVAILABLE},
    imds::{answer, plain},
};

/// The variable by which ECS names the endpoint.
pub const METADATA_URI: &str = "ECS_CONTAINER_METADATA_URI_V4";

/// What a task is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Task {
    /// The cluster, by its short name or its ARN.
    pub cluster: String,
    /// The task.
    #[serde(rename = "TaskARN")]
    pub task_arn: String,
    /// The family of its definition.
    pub family: String,
    /// The revision of its definition.
    pub revision: String,
    /// The Availability Zone, where it is known.
    pub availability_zone: String,
    /// `EC2` or `FARGATE`.
    pub launch_type: String,
}

impl Task {
    /// The parts of the task's ARN: partition, Region, account.
    pub fn place(&self) -> Option<(&str, &str, &str)> {
        let mut parts = self.task_arn.split(':').skip(1);
        let partition = parts.next()?;
        Some((partition, parts.nth(1)?, parts.next()?))
    }

    /// The task's id: the end of its ARN.
    pub fn id(&self) -> Option<&str> {
        self.task_arn.rsplit_once('/').map(|(_, id)| id)
    }

    /// The cluster's ARN.
    pub fn cluster_arn(&self) -> Option<String> {
        if self.cluster.starts_with("arn:") {
            return Some(self.cluster.clone());
        }
        let (partition, region, account) = self.place()?;
        Some(format!("arn:{partition}:ecs:{region}:{account}:cluster/{}", self.cluster))
    }
}

/// Asks the endpoint at `uri` for this container's task.
///
/// # Errors
/// There is no answer, or one that cannot be read.
pub async fn task(uri: &str, limit: Duration) -> Result<Task, Failure> {
    let request = http::Request::get(format!("{}/task", uri.trim_end_matches('/')))
        .body(String::new())
        .map_err(|error| Failure::new(MALFORMED, format!("`{uri}` of {METADATA_URI} is no URL: {error}")))?;
    let text = answer(&plain()?, request, limit, "the task metadata endpoint").await?;
    let text = text.ok_or_else(|| Failure::new(UNAVAILABLE, format!("{uri} knows no task: 404")))?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::new(MALFORMED, format!("the task's metadata cannot be read: {error}")))
}
