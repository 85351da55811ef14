//! `plcrun bench` as a user calls it. What is looked at is what is told, never how fast this machine is.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::{DIVIDES, Folder, SEAL, SEAL_MAP, sheet};
use runtime::io::file_chip::FileChip;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;

/// Does more the longer `wanted` is: the worst scan is known beforehand.
const LOOPS: &str = "PROGRAM Loops
VAR
  on     AT %IX0.0 : BOOL;
  wanted AT %IB1 : USINT;
  sum : DINT; i : DINT;
END_VAR
  FOR i := 1 TO USINT_TO_DINT(wanted) DO sum := sum + i; END_FOR;
END_PROGRAM
";

fn json(folder: &Folder, words: &[&str]) -> Value {
    let seen = folder.run(&[&["bench", "--json", "--seconds", "0", "--scans", "300"], words].concat()).exits(0);
    serde_json::from_str(&seen.out).unwrap()
}

fn number(value: &Value, path: &str) -> u64 {
    value.pointer(path).unwrap_or_else(|| panic!("{path} is missing in {value}")).as_u64().unwrap()
}

#[test]
fn the_table_names_seed_host_worst_scan_and_period() {
    let folder = Folder::with(&[("seal.ld", SEAL), ("seal.io.yaml", SEAL_MAP)]);
    folder.write("wago-859-386.yaml", sheet());
    let seen = folder.run(&["bench", "seal.ld", "--seconds", "1", "--scans", "200", "--svg", "a.svg"]).exits(0);
    let seen = seen.out_has("seal.ld, a scan every 10 ms").out_has("random, seed 1, 200 scans").out_has("Linux ");
    let seen = seen.out_has("program, interpreter").out_has("scan, interpreter").out_has("wake-up, plcrun");
    let seen =
        seen.out_has("jitter, plcrun").out_has("interpreter: number ").out_has("simulated: this map has no line");
    seen.out_has("x the worst seen, wake-up ").out_has("rounded up to 1, 2 or 5").err_has("`a.svg`: written");
    let svg = folder.read("a.svg");
    let document = roxmltree::Document::parse(&svg).unwrap();
    assert!(document.descendants().filter(|n| n.has_tag_name("path")).count() >= 3);
}

#[test]
fn a_seed_gives_the_same_worst_scan_and_another_seed_another() {
    let folder = Folder::with(&[("loops.st", LOOPS)]);
    let (one, two) = (json(&folder, &["loops.st"]), json(&folder, &["loops.st"]));
    let worst = |value: &Value| (number(value, "/engines/0/worst/scan"), number(value, "/engines/0/worst/units"));
    assert_eq!(worst(&one), worst(&two));
    let other = json(&folder, &["loops.st", "--seed", "2"]);
    assert_ne!(worst(&one), worst(&other));
    // More than 200 passes of the loop: the random bytes went as far as they can.
    assert!(worst(&one).1 > 200 * 3, "{one}");
    assert!(number(&one, "/engines/0/worst/p50_ns") > 0);
    assert_eq!(number(&one, "/engines/0/program/count"), 250);
}

#[test]
fn a_program_its_inputs_can_stop_is_measured_on_and_that_is_told() {
    let folder = Folder::with(&[("d.ld", DIVIDES)]);
    let seen = folder.run(&["bench", "d.ld", "--seconds", "0", "--scans", "300"]).exits(0);
    seen.out_has("the inputs led to ").out_has("first: F01 ").out_has("d.ld:12:28").out_has("was not measured");
}

