//! What a failed request means, and what to do about it (the table in reference documentation of `PutMetricData` errors).
//!
//! The code is read from the header `x-amzn-query-error` first, then from the body's `__type`, and where there is neither,
//! as from a load balancer, the status decides.

use std::time::Duration;

use aws_sdk_cloudwatch::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    primitives::{DateTime, DateTimeFormat},
};
use weir_core::UnixNanos;

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// What to do.
    pub(super) class: Class,
    /// The service's words, or those of the connection.
    pub(super) words: String,
    /// The service may have stored it all the same: its answer was lost, or says nothing of that.
    pub(super) fate_unknown: bool,
}

/// What to do about a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Send it again, not before `after` where the service said so: 5xx, timeouts, connections, clock skew.
    Retry { after: Option<Duration> },
    /// Send it again, and all of them more slowly.
    Throttled { after: Option<Duration> },
    /// Send it again with fresh credentials: the service does not take those that it had.
    Credentials,
    /// Send it again, slowly, and say so loudly: not allowed, or not the service that was meant. A person must act.
    Denied { by_policy: bool },
    /// Send its halves.
    TooLarge,
    /// Datums are at fault: the numbers that the message names, from 1 on; none where it names none.
    Datums(Vec<usize>),
    /// The request as such is refused and always will be: its namespace is wrong.
    Request,
}

impl Class {
    /// The word for `weir_sending_requests` (`docs/telemetry.md`).
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            Self::Retry { .. } => "failed",
            Self::Throttled { .. } => "throttled",
            Self::Credentials => "credentials_refused",
            Self::Denied { .. } => "denied",
            Self::TooLarge => "too_large",
            Self::Datums(_) | Self::Request => "rejected",
        }
    }
}

/// Too many requests. The service answers `Throttling` by 400, so the code counts before the status.
const THROTTLES: &[&str] = &[
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "LimitExceeded",
    "LimitExceededException",
    "BandwidthLimitExceeded",
    "SlowDown",
    "PriorRequestNotComplete",
];

/// Codes of what passes by itself.
const PASSES: &[&str] = &[
    "RequestTimeout",
    "RequestTimeoutException",
    "InternalServiceError",
    "InternalServiceFault",
    "InternalFailure",
    "InternalError",
    "ServiceUnavailable",
    // The signature's time is wrong. The SDK signs the next request by the time of this answer.
    "RequestExpired",
    "RequestInTheFuture",
    "RequestTimeTooSkewed",
];

/// Codes of keys that the service does not take: fresh ones may do.
const CREDENTIALS: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
    "UnrecognizedClientException",
];

/// Codes of callers whom a policy would allow.
const POLICY: &[&str] = &["AccessDenied", "AccessDeniedException", "NotAuthorized"];

/// Codes of callers who are not known or not allowed; the list of common errors has some of them with 400.
const DENIED: &[&str] = &[
    "IncompleteSignature",
    "IncompleteSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "OptInRequired",
];

/// The longest wait that an answer may ask for: what lies between may be broken, and data is held meanwhile.
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(5);

/// From which skew on a signature's time may be what the service refuses it for; AWS allows five minutes.
const SKEWED: Duration = Duration::from_mins(4);

/// Says what to do about `error`; `now` is this machine's time.
pub(super) fn classify<E>(error: &SdkError<E, HttpResponse>, now: UnixNanos) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let Some(response) = error.raw_response() else {
        // No answer: timeouts, connections, credentials that could not be fetched.
        let fate_unknown =
            !matches!(error, SdkError::ConstructionFailure(_)) && !weir_aws::never_connected(error);
        let words = weir_aws::failure::in_words(error);
        return Failure { class: Class::Retry { after: None }, words, fate_unknown };
    };
    let header = |name| response.headers().get(name);
    let metadata = error.as_service_error().map(ProvideErrorMetadata::meta);
    let message = metadata.and_then(|meta| meta.message()).unwrap_or_default();
    let code = header("x-amzn-query-error").and_then(|value| value.split(';').next());
    let there = header("date").and_then(http_date);
    let answer = Answer {
        status: response.status().as_u16(),
        code: code.or_else(|| metadata.and_then(|meta| meta.code())),
        retry_after: retry_after(header("x-amz-retry-after"), header("retry-after"), there.unwrap_or(now)),
        skew: there.map(|there| skew(there, now)).filter(|skew| skew.by >= SKEWED),
    };
    let class = class(&answer, message);
    let mut words = match answer.code {
        Some(code) => format!("{} {code}: {message}", answer.status),
        None => format!("{} without a code", answer.status),
    };
    if let Some(skew) = &answer.skew {
        words.push_str(&format!(" (this machine's clock is {skew} CloudWatch's)"));
    }
    // An answer that cannot be read, a server that broke off in the middle, or a gateway that lost its answer.
    let fate_unknown = matches!(answer.status, 200..=299 | 500 | 502 | 504);
    Failure { class, words, fate_unknown }
}

