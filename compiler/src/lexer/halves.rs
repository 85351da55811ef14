//! A long text is cut into tokens by two threads, one for each half.
//!
//! The second begins at a line in the middle as if nothing were open there. Whether that was right shows when the first one
//! arrives: exactly there, with nothing open, and the second had nothing to complain about. Otherwise what it made is thrown
//! away and the first one goes on.

use super::{Lexer, Text};
use crate::limits::TOKENS_MAX;
use crate::threads;
use crate::token::Lexed;
use std::thread;

/// Text that pays for a thread: about a millisecond of work.
const BYTES_MIN: usize = 160 << 10;

/// Reads what is better read by two and gives what is left: all of a short text, nothing of a long one that is in order.
pub(super) fn run<'a>(lexer: &mut Lexer, text: Text<'a>, rest: Text<'a>) -> Text<'a> {
    if text.len() < BYTES_MIN || !threads::help() {
        return rest;
    }
    both(lexer, text, rest)
}

fn both<'a>(lexer: &mut Lexer, text: Text<'a>, rest: Text<'a>) -> Text<'a> {
    let Some((middle, half)) = middle(text) else { return rest };
    let (file, bytes) = (lexer.file, lexer.bytes);
    let second = move || {
        let mut second = Lexer::new(file, bytes);
        second.out.tokens.reserve(half.len() / 5);
        second.run(half, u32::MAX);
        second.out
    };
    let (rest, second) = thread::scope(|scope| {
        let second = thread::Builder::new().name("lexer".to_owned()).spawn_scoped(scope, second);
        let rest = lexer.run(rest, middle);
        (rest, second.ok().and_then(|second| second.join().ok()))
    });
    match second {
        Some(second) if lexer.at(rest) <= middle && !lexer.after_dot && fits(&lexer.out, &second) => {
            lexer.out.tokens.extend_from_slice(&second.tokens);
            lexer.out.comments.extend(second.comments);
            ""
        }
        Some(_) | None => rest,
    }
}

/// True if the second half may stand behind the first: it is in order, and both together are not too long.
fn fits(first: &Lexed, second: &Lexed) -> bool {
    second.diagnostics.is_empty() && first.tokens.len() + second.tokens.len() <= TOKENS_MAX
}

/// The first line that begins in the second half, and the text from there.
fn middle(text: Text<'_>) -> Option<(u32, Text<'_>)> {
    let half = text.len() / 2;
    let at = half + 1 + text.as_bytes().get(half..)?.iter().position(|byte| *byte == b'\n')?;
    // An end of line is a character of its own, so a character begins behind it.
    Some((u32::try_from(at).ok()?, text.get(at..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    /// The tokens, comments and findings of one thread, and of two.
    fn ways(text: &str) -> [Lexed; 2] {
        let mut one = Lexer::new(FileId(0), text.len());
        one.run(text, u32::MAX);
        let mut two = Lexer::new(FileId(0), text.len());
        let rest = both(&mut two, text, text);
        two.run(rest, u32::MAX);
        [one.out, two.out]
    }

    fn assert_same(text: &str) {
        let [one, two] = ways(text);
        assert_eq!(one.tokens, two.tokens, "{text}");
        assert_eq!(one.comments, two.comments, "{text}");
        assert_eq!(one.diagnostics, two.diagnostics, "{text}");
    }

    #[test]
    fn two_halves_are_what_one_reader_reads() {
        let lines = [
            "a := b + 1;",
            "  (* one *) x.",
            "3 := TRUE; // rest",
            "(* open",
            "and (* nested *)",
            "closed *) y := T#1h",
            "'text' {pragma",
            "of two lines} tür := 5",
            "\"unclosed",
            "== ! ä",
            "",
        ];
        // Every line of every order of three stands in the middle once.
        for first in lines {
            for second in lines {
                for third in lines {
                    assert_same(&[first, second, third].join("\n"));
                    assert_same(&[first, "n := 0;", second, third, "m := 1;\n"].join("\r\n"));
                }
            }
        }
    }

    #[test]
    fn a_text_without_lines_has_no_second_half() {
        assert_same("");
        assert_same("\n");
        assert_same("a := b; c := d;");
        assert_same("ä\nö\n");
    }
}
