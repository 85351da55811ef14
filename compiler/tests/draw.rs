//! Drawings of the files in `tests/draw` beside their sources: Unicode (`.txt`), ASCII (`.ascii.txt`) and SVG.
//! `UPDATE_EXPECT=1 cargo test -p compiler --test draw` rewrites them; look at them afterwards.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

use std::path::Path;

use compiler::draw::{Style, draw_svg, draw_text};
use compiler::parser::parse;
use compiler::source::SourceMap;

fn forms(text: &str) -> [(&'static str, String); 3] {
    let mut map = SourceMap::new();
    let file = map.add("test.ld", text);
    let (tree, _) = parse(&map, file);
    [
        ("txt", draw_text(&map, &tree, Style::Unicode)),
        ("ascii.txt", draw_text(&map, &tree, Style::Ascii)),
        ("svg", draw_svg(&map, &tree)),
    ]
}

#[test]
fn drawings_are_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/draw");
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "ld") {
            continue;
        }
        count += 1;
        for (ending, given) in forms(&std::fs::read_to_string(&path).unwrap()) {
            let expected = path.with_extension(ending);
            if std::env::var_os("UPDATE_EXPECT").is_some() {
                std::fs::write(&expected, &given).unwrap();
            }
            if std::fs::read_to_string(&expected).unwrap_or_default() != given {
                wrong.push(format!("{}:\n{given}", expected.display()));
            }
        }
    }
    assert!(count >= 4);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_ascii_form_is_ascii_and_every_line_ends_at_the_rail() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/draw/symbols.ld")).unwrap();
    let [(_, unicode), (_, ascii), _] = forms(&text);
    assert!(ascii.is_ascii());
    assert_eq!(unicode.lines().count(), ascii.lines().count());
    let widths: Vec<usize> =
        unicode.lines().filter(|line| line.starts_with("    │")).map(|line| line.chars().count()).collect();
    assert!(widths.len() > 5 && widths.iter().all(|width| *width == widths[0]), "{unicode}");
}

#[test]
fn a_file_without_a_ladder_has_no_drawing_and_a_broken_rung_is_named() {
    assert_eq!(forms("PROGRAM p END_PROGRAM")[0].1, "");
    let broken = &forms("PROGRAM p LADDER RUNG a: NO(; RUNG b: NO(x) COIL(y); END_LADDER END_PROGRAM")[0].1;
    assert!(broken.contains("could not be read") && broken.contains("( )"), "{broken}");
}

#[test]
fn svg_escapes_what_xml_reserves() {
    let svg = &forms("PROGRAM p LADDER RUNG \"a < b & 'c'\": CMP(x < 1 & y) COIL(z); END_LADDER END_PROGRAM")[2].1;
    assert!(svg.contains("a &lt; b &amp; 'c'") && svg.contains("x &lt; 1 &amp; y"), "{svg}");
    assert!(!svg.contains("x < 1"));
}
