//! Why metadata was not to be had: a word to count by, and words for a person.

use std::error::Error;

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

/// What an error and its causes say, in one line. The SDK's own way adds all that they are made of, which is thousands of characters.
pub fn in_words(error: &(dyn Error + 'static)) -> String {
    let mut words = String::new();
    for cause in std::iter::successors(Some(error), |error| (*error).source()) {
        let lines = cause.to_string();
        let said = lines.lines().map(str::trim).collect::<Vec<_>>().join("; ").replace(":; ", ": ");
        if !words.contains(&said) {
            if !words.is_empty() {
                words.push_str(": ");
            }
            words.push_str(&said);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{says}")]
    struct Layer {
        says: &'static str,
        #[source]
        cause: Option<Box<Layer>>,
    }

    #[test]
    fn causes_follow_one_another_in_a_line_and_none_is_said_twice() {
        let layer = |says, cause: Option<Layer>| Layer { says, cause: cause.map(Box::new) };
        let tried = layer("tried:\n  A: not set\n  B: refused", Some(layer("refused", None)));
        let words = in_words(&layer("no keys", Some(layer("no keys", Some(tried)))));
        assert_eq!(words, "no keys: tried: A: not set; B: refused");
    }
}
