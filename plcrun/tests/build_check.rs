//! `build`, `disasm`, `check`: from sources to an image, and what is found on the way.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{Folder, SEAL, SEAL_MAP, sheet};

#[test]
fn build_writes_an_image_beside_the_source_and_again_the_same_bytes() {
    let folder = Folder::with(&[("seal.ld", SEAL)]);
    folder.run(&["build", "seal.ld"]).exits(0).err_has("seal.plcb: ").err_has(" instructions");
    folder.run(&["build", "seal.ld", "-o", "other.plcb"]).exits(0);
    let image = std::fs::read(folder.path("seal.plcb")).unwrap();
    assert!(image.starts_with(b"PLCB"));
    assert_eq!(image, std::fs::read(folder.path("other.plcb")).unwrap());
    // Nothing but the three files: no temporary one is left.
    assert_eq!(std::fs::read_dir(folder.path(".")).unwrap().count(), 3);
}

#[test]
fn a_program_with_errors_leaves_the_old_image_alone() {
    let folder =
        Folder::with(&[("seal.ld", "PROGRAM P VAR x : INT END_VAR x := x + 1; END_PROGRAM"), ("seal.plcb", "old")]);
    let seen = folder.run(&["build", "seal.ld"]).exits(1).err_has("error[E0").err_has("--> seal.ld:1:");
    assert!(seen.err.contains("1 error; the program was not built"), "{}", seen.err);
    assert_eq!(folder.read("seal.plcb"), "old");
}

#[test]
fn build_refuses_images_sources_as_output_and_bad_places() {
    let folder = Folder::with(&[("seal.ld", SEAL)]);
    folder.run(&["build", "seal.ld", "-o", "seal.ld"]).exits(2).err_has("would be overwritten");
    assert_eq!(folder.read("seal.ld"), SEAL);
    folder.run(&["build", "seal.ld", "-o", "no/seal.plcb"]).exits(2).err_has("the folder does not exist");
    folder.run(&["build", "seal.ld"]).exits(0);
    folder.run(&["build", "seal.plcb"]).exits(2).err_has("is an image already");
    folder.run(&["check", "seal.plcb", "seal.ld"]).exits(2).err_has("an image is a whole program");
}

#[test]
fn disasm_shows_the_stages_of_the_optimiser() {
    let text = "PROGRAM P VAR a : DINT; b AT %QX0.0 : BOOL; END_VAR\na := 3;\nb := a > 2;\nEND_PROGRAM\n";
    let folder = Folder::with(&[("two.st", text)]);
    let shown = folder.run(&["disasm", "--ir", "two.st"]).exits(0).out;
    let stages: Vec<&str> = shown.lines().filter(|l| l.starts_with("; P: ")).collect();
    assert!(stages.first().is_some_and(|s| s.contains("as lowered")) && stages.len() > 1, "{shown}");
    let (lowered, last) = (shown.split("; P: ").nth(1).unwrap(), shown.split("; P: ").last().unwrap());
    assert!(lowered.contains("gt.i32 own+0, 2") && !lowered.contains("image+0.0 := TRUE"), "{shown}");
    assert!(last.contains("image+0.0 := TRUE") && last.contains("; two.st:3"), "{shown}");
    folder.run(&["build", "two.st", "-o", "two.plcb"]).exits(0);
    folder.run(&["disasm", "--ir", "two.plcb"]).exits(2).err_has("name the source files");
}

#[test]
#[cfg(all(feature = "native", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn disasm_shows_the_machine_code_too() {
    let folder = Folder::with(&[("seal.ld", SEAL)]);
    folder.run(&["disasm", "seal.ld", "--native"]).exits(0).out_has("; Seal, ").out_has("ret");
}

#[test]
fn disasm_shows_the_same_code_for_source_and_image_whatever_its_name() {
    let folder = Folder::with(&[("seal.ld", SEAL)]);
    folder.run(&["build", "seal.ld", "-o", "image.bin"]).exits(0);
    let source = folder.run(&["disasm", "seal.ld"]).exits(0).out_has("motor").out_has("charge");
    let image = folder.run(&["disasm", "image.bin"]).exits(0);
    assert_eq!(source.out, image.out);
}