#[test]
fn cyclictest_stands_beside_it_when_it_is_installed() {
    let folder = Folder::with(&[("seal.ld", SEAL)]);
    let script = "#!/bin/sh\necho \"$@\" > cyclic.args\nprintf '%s\\n' '# Histogram' '000007 000990' '000090 000010' '# Max Latencies: 00091'\n";
    let path = folder.write("bin/cyclictest", script);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let run = |bin: &std::path::Path| {
        let mut command = folder.command(&[
            "bench",
            "seal.ld",
            "--seconds",
            "1",
            "--scans",
            "100",
            "--load",
            "cpu",
            "--period",
            "2ms",
        ]);
        // The shell's own programs stay to be found.
        let found =
            std::env::join_paths([bin, std::path::Path::new("/bin"), std::path::Path::new("/usr/bin")]).unwrap();
        common::Seen::of(&command.env("PATH", found).output().unwrap()).exits(0)
    };
    let seen = run(&folder.path("bin")).out_has("a scan every 2 ms").out_has("load     cpu, ");
    let row = |name: &str| seen.out.lines().find(|l| l.starts_with(name)).unwrap().to_owned();
    let cells: Vec<String> = row("wake-up, cyclictest").split_whitespace().skip(2).map(str::to_owned).collect();
    assert_eq!(cells.join(" "), "7.00 us 7.00 us 90.0 us 91.0 us");
    let asked = folder.read("cyclic.args");
    assert!(asked.contains("--interval=2000") && asked.contains("--duration=1"), "{asked}");
    std::fs::write(&path, "#!/bin/sh\necho 'no class for you' >&2\nexit 1\n").unwrap();
    run(&folder.path("bin")).out_has("cyclictest  failed: exit status: 1: no class for you");
}

#[test]
fn real_lines_are_read_and_written_off_and_never_on() {
    let folder = Folder::with(&[(
        "lamp.ld",
        "PROGRAM Lamp\nVAR button AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR\n\
         LADDER\nRUNG lamp: NC(button) COIL(lamp);\nEND_LADDER\nEND_PROGRAM\n",
    )]);
    let chip = FileChip::create(&folder.path("cabinet"), 32).unwrap();
    let line = |n: u8| format!("{{ gpio: {{ chip: \"file:{}\", line: {n} }} }}", folder.path("cabinet").display());
    folder.write("lamp.io.yaml", format!("inputs:\n  button: {}\noutputs:\n  lamp: {}\n", line(0), line(16)));
    let words = ["bench", "lamp.ld", "--seconds", "0", "--scans", "100"];
    folder.run(&words).exits(0).out_has("not touched: ").out_has("--io lamp.io.yaml");
    assert_eq!((chip.counts().reads, chip.counts().writes), (0, 0));
    let seen = folder.run(&[&words[..], &["--io", "lamp.io.yaml"]].concat()).exits(0);
    seen.out_has("reading 1 lines").out_has("writing 1 lines").out_has("every load was off all the time");
    assert!(chip.counts().reads >= 2000 && chip.counts().writes >= 2000, "{:?}", chip.counts());
    // The program would switch the lamp on at once; nothing ever did.
    assert_eq!((chip.levels() >> 16 & 1, chip.changes_after(0).len()), (0, 0));
    assert!(!chip.is_held(16));
}

#[test]
fn what_does_not_fit_is_refused() {
    let task = format!(
        "{SEAL}CONFIGURATION C\nRESOURCE R ON PLC\nTASK t(INTERVAL := T#5ms, PRIORITY := 0);\nPROGRAM p WITH t : Seal;\nEND_RESOURCE\nEND_CONFIGURATION\n"
    );
    let folder = Folder::with(&[("seal.ld", SEAL), ("task.ld", &task), ("bad.ld", "PROGRAM")]);
    folder.run(&["bench"]).exits(2).err_has("FILE");
    folder.run(&["bench", "none.ld"]).exits(2).err_has("none.ld");
    folder.run(&["bench", "bad.ld"]).exits(1).err_has("error");
    folder
        .run(&["bench", "seal.ld", "--period", "1us"])
        .exits(2)
        .err_has("`--period` of 1 us is outside 100 us to 10 s");
    folder.run(&["bench", "task.ld", "--period", "1ms"]).exits(2).err_has("`--period` of 1 ms has no effect");
    folder.run(&["bench", "seal.ld", "--svg", "seal.ld"]).exits(2).err_has("seal.ld");
    folder.run(&["bench", "seal.ld", "--load", "what"]).exits(2).err_has("memory");
}

/// One loop that the type of an input bounds, one that nothing does.
const OPEN: &str = "PROGRAM Waits
VAR
  ready AT %IX0.0 : BOOL;
  n : DINT;
