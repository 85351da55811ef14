//! Source texts and places in them.
//!
//! Owns the text of every file of one compilation and answers "which line, which column". A place is a byte range
//! ([`Span`]) in one file ([`FileId`]); lines and columns are computed only when something is shown. This module reads
//! no file: the caller brings the text.

use std::fmt;

/// The number of a source file in its [`SourceMap`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct FileId(pub u32);

/// A half-open byte range `start..end` in one file.
///
/// Both ends lie on character boundaries of the text when the span came from the lexer or the parser.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// The file the range lies in.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start..end` of `file`.
    #[must_use]
    pub fn new(file: FileId, start: u32, end: u32) -> Self {
        Self { file, start, end }
    }

    /// The smallest range that covers both; the file is that of `self`.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The empty range at the end of this one, for "something is missing here".
    #[must_use]
    pub fn after(self) -> Self {
        Self { start: self.end, ..self }
    }

    /// True where no byte is covered.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}:{}..{}", self.file.0, self.start, self.end)
    }
}

/// A line and a column, both counted from 1; the column counts characters, not bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LineColumn {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// One source text with its name.
#[derive(Clone, Debug)]
pub struct SourceFile {
    name: String,
    text: String,
    /// Byte offset of the first character of each line; never empty.
    line_starts: Vec<u32>,
}

impl SourceFile {
    fn new(name: String, text: String) -> Self {
        let mut line_starts = vec![0];
        // A text longer than u32 can count is refused by the lexer before any offset matters.
        line_starts.extend(text.match_indices('\n').filter_map(|(at, _)| u32::try_from(at + 1).ok()));
        Self { name, text, line_starts }
    }

    /// The name shown in messages, usually the path as the user typed it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of a range; empty where the range is not one of this text.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// Line and column of a byte offset; an offset beyond the end gives the end.
    #[must_use]
    pub fn line_column(&self, offset: u32) -> LineColumn {
        let index = self.line_starts.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = self.line_starts.get(index).copied().unwrap_or(0) as usize;
        let end = (offset as usize).min(self.text.len());
        let before = self.text.as_bytes().get(start..end).unwrap_or(&[]);
        // Characters are counted by their first byte, so an offset inside a character is harmless.
        let characters = before.iter().filter(|byte| (**byte & 0xC0) != 0x80).count();
        let column = u32::try_from(characters).unwrap_or(u32::MAX - 1) + 1;
        LineColumn { line: u32::try_from(index).unwrap_or(u32::MAX - 1) + 1, column }
    }

    /// The number of lines; an empty text has one.
    #[must_use]
    pub fn line_count(&self) -> usize {
        self.line_starts.len()
    }
}

/// Every source text of one compilation.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// A map without files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text under the name that messages shall show.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(SourceFile::new(name.into(), text.into()));
        id
    }

    /// The file of a number this map gave out.
    #[must_use]
    pub fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }

    /// All files in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        (0u32..).map(FileId).zip(self.files.iter())
    }

    /// The text under a span; empty for a span of another map.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.get(span.file).map_or("", |file| file.slice(span))
    }

    /// Name, line and column of the start of a span.
    #[must_use]
    pub fn place(&self, span: Span) -> Option<(&str, LineColumn)> {
        self.get(span.file).map(|file| (file.name(), file.line_column(span.start)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        let mut map = SourceMap::new();
        let id = map.add("a.ld", "ab\näöx\n");
        let file = map.get(id).unwrap();
        assert_eq!(file.line_column(0), LineColumn { line: 1, column: 1 });
        assert_eq!(file.line_column(2), LineColumn { line: 1, column: 3 });
        assert_eq!(file.line_column(7), LineColumn { line: 2, column: 3 });
        assert_eq!(file.line_column(9), LineColumn { line: 3, column: 1 });
        assert_eq!(file.line_column(9_999), LineColumn { line: 3, column: 1 });
        assert_eq!(file.line_count(), 3);
    }

    #[test]
    fn a_foreign_span_is_empty_not_a_panic() {
        let mut map = SourceMap::new();
        let id = map.add("a.ld", "ä");
        assert_eq!(map.slice(Span::new(id, 1, 2)), "");
        assert_eq!(map.slice(Span::new(FileId(7), 0, 1)), "");
    }
}
