//! Diagnostics as text, in the look of rustc.

use std::borrow::Cow;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, normalize_untrusted_str};

use crate::{Diagnostic, Diagnostics, Severity, SourceId, SourceMap, Span};

impl Diagnostics {
    /// Every finding with its file, line, column and source line; `color` adds terminal colours. Ends with a newline
    /// unless there is nothing to say.
    pub fn render(&self, sources: &SourceMap, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let mut out = String::new();
        for (index, diagnostic) in self.iter().enumerate() {
            if index > 0 {
                out.push('\n');
            }
            out.push_str(&renderer.render(&[report(diagnostic, sources, self.hidden())]));
            out.push('\n');
        }
        out
    }
}

fn report<'a>(diagnostic: &'a Diagnostic, sources: &'a SourceMap, hidden: &[Span]) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(diagnostic.message.as_str()));
    for source in sources_of(diagnostic) {
        let of_source = |span: &Span| span.source == source;
        let mut snippet =
            Snippet::source(masked(sources.text(source), source, hidden)).path(sources.name(source));
        if let Some(span) = diagnostic.span.filter(of_source) {
            let label = (!diagnostic.label.is_empty()).then_some(diagnostic.label.as_str());
            let range = clamped(span, sources.text(source));
            snippet = snippet.annotation(AnnotationKind::Primary.span(range).label(label));
        }
        for (span, label) in diagnostic.secondary.iter().filter(|(span, _)| of_source(span)) {
            let range = clamped(*span, sources.text(source));
            snippet = snippet.annotation(AnnotationKind::Context.span(range).label(label.as_str()));
        }
        group = group.element(snippet);
    }
    for note in &diagnostic.notes {
        let (level, text) = match note.split_once(": ") {
            Some(("help", text)) => (Level::HELP, text),
            Some(("note", text)) => (Level::NOTE, text),
            _ => (Level::NOTE, note.as_str()),
        };
        group = group.element(level.message(normalize_untrusted_str(text)));
    }
    group
}

/// The sources that the finding names, the one of its own span first.
fn sources_of(diagnostic: &Diagnostic) -> Vec<SourceId> {
    let mut ids = Vec::new();
    for span in diagnostic.span.iter().chain(diagnostic.secondary.iter().map(|(span, _)| span)) {
        if !ids.contains(&span.source) {
            ids.push(span.source);
        }
    }
    ids
}

/// The text of a source with a star for each byte that is hidden, so that every other place stays where it is.
fn masked<'a>(text: &'a str, source: SourceId, hidden: &[Span]) -> Cow<'a, str> {
    let mut masked = Cow::Borrowed(text);
    for span in hidden.iter().filter(|span| span.source == source) {
        let range = clamped(*span, text);
        let stars: String = text[range.clone()]
            .bytes()
            .map(|byte| if matches!(byte, b'\n' | b'\r') { char::from(byte) } else { '*' })
            .collect();
        masked.to_mut().replace_range(range, &stars);
    }
    masked
}

/// A range that the renderer can index with, whatever the caller made.
fn clamped(span: Span, text: &str) -> std::ops::Range<usize> {
    let start = text.floor_char_boundary(span.start as usize);
    let end = text.floor_char_boundary((span.end as usize).max(start));
    start..end.max(start)
}
