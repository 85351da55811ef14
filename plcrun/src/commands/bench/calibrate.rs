//! What instructions of each class cost on this machine: measured with one small program for each class, kept in a file.
//!
//! A program consists of instructions of its class as far as the language allows; what else is in it is taken off with the costs
//! found before. So the order of [`PROGRAMS`] matters. Figures are the middle of several batches.

use super::engines::{self, Work};
use super::report::Host;
use crate::args::EngineChoice;
use crate::exit::Refusal;
use crate::files;
use bytecode::VerifiedImage;
use compiler::source::SourceMap;
use lint::cost::{Class, Settings, Weights, program};
use runtime::clock::monotonic_ns;
use runtime::vm::{Budget, Engine, Memory};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// Statements of a program: enough that entering it does not count, few enough to stay in the nearest cache.
const STATEMENTS: usize = 200;
/// Batches of a program, and how long each lasts at least.
const BATCHES: usize = 9;
const BATCH_NS: u64 = 400_000;
/// More than any of these programs needs in a scan.
const BUDGET: u64 = 1 << 40;
const PS_PER_US: f64 = 1e6;

/// Costs of the engines of a machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    /// Name of each engine with its costs.
    pub engines: Vec<(String, Weights)>,
    /// Where they come from, for people.
    pub origin: String,
}

/// Measures engines.
///
/// # Errors
/// A program of the calibration does not run: a defect of plcrun.
pub fn measure(engines: &[EngineChoice]) -> Result<Calibration, Refusal> {
    let images = images()?;
    let measured = engines.iter().filter_map(|engine| Some((*engine, engines::with(*engine, Calibrate(&images))?)));
    let engines =
        measured.map(|(engine, weights)| Ok((engines::name(engine), weights?))).collect::<Result<_, Refusal>>()?;
    Ok(Calibration { engines, origin: format!("measured now on {}", Host::of_this_machine().words()) })
}

/// Writes costs to a file.
///
/// # Errors
/// It cannot be written.
pub fn write(calibration: &Calibration, path: &Path) -> Result<(), Refusal> {
    let engines: Map<String, Value> = calibration.engines.iter().map(|(name, w)| (name.clone(), classes(w))).collect();
    let Host { processor, cpus, kernel, date } = Host::of_this_machine();
    let value = json!({
        "kind": KIND, "version": env!("CARGO_PKG_VERSION"), "optimised_build": !cfg!(debug_assertions),
        "host": { "processor": processor, "cpus": cpus, "kernel": kernel, "date": date },
        "microseconds_per_instruction": engines,
    });
    // Our own structure always has a JSON form.
    let text = serde_json::to_string_pretty(&value).unwrap_or_default();
    files::write_atomically(path, format!("{text}\n").as_bytes())
}

/// What the file says it is.
const KIND: &str = "plcrun calibration";

fn classes(weights: &Weights) -> Value {
    #[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
    let of = |class: &Class| (class.key().to_owned(), json!(weights.get(*class) as f64 / PS_PER_US));
    Value::Object(Class::ALL.iter().map(of).collect())
}

/// Reads costs from a file.
///
/// # Errors
/// It cannot be read, or is none of these.
pub fn read(path: &Path) -> Result<Calibration, Refusal> {
    let text = files::read_text(path)?;
    let refuse = |why: String| {
        Refusal::findings(
            format!("{} is no calibration: {why}", files::shown(path)),
            "`plcrun bench FILE --calibrate THIS_FILE` makes it anew",
        )
    };
    let value: Value = serde_json::from_str(&text).map_err(|e| refuse(e.to_string()))?;
    if value.get("kind").and_then(Value::as_str) != Some(KIND) {
        return Err(refuse(format!("`kind` is not `{KIND}`")));
    }
    let engines = value.get("microseconds_per_instruction").and_then(Value::as_object);
    let engines = engines.ok_or_else(|| refuse("`microseconds_per_instruction` is missing".to_owned()))?;
    let mut calibration = Calibration { engines: Vec::new(), origin: format!("as {} says", files::shown(path)) };
    for (name, costs) in engines {
        let mut weights = Weights::default();
        for class in Class::ALL {
            let cost = costs.get(class.key()).and_then(Value::as_f64).filter(|us| (0.0..=1e6).contains(us));
            let us = cost.ok_or_else(|| refuse(format!("`{name}` has no time for `{}`", class.key())))?;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10^12")]
            weights.set(*class, (us * PS_PER_US).round() as u64);
        }
        calibration.engines.push((name.clone(), weights));
    }
    if calibration.engines.is_empty() { Err(refuse("it names no engine".to_owned())) } else { Ok(calibration) }
}

