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

/// Most findings that are rendered at once. Nobody mends a hundred mistakes before compiling again, and a program made by a tool may
/// have one on every line.
pub const SHOWN_MAX: usize = 100;

/// Marks of one file that are further apart than this, in bytes, are shown as snippets of their own. The renderer reads every line between two marks of
/// one snippet: a declaration at the top of a large file would make each finding as expensive as the file is long.
const APART_BYTES_MAX: usize = 4_096;

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

/// Diagnostics in the order of the text, errors and warnings mixed, an empty line between two. Of more than [`SHOWN_MAX`] the first errors are shown, then
/// the first warnings, and a last line counts the rest.
#[must_use]
pub fn render_all(map: &SourceMap, diagnostics: &[Diagnostic], style: Style) -> String {
    let place = |diagnostic: &&Diagnostic| (diagnostic.primary.span.file, diagnostic.primary.span.start);
    let mut shown: Vec<&Diagnostic> = diagnostics.iter().collect();
    if shown.len() > SHOWN_MAX {
        shown.sort_by_key(|diagnostic| (diagnostic.severity() != Severity::Error, place(diagnostic)));
        shown.truncate(SHOWN_MAX);
    }
    shown.sort_by_key(place);
    let mut text = String::new();
    for diagnostic in &shown {
        text.push_str(&render(map, diagnostic, style));
        text.push_str("\n\n");
    }
    let hidden = |errors: bool| {
        let all = diagnostics.iter().filter(|d| d.is_error() == errors).count();
        all - shown.iter().filter(|d| d.is_error() == errors).count()
    };
    let more = match (hidden(true), hidden(false)) {
        (0, 0) => return text,
        (errors, 0) => plural(errors, "more error"),
        (0, warnings) => plural(warnings, "more warning"),
        (errors, warnings) => format!("{} and {}", plural(errors, "more error"), plural(warnings, "more warning")),
    };
    text.push_str(&format!("... and {more} not shown\n\n"));
    text
}

fn plural(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// One snippet per file, or per part of a file where marks are far apart; that of the primary place first.
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
        result.extend(neighbours(marks).iter().map(|marks| snippet(file, marks)));
    }
    result
}

/// One mark: kind, place, remark.
type Mark<'a> = (AnnotationKind, Span, &'a str);

/// Marks in groups that stand near each other, the group of the first mark first.
fn neighbours(marks: Vec<Mark<'_>>) -> Vec<Vec<Mark<'_>>> {
    let mut groups: Vec<(u32, u32, Vec<Mark<'_>>)> = Vec::new();
    for mark in marks {
        let span = mark.1;
        let near = groups.iter_mut().find(|(start, end, _)| {
            span.end.max(*end).saturating_sub(span.start.min(*start)) as usize <= APART_BYTES_MAX
        });
        match near {
            Some((start, end, group)) => {
                (*start, *end) = (span.start.min(*start), span.end.max(*end));
                group.push(mark);
            }
            None => groups.push((span.start, span.end, vec![mark])),
        }
    }
    groups.into_iter().map(|(_, _, group)| group).collect()
}

/// The source lines that the marks touch, as a snippet with the marks in it.
fn snippet<'a>(file: &'a SourceFile, marks: &[Mark<'a>]) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Code;
    use crate::source::FileId;

    /// A file of so many lines of ten bytes, and a finding on each.
    fn findings(lines: u32, code: Code) -> (SourceMap, Vec<Diagnostic>) {
        let mut map = SourceMap::new();
        let id = map.add("a.st".to_owned(), "x := yyy;\n".repeat(lines as usize));
        let at = |line: u32| Span::new(id, line * 10 + 5, line * 10 + 8);
        (map, (0..lines).map(|line| Diagnostic::new(code, at(line), "unknown").also(at(0), "first here")).collect())
    }

    fn codes() -> (Code, Code) {
        let of = |severity| Code::ALL.iter().copied().find(|code| code.severity() == severity).unwrap();
        (of(Severity::Error), of(Severity::Warning))
    }

    #[test]
    fn findings_beyond_the_limit_are_counted_and_errors_come_before_warnings() {
        let (error, warning) = codes();
        let (map, few) = findings(100, error);
        let text = render_all(&map, &few, Style::Plain);
        assert!(text.contains("a.st:100:6") && !text.contains("not shown"), "{text}");
        let (map, mut many) = findings(1_000, warning);
        many.extend(findings(140, error).1);
        let text = render_all(&map, &many, Style::Plain);
        assert!(text.ends_with("... and 40 more errors and 1000 more warnings not shown\n\n"), "{text}");
        assert_eq!(text.matches("error[").count(), 100);
        let text = render_all(&map, &many[999..1110], Style::Plain);
        assert!(text.ends_with("... and 10 more errors and 1 more warning not shown\n\n"), "{text}");
    }

    #[test]
    fn marks_far_apart_do_not_drag_the_file_between_them_along() {
        let (error, _) = codes();
        let (map, found) = findings(5_000, error);
        let last = found.last().unwrap();
        let shown = snippets(&map, &last.primary, &last.secondary);
        assert_eq!(shown.len(), 2);
        let text = render(&map, last, Style::Plain);
        assert!(text.contains("--> a.st:5000:6") && text.contains("::: a.st:1:6"), "{text}");
        // Near marks share one snippet, in the order of the text.
        let near = found.get(9).unwrap();
        assert_eq!(snippets(&map, &near.primary, &near.secondary).len(), 1);
        let far = |start| (AnnotationKind::Context, Span::new(FileId(0), start, start + 1), "");
        let sizes: Vec<usize> = neighbours([0, 9_000, 10, 9_100].map(far).to_vec()).iter().map(Vec::len).collect();
        assert_eq!(sizes, [2, 2]);
    }
}
