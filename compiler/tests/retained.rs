//! Which values a program keeps, under which names: `tests/retained/NAME.st` with the list `NAME.slots` beside it, one
//! line for each value: path, type, size in bytes, what it survives. And what is left of a store when the program changes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test may stop at what it did not expect

use bytecode::image::{Image, Place};
use bytecode::{RETAINED_MAX, RetainedSlot, retained};
use compiler::source::SourceMap;
use compiler::{Options, compile};
use std::collections::BTreeMap;

fn image_of(text: &str) -> Image {
    let mut map = SourceMap::new();
    let id = map.add("test.st".to_owned(), text.to_owned());
    let compiled = compile(&map, &[id], Options::default());
    compiled.image.unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics))
}

fn listing(slots: &[RetainedSlot]) -> String {
    let mut lines = String::new();
    for slot in slots {
        let survives = if slot.persistent { "cold start" } else { "restart" };
        let bit = if matches!(slot.place, Place::Bit { .. }) { " bit" } else { "" };
        lines += &format!("{} {} {}{bit} {survives}\n", slot.path, slot.elementary.name(), slot.size);
    }
    lines
}

#[test]
fn the_plant_keeps_what_its_list_says() {
    let slots = retained(&image_of(include_str!("retained/plant.st"))).unwrap();
    assert_eq!(listing(&slots), include_str!("retained/plant.slots"));
}

#[test]
fn every_slot_stands_where_its_path_leads() {
    let image = image_of(include_str!("retained/plant.st"));
    for slot in retained(&image).unwrap() {
        let variable = image.variable(&slot.path).unwrap();
        assert_eq!(variable.place, slot.place, "{}", slot.path);
        assert_eq!(image.fingerprint(variable.ty), slot.fingerprint, "{}", slot.path);
        assert_eq!(image.scalar_of(&variable).unwrap().size(), slot.size, "{}", slot.path);
        assert_eq!(slot.key(), slot.path.to_lowercase());
    }
}

/// Key and fingerprint of every value.
fn keys(text: &str) -> BTreeMap<String, u64> {
    retained(&image_of(text)).unwrap().iter().map(|s| (s.key(), s.fingerprint)).collect()
}

#[test]
fn a_changed_program_finds_what_still_fits() {
    let before = keys(
        "FUNCTION_BLOCK Axis VAR_OUTPUT pos : DINT; END_VAR pos := pos + 1; END_FUNCTION_BLOCK
         PROGRAM Main VAR RETAIN a : Axis; list : ARRAY [0..3] OF INT; n : INT; END_VAR
         a(); n := n + list[n]; END_PROGRAM",
    );
    // A field, a variable and a type before it are new, the list is shorter, n became a DINT, one spelling differs.
    let after = keys(
        "FUNCTION_BLOCK Axis VAR_INPUT goal : LREAL; END_VAR VAR_OUTPUT there : BOOL; Pos : DINT; END_VAR
         pos := Pos + 1; there := goal < 1.0; END_FUNCTION_BLOCK
         PROGRAM main VAR first : LREAL; END_VAR
         VAR RETAIN n : DINT; b : ULINT; a : Axis; list : ARRAY [1..2] OF INT; END_VAR
         first := 2.0; a(goal := first); b := b + 1; n := n + list[1]; END_PROGRAM",
    );
    let fits: Vec<&str> = before.iter().filter(|(k, v)| after.get(*k) == Some(v)).map(|(k, _)| k.as_str()).collect();
    assert_eq!(fits, ["main.a.pos", "main.list[1]", "main.list[2]"]);
    assert_ne!(before["main.n"], after["main.n"]);
}

#[test]
fn too_many_retained_values_are_refused_at_the_declaration() {
    let text = |n: usize| {
        format!(
            "PROGRAM Main\nVAR i : DINT; END_VAR\nVAR RETAIN\ntable : ARRAY [1..{n}] OF INT;\nEND_VAR\ni := i + table[1];\ntable[2] := 1;\nEND_PROGRAM\n"
        )
    };
    assert_eq!(retained(&image_of(&text(RETAINED_MAX))).unwrap().len(), RETAINED_MAX);
    let mut map = SourceMap::new();
    let id = map.add("test.st".to_owned(), text(RETAINED_MAX + 1));
    let compiled = compile(&map, &[id], Options::default());
    assert!(compiled.image.is_none());
    let finding = &compiled.diagnostics[0];
    assert_eq!(finding.code.as_str(), "E0806");
    assert_eq!(finding.place(&map).unwrap().1.line, 4);
}

#[test]
fn the_listing_counts_what_is_kept() {
    let text = bytecode::disasm::disassemble(&image_of(
        "PROGRAM Main VAR RETAIN a : DINT; END_VAR VAR PERSISTENT b : ARRAY [0..2] OF INT; END_VAR a := a + b[0]; b[0] := 1; END_PROGRAM",
    ));
    assert!(text.contains("; retained 4 values (10 bytes), persistent 3\n"), "{text}");
}