#[test]
fn a_damaged_image_is_refused_by_every_command() {
    let folder = Folder::with(&[("seal.ld", SEAL)]);
    folder.run(&["build", "seal.ld"]).exits(0);
    let mut image = std::fs::read(folder.path("seal.plcb")).unwrap();
    let middle = image.len() / 2;
    image[middle] ^= 1;
    folder.write("seal.plcb", &image);
    for words in [&["check", "seal.plcb"][..], &["disasm", "seal.plcb"], &["seal.plcb", "--virtual", "--for", "1s"]] {
        folder.run(words).exits(1).err_has("`seal.plcb`").err_has("damaged");
    }
    folder.write("seal.plcb", &image[..image.len() / 3]);
    folder.run(&["check", "seal.plcb"]).exits(1).err_has("`seal.plcb`");
}

#[test]
fn check_is_silent_about_good_programs_and_counts_findings_otherwise() {
    let folder = Folder::with(&[("seal.ld", SEAL), ("seal.io.yaml", SEAL_MAP), ("wago-859-386.yaml", &sheet())]);
    folder.run(&["check", "seal.ld", "--io", "seal.io.yaml"]).out_has("motor").exits(1).out_has("[R040]");
    folder.write("bad.yaml", SEAL_MAP.replace("stop_ok:", "stop_okay:"));
    folder
        .run(&["check", "seal.ld", "--io", "bad.yaml"])
        .exits(1)
        .out_has("error[C010]")
        .out_has("--> bad.yaml:5:3")
        .out_has("seal.ld: ");
    std::fs::remove_file(folder.path("seal.io.yaml")).unwrap();
    folder.run(&["check", "seal.ld"]).exits(0).out_has("seal.ld, no I/O map: no findings");
}

#[test]
fn check_as_json_has_one_object_per_finding() {
    let folder = Folder::with(&[("a.ld", "PROGRAM P\nVAR x : INT END_VAR\nx := x + 1;\nEND_PROGRAM\n")]);
    let seen = folder.run(&["check", "a.ld", "--json"]).exits(1);
    let objects: Vec<serde_json::Value> = seen.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(objects.len(), 1, "{}", seen.out);
    assert_eq!(objects[0]["severity"], "error");
    assert_eq!(objects[0]["file"], "a.ld");
    assert_eq!(objects[0]["line"], 2);
    assert!(objects[0]["code"].as_str().unwrap().starts_with('E'));
}

#[test]
fn files_of_other_tools_are_named() {
    let folder = Folder::with(&[
        ("ldmicro.ld", "LDmicro0.1\nMICRO=Atmel\nRUNG\n  CONTACTS Xa 0\n"),
        ("link.ld", "ENTRY(_start)\nMEMORY { RAM : ORIGIN = 0, LENGTH = 1K }\nSECTIONS { .text : { *(.text) } }\n"),
    ]);
    folder.run(&["check", "ldmicro.ld"]).exits(1).out_has("E0209").out_has("LDmicro");
    folder.run(&["ldmicro.ld"]).exits(1).err_has("E0209");
    folder.run(&["check", "link.ld"]).exits(1).out_has("E0209").out_has("linker script");
}

#[test]
fn relays_lists_waits_and_life() {
    let folder = Folder::with(&[("seal.ld", SEAL), ("seal.io.yaml", SEAL_MAP), ("wago-859-386.yaml", &sheet())]);
    folder
        .run(&["relays", "seal.ld"])
        .exits(0)
        .out_has("wago-859-386")
        .out_has("50 000")
        .out_has("5 000 000")
        .out_has("WAGO")
        .out_has("36 VDC, 10.1 mA");
    std::fs::remove_file(folder.path("seal.io.yaml")).unwrap();
    folder.run(&["relays", "seal.ld"]).exits(2).err_has("no I/O map");
}
