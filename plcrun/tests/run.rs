//! `run`: on the simulated rack, in virtual and in real time, from sources and images.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{DIVIDES, Folder, SEAL, SEAL_MAP, sheet};

fn seal() -> Folder {
    Folder::with(&[
        ("seal.ld", SEAL),
        ("seal.io.yaml", SEAL_MAP),
        ("wago-859-386.yaml", &sheet()),
        ("seal.test.yaml", TIMELINE),
    ])
}

/// The first test of the timeline, in virtual time.
const PLAYED: [&str; 4] = ["seal.ld", "--virtual", "--play", "seal.test.yaml"];

/// The rows of a trace without the header, each as its five fields.
fn rows(trace: &str) -> Vec<Vec<&str>> {
    let mut lines = trace.lines();
    assert_eq!(lines.next(), Some("t_us,scan,kind,name,value"));
    lines.map(|line| line.split(',').collect()).collect()
}

#[test]
fn a_file_alone_runs_on_the_simulated_rack_and_says_so() {
    let folder = Folder::with(&[("seal.ld", SEAL)]);
    let seen = folder.run(&["seal.ld", "--for", "50ms", "--scan", "5ms"]).exits(0);
    seen.out_has("simulated rack").out_has("Seal").out_has("every 5 ms").out_has("scans");
}

#[test]
fn virtual_time_needs_an_end_and_gives_the_same_output_each_time() {
    let folder = seal();
    folder.run(&["seal.ld", "--virtual"]).exits(2).err_has("--for");
    let words = [&PLAYED[..], &["--for", "10s", "--trace", "a.csv"]].concat();
    let first = folder.run(&words).exits(0).out_has("motor");
    let trace = folder.read("a.csv");
    let second = folder.run(&words).exits(0);
    assert_eq!(first.out, second.out);
    assert_eq!(trace, folder.read("a.csv"));
}

#[test]
fn the_trace_has_a_row_for_every_change() {
    let folder = seal();
    folder.run(&[&PLAYED[..], &["--trace", "a.csv"]].concat()).exits(0);
    let trace = folder.read("a.csv");
    let rows = rows(&trace);
    let at = |kind: &str, name: &str, value: &str| {
        rows.iter()
            .position(|r| r[2] == kind && r[3] == name && r[4] == value)
            .unwrap_or_else(|| panic!("no row {kind},{name},{value} in\n{trace}"))
    };
    let input = at("input", "start", "1");
    let commanded = at("commanded", "motor", "1");
    let line = at("line", "motor", "1");
    let contact = at("contact", "motor", "closed");
    assert!(input < commanded && commanded < line && line < contact, "{trace}");
    assert!(trace.contains("100000,11,input,start,1\n"), "at its time, in its scan:\n{trace}");
    // Pull-in 8 ms: the contact closes that much after the line.
    let t = |row: usize| rows[row][0].parse::<u64>().unwrap();
    assert!(t(contact) >= t(line) + 8_000, "{trace}");
    for row in &rows {
        assert_eq!(row.len(), 5, "{row:?}");
        assert!(["input", "commanded", "line", "contact", "event"].contains(&row[2]), "{row:?}");
    }
}

#[test]
fn an_image_runs_like_its_source() {
    let folder = seal();
    folder.run(&["build", "seal.ld"]).exits(0);
    for (file, trace) in [("seal.ld", "source.csv"), ("seal.plcb", "image.csv")] {
        folder.run(&[&[file], &PLAYED[1..], &["--trace", trace]].concat()).exits(0);
    }
    assert_eq!(folder.read("source.csv"), folder.read("image.csv"));
    assert!(folder.read("image.csv").contains(",line,motor,1"));
}

#[test]
fn an_input_set_before_the_first_scan_starts_nothing_out_of_the_past() {
    let folder = seal();
    let words = ["seal.ld", "--virtual", "--for", "1s", "--set", "start=true", "--trace", "a.csv"];
    folder.run(&words).exits(0).out_has("G02").out_has("must be commanded off first");
    let trace = folder.read("a.csv");
    assert!(trace.contains("0,1,input,start,1\n") && !trace.contains(",line,motor,1"), "{trace}");
}

