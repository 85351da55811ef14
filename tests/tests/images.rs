//! Hostile images: whatever the verifier lets through runs within its bounds, and alike on every engine.
//!
//! The conformance programs are compiled, then words of their code, access rows and initial values are changed at
//! random (the same changes in every run). Most changed images are refused; those that are not run for a few scans.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use bytecode::Image;
use compiler::source::SourceMap;
use compiler::{Options, compile};
use conformance::hostile;
use std::path::{Path, PathBuf};

/// Changed images tried for each program.
const CHANGED: usize = 1_000;

/// A small deterministic generator (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n.max(1) as u64).unwrap()
    }
}

fn programs() -> Vec<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = conformance::files_below(&here.join("lang"), &["st", "ld"]).unwrap();
    files.extend(conformance::files_below(&here.join("../programs"), &["st", "ld"]).unwrap());
    files
}

fn image_of(path: &Path, optimise: bool) -> Option<Image> {
    let mut sources = SourceMap::new();
    let id = sources.add(path.display().to_string(), std::fs::read_to_string(path).unwrap());
    compile(&sources, &[id], Options { optimise }).image
}

/// One or two changes, near enough to what is there that the verifier does not refuse them all.
fn change(image: &mut Image, random: &mut Random) {
    for _ in 0..=random.below(2) {
        let other = image.code[random.below(image.code.len())];
        let at = random.below(image.code.len());
        let instr = &mut image.code[at];
        let word = random.below(4);
        match random.below(8) {
            0 => instr.w[word] = other.w[word],
            1 => instr.w[word] ^= 1 << random.below(32),
            2 => instr.w[word] = instr.w[word].wrapping_add(8),
            3 => *instr = other,
            4 => instr.op = other.op,
            5 => instr.ty = other.ty,
            6 if !image.accesses.is_empty() => {
                let row = random.below(image.accesses.len());
                image.accesses[row].count = image.accesses[row].count.wrapping_add(1);
            }
            _ if !image.constants.bytes.is_empty() => {
                let byte = random.below(image.constants.bytes.len());
                image.constants.bytes[byte] ^= 1 << random.below(8);
            }
            _ => instr.x ^= 1,
        }
    }
}

#[test]
fn changed_images_are_refused_or_run_within_their_bounds() {
    let mut random = Random(0x706c_6372_756e);
    let (mut refused, mut ran) = (0, 0);
    for path in programs() {
        let Some(image) = image_of(&path, random.next().is_multiple_of(2)) else { continue };
        for _ in 0..CHANGED {
            let mut changed = image.clone();
            change(&mut changed, &mut random);
            match bytecode::verify(changed) {
                Ok(verified) => {
                    ran += 1;
                    let alike = hostile::run_alike(&verified, || random.next().to_le_bytes()[0]);
                    alike.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                }
                Err(_) => refused += 1,
            }
        }
    }
    // Both happen, or the test tests nothing.
    assert!(refused > 100 && ran > 100, "{refused} refused, {ran} ran");
}

/// The seeds of the fuzz target, and every file it ever found something with.
#[test]
fn seeds_of_the_fuzz_targets_hold() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus-seeds");
    let mut count = 0;
    for path in conformance::files_below(&seeds.join("image"), &["sections"]).unwrap() {
        let bytes = std::fs::read(&path).unwrap();
        hostile::image(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        count += 1;
    }
    for path in conformance::files_below(&seeds.join("io_map"), &["yaml"]).unwrap() {
        let text = std::fs::read_to_string(&path).unwrap();
        hostile::io_map(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        count += 1;
    }
    assert!(count >= 10, "only {count} seeds found");
}

/// `UPDATE_SEEDS=1` writes the image seeds anew: after a change of the format the old ones would all be refused.
#[test]
fn image_seeds_are_of_this_format() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["blocks/timers.ld", "blocks/counters.st", "ladder/instances.ld", "st/arrays.st", "st/calls.st"] {
        let source = here.join("lang").join(name);
        let seed =
            here.join("../fuzz/corpus-seeds/image").join(name.replace(['/', '.'], "-")).with_extension("sections");
        let whole = bytecode::wire::encode(&image_of(&source, true).unwrap()).unwrap();
        let sections = &whole[bytecode::wire::SECTIONS_AT..];
        if std::env::var_os("UPDATE_SEEDS").is_some() {
            std::fs::write(&seed, sections).unwrap();
        }
        let written = std::fs::read(&seed).unwrap_or_default();
        assert!(
            bytecode::wire::decode(&bytecode::wire::seal(&written)).is_ok(),
            "{}: run with UPDATE_SEEDS=1",
            seed.display()
        );
    }
}
