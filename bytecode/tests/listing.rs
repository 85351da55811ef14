//! Disassembly and variables by path.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test may stop at what it did not expect

mod common;

use bytecode::disasm::disassemble;
use bytecode::image::{Image, Place};
use bytecode::path::PathError;

#[test]
fn the_listing_names_rungs_variables_and_constants() {
    let text = disassemble(&common::image());
    for expected in [
        "; sample: 29 instructions, 3 POUs",
        "; task fast every T#10ms, priority 0: main",
        "; sample.ld:5 rung seal \"Seal-in\"",
        "pou1 Edge (FunctionBlock)",
        "add.i32 o4, o4, c0",
        "; count, count, 1",
        "ldbit.3 o0, d0",
        "; run, main.start",
        "calli pou1, o24",
        "; Edge, edge.clk",
        "andn.bool o1, o0, o2",
        "; q, clk, #m",
        "; r0[2], 1",
    ] {
        assert!(text.contains(expected), "missing `{expected}` in\n{text}");
    }
}

fn place(image: &Image, path: &str) -> Place {
    image.variable(path).unwrap().place
}

#[test]
fn paths_lead_to_fields_and_elements() {
    let image = common::image();
    assert_eq!(place(&image, "main.count"), Place::Byte(12));
    assert_eq!(place(&image, "COUNT"), Place::Byte(12));
    assert_eq!(place(&image, "list[2]"), Place::Byte(20));
    assert_eq!(place(&image, "main.list[4]"), Place::Byte(28));
    assert_eq!(place(&image, "blocks[2].q"), Place::Byte(8 + 28 + 8 + 1));
    assert_eq!(place(&image, "start"), Place::Bit { offset: 0, bit: 3 });
    assert_eq!(place(&image, "main.edge.Q"), Place::Byte(8 + 24 + 1));
}

#[test]
fn wrong_paths_say_what_is_wrong() {
    let image = common::image();
    let error = |path: &str| image.variable(path).unwrap_err();
    assert_eq!(error("coumd").to_string(), "no variable `coumd`");
    assert_eq!(error("cuont").to_string(), "no variable `cuont`; did you mean `count`?");
    assert_eq!(error("coumt").to_string(), "no variable `coumt`; did you mean `count`?");
    assert!(matches!(error("list[5]"), PathError::Index { .. }));
    assert_eq!(error("list[a]"), PathError::Malformed);
    assert_eq!(error("list[1"), PathError::Malformed);
    assert!(matches!(error("blocks[0].r"), PathError::Unknown { .. }));
    assert_eq!(error(""), PathError::Malformed);
    assert_eq!(error("start.x"), PathError::Malformed);
}

#[test]
fn values_are_read_and_written() {
    let image = common::image();
    let mut data = image.initial_data();
    let count = image.variable("count").unwrap();
    assert_eq!(image.read(&data, &count), Some(456));
    assert!(image.write(&mut data, &count, u64::from(u32::MAX)));
    assert_eq!(image.read(&data, &count), Some(u64::from(u32::MAX)));
    let start = image.variable("start").unwrap();
    assert!(image.write(&mut data, &start, 1));
    assert_eq!(data[0], 8);
    assert_eq!(image.read(&data, &start), Some(1));
    assert_eq!(image.read(&data, &image.variable("list").unwrap()), None);
    assert_eq!(image.read(&[], &count), None);
}

#[test]
fn fingerprints_follow_the_layout() {
    let image = common::image();
    let mut other = image.clone();
    assert_eq!(image.fingerprint(common::MAIN), other.fingerprint(common::MAIN));
    other.types[1].name = "renamed".into();
    assert_eq!(image.fingerprint(common::MAIN), other.fingerprint(common::MAIN));
    if let bytecode::types::TypeKind::Instance { fields } = &mut other.types[7].kind {
        fields[1].name = "total".into();
    }
    assert_ne!(image.fingerprint(common::MAIN), other.fingerprint(common::MAIN));
}