#[test]
fn a_fault_leads_to_the_safe_state_and_code_three() {
    let folder = Folder::with(&[("divides.ld", DIVIDES)]);
    let quiet = folder.run(&["divides.ld", "--virtual", "--for", "1s", "--trace", "a.csv"]).exits(0);
    quiet.out_lacks("fault[");
    let seen = folder.run(&["divides.ld", "--virtual", "--for", "1s", "--set", "go=true"]).exits(3);
    seen.err_has("fault[F01]: integer division or MOD by zero")
        .err_has("--> divides.ld:12:")
        .err_has("12 |   NO(go) ST share := 100 / parts; END_ST;")
        .err_has("rung divide")
        .err_has("safe state");
}

#[test]
fn a_fault_names_the_value_and_an_image_shows_the_source_line_where_it_is_at_hand() {
    let text = "PROGRAM P\nVAR k : INT; log : ARRAY[0..9] OF INT; END_VAR\nlog[k] := k;\nk := k + 1;\nEND_PROGRAM\n";
    let folder = Folder::with(&[("index.st", text)]);
    folder.run(&["build", "index.st"]).exits(0);
    let words = ["index.plcb", "--virtual", "--for", "1s"];
    let seen =
        folder.run(&words).exits(3).err_has("fault[F02]: array index out of bounds: 10").err_has("3 | log[k] := k;");
    seen.err_has("in scan 11 at 0.100 s");
    std::fs::remove_file(folder.path("index.st")).unwrap();
    let seen = folder.run(&words).exits(3).err_has("--> index.st:3:");
    assert!(!seen.err.contains("3 | "), "{}", seen.err);
}

#[test]
fn a_loop_without_end_is_a_fault_and_no_hang() {
    let folder = Folder::with(&[(
        "loop.st",
        "PROGRAM P\nVAR k : INT; END_VAR\nWHILE TRUE DO k := k + 1; END_WHILE;\nEND_PROGRAM\n",
    )]);
    folder
        .run(&["loop.st", "--for", "20s"])
        .exits(3)
        .err_has("fault[F03]: scan budget spent")
        .err_has("--> loop.st:3:");
}

#[test]
fn a_fault_in_real_time_ends_with_code_three_too() {
    let folder = Folder::with(&[("divides.ld", DIVIDES)]);
    let mut command = folder.command(&["divides.ld", "--for", "20s"]);
    let started = std::time::Instant::now();
    let output = command.write_stdin("go\n").output().unwrap();
    common::Seen::of(&output).exits(3).err_has("fault[F01]").err_has("rung divide");
    assert!(started.elapsed().as_secs() < 15, "the fault ended nothing");
}

#[test]
fn typed_names_toggle_inputs_and_the_end_of_input_ends_nothing() {
    let folder = seal();
    let mut command = folder.command(&["seal.ld", "--for", "600ms", "--trace", "a.csv"]);
    let output = command.write_stdin("start\nno_such_input\n").output().unwrap();
    let seen = common::Seen::of(&output).exits(0).out_has("no_such_input");
    let trace = folder.read("a.csv");
    assert!(trace.contains(",input,start,1\n"), "{trace}\n{seen:?}");
    assert!(trace.contains(",line,motor,1\n"), "{trace}");
}

#[test]
fn operations_and_used_life_stand_in_the_summary() {
    let folder = seal();
    folder
        .run(&PLAYED)
        .exits(0)
        .out_has("operations")
        .out_has("motor    wago-859-386  1  ")
        .out_has("0.002 % of 50 000 loaded");
}

