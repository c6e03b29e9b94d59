//! What the sending side says in the log: once a cause, or once a minute.

use std::{collections::BTreeSet, time::Duration};

use parking_lot::Mutex;
use weir_core::{Context, Quiet, Reason};

use super::request::Flush;

/// Causes of refusals that are remembered as said; beyond that all are called one.
const MAX_CAUSES: usize = 64;

/// One quiet for each kind of trouble.
#[derive(Debug)]
pub(super) struct Say {
    context: Context,
    retrying: Quiet,
    throttled: Quiet,
    lost: Quiet,
    /// The service's words, without their numbers.
    refused: Mutex<BTreeSet<String>>,
}

impl Say {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            context: context.clone(),
            retrying: Quiet::default(),
            throttled: Quiet::default(),
            lost: Quiet::default(),
            refused: Mutex::default(),
        }
    }

    pub(super) fn retrying(&self, words: &str, wait: Duration) {
        if let Some(suppressed) = self.retrying.speak(self.context.clock.now()) {
            tracing::warn!(component = %self.context.id, ?wait, suppressed, "CloudWatch did not take a request, trying again: {words}");
        }
    }

    pub(super) fn throttled(&self, words: &str, requests_per_second: f64) {
        if let Some(suppressed) = self.throttled.speak(self.context.clock.now()) {
            tracing::warn!(component = %self.context.id, requests_per_second, suppressed, "CloudWatch throttles, sending more slowly: {words}");
        }
    }

    pub(super) fn lost(&self, points: u64, reason: Reason, words: &str) {
        if let Some(suppressed) = self.lost.speak(self.context.clock.now()) {
            tracing::error!(component = %self.context.id, points, %reason, suppressed, "lost: {words}");
        }
    }

    /// A datum that is given up: said once a cause.
    pub(super) fn refused(&self, words: &str, datum: &str) {
        let cause: String =
            words.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).take(300).collect();
        let mut said = self.refused.lock();
        let is_new = said.len() < MAX_CAUSES && said.insert(cause);
        drop(said);
        if is_new {
            tracing::error!(
                component = %self.context.id, datum,
                "CloudWatch refuses this datum; others that are refused like it are counted, and kept in /status: {words}",
            );
        }
    }

    /// Not allowed: everything that a person needs who can change that.
    pub(super) fn denied(&self, flush: &Flush, words: &str, access_key_id: Option<String>, by_policy: bool) {
        let (component, namespace, region) = (&self.context.id, &flush.namespace, &flush.region);
        if by_policy {
            let principal = principal(words).map(str::to_owned).or(access_key_id).unwrap_or_default();
            tracing::error!(
                %component, principal, action = "cloudwatch:PutMetricData", %namespace, %region, policy = policy(namespace),
                "not allowed; data is held and tried again every minute: {words}",
            );
        } else {
            let access_key_id = access_key_id.unwrap_or_default();
            tracing::error!(
                %component, access_key_id, %namespace, %region,
                "CloudWatch does not take requests from here; data is held and tried again every minute: {words}",
            );
        }
    }

    pub(super) fn allowed(&self, flush: &Flush) {
        let (component, namespace, region) = (&self.context.id, &flush.namespace, &flush.region);
        tracing::info!(%component, %namespace, %region, "CloudWatch takes requests again; what was held is sent");
    }
}

/// Who is not allowed, as the service says: `User: arn:… is not authorized to perform: …`.
fn principal(words: &str) -> Option<&str> {
    words.split_once("User: ")?.1.split_whitespace().next().filter(|arn| arn.starts_with("arn:"))
}

/// The policy to add.
fn policy(namespace: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"cloudwatch:PutMetricData","Resource":"*","Condition":{{"StringEquals":{{"cloudwatch:namespace":{namespace:?}}}}}}}]}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_principal_is_taken_from_the_services_words() {
        let words = "403 AccessDenied: User: arn:aws:sts::123456789012:assumed-role/app/i-1 is not authorized to perform: \
                     cloudwatch:PutMetricData because no identity-based policy allows the cloudwatch:PutMetricData action";
        assert_eq!(principal(words), Some("arn:aws:sts::123456789012:assumed-role/app/i-1"));
        assert_eq!(principal("403 AccessDenied: "), None);
        assert_eq!(principal("User: "), None);
    }

    #[test]
    fn the_policy_is_json_whatever_the_namespace() {
        let policy: serde_json::Value = serde_json::from_str(&policy(r#"a"b\c"#)).unwrap();
        assert_eq!(policy["Statement"][0]["Condition"]["StringEquals"]["cloudwatch:namespace"], r#"a"b\c"#);
        assert_eq!(policy["Statement"][0]["Action"], "cloudwatch:PutMetricData");
    }
}
