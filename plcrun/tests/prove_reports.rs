//! `plcrun prove`: pictures, folders, reports for others, limits, and every kind of property as docs/proof.md shows it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{Folder, Seen, programs};
use serde_json::Value;

/// Forward and reverse without the contacts that lock the reverse rung, on its map.
fn broken() -> Folder {
    let text = std::fs::read_to_string(programs().join("forward_reverse.ld")).unwrap();
    let broken = text.replace("NC(fwd_pb) NC(fwd) NC(fwd_off.Q) COIL(rev)", "COIL(rev)");
    assert_ne!(text, broken);
    let folder = Folder::with(&[("fr.ld", &broken)]);
    folder.write("fr.properties.yaml", std::fs::read(programs().join("forward_reverse.properties.yaml")).unwrap());
    let sheets = programs().join("../io-config/relays").canonicalize().unwrap();
    let map = std::fs::read_to_string(programs().join("forward_reverse.io.yaml")).unwrap();
    folder.write("fr.io.yaml", map.replace("../io-config/relays", &sheets.display().to_string()));
    folder
}

/// Row of a drawing by the name at its beginning.
fn row<'t>(text: &'t str, name: &str) -> &'t str {
    let found = text.lines().find(|line| line.trim_start().starts_with(name) && line.contains(['#', '_']));
    found.unwrap_or_else(|| panic!("no row {name} in\n{text}"))
}

#[test]
fn a_refutation_is_drawn_with_what_matters() {
    let seen = broken().run(&["prove", "fr.ld", "--only", "reversing-lock", "--ascii"]).exits(1);
    let drawn = &seen.out;
    let (fwd, rev) = (row(drawn, "fwd  "), row(drawn, "rev  "));
    assert!(fwd.contains("coil") && fwd.contains("##__") && !fwd.contains("__##"), "{drawn}");
    assert!(rev.contains("coil") && rev.contains("__##") && !rev.contains("##__"), "{drawn}");
    assert!(row(drawn, "fwd_pb").contains("input"), "{drawn}");
    // The lamps and read-backs take no part in the question.
    assert!(!drawn.contains("lamp") && !drawn.contains("_aux"), "{drawn}");
    seen.out_has("rev less than 2 s after fwd ^");
}

#[test]
fn a_long_wait_is_cut_short_in_the_picture() {
    let text = "PROGRAM P\nVAR a AT %IX0.0 : BOOL; q AT %QX0.0 : BOOL; other AT %QX0.1 : BOOL; t : TON; END_VAR\n\
        (*# { id: never, kind: invariant, expr: NOT q } *)\nLADDER\nRUNG w: NO(a) t(PT := T#1h) COIL(q);\n\
        RUNG o: NC(a) COIL(other);\nEND_LADDER\nEND_PROGRAM\n";
    let folder = Folder::with(&[("p.ld", text)]);
    let seen = folder.run(&["prove", "p.ld", "--only", "never", "--ascii"]).exits(1);
    let seen = seen.out_has("~~ not to scale").out_has("not: NOT q ^").out_lacks("other");
    assert!(seen.out.lines().all(|line| line.chars().count() < 130), "{}", seen.out);
    assert!(row(&seen.out, "q  ").contains("__#"), "{}", seen.out);
}

#[test]
fn the_picture_is_written_beside_the_test() {
    let folder = broken();
    folder
        .run(&["prove", "fr.ld", "--only", "reversing-lock", "--write", "ways"])
        .exits(1)
        .err_has("reversing-lock.svg");
    let svg = folder.read("ways/fr.reversing-lock.svg");
    let document = roxmltree::Document::parse(&svg).unwrap();
    assert_eq!(document.root_element().tag_name().name(), "svg");
    let texts: Vec<&str> = document.descendants().filter_map(|node| node.text()).map(str::trim).collect();
    for wanted in ["fwd", "rev", "fwd_pb", "reversing-lock: at least 2 s between two of fwd, rev"] {
        assert!(texts.contains(&wanted), "{wanted}: {texts:?}");
    }
    folder.run(&["test", "ways"]).exits(1).out_has("reversing-lock ... FAILED").out_has("does not hold: rev is TRUE");
}

