//! `eks`: cluster and node. The environment goes first; then the instance's metadata; and where pods are kept from that, as they
//! should be, the EC2 API by the node's name.

use std::time::Duration;

use async_trait::async_trait;
use weir_aws::{
    Settings as AwsSettings, ec2,
    failure::{Failure, UNAVAILABLE},
    imds::{Identity, Imds},
};
use weir_core::{Attributes, Clock, Detector, Findings};

use crate::{
    EksSettings, Environment,
    attempts::Attempts,
    ec2::add_identity,
    known::{Found, Known},
};

pub(crate) const KNOWN: Known = &[
    ("cloud.provider", true),
    ("cloud.platform", true),
    ("cloud.account.id", true),
    ("cloud.region", true),
    ("cloud.availability_zone", true),
    ("host.id", true),
    ("host.image.id", true),
    ("host.type", true),
    ("k8s.node.name", true),
    ("k8s.cluster.name", false), // may need `ec2:DescribeInstances`, as in the Collector
];

/// What only the instance can tell.
const OF_THE_INSTANCE: [&str; 5] =
    ["cloud.account.id", "cloud.availability_zone", "host.id", "host.image.id", "host.type"];
/// Variables that charts and manifests give the cluster's name by.
const CLUSTER_VARIABLES: [&str; 3] = ["K8S_CLUSTER_NAME", "EKS_CLUSTER_NAME", "CLUSTER_NAME"];
/// The tags of an instance that say which cluster it is of; of the second, the name's end.
const CLUSTER_TAGS: [&str; 2] = ["eks:cluster-name", "aws:eks:cluster-name"];
const CLUSTER_TAG_PREFIX: &str = "kubernetes.io/cluster/";

pub(crate) struct Eks {
    settings: EksSettings,
    timeout: Duration,
    every: Duration,
    environment: Environment,
    node: Option<String>,
    region: Option<String>,
    cluster: Option<String>,
}

/// What the instance told.
#[derive(Default)]
struct Told {
    identity: Identity,
    tags: Vec<(String, String)>,
}

impl Eks {
    pub(crate) fn new(
        settings: EksSettings,
        timeout: Duration,
        every: Duration,
        environment: Environment,
    ) -> Self {
        let first = |names: &[&str]| names.iter().find_map(|name| environment(name));
        let node = first(&[&settings.node_from_env_var, "NODE_NAME", "K8S_NODE_NAME"]);
        let region = first(&["AWS_REGION", "AWS_DEFAULT_REGION"]);
        let cluster = first(&CLUSTER_VARIABLES);
        Self { settings, timeout, every, environment, node, region, cluster }
    }

    fn found(&self, told: &Told) -> Attributes {
        let mut found = Found::new(KNOWN, &self.settings.resource_attributes);
        found.add("cloud.provider", Some("aws"));
        found.add("cloud.platform", Some("aws_eks"));
        found.add("cloud.region", self.region.as_ref());
        found.add("k8s.node.name", self.node.as_ref());
        add_identity(&mut found, &told.identity);
        found.add("k8s.cluster.name", self.cluster.clone().or_else(|| cluster_of(&told.tags)));
        found.into_attributes()
    }

    /// Whether the environment does not tell all that is wanted.
    fn needs_the_instance(&self) -> bool {
        let found = Found::new(KNOWN, &self.settings.resource_attributes);
        let needs_cluster = self.cluster.is_none() && found.wants("k8s.cluster.name");
        needs_cluster || OF_THE_INSTANCE.iter().any(|name| found.wants(name))
    }

    async fn ask(&self, clock: &Clock) -> Result<Told, Failure> {
        let of_metadata = async {
            let imds = Imds::new(&|name| (self.environment)(name), self.timeout)?;
            let session = imds.session().await?;
            let identity = session.identity().await?;
            let tags = session.tags().await?.unwrap_or_default();
            Ok::<_, Failure>(Told { identity, tags })
        };
        let wants_cluster = self.cluster.is_none()
            && Found::new(KNOWN, &self.settings.resource_attributes).wants("k8s.cluster.name");
        match of_metadata.await {
            Ok(told) if !wants_cluster || cluster_of(&told.tags).is_some() => Ok(told),
            Ok(told) => {
                let aws = self.aws(Some(&told.identity.region), clock).await?;
                let tags = ec2::tags(&aws, clock, &told.identity.instance_id, self.timeout).await?;
                Ok(Told { tags, ..told })
            }
            Err(failure) => match (&self.node, &self.region) {
                (Some(node), Some(region)) => self
                    .by_node(node, region, clock)
                    .await
                    .map_err(|second| Failure::new(second.reason, format!("{failure}; and then: {second}"))),
                _ => Err(Failure::new(
                    failure.reason,
                    format!(
                        "{failure}; without it, the EC2 API can be asked where NODE_NAME and AWS_REGION are set"
                    ),
                )),
            },
        }
    }

    async fn by_node(&self, node: &str, region: &str, clock: &Clock) -> Result<Told, Failure> {
        let aws = self.aws(Some(region), clock).await?;
        let instance = ec2::instance_of_node(&aws, clock, node, self.timeout).await?;
        let identity = Identity {
            account_id: instance.account_id,
            region: region.to_owned(),
            availability_zone: instance.availability_zone,
            instance_id: instance.id,
            instance_type: instance.instance_type,
            image_id: instance.image_id,
        };
        Ok(Told { identity, tags: instance.tags })
    }

    async fn aws(&self, region: Option<&str>, clock: &Clock) -> Result<weir_aws::Aws, Failure> {
        let settings = AwsSettings { region: region.map(str::to_owned), ..AwsSettings::default() };
        let aws = weir_aws::load(&settings, clock).await;
        aws.map_err(|error| Failure::new(UNAVAILABLE, error.to_string()))
    }
}

fn cluster_of(tags: &[(String, String)]) -> Option<String> {
    let named = tags.iter().find(|(name, _)| CLUSTER_TAGS.contains(&name.as_str()));
    let owned = || tags.iter().find_map(|(name, _)| name.strip_prefix(CLUSTER_TAG_PREFIX).map(str::to_owned));
    named.map(|(_, value)| value.clone()).or_else(owned)
}

#[async_trait]
impl Detector for Eks {
    fn at_once(&mut self) -> Attributes {
        self.found(&Told::default())
    }

    async fn run(self: Box<Self>, mut findings: Findings) {
        let needs_the_instance = self.needs_the_instance();
        let missing = needs_the_instance.then_some("what only the instance can tell");
        findings.publish(self.found(&Told::default()), missing);
        if !needs_the_instance {
            return;
        }
        let mut attempts = Attempts::default();
        loop {
            match self.ask(findings.clock()).await {
                Ok(told) => {
                    findings.publish(self.found(&told), None);
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
