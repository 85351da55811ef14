//! What survives a restart: values, counts, latches, faults; and what operators do with it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::{DIVIDES, Folder, Seen, sheet};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Counts scans in a variable of each kind.
const COUNTS: &str = "PROGRAM Counts
VAR free : DINT; END_VAR
VAR RETAIN kept : DINT; recipe : ARRAY[1..2] OF INT := [7, 8]; END_VAR
VAR PERSISTENT total : DINT; END_VAR
  free := free + 1; kept := kept + 1; total := total + 1;
END_PROGRAM
";

/// One relay whose contact is read back.
const ONE: &str = "PROGRAM One
VAR
  pb  AT %IX0.0 : BOOL;
  aux AT %IX0.1 : BOOL;
  fwd AT %QX0.0 : BOOL;
END_VAR
LADDER
RUNG fwd \"Forward\":
  NO(pb) COIL(fwd);
END_LADDER
END_PROGRAM
";

const ONE_MAP: &str = "relays: [wago-859-386.yaml]
supply: { voltage: 36 VDC }
inputs:
  pb: {}
  aux: {}
outputs:
  fwd:
    relay: wago-859-386
    load: { voltage: 24 VDC, current: 20 mA }
    feedback: { input: aux }
";

fn one() -> Folder {
    let folder = Folder::with(&[("one.ld", ONE), ("one.io.yaml", ONE_MAP)]);
    folder.write("wago-859-386.yaml", sheet());
    folder
}

/// A second of virtual time with the state in `s`.
fn second(folder: &Folder, program: &str, more: &[&str]) -> Seen {
    let words = ["run", program, "--virtual", "--for", "1s", "--state", "s"];
    folder.run(&[&words[..], more].concat())
}

/// The value that `retain show` gives for a path.
fn shown(folder: &Folder, path: &str) -> Option<String> {
    let seen = folder.run(&["retain", "show", "--state", "s"]).exits(0);
    let row = seen.out.lines().find(|line| line.starts_with(&format!("{path} ")))?.to_owned();
    row.split_whitespace().nth(2).map(str::to_owned)
}

fn number(folder: &Folder, path: &str) -> i64 {
    shown(folder, path).unwrap_or_else(|| panic!("{path} is not kept")).parse().unwrap()
}

#[test]
fn counters_go_on_where_they_stopped() {
    let folder = Folder::with(&[("c.st", COUNTS)]);
    second(&folder, "c.st", &[]).exits(0).out_has("nothing is kept yet in s");
    let first = number(&folder, "Counts.kept");
    assert!(first > 50, "{first}");
    assert_eq!(shown(&folder, "Counts.free"), None);
    second(&folder, "c.st", &[]).exits(0).out_has("back from s as of 20").out_has("4 values");
    assert_eq!((number(&folder, "Counts.kept"), number(&folder, "Counts.total")), (2 * first, 2 * first));
    assert_eq!(shown(&folder, "Counts.recipe[2]").as_deref(), Some("8"));
    // A cold start begins anew, but for what is PERSISTENT.
    second(&folder, "c.st", &["--cold"]).exits(0).out_has("3 reset by the cold start");
    assert_eq!((number(&folder, "Counts.kept"), number(&folder, "Counts.total")), (first, 3 * first));
}

#[test]
fn without_a_state_directory_nothing_is_kept_and_that_is_said() {
    let folder = Folder::with(&[("c.st", COUNTS)]);
    folder.run(&["run", "c.st", "--virtual", "--for", "1s"]).exits(0).out_has("`--state DIR` keeps them");
    folder.run(&["run", "c.st", "--virtual", "--for", "1s", "--cold"]).exits(2).err_has("`--cold` has no effect");
    folder.run(&["retain", "show", "--state", "s"]).exits(2).err_has("s is no state directory");
}