/// The schema of SARIF, as lint's own tests use it.
fn sarif_validator() -> jsonschema::Validator {
    let path = programs().parent().unwrap().join("lint/tests/schema/sarif-2.1.0.json");
    let mut schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for of in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][of]["properties"]["language"];
        language.as_object_mut().unwrap().remove("pattern").unwrap();
    }
    jsonschema::validator_for(&schema).unwrap()
}

#[test]
fn answers_are_written_for_other_tools() {
    let folder = broken();
    folder.write(
        "fr.ld",
        folder.read("fr.ld").replace(
            "LADDER\nRUNG ready",
            "(*# { id: hollow, kind: invariant, when: fwd AND NOT fwd, expr: rev } *)\nLADDER\nRUNG ready",
        ),
    );
    assert!(folder.read("fr.ld").contains("hollow"));
    let words = ["prove", "fr.ld", "--sarif", "p.sarif", "--junit", "p.xml", "--gitlab", "p.json"];
    folder.run(&words).exits(1);
    let log: Value = serde_json::from_str(&folder.read("p.sarif")).unwrap();
    let validator = sarif_validator();
    let wrong: Vec<String> = validator.iter_errors(&log).map(|e| e.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{log:#}");
    let results = log["runs"][0]["results"].as_array().unwrap();
    let of = |id: &str| {
        let named = |r: &&Value| r["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == id;
        results.iter().find(named).unwrap_or_else(|| panic!("{id}: {log:#}"))
    };
    let lock = of("reversing-lock");
    assert_eq!((&lock["ruleId"], &lock["level"]), (&"P001".into(), &"error".into()));
    let place = &lock["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "fr.properties.yaml");
    let line = usize::try_from(place["region"]["startLine"].as_u64().unwrap()).unwrap();
    assert!(folder.read("fr.properties.yaml").lines().nth(line - 1).unwrap().contains("id: reversing-lock"));
    let rungs: Vec<(String, String)> = lock["relatedLocations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| {
            let line = usize::try_from(r["physicalLocation"]["region"]["startLine"].as_u64().unwrap()).unwrap();
            let text = folder.read("fr.ld").lines().nth(line - 1).unwrap().to_owned();
            (r["message"]["text"].as_str().unwrap().to_owned(), text)
        })
        .collect();
    let has = |said: &str, rung: &str| rungs.iter().any(|(s, t)| s == said && t.starts_with(rung));
    assert!(
        has("rung reverse writes rev", "RUNG reverse") && has("rung forward writes fwd", "RUNG forward"),
        "{rungs:?}"
    );
    let hollow = of("hollow");
    assert_eq!((&hollow["ruleId"], &hollow["level"]), (&"P002".into(), &"warning".into()));
    assert_eq!(hollow["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "fr.ld");
    // What holds is no result.
    assert!(results.iter().all(|r| r["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] != "never-both"));

    let xml = folder.read("p.xml");
    let document = roxmltree::Document::parse(&xml).unwrap();
    let suite = document.descendants().find(|n| n.has_tag_name("testsuite")).unwrap();
    let cases: Vec<_> = suite.children().filter(|n| n.has_tag_name("testcase")).collect();
    let failed: Vec<_> = cases.iter().filter(|c| c.children().any(|n| n.has_tag_name("failure"))).collect();
    let count = |name: &str| suite.attribute(name).unwrap().parse::<usize>().unwrap();
    assert_eq!((count("tests"), count("failures"), count("errors")), (cases.len(), failed.len(), 0));
    let lock = failed.iter().find(|c| c.attribute("name") == Some("reversing-lock")).unwrap();
    assert!(lock.descendants().any(|n| n.text().is_some_and(|t| t.contains("█") && t.contains("rev_pb"))), "{xml}");
    assert!(cases.iter().any(|c| c.attribute("name") == Some("never-both")), "{xml}");

    let list: Vec<Value> = serde_json::from_str(&folder.read("p.json")).unwrap();
    assert!(list.iter().any(|row| row["check_name"] == "P001" && row["severity"] == "critical"), "{list:?}");
    assert!(list.iter().any(|row| row["check_name"] == "P002" && row["severity"] == "major"), "{list:?}");
    folder.run(&["prove", "fr.ld", "--junit", "fr.ld"]).exits(2).err_has("would be overwritten");
}

#[test]
fn what_is_not_known_is_a_warning_and_an_error_of_junit() {
    let text = "PROGRAM P\nVAR a AT %IW0 : INT; r : REAL; y : BOOL; END_VAR\n\
        (*# { id: never, kind: invariant, expr: NOT y } *)\nr := INT_TO_REAL(a) * 0.0;\ny := r > 1.0;\nEND_PROGRAM\n";
    let folder = Folder::with(&[("p.st", text)]);
    folder.run(&["prove", "p.st", "--sarif", "p.sarif", "--junit", "p.xml"]).exits(4);
    let log: Value = serde_json::from_str(&folder.read("p.sarif")).unwrap();
    let result = &log["runs"][0]["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&"P003".into(), &"warning".into()), "{log:#}");
    assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 3, "{log:#}");
    let xml = folder.read("p.xml");
    let document = roxmltree::Document::parse(&xml).unwrap();
    let errors = document.descendants().filter(|n| n.has_tag_name("error")).count();
    assert_eq!((errors, document.root_element().attribute("errors")), (1, Some("1")), "{xml}");
}

#[test]
fn a_fault_names_its_place_and_a_loop_without_end_is_one() {
    let text = "PROGRAM P\nVAR d AT %IW0 : INT; i : INT; END_VAR\nWHILE i <> d DO\n  i := i + 2;\nEND_WHILE;\ni := 0;\nEND_PROGRAM\n";
    let folder = Folder::with(&[("p.st", text)]);
    let seen = folder.run(&["prove", "p.st", "--sarif", "p.sarif"]).exits(1);
    seen.out_has("no-fault: REFUTED").out_has("scan budget spent").out_has("p.st:3:");
    let log: Value = serde_json::from_str(&folder.read("p.sarif")).unwrap();
    let related = &log["runs"][0]["results"][0]["relatedLocations"][0];
    assert_eq!(related["physicalLocation"]["region"]["startLine"], 3, "{log:#}");
}

#[test]
fn a_folder_is_asked_program_by_program() {
    let good = "PROGRAM P\nVAR a AT %IX0.0 : BOOL; q AT %QX0.0 : BOOL; END_VAR\nLADDER\nRUNG r: NO(a) COIL(q);\nEND_LADDER\nEND_PROGRAM\n";
    let bad = good.replace("LADDER\nRUNG", "(*# { id: off, kind: invariant, expr: NOT q } *)\nLADDER\nRUNG");
    let folder =
        Folder::with(&[("plant/a.ld", good), ("plant/b.ld", &bad), ("plant/c.ld", "PROGRAM C\nVAR x : BOOL END")]);
    let words = ["prove", "plant", "--jobs", "2", "--json", "--junit", "p.xml", "--sarif", "p.sarif"];
    let seen = folder.run(&words).exits(1);
    let answers: Vec<Value> = seen.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<(&str, &str, &str)> = answers
        .iter()
        .map(|a| (a["program"].as_str().unwrap(), a["id"].as_str().unwrap(), a["answer"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("plant/a.ld", "no-fault", "proved"),
            ("plant/a.ld", "off-at-once", "proved"),
            ("plant/b.ld", "no-fault", "proved"),
            ("plant/b.ld", "off", "refuted"),
            ("plant/b.ld", "off-at-once", "proved")
        ]
    );
    assert_eq!((&answers[3]["file"], &answers[3]["line"]), (&"plant/b.ld".into(), &3.into()), "{}", seen.out);
    assert_eq!(answers[3]["said"], "not: NOT q");
    assert_eq!(answers[4]["kind"], "relay-guard");
    let log: Value = serde_json::from_str(&folder.read("p.sarif")).unwrap();
    let codes: Vec<&str> =
        log["runs"][0]["results"].as_array().unwrap().iter().map(|r| r["ruleId"].as_str().unwrap()).collect();
    assert_eq!(codes, ["P001", "P005"], "{log:#}");
    assert!(folder.read("p.xml").contains("the properties can be asked"));
    let seen = folder.run(&["prove", "plant"]).exits(1);
    seen.out_has("plant/a.ld\n")
        .out_has("3 programs: 3 properties: 2 hold, 1 do not, 0 unknown; 1 program could not be asked");
    folder.run(&["prove", "plant", "--only", "nothing-of-this-name"]).exits(1).err_has("error");
    folder.run(&["prove", "plant", "--properties", "x.yaml"]).exits(2).err_has("a folder may hold several");
}

/// The order of answers does not depend on who is ready first.
#[test]
fn several_properties_at_a_time_give_the_same_answers() {
    let told = |jobs: &str| -> Vec<(String, String)> {
        let path = programs().join("star_delta.ld");
        let seen = Folder::new().run(&["prove", path.to_str().unwrap(), "--jobs", jobs, "--json"]).exits(0);
        let answer = |line: &str| {
            let answer: Value = serde_json::from_str(line).unwrap();
            (answer["id"].to_string(), answer["answer"].to_string())
        };
        seen.out.lines().map(answer).collect()
    };
    let one = told("1");
    assert!(one.len() > 8, "{one:?}");
    assert_eq!(one, told("4"));
}

/// A question nobody answers soon: no two numbers have this prime as their product.
const HARD: &str = "PROGRAM P\nVAR a AT %IL0 : LINT; b AT %IL8 : LINT; y : BOOL; END_VAR\n\
    (*# { id: prime, kind: invariant, expr: NOT y } *)\n\
    y := a > 1 AND b > 1 AND a < 2147483648 AND b < 2147483648 AND a * b = 2305843009213693951;\nEND_PROGRAM\n";

#[test]
fn limits_end_as_unknown_with_what_was_reached() {
    let folder = Folder::with(&[("p.st", HARD)]);
    let seen = folder.run(&["prove", "p.st", "--time-limit", "300ms"]).exits(4);
    seen.out_has("prime: UNKNOWN (the time limit of 0.3 s ended the search; it cannot be broken within");
    // The same with some thirty products more: the question alone is larger than the limit.
    let large = HARD.replace("END_VAR", "x : ARRAY [0..30] OF LINT; i : INT; END_VAR").replace(
        "y := a > 1",
        "FOR i := 0 TO 30 DO x[i] := a * (b + x[i]); END_FOR;\ny := x[3] = x[7] AND x[4] = x[5] + 1 AND a > 1",
    );
    folder.write("p.st", large);
    let seen = folder.run(&["prove", "p.st", "--memory-limit", "32", "--time-limit", "50s"]);
    seen.exits(4).out_has("prime: UNKNOWN (the memory limit ended the search; it cannot be broken within");
    folder.run(&["prove", "p.st", "--memory-limit", "1"]).exits(2);
}

#[test]
fn a_terminal_sees_how_far_it_is() {
    let folder = Folder::with(&[("p.st", HARD)]);
    let terminal = common::Terminal::open();
    let mut child = terminal.command(&folder, &["prove", "p.st", "--time-limit", "1500ms"]).spawn().unwrap();
    terminal.wait_for(" of 2 properties");
    terminal.wait_for("prime: ");
    assert_eq!(child.wait().unwrap().code(), Some(4));
}

/// Every example of a kind in docs/proof.md, on the program that stands there.
#[test]
fn the_kinds_of_the_documentation_answer_as_it_says() {
    let docs = std::fs::read_to_string(programs().parent().unwrap().join("docs/proof.md")).unwrap();
    let block = |head: &str| {
        let at = docs.find(head).unwrap_or_else(|| panic!("docs/proof.md has no `{head}`"));
        let end = docs[at..].find("\n```").unwrap();
        docs[at..at + end + 1].to_owned()
    };
    let folder = Folder::with(&[
        ("mixer.ld", &block("PROGRAM Mixer")),
        ("mixer.properties.yaml", &block("properties:\n  # One of each kind")),
    ]);
    let seen = folder.run(&["prove", "mixer.ld", "--json"]).exits(0);
    let kinds: Vec<String> = seen
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["kind"].as_str().unwrap().to_owned())
        .collect();
    for kind in
        ["invariant", "never-together", "dead-time", "responds", "holds", "reachable", "stays-safe", "terminates"]
    {
        assert!(kinds.iter().any(|k| k == kind), "{kind} has no example: {kinds:?}");
        assert!(docs.contains(&format!("| `{kind}` |")), "{kind} is not in the table");
    }
}

const LATCHING: &str = "PROGRAM P\nVAR go AT %IX0.0 : BOOL; trip AT %IX0.1 : BOOL; ack AT %IX0.2 : BOOL;\n\
    motor AT %QX0.0 : BOOL; brake AT %QX0.1 : BOOL; tripped : BOOL; END_VAR\nLADDER\n\
    RUNG trip: NO(trip) SET(tripped);\nRUNG ack: NC(trip) NO(ack) RST(tripped);\n\
    RUNG motor: NO(go) NC(tripped) COIL(motor);\nRUNG brake: [NO(tripped), NC(go)] COIL(brake);\nEND_LADDER\nEND_PROGRAM\n";

/// The safe value of an output is that of the I/O map; left out, the outputs are those that do not start by themselves.
#[test]
fn outputs_stay_safe_until_acknowledged() {
    let map = "inputs: { go: {}, trip: {}, ack: {} }\noutputs:\n  motor: {}\n  brake: { safe: on, safe_reason: holds the load }\n";
    let property = "properties:\n  - { id: safe, kind: stays-safe, fault: trip, acknowledged: ack }\n";
    let folder = Folder::with(&[("p.ld", LATCHING), ("p.properties.yaml", property), ("p.io.yaml", map)]);
    let seen = |folder: &Folder| folder.run(&["prove", "p.ld", "--only", "safe", "--json"]);
    let answer = |seen: &Seen| serde_json::from_str::<Value>(seen.out.lines().next().unwrap()).unwrap();
    let told = answer(&seen(&folder).exits(0));
    assert_eq!(
        (&told["answer"], &told["says"]),
        (&"proved".into(), &"from trip until ack: NOT motor AND brake".into())
    );
    // Without the map the brake's safe value would be off, which the program does not give.
    std::fs::remove_file(folder.path("p.io.yaml")).unwrap();
    assert_eq!(answer(&seen(&folder).exits(1))["answer"], "refuted");
    folder.write("p.io.yaml", map);
    // A trip that holds only while it lasts.
    folder.write("p.ld", LATCHING.replace("NC(trip) NO(ack) RST(tripped)", "NC(trip) RST(tripped)"));
    let told = answer(&seen(&folder).exits(1));
    assert_eq!(told["answer"], "refuted");
    assert!(told["said"].as_str().unwrap().starts_with("not acknowledged since trip, but not:"), "{told:#}");
    folder.run(&["prove", "p.ld", "--only", "safe", "--write", "w"]).exits(1);
    folder.run(&["test", "w"]).exits(1).out_has("safe ... FAILED");
    // Nothing to be safe about.
    folder.write(
        "p.properties.yaml",
        "properties:\n  - { id: safe, kind: stays-safe, fault: trip, acknowledged: ack, expr: go OR NOT go }\n",
    );
    folder.run(&["prove", "p.ld", "--only", "safe"]).exits(1).out_has("HOLDS FOR NOTHING");
    folder.write("p.properties.yaml", "properties:\n  - { id: safe, kind: stays-safe, fault: trip }\n");
    folder.run(&["prove", "p.ld"]).exits(1).err_has("has no `acknowledged`");
}

/// `stop_ok` is never opened in the test: what holds its contact is the property.
const SEAL_TEST: &str = "program: seal.ld\ntests:\n  - name: starts\n    steps:\n      - { at: 1 s, set: { stop_ok: true }, press: start }\n      \
    - { at: 2 s, expect: motor }\n";
const SEAL_PROPERTY: &str =
    "properties:\n  - { id: stop-stops, kind: invariant, when: NOT stop_ok, expr: NOT motor }\n";

#[test]
fn proofs_kill_mutants_and_survivors_are_explained() {
    let map = "inputs: { start: {}, stop_ok: {} }\noutputs:\n  motor: { restart: auto, restart_reason: a test }\n";
    let folder = Folder::with(&[("seal.ld", common::SEAL), ("seal.test.yaml", SEAL_TEST), ("seal.io.yaml", map)]);
    let bridged = "contact bridged: NO(stop_ok) -> WIRE()";
    folder.run(&["mutate", "seal.test.yaml"]).exits(0).out_has(&format!("survived: {bridged}"));
    folder.write("seal.properties.yaml", SEAL_PROPERTY);
    folder.run(&["mutate", "seal.test.yaml", "--tests-only"]).exits(0).out_has(bridged);
    let seen = folder.run(&["mutate", "seal.test.yaml"]).exits(0).out_lacks(bridged).out_has("by proofs)");
    // What is left can be explained; the figure stays.
    let survivor = seen.out.lines().find_map(|line| line.split_once("survived: ")).map(|(_, told)| told.to_owned());
    let survivor = survivor.unwrap_or_else(|| panic!("nothing survives: {}", seen.out));
    let (_, change) = survivor.split_once(": ").unwrap();
    let entry = |change: &str| {
        format!("mutate:\n  explained:\n    - {{ file: seal.ld, change: \"{change}\", reason: nobody asks }}\n")
    };
    folder.write("plcrun.yaml", entry(change));
    let explained = folder.run(&["mutate", "seal.test.yaml"]).exits(0);
    let explained =
        explained.out_has(&format!("survived: {survivor}\n  explained: nobody asks")).out_has("explained): ");
    assert_eq!(explained.out.rsplit(": ").next(), seen.out.rsplit(": ").next(), "{}", explained.out);
    let objects = folder.run(&["mutate", "seal.test.yaml", "--json"]).exits(0);
    let objects: Vec<Value> = objects.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(objects.iter().any(|o| o["property"] == "stop-stops" && o["verdict"] == "killed"), "{objects:#?}");
    assert!(objects.iter().any(|o| o["explained"] == "nobody asks" && o["verdict"] == "survived"), "{objects:#?}");
    folder.write("plcrun.yaml", entry("NO(nothing) -> WIRE()"));
    folder
        .run(&["mutate", "seal.test.yaml"])
        .exits(0)
        .err_has("plcrun.yaml:3:7: no survivor is a `NO(nothing) -> WIRE()`");
    folder.write("plcrun.yaml", "mutate: { explain: [] }\n");
    folder.run(&["mutate", "seal.test.yaml"]).exits(2).err_has("did you mean `explained`?").err_has("plcrun.yaml:1:");
    // A property that is broken already would kill everything.
    folder.write("plcrun.yaml", "");
    folder.write("seal.properties.yaml", SEAL_PROPERTY.replace("NOT motor }", "motor }"));
    folder
        .run(&["mutate", "seal.test.yaml"])
        .exits(1)
        .err_has("the property `stop-stops` does not hold on seal.ld as it stands");
}

/// Nothing in this program keeps the two apart: the contacts are kept apart by the relay guard, and that is proved.
#[test]
fn contacts_are_proved_apart_where_the_program_locks_nothing() {
    let text = "PROGRAM P\nVAR a AT %IX0.0 : BOOL; b AT %IX0.1 : BOOL; f AT %QX0.0 : BOOL; r AT %QX0.1 : BOOL; END_VAR\n\
                (*# { id: commands, kind: never-together, of: [f, r] } *)\nf := a; r := b;\nEND_PROGRAM\n";
    let relay =
        "{ relay: wago-859-386, load: { voltage: 24 VDC, current: 40 mA, kind: inductive, suppression: diode } }";
    let map = format!(
        "relays: [wago-859-386.yaml]\nsupply: {{ voltage: 36 VDC }}\ninputs:\n  a: {{}}\n  b: {{}}\noutputs:\n  f: {relay}\n  r: {relay}\n\
         interlocks:\n  - {{ name: ways, channels: [f, r], dead_time: 100 ms }}\n"
    );
    let folder = Folder::with(&[("p.st", text), ("p.io.yaml", &map), ("wago-859-386.yaml", &common::sheet())]);
    folder
        .run(&["prove", "p.st"])
        .exits(1)
        .out_has("commands: REFUTED")
        .out_has("contacts-ways: proved (relay guard, whatever is commanded: ")
        .out_has("contacts-ways-dead-time: proved")
        .out_has("hold, whatever the program commands");
    folder.run(&["prove", "p.st", "--only", "contacts-way"]).exits(0).out_has("relay guard: 2 of 2 properties hold");
    // A whole name means that property alone.
    let alone = "relay guard: 1 of 1 property holds, whatever";
    folder.run(&["prove", "p.st", "--only", "contacts-ways"]).exits(0).out_has(alone);
}