#[test]
fn sets_and_names_that_do_not_exist_are_wrong_use() {
    let folder = seal();
    folder
        .run(&["seal.ld", "--virtual", "--for", "1s", "--set", "strat=true"])
        .exits(2)
        .err_has("`strat`")
        .err_has("did you mean `start`?");
    folder.run(&["seal.ld", "--set", "start"]).exits(2).err_has("NAME=VALUE");
    folder.run(&["seal.ld", "--engine", "c"]).exits(2).err_has("native").err_has("interpreter");
    folder.run(&["seal.ld", "--for", "5"]).exits(2).err_has("unit");
    folder.run(&["seal.ld", "--virtual", "--for", "1s", "--trace", "no/a.csv"]).exits(2).err_has("`no/a.csv`");
    folder.run(&["seal.ld", "--virtual", "--for", "1s", "--trace", "./seal.io.yaml"]).exits(2).err_has("overwritten");
    assert_eq!(folder.read("seal.io.yaml"), SEAL_MAP);
}

#[test]
fn every_engine_gives_the_same_run() {
    let folder = seal();
    let play = ["seal.ld", "--virtual", "--for", "3s", "--set", "start=true", "--trace"];
    for engine in ["native", "interpreter"] {
        let trace = format!("{engine}.csv");
        let mut words = play.to_vec();
        words.extend([trace.as_str(), "--engine", engine]);
        folder.run(&words).exits(0);
    }
    let native = folder.read("native.csv");
    assert!(native.lines().count() > 2, "{native}");
    assert_eq!(native, folder.read("interpreter.csv"));
}

#[test]
fn a_scan_period_that_a_task_overrules_is_refused() {
    let configuration = "CONFIGURATION C RESOURCE R ON plc TASK fast (INTERVAL := T#20ms, PRIORITY := 1); \
                         PROGRAM main WITH fast : Seal; END_RESOURCE END_CONFIGURATION\n";
    let folder = Folder::with(&[("seal.ld", &format!("{SEAL}{configuration}"))]);
    let words = ["seal.ld", "--virtual", "--for", "1s"];
    folder.run(&words).exits(0).out_has("every 20 ms").out_has("task fast");
    folder.run(&[&words[..], &["--scan", "5ms"]].concat()).exits(2).err_has("--scan").err_has("TASK");
}

#[test]
fn programs_and_maps_with_errors_start_nothing() {
    let folder = seal();
    folder.write("bad.yaml", SEAL_MAP.replace("motor:", "moter:"));
    folder
        .run(&["seal.ld", "--io", "bad.yaml", "--virtual", "--for", "1s", "--trace", "a.csv"])
        .exits(1)
        .err_has("error[C010]")
        .err_has("nothing was started");
    assert!(!folder.path("a.csv").exists());
    folder.write("bad.ld", SEAL.replace("COIL", "COL"));
    folder.run(&["bad.ld"]).exits(1).err_has("error[E0").err_has("the program was not built");
}

#[test]
fn json_lines_are_json() {
    let folder = seal();
    let seen = folder.run(&[&PLAYED[..], &["--log-format", "json"]].concat()).exits(0);
    let objects: Vec<serde_json::Value> = seen.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let has = |key: &str, value: &str| objects.iter().any(|o| o[key] == value);
    assert!(has("kind", "line") && has("name", "motor") && has("kind", "summary"), "{}", seen.out);
}

#[test]
fn quiet_leaves_the_summary_and_nothing_else() {
    let folder = seal();
    let loud = folder.run(&PLAYED).exits(0);
    let quiet = folder.run(&[&PLAYED[..], &["--quiet"]].concat()).exits(0).out_has("scans");
    assert!(quiet.out.len() < loud.out.len());
    assert!(!quiet.out.contains("input"), "{}", quiet.out);
}

const TIMELINE: &str = "\
program: seal.ld
tests:
  - name: starts
    steps:
      - at: 100 ms
        press: start
      - at: 1 s
        expect: { motor: true }
  - name: stops
    steps:
      - at: 50 ms
        set: { start: true }
      - at: 500 ms
        set: { stop_ok: false, start: false }
      - at: 1 s
        expect: { motor: false }
";

