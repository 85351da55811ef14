//! Programs made of random bytes compile, optimised and not, and run alike on every engine.
#![allow(clippy::unwrap_used, clippy::panic)]

use conformance::{generate, hostile};

/// Programs tried; `PROGRAMS=n` tries others than the usual number.
const PROGRAMS: u64 = 150;

fn bytes(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..200 + seed % 400).map(|_| next()).collect()
}

#[test]
fn engines_agree_on_generated_programs() {
    let count = std::env::var("PROGRAMS").ok().and_then(|n| n.parse().ok()).unwrap_or(PROGRAMS);
    let mut complete = 0;
    for seed in 0..count {
        let text = generate::program(&bytes(seed));
        match hostile::generated(&text) {
            Ok(scans) => complete += u64::from(scans == hostile::SCANS_GENERATED),
            Err(why) => panic!("seed {seed}: {why}\n{text}"),
        }
    }
    // Programs that all fault in their first scan would compare little.
    assert!(complete * 5 > count, "only {complete} of {count} ran every scan");
}
