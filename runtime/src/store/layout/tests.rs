use super::*;
use bytecode::VerifiedImage;
use compiler::source::SourceMap;

fn program(text: &str) -> VerifiedImage {
    let mut sources = SourceMap::new();
    let id = sources.add("p.st", text);
    let compiled = compiler::compile(&sources, &[id], compiler::Options::default());
    let image = compiled.image.unwrap_or_else(|| {
        panic!("{}", compiler::diag::render_all(&sources, &compiled.diagnostics, compiler::diag::Style::Plain))
    });
    bytecode::verify(image).unwrap()
}

fn with(declarations: &str) -> VerifiedImage {
    program(&format!("PROGRAM Main\n{declarations}\nEND_PROGRAM\n"))
}

/// Keeps a program's data as it stands in `memory`.
fn keep(layout: &Layout, memory: &Memory) -> Document {
    let mut copy = vec![0; layout.bytes()];
    layout.take(memory.data(), &mut copy);
    let values: Vec<u64> = layout.values(&copy).collect();
    let rows = values.iter().enumerate().filter_map(|(index, bits)| layout.stored(index, *bits));
    Document { values: rows.collect(), ..Document::default() }
}

fn set(image: &VerifiedImage, memory: &mut Memory, path: &str, bits: u64) {
    let variable = image.variable(path).unwrap();
    assert!(image.write(memory.data_mut(), &variable, bits), "{path}");
}

fn get(image: &VerifiedImage, memory: &Memory, path: &str) -> u64 {
    image.read(memory.data(), &image.variable(path).unwrap()).unwrap()
}

const FIRST: &str = "VAR RETAIN count : DINT; on : BOOL; far AT %QX3.5 : BOOL; recipe : ARRAY[1..3] OF INT; END_VAR\n\
    VAR PERSISTENT total : ULINT; END_VAR\nVAR free : DINT; END_VAR";

fn filled() -> (VerifiedImage, Document) {
    let image = with(FIRST);
    let mut memory = Memory::new(&image);
    for (path, bits) in
        [("count", 41), ("on", 1), ("far", 1), ("recipe[2]", 22), ("recipe[3]", 33), ("total", u64::MAX), ("free", 5)]
    {
        set(&image, &mut memory, path, bits);
    }
    let document = keep(&Layout::of(&image).unwrap(), &memory);
    (image, document)
}

#[test]
fn the_same_program_finds_everything_again() {
    let (image, document) = filled();
    let mut memory = Memory::new(&image);
    let (outcome, changes) = restore(&Layout::of(&image).unwrap(), &document, &mut memory, false);
    assert_eq!(outcome, Restored { restored: 7, ..Restored::default() });
    assert_eq!(changes, []);
    for (path, bits) in
        [("count", 41), ("on", 1), ("far", 1), ("recipe[1]", 0), ("recipe[3]", 33), ("total", u64::MAX), ("free", 0)]
    {
        assert_eq!(get(&image, &memory, path), bits, "{path}");
    }
}

#[test]
fn a_changed_program_keeps_what_fits_and_the_rest_goes_aside() {
    let (_, mut document) = filled();
    // `on` is gone, `count` has another type, the array has grown, one is new.
    let image = with(
        "VAR RETAIN new : INT; COUNT : LINT; far AT %QX3.5 : BOOL; recipe : ARRAY[2..5] OF INT; END_VAR\n\
         VAR PERSISTENT total : ULINT; END_VAR",
    );
    let layout = Layout::of(&image).unwrap();
    let mut memory = Memory::new(&image);
    let (mut outcome, changes) = restore(&layout, &document, &mut memory, false);
    outcome.unfit.sort();
    assert_eq!(outcome.unfit, ["Main.count", "Main.on", "Main.recipe[1]"]);
    assert_eq!((outcome.restored, outcome.fresh), (4, 4));
    assert_eq!((get(&image, &memory, "recipe[3]"), get(&image, &memory, "count")), (33, 0));
    assert_eq!(changes.len(), 6, "each leaves the values and goes aside");
    // The old program again: what went aside comes back.
    for change in changes {
        document.apply(&change);
    }
    let image = with(FIRST);
    let mut memory = Memory::new(&image);
    let (outcome, _) = restore(&Layout::of(&image).unwrap(), &document, &mut memory, false);
    assert_eq!((outcome.restored, outcome.taken_back, outcome.unfit), (7, 3, Vec::new()));
    assert_eq!((get(&image, &memory, "count"), get(&image, &memory, "on")), (41, 1));
}

#[test]
fn a_cold_start_keeps_persistent_values_only() {
    let (image, document) = filled();
    let mut memory = Memory::new(&image);
    let (outcome, _) = restore(&Layout::of(&image).unwrap(), &document, &mut memory, true);
    assert_eq!((outcome.restored, outcome.dropped), (1, 6));
    assert_eq!((get(&image, &memory, "total"), get(&image, &memory, "count")), (u64::MAX, 0));
}

#[test]
fn a_boolean_is_0_or_1_whatever_the_file_says() {
    let (image, mut document) = filled();
    document.values.get_mut("main.on").unwrap().bits = 0xfe;
    let mut memory = Memory::new(&image);
    restore(&Layout::of(&image).unwrap(), &document, &mut memory, false);
    let variable = image.variable("on").unwrap();
    let bytecode::image::Place::Byte(at) = variable.place else { panic!("{variable:?}") };
    assert_eq!(memory.data()[at as usize], 1);
}

#[test]
fn a_program_without_retained_variables_keeps_nothing() {
    let layout = Layout::of(&with("VAR n : INT; END_VAR")).unwrap();
    assert!(layout.is_empty() && layout.bytes() == 0);
}
