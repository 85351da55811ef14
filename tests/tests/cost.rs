//! The bound of `plcrun check --cost` holds: no scan of any program of this repository runs more instructions, or charges more
//! units, than the analysis says, whatever its inputs are.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use bytecode::image::Place;
use bytecode::{ScalarType, VerifiedImage};
use compiler::source::SourceMap;
use compiler::{Options, compile};
use conformance::case::Case;
use lint::cost::{ProgramCost, Settings, Weights, program};
use runtime::vm::reference::Reference;
use runtime::vm::{Budget, Engine, Memory};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const SCANS: i64 = 150;
const SCAN_NS: i64 = 10_000_000;
/// Loops that may charge more are open, and say nothing that could be tested.
const BUDGET: u64 = 20_000;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Values loops care about: small ones, the ends of the type, any.
    fn bits(&mut self, ty: ScalarType) -> u64 {
        let any = self.next();
        match ty {
            ScalarType::Bool => any & 1,
            ScalarType::F32 => u64::from(((any % 2001) as f32 - 1000.0).to_bits()),
            ScalarType::F64 => ((any % 2001) as f64 - 1000.0).to_bits(),
            ScalarType::I8
            | ScalarType::U8
            | ScalarType::I16
            | ScalarType::U16
            | ScalarType::I32
            | ScalarType::U32
            | ScalarType::I64
            | ScalarType::U64 => {
                let mask = u64::MAX >> (64 - ty.bits());
                match self.next() % 4 {
                    0 | 1 => any % 21,
                    2 => mask >> (any % 2),
                    _ => any & mask,
                }
            }
        }
    }
}

/// A program file with what else belongs to it, and the variables its case writes.
struct File {
    path: PathBuf,
    with: Vec<PathBuf>,
    set: BTreeSet<String>,
}

impl File {
    fn of(path: PathBuf) -> Self {
        let case = std::fs::read_to_string(path.with_extension("yaml")).ok();
        let case: Option<Case> = case.and_then(|text| serde_yaml::from_str(&text).ok());
        let with = case.iter().flat_map(|c| &c.with).map(|name| path.with_file_name(name)).collect();
        let set = case.iter().flat_map(|c| &c.steps).flat_map(|step| step.set.keys().cloned()).collect();
        Self { path, with, set }
    }

    fn image(&self, optimise: bool) -> Option<VerifiedImage> {
        let mut map = SourceMap::new();
        let files = std::iter::once(&self.path).chain(&self.with);
        let ids: Vec<_> =
            files.map(|file| map.add(file.display().to_string(), std::fs::read_to_string(file).unwrap())).collect();
        Some(bytecode::verify::verify(compile(&map, &ids, Options { optimise }).image?).unwrap())
    }
}

/// Offset and length.
type Bytes = (u32, u32);

/// What the case writes: where, and of what type.
fn written(image: &VerifiedImage, set: &BTreeSet<String>) -> (Vec<Bytes>, Vec<(Place, ScalarType)>) {
    let variables: Vec<_> = set.iter().filter_map(|name| image.variable(name).ok()).collect();
    let bytes = variables.iter().filter_map(|v| match v.place {
        Place::Byte(offset) => Some((offset, image.ty(v.ty)?.size)),
        Place::Bit { .. } => None,
    });
    let scalars = variables.iter().filter_map(|v| Some((v.place, image.scalar_of(v)?)));
    (bytes.collect(), scalars.collect())
}