#[test]
fn a_changed_program_keeps_what_fits_and_says_what_does_not() {
    let folder = Folder::with(&[("c.st", COUNTS)]);
    second(&folder, "c.st", &[]).exits(0);
    let first = number(&folder, "Counts.kept");
    folder.write(
        "c.st",
        COUNTS.replace("recipe : ARRAY[1..2] OF INT := [7, 8]", "other : INT").replace("total : DINT", "total : LINT"),
    );
    second(&folder, "c.st", &[]).exits(0).out_has("S030").out_has("Counts.recipe[1], Counts.recipe[2], Counts.total");
    assert_eq!((number(&folder, "Counts.kept"), number(&folder, "Counts.total")), (2 * first, first));
    folder
        .run(&["retain", "show", "--state", "s"])
        .exits(0)
        .out_has("kept aside, because no variable of the program fits");
    // The first program again finds its recipe; its total has been another type's for a while.
    folder.write("c.st", COUNTS);
    second(&folder, "c.st", &[]).exits(0).out_has("3 of them had been aside");
    folder.run(&["retain", "clear", "--unmatched", "--state", "s"]).exits(0).out_has("2 records cleared");
    folder.run(&["retain", "clear", "--retain", "--state", "s"]).exits(0).out_has("3 records cleared");
    second(&folder, "c.st", &[]).exits(0);
    assert_eq!(number(&folder, "Counts.kept"), first);
}

#[test]
fn a_latch_survives_the_restart_and_an_acknowledgement_clears_it() {
    let folder = one();
    // The read-back reads on without a command: as bad as a welded contact.
    second(&folder, "one.ld", &["--set", "aux=true"]).exits(0).out_has("G11");
    folder.run(&["faults", "--state", "s"]).exits(0).out_has("G11 fwd: welded").out_has("not acknowledged");
    second(&folder, "one.ld", &[]).exits(0).out_has("fwd is latched since an earlier run").out_lacks("nothing is kept");
    folder.run(&["ack", "--state", "s"]).exits(2).err_has("open are: fwd");
    folder.run(&["ack", "rev", "--state", "s"]).exits(1).err_has("the store has no channel of this name");
    folder.run(&["ack", "fwd", "--state", "s"]).exits(0).out_has("fwd: acknowledged");
    folder.run(&["ack", "FWD", "--state", "s"]).exits(1).err_has("no fault is latched on this channel");
    second(&folder, "one.ld", &[]).exits(0).out_lacks("is latched since");
    folder.run(&["faults", "--state", "s"]).exits(0).out_has("acknowledged by ");
    let json = folder.run(&["faults", "--json", "--state", "s"]).exits(0);
    assert!(json.out.lines().count() == 1 && json.out.contains("\"channel\":\"fwd\""), "{}", json.out);
}

#[test]
fn a_fault_is_in_the_log_and_may_need_an_acknowledgement() {
    let folder = Folder::with(&[
        ("d.ld", DIVIDES),
        ("d.io.yaml", "inputs: { go: {} }\noutputs: { lamp: {} }\nfaults: { acknowledge: required }\n"),
    ]);
    second(&folder, "d.ld", &["--set", "go=true"]).exits(3);
    folder
        .run(&["faults", "--state", "s"])
        .exits(0)
        .out_has("F01 integer division")
        .out_has("program Divides, PROGRAM Divides, rung divide, d.ld:12:28")
        .out_has("blame: program");
    second(&folder, "d.ld", &[]).exits(3).err_has("error[S040]").err_has("plcrun ack --all");
    folder.run(&["ack", "--all", "--state", "s"]).exits(0).out_has("earlier runs: acknowledged");
    second(&folder, "d.ld", &[]).exits(0);
}

