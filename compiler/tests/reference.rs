//! docs/diagnostics.md is made from the table of codes. `UPDATE_DOCS=1 cargo test -p compiler --test reference` rewrites it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

use std::path::Path;

use compiler::diag::{Code, reference_markdown};

#[test]
fn the_page_of_diagnostics_is_in_step_with_the_table() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/diagnostics.md");
    let wanted = reference_markdown();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&page, &wanted).unwrap();
    }
    let given = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(
        given == wanted,
        "docs/diagnostics.md is out of step; UPDATE_DOCS=1 cargo test -p compiler --test reference"
    );
}

#[test]
fn a_code_is_found_by_its_text() {
    for code in Code::ALL {
        assert_eq!(Code::find(&code.as_str().to_lowercase()), Some(*code));
    }
    assert_eq!(Code::find("E9999"), None);
}

#[test]
fn the_drawings_in_the_language_page_are_what_draw_gives() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/language.md")).unwrap();
    let mut checked = 0;
    // A block of ladder text followed by a block of text is a program and its drawing.
    let blocks: Vec<&str> = page.split("```").collect();
    for (source, drawing) in blocks.iter().zip(blocks.iter().skip(2)) {
        let (Some(source), Some(drawing)) = (source.strip_prefix("iec-draw\n"), drawing.strip_prefix("text\n")) else {
            continue;
        };
        let text = format!("PROGRAM p\nVAR filling : TON; END_VAR\nLADDER\n{source}END_LADDER\nEND_PROGRAM\n");
        let mut map = compiler::source::SourceMap::new();
        let file = map.add("language.md", text);
        let (tree, diagnostics) = compiler::parser::parse(&map, file);
        assert!(diagnostics.is_empty(), "{source}");
        let drawn = compiler::draw::draw_text(&map, &tree, compiler::draw::Style::Unicode);
        let drawn: Vec<&str> = drawn.lines().skip(2).collect();
        assert_eq!(drawn.join("\n").trim_end(), drawing.trim_end(), "of\n{source}");
        checked += 1;
    }
    assert!(checked >= 5);
}
