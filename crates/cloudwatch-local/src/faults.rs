//! Scripted faults.
//!
//! A script is a list of rules, read from its beginning for every request that they concern; the first rule that
//! fires decides. A rule that has fired as often as it should is gone, so rules pushed one after the other play one
//! after the other:
//!
//! ```
//! # use weir_cloudwatch_local::{Fault, Faults};
//! # fn script(faults: &Faults) {
//! faults.push(Fault::throttling().times(2));
//! faults.push(Fault::StoreThenDrop); // the third request is stored, its answer lost
//! let outage = faults.push(Fault::unavailable().always()); // and then nothing works …
//! faults.remove(outage); // … until this
//! # }
//! ```

use std::{borrow::Cow, time::Duration};

use parking_lot::Mutex;

use crate::{error::ApiError, operations::PUT_METRIC_DATA};

#[cfg(test)]
mod tests;

/// What goes wrong. By itself it goes wrong once, for the next PutMetricData; see [`FaultRule`] for more.
///
/// Delays and hangs are in real time, whatever clock the server is given: they stand for a network, which no clock
/// compresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An error answer; nothing is stored. The constructors name the usual ones.
    Error(ApiError),
    /// The request is handled as usual and at once, and its answer comes late. A client that gives up waiting leaves
    /// its data stored, as it would with CloudWatch.
    Delay(Duration),
    /// No answer, on a connection that stays open until the client leaves or the server shuts down. Nothing is
    /// stored.
    Hang,
    /// The connection closes without an answer. Nothing is stored.
    DropConnection,
    /// The request is handled as usual, and then the connection closes without an answer.
    StoreThenDrop,
}

impl Fault {
    /// An error with a code.
    pub fn error(
        status: u16,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Error(ApiError::Scripted {
            status,
            code: Some(code.into()),
            message: message.into(),
            retry_after: None,
        })
    }

    /// A status with an empty body and no code, as a load balancer would answer.
    pub fn status(status: u16) -> Self {
        Self::Error(ApiError::Scripted { status, code: None, message: Cow::Borrowed(""), retry_after: None })
    }

    /// CloudWatch's own throttle: 400 `Throttling`.
    pub fn throttling() -> Self {
        Self::error(400, "Throttling", "Rate exceeded")
    }

    /// 500 `InternalServiceError`.
    pub fn internal_error() -> Self {
        Self::error(500, "InternalServiceError", "The request processing has failed.")
    }

    /// 503 without a code.
    pub fn unavailable() -> Self {
        Self::status(503)
    }

    /// 413 `RequestEntityTooLarge`, for a request of any size.
    pub fn too_large() -> Self {
        Self::error(413, "RequestEntityTooLarge", "Request size 1000001 exceeded 1000000 bytes")
    }

    /// 403 `ExpiredToken`.
    pub fn expired_token() -> Self {
        Self::error(403, "ExpiredToken", "The security token included in the request is expired")
    }

    /// 403 `AccessDenied`.
    pub fn access_denied() -> Self {
        Self::error(
            403,
            "AccessDenied",
            "User: arn:aws:sts::123456789012:assumed-role/app/i-0 is not authorized to perform: cloudwatch:PutMetricData \
             because no identity-based policy allows the cloudwatch:PutMetricData action",
        )
    }

    /// Adds `x-amz-retry-after` to an error; changes no other fault.
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        if let Self::Error(ApiError::Scripted { retry_after, .. }) = &mut self {
            *retry_after = Some(after);
        }
        self
    }

    /// For the next `times` requests.
    pub fn times(self, times: u64) -> FaultRule {
        FaultRule { when: When::Next(times), ..self.into() }
    }

    /// For every request, until the rule is removed.
    pub fn always(self) -> FaultRule {
        self.every_nth(1)
    }

    /// For each `n`-th of the requests that reach this rule (with 3: the third, the sixth, …), until it is removed.
    /// 0 is taken as 1.
    pub fn every_nth(self, n: u64) -> FaultRule {
        FaultRule { when: When::EveryNth { n: n.max(1), seen: 0 }, ..self.into() }
    }
}

/// A fault, when it fires, and for which operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    fault: Fault,
    when: When,
    all_operations: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum When {
    Next(u64),
    EveryNth { n: u64, seen: u64 },
}

impl FaultRule {
    /// Lets the rule concern reads too, and not PutMetricData alone.
    pub fn on_all_operations(mut self) -> Self {
        self.all_operations = true;
        self
    }

    fn concerns(&self, operation: &str) -> bool {
        self.all_operations || operation == PUT_METRIC_DATA
    }

    fn fires(&mut self) -> bool {
        match &mut self.when {
            When::Next(0) => false,
            When::Next(left) => {
                *left -= 1;
                true
            }
            When::EveryNth { n, seen } => {
                *seen += 1;
                *seen % *n == 0
            }
        }
    }
}

impl From<Fault> for FaultRule {
    fn from(fault: Fault) -> Self {
        Self { fault, when: When::Next(1), all_operations: false }
    }
}

/// Names a pushed rule, for its removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultId(u64);

/// The script of a server.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Script>);

#[derive(Debug, Default)]
struct Script {
    rules: Vec<(FaultId, FaultRule)>,
    pushed: u64,
    fired: u64,
}

impl Faults {
    /// Appends a rule.
    pub fn push(&self, rule: impl Into<FaultRule>) -> FaultId {
        let mut script = self.0.lock();
        let id = FaultId(script.pushed);
        script.pushed += 1;
        script.rules.push((id, rule.into()));
        id
    }

    /// Removes a rule; does nothing if it has already played out.
    pub fn remove(&self, id: FaultId) {
        self.0.lock().rules.retain(|(other, _)| *other != id);
    }

    /// Removes every rule.
    pub fn clear(&self) {
        self.0.lock().rules.clear();
    }

    /// How many faults have fired so far.
    pub fn fired(&self) -> u64 {
        self.0.lock().fired
    }

    /// Whether rules are left that could still fire.
    pub fn is_empty(&self) -> bool {
        self.0.lock().rules.is_empty()
    }

    /// What the script has for a request of this operation.
    pub(crate) fn next(&self, operation: &str) -> Option<Fault> {
        let mut script = self.0.lock();
        let fault = script
            .rules
            .iter_mut()
            .find_map(|(_, rule)| (rule.concerns(operation) && rule.fires()).then(|| rule.fault.clone()));
        script.rules.retain(|(_, rule)| rule.when != When::Next(0));
        script.fired += u64::from(fault.is_some());
        fault
    }
}
