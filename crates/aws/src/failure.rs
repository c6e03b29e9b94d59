//! Why metadata was not to be had: a word to count by, and words for a person.

use weir_core::Reason;

/// Nothing answers there at all.
pub const UNREACHABLE: Reason = Reason("unreachable");
/// Connected, and no answer came to the request for a token: the answer's hop limit ends before this container.
pub const HOP_LIMIT: Reason = Reason("hop_limit");
/// No answer in time.
pub const TIMEOUT: Reason = Reason("timeout");
/// It answered that this is not allowed.
pub const DENIED: Reason = Reason("denied");
/// It answered with an error of its own, or that there is no such thing.
pub const UNAVAILABLE: Reason = Reason("unavailable");
/// Its answer is not in the form that it must have.
pub const MALFORMED: Reason = Reason("malformed");
/// It is switched off by the environment.
pub const SWITCHED_OFF: Reason = Reason("switched_off");

/// Why an attempt found nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct Failure {
    /// The word to count by.
    pub reason: Reason,
    /// Words for a person, and what to do where that is known.
    pub words: String,
}

impl Failure {
    /// A failure for `reason`.
    pub fn new(reason: Reason, words: impl Into<String>) -> Self {
        Self { reason, words: words.into() }
    }
}