/// A program with the class it is for.
type Images = Vec<(Class, VerifiedImage)>;

fn images() -> Result<Images, Refusal> {
    PROGRAMS.iter().map(|(class, text)| Ok((*class, compiled(*class, &text())?))).collect()
}

fn defect(class: Class, why: &str) -> Refusal {
    Refusal::findings(
        format!("the calibration of `{}` failed: {why}", class.key()),
        "this is a defect of plcrun: please report it",
    )
}

fn compiled(class: Class, text: &str) -> Result<VerifiedImage, Refusal> {
    let mut map = SourceMap::new();
    let file = map.add(format!("{}.st", class.key()), text.to_owned());
    let compiled = compiler::compile(&map, &[file], compiler::Options::default());
    let why = || compiled.diagnostics.first().map_or_else(String::new, |d| d.message.clone());
    let image = compiled.image.ok_or_else(|| defect(class, &why()))?;
    bytecode::verify(image).map_err(|e| defect(class, &e.to_string()))
}

struct Calibrate<'a>(&'a Images);

impl Work for Calibrate<'_> {
    type Out = Result<Weights, Refusal>;

    fn run<E: Engine + Send + 'static>(self) -> Self::Out {
        let mut weights = Weights::default();
        for (class, image) in self.0 {
            let scan_ps = scan_ps::<E>(image).map_err(|why| defect(*class, &why))?;
            let found = program(image, 0, &Settings { weights, budget: BUDGET, open: &[] });
            let count = found.cost.class(*class);
            if !found.is_bound() || count == 0 {
                return Err(defect(*class, "its program has no instruction of the class, or no bound"));
            }
            // With the weight of its own class still 0, the time by weights is that of everything else.
            weights.set(*class, scan_ps.saturating_sub(found.cost.picoseconds) / count);
        }
        Ok(weights)
    }
}

/// Picoseconds of a scan: the middle of some batches.
fn scan_ps<E: Engine>(image: &VerifiedImage) -> Result<u64, String> {
    let (mut engine, mut memory) = (E::load(image), Memory::new(image));
    let mut now_ns = 0;
    let mut batch = |scans: u64| {
        let began_ns = monotonic_ns();
        for _ in 0..scans {
            now_ns += 10_000_000;
            engine
                .run(&mut memory, 0, now_ns, &mut Budget::new(BUDGET))
                .map_err(|trap| format!("{} {}", trap.code.code(), trap.code.text()))?;
        }
        Ok::<u64, String>(monotonic_ns().saturating_sub(began_ns).max(1))
    };
    let mut scans = 1;
    while batch(scans)? < BATCH_NS {
        scans *= 2;
    }
    let mut times = (0..BATCHES).map(|_| batch(scans)).collect::<Result<Vec<u64>, String>>()?;
    times.sort_unstable();
    Ok(times.get(times.len() / 2).copied().unwrap_or(0).saturating_mul(1000) / scans)
}

/// One program for each class. What one needs beside its class stands before it.
const PROGRAMS: [(Class, fn() -> String); Class::COUNT] = [
    (Class::Logic, logic),
    (Class::Integer, integer),
    (Class::Real, real),
    (Class::Division, division),
    (Class::Conversion, conversion),
    (Class::Mathematics, mathematics),
    (Class::Bit, bit),
    (Class::Element, element),
    (Class::Copy, copy),
    (Class::Branch, branch),
    (Class::Call, call),
    (Class::Reference, reference),
];

/// A program of numbered statements; each is given its number and those of two others.
fn text(units: &str, variables: &str, statement: impl Fn(usize, usize, usize) -> String) -> String {
    let mut text = format!("{units}PROGRAM main\nVAR\n{variables}END_VAR\n");
    for n in 0..STATEMENTS {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {}", statement(n, (n + STATEMENTS - 1) % STATEMENTS, (n * 7 + 3) % STATEMENTS));
    }
    text.push_str("END_PROGRAM\n");
    text
}

/// `v0 : TYPE := start; v1 ...`.
fn variables(prefix: &str, rest: &str) -> String {
    (0..STATEMENTS).map(|n| format!("  {prefix}{n} : {rest};\n")).collect()
}

fn logic() -> String {
    text("", &variables("b", "BOOL"), |n, a, c| format!("b{n} := (b{a} OR b{n}) AND NOT b{c};"))
}

fn integer() -> String {
    text("", &variables("d", "DINT := 3"), |n, a, c| format!("d{n} := MAX(d{a} + d{c}, d{n} - 5);"))
}