#[test]
fn play_takes_the_inputs_of_the_test_that_is_named() {
    let folder = seal();
    folder.run(&[&PLAYED[..], &["--test", "stops", "--trace", "b.csv"]].concat()).exits(0);
    let trace = folder.read("b.csv");
    assert!(trace.contains(",line,motor,1\n") && trace.contains(",input,stop_ok,0\n"), "{trace}");
    folder.run(&[&PLAYED[..], &["--test", "stop"]].concat()).exits(1).err_has("`stop`").err_has("stops");
    folder.run(&["seal.ld", "--test", "stops"]).exits(2).err_has("--play");
    folder.run(&["seal.ld", "--play", "no.test.yaml"]).exits(2).err_has("`no.test.yaml`");
}

#[test]
fn play_in_real_time_ends_a_press_by_itself() {
    let folder = seal();
    folder.run(&["seal.ld", "--play", "seal.test.yaml", "--for", "500ms", "--trace", "a.csv"]).exits(0);
    let trace = folder.read("a.csv");
    assert!(trace.contains(",input,start,1\n") && trace.contains(",line,motor,1\n"), "{trace}");
    // Once in the first scan, once when the press is over.
    assert_eq!(trace.matches(",input,start,0\n").count(), 2, "{trace}");
}

const LIVE_MAP: &str = "\
relays: [wago-859-386.yaml]
supply: { voltage: 36 VDC }
inputs:
  start: { gpio: { chip: gpiochip97, line: 1 } }
  stop_ok: { gpio: { chip: gpiochip97, line: 2 }, stop: true }
outputs:
  motor:
    gpio: { chip: gpiochip97, line: 3 }
    relay: wago-859-386
    load: { voltage: 24 VDC, current: 20 mA }
";

#[test]
fn real_lines_are_never_taken_by_accident() {
    let folder = seal();
    folder.write("seal.io.yaml", LIVE_MAP);
    folder.write("seal.test.yaml", TIMELINE);
    // Found by its name: refused with what to do.
    folder
        .run(&["seal.ld", "--for", "1s"])
        .exits(2)
        .err_has("real lines")
        .err_has("--io seal.io.yaml")
        .err_has("live: true");
    let named = ["seal.ld", "--io", "seal.io.yaml"];
    for (words, what) in [
        (&["--virtual", "--for", "1s"][..], "virtual"),
        (&["--play", "seal.test.yaml"], "--play"),
        (&["--set", "start=true"], "--set"),
    ] {
        folder.run(&[&named[..], words].concat()).exits(2).err_has("real lines").err_has(what);
    }
}

#[test]
fn a_chip_that_is_not_there_is_named() {
    let folder = seal();
    folder.write("cabinet.yaml", LIVE_MAP);
    folder.run(&["seal.ld", "--io", "cabinet.yaml", "--for", "1s"]).exits(1).err_has("error[L00");
    folder.write("seal.io.yaml", format!("live: true\n{LIVE_MAP}"));
    folder.run(&["seal.ld", "--for", "1s"]).exits(1).err_has("error[L00");
}

/// Reads and writes by address alone.
const DIRECT: &str = "\
PROGRAM Direct
LADDER
RUNG follow:
  NO(%IX0.5) COIL(%QX1.0);
RUNG inverse:
  NC(%IX0.5) COIL(%QX1.1);
END_LADDER
END_PROGRAM
";

#[test]
fn what_is_used_by_its_address_alone_is_seen_without_a_map_and_refused_with_one() {
    let folder = Folder::with(&[("direct.ld", DIRECT), ("direct.yaml", "inputs: {}\n")]);
    let words = ["direct.ld", "--virtual", "--for", "100ms", "--trace", "a.csv", "--set", "%IX0.5=true"];
    folder.run(&words).exits(0).out_has("%QX1.0");
    assert!(folder.read("a.csv").contains(",line,%QX1.0,1\n"));
    assert!(!folder.read("a.csv").contains(",line,%QX1.1,1\n"));
    let seen = folder.run(&["check", "direct.ld", "--io", "direct.yaml"]).exits(1);
    let seen = seen.out_has("error[C014]: `%IX0.5` is used by its address alone").out_has("direct.ld:4:");
    seen.out_has("error[C014]: `%QX1.0`").out_has("error[C014]: `%QX1.1`").out_has("direct.ld:6:");
    folder.run(&["direct.ld", "--io", "direct.yaml", "--virtual", "--for", "1s"]).exits(1);
}