END_VAR
  n := n + 1;
  WHILE NOT ready DO n := n + 1; END_WHILE;
END_PROGRAM
";

#[test]
fn the_cost_of_a_scan_is_told_with_loops_that_nothing_bounds() {
    let folder = Folder::with(&[("loops.st", LOOPS), ("open.st", OPEN), ("bad.st", "PROGRAM")]);
    let seen = folder.run(&["check", "loops.st", "--cost", "--json"]).exits(0);
    let line = seen.out.lines().find(|l| l.contains("\"kind\":\"cost\"")).unwrap();
    let cost: Value = serde_json::from_str(line).unwrap();
    assert_eq!(cost.pointer("/bounded"), Some(&Value::Bool(true)), "{line}");
    // 255 passes of at least an addition, a comparison, a step, a branch and a charge.
    assert!((255 * 3..255 * 12).contains(&number(&cost, "/instructions")), "{line}");
    assert!(cost.pointer("/microseconds/interpreter").unwrap().as_f64().unwrap() > 0.0, "{line}");
    let seen = folder.run(&["check", "loops.st", "--cost"]).exits(0);
    seen.out_has("cost of loops.st, at most").out_has("of the budget").out_has("interpreter").out_lacks("open");
    let seen = folder.run(&["check", "open.st", "--cost"]);
    seen.out_has("open, from ").out_has("open: open.st:7:").out_has("nothing bounds the loop in PROGRAM Waits");
    folder.run(&["check", "bad.st", "--cost"]).exits(1).out_lacks("cost of");
    folder
        .run(&["check", "loops.st", "--cost", "--format", "sarif"])
        .exits(2)
        .err_has("`--cost` has no place in this format");
    folder.run(&["check", "loops.st", "--calibration", "box.json"]).exits(2).err_has("--cost");
}

#[test]
fn costs_of_a_box_are_used_elsewhere() {
    let folder = Folder::with(&[("seal.ld", SEAL)]);
    let words = ["bench", "seal.ld", "--seconds", "0", "--scans", "100", "--calibrate", "box.json"];
    folder.run(&words).exits(0).err_has("`box.json`: written");
    let seen = folder.run(&["check", "seal.ld", "--cost", "--calibration", "box.json"]);
    seen.out_has("times are as `box.json` says");
    let text = folder.read("box.json");
    folder.write("box.json", text.replace("\"branch\"", "\"twig\""));
    let seen = folder.run(&["check", "seal.ld", "--cost", "--calibration", "box.json"]).exits(1);
    seen.err_has("`box.json` is no calibration: `interpreter` has no time for `branch`").err_has("--calibrate");
}

/// A machine with more instructions costs more: the figures are really those of the file.
#[test]
fn a_dearer_box_costs_more() {
    let folder = Folder::with(&[("seal.ld", SEAL)]);
    let classes = ["logic", "integer", "division", "real", "mathematics", "conversion", "bit", "element", "copy"];
    let costs = |us: f64| {
        let rows: Vec<String> =
            classes.iter().chain(&["reference", "branch", "call"]).map(|class| format!("\"{class}\": {us}")).collect();
        let rows = rows.join(", ");
        format!("{{\"kind\": \"plcrun calibration\", \"microseconds_per_instruction\": {{\"slow\": {{{rows}}}}}}}")
    };
    let microseconds = |us: f64| {
        folder.write("box.json", costs(us));
        let seen = folder.run(&["check", "seal.ld", "--cost", "--json", "--calibration", "box.json"]);
        let line = seen.out.lines().find(|l| l.contains("\"kind\":\"cost\"")).unwrap().to_owned();
        let value: Value = serde_json::from_str(&line).unwrap();
        (value.pointer("/microseconds/slow").unwrap().as_f64().unwrap(), number(&value, "/instructions"))
    };
    let (time, instructions) = microseconds(0.5);
    assert!((time - 0.5 * instructions as f64).abs() < 1e-6, "{time} {instructions}");
    assert_eq!(microseconds(2.0), (time * 4.0, instructions));
}
