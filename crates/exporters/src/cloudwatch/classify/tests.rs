use super::*;

fn of(status: u16, code: Option<&str>, message: &str) -> Class {
    class(&Answer { status, code, ..Answer::default() }, message)
}

const RETRY: Class = Class::Retry { after: None };
const THROTTLED: Class = Class::Throttled { after: None };
const DENIED: Class = Class::Denied { by_policy: false };

#[test]
fn each_row_of_the_table_has_its_class() {
    let cases = [
        (400, Some("Throttling"), "Rate exceeded", THROTTLED),
        (400, Some("com.amazonaws.cloudwatch#ThrottlingException"), "", THROTTLED),
        (400, Some("RequestLimitExceeded"), "", THROTTLED),
        (400, Some("LimitExceeded"), "", THROTTLED),
        (500, Some("InternalServiceError"), "", RETRY),
        (502, None, "", RETRY),
        (503, None, "", RETRY),
        (503, Some("SomethingNew"), "", RETRY),
        (429, None, "", THROTTLED),
        (408, None, "", RETRY),
        (403, Some("ExpiredToken"), "", Class::Credentials),
        (403, Some("SignatureDoesNotMatch"), "", Class::Credentials),
        (403, Some("RequestTimeTooSkewed"), "", RETRY),
        (200, None, "", RETRY),
        (403, Some("AccessDenied"), "", Class::Denied { by_policy: true }),
        (403, Some("InvalidClientTokenId"), "", Class::Credentials),
        (400, Some("AccessDeniedException"), "", Class::Denied { by_policy: true }),
        (400, Some("UnrecognizedClientException"), "", Class::Credentials),
        (403, Some("MissingAuthenticationToken"), "", DENIED),
        (404, Some("UnknownOperationException"), "", DENIED),
        (413, None, "", Class::TooLarge),
        (413, Some("RequestEntityTooLarge"), "", Class::TooLarge),
        (400, Some("InvalidParameterValue"), "no metric may …", Class::Datums(vec![])),
        (400, Some("InvalidParameterValue"), "The value for parameter Namespace is invalid.", Class::Request),
        (400, Some("InvalidNamespace"), "Namespace must not begin with AWS/", Class::Request),
        (400, Some("SerializationException"), "", Class::Datums(vec![])),
        (400, Some("SomethingNew"), "MetricData.member.7 is odd", Class::Datums(vec![7])),
        (400, None, "", Class::Datums(vec![])),
    ];
    for (status, code, message, expected) in cases {
        assert_eq!(of(status, code, message), expected, "{status} {code:?} {message}");
    }
}

#[test]
fn datums_are_found_in_the_message() {
    let message = "The value NaN for parameter MetricData.member.12.Value is invalid.\n\
        The parameter MetricData.member.3.MetricName is required.\n\
        The value inf for parameter MetricData.member.12.Values.member.4 is invalid.";
    assert_eq!(of(400, Some("InvalidParameterValue"), message), Class::Datums(vec![3, 12]));
    assert_eq!(
        of(400, Some("MissingParameter"), "MetricData.member.x and MetricData.member."),
        Class::Datums(vec![])
    );
}

/// 2026-10-21 07:28:00 UTC.
const NOW: UnixNanos = UnixNanos(1_792_567_680_000_000_000);

#[test]
fn the_service_may_say_when_to_come_back() {
    let after = |millis, after| retry_after(millis, after, NOW);
    assert_eq!(after(Some("1500"), Some("9")), Some(Duration::from_millis(1500)));
    assert_eq!(after(None, Some("9")), Some(Duration::from_secs(9)));
    assert_eq!(after(None, Some("Wed, 21 Oct 2026 07:28:40 GMT")), Some(Duration::from_secs(40)));
    assert_eq!(after(None, Some("Wed, 21 Oct 2026 07:27:00 GMT")), Some(Duration::ZERO), "it is over");
    let (longest, most) = (Some(LONGEST_RETRY_AFTER), u64::MAX.to_string());
    assert_eq!(after(None, Some(&most)), longest, "no wait for ever, and no overflow");
    assert_eq!(after(Some(&most), None), longest);
    assert_eq!(after(None, Some("Fri, 31 Dec 9999 23:59:59 GMT")), longest);
    assert_eq!(after(Some("soon"), Some("later")), None);
}

#[test]
fn a_signature_is_not_the_keys_fault_where_the_clocks_are_apart() {
    let of = |date| Some(skew(http_date(date)?, NOW)).filter(|skew| skew.by >= SKEWED);
    assert_eq!(of("Wed, 21 Oct 2026 07:31:59 GMT"), None);
    assert_eq!(of("yesterday"), None);
    let behind = of("Wed, 21 Oct 2026 08:40:00 GMT");
    assert_eq!(behind.as_ref().map(ToString::to_string).as_deref(), Some("72 minutes behind"));
    let ahead = of("Wed, 21 Oct 2026 07:00:00 GMT");
    assert_eq!(ahead.as_ref().map(ToString::to_string).as_deref(), Some("28 minutes ahead of"));
    let class_with = |skew| {
        let code = Some("SignatureDoesNotMatch");
        class(&Answer { status: 403, code, skew, ..Answer::default() }, "")
    };
    assert_eq!(class_with(behind), RETRY);
    assert_eq!(class_with(None), Class::Credentials);
}
