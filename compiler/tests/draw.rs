//! Drawings of the files in `tests/draw` beside their sources: Unicode (`.txt`), ASCII (`.ascii.txt`) and SVG.
//! `UPDATE_EXPECT=1 cargo test -p compiler --test draw` rewrites them; look at them afterwards.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

use std::path::Path;

use compiler::draw::{Drawing, Style, draw_svg, draw_text};
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

fn parsed(texts: &[&str]) -> (SourceMap, Vec<compiler::ast::File>) {
    let mut map = SourceMap::new();
    let trees = texts.iter().map(|text| {
        let file = map.add("test.ld", *text);
        parse(&map, file).0
    });
    let trees = trees.collect();
    (map, trees)
}

#[test]
fn a_block_of_another_file_shows_its_power_pins() {
    let (map, files) = parsed(&[
        "PROGRAM p VAR h : Helper; END_VAR LADDER RUNG: NO(i) h() COIL(g); END_LADDER END_PROGRAM",
        "FUNCTION_BLOCK Helper VAR_INPUT {power} run : BOOL; END_VAR VAR_OUTPUT {power} ready : BOOL; END_VAR END_FUNCTION_BLOCK",
        "VAR_GLOBAL g AT %QX0.7 : BOOL; END_VAR",
    ]);
    let together = Drawing { project: &files, ..Drawing::new(&map, &files[0]) }.text(Style::Unicode);
    assert!(together.contains("┤run") && together.contains("ready├") && together.contains("%QX0.7"), "{together}");
    assert!(Drawing::new(&map, &files[0]).text(Style::Unicode).contains("ENO"));
}

#[test]
fn one_rung_keeps_its_number() {
    let (map, files) =
        parsed(&["PROGRAM p LADDER RUNG: NO(a) COIL(b); RUNG two: NO(c) COIL(d); END_LADDER END_PROGRAM \
        PROGRAM q LADDER RUNG: NO(e) COIL(f); END_LADDER END_PROGRAM"]);
    for wanted in ["TWO", "2"] {
        let drawing = Drawing { rung: Some(wanted), ..Drawing::new(&map, &files[0]) };
        let drawn = drawing.text(Style::Ascii);
        assert!(drawn.contains("  2 +--") && !drawn.contains("  1 +") && !drawn.contains("PROGRAM q"), "{drawn}");
        assert!(drawing.has_rungs());
    }
    let none = Drawing { rung: Some("three"), ..Drawing::new(&map, &files[0]) };
    assert!(!none.has_rungs() && none.text(Style::Ascii).is_empty());
}

#[test]
fn ascii_is_ascii_whatever_titles_and_comments_hold() {
    let text = "PROGRAM p LADDER\n(* Überlauf – ½ Ω *)\nRUNG tür \"Tür auf bei 30 °C ✓\": NO(a) \
        CMP(b = \"ß\") COIL(ö); END_LADDER END_PROGRAM";
    let drawn = &forms(text)[1].1;
    assert!(drawn.is_ascii(), "{drawn}");
    assert!(drawn.contains("Tuer auf bei 30 degC ?") && drawn.contains("Ueberlauf - 1/2 Ohm"), "{drawn}");
}
