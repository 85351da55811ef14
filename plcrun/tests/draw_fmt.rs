//! `draw` and `fmt`: pictures of rungs, and sources in canonical form.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use common::{Folder, SEAL};
use std::os::unix::fs::PermissionsExt;

const UGLY: &str = "program Seal\nvar start at %IX0.0:BOOL; (* S1 *) motor AT %QX0.0 : bool; end_var\nladder\nrung m: XIC(start) OTE(motor);\nend_ladder\nend_program\n";

#[test]
fn rungs_are_drawn_in_unicode_and_ascii() {
    let folder = Folder::with(&[("seal.ld", SEAL)]);
    let unicode = folder.run(&["draw", "seal.ld"]).exits(0).out_has("motor").out_has("start");
    assert!(unicode.out.contains('─'), "{}", unicode.out);
    let ascii = folder.run(&["draw", "seal.ld", "--ascii"]).exits(0).out_has("| |").out_has("( )").out;
    assert!(ascii.is_ascii(), "{ascii}");
}

#[test]
fn a_picture_goes_to_a_file() {
    let folder = Folder::with(&[("seal.ld", SEAL)]);
    folder.run(&["draw", "seal.ld", "--svg", "seal.svg"]).exits(0);
    let svg = folder.read("seal.svg");
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>") && svg.contains("motor"), "{svg}");
}

#[test]
fn one_rung_is_chosen_by_label_and_unknown_ones_are_named() {
    let two = SEAL.replace("END_LADDER", "RUNG second: NO(start) COIL(motor);\nEND_LADDER");
    let folder = Folder::with(&[("seal.ld", &two)]);
    let one = folder.run(&["draw", "seal.ld", "--rung", "second"]).exits(0);
    assert!(one.out.contains("second") && !one.out.contains("stop_ok"), "{}", one.out);
    assert!(one.out.contains("  2 ├"), "the rung keeps its number:\n{}", one.out);
    folder.run(&["draw", "seal.ld", "--rung", "secnd"]).exits(2).err_has("`secnd`").err_has("second");
}

#[test]
fn drawing_needs_a_program_that_can_be_read() {
    let folder = Folder::with(&[("bad.ld", "PROGRAM P LADDER RUNG: NO(a COIL(b); END_LADDER END_PROGRAM")]);
    folder.run(&["draw", "bad.ld"]).exits(1).err_has("error[E0");
}

#[test]
fn fmt_rewrites_a_file_keeps_its_permissions_and_changes_nothing_twice() {
    let folder = Folder::with(&[("ugly.ld", UGLY)]);
    std::fs::set_permissions(folder.path("ugly.ld"), std::fs::Permissions::from_mode(0o640)).unwrap();
    folder.run(&["fmt", "--check", "ugly.ld"]).exits(1).out_has("ugly.ld");
    assert_eq!(folder.read("ugly.ld"), UGLY);
    folder.run(&["fmt", "ugly.ld"]).exits(0);
    let once = folder.read("ugly.ld");
    assert!(
        once.contains("NO(start) COIL(motor);") && once.contains("(* S1 *)") && once.contains("END_PROGRAM"),
        "{once}"
    );
    let mode = std::fs::metadata(folder.path("ugly.ld")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    folder.run(&["fmt", "ugly.ld"]).exits(0);
    assert_eq!(folder.read("ugly.ld"), once);
    folder.run(&["fmt", "--check", "ugly.ld"]).exits(0);
}

#[test]
fn fmt_can_be_a_filter() {
    let folder = Folder::with(&[("ugly.ld", UGLY)]);
    let printed = folder.run(&["fmt", "ugly.ld", "--stdout"]).exits(0).out;
    assert_eq!(folder.read("ugly.ld"), UGLY);
    let output = folder.command(&["fmt", "-"]).write_stdin(UGLY).output().unwrap();
    assert_eq!(common::Seen::of(&output).exits(0).out, printed);
}

#[test]
fn fmt_refuses_files_with_errors_and_leaves_them_alone() {
    let bad = UGLY.replace("XIC(start)", "XIC(start");
    let folder = Folder::with(&[("bad.ld", &bad), ("ugly.ld", UGLY)]);
    folder.run(&["fmt", "bad.ld", "ugly.ld"]).exits(1).err_has("error[E0").err_has("bad.ld");
    assert_eq!(folder.read("bad.ld"), bad);
    // The good one is still formatted.
    assert!(folder.read("ugly.ld").contains("NO(start)"));
}