#[test]
fn a_damaged_store_is_refused_until_somebody_decides() {
    let folder = Folder::with(&[("c.st", COUNTS)]);
    second(&folder, "c.st", &[]).exits(0);
    folder.write("s/retained.redb", "no database");
    second(&folder, "c.st", &[]).exits(1).err_has("error[S010]").err_has("retain clear --damaged");
    folder.run(&["retain", "show", "--state", "s"]).exits(1).err_has("S010");
    folder
        .run(&["retain", "clear", "--damaged", "--state", "s"])
        .exits(0)
        .out_has("kept aside as s/retained.redb.bad-20");
    second(&folder, "c.st", &[]).exits(0).out_has("nothing is kept yet");
    folder.run(&["retain", "clear", "--damaged", "--state", "s"]).exits(2).err_has("not damaged");
    folder.write("s/retained.redb", "no database again");
    folder.write("c.io.yaml", "store: { on_damage: cold }\n");
    second(&folder, "c.st", &[]).exits(0).out_has("S011");
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(folder: &Folder, words: &[&str]) -> Running {
    let child = std::process::Command::new(env!("CARGO_BIN_EXE_plcrun"))
        .current_dir(folder.path("."))
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Running(child.unwrap())
}

/// Tries until it holds; a machine under load takes its time.
#[track_caller]
fn soon(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(40), "not in 40 s: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_running_program_answers_operators() {
    let folder = one();
    let mut running = start(&folder, &["run", "one.ld", "--state", "s", "--set", "aux=true"]);
    soon("the latch is in the log", || {
        folder.path("s/control.sock").exists() && folder.run(&["faults", "--state", "s"]).out.contains("G11")
    });
    folder.run(&["ack", "fwd", "--state", "s"]).exits(1).err_has("the feedback still reads on");
    folder.run(&["ack", "rev", "--state", "s"]).exits(1).err_has("there is no channel of this name");
    folder.run(&["retain", "clear", "--all", "--state", "s"]).exits(2).err_has("error[S002]");
    folder.run(&["run", "one.ld", "--state", "s"]).exits(2).err_has("error[S002]").err_has(&running.0.id().to_string());
    folder.run(&["retain", "export", "--state", "s"]).exits(0).out_has("\"fwd\"");
    // An ordered stop leaves no socket behind, and the store to others.
    let pid = rustix::process::Pid::from_child(&running.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
    assert!(!folder.path("s/control.sock").exists());
    folder.run(&["ack", "--all", "--state", "s"]).exits(0).out_has("fwd: acknowledged");
}

#[test]
fn an_acknowledgement_reaches_the_guard_of_a_running_program() {
    let folder = one();
    second(&folder, "one.ld", &["--set", "aux=true"]).exits(0);
    let _running = start(&folder, &["run", "one.ld", "--state", "s"]);
    soon("acknowledged", || folder.run(&["ack", "fwd", "--state", "s"]).out.contains("fwd: acknowledged"));
    soon("recorded", || folder.run(&["faults", "--state", "s"]).out.contains("acknowledged by "));
    soon("unlatched in the store", || {
        let seen = folder.run(&["retain", "show", "--state", "s"]);
        seen.out.lines().any(|line| line.starts_with("fwd ") && line.trim_end().ends_with('-'))
    });
}

#[test]
fn a_killed_program_has_lost_no_commit() {
    let folder = Folder::with(&[("c.st", COUNTS), ("c.io.yaml", "store: { max_age: 100 ms }\n")]);
    let mut last = 0;
    for _ in 0..3 {
        let mut running = start(&folder, &["run", "c.st", "--state", "s"]);
        let mut seen = last;
        soon("a newer value is committed", || {
            let out = folder.run(&["retain", "show", "--state", "s"]).out;
            let row = out.lines().find(|line| line.starts_with("Counts.kept "));
            seen = row.and_then(|row| row.split_whitespace().nth(2)?.parse().ok()).unwrap_or(last);
            seen > last
        });
        running.0.kill().unwrap();
        running.0.wait().unwrap();
        let kept = number(&folder, "Counts.kept");
        assert!(kept >= seen, "{seen} was committed, {kept} came back");
        last = kept;
    }
}

/// A program that switches its relay every 100 ms, on a map whose load spends the gold.
fn switches() -> Folder {
    let program = "PROGRAM One
VAR
  aux AT %IX0.0 : BOOL;
  fwd AT %QX0.0 : BOOL;
  lamp AT %QX0.1 : BOOL;
  t : TON;
END_VAR
  t(IN := NOT t.Q, PT := T#200ms);
  IF t.Q THEN fwd := NOT fwd; END_IF;
END_PROGRAM
";
    let map = "relays: [wago-859-386.yaml]
supply: { voltage: 36 VDC }
inputs: { aux: {} }
outputs:
  fwd: { relay: wago-859-386, load: { voltage: 230 VAC, current: 1 A } }
  lamp: {}
";
    let folder = Folder::with(&[("one.st", program), ("one.io.yaml", map)]);
    folder.write("wago-859-386.yaml", sheet());
    folder
}

/// The cells of a channel's row in the wear report.
fn worn(listing: &str, channel: &str) -> Vec<String> {
    let report = listing.split("\noperations of program ").nth(1).unwrap_or_else(|| panic!("no wear in {listing}"));
    let row = report.lines().find(|line| line.starts_with(&format!("{channel} "))).unwrap();
    row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
}

#[test]
fn the_wear_report_reads_the_store_of_a_stopped_and_of_a_running_program() {
    let folder = switches();
    // Nothing is known before a run, and that is said instead of zeros.
    folder
        .run(&["relays", "one.st"])
        .exits(0)
        .out_has("operations are not kept")
        .out_has("Gold layer limit")
        .out_lacks("per day");
    folder.run(&["relays", "one.st", "--state", "s"]).exits(0).out_has("nothing is kept yet in s").out_lacks("per day");
    folder.run(&["run", "one.st", "--virtual", "--for", "10s", "--state", "s"]).exits(0);
    let seen = folder.run(&["relays", "one.st", "--state", "s"]).exits(0);
    let row = worn(&seen.out, "fwd");
    let count: u64 = row[1].parse().unwrap();
    assert!((10..40).contains(&count), "{row:?}");
    assert_eq!(row[2], "0");
    assert_eq!(row[3], format!("{:.3} %", count as f64 / 500.0));
    // Ten seconds are no rate.
    assert_eq!(row[5..], ["unknown", "unknown", "spent", "-"]);
    assert_eq!(worn(&seen.out, "lamp")[3..], ["-", "-", "unknown", "-", "-", "-"]);
    folder.run(&["run", "one.st", "--virtual", "--for", "10min", "--state", "s"]).exits(0);
    let row = worn(&folder.run(&["relays", "one.st", "--state", "s"]).out, "fwd");
    let per_day: f64 = row[5].replace(' ', "").parse().unwrap();
    assert!((100_000.0..300_000.0).contains(&per_day), "{row:?}");
    assert!(row[6].starts_with("20"), "50 000 operations at that rate end today: {row:?}");

    let _running = start(&folder, &["run", "one.st", "--state", "s"]);
    soon("the running program answers", || {
        let seen = folder.run(&["relays", "one.st", "--state", "s", "--json"]);
        folder.path("s/control.sock").exists() && seen.code == Some(0) && operations(&seen.out) > count
    });
}

fn operations(json: &str) -> u64 {
    let object: serde_json::Value = serde_json::from_str(json).unwrap();
    let fwd = &object["channels"][0];
    assert_eq!(fwd["name"], "fwd");
    assert_eq!(fwd["electrical_life"], 50_000);
    assert_eq!(fwd["wear"]["gold_layer"], "spent");
    assert_eq!(object["sheets"][0]["rows"]["pull_in_time"], "8 ms");
    assert_eq!(object["channels"][1]["electrical_life"], serde_json::Value::Null);
    fwd["wear"]["loaded_operations"].as_u64().unwrap()
}

#[test]
fn the_wear_report_counts_a_new_module_from_zero_and_names_the_old_one() {
    let folder = switches();
    folder.run(&["run", "one.st", "--virtual", "--for", "10s", "--state", "s"]).exits(0);
    folder.write("new.yaml", sheet().replace("name: wago-859-386", "name: wago-new"));
    let map = folder
        .read("one.io.yaml")
        .replace("wago-859-386.yaml", "new.yaml")
        .replace("relay: wago-859-386", "relay: wago-new");
    folder.write("one.io.yaml", map);
    let seen = folder
        .run(&["relays", "one.st", "--state", "s"])
        .exits(0)
        .out_has("no channel of this map: fwd (wago-859-386)");
    assert_eq!(worn(&seen.out, "fwd")[1..4], ["0", "0", "0.000 %"]);
    // A store that cannot be read is a finding; the rest is still listed.
    folder.write("s/retained.redb", "no database");
    folder
        .run(&["relays", "one.st", "--state", "s"])
        .exits(1)
        .err_has("error[S010]")
        .out_has("the store cannot be read")
        .out_has("Gold layer");
}

/// A file system in memory with little room, mounted over a folder.
struct Small(std::path::PathBuf);

impl Small {
    /// `None` where this user may not mount.
    fn mount(path: std::path::PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&path).unwrap();
        let small = Self(path);
        small.mounted(&["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).then_some(small)
    }

    fn has_room(&self) {
        assert!(self.mounted(&["-o", "remount,size=64m"]));
    }

    fn mounted(&self, words: &[&str]) -> bool {
        let mut mount = std::process::Command::new("mount");
        mount.args(words).arg(&self.0).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success())
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_stops_nothing_is_told_once_and_is_over_when_there_is_room() {
    // The empty store finds room; its values do not.
    let large = "PROGRAM Large
VAR RETAIN n : DINT; more : ARRAY[1..40000] OF DINT; END_VAR
  n := n + 1;
END_PROGRAM
";
    let folder = Folder::with(&[("c.st", large)]);
    let Some(small) = Small::mount(folder.path("disk")) else {
        eprintln!("skipped: this user may not mount a small file system");
        return;
    };
    let log = std::fs::File::create(folder.path("log")).unwrap();
    let child = std::process::Command::new(env!("CARGO_BIN_EXE_plcrun"))
        .current_dir(folder.path("."))
        .args(["run", "c.st", "--state", "disk/s"])
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(Stdio::null())
        .spawn();
    let mut running = Running(child.unwrap());
    soon("S020 is told", || folder.read("log").contains("S020"));
    assert!(folder.read("log").contains("No space left on device"), "{}", folder.read("log"));
    let kept = |folder: &Folder| {
        let out = folder.run(&["retain", "show", "--state", "disk/s"]).out;
        let row = out.lines().find(|line| line.starts_with("Large.n "))?;
        row.split_whitespace().nth(2)?.parse::<i64>().ok()
    };
    assert_eq!(kept(&folder), None);
    small.has_room();
    soon("S021 is told", || folder.read("log").contains("retained store is written again"));
    // Not one scan was lost meanwhile.
    soon("it is kept", || kept(&folder).is_some_and(|n| n > 50));
    let pid = rustix::process::Pid::from_child(&running.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(running.0.wait().unwrap().code(), Some(0), "{}", folder.read("log"));
    assert_eq!(folder.read("log").matches("S020").count(), 1, "told once: {}", folder.read("log"));
}

#[test]
fn a_running_program_tells_how_it_does() {
    let folder = one();
    folder.run(&["status", "--state", "s"]).exits(2).err_has("s is no state directory");
    let running = start(
        &folder,
        &["run", "one.ld", "--state", "s", "--scan", "5ms", "--set", "aux=true", "--engine", "interpreter"],
    );
    soon("it answers", || folder.run(&["status", "--state", "s"]).code == Some(0));
    folder
        .run(&["status", "--state", "s"])
        .exits(0)
        .out_has("program   One, process ")
        .out_has("engine    interpreter")
        .out_has(", every 5 ms")
        .out_has("mode      running")
        .out_has("welded");
    let seen = |field: &str| {
        let json = folder.run(&["status", "--json", "--state", "s"]).exits(0).out;
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        value.pointer(field).unwrap_or_else(|| panic!("{field}: {json}")).as_u64().unwrap()
    };
    soon("ten scans", || seen("/scan") > 10);
    assert_eq!(seen("/timing/period_ns"), 5_000_000);
    for kind in ["scan", "wake", "jitter"] {
        let figures = ["count", "p50_ns", "p99_ns", "p999_ns", "max_ns"].map(|f| seen(&format!("/timing/{kind}/{f}")));
        assert!(figures[0] >= 10 && figures[1] > 0, "{kind}: {figures:?}");
    }
    // Counted anew at each question, not once.
    let before = seen("/timing/scan/count");
    soon("it goes on counting", || seen("/timing/scan/count") > before);
    drop(running);
    folder.run(&["status", "--state", "s"]).exits(1).err_has("no program runs on s").err_has("plcrun faults --state s");
}
