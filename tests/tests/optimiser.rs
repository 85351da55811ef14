//! The optimiser changes nothing that can be seen: every program, optimised and not, on the same random inputs.
#![allow(clippy::unwrap_used, clippy::panic)]

use conformance::optimised::{Spent, compare, image};
use std::path::Path;

const SCANS: usize = 400;

/// Few inputs change at a time, so that timers get somewhere.
fn inputs(seed: u64, bytes: u32) -> Vec<Vec<u8>> {
    let mut random = seed | 1;
    let mut inputs = vec![0u8; bytes as usize];
    let mut change = |byte: &mut u8| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        if random.is_multiple_of(5) {
            *byte ^= 1 << ((random >> 8) % 8);
        }
    };
    let scans = (0..SCANS).map(|_| {
        inputs.iter_mut().for_each(&mut change);
        inputs.clone()
    });
    scans.collect()
}

#[test]
fn every_program_does_the_same_optimised() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = conformance::files_below(&root.join("lang"), &["st", "ld"]).unwrap();
    files.extend(conformance::files_below(&root.join("../programs"), &["st", "ld"]).unwrap());
    let mut compared = 0;
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        // Some are one file of several.
        let (Ok(plain), Ok(optimised)) = (image(&text, false), image(&text, true)) else { continue };
        compared += 1;
        for seed in 1..=4 {
            let inputs = inputs(seed * 0x9E37_79B9, plain.data.input_bytes);
            compare(&plain, &optimised, &inputs, Spent::Alike)
                .unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        }
    }
    assert!(compared > 20, "{compared}");
}
