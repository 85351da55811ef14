//! The example programs, compiled, on every engine with random inputs: the process image and every variable agree.

use super::rig::{native, run_on, verified};
use crate::vm::{Budget, Engine, Interpreter, Memory, reference::Reference};
use bytecode::VerifiedImage;
use compiler::source::SourceMap;
use std::path::Path;

const SCANS: u64 = 400;

fn check(path: &Path) {
    let mut sources = SourceMap::new();
    let file = sources.add(path.display().to_string(), std::fs::read_to_string(path).unwrap());
    for optimise in [true, false] {
        let compiled = compiler::compile(&sources, &[file], compiler::Options { optimise });
        let image = verified(compiled.image.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics)));
        agree(&path.display().to_string(), &image, &mut Interpreter::load(&image));
        agree(&path.display().to_string(), &image, &mut native(&image, true));
        agree(&path.display().to_string(), &image, &mut native(&image, false));
    }
}

fn agree<E: Engine>(name: &str, image: &VerifiedImage, engine: &mut E) {
    let mut reference = Reference::load(image);
    let (mut expected, mut got) = (Memory::new(image), Memory::new(image));
    let mut noise = 0x1234_5678_9abc_def1_u64;
    for scan in 0..SCANS {
        let place = format!("{name}, {}, scan {scan}", engine.name());
        for byte in 0..expected.inputs().len() {
            noise = noise.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            // Inputs that change in every scan would never let a timer run out.
            if noise >> 61 == 0 {
                let value = (noise >> 48) as u8;
                (expected.inputs_mut()[byte], got.inputs_mut()[byte]) = (value, value);
            }
        }
        let now_ns = i64::try_from(scan).unwrap() * 300_000_000;
        for program in 0..image.programs.len() {
            let (mut left, mut left_too) = (Budget::new(1_000_000), Budget::new(1_000_000));
            let one = reference.run(&mut expected, program, now_ns, &mut left);
            let two = engine.run(&mut got, program, now_ns, &mut left_too);
            assert_eq!((one, left), (two, left_too), "{place}");
        }
        assert_eq!(expected.outputs(), got.outputs(), "{place}");
        assert_eq!(expected.flags(), got.flags(), "{place}");
        for symbol in &image.symbols {
            let Some(ty) = image.ty(symbol.ty).and_then(bytecode::types::Type::scalar) else { continue };
            let values = [&expected, &got].map(|m| m.read(symbol.place, ty));
            assert!(values[0].is_some());
            assert_eq!(values[0], values[1], "{place}, {}", symbol.path);
        }
    }
}

#[test]
fn engines_agree_on_the_example_programs() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../programs");
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "ld" || e == "st") {
            check(&path);
            checked += 1;
        }
    }
    assert!(checked >= 8, "only {checked} programs");
}

/// Loops counted in every way the interpreter has an instruction for, and in some it has none for: what they leave, and what every budget
/// leaves of them.
#[test]
fn engines_agree_on_counting_loops() {
    let loops = [
        "FOR i := 0 TO 9 DO a[i] := a[i] + i; END_FOR;",
        "FOR i := 9 TO 0 BY -3 DO a[i] := a[i] + i; END_FOR;",
        "FOR i := n TO 7 DO n := n + 1; END_FOR;",
        "FOR s := 0 TO 9 DO a[s] := a[s] + 1; END_FOR;",
        "FOR s := 9 TO 2 BY -1 DO a[s] := a[s] * 2; END_FOR;",
        "i := 0; REPEAT a[i] := i; b := i < 8; i := i + 1; UNTIL NOT b END_REPEAT;",
        "i := 8; REPEAT a[i] := n; b := i >= 4; i := i - 1; UNTIL NOT b END_REPEAT;",
        "s := 3; REPEAT b := s <= n; s := s + s; n := n + 1; UNTIL NOT b OR n > 40 END_REPEAT;",
        "i := 0; WHILE i < 9 DO i := i + 1; a[i] := i; END_WHILE;",
        "FOR s := 32_760 TO 32_766 DO n := n + s; END_FOR;",
    ];
    for body in loops {
        let text = format!(
            "PROGRAM P VAR i : DINT; n : DINT; s : INT; b : BOOL; a : ARRAY [0..9] OF DINT; END_VAR {body} n := n MOD 9 + 1; END_PROGRAM"
        );
        let mut sources = SourceMap::new();
        let file = sources.add("loops.st", text);
        for optimise in [true, false] {
            let compiled = compiler::compile(&sources, &[file], compiler::Options { optimise });
            let image = verified(compiled.image.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics)));
            let mut engines = (Reference::load(&image), Interpreter::load(&image), native(&image, true));
            for units in (0..150).chain([10_000]) {
                let mut memories = [0; 3].map(|_| Memory::new(&image));
                for scan in 0..3 {
                    let [one, two, three] = &mut memories;
                    let expected = run_on(&mut engines.0, one, 0, units);
                    let interpreted = run_on(&mut engines.1, two, 0, units);
                    let native = run_on(&mut engines.2, three, 0, units);
                    let place = format!("{body}, scan {scan}, budget {units}");
                    assert_eq!((&expected.0, &expected.1), (&interpreted.0, &interpreted.1), "{place}");
                    assert_eq!((&expected.0, &expected.1), (&native.0, &native.1), "{place}");
                    // After a trap memory is diagnostic.
                    if expected.0.is_err() {
                        break;
                    }
                    assert_eq!((&expected.2, &expected.2), (&interpreted.2, &native.2), "{place}");
                }
            }
        }
    }
}

/// Bodies too long for one function of native code are cut between any two lines, those of a standard block too: what the block has computed
/// before the cut must be there behind it.
#[test]
fn engines_agree_on_standard_blocks_at_every_cut() {
    const BLOCKS: usize = 320;
    for before in 0..24 {
        let mut text = String::from("PROGRAM P VAR n : DINT; ");
        (0..BLOCKS)
            .for_each(|n| text.push_str(&format!("sr{n} : SR; rs{n} : RS; e{n} : F_TRIG; a{n}, b{n}, c{n} : BOOL;")));
        text.push_str("END_VAR n := n + 1;");
        text.push_str(&"n := n + 3;".repeat(before));
        for n in 0..BLOCKS {
            let (set, reset) = (n % 5 + 2, n % 7 + 2);
            text.push_str(&format!(
                "sr{n}(S1 := n MOD {set} = 0, R := n MOD {reset} = 0); rs{n}(S := sr{n}.Q1, R1 := n MOD {set} = 1); e{n}(CLK := rs{n}.Q1); \
                 a{n} := sr{n}.Q1; b{n} := rs{n}.Q1; c{n} := e{n}.Q;"
            ));
        }
        text.push_str("END_PROGRAM");
        let mut sources = SourceMap::new();
        let file = sources.add("cut.st", text);
        let compiled = compiler::compile(&sources, &[file], compiler::Options { optimise: true });
        let image = verified(compiled.image.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics)));
        agree(&format!("{before} before"), &image, &mut native(&image, true));
    }
}
