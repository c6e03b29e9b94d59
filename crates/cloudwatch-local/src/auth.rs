//! Refuses what is not signed, or is signed for another service.
//!
//! The signature itself is not verified: this server knows no secret, and any credentials will do.

use hyper::HeaderMap;

use crate::error::ApiError;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "monitoring";

/// Checks that the request carries a complete SigV4 `Authorization` header whose credential scope names CloudWatch. Answers
/// the id of the key.
pub(crate) fn check(headers: &HeaderMap) -> Result<String, ApiError> {
    let Some(header) = headers.get("authorization") else {
        return Err(ApiError::MissingAuthenticationToken);
    };
    let header = header.to_str().map_err(|_| incomplete("Authorization header is not ASCII."))?;
    let parameters = header.trim().strip_prefix(ALGORITHM).filter(|rest| rest.starts_with([' ', '\t']));
    let Some(parameters) = parameters else {
        return Err(incomplete("Authorization header requires the algorithm 'AWS4-HMAC-SHA256'."));
    };

    let parameter = |name: &str| {
        let of_name = |part: &str| part.trim().strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
        parameters
            .split(',')
            .find_map(of_name)
            .ok_or_else(|| incomplete(&format!("Authorization header requires '{name}' parameter.")))
    };
    let key = check_credential(&parameter("Credential")?)?;
    let signed_headers = parameter("SignedHeaders")?;
    if !signed_headers.split(';').any(|name| name == "host") {
        return Err(incomplete("'Host' must be a 'SignedHeader' in the Authorization header."));
    }
    let signature = parameter("Signature")?;
    if signature.len() != 64 || !signature.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(incomplete("Authorization header requires a 'Signature' of 64 hexadecimal digits."));
    }
    if !headers.contains_key("x-amz-date") && !headers.contains_key("date") {
        return Err(incomplete(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        ));
    }
    Ok(key)
}

/// `key/date/region/service/aws4_request`; the key may hold slashes, so the scope is read from its end.
fn check_credential(credential: &str) -> Result<String, ApiError> {
    let mut parts = credential.rsplitn(5, '/');
    let mut next = || parts.next().filter(|part| !part.is_empty());
    let (Some(terminator), Some(service), Some(_region), Some(date), Some(key)) =
        (next(), next(), next(), next(), next())
    else {
        return Err(incomplete(
            "Credential must have five parts: key, date, region, service, and 'aws4_request'.",
        ));
    };
    if terminator != "aws4_request" {
        return Err(mismatch("Credential should be scoped with a valid terminator: 'aws4_request'."));
    }
    if date.len() != 8 || !date.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(incomplete("Date in Credential scope must be in the form YYYYMMDD."));
    }
    if service != SERVICE {
        return Err(mismatch("Credential should be scoped to correct service: 'monitoring'."));
    }
    Ok(key.to_owned())
}

fn incomplete(message: &str) -> ApiError {
    ApiError::IncompleteSignature(message.to_owned())
}

fn mismatch(message: &str) -> ApiError {
    ApiError::SignatureDoesNotMatch(message.to_owned())
}
