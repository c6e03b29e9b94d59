//! What a failed request means, and what to do about it (the table in reference documentation of `PutMetricData` errors).
//!
//! The code is read from the header `x-amzn-query-error` first, then from the body's `__type`, and where there is neither,
//! as from a load balancer, the status decides.

use std::time::Duration;

use aws_sdk_cloudwatch::{
    config::http::HttpResponse,
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
};

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// What to do.
    pub(super) class: Class,
    /// The service's words, or those of the connection.
    pub(super) words: String,
}

/// What to do about a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Send it again, not before `after` where the service said so: throttling, 5xx, timeouts, connections,
    /// clock skew.
    Retry { after: Option<Duration> },
    /// Send it again with fresh credentials: those that it had have expired.
    Expired,
    /// Send it again, slowly, and say so loudly: not allowed, or not the service that was meant. A person must act.
    Denied,
    /// Send its halves.
    TooLarge,
    /// Datums are at fault: the numbers that the message names, from 1 on; none where it names none.
    Datums(Vec<usize>),
    /// The request as such is refused and always will be: such as its namespace.
    Request,
}

/// Answers `Throttling` and its kin by 400, so the code counts before the status.
const TRY_AGAIN: &[&str] = &[
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
    "RequestTimeout",
    "RequestTimeoutException",
    "InternalServiceError",
    "InternalServiceFault",
    "InternalFailure",
    "InternalError",
    "ServiceUnavailable",
    // Good once the clock is set right, or its skew is known.
    "RequestExpired",
    "RequestInTheFuture",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
];

/// Codes of sessions that are over.
const EXPIRED: &[&str] = &["ExpiredToken", "ExpiredTokenException"];

/// Codes of callers who are not known or not allowed; the list of common errors has some of them with 400.
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "OptInRequired",
    "UnrecognizedClientException",
];

/// The longest wait that an answer may ask for: what lies between may be broken, and data is held meanwhile.
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(5);

/// Codes that are about values in the request.
const VALUES: &[&str] = &[
    "InvalidParameterValue",
    "InvalidParameterValueException",
    "InvalidParameterCombination",
    "InvalidParameterCombinationException",
    "MissingParameter",
    "MissingRequiredParameterException",
    "InvalidFormat",
    "InvalidFormatFault",
    "ValidationError",
    "ValidationException",
];

/// Says what to do about `error`.
pub(super) fn classify<E>(error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let answer = error.raw_response().map(|response| {
        let header = |name| response.headers().get(name);
        Answer {
            status: response.status().as_u16(),
            code: header("x-amzn-query-error").and_then(|value| value.split(';').next()),
            retry_after: retry_after(header("x-amz-retry-after"), header("retry-after")),
        }
    });
    let metadata = error.as_service_error().map(ProvideErrorMetadata::meta);
    let message = metadata.and_then(|meta| meta.message()).unwrap_or_default();
    let Some(mut answer) = answer else {
        // No answer: timeouts, connections, credentials that could not be fetched.
        let words = DisplayErrorContext(error).to_string();
        return Failure { class: Class::Retry { after: None }, words };
    };
    answer.code = answer.code.or_else(|| metadata.and_then(|meta| meta.code()));
    let words = match answer.code {
        Some(code) => format!("{} {code}: {message}", answer.status),
        None => format!("{} without a code", answer.status),
    };
    Failure { class: class(&answer, message), words }
}

/// What counts of an answer.
#[derive(Debug)]
struct Answer<'a> {
    status: u16,
    code: Option<&'a str>,
    retry_after: Option<Duration>,
}

fn class(answer: &Answer<'_>, message: &str) -> Class {
    // The model's shape may stand behind its namespace: `com.amazonaws.cloudwatch#Throttling`.
    let code = answer.code.map(|code| code.rsplit('#').next().unwrap_or(code));
    let retry = Class::Retry { after: answer.retry_after };
    match (answer.status, code) {
        (413, _) => Class::TooLarge,
        (_, Some(code)) if TRY_AGAIN.contains(&code) => retry,
        (_, Some(code)) if EXPIRED.contains(&code) => Class::Expired,
        (_, Some(code)) if DENIED.contains(&code) => Class::Denied,
        // 2xx: an answer that could not be read. Whether it was stored is unknown, and at least once is the promise.
        (200..=299 | 408 | 429 | 500.., _) => retry,
        (400, Some(code)) if VALUES.contains(&code) => {
            let members = members(message);
            let is_about_datums = !members.is_empty() || !message.contains("Namespace");
            if is_about_datums { Class::Datums(members) } else { Class::Request }
        }
        (400, _) => Class::Request,
        _ => Class::Denied,
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

/// `x-amz-retry-after` is in milliseconds, `retry-after` in seconds (a date is not understood: then the back-off holds). At most
/// [`LONGEST_RETRY_AFTER`].
fn retry_after(millis: Option<&str>, seconds: Option<&str>) -> Option<Duration> {
    let millis = millis.and_then(|text| text.trim().parse().ok()).map(Duration::from_millis);
    let wait = millis.or_else(|| seconds.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs));
    wait.map(|wait| wait.min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests;
