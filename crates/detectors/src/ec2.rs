//! `ec2`: the instance's identity document, its name and its tags.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use weir_aws::{
    Settings as AwsSettings, ec2,
    failure::{Failure, UNAVAILABLE},
    imds::{Identity, Imds, Session},
};
use weir_core::{Attributes, Clock, Detector, Findings, KeyValue, Value};

use crate::{
    Ec2Settings, Environment,
    attempts::{Attempts, jittered},
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
    ("host.name", true),
];

/// Before the name of a tag.
pub(crate) const TAG: &str = "ec2.tag.";
/// How long the first call of the EC2 API waits at most: a fleet that starts at once must not call at once.
const SPREAD: Duration = Duration::from_secs(5);

pub(crate) struct Ec2 {
    pub(crate) settings: Ec2Settings,
    pub(crate) timeout: Duration,
    pub(crate) every: Duration,
    pub(crate) environment: Environment,
    /// What is known of the instance already.
    base: Option<Attributes>,
    has_called: bool,
}

impl Ec2 {
    pub(crate) fn new(
        settings: Ec2Settings,
        timeout: Duration,
        every: Duration,
        environment: Environment,
    ) -> Self {
        Self { settings, timeout, every, environment, base: None, has_called: false }
    }

    /// Looks once; answers whether nothing is missing.
    async fn attempt(&mut self, imds: &Imds, findings: &mut Findings) -> Result<bool, Failure> {
        let session = imds.session().await?;
        let identity = session.identity().await?;
        let mut found = Found::new(KNOWN, &self.settings.resource_attributes);
        found.add("cloud.provider", Some("aws"));
        found.add("cloud.platform", Some("aws_ec2"));
        add_identity(&mut found, &identity);
        if found.wants("host.name") {
            found.add("host.name", session.get("meta-data/hostname").await?);
        }
        let base = found.into_attributes();
        if !self.settings.wants_tags() {
            findings.publish(base, None);
            return Ok(true);
        }
        // What is known by now goes out at once: tags may take their time.
        if self.base.is_none() {
            findings.publish(base.clone(), Some("the instance's tags"));
        }
        self.base = Some(base.clone());
        let tags = self.tags(&session, &identity, findings.clock()).await?;
        let missing = self.settings.required_tags.iter().find(|tag| !tags.contains_key(*tag)).cloned();
        let mut all = base.to_vec();
        let wanted = tags.into_iter().filter(|(name, _)| self.settings.is_wanted(name));
        all.extend(wanted.map(|(name, value)| KeyValue::new(format!("{TAG}{name}"), Value::str(value))));
        let missing = missing.map(|tag| format!("the instance's tag `{tag}`, which it has not got yet"));
        findings.publish(Attributes::new(all), missing.as_deref());
        Ok(missing.is_none())
    }

    /// From the instance's metadata, which needs no permission; what is missed there, from the EC2 API.
    async fn tags(
        &mut self,
        session: &Session<'_>,
        identity: &Identity,
        clock: &Clock,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let mut tags = BTreeMap::new();
        if self.settings.tags_from_imds != Some(false) {
            match session.tags().await? {
                Some(found) => tags.extend(found),
                None if self.settings.tags_from_imds == Some(true) => {
                    let words = "the instance does not show its tags in its metadata: set InstanceMetadataTags=enabled";
                    return Err(Failure::new(UNAVAILABLE, words));
                }
                None => {}
            }
            let has_all = self.settings.required_tags.iter().all(|tag| tags.contains_key(tag));
            if self.settings.tags_from_imds == Some(true) || (has_all && !tags.is_empty()) {
                return Ok(tags);
            }
        }
        if !std::mem::replace(&mut self.has_called, true) {
            clock.sleep(jittered(SPREAD).mul_f64(fastrand::f64())).await;
        }
        let settings = AwsSettings { region: Some(identity.region.clone()), ..AwsSettings::default() };
        let aws = weir_aws::load(&settings, clock).await;
        let aws = aws.map_err(|error| Failure::new(UNAVAILABLE, error.to_string()))?;
        tags.extend(ec2::tags(&aws, clock, &identity.instance_id, self.timeout).await?);
        Ok(tags)
    }
}

/// What an identity document tells.
pub(crate) fn add_identity(found: &mut Found<'_>, identity: &Identity) {
    found.add("cloud.account.id", Some(&identity.account_id));
    found.add("cloud.region", Some(&identity.region));
    found.add("cloud.availability_zone", Some(&identity.availability_zone));
    found.add("host.id", Some(&identity.instance_id));
    found.add("host.image.id", Some(&identity.image_id));
    found.add("host.type", Some(&identity.instance_type));
}

#[async_trait]
impl Detector for Ec2 {
    async fn run(mut self: Box<Self>, mut findings: Findings) {
        let imds = match Imds::new(&|name| (self.environment)(name), self.timeout) {
            Ok(imds) => imds,
            Err(failure) => return findings.give_up(failure.reason, &failure.words),
        };
        let mut attempts = Attempts::default();
        loop {
            match self.attempt(&imds, &mut findings).await {
                Ok(true) if self.every.is_zero() => return,
                Ok(true) => findings.clock().sleep(self.every).await,
                Ok(false) => attempts.wait_for_more(findings.clock()).await,
                Err(failure) => {
                    findings.fail(failure.reason, &failure.words);
                    attempts.wait_after_failure(findings.clock()).await;
                }
            }
        }
    }
}
