//! Diagnostics as text, in the manner of rustc: title with code, source lines with carets, notes and helps.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Label, Severity};
use crate::source::{SourceFile, SourceMap, Span};

/// Plain text or terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Style {
    /// No escape sequences: for files, tests and pipes.
    #[default]
    Plain,
    /// ANSI colours: for a terminal.
    Coloured,
}

/// Longest part of a source line that is shown, in bytes. A generated file may hold megabytes in one line.
const LINE_SHOWN_BYTES_MAX: usize = 400;

/// How a finding is headed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// `error`
    Error,
    /// `warning`
    Warning,
    /// `note`
    Note,
}

/// What is shown of a finding: a diagnostic of this room, or a finding of another room about the same texts.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// How it is headed.
    pub grade: Grade,
    /// Its code.
    pub code: &'a str,
    /// What is wrong.
    pub message: &'a str,
    /// The place it is about.
    pub primary: &'a Label,
    /// Other places that matter.
    pub secondary: &'a [Label],
    /// Facts that explain it.
    pub notes: &'a [String],
    /// What to do.
    pub helps: &'a [String],
}

/// One diagnostic, without a newline at the end.
#[must_use]
pub fn render(map: &SourceMap, diagnostic: &Diagnostic, style: Style) -> String {
    let grade = match diagnostic.severity() {
        Severity::Error => Grade::Error,
        Severity::Warning => Grade::Warning,
    };
    let Diagnostic { code, message, primary, secondary, notes, helps } = diagnostic;
    render_shown(map, Shown { grade, code: code.as_str(), message, primary, secondary, notes, helps }, style)
}

/// One finding, without a newline at the end.
#[must_use]
pub fn render_shown(map: &SourceMap, shown: Shown<'_>, style: Style) -> String {
    let level = match shown.grade {
        Grade::Error => Level::ERROR,
        Grade::Warning => Level::WARNING,
        Grade::Note => Level::NOTE,
    };
    let snippets = snippets(map, shown.primary, shown.secondary);
    let mut group = level.primary_title(shown.message).id(shown.code).elements(snippets);
    for note in shown.notes {
        group = group.element(Level::NOTE.message(note));
    }
    for help in shown.helps {
        group = group.element(Level::HELP.message(help));
    }
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    };
    let report: &[Group<'_>] = &[group];
    let text = renderer.render(report);
    // The renderer pads lines; nobody wants that in a file.
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// All diagnostics in the order of the text, errors and warnings mixed, an empty line between two.
#[must_use]
pub fn render_all(map: &SourceMap, diagnostics: &[Diagnostic], style: Style) -> String {
    let mut sorted: Vec<&Diagnostic> = diagnostics.iter().collect();
    sorted.sort_by_key(|diagnostic| (diagnostic.primary.span.file, diagnostic.primary.span.start));
    let mut text = String::new();
    for diagnostic in sorted {
        text.push_str(&render(map, diagnostic, style));
        text.push_str("\n\n");
    }
    text
}

/// One snippet per file, that of the primary place first.
fn snippets<'a>(
    map: &'a SourceMap,
    primary: &'a Label,
    secondary: &'a [Label],
) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let mut files = vec![primary.span.file];
    for label in secondary {
        if !files.contains(&label.span.file) {
            files.push(label.span.file);
        }
    }
    let mut result = Vec::new();
    for id in files {
        let Some(file) = map.get(id) else { continue };
        let mut marks = Vec::new();
        if primary.span.file == id {
            marks.push((AnnotationKind::Primary, primary.span, primary.text.as_str()));
        }
        for label in secondary.iter().filter(|label| label.span.file == id) {
            marks.push((AnnotationKind::Context, label.span, label.text.as_str()));
        }
        result.push(snippet(file, &marks));
    }
    result
}

/// The source lines that the marks touch, as a snippet with the marks in it.
fn snippet<'a>(
    file: &'a SourceFile,
    marks: &[(AnnotationKind, Span, &'a str)],
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let text = file.text();
    let start = marks.iter().map(|(_, span, _)| span.start as usize).min().unwrap_or(0).min(text.len());
    let end = marks.iter().map(|(_, span, _)| span.end as usize).max().unwrap_or(0).clamp(start, text.len());
    let first = window_start(text, start);
    let last = window_end(text, end);
    let line = file.line_column(u32::try_from(first).unwrap_or(u32::MAX)).line as usize;
    let annotations = marks.iter().map(|(kind, span, label)| {
        let from = (span.start as usize).clamp(first, last) - first;
        let to = (span.end as usize).clamp(first + from, last) - first;
        let annotation = kind.span(from..to);
        if label.is_empty() { annotation } else { annotation.label(*label) }
    });
    Snippet::source(text.get(first..last).unwrap_or("")).line_start(line).path(file.name()).annotations(annotations)
}

/// The start of the line of `at`, or a character boundary a little before it in a very long line.
fn window_start(text: &str, at: usize) -> usize {
    let lowest = at.saturating_sub(LINE_SHOWN_BYTES_MAX);
    let from = (lowest..=at).find(|index| text.is_char_boundary(*index)).unwrap_or(0);
    text.get(from..at).and_then(|part| part.rfind('\n')).map_or(from, |newline| from + newline + 1)
}

/// The end of the line of `at`, or a character boundary a little behind it in a very long line.
fn window_end(text: &str, at: usize) -> usize {
    let highest = at.saturating_add(LINE_SHOWN_BYTES_MAX).min(text.len());
    let to = (at..=highest).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(text.len());
    text.get(at..to).and_then(|part| part.find('\n')).map_or(to, |newline| at + newline)
}