/// What counts of an answer.
#[derive(Debug, Default)]
struct Answer<'a> {
    status: u16,
    code: Option<&'a str>,
    retry_after: Option<Duration>,
    /// Where the clocks are far apart.
    skew: Option<Skew>,
}

/// How far this machine's clock is from the service's.
#[derive(Debug, PartialEq, Eq)]
struct Skew {
    by: Duration,
    is_behind: bool,
}

impl std::fmt::Display for Skew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = if self.is_behind { "behind" } else { "ahead of" };
        write!(f, "{} minutes {place}", self.by.as_secs() / 60)
    }
}

/// `there` is the service's time, by the answer's `Date`.
fn skew(there: UnixNanos, now: UnixNanos) -> Skew {
    let (behind, ahead) = (there.since(now), now.since(there));
    Skew { by: behind.max(ahead), is_behind: !behind.is_zero() }
}

fn http_date(text: &str) -> Option<UnixNanos> {
    let seconds = DateTime::from_str(text.trim(), DateTimeFormat::HttpDate).ok()?.secs();
    Some(UnixNanos(0).plus(Duration::from_secs(seconds.try_into().ok()?)))
}

fn class(answer: &Answer<'_>, message: &str) -> Class {
    // The model's shape may stand behind its namespace: `com.amazonaws.cloudwatch#Throttling`.
    let code = answer.code.map(|code| code.rsplit('#').next().unwrap_or(code));
    let retry = Class::Retry { after: answer.retry_after };
    let throttled = Class::Throttled { after: answer.retry_after };
    match (answer.status, code) {
        (413, _) => Class::TooLarge,
        (_, Some(code)) if THROTTLES.contains(&code) => throttled,
        (_, Some(code)) if PASSES.contains(&code) => retry,
        // Not the keys are wrong but the time.
        (_, Some(code)) if CREDENTIALS.contains(&code) && answer.skew.is_some() => retry,
        (_, Some(code)) if CREDENTIALS.contains(&code) => Class::Credentials,
        (_, Some(code)) if POLICY.contains(&code) => Class::Denied { by_policy: true },
        (_, Some(code)) if DENIED.contains(&code) => Class::Denied { by_policy: false },
        (429, _) => throttled,
        // 2xx: an answer that could not be read. Whether it was stored is unknown, and at least once is the promise.
        (200..=299 | 408 | 500.., _) => retry,
        // Whatever its code, one that is not known too: halves find what is at fault, where all would be lost for one.
        (400, _) => {
            let members = members(message);
            let is_about_datums = !members.is_empty() || !message.contains("Namespace");
            if is_about_datums { Class::Datums(members) } else { Class::Request }
        }
        _ => Class::Denied { by_policy: false },
    }
}

/// The datums that a message names as `MetricData.member.N`, each once.
fn members(message: &str) -> Vec<usize> {
    let mut named: Vec<usize> = message
        .split("MetricData.member.")
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
        .collect();
    named.sort_unstable();
    named.dedup();
    named
}

/// `x-amz-retry-after` is in milliseconds, `retry-after` in seconds or the date until when (RFC 9110, section 10.2.3), by the clock
/// that says it is `there` now. At most [`LONGEST_RETRY_AFTER`].
fn retry_after(millis: Option<&str>, after: Option<&str>, there: UnixNanos) -> Option<Duration> {
    let millis = millis.and_then(|text| text.trim().parse().ok()).map(Duration::from_millis);
    let seconds = |text: &str| text.trim().parse().ok().map(Duration::from_secs);
    let until = |text: &str| http_date(text).map(|date| date.since(there));
    let wait = millis.or_else(|| after.and_then(|text| seconds(text).or_else(|| until(text))));
    wait.map(|wait| wait.min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests;
