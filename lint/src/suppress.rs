//! Findings that are meant: `{allow CODE "reason"}` in programs, `# plcrun: allow CODE: reason` in I/O maps.
//!
//! A comment of a map holds for its own line, or, where it stands alone, for the entry below it with all that belongs to it.
//! Each needs a reason, and one that hides nothing is a finding itself: it would hide the next mistake.

use runtime::config::Place;

/// What stands before the code in a comment.
const MARK: &str = "plcrun: allow";

/// A comment of a map that allows a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// The code in capital letters; may be no code at all.
    pub code: String,
    /// Why; empty where nothing is written.
    pub reason: String,
    /// Where the comment begins.
    pub place: Place,
    /// First line it holds for.
    pub first: u32,
    /// Last line it holds for.
    pub last: u32,
}

impl Comment {
    /// Does it hold for this line?
    #[must_use]
    pub const fn reaches(&self, line: u32) -> bool {
        self.first <= line && line <= self.last
    }
}

/// Every such comment of a YAML text.
#[must_use]
pub fn comments(text: &str) -> Vec<Comment> {
    let lines: Vec<&str> = text.lines().collect();
    let number = |index: usize| u32::try_from(index + 1).unwrap_or(u32::MAX);
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some((before, comment)) = comment_of(line) else { continue };
        let Some(rest) = comment.trim_start_matches('#').trim_start().strip_prefix(MARK) else { continue };
        let (code, reason) = rest.split_once(':').unwrap_or((rest, ""));
        let (first, last) = if before.trim().is_empty() { entry_below(&lines, index) } else { (index, index) };
        let column = u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX);
        found.push(Comment {
            code: code.trim().to_ascii_uppercase(),
            reason: reason.trim().to_owned(),
            place: Place { line: number(index), column },
            first: number(first),
            last: number(last),
        });
    }
    found
}

/// What stands before the `#` of a comment, and the comment. A `#` inside quotes or within a word begins none.
fn comment_of(line: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '#' && before.is_whitespace() => return line.split_at_checked(at),
            // An apostrophe within a word opens no text.
            None if (c == '"' || c == '\'') && !before.is_alphanumeric() => quote = Some(c),
            None => {}
        }
        before = c;
    }
    None
}

/// The lines of the entry below a comment: the next line with content, and those that are indented deeper.
fn entry_below(lines: &[&str], comment: usize) -> (usize, usize) {
    let indent = |line: &str| line.chars().take_while(|c| *c == ' ').count();
    let has_content = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let mut rest = lines.iter().enumerate().skip(comment + 1).filter(|(_, line)| has_content(line));
    let Some((first, head)) = rest.next() else { return (comment, comment) };
    let depth = indent(head);
    let last = rest.take_while(|(_, line)| indent(line) > depth).last().map_or(first, |(index, _)| index);
    (first, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_holds_for_its_line_or_for_the_entry_below() {
        let text = "\
outputs:
  # plcrun: allow R040: the supply is watched by hand
  # (a note)
  motor:
    relay: w

    contact: no
  lamp: {} # plcrun: allow R024: a lamp
  name: 'it # plcrun: allow C001: no comment'
";
        let found = comments(text);
        let ranges: Vec<_> = found.iter().map(|c| (c.code.as_str(), c.first, c.last)).collect();
        assert_eq!(ranges, [("R040", 4, 7), ("R024", 8, 8)]);
        assert_eq!(found[0].reason, "the supply is watched by hand");
        assert_eq!(found[0].place, Place { line: 2, column: 3 });
        assert!(found[0].reaches(5) && !found[0].reaches(8));
    }

    #[test]
    fn a_comment_without_reason_or_entry_is_kept_to_be_complained_of() {
        let found = comments("live: true\n# plcrun: allow K301");
        assert_eq!((found[0].code.as_str(), found[0].reason.as_str()), ("K301", ""));
        assert!(!found[0].reaches(1));
    }
}