fn real() -> String {
    text("", &variables("r", "REAL := 1.5"), |n, a, c| format!("r{n} := (r{a} - r{n}) * 0.5 + r{c};"))
}

fn division() -> String {
    let all = variables("d", "DINT := 1000") + &variables("k", "DINT := 7");
    text("", &all, |n, a, c| format!("d{n} := d{a} / k{n} + d{c} MOD k{a};"))
}

fn conversion() -> String {
    let all = variables("d", "DINT := 3") + &variables("r", "REAL") + &variables("i", "INT");
    text("", &all, |n, a, _| {
        format!("r{n} := DINT_TO_REAL(d{n}); i{n} := DINT_TO_INT(d{a}); d{n} := REAL_TO_DINT(r{a});")
    })
}

fn mathematics() -> String {
    text("", &variables("r", "REAL := 0.5"), |n, a, c| match n % 4 {
        0 => format!("r{n} := SQRT(ABS(r{a}));"),
        1 => format!("r{n} := SIN(r{c});"),
        2 => format!("r{n} := EXP(r{a} - 1.0);"),
        _ => format!("r{n} := ATAN(r{c});"),
    })
}

fn bit() -> String {
    let place = |n: usize| format!("{}.{}", n / 8, n % 8);
    let row = |n: usize| format!("  x{n} AT %IX{} : BOOL;\n  y{n} AT %QX{} : BOOL;\n", place(n), place(n));
    text("", &(0..STATEMENTS).map(row).collect::<String>(), |n, _, c| format!("y{n} := x{c};"))
}

fn element() -> String {
    let all = variables("k", "DINT := 5") + &variables("d", "DINT") + "  a : ARRAY[0..63] OF DINT;\n";
    text("", &all, |n, b, c| format!("d{n} := a[k{c}]; a[k{b}] := d{c};"))
}

fn copy() -> String {
    let all = variables("a", "ARRAY[0..63] OF DINT");
    text("", &all, |n, a, _| format!("a{n} := a{a};"))
}

fn branch() -> String {
    let all = variables("b", "BOOL") + &variables("d", "DINT");
    text("", &all, |n, _, c| format!("IF b{c} THEN d{n} := d{n} / 3; END_IF;"))
}

/// A body that may fault is called and not put in its place.
fn call() -> String {
    let unit = "FUNCTION_BLOCK Part\nVAR_INPUT k : DINT := 3; END_VAR\nVAR n : DINT; END_VAR\nn := n / k;\nEND_FUNCTION_BLOCK\n";
    text(unit, &variables("p", "Part"), |n, _, _| format!("p{n}();"))
}

fn reference() -> String {
    let unit = "FUNCTION_BLOCK Part\nVAR_INPUT k : DINT := 3; END_VAR\nVAR_IN_OUT n : DINT; END_VAR\nn := n / k;\nEND_FUNCTION_BLOCK\n";
    let all = variables("p", "Part") + &variables("d", "DINT := 9");
    text(unit, &all, |n, _, c| format!("p{n}(n := d{c});"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_program_that_consists_of_it() {
        for (class, image) in images().unwrap() {
            let found = program(&image, 0, &Settings { weights: Weights::default(), budget: BUDGET, open: &[] });
            assert!(found.is_bound(), "{class:?} {found:?}");
            let count = found.cost.class(class);
            assert!(count >= STATEMENTS as u64, "{class:?} counts {count} times in {found:?}");
        }
        let mut classes: Vec<Class> = PROGRAMS.iter().map(|p| p.0).collect();
        classes.sort_unstable();
        assert_eq!(classes, Class::ALL);
    }

    #[test]
    fn what_is_written_is_read_back_and_mistakes_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("box.json");
        let mut weights = Weights::default();
        Class::ALL.iter().zip(1..).for_each(|(class, n)| weights.set(*class, n * 1234));
        let calibration = Calibration { engines: vec![("interpreter".into(), weights)], origin: String::new() };
        write(&calibration, &path).unwrap();
        assert_eq!(read(&path).unwrap().engines, calibration.engines);
        let text = std::fs::read_to_string(&path).unwrap();
        let refused = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read(&path).unwrap_err().what
        };
        assert!(refused("{").contains("is no calibration"));
        assert!(refused("{}").contains("`kind` is not `plcrun calibration`"));
        assert!(refused(&text.replace("\"real\"", "\"rael\"")).contains("`interpreter` has no time for `real`"));
        assert!(refused(&text.replace("0.001234", "-1.0")).contains("has no time for `logic`"));
    }
}