/// Runs a program from power-up on random inputs, and holds every scan against the bound.
fn hold(
    name: &str,
    image: &VerifiedImage,
    (index, scans): (usize, i64),
    bound: &ProgramCost,
    set: &[(Place, ScalarType)],
) {
    let (mut engine, mut memory) = (Reference::load(image), Memory::new(image));
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for scan in 0..scans {
        for byte in memory.inputs_mut() {
            if random.next().is_multiple_of(3) {
                *byte = random.next().to_le_bytes()[0];
            }
        }
        for (place, ty) in set {
            let bits = random.bits(*ty);
            assert!(memory.write(*place, *ty, bits));
        }
        let (before, mut budget) = (engine.executed(), Budget::new(10_000_000));
        let result = engine.run(&mut memory, index, scan * SCAN_NS, &mut budget);
        let (ran, spent) = (engine.executed() - before, 10_000_000 - budget.left());
        let most = bound.cost;
        assert!(ran <= most.instructions, "{name} scan {scan}: {ran} instructions, bound {}", most.instructions);
        assert!(spent <= most.units, "{name} scan {scan}: {spent} units, bound {}", most.units);
        if result.is_err() {
            // A fault ends a run; the next one begins at power-up.
            memory = Memory::new(image);
        }
    }
}

#[test]
fn no_scan_of_any_program_costs_more_than_its_bound() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = conformance::files_below(&root.join("lang"), &["st", "ld"]).unwrap();
    paths.extend(conformance::files_below(&root.join("../programs"), &["st", "ld"]).unwrap());
    let (mut bounded, mut open) = (0, Vec::new());
    for file in paths.into_iter().map(File::of) {
        for image in [false, true].into_iter().filter_map(|optimise| file.image(optimise)) {
            let (bytes, scalars) = written(&image, &file.set);
            for index in 0..image.programs.len() {
                let settings = Settings { weights: Weights::default(), budget: BUDGET, open: &bytes };
                let bound = program(&image, index, &settings);
                assert_eq!(bound.unknown, None, "{}", file.path.display());
                if bound.is_bound() {
                    bounded += 1;
                    hold(&file.path.display().to_string(), &image, (index, SCANS), &bound, &scalars);
                } else {
                    open.push(format!("{}: {:?}", file.path.display(), bound.open));
                }
            }
        }
    }
    // Optimised and not. The one program that never ends has no bound; every other one has.
    assert!(bounded >= 60, "only {bounded} programs have a bound; open are\n{}", open.join("\n"));
    let unexpected: Vec<_> = open.iter().filter(|name| !name.contains("faults/endless.st")).collect();
    assert!(unexpected.is_empty() && open.len() == 2, "{open:?}");
}

/// Code no compiler makes: words of instructions exchanged for those of others, as long as the verifier takes it.
#[test]
fn changed_images_keep_to_their_bound_too() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut random = Random(0xD1B5_4A32_D192_ED03);
    let (mut bounded, mut open) = (0, 0);
    for file in conformance::files_below(&root.join("lang"), &["st", "ld"]).unwrap().into_iter().map(File::of) {
        let Some(original) = file.image(true) else { continue };
        for _ in 0..150 {
            let mut image = original.image().clone();
            for _ in 0..=random.next() % 3 {
                change(&mut image, &mut random);
            }
            let Ok(image) = bytecode::verify::verify(image) else { continue };
            for index in 0..image.programs.len() {
                let settings = Settings { weights: Weights::default(), budget: 2_000, open: &[] };
                let bound = program(&image, index, &settings);
                if bound.is_bound() {
                    bounded += 1;
                    hold(&file.path.display().to_string(), &image, (index, 5), &bound, &[]);
                } else {
                    open += 1;
                }
            }
        }
    }
    assert!(bounded > 500, "{bounded} changed images have a bound, {open} have none: the test says little");
}

/// One word of an instruction, or its operation, becomes that of another one.
fn change(image: &mut bytecode::Image, random: &mut Random) {
    let count = image.code.len() as u64;
    let mut pick = || (random.next() % count) as usize;
    let (to, from) = (pick(), pick());
    let other = *image.code.get(from).unwrap();
    let word = pick() % 5;
    let instr = image.code.get_mut(to).unwrap();
    match instr.w.get_mut(word) {
        Some(to) => *to = other.w[word],
        None => (instr.op, instr.ty, instr.x) = (other.op, other.ty, other.x),
    }
}
