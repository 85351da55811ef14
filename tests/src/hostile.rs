//! What must hold for images and I/O maps whatever stands in them.
//!
//! One function each, called by tests with changed files, by the replay of the fuzz corpus and by the fuzz targets, so
//! that all of them mean the same.

use crate::optimised::{Spent, compare, image as image_of};
use bytecode::image::{Place, Symbol};
use bytecode::types::TypeKind;
use bytecode::wire::{decode, seal};
use bytecode::{Image, VerifiedImage};
use compiler::source::SourceMap;
use compiler::{Options, compile};
use runtime::config::files::Texts;
use runtime::config::{Severity, load};
use runtime::vm::reference::Reference;
use runtime::vm::{Budget, Engine, Interpreter, Memory, Native};
use std::path::Path;
use std::sync::LazyLock;

/// Scans each accepted image runs.
const SCANS: i64 = 3;
/// Units a scan may spend: changed code loops for ever soon enough.
const BUDGET: u64 = 20_000;

/// Takes bytes for the sections of an image file: it is refused, or runs within its bounds and alike on every engine.
///
/// # Errors
/// Where the engines differ.
pub fn image(sections: &[u8]) -> Result<(), String> {
    let Ok(image) = decode(&seal(sections)) else { return Ok(()) };
    let Ok(verified) = bytecode::verify(image) else { return Ok(()) };
    // A data segment of gigabytes is within the rules, and no work for a test.
    if verified.data.size > 1 << 20 {
        return Ok(());
    }
    let mut level = sections.iter().rev().copied().cycle();
    run_alike(&verified, || level.next().unwrap_or(0))
}

/// Runs a verified image for a few scans on every engine; `random` gives the bytes of its inputs.
///
/// # Errors
/// Where the engines differ.
pub fn run_alike(image: &VerifiedImage, mut random: impl FnMut() -> u8) -> Result<(), String> {
    let inputs: Vec<Vec<u8>> = (0..SCANS).map(|_| (0..image.data.input_bytes).map(|_| random()).collect()).collect();
    alike::<Interpreter>(image, &inputs)?;
    alike::<Native>(image, &inputs)?;
    Ok(())
}

/// Runs an image on the reference engine and on another, with these inputs in each scan: how many scans ended without
/// a fault.
fn alike<E: Engine>(image: &VerifiedImage, inputs: &[Vec<u8>]) -> Result<usize, String> {
    let (mut reference, mut engine) = (Reference::load(image), E::load(image));
    let (mut one, mut two) = (Memory::new(image.image()), Memory::new(image.image()));
    for (number, (scan, inputs)) in (0_i64..).zip(inputs).enumerate() {
        for memory in [&mut one, &mut two] {
            for (to, from) in memory.inputs_mut().iter_mut().zip(inputs) {
                *to = *from;
            }
        }
        let place = |engine: &E| format!("{}, scan {scan}", engine.name());
        for program in 0..image.programs.len() {
            let (mut left_one, mut left_two) = (Budget::new(BUDGET), Budget::new(BUDGET));
            let first = reference.run(&mut one, program, scan * 10_000_000, &mut left_one);
            let second = engine.run(&mut two, program, scan * 10_000_000, &mut left_two);
            if first != second {
                return Err(format!("{}: {first:?} and {second:?}", place(&engine)));
            }
            if left_one.left() != left_two.left() {
                return Err(format!("{}: budget {} and {}", place(&engine), left_one.left(), left_two.left()));
            }
            if first.is_err() {
                // What is in memory after a fault is diagnostic only.
                return Ok(number);
            }
        }
        if observed(image, &one) != observed(image, &two) {
            return Err(format!("{}: outputs, flags or variables differ", place(&engine)));
        }
    }
    Ok(inputs.len())
}

