//! Two readers read what one reads: every text of this repository, and what becomes of them when pieces are missing or moved.

use super::*;
use crate::lexer::lex;
use std::path::{Path, PathBuf};

fn texts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "st" || ending == "ld") {
            found.push(path);
        }
    }
}

fn all_texts() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = Vec::new();
    for folder in ["programs", "tests", "compiler/std"] {
        texts(&root.join(folder), &mut found);
    }
    found.sort();
    assert!(found.len() > 40, "{found:?}");
    // Some texts are wrong on purpose, also as texts.
    found.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect()
}

/// True if the second reader's work could begin at all.
fn assert_same(text: &str) -> bool {
    let lexed = lex(FileId(0), text);
    let one = alone(Context::new(FileId(0), text, &lexed.tokens));
    let two = with_help(FileId(0), text, &lexed.tokens);
    assert_eq!(one, two, "{text}");
    middle(&lexed.tokens).is_some()
}

#[test]
fn every_text_is_read_the_same() {
    let helped = all_texts().iter().filter(|text| assert_same(text)).count();
    assert!(helped > 40, "only {helped} texts were read by two");
}

#[test]
fn broken_texts_are_read_the_same() {
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    let mut below = |end: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % end.max(1) as u64).unwrap()
    };
    for text in all_texts() {
        let tokens = lex(FileId(0), &text).tokens;
        let words: Vec<&str> = tokens.iter().map(|token| &text[token.start as usize..token.end as usize]).collect();
        for _ in 0..20 {
            let mut words = words.clone();
            for _ in 0..=below(2) {
                let (from, to) = (below(words.len()), below(words.len()));
                match below(3) {
                    0 => drop(words.remove(from)),
                    1 => words.swap(from, to),
                    _ => words.insert(to, words[from]),
                }
            }
            assert_same(&words.join(" "));
        }
    }
}

/// What is read ahead is taken: statements, rungs with their pragmas, and the units behind.
#[test]
fn bodies_and_units_are_taken() {
    let statements = format!("PROGRAM a VAR x : INT; END_VAR {} END_PROGRAM", "x := x + 1; ".repeat(9));
    let pragma = "{allow P001 \"reason\"}";
    let rungs = format!(
        "PROGRAM b VAR c : BOOL; END_VAR LADDER {} END_LADDER END_PROGRAM",
        format!("{pragma} RUNG c \"t\": NO(c) COIL(c); ").repeat(9)
    );
    let unit = format!("{pragma} FUNCTION f : INT f := 1; END_FUNCTION");
    for text in [&statements, &rungs, &format!("{statements} {unit}"), &format!("{rungs} {unit}")] {
        let tokens = lex(FileId(0), text).tokens;
        let begin = middle(&tokens).unwrap();
        let (sender, receiver) = sync_channel(2);
        read(&Context::ahead(FileId(0), text, &tokens), begin, &sender);
        drop(sender);
        let read: Vec<Piece> = receiver.iter().collect();
        assert_eq!(read.len(), if text.contains("FUNCTION") { 2 } else { 1 }, "{text}");
        let mut context = Context::new(FileId(0), text, &tokens);
        let (sender, receiver) = sync_channel(2);
        for piece in read {
            sender.send(piece).unwrap();
        }
        context.ahead = Ahead { at: Cell::new(begin.at), pieces: RefCell::new(Some(receiver)) };
        let items = unit::items(Cursor::new(&context));
        assert_eq!(items.len(), if text.contains("FUNCTION") { 2 } else { 1 });
        // Both pieces were taken: the place of the next is that behind the last.
        assert_eq!(context.ahead.at.get(), NOWHERE);
        assert!(context.ahead.pieces.borrow().as_ref().unwrap().try_recv().is_err());
    }
}
