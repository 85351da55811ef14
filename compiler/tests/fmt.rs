//! The formatter: `tests/fmt/*.ld` with their canonical form beside them in a `.formatted`, and the properties that hold
//! for every text. `UPDATE_EXPECT=1 cargo test -p compiler --test fmt` rewrites the expected texts.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

use std::path::{Path, PathBuf};

use compiler::ast::File;
use compiler::fmt::format;
use compiler::lexer::lex;
use compiler::parser::parse;
use compiler::source::{FileId, SourceMap};

fn tree(text: &str) -> File {
    let mut map = SourceMap::new();
    let file = map.add("test.ld", text);
    let (tree, diagnostics) = parse(&map, file);
    assert!(diagnostics.is_empty(), "{}", compiler::diag::render_all(&map, &diagnostics, compiler::diag::Style::Plain));
    tree
}

fn formatted(text: &str) -> String {
    let mut map = SourceMap::new();
    let file = map.add("test.ld", text);
    format(&map, file).unwrap_or_else(|diagnostics| {
        panic!("{}\n{text}", compiler::diag::render_all(&map, &diagnostics, compiler::diag::Style::Plain))
    })
}

/// The tree without its places and without the case of names.
fn shape(text: &str) -> String {
    let items = format!("{:?}", tree(text).items).to_uppercase();
    let mut result = String::new();
    let mut rest = items.as_str();
    while let Some(at) = rest.find('@') {
        result.push_str(&rest[..at]);
        rest = rest[at + 1..].trim_start_matches(|letter: char| letter.is_ascii_digit() || ":.".contains(letter));
    }
    result + rest
}

/// All comments, blanks at line ends aside.
fn comments(text: &str) -> Vec<String> {
    let plain = |part: &str| part.split('\n').map(str::trim_end).collect::<Vec<_>>().join("\n");
    lex(FileId(0), text)
        .comments
        .iter()
        .map(|comment| plain(&text[comment.span.start as usize..comment.span.end as usize]))
        .collect()
}

/// Everything that must hold for the formatted form of a text.
fn check(text: &str) -> String {
    let once = formatted(text);
    assert_eq!(shape(text), shape(&once), "the meaning changed:\n{text}\n---\n{once}");
    assert_eq!(comments(text), comments(&once), "a comment changed:\n{text}\n---\n{once}");
    let twice = formatted(&once);
    assert_eq!(once, twice, "formatting twice changed something");
    assert!(once.lines().all(|line| line.trim_end() == line));
    once
}

fn sources(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "ld"))
        .collect()
}

#[test]
fn texts_are_formatted_as_expected() {
    let mut wrong = Vec::new();
    let paths = sources("fmt");
    assert!(paths.len() >= 3);
    for path in paths {
        let given = check(&std::fs::read_to_string(&path).unwrap());
        let expected = path.with_extension("formatted");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&expected, &given).unwrap();
        }
        if std::fs::read_to_string(&expected).unwrap_or_default() != given {
            wrong.push(format!("{}:\n{given}", expected.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_accepted_text_keeps_meaning_and_comments() {
    for path in sources("accepted").into_iter().chain(sources("draw")) {
        check(&std::fs::read_to_string(&path).unwrap());
    }
}

#[test]
fn the_example_programs_keep_meaning_and_comments() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs");
    let mut count = 0;
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.extension().is_some_and(|ending| ending == "ld" || ending == "st") {
            check(&std::fs::read_to_string(&path).unwrap());
            count += 1;
        }
    }
    assert!(count >= 8);
}

#[test]
fn comments_anywhere_are_kept_and_settle_at_once() {
    for path in sources("accepted").into_iter().chain(sources("draw")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let offsets: Vec<usize> = lex(FileId(0), &text).tokens.iter().map(|token| token.start as usize).collect();
        for (index, offset) in offsets.iter().enumerate() {
            // Inside `a.b`, `TYPE#x` and the like a comment is allowed too, so every place is tried, in four forms.
            let comment = ["(* c *)", "\n(* c *)\n", " // c\n", "\n\n// c\n\n"][index % 4];
            check(&format!("{}{comment}{}", &text[..*offset], &text[*offset..]));
        }
    }
}

#[test]
fn blanks_do_not_matter() {
    for path in sources("accepted") {
        let text = std::fs::read_to_string(&path).unwrap();
        if text.contains("//") {
            continue;
        }
        let tokens = |text: &str| formatted(text).split_whitespace().collect::<String>();
        let spread = text.replace(';', " ;").replace('(', "( ").replace("( *", "(*").replace(") ", ")  ");
        assert_eq!(tokens(&text), tokens(&spread));
    }
}

#[test]
fn a_file_with_mistakes_is_refused() {
    let mut map = SourceMap::new();
    let file = map.add("test.ld", "PROGRAM p x := ; END_PROGRAM");
    assert_eq!(format(&map, file).unwrap_err().len(), 1);
}