/// What can be seen of the memory between two scans: outputs, flags, and the bytes of every variable. What else is in it
/// may be a temporary, which engines need not store.
fn observed(image: &VerifiedImage, memory: &Memory) -> Vec<Vec<u8>> {
    let value = |symbol: &Symbol| {
        let ty = image.ty(symbol.ty)?;
        let element = if let TypeKind::Array { element, .. } = ty.kind { image.ty(element)? } else { ty };
        let scalar = element.scalar()?;
        match symbol.place {
            Place::Bit { .. } => memory.read(symbol.place, scalar).map(|bits| vec![u8::from(bits != 0)]),
            Place::Byte(offset) => memory.data().get(offset as usize..)?.get(..ty.size as usize).map(<[u8]>::to_vec),
        }
    };
    let areas = [memory.outputs().to_vec(), memory.flags().to_vec()];
    areas.into_iter().chain(image.symbols.iter().map(|symbol| value(symbol).unwrap_or_default())).collect()
}

/// Scans of a generated program.
pub const SCANS_GENERATED: usize = 12;

/// Runs a generated program, optimised and not, on every engine with inputs that change, and the optimised beside the
/// other; how many scans it ran without a fault.
///
/// # Errors
/// It does not compile, is not verified, the engines differ, or the optimiser changed what can be seen.
pub fn generated(text: &str) -> Result<usize, String> {
    let (plain, optimised) = (image_of(text, false)?, image_of(text, true)?);
    let input = |scan: usize, byte: u32| (scan * 37 + byte as usize * 11) as u8;
    let inputs: Vec<Vec<u8>> =
        (0..SCANS_GENERATED).map(|scan| (0..plain.data.input_bytes).map(|b| input(scan, b)).collect()).collect();
    compare(&plain, &optimised, &inputs, Spent::UnoptimisedFirst)?;
    let mut scans = 0;
    for image in [&optimised, &plain] {
        scans = alike::<Interpreter>(image, &inputs)?;
        // Where the machine has native code, the interpreter in its place would compare nothing.
        if let Some(why) = Native::load(image).fallback().filter(|_| cfg!(target_arch = "x86_64")) {
            return Err(format!("no native code: {why}"));
        }
        alike::<Native>(image, &inputs)?;
    }
    Ok(scans)
}

/// The program hostile maps are for.
const PROGRAM: &str = "PROGRAM P VAR fwd_pb AT %IX0.0 : BOOL; rev_pb AT %IX0.1 : BOOL; stop_ok AT %IX0.2 : BOOL; fwd_aux AT %IX0.3 : BOOL; \
    fwd AT %QX0.0 : BOOL; rev AT %QX0.1 : BOOL; level AT %QW1 : WORD; END_VAR fwd := fwd_pb; rev := rev_pb; END_PROGRAM";
const SHEET: &str = include_str!("../../io-config/relays/wago-859-386.yaml");

static IMAGE: LazyLock<Option<Image>> = LazyLock::new(|| {
    let mut sources = SourceMap::new();
    let file = sources.add("program.st", PROGRAM);
    compile(&sources, &[file], Options { optimise: true }).image
});

/// Takes a text for an I/O map: it is accepted or has errors, each finding with a message and with a place
/// inside its file.
///
/// # Errors
/// Which of that does not hold.
pub fn io_map(text: &str) -> Result<(), String> {
    let image = IMAGE.as_ref().ok_or("the program of this check does not compile")?;
    let files = Texts::new().with("map.yaml", text).with("wago-859-386.yaml", SHEET);
    let loaded = load(Path::new("map.yaml"), &files, image);
    let errors = loaded.findings.iter().any(|f| f.severity == Severity::Error);
    if errors == loaded.map.is_some() {
        return Err(format!("errors: {errors}, map: {}", loaded.map.is_some()));
    }
    // A carriage return alone is a line break, too (YAML 1.2, section 5.4). The end of the text may be on a line of its own.
    let lines = text.chars().filter(|c| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')).count() + 2;
    for finding in &loaded.findings {
        let outside = finding.file == "map.yaml" && finding.place.line as usize > lines;
        if outside || finding.message.is_empty() {
            return Err(format!("a finding outside of its file or without a message: {finding:?}"));
        }
    }
    Ok(())
}
