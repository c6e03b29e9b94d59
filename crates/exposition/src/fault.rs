//! What can be wrong with an exposition.

/// Something that a format does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A line longer than the bound.
    #[error("a line of more than {0} bytes")]
    LineTooLong(usize),
    /// A message longer than the bound.
    #[error("a message of more than {0} bytes")]
    MessageTooLong(usize),
    /// Bytes that are not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// A metric or label name was expected.
    #[error("expected a name at byte {0}")]
    NoName(usize),
    /// A metric name in quotes, where there is one already.
    #[error("a second metric name at byte {0}")]
    SecondName(usize),
    /// Something else than what the format has here.
    #[error("expected {expected} at byte {at}")]
    Expected {
        /// What was expected.
        expected: &'static str,
        /// Where, in bytes from the start of the line.
        at: usize,
    },
    /// More labels than the bound.
    #[error("more than {0} labels")]
    TooManyLabels(usize),
    /// A label twice.
    #[error("label `{0}` twice")]
    LabelTwice(String),
    /// Not a number.
    #[error("`{0}` is no value")]
    BadValue(String),
    /// Not a timestamp.
    #[error("`{0}` is no timestamp")]
    BadTimestamp(String),
    /// Something after the end of a sample.
    #[error("unexpected text after the sample: `{0}`")]
    Trailing(String),
    /// An unknown type.
    #[error("unknown type `{0}`")]
    BadType(String),
    /// A line that only `# HELP`, `# TYPE`, `# UNIT` and `# EOF` may begin like.
    #[error("a comment, or unknown metadata")]
    BadMetadata,
    /// Protobuf that is none.
    #[error("not a message: {0}")]
    BadMessage(String),
    /// A rule of OpenMetrics that reaches over more than one line.
    #[error("{0}")]
    Rule(String),
    /// The end is missing.
    #[error("the body ends before its end")]
    NoEnd,
    /// There is more after the end.
    #[error("text after `# EOF`")]
    AfterEnd,
}

impl Fault {
    pub(crate) fn expected(expected: &'static str, at: usize) -> Self {
        Self::Expected { expected, at }
    }

    pub(crate) fn rule(rule: impl Into<String>) -> Self {
        Self::Rule(rule.into())
    }
}

/// What is quoted of a line in a fault, in bytes.
const QUOTED: usize = 64;

/// The start of some bytes, as text.
pub(crate) fn quote(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(QUOTED)]).into_owned()
}
