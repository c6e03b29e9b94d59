//! CloudWatch's refusals.

use std::{borrow::Cow, time::Duration};

/// A refusal, in CloudWatch's codes and words.
///
/// Texts that were seen from the live service (in public bug reports, or in other people's recorded tests) are kept
/// to the letter, capitals and full stop included, because clients read them; the others follow their style.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// A value breaks a limit. 400.
    #[error("{0}")]
    InvalidParameterValue(String),
    /// Values that are fine one by one do not go together. 400.
    #[error("{0}")]
    InvalidParameterCombination(String),
    /// A required value is absent. 400.
    #[error("{0}")]
    MissingParameter(String),
    /// GetMetricData's code for all of the above. 400.
    #[error("{0}")]
    Validation(String),
    /// A paging token that this server never gave. 400.
    #[error("The value for parameter NextToken is invalid.")]
    InvalidNextToken,
    /// The body cannot be decoded, or has a value of the wrong type. 400.
    #[error("{0}")]
    Serialization(String),
    /// No such operation here. 404.
    #[error(
        "Unknown operation {0}: this local CloudWatch has PutMetricData, GetMetricStatistics, GetMetricData and ListMetrics"
    )]
    UnknownOperation(String),
    /// A content type that does not belong to the protocol. 415.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// The body is too large. 413.
    #[error("Request size {actual} exceeded {allowed} bytes")]
    RequestEntityTooLarge {
        /// The size found, in bytes after decompression.
        actual: usize,
        /// The size allowed, in bytes.
        allowed: usize,
    },
    /// The request carries no signature. 403.
    #[error("Request is missing Authentication Token")]
    MissingAuthenticationToken,
    /// The signature's header is not as SigV4 wants it. 403.
    #[error("{0}")]
    IncompleteSignature(String),
    /// The signature is for another service. 403.
    #[error("{0}")]
    SignatureDoesNotMatch(String),
    /// A scripted fault.
    #[error("{message}")]
    Scripted {
        /// The HTTP status.
        status: u16,
        /// The code; without one the body is empty, as from a load balancer.
        code: Option<Cow<'static, str>>,
        /// The message.
        message: Cow<'static, str>,
        /// Sent as `x-amz-retry-after`, in milliseconds.
        retry_after: Option<Duration>,
    },
}

impl ApiError {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::InvalidParameterValue(_)
            | Self::InvalidParameterCombination(_)
            | Self::MissingParameter(_)
            | Self::Validation(_)
            | Self::InvalidNextToken
            | Self::Serialization(_) => 400,
            Self::MissingAuthenticationToken
            | Self::IncompleteSignature(_)
            | Self::SignatureDoesNotMatch(_) => 403,
            Self::UnknownOperation(_) => 404,
            Self::RequestEntityTooLarge { .. } => 413,
            Self::UnsupportedMediaType(_) => 415,
            Self::Scripted { status, .. } => *status,
        }
    }

    /// The code of the query protocol, which is what SDKs report: it travels in `x-amzn-query-error`.
    pub fn code(&self) -> Option<&str> {
        Some(match self {
            Self::InvalidParameterValue(_) => "InvalidParameterValue",
            Self::InvalidParameterCombination(_) => "InvalidParameterCombination",
            Self::MissingParameter(_) => "MissingParameter",
            Self::Validation(_) => "ValidationError",
            Self::InvalidNextToken => "InvalidNextToken",
            Self::Serialization(_) => "SerializationException",
            Self::UnknownOperation(_) => "UnknownOperationException",
            Self::UnsupportedMediaType(_) => "UnsupportedMediaTypeException",
            Self::RequestEntityTooLarge { .. } => "RequestEntityTooLarge",
            Self::MissingAuthenticationToken => "MissingAuthenticationToken",
            Self::IncompleteSignature(_) => "IncompleteSignature",
            Self::SignatureDoesNotMatch(_) => "SignatureDoesNotMatch",
            Self::Scripted { code, .. } => return code.as_deref(),
        })
    }

    /// The name of the error's shape in the service model, for `__type`: it differs from the code where the model
    /// gives the shape a code for the query protocol.
    pub fn shape(&self) -> Option<&str> {
        self.code().map(|code| match code {
            "InvalidParameterValue" => "InvalidParameterValueException",
            "InvalidParameterCombination" => "InvalidParameterCombinationException",
            "MissingParameter" => "MissingRequiredParameterException",
            "InternalServiceError" => "InternalServiceFault",
            other => other,
        })
    }

    /// Whether the fault is the service's and not the sender's.
    pub fn is_of_the_service(&self) -> bool {
        self.status() >= 500
    }
}

/// Collects everything that is wrong with a request, so that one answer names all of it.
///
/// CloudWatch does so: one line a culprit, all under one code.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<ApiError>);

impl Findings {
    pub(crate) fn invalid(&mut self, message: String) {
        self.0.push(ApiError::InvalidParameterValue(message));
    }

    pub(crate) fn combination(&mut self, message: String) {
        self.0.push(ApiError::InvalidParameterCombination(message));
    }

    pub(crate) fn missing(&mut self, parameter: impl std::fmt::Display) {
        self.0.push(ApiError::MissingParameter(format!("The parameter {parameter} is required.")));
    }

    /// Nothing found, or the code of the first finding with the messages of all findings of that code.
    pub(crate) fn into_result(self) -> Result<(), ApiError> {
        let Some(first) = self.0.first() else { return Ok(()) };
        let code = std::mem::discriminant(first);
        let same_code = self.0.iter().filter(|finding| std::mem::discriminant(*finding) == code);
        let message = same_code.map(ToString::to_string).collect::<Vec<_>>().join("\n");
        Err(match first {
            ApiError::InvalidParameterCombination(_) => ApiError::InvalidParameterCombination(message),
            ApiError::MissingParameter(_) => ApiError::MissingParameter(message),
            _ => ApiError::InvalidParameterValue(message),
        })
    }

    /// As [`into_result`](Self::into_result), under GetMetricData's one code.
    pub(crate) fn into_validation_result(self) -> Result<(), ApiError> {
        self.into_result().map_err(|error| ApiError::Validation(error.to_string()))
    }
}
