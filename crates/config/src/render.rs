//! Diagnostics as text, in the look of rustc.

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, normalize_untrusted_str};

use crate::{Diagnostic, Diagnostics, Severity, SourceId, SourceMap, Span};

/// How many findings are shown: whoever has more has one mistake many times.
const MAX_SHOWN: usize = 200;

impl Diagnostics {
    /// Every finding (of thousands the first 200) with its file, line, column and source line; `color` adds terminal
    /// colours. Ends with a newline unless there is nothing to say.
    pub fn render(&self, sources: &SourceMap, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let mut out = String::new();
        let mut findings = self.iter();
        for (index, diagnostic) in findings.by_ref().take(MAX_SHOWN).enumerate() {
            if index > 0 {
                out.push('\n');
            }
            out.push_str(&renderer.render(&[report(diagnostic, sources, self.hidden())]));
            out.push('\n');
        }
        let more = findings.count();
        if more > 0 {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "\nand {more} more, not shown");
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
        group = group.element(snippet(diagnostic, source, sources, hidden));
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

/// The lines of one source that the finding names.
fn snippet<'a>(
    diagnostic: &'a Diagnostic,
    source: SourceId,
    sources: &'a SourceMap,
    hidden: &[Span],
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let text = sources.text(source);
    let primary =
        diagnostic.span.iter().map(|&span| (AnnotationKind::Primary, span, diagnostic.label.as_str()));
    let secondary =
        diagnostic.secondary.iter().map(|(span, label)| (AnnotationKind::Context, *span, label.as_str()));
    let marks: Vec<_> = primary
        .chain(secondary)
        .filter(|(_, span, _)| span.source == source)
        .map(|(kind, span, label)| (kind, clamped(span, text), label))
        .collect();

    let first = marks.iter().map(|(_, range, _)| range.start).min().unwrap_or(0);
    let last = marks.iter().map(|(_, range, _)| range.end).max().unwrap_or(0);
    // The renderer reads all that it is given, for each finding anew.
    let start = text[..first].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[last..].find('\n').map_or(text.len(), |newline| last + newline);
    let line = text[..start].matches('\n').count() + 1;

    let mut snippet = Snippet::source(masked(text, start..end, source, hidden))
        .path(normalize_untrusted_str(sources.name(source)))
        .line_start(line);
    for (kind, range, label) in marks {
        let label = (!label.is_empty()).then_some(label);
        snippet = snippet.annotation(kind.span(range.start - start..range.end - start).label(label));
    }
    snippet
}

/// A window of a source with a star for each byte that is hidden, so that every other place stays where it is.
fn masked<'a>(text: &'a str, window: Range<usize>, source: SourceId, hidden: &[Span]) -> Cow<'a, str> {
    let mut masked = Cow::Borrowed(&text[window.clone()]);
    for span in hidden.iter().filter(|span| span.source == source) {
        let range = clamped(*span, text);
        let range = range.start.max(window.start)..range.end.min(window.end);
        if range.is_empty() {
            continue;
        }
        let stars: String = text[range.clone()]
            .bytes()
            .map(|byte| if matches!(byte, b'\n' | b'\r') { char::from(byte) } else { '*' })
            .collect();
        masked.to_mut().replace_range(range.start - window.start..range.end - window.start, &stars);
    }
    masked
}

/// A range that the text can be indexed with, whatever the caller made.
fn clamped(span: Span, text: &str) -> Range<usize> {
    let start = text.floor_char_boundary(span.start as usize);
    let end = text.floor_char_boundary(span.end as usize);
    start..end.max(start)
}