#[test]
fn an_output_commanded_on_from_the_first_scan_lights_without_a_map() {
    let lamp = "PROGRAM Lamp\nVAR q AT %QX0.0 : BOOL; END_VAR\nq := TRUE;\nEND_PROGRAM\n";
    let folder = Folder::with(&[("lamp.st", lamp)]);
    folder.run(&["lamp.st", "--virtual", "--for", "100ms", "--trace", "a.csv"]).exits(0);
    assert!(folder.read("a.csv").contains(",line,q,1\n"), "{}", folder.read("a.csv"));
}

#[test]
fn a_scan_period_outside_the_range_is_refused() {
    let folder = Folder::with(&[("seal.ld", SEAL)]);
    for scan in ["10us", "99us", "11s", "100h"] {
        let seen = folder.run(&["seal.ld", "--virtual", "--for", "1s", "--scan", scan]).exits(2);
        seen.err_has("100 us to 10 s");
    }
    folder.run(&["seal.ld", "--virtual", "--for", "1s", "--scan", "100us"]).exits(0);
}

/// Two programs whose intervals only share 1 us.
const ODD_TASKS: &str = "\
PROGRAM Odd
VAR n : INT; END_VAR
n := n + 1;
END_PROGRAM
CONFIGURATION Box
  RESOURCE cpu ON plcrun
    TASK a(INTERVAL := T#10ms, PRIORITY := 1);
    TASK b(INTERVAL := T#10001us, PRIORITY := 2);
    PROGRAM p1 WITH a : Odd;
    PROGRAM p2 WITH b : Odd;
  END_RESOURCE
END_CONFIGURATION
";

#[test]
fn intervals_that_no_scan_meets_are_told_of_the_program_not_of_a_map() {
    let folder = Folder::with(&[("odd.st", ODD_TASKS), ("odd.yaml", "inputs: {}\n")]);
    let seen = folder.run(&["odd.st", "--virtual", "--for", "1s"]).exits(1);
    seen.err_has("C040").err_has("--> odd.st\n").err_has("1 error in the program");
    folder.run(&["check", "odd.st", "--io", "odd.yaml"]).exits(1).out_has("C040").out_has("--> odd.st\n");
}

/// Divides by zero in the first scan.
const FAULTS_AT_ONCE: &str = "PROGRAM P\nVAR a, b : INT; END_VAR\na := 1 / b;\nEND_PROGRAM\n";

#[test]
fn a_fault_in_the_first_scan_counts_one_scan() {
    let folder = Folder::with(&[("p.st", FAULTS_AT_ONCE)]);
    folder.run(&["p.st", "--virtual", "--for", "1s"]).exits(3).out_has("scans  1,").out_has("fault F01 after 0.000 s");
}

#[test]
fn with_json_a_fault_is_one_record_and_nothing_else() {
    let folder = Folder::with(&[("p.st", FAULTS_AT_ONCE)]);
    let seen = folder.run(&["p.st", "--virtual", "--for", "1s", "--log-format", "json"]).exits(3);
    let seen = seen.out_has("\"code\":\"F01\"").out_has("\"kind\":\"fault\"");
    assert_eq!(seen.err, "");
    assert!(seen.out.lines().all(|line| line.starts_with('{') && line.ends_with('}')), "{}", seen.out);
}

#[test]
fn output_that_cannot_be_written_is_told() {
    let folder = seal();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for words in [
        &["seal.ld", "--virtual", "--for", "1s"][..],
        &["check", "seal.ld"],
        &["run", "--help"],
        &["disasm", "seal.ld"],
    ] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_plcrun"));
        let output = command.current_dir(folder.path("")).args(words).stdout(full()).output().unwrap();
        common::Seen::of(&output).exits(1).err_has("standard output cannot be written");
    }
}

#[test]
fn what_is_typed_and_not_understood_is_told_and_the_next_line_counts() {
    let folder = Folder::with(&[("seal.ld", SEAL)]);
    let mut command = folder.command(&["seal.ld", "--for", "700ms", "--trace", "a.csv"]);
    let output = command.write_stdin(b"\xFF\xFE\nnobody\nstart\n".to_vec()).output().unwrap();
    let seen = common::Seen::of(&output).exits(0);
    seen.out_has("is not UTF-8 text; nothing was changed").out_has("there is no input `nobody`");
    assert!(folder.read("a.csv").contains(",input,start,1\n"));
}

#[test]
fn the_summary_shows_three_percentiles() {
    let folder = Folder::with(&[("seal.ld", SEAL)]);
    let seen = folder.run(&["seal.ld", "--for", "50ms"]).exits(0);
    let line = |name: &str| seen.out.lines().find(|l| l.starts_with(name)).unwrap().to_owned();
    for name in ["scan time", "wake-up", "jitter"] {
        assert!(["p50 ", "p99 ", "p99.9 ", "max "].iter().all(|p| line(name).contains(p)), "{}", seen.out);
    }
}

#[test]
fn retained_variables_that_are_not_kept_are_told_of() {
    let program = "PROGRAM P\nVAR RETAIN n : INT; END_VAR\nn := n + 1;\nEND_PROGRAM\n";
    let folder = Folder::with(&[("p.st", program), ("seal.ld", SEAL)]);
    let seen = folder.run(&["p.st", "--virtual", "--for", "1s"]).exits(0);
    seen.out_has("retained variables begin anew at each start: `--state DIR` keeps them");
    folder.run(&["seal.ld", "--virtual", "--for", "1s"]).exits(0).out_lacks("begin anew");
}

/// A value in, twice that value out.
const DOUBLES: &str = "\
PROGRAM Doubles
VAR
  v AT %IW0 : INT;
  b AT %IB4 : BYTE;
  r AT %ID2 : REAL;
  twice AT %QW0 : INT;
END_VAR
twice := 2 * v;
END_PROGRAM
";

#[test]
fn inputs_that_are_no_bool_are_set_and_shown_in_their_type() {
    let folder = Folder::with(&[("p.st", DOUBLES)]);
    let words = ["p.st", "--virtual", "--for", "50ms", "--trace", "a.csv"];
    let sets = ["--set", "v=-7", "--set", "b=16#1F", "--set", "r=1.5"];
    folder.run(&[&words[..], &sets].concat()).exits(0).out_has("output   twice  -14");
    let trace = folder.read("a.csv");
    for row in ["input,v,-7", "input,b,16#1F", "input,r,1.5", "commanded,twice,-14"] {
        assert!(trace.contains(row), "{row} is not in\n{trace}");
    }
    for (set, why) in [
        ("v=40000", "between -32768 and 32767"),
        ("v=high", "no value of INT"),
        ("twice=1", "is an output"),
        ("w=1", "there is no input `w`"),
    ] {
        folder.run(&[&words[..], &["--set", set]].concat()).exits(2).err_has(why);
    }
}

#[test]
fn typed_values_reach_the_program() {
    let folder = Folder::with(&[("p.st", DOUBLES)]);
    let mut command = folder.command(&["p.st", "--for", "700ms", "--trace", "a.csv"]);
    let output = command.write_stdin("v=21\nv\nv=x\n").output().unwrap();
    let seen = common::Seen::of(&output).exits(0);
    seen.out_has("`v` is INT and cannot be toggled; write v=VALUE").out_has("no value of INT");
    assert!(folder.read("a.csv").contains("commanded,twice,42"));
}
