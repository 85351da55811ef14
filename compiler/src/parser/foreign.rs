//! Files that are no programs of ours although their name ends in .ld: recognised by content, named in one finding.

use crate::diag::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// Looked at from the start of the file, in bytes: enough for the head comment of a linker script.
const HEAD_BYTES: usize = 64 * 1024;

/// The finding for a file of another tool; `None` for everything else.
pub(super) fn recognise(file: FileId, text: &str) -> Option<Diagnostic> {
    let end = (0..=HEAD_BYTES.min(text.len())).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0);
    let head = text.get(..end).unwrap_or("").trim_start_matches('\u{FEFF}');
    let code = without_comments(head);
    let (what, help) = if head.trim_start().starts_with("LDmicro") {
        ("an LDmicro project", "draw its rungs again as text; importing such files comes in a later version")
    } else if holds_json(&code) {
        (
            "a ladder program stored as JSON behind an IEC header",
            "export it as Structured Text from the editor it comes from; importing such files comes in a later version",
        )
    } else if is_linker_script(&code) {
        ("a linker script, not a ladder program", "give the file of the program; linker scripts use the ending .ld too")
    } else {
        return None;
    };
    let start = u32::try_from(text.len() - text.trim_start_matches('\u{FEFF}').trim_start().len()).unwrap_or(0);
    let first_line = text.get(start as usize..).and_then(|rest| rest.lines().next()).unwrap_or("").trim_end();
    let span = Span::new(file, start, start + u32::try_from(first_line.len()).unwrap_or(0));
    Some(Diagnostic::new(Code::ForeignFile, span, format!("this is {what}")).help(help))
}

/// The text with comments blanked out; an open comment ends it.
fn without_comments(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    loop {
        let Some(at) = ["/*", "(*", "//"].iter().filter_map(|mark| rest.find(mark)).min() else {
            result.push_str(rest);
            return result;
        };
        let (before, comment) = rest.split_at(at);
        result.push_str(before);
        result.push(' ');
        let closer = match comment.as_bytes() {
            [b'(', ..] => "*)",
            [_, b'*', ..] => "*/",
            _ => "\n",
        };
        match comment.get(2..).and_then(|inner| inner.find(closer).and_then(|end| inner.get(end + closer.len()..))) {
            Some(after) => rest = after,
            None => return result,
        }
    }
}

/// A `{` on a line of its own (or the whole file) that is followed by a quoted key: no pragma looks like that.
fn holds_json(code: &str) -> bool {
    code.match_indices('{').any(|(at, _)| {
        let after = code.get(at + 1..).unwrap_or("").trim_start();
        let key_end = after.strip_prefix('"').and_then(|inner| inner.find('"').and_then(|end| inner.get(end + 1..)));
        key_end.is_some_and(|rest| rest.trim_start().starts_with(':'))
    })
}

/// The first word is a command of GNU ld, followed as such a command is.
fn is_linker_script(code: &str) -> bool {
    let code = code.trim_start();
    let commands = [
        "ENTRY",
        "OUTPUT_FORMAT",
        "OUTPUT_ARCH",
        "SECTIONS",
        "MEMORY",
        "PHDRS",
        "INCLUDE",
        "INPUT",
        "GROUP",
        "PROVIDE",
        "EXTERN",
        "ASSERT",
        "STARTUP",
        "SEARCH_DIR",
        "TARGET",
        "VERSION",
        "REGION_ALIAS",
        "NOCROSSREFS",
    ];
    let length = code.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(code.len());
    let (word, rest) = code.split_at(length);
    let rest = rest.trim_start();
    if commands.contains(&word) {
        return rest.starts_with(['(', '{']) || word == "INCLUDE";
    }
    // `_estack = 0x20005000;` before the sections.
    rest.starts_with('=')
        && ["SECTIONS", "MEMORY"].iter().any(|command| {
            code.match_indices(command)
                .any(|(at, _)| code.get(at + command.len()..).unwrap_or("").trim_start().starts_with('{'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(text: &str) -> Option<String> {
        recognise(FileId(0), text).map(|finding| finding.message)
    }

    #[test]
    fn files_of_other_tools_are_named() {
        assert_eq!(what("LDmicro0.1\nMICRO=Atmel\n").as_deref(), Some("this is an LDmicro project"));
        let json = "PROGRAM main\nVAR\n a : BOOL;\nEND_VAR\n\n{\n  \"name\": \"main\",\n \"rungs\": []\n}\nEND_PROGRAM";
        assert_eq!(what(json).as_deref(), Some("this is a ladder program stored as JSON behind an IEC header"));
        for script in [
            "/* STM32 */\nENTRY(Reset_Handler)\n_estack = 0x20005000;\nMEMORY { }",
            "SECTIONS\n{\n .text : { *(.text) } }",
            "MEMORY\n{ FLASH (rx) : ORIGIN = 0x08000000, LENGTH = 64K }",
            "_estack = 0x2000;\nSECTIONS { }",
            "PROVIDE(a = 1);",
        ] {
            assert_eq!(what(script).as_deref(), Some("this is a linker script, not a ladder program"), "{script}");
        }
    }

    #[test]
    fn our_own_files_are_not() {
        for text in [
            "",
            "PROGRAM p VAR start {power} : BOOL; END_VAR END_PROGRAM",
            "(* LDmicro *) PROGRAM p END_PROGRAM",
            "// ENTRY(x)\nPROGRAM p END_PROGRAM",
            "{allow E0601 \"two coils: a spare\"} PROGRAM p END_PROGRAM",
            "memory := 5;",
        ] {
            assert_eq!(what(text), None, "{text}");
        }
    }
}
