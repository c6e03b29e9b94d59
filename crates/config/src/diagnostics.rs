//! Errors and warnings with their place, collected so that one run reports all of them.

use std::collections::HashSet;

use crate::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// The configuration can be used, but hardly means what was written.
    Warning,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one line: lowercase, no full stop.
    pub message: String,
    /// Where; `None` when no source holds it (a file that cannot be read).
    pub span: Option<Span>,
    /// A few words beside the underlined span; may be empty.
    pub label: String,
    /// Lines below the snippet, each `help: …` or `note: …`.
    pub notes: Vec<String>,
    /// Other places that explain the finding, each with its label.
    pub secondary: Vec<(Span, String)>,
}

impl Diagnostic {
    /// Puts a few words beside the underlined span.
    pub fn label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = label.into();
        self
    }

    /// Adds a line that shows the way out.
    pub fn help(&mut self, help: impl AsRef<str>) -> &mut Self {
        self.notes.push(format!("help: {}", help.as_ref()));
        self
    }

    /// Adds a line that explains.
    pub fn note(&mut self, note: impl AsRef<str>) -> &mut Self {
        self.notes.push(format!("note: {}", note.as_ref()));
        self
    }

    /// Underlines another place that explains the finding.
    pub fn also(&mut self, span: Span, label: impl Into<String>) -> &mut Self {
        self.secondary.push((span, label.into()));
        self
    }
}

/// The findings of a load and of every check after it.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    hidden: Vec<Span>,
}

impl Diagnostics {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a finding that is complete.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Adds an error; what it returns takes a label, help and notes.
    pub fn error(&mut self, span: impl Into<Option<Span>>, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Severity::Error, span.into(), message.into())
    }

    /// Adds a warning; what it returns takes a label, help and notes.
    pub fn warning(&mut self, span: impl Into<Option<Span>>, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Severity::Warning, span.into(), message.into())
    }

    fn add(&mut self, severity: Severity, span: Option<Span>, message: String) -> &mut Diagnostic {
        let (label, notes, secondary) = <_>::default();
        self.list.push(Diagnostic { severity, message, span, label, notes, secondary });
        let last = self.list.len() - 1;
        &mut self.list[last]
    }

    /// Adds an error in place of the errors on exactly this span, of which more is known now.
    pub(crate) fn error_instead(&mut self, span: Span, message: String) -> &mut Diagnostic {
        self.list.retain(|found| found.severity != Severity::Error || found.span != Some(span));
        self.error(span, message)
    }

    /// Whether any finding is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Whether an error sits on exactly this span: a second one about the same token would only be its echo.
    pub fn has_error_at(&self, span: Span) -> bool {
        self.list.iter().any(|found| found.severity == Severity::Error && found.span == Some(span))
    }

    /// Whether there is no finding at all.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The findings in the order of the sources and of their text (those without a place first), each once: a list
    /// that is used twice through an alias has its mistakes once.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        let mut seen = HashSet::new();
        let mut sorted: Vec<_> = self
            .list
            .iter()
            .filter(|found| seen.insert((found.severity, found.span, found.message.as_str())))
            .collect();
        sorted.sort_by_key(|found| (found.span, found.severity));
        sorted.into_iter()
    }

    /// How many findings of this severity [`iter`](Self::iter) gives.
    pub fn count(&self, severity: Severity) -> usize {
        self.iter().filter(|found| found.severity == severity).count()
    }

    /// Takes over the findings of another run.
    pub fn extend(&mut self, other: Diagnostics) {
        self.list.extend(other.list);
        self.hidden.extend(other.hidden);
    }

    /// Never shows the text under this span: source lines are quoted in logs, and a secret may stand in one.
    pub fn hide(&mut self, span: Span) {
        self.hidden.push(span);
    }

    /// The spans whose text is not shown.
    pub(crate) fn hidden(&self) -> &[Span] {
        &self.hidden
    }
}

/// The known name that `word` most likely means: same letters in another case or with other separators, or at most
/// one edit for every three characters.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = folded(word);
    let allowed = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&word, &folded(name)), name))
        // Replacing every letter of a short name is no likeness.
        .filter(|&(edits, name)| edits <= allowed && edits < name.chars().count())
        .min_by_key(|&(edits, _)| edits)
        .map(|(_, name)| name)
}

fn folded(word: &str) -> String {
    word.chars()
        .filter(|character| !matches!(character, '_' | '-'))
        .take(MAX_COMPARED)
        .flat_map(char::to_lowercase)
        .collect()
}

/// How many characters are compared: the distance takes quadratic time, and no name is longer.
const MAX_COMPARED: usize = 64;
